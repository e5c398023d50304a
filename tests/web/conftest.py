"""A real browser for every test of a page."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.app_server import AppServer, start_app_server
from tests.event_client import EventClient
from tests.realtime.served import Served
from tests.web.components import prepared
from tests.web.console import Console, console_page, sqlite_url

_numbers = itertools.count(1)

# Generous: it is spent only where something is wrong, or the machine is busy.
expect.set_options(timeout=15_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A Chromium for the tests of one file; they run in one event loop (``asyncio(loop_scope="module")``)."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A new page of OBS's default size, with storage of its own; the test fails if a script of it does."""
    page = await browser.new_page(viewport={"width": 800, "height": 600})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await page.close()
    assert errors == []


@pytest.fixture(scope="module")
def console_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """``kos serve`` for the tests of one file of the console; each makes an event of its own."""
    server = start_app_server(sqlite_url(tmp_path_factory.mktemp("console")))
    yield server
    server.close()


@pytest_asyncio.fixture(loop_scope="module")
async def console(browser: Browser, console_server: AppServer) -> AsyncIterator[Console]:
    """A console at its door, on a desktop; the test fails if its browser complained of anything."""
    async with console_page(browser, console_server) as console:
        yield console


@pytest_asyncio.fixture(loop_scope="module")
async def event(console_server: AppServer) -> AsyncIterator[EventClient]:
    """A live event with the roster of ``factories``, called with the admin key."""
    async with console_server.client() as client:
        yield await EventClient(client, f"event-{next(_numbers)}").open()


@pytest_asyncio.fixture(loop_scope="module")
async def served() -> AsyncIterator[Served]:
    """A process whose documents the test writes, one of each kind that components show."""
    async with prepared() as running:
        yield running
