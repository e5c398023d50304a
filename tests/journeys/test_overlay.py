"""A posted order reaches the host's screen: a real server, a real database, a real Chromium."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import Page, async_playwright, expect

WAIT_MS = 10_000
EVENT = {
    "id": "finale",
    "name": "The finale",
    "currency": "GBP",
    "timezone": "Europe/London",
    "starts_at": "2026-01-01T00:00:00Z",
    "ends_at": "2099-01-01T00:00:00Z",
}
ROSTER = {
    "teams": [{"id": "ruby", "name": "Ruby"}, {"id": "jade", "name": "Jade"}],
    "hosts": [
        {"id": "lin", "name": "Lin", "team": "ruby"},
        {"id": "mei", "name": "Mei", "team": "jade"},
        {"id": "yue", "name": "Yue", "team": "jade"},
    ],
}


class Wire:
    """The network between a page and its server: everything passes while it is whole, nothing while it is cut."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        await self._server.wait_closed()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._ends |= {writer, back}
        await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        self._ends -= {writer, back}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()


@pytest.fixture
async def page(chromium: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        yield page
        await browser.close()


async def prepare(api: httpx2.AsyncClient) -> str:
    """The event, live, with its roster; returns a token for its overlay."""
    (await api.post("/v1/events", json=EVENT)).raise_for_status()
    (await api.put("/v1/events/finale/roster", json=ROSTER)).raise_for_status()
    for status in ("scheduled", "live"):
        (await api.post("/v1/events/finale/transitions", json={"to": status})).raise_for_status()
    token = (await api.post("/v1/tokens", json={"event": "finale", "kind": "overlay"})).raise_for_status()
    return str(token.json()["token"])


async def sell(api: httpx2.AsyncClient, order: str, host: str, price: str) -> None:
    body: dict[str, Any] = {
        "id": order,
        "paid_at": "2026-02-01T12:00:00Z",
        "currency": "GBP",
        "lines": [{"quantity": 1, "unit_price": price}],
        "host": host,
    }
    assert (await api.post("/v1/events/finale/orders", json=body)).status_code == 201


async def shown(page: Page) -> list[tuple[str, str]]:
    """Names and scores as the overlay shows them, best first."""
    rows = page.locator("#rows .row")
    names = await rows.locator(".name").all_inner_texts()
    scores = await rows.locator(".score").all_inner_texts()
    ranks = [int(rank) for rank in await rows.locator(".rank").all_inner_texts()]
    return [pair for _, pair in sorted(zip(ranks, zip(names, scores, strict=True), strict=True))]


async def answered(api: httpx2.AsyncClient) -> list[tuple[str, str]]:
    board = (await api.get("/v1/events/finale/boards/hosts")).raise_for_status().json()
    return [(row["name"], f"£{float(row['score']):,.2f}") for row in board["rows"]]


async def test_posted_order_climbs_on_the_overlay_and_a_restarted_server_is_found_again(
    serve, database_url: str, page: Page
):
    async with serve(database_url) as server:
        headers = {"Authorization": f"Bearer {server.key}"}
        async with httpx2.AsyncClient(base_url=server.url, headers=headers) as api:
            token = await prepare(api)
            await sell(api, "1", "lin", "30.00")
            await page.goto(f"{server.url}/overlay/finale/board?token={token}&lang=en-GB")
            leader = page.locator("#rows .row", has=page.locator(".rank", has_text="1")).locator(".name")
            await expect(leader).to_have_text("Lin", timeout=WAIT_MS)

            await sell(api, "2", "mei", "45.50")

            await expect(leader).to_have_text("Mei", timeout=WAIT_MS)
            assert await shown(page) == await answered(api)

            server.kill()
            await expect(page.locator("body")).to_have_attribute("data-state", "stale", timeout=WAIT_MS)
            server.start()
            await sell(api, "3", "yue", "99.99")

            await expect(leader).to_have_text("Yue", timeout=2 * WAIT_MS)
            await expect(page.locator("body")).to_have_attribute("data-state", "live", timeout=WAIT_MS)
            assert await shown(page) == await answered(api)


async def test_overlay_behind_a_network_that_drops_is_right_as_soon_as_it_is_back_and_does_as_the_console_says(
    serve, database_url: str, page: Page
):
    async with serve(database_url) as server:
        headers = {"Authorization": f"Bearer {server.key}"}
        wire = Wire(urlsplit(server.url).port or 0)
        await wire.mend()
        async with httpx2.AsyncClient(base_url=server.url, headers=headers) as api:
            token = await prepare(api)
            await sell(api, "1", "lin", "30.00")
            scene = "show=board:0,0,900,1000;board:1000,0,900,500,board=teams,name=teams&room=lin"
            await page.goto(f"http://127.0.0.1:{wire.port}/overlay/finale/scene?token={token}&lang=en-GB&{scene}")
            hosts = page.locator('[data-part="board"]')
            leader = hosts.locator('.row[data-rank="1"] .name')
            await expect(leader).to_have_text("Lin", timeout=WAIT_MS)

            await wire.cut()
            await expect(hosts.locator("kos-board")).to_have_attribute("data-state", "stale", timeout=WAIT_MS)
            await sell(api, "2", "mei", "45.50")
            told = {"rooms": {"lin": {"hidden": ["teams"]}}}
            (await api.put("/v1/events/finale/overlays", json=told)).raise_for_status()
            await expect(leader).to_have_text("Lin")
            await wire.mend()

            await expect(leader).to_have_text("Mei", timeout=2 * WAIT_MS)
            await expect(hosts.locator("kos-board")).to_have_attribute("data-state", "live", timeout=WAIT_MS)
            await expect(page.locator('[data-part="teams"]')).to_be_hidden(timeout=WAIT_MS)
            (await api.put("/v1/events/finale/overlays", json={"scene": "finale"})).raise_for_status()
            await expect(page.locator('[data-part="team-bar"]')).to_be_visible(timeout=WAIT_MS)
            await expect(hosts).to_have_count(1, timeout=WAIT_MS)
        await wire.cut()
