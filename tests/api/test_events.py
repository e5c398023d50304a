"""Events over HTTP: made, listed, moved through their life by people and by time, given rules."""

import asyncio
from typing import Any

import pytest

from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEFAULT_RULES: dict[str, Any] = {
    "link_hosts": [],
    "ranks": "distinct",
    "public_boards": False,
    "public_channels": [],
    "approval_above": None,
    "claim_days": 14,
    "claim_answer_days": 7,
    "commission": {
        "bps": 0,
        "teams": {},
        "products": {},
        "tiers": [],
        "cap": None,
        "with_tax": False,
        "with_shipping": False,
        "before_discount": False,
        "hold_days": 14,
    },
    "attribution": {
        "precedence": ["host", "code", "click", "session", "pin"],
        "click_days": 14,
        "cart_days": 30,
        "split": "weights",
        "self_purchase": "count",
        "staff_purchase": "count",
        "store_bps": 0,
    },
}


async def test_new_event_is_a_draft_with_what_was_given(draft: EventClient):
    document = await draft.create(currency="CNY", rules={"public_boards": True})

    (entry,) = await draft.entries()
    assert document == {
        "id": draft.id,
        "name": "KOS101",
        "status": "draft",
        "currency": "CNY",
        "timezone": "Asia/Shanghai",
        "starts_at": "2021-03-25T16:00:00.000000Z",
        "ends_at": "2098-12-31T16:00:00.000000Z",
        "rules": DEFAULT_RULES | {"public_boards": True},
        "rules_version": 1,
        "hosts": 0,
        "teams": 0,
        "unmatched_refunds": {"count": 0, "amount": "0.00"},
        "epoch": entry["hash"][:8],
        "position": 1,
        "head_hash": entry["hash"],
    }
    assert await draft.ok("GET") == document


async def test_same_event_made_again_is_a_repeat(draft: EventClient):
    first = await draft.create()
    head = await draft.head()

    again = await draft.client.post("/v1/events", json=factories.event_body(draft.id))

    assert (again.status_code, again.headers["Idempotency-Replayed"], again.json()) == (200, "true", first)
    assert await draft.head() == head


async def test_event_id_can_be_taken_once(draft: EventClient):
    await draft.create()
    head = await draft.head()

    again = await draft.client.post("/v1/events", json=factories.event_body(draft.id, currency="EUR"))

    assert (again.status_code, again.json()["code"], again.json()["field"]) == (409, "event_id_taken", "id")
    assert await draft.head() == head


async def test_event_created_ten_times_at_once_is_there_once(draft: EventClient):
    body = factories.event_body(draft.id)

    responses = await asyncio.gather(*(draft.client.post("/v1/events", json=body) for _ in range(10)))

    assert sorted(response.status_code for response in responses) == [200] * 9 + [201]
    assert len(await draft.entries()) == 1


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"id": "a b"}, "invalid_value", "id"),
        ({"id": ""}, "invalid_value", "id"),
        ({"id": "x" * 65}, "invalid_value", "id"),
        ({"id": 17}, "wrong_type", "id"),
        ({"currency": "GPB"}, "currency_unknown", "currency"),
        ({"currency": "gbp"}, "currency_unknown", "currency"),
        ({"timezone": "Mars/Olympus"}, "timezone_unknown", "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone_unknown", "timezone"),
        ({"timezone": ""}, "timezone_unknown", "timezone"),
        ({"timezone": "Europe"}, "timezone_unknown", "timezone"),
        ({"starts_at": "2021-03-26T00:00:00"}, "time_without_offset", "starts_at"),
        ({"starts_at": "2021-03-26"}, "time_without_offset", "starts_at"),
        ({"ends_at": "soon"}, "time_not_readable", "ends_at"),
        ({"ends_at": factories.STARTS_AT}, "event_ends_before_start", "ends_at"),
        ({"rules": {"ranks": "best"}}, "rules_invalid", "rules"),
        ({"rules": {"freeze": True}}, "rules_invalid", "rules"),
        ({"prize": "1000.00"}, "unknown_field", "prize"),
        ({"name": "tab\tbed"}, "invalid_value", "name"),
    ],
)
async def test_bad_event_is_refused_and_not_made(draft: EventClient, fields, code, field):
    response = await draft.client.post("/v1/events", json=factories.event_body(draft.id, **fields))

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, code, field)
    assert (await draft.get()).status_code == 404


