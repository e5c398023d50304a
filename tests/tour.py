"""Every page there is, on one server with a played event: what accessibility is checked on and pictures are taken of.

A page is added by a row: to ``pages`` what people read, to ``COMPONENTS`` what goes over video.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx2
from playwright.async_api import Page, expect

from app.cli import cast

ORDERS = 160
SEED = 101
SCHEMES = ("light", "dark")
THEMES = ("dark", "light", "clear")
# By component: what its picture is taken at, and the parameters that show it at its best.
COMPONENTS: dict[str, dict[str, str]] = {"board": {"gap": "1", "limit": "8"}}


@dataclass(frozen=True)
class Toured:
    """The played event: a token of it, and the ids that pages are addressed by."""

    url: str
    key: str
    token: str
    order: str
    host: str = "h7"
    event: str = cast.EVENT


@dataclass(frozen=True)
class Stop:
    """One page: ``path`` behind the server's address, and the element that is there once it shows what it has to.

    ``is_signed_in``: the page is asked for with the key, as HTML. ``is_refused``: it shows that it is told nothing.
    """

    name: str
    path: str
    ready: str
    is_signed_in: bool = False
    is_refused: bool = False
    width: int = 1280
    height: int = 800


def pages(toured: Toured) -> list[Stop]:
    """What people read; each in light and dark."""
    event = f"/v1/events/{toured.event}"
    return [
        Stop("public", f"/e/{toured.event}?lang=en", "#rows tr:nth-child(6)", height=1000),
        Stop("public-phone", f"/e/{toured.event}?lang=en", "#rows tr:nth-child(6)", width=390, height=1400),
        Stop(
            "public-closed",
            "/e/not-there?lang=en",
            "[data-state=closed] #notice-title",
            is_refused=True,
            width=390,
            height=500,
        ),
        Stop("receipt", f"{event}/orders/{toured.order}/receipt", "main dl", is_signed_in=True, height=760),
        Stop("statement", f"{event}/statements/{toured.host}?statement=first", "main table", is_signed_in=True),
        Stop("docs", "/docs", ".opblock-tag-section", is_signed_in=True),
    ]


def overlay(toured: Toured, component: str, theme: str) -> Stop:
    """A component as a browser source of 1280x720."""
    asked = {"token": toured.token, "theme": theme, "lang": "en", **COMPONENTS[component]}
    query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    path = f"/overlay/{toured.event}/{component}?{query}"
    return Stop(f"{component}-{theme}", path, "body[data-state=live]", height=720)


async def play(client: httpx2.AsyncClient, key: str) -> Toured:
    """Make the event of ``kos up`` with orders of the last hours, a show on air, and a closed statement."""
    now = datetime.now(UTC)
    path = f"/v1/events/{cast.EVENT}"
    body = cast.event_body(now.astimezone(ZoneInfo(cast.ZONE)) - timedelta(days=9))
    body["rules"] |= {"commission": {"bps": 800, "hold_days": 0}}
    await _made(client, "POST", "/v1/events", body)
    await _made(client, "PUT", f"{path}/roster", cast.roster_body())
    for status in ("scheduled", "live"):
        await _made(client, "POST", f"{path}/transitions", {"to": status})
    for action in cast.show(0, "night", now):
        await _made(client, "POST", f"{path}/{action.path}", action.body)
    last = ""
    for number, action in enumerate(islice(cast.actions(SEED, "tour"), ORDERS)):
        at = (now - timedelta(seconds=(ORDERS - number) * 30)).isoformat()
        moment = "paid_at" if action.path == "orders" else "refunded_at"
        await _made(client, "POST", f"{path}/{action.path}", {**action.body, moment: at})
        if len(action.body.get("lines", ())) > 1 and "code" in action.body:
            last = f"{action.body['source']}/{action.body['id']}"
    await _made(client, "POST", f"{path}/statements", {"id": "first"})
    made = await _made(client, "POST", "/v1/tokens", {"event": cast.EVENT, "kind": "overlay"})
    return Toured(str(client.base_url).rstrip("/"), key, made["token"], last)


async def _made(client: httpx2.AsyncClient, method: str, path: str, body: Any) -> Any:
    response = await client.request(method, path, json=body)
    assert response.is_success, f"{method} {path}: {response.text}"
    return response.json()


async def visit(page: Page, toured: Toured, stop: Stop) -> str:
    """Open it and wait until it shows what it has to; its content security policy."""
    if stop.is_signed_in:
        headers = {"Authorization": f"Bearer {toured.key}", "Accept": "text/html", "Accept-Language": "en"}
        await page.set_extra_http_headers(headers)
    await page.set_viewport_size({"width": stop.width, "height": stop.height})
    answer = await page.goto(toured.url + stop.path)
    await expect(page.locator(stop.ready).first).to_be_visible()
    # Counted up, slid in, faded in: what moves is at rest, but for what goes on for ever.
    await page.evaluate(
        """() => Promise.all(document.getAnimations()
            .filter((animation) => animation.effect.getComputedTiming().endTime !== Infinity)
            .map((animation) => animation.finished.catch(() => null)))"""
    )
    assert answer is not None
    return (await answer.all_headers()).get("content-security-policy", "")
