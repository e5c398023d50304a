"""Fakes at the edges of the stream: a source with scripted documents, a clock to turn, a client."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from app.errors import NotFound
from app.realtime.channels import accept, apply

EPOCH = "9f3a61c0"


def board(position: int, scores: dict[str, int], epoch: str = EPOCH, **fields: Any) -> dict[str, Any]:
    """A board of hosts at a position, ranked by score and then id."""
    ranked = sorted(scores, key=lambda identity: (-scores[identity], identity))
    return {
        "event": "kos101",
        "board": "hosts",
        "of": "host",
        "measure": "net_sales",
        "window": "event",
        "unit": "GBP",
        "epoch": epoch,
        "position": position,
        "finality": "live",
        "frozen": False,
        "rows_total": len(scores),
        "total": f"{sum(scores.values())}.00",
        "house": "0.00",
        "excluded": "0.00",
        "rows": [
            {"rank": index + 1, "id": identity, "name": f"Host {identity}", "score": f"{scores[identity]}.00"}
            for index, identity in enumerate(ranked)
        ],
        **fields,
    }


class ScriptedSource:
    """Documents by channel. ``failing`` is raised instead; while ``gate`` is cleared, reads wait."""

    def __init__(self, documents: dict[str, dict[str, Any]] | None = None) -> None:
        self.documents = documents or {}
        self.failing: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads: list[tuple[str, str]] = []

    async def snapshot(self, channel: str, view: str) -> dict[str, Any]:
        self.reads.append((channel, view))
        await self.gate.wait()
        if self.failing:
            raise self.failing
        if channel not in self.documents:
            raise NotFound("channel_unknown", "There is no such channel.")
        return self.documents[channel]


class TurnedClock:
    """``sleep`` ends when a test turns the clock far enough."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, future))
        await future

    async def turn(self, seconds: float) -> None:
        self.now += seconds
        for due, future in self._sleepers:
            if due <= self.now and not future.done():
                future.set_result(None)
        await turns()


async def turns(count: int = 20) -> None:
    """Let everything run that can run."""
    for _ in range(count):
        await asyncio.sleep(0)


class Reader:
    """The far end of a connection: a client by the rule of the protocol, which may stop taking messages."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.documents: dict[str, dict[str, Any]] = {}
        self.gaps = 0
        self.is_reading = asyncio.Event()
        self.is_reading.set()

    async def send(self, text: str) -> None:
        await self.is_reading.wait()
        self.take(orjson.loads(text))

    def take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if message["type"] not in ("subscribed", "publication"):
            return
        channel = message["channel"]
        if "snapshot" in message:
            self.documents[channel] = message["snapshot"]
            return
        mine = self.documents[channel]
        decision = accept(mine["position"], message.get("previous", mine["position"]), message["position"])
        if decision == "apply":
            self.documents[channel] = apply(mine, message["delta"], message["position"])
        elif decision == "gap":
            self.gaps += 1

    def kinds(self) -> Sequence[str]:
        return [message["type"] for message in self.messages]
