"""Every page there is, on one server with a played event: what accessibility is checked on and pictures are taken of.

The console's pages, the components and the themes are those that the code itself lists; any other page is a row of
``pages``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx2
from playwright.async_api import Page, expect

import app.web
from app.cli import cast

ORDERS = 160
SECONDS_BETWEEN = 40
VIEWERS = 1_204
SEED = 101
SCHEMES = ("light", "dark")
_WEB = Path(app.web.__file__).parent
# What a component is shown with, where it needs more than its event.
_PARAMETERS = {
    "board": {"gap": "1", "limit": "8"},
    "goal": {"goal": "event"},
    "product": {"session": "night-studio-0"},
    "scene": {"scene": "full"},
}


def components() -> list[str]:
    """What an overlay page can show."""
    folder = _WEB / "components"
    listed = re.search(r"export const COMPONENTS = \[(.*?)\]", (folder / "registry.js").read_text(), re.DOTALL)
    assert listed is not None
    names = re.findall(r'"([a-z-]+)"', listed[1])
    made = [name for name in names if (folder / f"kos-{name}.js").exists()]
    # A scene shows any of them.
    return [*made, "scene"] if made == names else made


def themes() -> list[str]:
    listed = re.search(r"export const THEMES = \{(.*)\};", (_WEB / "components" / "themes.js").read_text())
    assert listed is not None
    return re.findall(r"(\w+): ", listed[1])


def console_paths() -> list[str]:
    """Patterns of addresses behind ``/console#/``."""
    listed = _WEB / "console" / "pages.js"
    return re.findall(r'path: "([^"]+)"', listed.read_text()) if listed.exists() else []


@dataclass(frozen=True)
class Toured:
    """The played event: a token of it, and the ids that pages are addressed by."""

    url: str
    key: str
    token: str
    order: str
    # Of the console, signed in.
    cookies: tuple[tuple[str, str], ...] = ()
    # The one that leads.
    host: str = "h7"
    event: str = cast.EVENT


@dataclass(frozen=True)
class Stop:
    """One page: ``path`` behind the server's address, and the element that is there once it shows what it has to.

    ``is_signed_in``: the page is asked for with the key, as HTML. ``is_in_console``: with the
    console's cookie. ``is_refused``: it shows that it is told nothing.
    """

    name: str
    path: str
    ready: str
    is_signed_in: bool = False
    is_in_console: bool = False
    is_refused: bool = False
    width: int = 1280
    height: int = 800


