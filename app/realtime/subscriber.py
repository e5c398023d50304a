"""One connection of the stream: reads what its client sends, and is written to by every channel that it follows.

It is the protocol of a raw transport once the handshake is over (``socket.py``), or sits behind any server's ``send``
(``asgi.py``). There may be tens of thousands: it has slots, no task, no timer and no queue of its own.
"""

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.errors import AppError, BadRequest, TooLarge
from app.realtime import frames, messages, trouble
from app.realtime.budget import Budget
from app.realtime.door import Place
from app.realtime.fanout import Write
from app.realtime.frames import BadFrame, ClientFrame, close_frame, control_frame
from app.realtime.messages import CloseCode

if TYPE_CHECKING:
    from app.realtime.hub import OpenChannel

# A message over its limit is answered up to so many times of it; a larger one ends the connection unread.
FRAME_FACTOR = 4
# Aborting without it leaves the kernel to offer megabytes to a client that has stopped reading, for minutes.
_NO_LINGER = struct.pack("ii", 1, 0)


# The actor of those who brought neither token nor key: what they may follow is for the events to say.
NOBODY: Final = "nobody"


class Principal(Protocol):
    """What the stream needs to know of whoever connected."""

    @property
    def view(self) -> str: ...

    @property
    def actor(self) -> str:
        """Names the key or token: those of one actor are valid together."""

    def may_follow(self, channel: str) -> bool | None:
        """Denied unless the token says otherwise; None if its event has to be asked, which may take time."""
        ...


class Owner(Protocol):
    """Who takes a connection's messages and looks after it; implemented by ``app.realtime.stream.Stream``."""

    message_bytes_max: int
    messages_per_second_max: int
    messages_burst_max: int

    def take(self, subscriber: "Subscriber", text: str) -> "asyncio.Task[None] | None":
        """Answer a message; a task if that takes time: the client's next message waits for it."""
        ...

    def stalled(self, subscriber: "Subscriber") -> None:
        """Its transport is full: write nothing more to it."""
        ...

    def drained(self, subscriber: "Subscriber") -> None:
        """Its transport has room again."""
        ...

    def left(self, subscriber: "Subscriber") -> None:
        """It follows nothing any more: gone, or about to go. May be told twice."""
        ...

    def closing(self, subscriber: "Subscriber") -> None:
        """It was told to close and has a while to answer."""
        ...


