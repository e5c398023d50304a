"""One connection's place in the stream: what waits to be sent to it, and what happens when it reads too
slowly.

It is given a ``send``, not a socket, so the same code serves any server and a test. Everything but ``run``
and ``room`` is synchronous: whoever publishes never waits for whoever reads.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.realtime import messages
from app.realtime.channels import Channel
from app.realtime.messages import CloseCode, Frame

Send = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class _Standing:
    """Where the client stands on a channel once everything that waits for it is sent."""

    epoch: str
    position: int


class Subscriber:
    """What one connection follows, and its backlog.

    Slow reader: a publication that finds ``backlog_bytes_max`` waiting is dropped and its channel is marked
    as lagging; when the backlog has drained the client gets one delta from where it stands, or a snapshot.
    A frame that is not taken in time ends the connection with ``TOO_SLOW``: whoever owns the connections calls
    ``end_if_stalled`` now and then, because a timer for each frame would cost more than sending it.
    Memory: ``backlog_bytes_max`` plus one frame; its owner awaits ``room`` before it reads the next
    request, so answers cannot pile up either.
    """

    def __init__(self, send: Send, backlog_bytes_max: int) -> None:
        self.ended: asyncio.Future[CloseCode] = asyncio.get_running_loop().create_future()
        self._clock = asyncio.get_running_loop().time
        self._send = send
        self._send_began: float | None = None
        self._backlog: deque[Frame] = deque()
        self._backlog_bytes = 0
        self._backlog_bytes_max = backlog_bytes_max
        self._standings: dict[Channel, _Standing] = {}
        self._lagging: dict[Channel, None] = {}
        self._waiting = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What this connection follows."""
        return tuple(self._standings)

    def reply(self, frame: Frame) -> None:
        """Queue an answer. Never dropped; see ``room``."""
        self._push(frame)

    def follow(self, channel: Channel, answer: Frame) -> None:
        """Queue the answer to a subscribe; every later publication of the channel follows it."""
        self._lagging.pop(channel, None)
        self._standings[channel] = _Standing(channel.epoch, channel.position)
        self._push(answer)

    def unfollow(self, channel: Channel) -> None:
        self._standings.pop(channel, None)
        self._lagging.pop(channel, None)

    def publish(self, channel: Channel, frame: Frame) -> None:
        """Queue what brings a follower of this channel to its present document, or remember that it lags."""
        standing = self._standings.get(channel)
        if standing is None or channel in self._lagging:
            return
        if self._backlog and self._backlog_bytes + frame.size > self._backlog_bytes_max:
            self._lagging[channel] = None
            return
        standing.epoch, standing.position = channel.epoch, channel.position
        self._push(frame)

    def stop(self, code: CloseCode) -> None:
        """Ask the owner of the connection to close it. The first reason stays."""
        if not self.ended.done():
            self.ended.set_result(code)

    def end_if_stalled(self, seconds_max: float) -> None:
        """Ask for the end if the frame that is being sent was begun longer ago than this."""
        if self._send_began is not None and self._clock() - self._send_began > seconds_max:
            self.stop(CloseCode.TOO_SLOW)

    async def room(self) -> None:
        """Wait until the backlog is within its bound."""
        await self._has_room.wait()

    async def run(self) -> None:
        """Send what waits, in order, until cancelled. Errors: those of ``send``."""
        while True:
            if not self._backlog and not self._catch_up():
                self._waiting.clear()
                await self._waiting.wait()
                continue
            # Counted as waiting until it is sent: a frame that hangs in `send` is backlog too.
            frame = self._backlog[0]
            self._send_began = self._clock()
            await self._send(frame.text)
            self._send_began = None
            self._backlog.popleft()
            self._backlog_bytes -= frame.size
            if self._backlog_bytes <= self._backlog_bytes_max:
                self._has_room.set()

    def _push(self, frame: Frame) -> None:
        self._backlog.append(frame)
        self._backlog_bytes += frame.size
        if self._backlog_bytes > self._backlog_bytes_max:
            self._has_room.clear()
        self._waiting.set()

    def _catch_up(self) -> bool:
        """Queue one lagging channel's step to the present; one at a time keeps the backlog small."""
        while self._lagging:
            channel, _ = self._lagging.popitem()
            standing = self._standings[channel]
            if (standing.epoch, standing.position) != (channel.epoch, channel.position):
                body = channel.since(standing.position, standing.epoch)
                standing.epoch, standing.position = channel.epoch, channel.position
                self._push(messages.publication(channel.name, body))
                return True
        return False
