"""Components in a page of another origin with a strict policy, as the documented example is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, expect

import app
from app.realtime.door import DoorLimits
from tests.realtime.doubles import board
from tests.realtime.served import BOARD, Served, serving

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

NOTHING_TOLD: dict[str, Any] = {
    "event": "kos101",
    "time": "2026-11-22T10:00:00.000000Z",
    "scene": "",
    "hidden": [],
    "message": None,
    "rooms": {},
    "look_version": "",
}
EXAMPLE = Path(app.__file__).parent.parent / "docs" / "examples" / "embed.html"


@asynccontextmanager
async def shop(page_bytes: bytes) -> AsyncIterator[str]:
    """A site of another origin that answers everything with this page; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page_bytes)}\r\nConnection: close"
        writer.write(head.encode() + b"\r\n\r\n" + page_bytes)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://localhost:{server.sockets[0].getsockname()[1]}/"
    server.close()
    await server.wait_closed()


def example(served: Served, token: str = "good") -> bytes:
    text = EXAMPLE.read_text().replace("wss://live.example.org", served.url("").replace("http", "ws"))
    return text.replace("https://live.example.org", served.url("")).replace("TOKEN", token).encode()


async def test_example_page_shows_a_board_under_a_strict_policy(page: Page):
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    async with serving() as served:
        served.source.documents[BOARD] = board(1, {f"h{number}": number for number in range(1, 9)})
        served.source.documents["kos101/overlays"] = NOTHING_TOLD
        async with shop(example(served)) as address:
            await page.goto(address)
            await expect(page.locator("kos-board .row")).to_have_count(5)
            await expect(page.locator("kos-board .name").first).to_have_text("Host h8")
            # Its own height, and a look that its theme and the page's own properties make.
            assert await page.locator("kos-board").evaluate("(element) => element.offsetHeight") > 200
            await page.evaluate("document.body.style.setProperty('--kos-gold', 'rgb(1, 2, 3)')")
            color = await page.locator(".rank").first.evaluate("(rank) => getComputedStyle(rank).color")
            assert color == "rgb(1, 2, 3)"

            await served.commit(2, h1=99)
            await expect(page.locator("kos-board .name").first).to_have_text("Host h1")

    assert [complaint for complaint in complaints if "favicon" not in complaint] == []


async def test_component_that_is_added_later_works_and_one_that_is_taken_out_leaves_its_server_alone(page: Page):
    async with serving() as served, shop(example(served)) as address:
        await page.goto(address)
        await expect(page.locator("kos-board .row")).to_have_count(1)
        await page.evaluate(
            """() => {
                    const added = document.createElement("kos-board");
                    for (const [name, value] of [["event", "kos101"], ["token", "good"], ["id", "late"]])
                        added.setAttribute(name, value);
                    document.body.append(added);
                }"""
        )
        await expect(page.locator("#late .row")).to_have_count(1)
        assert len(served.stream.connections) == 1

        await page.evaluate("document.querySelectorAll('kos-board').forEach((one) => one.remove())")
        async with asyncio.timeout(10):
            while len(served.stream.connections):  # noqa: ASYNC110, nothing tells
                await asyncio.sleep(0.02)


async def test_site_whose_origin_is_not_among_those_allowed_is_shown_nothing(page: Page):
    door = DoorLimits(origins=frozenset({"https://shop.example"}))
    async with serving(door=door) as served, shop(example(served)) as address:
        await page.goto(address)
        await expect(page.locator("kos-board")).to_have_attribute("data-state", "loading")
        await asyncio.sleep(0.5)

        assert await page.locator("kos-board .row").count() == 0


async def test_modules_are_for_every_site_and_behind_one_version():
    async with serving() as served, httpx2.AsyncClient() as client:
        today = await client.get(served.url("/components/v1/kos.js"))
        module = await client.get(served.url(f"/components/v1/{today.headers['location']}"))
        other = await client.get(served.url("/components/v1/0123456789abcdef/kos.js"))
        types = await client.get(served.url("/components/v1/x/kos-client.d.ts"))

    assert today.status_code == 307
    assert today.headers["cache-control"] == "no-cache"
    assert module.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert other.headers["cache-control"] == "no-cache"
    assert types.status_code == 200
    for answer in (today, module, other, types):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("name", ["kos-none.js", "../routes.py", "x/../../routes.py", "x/overlay.js", ""])
async def test_nothing_but_components_is_for_every_site(name: str):
    async with serving() as served, httpx2.AsyncClient() as client:
        answer = await client.get(served.url(f"/components/v1/{name}"))

    assert answer.status_code == 404
