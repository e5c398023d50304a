"""A browser's own EventSource on a real server: it comes back by itself with a delta, and stays away when it must."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.realtime.doubles import EPOCH
from tests.realtime.served import BOARD, Served, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTEN = """([url]) => {
    window.heard = [];
    window.source = new EventSource(url);
    for (const name of ["subscribed", "publication", "close", "error"]) {
        source.addEventListener(name, (event) => {
            if (event.data) heard.push({event: name, id: event.lastEventId, ...JSON.parse(event.data)});
        });
    }
}"""
WAIT_MS = 20_000


async def listen(page: Page, served: Served) -> None:
    # Any page of the server: the script runs in its origin.
    await page.goto(served.url("/nothing-here"))
    await page.evaluate(LISTEN, [f"/v1/stream/sse?channel={BOARD}&channel=kos101/orders&token=good"])


async def heard(page: Page, count: int) -> list[dict[str, Any]]:
    """The first so many events."""
    await page.wait_for_function("(count) => heard.length >= count", arg=count, timeout=WAIT_MS)
    events: list[dict[str, Any]] = await page.evaluate("heard")
    return events


async def test_restarted_server_is_found_again_by_delta(page: Page):
    async with serving(is_attached=False) as served:
        await listen(page, served)
        await heard(page, 2)
        await served.commit(2, a=5)
        await heard(page, 3)
        await served.stop()
        await served.start()
        await heard(page, 6)
        await served.commit(3, a=6)
        events = await heard(page, 7)

    assert [one["event"] for one in events] == [
        *("subscribed", "subscribed", "publication"),
        "close",
        *("subscribed", "subscribed", "publication"),
    ]
    assert events[3]["code"] == 1012
    assert [one["delta"]["rows"] for one in events[4:6]] == [[], []]
    assert [one["position"] for one in (events[4], events[6])] == [2, 3]
    assert events[6]["id"] == f"{EPOCH}:3,{EPOCH}:1"


async def test_revoked_token_is_told_and_the_browser_stays_away(page: Page):
    async with serving(is_attached=False, token_check_seconds=0.05) as served:
        await listen(page, served)
        await heard(page, 2)
        served.tokens.clear()
        events = await heard(page, 3)
        await page.wait_for_function("source.readyState === EventSource.CLOSED", timeout=WAIT_MS)

    assert (events[2]["event"], events[2]["code"]) == ("close", 4502)