def pages(toured: Toured) -> list[Stop]:
    """What people read; each in light and dark."""
    event = f"/v1/events/{toured.event}"
    return [
        *console_pages(toured),
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


def console_pages(toured: Toured) -> list[Stop]:
    """The way in, and every page behind it."""
    if not console_paths():
        return []
    found = [Stop("console-sign-in", "/console", "main h1", is_refused=True)]
    source, _, order = toured.order.partition("/")
    places = {"event": toured.event, "host": toured.host, "source": source, "order": order}
    for path in console_paths():
        name = "-".join(["console", *(part for part in path.split("/") if not part.startswith(":"))])
        name += "-one" if path.split("/")[-1].startswith(":") else ""
        filled = re.sub(r":(\w+)", lambda part: places.get(part[1], "x"), path)
        found.append(Stop(name, f"/console#/{filled}", "body:has(#side) h1", is_in_console=True))
    return found


def overlay(toured: Toured, component: str, theme: str) -> Stop:
    """A component as a browser source of 1280x720."""
    asked = {"token": toured.token, "theme": theme, "lang": "en", "host": toured.host, **_PARAMETERS.get(component, {})}
    query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    path = f"/overlay/{toured.event}/{component}?{query}"
    return Stop(f"{component}-{theme}", path, "body:not([data-state=loading])", height=720)


async def play(client: httpx2.AsyncClient, key: str) -> Toured:
    """Make the event of ``kos up`` with orders, a show on air, and a closed statement."""
    return await go_on_air(client, key, await sell(client))


async def sell(client: httpx2.AsyncClient, turn: Callable[[datetime], None] = lambda _: None) -> str:
    """The event with orders of the last hours; one of them with several lines. ``turn`` is told the time of each."""
    now = datetime.now(UTC)
    path = f"/v1/events/{cast.EVENT}"
    body = cast.event_body(now.astimezone(ZoneInfo(cast.ZONE)) - timedelta(days=9))
    body["rules"] |= {"commission": {"bps": 800, "hold_days": 0}}
    turn(now - timedelta(seconds=(ORDERS + 1) * SECONDS_BETWEEN))
    await _made(client, "POST", "/v1/events", body)
    await _made(client, "PUT", f"{path}/roster", cast.roster_body())
    for status in ("scheduled", "live"):
        await _made(client, "POST", f"{path}/transitions", {"to": status})
    last = ""
    for number, action in enumerate(islice(cast.actions(SEED, "tour"), ORDERS)):
        at = now - timedelta(seconds=(ORDERS - number) * SECONDS_BETWEEN)
        turn(at)
        moment = "paid_at" if action.path == "orders" else "refunded_at"
        await _made(client, "POST", f"{path}/{action.path}", {**action.body, moment: at.isoformat()})
        if len(action.body.get("lines", ())) > 1 and "code" in action.body:
            last = f"{action.body['source']}/{action.body['id']}"
    return last


async def go_on_air(client: httpx2.AsyncClient, key: str, order: str) -> Toured:
    """A show with an audience, a closed statement, a token for overlays and a session of the console."""
    path = f"/v1/events/{cast.EVENT}"
    for action in cast.show(0, "night", datetime.now(UTC)):
        await _made(client, "POST", f"{path}/{action.path}", action.body)
    await watch(client)
    await _made(client, "POST", f"{path}/statements", {"id": "first"})
    made = await _made(client, "POST", "/v1/tokens", {"event": cast.EVENT, "kind": "overlay"})
    signed_in = await client.post("/console/session", json={"key": key})
    leader = (await client.get(f"{path}/boards/hosts?limit=1")).json()["rows"][0]["id"]
    cookies = tuple(signed_in.cookies.items())
    return Toured(str(client.base_url).rstrip("/"), key, made["token"], order, cookies, leader)


async def watch(client: httpx2.AsyncClient) -> None:
    """Have the show's audience there, for a minute."""
    seen = [{"type": "heartbeat", "viewer": f"v{number}", "session": "night-studio-0"} for number in range(VIEWERS)]
    await _made(client, "POST", f"/v1/events/{cast.EVENT}/viewers", seen)


async def _made(client: httpx2.AsyncClient, method: str, path: str, body: Any) -> Any:
    response = await client.request(method, path, json=body)
    assert response.is_success, f"{method} {path}: {response.text}"
    return response.json()


async def visit(page: Page, toured: Toured, stop: Stop) -> str:
    """Open it and wait until it shows what it has to; its content security policy."""
    if stop.is_signed_in:
        headers = {"Authorization": f"Bearer {toured.key}", "Accept": "text/html", "Accept-Language": "en"}
        await page.set_extra_http_headers(headers)
    if stop.is_in_console:
        cookies: Any = [{"name": name, "value": value, "url": toured.url} for name, value in toured.cookies]
        await page.context.add_cookies(cookies)
        # By which the console knows that it is worth asking who is signed in.
        await page.add_init_script("localStorage.setItem('kos-signed-in', '1')")
    await page.set_viewport_size({"width": stop.width, "height": stop.height})
    answer = await page.goto(toured.url + stop.path)
    await expect(page.locator(stop.ready).first).to_be_visible()
    if stop.is_in_console:
        # What is asked for after the first picture is on it too.
        await page.wait_for_load_state("networkidle")
    # Counted up, slid in, faded in: what moves is at rest, but for what goes on for ever.
    await page.evaluate(
        """() => Promise.all(document.getAnimations()
            .filter((animation) => animation.effect.getComputedTiming().endTime !== Infinity)
            .map((animation) => animation.finished.catch(() => null)))"""
    )
    assert answer is not None
    return (await answer.all_headers()).get("content-security-policy", "")
