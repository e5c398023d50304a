"""The console in a real browser on a real server: signing in, going somewhere, and nothing wrong behind the scenes."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from tests.app_server import ADMIN_KEY, AppServer
from tests.event_client import EventClient

DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
# What a browser says of every answer of 400 and above, whatever the page makes of it.
_REFUSED = re.compile(r"^Failed to load resource: the server responded with a status of (\d+)")


class Console:
    """A page of the console. ``refusals`` are the statuses that a test has the server answer with on purpose."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.wrong: list[str] = []
        self.asked: set[str] = set()
        self.refusals: set[str] = set()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", self._said)
        page.on("request", lambda request: self.asked.add(request.url))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.text} {message.location.get('url', '')}")

    async def sign_in(self, key: str = ADMIN_KEY, place: str = "") -> "Console":
        """Through the form, as a person does. Waits for the frame."""
        await self.page.goto(f"{self.url}/console{place}")
        await self.page.get_by_label("Key").fill(key)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.locator("#side")).to_be_attached()
        return self

    async def go(self, place: str) -> None:
        await self.page.goto(f"{self.url}/console{place}")

    async def heading(self, name: str | re.Pattern[str]) -> None:
        """Wait for the page with this heading."""
        await expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()

    def check(self) -> None:
        """Nothing was said in the browser's console, and nobody else was asked for anything."""
        unexpected = [
            text for text in self.wrong if not ((found := _REFUSED.match(text)) and found.group(1) in self.refusals)
        ]
        assert unexpected == [], unexpected
        elsewhere = {url for url in self.asked if not url.startswith((self.url, "data:"))}
        assert elsewhere == set(), elsewhere


@asynccontextmanager
async def console_page(browser: Browser, server: AppServer, **options: Any) -> AsyncIterator[Console]:
    """A browser of its own for the console; checked at the end."""
    context = await browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
    try:
        console = Console(await context.new_page(), server.url)
        yield console
        console.check()
    finally:
        await context.close()


async def key_of(client: httpx2.AsyncClient, person: str, *scopes: str) -> str:
    """A new key of the admin's brand."""
    answer = await client.post("/v1/keys", json={"person": person, "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    key: str = answer.json()["key"]
    return key


async def crowded(event: EventClient, hosts: int) -> None:
    """Fill the roster with ``host-00000`` and on, in teams of a hundred."""
    teams = [{"id": f"team-{number}", "name": f"Team {number}"} for number in range(hosts // 100 + 1)]
    for start in range(0, hosts, 1000):
        part = range(start, min(hosts, start + 1000))
        people = [{"id": f"host-{n:05}", "name": f"Host number {n}", "team": f"team-{n // 100}"} for n in part]
        await event.ok("PUT", "/roster", {"teams": teams, "hosts": people})


def sqlite_url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/kos.db"