@pytest.mark.parametrize("missing", ["id", "currency", "starts_at", "ends_at"])
async def test_event_without_a_needed_field_is_refused(draft: EventClient, missing):
    body = factories.event_body(draft.id)
    del body[missing]

    response = await draft.client.post("/v1/events", json=body)

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, "missing_field", missing)


async def test_events_are_listed_by_id_in_pages(api: Api):
    key = await api.key_of("a-brand-of-its-own", "ops")
    async with api.client_of(key) as client:
        names = [f"page-{letter}" for letter in "badcfe"]
        for name in names:
            await EventClient(client, name).create()

        pages, cursor = [], ""
        while True:
            page = (await client.get("/v1/events", params={"limit": 4, "cursor": cursor})).json()
            pages.append([event["id"] for event in page["events"]])
            cursor = page.get("cursor", "")
            if not cursor:
                break

    assert pages == [sorted(names)[:4], sorted(names)[4:]]


async def test_list_says_of_an_event_what_the_event_says_of_itself(api: Api):
    key = await api.key_of("a-brand-with-a-list", "ops", "orders")
    async with api.client_of(key) as client:
        event = EventClient(client, "listed")
        await event.open(name="L\u00efsted")
        await client.patch(f"{event.path}/rules", json={"ranks": "shared"})
        await event.ok("POST", "/orders", factories.order(host="h7"))

        (listed,) = (await client.get("/v1/events")).json()["events"]
        shown = (await client.get(event.path)).json()

    assert listed == {name: shown[name] for name in listed}
    assert set(shown) - set(listed) == {"hosts", "teams", "unmatched_refunds"}
    assert (listed["status"], listed["rules"]["ranks"], listed["name"]) == ("live", "shared", "L\u00efsted")


@pytest.mark.parametrize("cursor", ["page-a", "%%%", "4pyT\N{HEAVY CHECK MARK}", "/w=="])
async def test_cursor_that_is_none_is_refused(api: Api, cursor):
    response = await api.client.get("/v1/events", params={"cursor": cursor})

    assert (response.status_code, response.json()["code"]) == (422, "cursor_unknown")


async def test_event_goes_through_its_whole_life(draft: EventClient):
    await draft.create()

    seen = [(await draft.move(to))["status"] for to in ("scheduled", "live", "paused", "live", "ended", "final")]

    assert seen == ["scheduled", "live", "paused", "live", "ended", "final"]
    bodies = [entry["body"] for entry in await draft.entries() if entry["kind"] == "event.moved"]
    assert [(body["from"], body["to"]) for body in bodies] == [
        ("draft", "scheduled"),
        ("scheduled", "live"),
        ("live", "paused"),
        ("paused", "live"),
        ("live", "ended"),
        ("ended", "final"),
    ]


async def test_move_to_the_present_status_changes_nothing(event: EventClient):
    head = await event.head()

    assert (await event.move("live"))["status"] == "live"

    assert await event.head() == head


@pytest.mark.parametrize(
    ("to", "status", "code"),
    [
        ("draft", 409, "transition_not_allowed"),
        ("scheduled", 409, "transition_not_allowed"),
        ("final", 409, "transition_not_allowed"),
        ("over", 422, "unknown_status"),
        ("", 422, "unknown_status"),
    ],
)
async def test_move_that_may_not_be_is_refused_without_a_trace(event: EventClient, to, status, code):
    head = await event.head()

    response = await event.post("/transitions", {"to": to})

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await event.head() == head


async def test_reason_of_a_move_is_kept(event: EventClient):
    await event.move("paused", reason="Power cut in the studio")

    assert (await event.entries())[-1]["body"]["reason"] == "Power cut in the studio"


async def test_event_with_open_refunds_becomes_final_only_by_a_waiver_with_a_reason(event: EventClient):
    await event.ok("POST", "/refunds", factories.refund("r:1", "gone:1", amount="2.50"))
    await event.ok("POST", "/cancellations", factories.cancellation("gone:2"))
    await event.ok("POST", "/refunds", factories.refund("r-2", "", amount="1.00"))
    await event.move("ended")
    head = await event.head()

    refused = await event.post("/transitions", {"to": "final", "reason": "over"})
    empty = await event.post("/transitions", {"to": "final", "waive": " "})

    assert (refused.status_code, refused.json()["code"], refused.json()["count"]) == (409, "open_items", 3)
    assert refused.json()["items"] == [
        {"kind": "refund", "source": "shop", "id": "r:1", "order": "gone:1"},
        {"kind": "cancellation", "source": "shop", "id": "gone:2", "order": "gone:2"},
        {"kind": "refund", "source": "shop", "id": "r-2"},
    ]
    assert (empty.status_code, empty.json()["code"], empty.json()["field"]) == (422, "invalid_value", "waive")
    assert await event.head() == head
    assert (await event.move("final", reason="over", waive="Sold in another shop"))["status"] == "final"
    assert (await event.entries())[-1]["body"] == {
        "from": "ended",
        "to": "final",
        "reason": "over",
        "waived": {"reason": "Sold in another shop", "refunds": 2, "cancellations": 1, "amount": 350},
    }


