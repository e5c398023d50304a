"""Audiences of known sizes over two processes, one of which is killed: every minute in the journal is the exact count.

The processes are real; their clock is a file, so that minutes pass when the test says so.
"""

import asyncio
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.challenge.uniques import ERROR_PERMILLE
from app.sales.times import rfc3339
from tests import factories
from tests.app_server import AppServer, app_server
from tests.event_client import EventClient
from tests.processes import Server, start_on_free_port
from tests.servers import LONG, Postgres

ROOT = Path(__file__).parent.parent.parent
SECOND = 1_000_000
MINUTE = 60 * SECOND
START = factories.NOW_US
# How many eighths of the audience are there in each minute: more than before, so that what is shown is of the newest.
EIGHTHS = (1, 2, 6, 8)
MINUTES = len(EIGHTHS)
CRASH = 2
BATCH = 5_000
_SECONDS_MAX = 600.0 if LONG else 60.0


class Turned:
    """The clock of all processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set(START)

    def set(self, at: int) -> None:
        # Replaced as a whole: a process that reads in between finds one time or the other.
        new = self.path.with_suffix(".new")
        new.write_text(str(at))
        new.replace(self.path)


def turned_server(url: str, clock: Turned, **variables: str) -> AppServer:
    def make(port: int) -> AppServer:
        server = app_server(port, url, PYTHONPATH=str(ROOT), **variables)
        server.command = [sys.executable, "-m", "tests.turned_server", str(port), str(clock.path)]
        server.is_cold = True
        return server

    return start_on_free_port(make)


class Audience:
    """Who watches what in which minute, drawn once, and counted exactly."""

    def __init__(self, size: int) -> None:
        chance = random.Random(size)
        everybody = [f"viewer-{number}" for number in range(size)]
        self.signs: list[list[dict[str, Any]]] = []
        self.exact: dict[tuple[str, int], int] = {}
        self.different: defaultdict[str, set[str]] = defaultdict(set)
        for eighths in EIGHTHS:
            minute = len(self.signs)
            there = chance.sample(everybody, size * eighths // 8)
            watched: defaultdict[str, set[str]] = defaultdict(set)
            signs = []
            for viewer in there:
                session = chance.choice(["", "s1", "s2"])
                at = rfc3339(START + minute * MINUTE + chance.randrange(60) * SECOND)
                sign = {"type": "heartbeat", "viewer": viewer, "at": at}
                # Some beat more than once, some on both sessions.
                signs += [{**sign, "session": session} if session else sign] * chance.choice([1, 1, 2])
                for name in {"", session}:
                    watched[name].add(viewer)
            chance.shuffle(signs)
            self.signs.append(signs)
            for name, viewers in watched.items():
                self.exact[name, minute] = len(viewers)
                self.different[name] |= viewers


async def post(clients: Sequence[httpx2.AsyncClient], event: str, signs: Sequence[dict[str, Any]]) -> None:
    """Spread over the processes, every sign to one of them."""
    for number, start in enumerate(range(0, len(signs), BATCH)):
        half = len(signs[start : start + BATCH]) // 2
        parts = signs[start : start + half], signs[start + half : start + BATCH]
        for place, part in enumerate(parts):
            if part:
                client = clients[(number + place) % len(clients)]
                answer = await client.post(f"/v1/events/{event}/viewers", json=part)
                assert answer.is_success, answer.text
                assert answer.json() == {"accepted": len(part), "refused": 0, "refusals": []}


async def sampled(event: EventClient, minute: int) -> dict[tuple[str, int], int]:
    """What the journal has by the time it has this minute of the event itself."""
    while True:
        facts = [entry["body"]["fact"] for entry in await event.entries() if entry["kind"] == "viewers.sampled"]
        found = {(fact.get("session", ""), (fact["minute"] - START) // MINUTE): fact["viewers"] for fact in facts}
        assert len(found) == len(facts)
        if ("", minute) in found:
            return found
        await asyncio.sleep(0.1)


@pytest.fixture
def clock(tmp_path: Path) -> Turned:
    return Turned(tmp_path / "clock")


@pytest.fixture
def servers(postgres: Postgres, valkey: Server, clock: Turned) -> Iterator[list[AppServer]]:
    url = postgres.create_database()
    started: list[AppServer] = []
    for _ in range(2):
        started.append(turned_server(url, clock, KOS_REDIS_URL=valkey.url, KOS_VIEWERS_LATE_SECONDS="20"))
    yield started
    for server in started:
        server.close()
    postgres.drop_database(url)


@pytest.mark.parametrize("size", [10, 1_000, 100_000] if LONG else [1_000])
async def test_minutes_of_two_processes_are_exact_through_the_crash_of_one(
    servers: list[AppServer], clock: Turned, size: int
):
    audience = Audience(size)
    async with asyncio.timeout(_SECONDS_MAX), AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server.client()) for server in servers]
        event = await EventClient(clients[0], f"audience-{size}").open()
        for session in ("s1", "s2"):
            await event.ok("POST", "/sessions", {"id": session, "hosts": [{"id": "h7"}]})
        for minute, signs in enumerate(audience.signs):
            clock.set(START + minute * MINUTE + 59 * SECOND)
            half = len(signs) // 2
            await post(clients, event.id, signs[:half])
            if minute == CRASH:
                # What came to it has been told by then: whoever is not heard again is still counted.
                await both_show(clients, event.id, viewers_of(signs[:half]))
                servers[1].kill()
                await post(clients[:1], event.id, signs[half:])
                await servers[1].restart()
            else:
                await post(clients, event.id, signs[half:])
            await both_show(clients, event.id, audience.exact["", minute])
        clock.set(START + MINUTES * MINUTE + 30 * SECOND)
        found = await sampled(event, MINUTES - 1)
        state = (await clients[1].get(f"/v1/channels/{event.id}")).json()

    assert found == audience.exact
    assert state["viewers_peak"] == size
    assert state["viewer_minutes"] == sum(count for (session, _), count in found.items() if not session)
    different = state["viewers_different"]
    # An installation hides viewers under a secret of its own, so this is another draw every time: five standard errors,
    # which one in a million is beyond. `low` and `high` are two.
    assert abs(different["estimate"] - size) * 1_000 <= ERROR_PERMILLE * size * 5 // 2
    assert different["low"] <= different["estimate"] <= different["high"]
    assert len(audience.different[""]) == size


def viewers_of(signs: Sequence[dict[str, Any]]) -> int:
    return len({sign["viewer"] for sign in signs})


async def both_show(clients: Sequence[httpx2.AsyncClient], event: str, viewers: int) -> None:
    """Returns once each process holds what all have heard."""
    for client in clients:
        while (await client.get(f"/v1/channels/{event}/viewers")).json()["viewers"] != viewers:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
