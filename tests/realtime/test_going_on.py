"""A connection that ends at a bad moment takes the loop, and the look at all others, from nobody."""

import asyncio
import socket
from typing import Any

import pytest
import uvloop

from app.realtime.connections import Connections, StreamLimits
from app.realtime.events import EventsTransport
from app.realtime.hub import Hub
from app.realtime.messages import Subscribe
from tests.realtime.doubles import Reader, ScriptedSource, Viewer, board, connections_of, everybody, turns

NAME = "kos101/boards/hosts"
SENDS_MAX = 1_000


class Flooded(Exception):
    """`send` was called again and again without a turn of the loop."""


async def test_client_that_vanishes_in_the_middle_of_a_walk_does_not_take_the_loop():
    """Its `send` returns at once from then on, and each snapshot fills it anew."""
    source = ScriptedSource({NAME: board(1, {"a" * 70_000: 1})})
    hub = Hub(source, 50, 100)
    connections = connections_of(hub)
    gone, sends = asyncio.Event(), 0

    async def send(message: Any) -> None:
        nonlocal sends
        sends += 1
        if sends > SENDS_MAX:
            raise Flooded
        if not gone.is_set():
            await gone.wait()

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    request = [Subscribe(NAME, 0)]
    transport = EventsTransport(receive, send, request, None)
    subscriber = connections.admit(transport, Viewer())
    transport.join(subscriber)
    await connections.follow(subscriber, request)
    fanout = subscriber.channels[0].fanout
    # A walk to somebody else takes a turn of the loop.
    await hub.subscribe(Reader().connect(connections), Subscribe(NAME, 1), "public")
    serving = asyncio.create_task(transport.serve(subscriber))
    await turns()
    source.documents[NAME] = board(2, {"a" * 70_000: 2})
    hub.mark("kos101", 2)
    while fanout.is_settled:  # noqa: ASYNC110
        await asyncio.sleep(0)

    gone.set()
    await turns()

    assert sends < SENDS_MAX
    subscriber.cut()
    await asyncio.wait_for(serving, 5)
    await hub.close()


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_connection_that_has_ended_already_can_be_cut(runner):
    async def cut_twice() -> bool:
        listening = socket.create_server(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        connections = Connections(Hub(ScriptedSource(), 50, 100), everybody, StreamLimits(), lambda error: error)
        transport, _ = await loop.create_connection(asyncio.Protocol, *listening.getsockname())
        subscriber = connections.admit(transport, Viewer())
        transport.abort()
        await asyncio.sleep(0.01)
        subscriber.cut()
        listening.close()
        return len(connections) == 0

    assert runner(cut_twice())


async def test_look_that_fails_is_told_and_followed_by_the_next_one(monkeypatch, caplog):
    monkeypatch.setattr("app.realtime.connections._OVERDUE_CHECK_SECONDS", 0.01)
    hub = Hub(ScriptedSource(), 50, 100)
    connections = connections_of(hub, token_check_seconds=0.01, ping_seconds=0.01)
    looks = {"tokens": 0, "overdue": 0}

    def end_overdue() -> None:
        looks["overdue"] += 1
        raise ValueError("a fault")

    async def check_tokens() -> None:
        looks["tokens"] += 1
        raise ValueError("a fault")

    monkeypatch.setattr(connections, "end_overdue", end_overdue)
    monkeypatch.setattr(connections, "check_tokens", check_tokens)
    watching = asyncio.create_task(connections.watch())
    async with asyncio.timeout(5):
        while min(looks.values()) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert not watching.done()
    assert "a fault" in caplog.text
    watching.cancel()
    await asyncio.wait([watching])