async def test_waiver_of_nothing_is_not_written_down(event: EventClient):
    await event.ok("POST", "/refunds", factories.refund("r-1", "1", amount="2.50"))
    await event.sell("1", "h7")
    await event.move("ended")

    await event.move("final", waive="Whatever is open")

    assert (await event.entries())[-1]["body"] == {"from": "ended", "to": "final"}


async def test_ending_early_sets_the_end(event: EventClient):
    document = await event.move("ended")

    late = await event.post("/orders", factories.simple_order("1", "h7", paid_at="2021-04-10T12:00:01Z"))

    assert document["ends_at"].startswith("2021-04-10T12:00:00")
    assert late.json()["code"] == "paid_at_outside_event"


async def test_time_opens_and_ends_an_event_by_itself(draft: EventClient, clock):
    await draft.create(starts_at="2021-04-10T13:00:00Z", ends_at="2021-04-10T14:00:00Z")
    await draft.move("scheduled")
    statuses = []

    for hours in (1, 2):
        clock.at = factories.NOW_US + hours * 3_600_000_000
        # Whatever comes next finds the event moved; the order itself is outside.
        await draft.post("/orders", factories.simple_order("1"))
        statuses.append((await draft.ok("GET"))["status"])

    moved = [entry for entry in await draft.entries() if entry["actor"] == "schedule"]
    assert statuses == ["live", "ended"]
    assert [entry["key"] for entry in moved] == ["move:live:1618059600000000", "move:ended:1618063200000000"]
    assert [entry["occurred_at"] for entry in moved] == ["2021-04-10T13:00:00.000000Z", "2021-04-10T14:00:00.000000Z"]


async def test_idempotency_key_repeats_a_move_and_refuses_another(event: EventClient):
    key = {"Idempotency-Key": "pause-1"}
    first = await event.post("/transitions", {"to": "paused"}, headers=key)
    await event.move("live")
    head = await event.head()

    again = await event.post("/transitions", {"to": "paused"}, headers=key)
    other = await event.post("/transitions", {"to": "ended"}, headers=key)

    assert first.json()["status"] == "paused"
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (200, "true")
    assert (other.status_code, other.json()["code"]) == (409, "request_conflict")
    assert await event.head() == head


async def test_rules_change_by_what_is_given_and_count_their_versions(event: EventClient):
    first = await event.ok("PATCH", "/rules", {"ranks": "shared"})
    second = await event.ok("PATCH", "/rules", {"public_boards": True})
    same = await event.ok("PATCH", "/rules", {"public_boards": True})

    third = await event.ok("PATCH", "/rules", {"attribution": {"click_days": 7}})

    assert (first["rules"], first["rules_version"]) == (DEFAULT_RULES | {"ranks": "shared"}, 2)
    assert (second["rules"], second["rules_version"]) == (
        DEFAULT_RULES | {"ranks": "shared", "public_boards": True},
        3,
    )
    assert same == second
    assert third["rules"]["attribution"] == DEFAULT_RULES["attribution"] | {"click_days": 7}


@pytest.mark.parametrize("rules", [{"ranks": 1}, {"public_boards": "yes"}, {"unknown": 1}, {"ranks": None}])
async def test_bad_rules_are_refused_without_a_trace(event: EventClient, rules):
    head = await event.head()

    response = await event.client.patch(f"{event.path}/rules", json=rules)

    assert (response.status_code, response.json()["code"]) == (422, "rules_invalid")
    assert await event.head() == head


async def test_health_says_that_process_and_database_answer(api: Api):
    async with api.client_of("") as nobody:
        answers = [(await nobody.get(path)).json() for path in ("/healthz", "/readyz")]

    assert answers == [{"status": "ok"}, {"status": "ready"}]