class Subscriber(asyncio.Protocol):
    """A connection. Only from the event loop's thread."""

    __slots__ = (
        "_budget",
        "_busy",
        "_owner",
        "_part",
        "_rest",
        "channels",
        "connections",
        "is_closing",
        "is_full",
        "is_live",
        "place",
        "principal",
        "transport",
        "viewer",
    )

    def __init__(self, transport: asyncio.Transport, principal: Principal, owner: Owner) -> None:
        self.transport = transport
        self.principal = principal
        # Where it is counted by its address, until it has left.
        self.place: Place | None = None
        # The server's own list of connections, if it is in one.
        self.connections: set[Any] | None = None
        # What it follows. A tuple: most follow one or two.
        self.channels: tuple[OpenChannel, ...] = ()
        # Whether its transport holds more than it should: it is written to no more until that has drained.
        self.is_full = False
        # Whether nothing may be written to it any more, but for what ends it.
        self.is_closing = False
        # Whether anything was heard of it since the last ping.
        self.is_live = True
        # Which viewer it is, once a heartbeat has said so.
        self.viewer: bytes | None = None
        self._owner = owner
        self._rest = b""
        # Opcode and payload of a message of which not all frames have come.
        self._part: tuple[int, bytes] | None = None
        # What must end before the next message is taken.
        self._busy: asyncio.Task[None] | None = None
        now = asyncio.get_running_loop().time()
        self._budget = Budget(owner.messages_per_second_max, owner.messages_burst_max, now)

    # What others do with it.

    @property
    def is_waited_for(self) -> bool:
        """Whether it is not read from for reasons of ours, so that nothing can be heard of it."""
        return self.is_full or self._busy is not None

    @property
    def write(self) -> Write:
        """Made anew each time it is asked for: who leaves a fan-out and comes back has another one."""
        return self.transport.write

    def send(self, frame: bytes) -> None:
        """Write a frame; never waits."""
        if not self.is_closing:
            self.transport.write(frame)

    def close(self, code: int, reason: str = "") -> None:
        """Say why and write nothing more; whoever does not answer in time is cut off by the sweep."""
        if self.is_closing:
            return
        self._owner.left(self)
        self.is_closing = True
        self.transport.write(close_frame(code, reason))
        self._owner.closing(self)
        if self._busy is not None:
            # It is heard from now on, whatever it waited for: its answer ends it in good order.
            self._busy = None
            self._resume_reading()

    def cut(self) -> None:
        """End it at once, and have the kernel forget what it still holds for it."""
        self._owner.left(self)
        self.is_closing = True
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            # Somebody else may have ended it a moment ago; uvloop's ValueError is that of a descriptor that is gone.
            with contextlib.suppress(OSError, ValueError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def shutdown(self) -> None:
        """The server stops."""
        self.close(1012)
        self.transport.close()

    # What the transport tells.

    def data_received(self, data: bytes) -> None:
        self.is_live = True
        self._rest = self._rest + data if self._rest else data
        if self._busy is None and not self.is_full:
            self._read_on()

    def eof_received(self) -> None:
        """Half a connection is of no use: the transport closes."""

    def pause_writing(self) -> None:
        self.is_full = True
        # Who does not take our answers is not asked for more requests.
        self.transport.pause_reading()
        self._owner.stalled(self)

    def resume_writing(self) -> None:
        self.is_full = False
        self._owner.drained(self)
        # Not if what it was sent on draining has filled it again.
        self._resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closing = True
        self._rest, self._part = b"", None
        if self.connections is not None:
            self.connections.discard(self)
        self._owner.left(self)

    # Reading.

    def _read_on(self) -> None:
        data, at = self._rest, 0
        try:
            while self._busy is None and not self.is_full and not self.transport.is_closing():
                frame = frames.read_frame(data, at, self._owner.message_bytes_max * FRAME_FACTOR)
                if frame is None:
                    break
                at = frame.end
                self._take(frame)
        except BadFrame as error:
            self._fail(error.code)
            return
        self._rest = data[at:]

    def _take(self, frame: ClientFrame) -> None:
        opcode, payload = frame.opcode, frame.payload
        if opcode == frames.CLOSE:
            self._closed_by_client(payload)
        elif self._is_within_budget():
            if opcode == frames.PING:
                self.send(control_frame(frames.PONG, payload))
            elif opcode != frames.PONG:
                self._message_part(opcode, frame.is_last, payload)

    def _message_part(self, opcode: int, is_last: bool, payload: bytes) -> None:
        if (opcode == frames.CONTINUATION) == (self._part is None):
            raise BadFrame(frames.PROTOCOL_ERROR)
        if self._part is not None:
            opcode, payload = self._part[0], self._part[1] + payload
            if len(payload) > self._owner.message_bytes_max * FRAME_FACTOR:
                raise BadFrame(frames.TOO_LARGE)
        self._part = None if is_last else (opcode, payload)
        if is_last and not self.is_closing:
            self._message(frames.decoded(payload) if opcode == frames.TEXT else None)

    def heard(self, text: str | None) -> None:
        """A whole message, from a server that reads frames by itself; None for one that is not text."""
        self.is_live = True
        if not self.is_closing and self._is_within_budget():
            self._message(text)

    def _message(self, text: str | None) -> None:
        limit = self._owner.message_bytes_max
        try:
            if text is None:
                raise BadRequest("message_not_text", "Send JSON as text messages, not binary ones.")
            if len(text) > limit or len(text.encode()) > limit:
                raise TooLarge("message_too_large", f"A message has at most {limit} bytes.")
        except AppError as error:
            self.send(messages.failure(error, None))
            return
        task = self._owner.take(self, text)
        if task is not None:
            self._busy = task
            self.transport.pause_reading()
            task.add_done_callback(self._go_on)

    def _go_on(self, task: "asyncio.Task[None]") -> None:
        self._busy = None
        self._resume_reading()

    def _resume_reading(self) -> None:
        if self._busy is None and not self.is_full and not self.transport.is_closing():
            self.transport.resume_reading()
            self._read_on()

    def _is_within_budget(self) -> bool:
        if self.is_closing or self._budget.take(asyncio.get_running_loop().time()):
            return True
        trouble.dropped("too_many_messages")
        self.close(CloseCode.TOO_MANY_MESSAGES, "more messages than a client may send")
        return False

    def _closed_by_client(self, payload: bytes) -> None:
        frames.check_close(payload)
        self._end(control_frame(frames.CLOSE, payload))

    def _fail(self, code: int) -> None:
        self._rest = b""
        trouble.dropped("bad_frame")
        self._end(close_frame(code))

    def _end(self, last: bytes) -> None:
        """Close once what waits has been written, which a client that does not read can put off for ever."""
        self._owner.left(self)
        if not self.is_closing:
            self.is_closing = True
            self.transport.write(last)
        self._owner.closing(self)
        self.transport.close()
