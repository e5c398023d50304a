"""A page that is stuck loads itself anew: when it really is, not often, and never from a server that is away."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.realtime.doubles import board
from tests.realtime.served import BOARD, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

START = 1_800_000_000
STATE = {"now": 1e6, "state": "live", "tickedAt": 1e6, "heardAt": 1e6, "stateSince": 1e6, "frameAskedAt": 0}
# What keeps the client right stands still from when a test says so; everything else goes on.
STOP_TICKS = """
    const every = setInterval;
    window.setInterval = (call, wait) => every(() => (window.stuck && wait === 1000 ? null : call()), wait);
"""


async def asked(page: Page, expression: str, *values: Any) -> Any:
    call = f"async (values) => (await import('/static/x/overlays/watchdog.js')).{expression}(...values)"
    return await page.evaluate(call, list(values))


async def stand_still(page: Page) -> None:
    """From now on time moves only where a test moves it."""
    await page.clock.pause_at(START + 600)


async def advance(page: Page, seconds: int) -> None:
    for _ in range(seconds // 5):
        await page.clock.run_for(5_000)
        await asyncio.sleep(0.03)


async def drawn(page: Page) -> None:
    """The page is loaded and shows its board: frames come by the clock too."""
    async with asyncio.timeout(20):
        while await page.locator(".row").count() == 0:
            await page.clock.run_for(50)
            await asyncio.sleep(0.03)


@pytest.mark.at_full_size
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"tickedAt": 1e6 - 29_000}, ""),
        ({"tickedAt": 1e6 - 31_000}, "loop"),
        ({"heardAt": 1e6 - 59_000}, ""),
        ({"heardAt": 1e6 - 61_000}, "silence"),
        # Of a server that is away nothing is heard for hours, and that is no reason.
        ({"heardAt": 0, "state": "waiting"}, ""),
        ({"stateSince": 1e6 - 91_000, "state": "waiting"}, "attempt"),
        ({"stateSince": 1e6 - 91_000, "state": "connecting"}, "attempt"),
        ({"stateSince": 1e6 - 91_000}, ""),
        ({"frameAskedAt": 1e6 - 29_000}, ""),
        ({"frameAskedAt": 1e6 - 31_000}, "frames"),
        ({"tickedAt": 0, "state": "refused"}, ""),
        ({"tickedAt": 0, "state": "stopped"}, ""),
    ],
)
async def test_what_counts_as_stuck(page: Page, changed: dict[str, Any], why: str):
    async with serving() as served:
        await page.goto(served.url("/static/x/overlays/overlay.css"))

        assert await asked(page, "whyStuck", STATE | changed) == why


async def test_reloads_are_a_minute_apart_then_less_and_less_often(page: Page):
    minute, start = 60_000, 1_800_000_000_000
    async with serving() as served:
        await page.goto(served.url("/static/x/overlays/overlay.css"))
        reloads, times = None, []
        for at in range(0, 12 * 60 * minute, minute // 2):
            following = await asked(page, "nextReload", reloads, start + at)
            if following:
                reloads = following
                times.append(at // minute)
        backwards = await asked(page, "nextReload", reloads, start - 24 * 60 * minute)

    # Each wait is twice the last one, up to an hour.
    assert times == [0, 1, 3, 7, 15, 31, 63, *range(123, 12 * 60, 60)]
    assert backwards == {"at": start - 24 * 60 * minute, "count": 1}


async def test_page_whose_client_stands_still_is_loaded_anew_once(page: Page):
    loads: list[Request] = []
    page.on("request", lambda request: loads.append(request) if request.is_navigation_request() else None)
    await page.clock.install(time=START)
    await page.add_init_script(STOP_TICKS)
    async with serving() as served:
        served.source.documents[BOARD] = board(1, {"lin": 300})
        await page.goto(served.page())
        await expect(page.locator(".row")).to_have_count(1)
        await stand_still(page)
        await advance(page, 120)
        assert len(loads) == 1

        await page.evaluate("window.stuck = true")
        for _ in range(12):
            if len(loads) == 2:
                break
            await advance(page, 5)
        await drawn(page)
        assert len(loads) == 2

        # Stuck again at once: it waits until a minute is over.
        await page.evaluate("window.stuck = true")
        await advance(page, 40)
        assert len(loads) == 2
        await advance(page, 30)
        assert len(loads) == 3


async def test_page_that_is_stuck_keeps_what_it_shows_while_the_server_is_away(page: Page):
    await page.clock.install(time=START)
    await page.add_init_script(STOP_TICKS)
    async with serving() as served:
        served.source.documents[BOARD] = board(1, {"lin": 300})
        await page.goto(served.page())
        await expect(page.locator(".row")).to_have_count(1)
        await stand_still(page)
        await served.stop()
        await page.evaluate("window.stuck = true")
        await advance(page, 300)
        assert await page.locator(".row").count() == 1

        await served.start()
        async with page.expect_navigation():
            await advance(page, 30)
        await drawn(page)


async def lost(route: Route) -> None:
    """What is asked for never comes."""
    await route.abort()


async def test_page_that_could_not_load_its_script_tries_again(page: Page):
    missing = "**/overlay-board.js"
    await page.route(missing, lost)
    await page.clock.install(time=START)
    async with serving() as served:
        served.source.documents[BOARD] = board(1, {"lin": 300})
        await page.goto(served.page())
        await advance(page, 30)
        assert await page.locator(".row").count() == 0
        await page.unroute(missing)
        async with page.expect_navigation():
            await advance(page, 60)

        await expect(page.locator(".row")).to_have_count(1)
