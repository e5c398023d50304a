"""What is on air over HTTP: products pinned and taken off, offers, hosts who join and leave; and who sees it."""

import pytest

from tests import factories
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

NIGHT = {"id": "night", "hosts": [{"id": "h7"}, {"id": "h8"}], "started_at": "2021-04-10T10:00:00Z"}
PIN = {"session": "night", "sku": "RUBY/WOO", "pinned_at": "2021-04-10T10:30:00Z"}
OFFER = {"id": "happy", "session": "night", "sku": "RUBY/WOO", "price": "15.00", "ends_at": "2021-04-10T13:00:00Z"}


async def test_pinned_product_is_shown_sold_and_taken_off(event: EventClient):
    await event.ok("POST", "/sessions", NIGHT)
    response = await event.post("/pins", PIN)
    again = await event.post("/pins", PIN)
    answer = await event.sell("1", lines=[factories.line(sku="RUBY/WOO")])
    document = await event.client.get(f"/v1/channels/{event.id}/sessions/night")

    pins = [{"sku": "RUBY/WOO", "pinned_at": "2021-04-10T10:30:00.000000Z"}]
    assert (response.status_code, response.json()) == (201, {"session": "night", "position": 6, "pins": pins})
    assert (again.status_code, again.json()) == (200, response.json())
    assert [(credit["host"], credit["reason"]) for credit in answer["credits"]] == [("h7", "pin"), ("h8", "pin")]
    assert document.json()["pins"] == pins
    assert (await event.ok("GET", "/pins"))["sessions"] == [{"session": "night", "pins": pins}]

    off = await event.ok("POST", "/pins/RUBY%2FWOO/unpin", {"session": "night", "unpinned_at": "2021-04-10T11:30:00Z"})
    same = await event.post("/pins/RUBY/WOO/unpin", {"session": "night"})

    assert (off["pins"], same.status_code, same.json()["position"]) == ([], 200, off["position"])
    assert (await event.ok("GET", "/pins"))["sessions"] == []
    receipt = await event.ok("GET", "/orders/shop/1/receipt")
    assert receipt["candidates"] == [
        {"by": "pin", "id": "night", "outcome": "won", "at": "2021-04-10T10:30:00.000000Z"}
    ]


async def test_offer_holds_until_its_end_or_is_ended_before(event: EventClient, clock):
    await event.ok("POST", "/sessions", NIGHT)
    response = await event.post("/offers", OFFER)
    again = await event.post("/offers", OFFER)
    other = await event.post("/offers", OFFER | {"price": "14.00"})
    shown = (await event.client.get(f"/v1/channels/{event.id}")).json()

    offer = {
        "id": "happy",
        "session": "night",
        "sku": "RUBY/WOO",
        "price": "15.00",
        "starts_at": response.json()["starts_at"],
        "ends_at": "2021-04-10T13:00:00.000000Z",
    }
    assert (response.status_code, response.json()) == (201, offer | {"position": 6})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert (other.status_code, other.json()["code"]) == (409, "request_conflict")
    assert shown["offers"] == [offer]

    clock.at += 60_000_000
    ended = await event.client.post(f"{event.path}/offers/happy/end")

    assert ended.json()["ends_at"] == "2021-04-10T12:01:00.000000Z"
    assert (await event.client.get(f"/v1/channels/{event.id}")).json()["offers"] == []
    assert [one["id"] for one in (await event.ok("GET", "/offers"))["offers"]] == ["happy"]


async def test_hosts_join_and_leave_a_session(event: EventClient):
    await event.ok("POST", "/sessions", NIGHT)
    change = {"hosts": [{"id": "h9", "weight": 2}, {"id": "h7"}], "changed_at": "2021-04-10T10:45:00Z"}

    changed = await event.ok("POST", "/sessions/night/hosts", change)
    again = await event.ok("POST", "/sessions/night/hosts", change)
    before = await event.sell("1", session="night", paid_at="2021-04-10T10:44:59Z")
    after = await event.sell("2", session="night", paid_at="2021-04-10T10:45:00Z")

    assert changed == {
        "id": "night",
        "hosts": [{"id": "h7", "weight": 1}, {"id": "h9", "weight": 2}],
        "started_at": "2021-04-10T10:00:00.000000Z",
        "position": 6,
        "earlier": [
            {
                "until": "2021-04-10T10:45:00.000000Z",
                "hosts": [{"id": "h7", "weight": 1}, {"id": "h8", "weight": 1}],
            }
        ],
    }
    assert again == changed
    assert [c["host"] for c in before["credits"]] == ["h7", "h8"]
    assert [(c["host"], c["amount"]) for c in after["credits"]] == [("h7", "3.33"), ("h9", "6.67")]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/pins", PIN | {"session": "dusk"}, 422, "unknown_session"),
        ("/pins", PIN | {"pinned_at": "2021-04-10T09:59:59Z"}, 422, "pinned_before_session"),
        ("/pins", PIN | {"pinned_at": "noon"}, 422, "time_not_readable"),
        ("/pins", PIN | {"sku": ""}, 422, "invalid_value"),
        ("/pins", {"session": "night"}, 422, "missing_field"),
        ("/pins/x/unpin", {"session": "night"}, 409, "product_not_pinned"),
        ("/offers", OFFER | {"price": "1.005"}, 422, "too_many_decimals"),
        ("/offers", OFFER | {"price": "-1.00"}, 422, "price_negative"),
        ("/offers", OFFER | {"session": "dusk"}, 422, "unknown_session"),
        ("/offers", OFFER | {"ends_at": "2021-04-10T12:00:00Z"}, 422, "offer_ends_before_start"),
        ("/offers/none/end", {}, 409, "offer_not_started"),
        ("/offers/no%20ne/end", {}, 404, "offer_unknown"),
        ("/sessions/night/hosts", {"hosts": []}, 422, "invalid_value"),
        ("/sessions/night/hosts", {"hosts": [{"id": "h7"}, {"id": "h7"}]}, 422, "host_repeated"),
        ("/sessions/dusk/hosts", {"hosts": [{"id": "h7"}]}, 409, "session_not_started"),
    ],
)
async def test_what_cannot_be_on_air_is_refused_without_a_trace(event: EventClient, path, body, status, code):
    await event.ok("POST", "/sessions", NIGHT)
    head = await event.head()

    response = await event.post(path, body)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await event.head() == head


@pytest.mark.parametrize("path", ["/pins", "/offers", "/sessions/night/hosts"])
async def test_only_ops_change_what_is_on_air(api, event: EventClient, path):
    made = await event.client.post("/v1/keys", json={"person": "shop", "scopes": ["orders"]})

    async with api.client_of(made.json()["key"]) as shop:
        response = await shop.post(event.path + path, json={})

    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")
