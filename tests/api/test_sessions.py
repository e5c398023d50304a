"""Sessions on air over HTTP: started with their hosts and weights, named by orders, ended."""

import pytest

from tests import factories
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

NIGHT = {"id": "night", "hosts": [{"id": "h8", "weight": 1}, {"id": "h7", "weight": 2}]}


async def test_started_session_is_answered_and_listed(event: EventClient):
    response = await event.post("/sessions", NIGHT | {"started_at": "2021-04-10T19:00:00+08:00"})

    document = {
        "id": "night",
        "hosts": [{"id": "h7", "weight": 2}, {"id": "h8", "weight": 1}],
        "started_at": "2021-04-10T11:00:00.000000Z",
        "position": 5,
    }
    assert (response.status_code, response.json()) == (201, document)
    assert await event.ok("GET", "/sessions") == {"event": event.id, "sessions": [document]}


async def test_session_without_a_time_starts_now(event: EventClient):
    answer = await event.ok("POST", "/sessions", NIGHT)

    assert answer["started_at"].startswith("2021-04-10T12:00:00")


async def test_co_hosts_share_a_sale_by_weight_to_the_last_penny(event: EventClient):
    await event.ok("POST", "/sessions", NIGHT)
    lines = [factories.line(id="a", quantity=4, unit_price="2.50"), factories.line(id="b", unit_price="0.01")]

    answer = await event.sell("1", session="night", lines=lines)

    assert [(c["line"], c["host"], c["team"], c["amount"], c["reason"]) for c in answer["credits"]] == [
        ("a", "h7", "ruby", "6.67", "session"),
        ("a", "h8", "jade", "3.33", "session"),
        ("b", "h7", "ruby", "0.01", "session"),
        ("b", "h8", "jade", "0.00", "session"),
    ]
    assert await event.scores("hosts.units") == {"h7": 4, "h8": 1}
    assert await event.scores("hosts.orders") == {"h7": 1, "h8": 1}
    assert (await event.board("hosts.orders"))["total"] == 1


async def test_same_session_again_is_a_repeat_and_another_a_conflict(event: EventClient):
    await event.ok("POST", "/sessions", NIGHT)
    head = await event.head()

    again = await event.post("/sessions", {"id": "night", "hosts": NIGHT["hosts"][::-1]})
    other = await event.post("/sessions", {"id": "night", "hosts": [{"id": "h7"}]})

    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert (other.status_code, other.json()["code"]) == (409, "request_conflict")
    assert await event.head() == head


async def test_ended_session_says_when_and_orders_may_still_name_it(event: EventClient, clock):
    await event.ok("POST", "/sessions", NIGHT)
    clock.at += 60_000_000

    ended = await event.client.post(f"{event.path}/sessions/night/end")
    again = await event.post("/sessions/night/end", {})

    assert ended.json()["ended_at"] == "2021-04-10T12:01:00.000000Z"
    # The same call without a time is the same fact.
    assert again.status_code == 200
    assert again.json()["ended_at"] == ended.json()["ended_at"]
    assert (await event.sell("1", session="night"))["credits"][0]["reason"] == "session"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"id": "s", "hosts": [{"id": "h99"}]}, "unknown_host", "hosts[0].id"),
        ({"id": "s", "hosts": []}, "invalid_value", "hosts"),
        ({"id": "s", "hosts": [{"id": "h7", "weight": 0}]}, "invalid_value", "hosts[0].weight"),
        ({"id": "s", "hosts": [{"id": "h7", "weight": "2"}]}, "wrong_type", "hosts[0].weight"),
        ({"id": "s", "hosts": [{"id": "h7"}], "started_at": "now"}, "time_not_readable", "started_at"),
        ({"id": "s", "hosts": [{"id": "h7"}, {"id": "h7"}]}, "host_repeated", "hosts"),
        ({"hosts": [{"id": "h7"}]}, "missing_field", "id"),
    ],
)
async def test_bad_session_is_refused_without_a_trace(event: EventClient, body, code, field):
    head = await event.head()

    response = await event.post("/sessions", body)

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, code, field)
    assert await event.head() == head


@pytest.mark.parametrize(
    ("session", "body", "status", "code"),
    [
        ("dawn", {}, 409, "session_not_started"),
        ("night", {"ended_at": "2021-04-10T12:00:00Z"}, 422, "session_ends_before_start"),
        ("night", {"ended_at": "late"}, 422, "time_not_readable"),
        ("night", {"at": "2021-04-10T13:00:00Z"}, 422, "unknown_field"),
    ],
)
async def test_bad_end_is_refused_without_a_trace(event: EventClient, session, body, status, code):
    await event.ok("POST", "/sessions", NIGHT)
    head = await event.head()

    response = await event.post(f"/sessions/{session}/end", body)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await event.head() == head


async def test_order_that_names_no_session_of_the_event_is_refused(event: EventClient):
    head = await event.head()

    response = await event.post("/orders", factories.simple_order("1", session="dusk"))

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (
        422,
        "unknown_session",
        "session",
    )
    assert await event.head() == head
