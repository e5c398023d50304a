"""Corrections over HTTP: preview, a second person, filters, refusals; and disputes beside them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG_CODE = {"id": "fix-1", "orders": [{"source": "shop", "id": "1001"}], "to": [{"host": "h8"}], "reason": "poster"}


def correction(**changed: object) -> dict[str, object]:
    return WRONG_CODE | changed


async def key_of(api: Api, person: str, *scopes: str) -> dict[str, str]:
    answer = await api.client.post("/v1/keys", json={"person": person, "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['key']}"}


@pytest_asyncio.fixture(loop_scope="module")
async def strict(event: EventClient) -> AsyncIterator[EventClient]:
    """An event where a correction above 20.00 needs a second person; h7 sold for 34.00."""
    await event.ok("PATCH", "/rules", {"approval_above": "20.00"})
    await event.order(host="h7")
    yield event


async def test_preview_says_who_would_stand_where_and_writes_nothing(event: EventClient):
    await event.order(host="h7")
    head = await event.head()

    response = await event.post("/reattributions", correction(preview=True))

    assert (response.status_code, await event.head()) == (200, head)
    document = response.json()
    assert document["orders"] == [{"source": "shop", "id": "1001"}]
    assert (document["amount"], document["needs_approval"]) == ("34.00", False)
    changes = {row["id"]: (row["net_sales"], row["rank"]) for row in document["hosts"]}
    assert changes["h7"][0] == {"before": "34.00", "after": "0.00"}
    assert changes["h8"] == ({"before": "0.00", "after": "34.00"}, {"before": 3, "after": 1})


async def test_preview_says_what_hosts_would_earn_more_or_less(event: EventClient):
    await event.ok("PATCH", "/rules", {"commission": {"bps": 1_000}})
    # Behind the rule, which holds from the fixture's now.
    await event.order(host="h7", paid_at="2021-04-10T12:01:00Z")

    document = await event.ok("POST", "/reattributions", correction(preview=True))

    assert document["commission"] == [{"host": "h7", "amount": "-3.40"}, {"host": "h8", "amount": "3.40"}]


async def test_correction_moves_the_order_and_its_history_says_so(event: EventClient):
    await event.order(host="h7")

    response = await event.post("/reattributions", correction())

    assert response.status_code == 201
    assert response.json() == {"id": "fix-1", "position": 6, "state": "made", "amount": "34.00"}
    assert await event.scores() == {"h8": "34.00"}
    history = (await event.ok("GET", "/orders/shop/1001"))["entries"]
    assert [entry["kind"] for entry in history] == ["order.paid", "order.reattributed"]
    assert history[0]["changes"] == [{"host": "h7", "team": "ruby", "amount": "34.00"}]
    told = {name: history[1][name] for name in ("actor", "person", "reason", "changes")}
    assert told == {
        "actor": "key:admin",
        "person": "admin",
        "reason": correction()["reason"],
        "changes": [
            {"host": "h7", "team": "ruby", "amount": "-34.00"},
            {"host": "h8", "team": history[1]["changes"][1]["team"], "amount": "34.00"},
        ],
    }
    again = await event.post("/reattributions", correction())
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")


async def test_correction_above_the_limit_waits_until_a_second_person_approves(api: Api, strict: EventClient):
    ines, joe = await key_of(api, "ines", "finance"), await key_of(api, "joe", "finance")
    other_of_ines = await key_of(api, "ines", "finance")

    asked = await strict.post("/reattributions", correction(), headers=ines)
    waiting = (await strict.ok("GET", "/corrections"))["corrections"]
    own = await strict.post("/corrections/fix-1/approve", {"reason": "mine"}, headers=other_of_ines)
    admin = await strict.post("/corrections/fix-1/approve", {"reason": "root"})
    approved = await strict.post("/corrections/fix-1/approve", {"reason": "checked"}, headers=joe)

    assert (asked.json()["state"], [item["id"] for item in waiting]) == ("waiting", ["fix-1"])
    assert (own.status_code, own.json()["code"]) == (409, "own_correction")
    assert (admin.status_code, admin.json()["code"]) == (409, "admin_cannot_approve")
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    assert await strict.scores() == {"h8": "34.00"}
    assert (await strict.ok("GET", "/corrections"))["corrections"] == []


async def test_correction_that_waits_keeps_the_event_from_becoming_final_until_it_is_withdrawn(strict: EventClient):
    await strict.ok("POST", "/reattributions", correction())
    await strict.move("ended")

    final = await strict.post("/transitions", {"to": "final"})
    withdrawn = await strict.post("/corrections/fix-1/withdraw", {"reason": "mistaken"})

    assert (final.status_code, final.json()["code"]) == (409, "corrections_open")
    assert withdrawn.status_code == 200
    await strict.move("final")
    assert await strict.scores() == {"h7": "34.00"}


async def test_filter_previews_the_orders_that_it_finds_by_who_has_them_now(event: EventClient):
    await event.sell("1", "h7")
    await event.sell("2", "h7")
    await event.sell("3", "h8")
    await event.ok("POST", "/reattributions", correction(orders=[{"source": "shop", "id": "2"}]))

    asked = correction(id="fix-2", orders=[], filter={"host": "h7"}, preview=True)
    found = await event.ok("POST", "/reattributions", asked)
    none = await event.post("/reattributions", correction(id="fix-2", orders=[], filter={"host": "h9"}, preview=True))
    written = await event.post("/reattributions", correction(id="fix-2", orders=[], filter={"host": "h7"}))

    assert found["orders"] == [{"source": "shop", "id": "1"}]
    assert (none.status_code, none.json()["code"]) == (422, "orders_missing")
    assert (written.status_code, written.json()["code"]) == (422, "filter_not_alone")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"code": "lin10"}, ["1", "2"]),
        ({"session": "night"}, ["2", "3"]),
        ({"session": "Night"}, []),
        ({"source": "shop", "code": "LIN10", "session": "night"}, ["2"]),
        ({"source": "till"}, []),
        ({"paid_from": "2021-04-10T12:00:01Z"}, ["3"]),
        ({"paid_to": "2021-04-10T12:00:01Z"}, ["1", "2"]),
    ],
)
async def test_filter_finds_what_an_order_or_one_of_its_lines_names(event: EventClient, asked, found):
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h9"}], "started_at": "2021-04-09T12:00:00Z"})
    await event.order(id="1", code="LIN10", paid_at="2021-04-10T12:00:00Z")
    lines = [factories.line(id="a", code="Lin10"), factories.line(id="b", session="night")]
    await event.order(id="2", lines=lines, paid_at="2021-04-10T12:00:00Z")
    await event.order(id="3", session="night", paid_at="2021-04-10T12:00:01Z")

    body = correction(id="fix", orders=[], to=[{"host": "h8"}], filter=asked, preview=True)
    answer = await event.post("/reattributions", body)

    assert [order["id"] for order in answer.json().get("orders", ())] == found


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"orders": []}, 422, "orders_missing"),
        ({"to": [{"host": "h8"}, {"host": "h8"}]}, 422, "host_repeated"),
        ({"to": [{"host": "nobody"}]}, 422, "unknown_host"),
        ({"orders": [{"source": "shop", "id": "none"}]}, 409, "order_not_there"),
        ({"to": [{"host": "h7"}]}, 409, "nothing_to_correct"),
        ({"reason": " "}, 422, "invalid_value"),
    ],
)
async def test_correction_that_cannot_be_is_refused_and_leaves_no_trace(event: EventClient, changed, status, code):
    await event.order(host="h7")
    head = await event.head()

    response = await event.post("/reattributions", correction(**changed))

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await event.head() == head


async def test_corrections_need_the_scope_of_finance(api: Api, event: EventClient):
    ops = await key_of(api, "olga", "ops", "orders", "audit")

    asked = await event.post("/reattributions", correction(), headers=ops)
    approved = await event.post("/corrections/fix-1/approve", {"reason": "yes"}, headers=ops)

    assert (asked.status_code, approved.status_code) == (403, 403)
    assert asked.json()["code"] == "scope_missing"


async def test_amount_rules_are_decimal_strings_of_the_events_currency(event: EventClient):
    wrong = await event.client.patch(f"{event.path}/rules", json={"approval_above": 20})
    exact = await event.client.patch(f"{event.path}/rules", json={"approval_above": "20.005"})

    assert (wrong.status_code, wrong.json()["code"]) == (422, "rules_invalid")
    assert (exact.status_code, exact.json()["code"]) == (422, "too_many_decimals")
    document = await event.ok("PATCH", "/rules", {"approval_above": "20.00"})
    assert document["rules"]["approval_above"] == "20.00"
    assert (await event.ok("PATCH", "/rules", {"approval_above": None}))["rules"]["approval_above"] is None


async def test_dispute_opens_and_ends_by_the_same_call(event: EventClient):
    await event.order(host="h7")
    opening = {"id": "d-1", "source": "shop", "order": "1001", "amount": "17.00", "disputed_at": factories.PAID_AT}

    opened = await event.ok("POST", "/disputes", opening)
    disputed = await event.scores()
    won = await event.ok(
        "POST", "/disputes", {"id": "d-1", "source": "shop", "outcome": "won", "closed_at": factories.PAID_AT}
    )

    assert (opened["dispute"], opened["order"], opened["state"]) == ("d-1", "1001", "matched")
    assert disputed != {"h7": "34.00"}
    assert (won["outcome"], won["order"]) == ("won", "1001")
    assert [reversal["amount"][0] for reversal in won["reversals"]] == ["-"]
    assert await event.scores() == {"h7": "34.00"}
