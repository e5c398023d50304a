"""Orders are found by the newest, by the beginning of their ids and by host, in pages that lose and repeat none."""

from typing import Any

import pytest

from app.api import order_search
from app.api.paging import next_cursor
from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def all_pages(event: EventClient, limit: int = 2, **params: Any) -> list[dict[str, Any]]:
    """Every row, read page by page."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await event.ok("GET", "/orders", limit=limit, cursor=cursor, **params)
        assert len(page["orders"]) <= limit
        rows += page["orders"]
        cursor = page.get("cursor", "")
        if not cursor:
            return rows


async def ids(event: EventClient, **params: Any) -> list[str]:
    return [row["order"] for row in await all_pages(event, **params)]


async def test_event_without_orders_has_an_empty_last_page(event: EventClient):
    assert await event.ok("GET", "/orders") == {"event": event.id, "orders": []}


async def test_orders_are_listed_newest_first_as_they_stand(event: EventClient):
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "name": "Lin"}]})
    await event.sell("1", "h7", "10.00")
    await event.order(id="2", host="h7")
    await event.sell("3", "", "5.00")
    await event.ok("POST", "/refunds", factories.refund("r1", order="1", amount="2.50"))
    await event.ok("POST", "/cancellations", factories.cancellation("3"))
    await event.ok("POST", "/refunds", factories.refund("r2", order="unknown", amount="2.50"))

    rows = await all_pages(event)

    assert [(row["order"], row["status"], row["total"]) for row in rows] == [
        ("3", "cancelled", "5.00"),
        ("2", "paid", (await event.ok("GET", "/orders/shop/2"))["total"]),
        ("1", "partly_refunded", "10.00"),
    ]
    assert [row["hosts"] for row in rows] == [
        [{"id": "House", "name": "House"}],
        *[[{"id": "h7", "name": "Lin"}]] * 2,
    ]
    assert rows[1].keys() == {
        *("order", "source", "position", "paid_at", "total", "currency", "status", "hosts", "title", "lines")
    }
    assert (rows[1]["source"], rows[1]["currency"], bool(rows[1]["title"])) == ("shop", "GBP", True)


async def test_orders_are_found_by_the_beginning_of_their_ids_in_every_source(event: EventClient):
    for identity in ("100", "1001", "1002", "101", "2001", "10~", "1:0", "order:shop:100"):
        await event.sell(identity, "h7")
    await event.sell("1000", "h7", source="pos.2")
    await event.sell("1003", "h7", source="zoo")

    assert await ids(event, query="100") == ["1000", "100", "1001", "1002", "1003"]
    assert await ids(event, query="1001") == ["1001"]
    assert await ids(event, query="1:") == ["1:0"]
    assert await ids(event, query="order:") == ["order:shop:100"]
    assert await ids(event, query="10~") == ["10~"]
    for nothing in ("9", "100x", "%", "_", "é", "1 0", "\x00"):
        assert await ids(event, query=nothing) == []


async def test_orders_of_other_events_and_brands_are_passed_over(
    api: Api, event: EventClient, monkeypatch: pytest.MonkeyPatch
):
    others = [await EventClient(api.client, f"{event.id}-{letter}").open() for letter in "xyz"]
    for one in (*others[:2], event, others[2]):
        for identity in ("71", "72", "73"):
            await one.sell(identity, "h7")
    # A page of keys then ends within those of one id.
    for keys in (1, 2, 3, 100):
        monkeypatch.setattr(order_search, "_KEYS", keys)
        assert await ids(event, query="7") == ["71", "72", "73"]
    monkeypatch.setattr(order_search, "_KEYS_MAX", 2)
    assert await ids(event, query="7") == ["71", "72", "73"]


async def test_orders_are_found_by_host_also_when_a_correction_brought_or_took_them(event: EventClient):
    for number in range(5):
        await event.sell(f"lin-{number}", "h7")
        await event.sell(f"mei-{number}", "h8")
    body = {"id": "fix", "orders": [{"source": "shop", "id": "lin-1"}], "to": [{"host": "h8"}], "reason": "Hers"}
    await event.ok("POST", "/reattributions", body)
    await event.ok("POST", "/refunds", factories.refund("r1", order="mei-3", amount="1.00"))

    assert await ids(event, host="h7") == ["lin-4", "lin-3", "lin-2", "lin-0"]
    assert await ids(event, host="h8") == ["lin-1", "mei-4", "mei-3", "mei-2", "mei-1", "mei-0"]
    assert await ids(event, host="h8", query="lin") == ["lin-1"]
    for nobody in ("h9", "nobody", "\x00", "a b"):
        assert await ids(event, host=nobody) == []


async def test_what_lies_far_apart_is_found_over_several_calls(event: EventClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(order_search, "_SPAN", 3)
    monkeypatch.setattr(order_search, "_LOOKS_MAX", 2)
    await event.sell("first", "h7")
    for number in range(30):
        await event.sell(f"o{number}", "h8")
    await event.sell("last", "h7")

    page = await event.ok("GET", "/orders", host="h7")

    assert [row["order"] for row in page["orders"]] == ["last"]
    assert await ids(event, host="h7") == ["last", "first"]
    assert len(await ids(event)) == 32


async def test_house_is_found_like_a_host(event: EventClient):
    await event.sell("mine", "h7")
    await event.sell("nobodys", "")

    assert await ids(event, host="House") == ["nobodys"]


@pytest.mark.parametrize(
    ("params", "cursor"),
    [({}, "key:order:shop:1"), ({}, "position:x"), ({}, "position:"), ({"query": "1"}, "position:3"), ({}, "junk")],
)
async def test_cursor_of_another_list_is_refused(event: EventClient, params: dict[str, Any], cursor: str):
    from_list = next_cursor(cursor)["cursor"]

    response = await event.get("/orders", cursor=from_list, **params)

    assert (response.status_code, response.json()["code"]) == (422, "cursor_unknown")
