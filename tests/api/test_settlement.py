"""From commission to payout over HTTP: rules, release, payouts and their repeats, adjustments, statements' ranges."""

import pytest
import pytest_asyncio

from tests.api.conftest import Clock
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_US = 86_400 * 1_000_000


@pytest_asyncio.fixture(loop_scope="module")
async def earning(event: EventClient, clock: Clock) -> EventClient:
    """Hosts earn a tenth; h7 sold for 34.00 so long ago that it is no longer held."""
    await event.ok("PATCH", "/rules", {"commission": {"bps": 1000, "hold_days": 7}})
    # Rules hold from now on: the order is paid a second later.
    clock.at += 1_000_000
    await event.order(host="h7", paid_at="2021-04-10T12:00:00.5Z")
    clock.at += 9 * DAY_US
    return event


async def test_rules_of_commission_are_shown_as_they_were_declared(event: EventClient):
    declared = {"bps": 500, "teams": {"ruby": 700}, "tiers": [["0.00", 100], ["1000.00", 900]], "cap": "50.00"}

    document = await event.ok("PATCH", "/rules", {"commission": declared})

    shown = document["rules"]["commission"]
    assert {name: shown[name] for name in declared} == declared
    assert (shown["hold_days"], shown["with_tax"], shown["products"]) == (14, False, {})
    again = await event.ok("PATCH", "/rules", {"commission": shown})
    assert again["rules_version"] == document["rules_version"]


@pytest.mark.parametrize(
    ("commission", "code"),
    [
        ({"bps": 10_001}, "rules_invalid"),
        ({"bps": -1}, "rules_invalid"),
        ({"rate": 1}, "rules_invalid"),
        ({"cap": 5}, "rules_invalid"),
        ({"cap": "0.001"}, "too_many_decimals"),
        ({"cap": "-1.00"}, "rules_invalid"),
        ({"tiers": [["1.00"]]}, "rules_invalid"),
        ({"tiers": [[None, 1]]}, "rules_invalid"),
        ({"tiers": "1.00"}, "rules_invalid"),
        ({"hold_days": 367}, "rules_invalid"),
        ("10 %", "rules_invalid"),
    ],
)
async def test_rules_of_commission_that_cannot_be_are_refused(event: EventClient, commission, code):
    response = await event.client.patch(f"{event.path}/rules", json={"commission": commission})

    assert (response.status_code, response.json()["code"]) == (422, code)


async def test_release_payout_and_its_repeat(earning: EventClient):
    released = await earning.ok("POST", "/releases", {"id": "april"})
    paid = await earning.post("/payouts", {"id": "p-1", "host": "h7", "amount": "3.40", "reference": "SEPA 77"})
    again = await earning.post("/payouts", {"id": "p-1", "host": "h7", "amount": "3.40", "reference": "SEPA 77"})
    other = await earning.post("/payouts", {"id": "p-1", "host": "h7", "amount": "3.39"})
    more = await earning.post("/payouts", {"id": "p-2", "host": "h7", "amount": "0.01"})

    assert (released["hosts"], released["amount"], released["until"]) == (1, "3.40", "2021-04-12T00:00:00.000000Z")
    assert (paid.status_code, paid.json()["available"]) == (201, "0.00")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json()["position"] == paid.json()["position"]
    assert (other.status_code, other.json()["code"]) == (409, "payout_conflict")
    assert (more.status_code, more.json()["code"]) == (409, "payout_above_available")


async def test_payout_that_came_back_is_available_again(earning: EventClient):
    await earning.ok("POST", "/releases", {"id": "april"})
    await earning.ok("POST", "/payouts", {"id": "p-1", "host": "h7", "amount": "3.40"})

    failed = await earning.ok("POST", "/payouts/p-1/fail", {"reason": "account closed"})
    unknown = await earning.post("/payouts/p-9/fail", {"reason": "?"})

    assert (failed["host"], failed["available"]) == ("h7", "3.40")
    assert (unknown.status_code, unknown.json()["code"]) == (409, "payout_unknown")


async def test_adjustment_is_available_at_once_and_moves_no_board(event: EventClient):
    before = await event.scores()

    made = await event.ok("POST", "/adjustments", {"id": "bonus", "host": "h8", "amount": "5.00", "reason": "newcomer"})
    zero = await event.post("/adjustments", {"id": "zero", "host": "h8", "amount": "0.00", "reason": "none"})
    await event.ok("POST", "/payouts", {"id": "p-1", "host": "h8", "amount": "5.00"})

    assert (made["state"], made["amount"]) == ("made", "5.00")
    assert (zero.status_code, zero.json()["code"]) == (422, "amount_not_possible")
    assert await event.scores() == before


async def test_statements_close_ranges_without_gap_or_overlap(event: EventClient):
    first = await event.ok("POST", "/statements", {"id": "march"})
    again = await event.ok("POST", "/statements", {"id": "march"})
    closed = await event.post("/statements", {"id": "again", "to": first["to"]})
    ahead = await event.post("/statements", {"id": "later", "to": 10_000})
    second = await event.ok("POST", "/statements", {"id": "april"})

    assert (first["from"], again) == (0, first)
    assert (closed.status_code, closed.json()["code"]) == (409, "range_closed")
    assert (ahead.status_code, ahead.json()["code"]) == (422, "position_in_future")
    assert second["from"] == first["to"]


async def test_settling_needs_the_scope_of_finance(api: Api, event: EventClient):
    answer = await api.client.post("/v1/keys", json={"person": "olga", "scopes": ["ops", "orders", "audit"]})
    ops = {"Authorization": f"Bearer {answer.json()['key']}"}

    for path, body in (
        ("/releases", {"id": "april"}),
        ("/payouts", {"id": "p", "host": "h7", "amount": "1.00"}),
        ("/payouts/p/fail", {"reason": "no"}),
        ("/statements", {"id": "s"}),
        ("/adjustments", {"id": "a", "host": "h7", "amount": "1.00", "reason": "no"}),
    ):
        assert (await event.post(path, body, headers=ops)).status_code == 403, path


async def test_what_if_answers_and_writes_nothing(earning: EventClient):
    head = await earning.head()

    found = await earning.ok("POST", "/what-if", {"rules": {"commission": {"bps": 2000}}})
    wrong = await earning.post("/what-if", {"rules": {"ranks": "none"}})

    assert found["hosts"] == [
        {
            "id": "h7",
            "net_sales": {"before": "34.00", "after": "34.00"},
            "rank": {"before": 1, "after": 1},
            "commission": {"before": "3.40", "after": "6.80"},
        }
    ]
    assert (found["teams"], found["refused"], await earning.head()) == ([], 0, head)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "rules_invalid")
