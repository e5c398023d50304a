"""uvicorn's HTTP protocol with an end to everything that a client can draw out.

A request's head and body have to come in their time, a head has a size, and a client that takes nothing of its answer
is cut off. None of it costs a timer per connection: all that wait for the same kind of thing wait equally long, so the
first of them is the next one due. What is leaned on inside uvicorn is named here.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.realtime import trouble
from app.realtime.subscriber import Subscriber

EXTENSION: Final = "kos.http"
# What one read brings (256 kB) may be more.
HEAD_BYTES_MAX: Final = 65_536

_HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)
_NO_LINGER: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long a request's head may take, then its body, and how long a client may take nothing of an answer."""

    head_seconds_max: float = 10.0
    body_seconds_max: float = 60.0
    stall_seconds_max: float = 15.0


class Deadlines:
    """Connections of which something must come within ``seconds``; one timer for all of them."""

    def __init__(self, seconds: float, overdue: "Callable[[BoundedHttp], None]") -> None:
        self._seconds = seconds
        self._overdue = overdue
        self._due: dict[BoundedHttp, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def start(self, one: "BoundedHttp") -> None:
        """Begin to wait, unless it is waited for already."""
        if one not in self._due:
            self._due[one] = one.loop.time() + self._seconds
            if self._timer is None:
                self._timer = one.loop.call_later(self._seconds, self._look, one.loop)

    def stop(self, one: "BoundedHttp") -> None:
        self._due.pop(one, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        while self._due:
            one, due = next(iter(self._due.items()))
            if due > now:
                self._timer = loop.call_at(due, self._look, loop)
                return
            del self._due[one]
            self._overdue(one)


class BoundedHttp(HttpToolsProtocol):
    """For ``uvicorn.Config(http=bounded_http(…))``; handlers find it in the scope under ``extensions``."""

    # Of the class that `bounded_http` makes: shared by all connections of a server.
    heads: Deadlines
    bodies: Deadlines
    stalls: Deadlines

    _is_in_head = True
    _head_bytes = 0
    _unsent_bytes = 0
    _follower: Subscriber | None = None

    def follow_shutdown(self, subscriber: Subscriber | None) -> None:
        self._follower = subscriber

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.heads.start(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            # Also for bytes that begin no request, which end uvicorn's own wait for one.
            self.heads.start(self)
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        # Nothing is told to this object any more.
        self._let_go()
        self._is_in_head = False
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {EXTENSION: self}
        self.heads.start(self)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self.heads.stop(self)
        super().on_headers_complete()
        self.bodies.start(self)

    def on_message_complete(self) -> None:
        self.bodies.stop(self)
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_unsent()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.stalls.stop(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # What is left is for the kernel to take, which a client that does not read can put off for ever.
        self._watch_unsent()

    def shutdown(self) -> None:
        if self._follower is not None:
            self._follower.shutdown()
        super().shutdown()

    def abort(self) -> None:
        """End it at once, and have the kernel forget what it still holds for it."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            # It may be closed already, for which asyncio and uvloop have an error each.
            with suppress(OSError, ValueError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def look_for_progress(self) -> None:
        """It has had its time to take some of its answer."""
        if not 0 < self.transport.get_write_buffer_size() >= self._unsent_bytes:
            self._watch_unsent()
            return
        if self._follower is not None and not self._follower.is_closing:
            trouble.dropped("stalled")
            # The sweep, which looks for the same, does not find it any more.
            self._follower.cut()
        self.abort()

    def _let_go(self) -> None:
        for deadlines in (self.heads, self.bodies, self.stalls):
            deadlines.stop(self)
        if self.scope is not None:
            # The scope names this object, and this object the scope.
            self.scope.pop("extensions", None)

    def _watch_unsent(self) -> None:
        self._unsent_bytes = self.transport.get_write_buffer_size()
        if self._unsent_bytes:
            self.stalls.start(self)


def bounded_http(limits: HttpLimits) -> type[BoundedHttp]:
    """The protocol of one server."""

    class OfServer(BoundedHttp):
        heads = Deadlines(limits.head_seconds_max, BoundedHttp.abort)
        bodies = Deadlines(limits.body_seconds_max, BoundedHttp.abort)
        stalls = Deadlines(limits.stall_seconds_max, BoundedHttp.look_for_progress)

    return OfServer
