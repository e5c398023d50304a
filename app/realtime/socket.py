"""uvicorn's WebSocket protocol, from which an accepted connection can be taken over.

The handler authenticates and accepts as in any FastAPI application, then calls ``hand_over`` and returns: the
transport goes to a ``Subscriber``, and all that a request needs (task, scope, queue, parser) is let go. What is leaned
on inside uvicorn is named here; the tests of this module run on every upgrade.
"""

import asyncio
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.realtime import frames
from app.realtime.subscriber import Principal, Subscriber

EXTENSION = "kos.socket"


class Admitting(Protocol):
    """Who makes a subscriber of a connection; implemented by ``app.realtime.connections.Connections``."""

    def admit(self, transport: asyncio.Transport, principal: Principal) -> Subscriber: ...


class _NoTransport:
    """In place of the transport that was given away: uvicorn closes what it holds when the handler returns."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def is_closing(self) -> bool:
        return False


_NO_TRANSPORT: Any = _NoTransport()


class StreamProtocol(WebSocketsSansIOProtocol):
    """For ``uvicorn.Config(ws=…)``; the handler finds it in the scope under ``extensions`` as ``kos.socket``."""

    # Bytes after the request that belong to a frame of which not all has come.
    _tail = b""
    _has_request = False

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        # The parser may hold half a frame, and does not tell which bytes: so they are kept here.
        if self._has_request:
            self._tail = _unfinished(self._tail + data)
        self._has_request = True
        super().data_received(data)

    def hand_over(self, owner: Admitting, principal: Principal) -> None:
        """Make a subscriber of this connection; nothing happens if it is gone already."""
        transport = self.transport
        if self.disconnected or self.close_sent or transport.is_closing():
            return
        self.stop_keepalive()
        part = None
        if self.conn.current_size is not None:
            opcode = frames.TEXT if self.curr_msg_data_type == "text" else frames.BINARY
            part = (opcode, b"".join(self.frames))
        heard = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        subscriber = owner.admit(transport, principal)
        transport.set_protocol(subscriber)
        self.connections.discard(self)
        served: set[Any] = self.connections
        served.add(subscriber)
        subscriber.connections = served
        self.transport = _NO_TRANSPORT
        if self.read_paused:
            transport.resume_reading()
        for event in heard:
            if event["type"] == "websocket.receive":
                subscriber.heard(event.get("text"))
        subscriber.adopt(self._tail, part)


def _unfinished(data: bytes) -> bytes:
    """What is left of it after all whole frames; nothing once it breaks the protocol, which the parser will tell."""
    at = 0
    try:
        while (frame := frames.read_frame(data, at, len(data))) is not None:
            at = frame.end
    except frames.BadFrame:
        return b""
    return data[at:]
