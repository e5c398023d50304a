"""Documents of the channels that components follow, and a server that has them for a page to show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from playwright.async_api import Page, expect

from tests.realtime.doubles import EPOCH, board
from tests.realtime.served import Served, serving

STATE, TICKER, TEAMS, HOST, VIEWERS, TOLD = (
    "kos101",
    "kos101/orders",
    "kos101/boards/teams",
    "kos101/hosts/mei",
    "kos101/viewers",
    "kos101/overlays",
)
NEIGHBOURS = {"lin": 500, "mei": 400, "ana": 100}
HOSTILE = '<img src=x onerror="window.hacked=1"><b>Lin</b> & "Co"'
LONG = f"{HOSTILE} {'Sehrlangername' * 12} 非常长的名字 مريم 🌸"[:200]


def head(position: int) -> dict[str, Any]:
    return {
        "event": "kos101",
        "event_name": "Spring",
        "unit": "GBP",
        "epoch": EPOCH,
        "position": position,
        "finality": "live",
        "frozen": False,
    }


def state(position: int = 1, **members: Any) -> dict[str, Any]:
    """The event, live; sessions on air are its ``rows``."""
    return {
        **head(position),
        "status": "live",
        "entered_at": "2026-11-22T09:00:00.000000Z",
        "timezone": "UTC",
        "starts_at": "2026-11-22T09:00:00.000000Z",
        "ends_at": "2099-01-01T00:00:00.000000Z",
        "offers": [],
        "goals": [],
        "announcements": [],
        "rows": [],
        **members,
    }


def goal(value: str, reached_at: str | None = None, **members: Any) -> dict[str, Any]:
    return {
        "id": "g1",
        "title": "First thousand",
        "of": "event",
        "target_id": "",
        "measure": "net_sales",
        "target": "1000.00",
        "value": value,
        "reached_at": reached_at,
        **members,
    }


def session(id: str, *pins: dict[str, Any]) -> dict[str, Any]:
    hosts = [{"id": "mei", "name": "Mei"}]
    return {"id": id, "hosts": hosts, "started_at": "2026-11-22T09:00:00.000000Z", "pins": list(pins)}


def pin(sku: str, minute: int = 0, **members: Any) -> dict[str, Any]:
    return {"sku": sku, "pinned_at": f"2026-11-22T10:{minute:02}:00.000000Z", **members}


def announcement(text: str, until: str | None = None) -> dict[str, Any]:
    return {"id": "a1", "text": text, "made_at": "2026-11-22T10:00:00.000000Z", "until": until}


def sale(position: int, name: str, amount: str, **members: Any) -> dict[str, Any]:
    return {
        "id": f"{position}.0",
        "position": position,
        "host": "lin",
        "name": name,
        "team": "ruby",
        "amount": amount,
        "units": 1,
        "title": "Ruby Woo",
        "at": "2026-11-22T10:00:00.000000Z",
        **members,
    }


def ticker(position: int, *rows: dict[str, Any]) -> dict[str, Any]:
    shown = ("event", "unit", "epoch", "position")
    return {name: value for name, value in head(position).items() if name in shown} | {"rows": list(rows)}


def teams(position: int, **scores: int) -> dict[str, Any]:
    document = board(position, scores, board="teams", of="team")
    for row in document["rows"]:
        row["name"] = f"Team {row['id'].capitalize()}"
    return document


def host(position: int, scores: dict[str, int], name: str = "Mei") -> dict[str, Any]:
    """Mei's own numbers among these."""
    rows: list[dict[str, Any]] = board(position, scores)["rows"]
    above = [row["score"] for row in rows]
    for at, row in enumerate(rows):
        row["gap"] = "0.00" if at == 0 else f"{float(above[at - 1]) - float(row['score']):.2f}"
    mine = next((row for row in rows if row["id"] == "mei"), None)
    numbers = {"gross_sales": "0.00", "net_sales": mine["score"] if mine else "0.00", "orders": 12, "units": 20}
    return {
        **head(position),
        "host": "mei",
        "name": name,
        "team": "jade",
        "team_name": "Jade",
        "team_rank": 1,
        **numbers,
        "direct_sales": "0.00",
        "indirect_sales": "0.00",
        "today": {"day": "2026-11-22", **numbers},
        "rank": mine["rank"] if mine else None,
        "gap": mine["gap"] if mine else None,
        "rows": rows if mine else [],
    }


def viewers(second: int, count: int, peak: int, **sessions: int) -> dict[str, Any]:
    rows = [{"id": id, "viewers": number} for id, number in sessions.items()]
    time = f"2026-11-22T10:00:{second:02}.000000Z"
    return {"event": "kos101", "time": time, "viewers": count, "peak": peak, "rows": rows}


def told(second: int, **members: Any) -> dict[str, Any]:
    time = f"2026-11-22T10:00:{second:02}.000000Z"
    nothing: dict[str, Any] = {"scene": "", "hidden": [], "message": None, "rooms": {}, "look_version": ""}
    return {"event": "kos101", "time": time, **nothing, **members}


@asynccontextmanager
async def prepared() -> AsyncIterator[Served]:
    """A server with a document for every component."""
    async with serving() as running:
        running.source.documents |= {
            STATE: state(),
            TICKER: ticker(1, sale(1, "Lin", "230.00")),
            TEAMS: teams(1, ruby=300, jade=100),
            HOST: host(1, NEIGHBOURS),
            VIEWERS: viewers(1, 1200, 1500, night=800),
            TOLD: told(0),
        }
        yield running


async def show(page: Page, served: Served, component: str, state: str = "live", **query: Any) -> None:
    await page.set_viewport_size({"width": 1920, "height": 1080})
    asked = {"lang": "en-GB", **query}
    parameters = "".join(f"&{name.replace('_', '-')}={quote(str(value))}" for name, value in asked.items())
    await page.goto(served.url(f"/overlay/kos101/{component}?token=good{parameters}"))
    await expect(page.locator(f"kos-{component}")).to_have_attribute("data-state", state)


async def change(served: Served, channel: str, document: dict[str, Any]) -> None:
    if "position" in document:
        served.publish(document, channel)
    else:
        served.source.documents[channel] = document
        served.hub.mark_live(channel)


async def moving(page: Page, component: str) -> int:
    """How much of a component moves now; the element itself is not asked for what the page does to it."""
    return int(
        await page.locator(f"kos-{component}").evaluate(
            "(element) => element.shadowRoot.getAnimations().filter((one) => one.playState === 'running').length"
        )
    )


def plain(text: str | None) -> str:
    """Without the marks that keep directions of writing apart."""
    return (text or "").replace("\u2068", "").replace("\u2069", "").replace("\u00a0", " ")
