"""Fakes at the edges of the stream: a source with scripted documents, a clock to turn, a client."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.errors import NotFound, Unavailable
from app.realtime import frames
from app.realtime.channels import accept, apply
from app.realtime.connections import Connections, StillValid, StreamLimits
from app.realtime.hub import Hub
from app.realtime.subscriber import NOBODY, Principal, Subscriber

EPOCH = "9f3a61c0"


def text_of(frame: bytes) -> str:
    """The message in a frame of the server."""
    ((_, payload),) = frames.server_frames(frame)
    return payload.decode()


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
        # What other processes committed, by channel, until this one catches up.
        self.elsewhere: dict[str, dict[str, Any]] = {}
        self.is_cut_off = False
        self.catch_ups = 0

    async def catch_up(self, event: str) -> None:
        self.catch_ups += 1
        if self.is_cut_off:
            raise Unavailable("database_unavailable", "Gone.")
        self.documents |= self.elsewhere

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


@dataclass(frozen=True)
class Viewer:
    """A principal that may follow one event."""

    token: str = "good"
    view: str = "public"

    @property
    def actor(self) -> str:
        return f"token:{self.token}"

    def may_follow(self, channel: str) -> bool:
        return channel.split("/")[0] == "kos101"


@dataclass(frozen=True)
class Nobody:
    """Who brought neither token nor key."""

    view: str = "public"
    actor: str = NOBODY

    def may_follow(self, channel: str) -> None:
        return None


async def everybody(principals: Collection[Principal]) -> Collection[Principal]:
    return principals


def connections_of(hub: Hub, still_valid: StillValid = everybody, **limits: Any) -> Connections:
    return Connections(hub, still_valid, StreamLimits(**limits), lambda error: error)


class Reader(asyncio.Transport):
    """A transport and its far end: a client by the rule of the protocol, which may stop taking messages."""

    def __init__(self, high: int = 65_536) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.documents: dict[str, dict[str, Any]] = {}
        self.gaps = 0
        self.ended: list[tuple[int, bytes]] = []
        self.is_cut = False
        self.takes = True
        self.may_write_to_us = True
        self.pings = 0
        self.writes: list[bytes] = []
        self.subscriber: Subscriber | None = None
        self._high = high
        self._buffer: list[bytes] = []

    def connect(self, connections: Connections, principal: Principal | None = None) -> Subscriber:
        """Join as one more connection."""
        self.subscriber = connections.admit(self, principal or Viewer())
        return self.subscriber

    def stop_reading(self) -> None:
        self.takes = False

    def read_on(self) -> None:
        self.takes = True
        self._deliver()

    def sip(self) -> None:
        """Take what waits, and nothing of what that brings."""
        waiting, self._buffer = self._buffer, []
        for data in waiting:
            for opcode, payload in frames.server_frames(data):
                if opcode == frames.TEXT:
                    self.take(orjson.loads(payload))
        if self.subscriber and self.subscriber.is_full:
            self.subscriber.resume_writing()

    def write(self, data: Any) -> None:
        self.writes.append(data)
        self._buffer.append(data)
        if self.takes:
            self._deliver()
        elif self.subscriber and not self.subscriber.is_full and self.get_write_buffer_size() > self._high:
            self.subscriber.pause_writing()

    def _deliver(self) -> None:
        while self._buffer and self.takes:
            for opcode, payload in frames.server_frames(self._buffer.pop(0)):
                if opcode == frames.TEXT:
                    self.take(orjson.loads(payload))
                elif opcode == frames.PING:
                    self.pings += 1
                elif opcode == frames.CLOSE:
                    self.ended.append((int.from_bytes(payload[:2], "big"), payload[2:]))
        if self.subscriber and self.subscriber.is_full:
            self.subscriber.resume_writing()

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self._buffer))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None:
        self.may_write_to_us = False

    def resume_reading(self) -> None:
        self.may_write_to_us = True

    def is_closing(self) -> bool:
        return self.is_cut

    def abort(self) -> None:
        if not self.is_cut:
            self.is_cut = True
            if self.subscriber:
                self.subscriber.connection_lost(None)

    def close(self) -> None:
        """As a transport does it: what waits is written first, which takes as long as the far end likes."""
        if not self._buffer:
            self.abort()

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
