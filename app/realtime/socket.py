"""uvicorn's WebSocket protocol, from which an accepted connection can be taken over.

The handler authenticates and accepts as in any FastAPI application, then calls ``hand_over`` and returns: the
transport goes to a ``Subscriber``, and all that a request needs (task, scope, queue, parser) is let go. What is leaned
on inside uvicorn is named here; the tests of this module run on every upgrade.
"""

import asyncio
from typing import Any, Protocol

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.errors import InvariantError
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

    # What came after the request, until the application asks for a message: None from then on.
    _unread: bytes | None = b""
    _has_request = False

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        # Kept as it came, because the parser does not give back what it has taken of an unfinished frame. It is little:
        # reading pauses at the first whole message.
        if self._has_request and self._unread is not None:
            self._unread += data
        self._has_request = True
        super().data_received(data)

    async def receive(self) -> ASGIReceiveEvent:
        event = await super().receive()
        if event["type"] != "websocket.connect":
            self._unread = None
        return event

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.close_sent:
            # Also for who was refused with an answer of ours: otherwise each is an error of the application in the log.
            self.handshake_complete = True

    def hand_over(self, owner: Admitting, principal: Principal) -> None:
        """Make a subscriber of this connection; nothing happens if it is gone already.

        Errors: InvariantError if messages were received before.
        """
        transport = self.transport
        if self.disconnected or self.close_sent or transport.is_closing():
            return
        if self._unread is None:
            raise InvariantError("a connection is handed over before its first message is received")
        self.stop_keepalive()
        subscriber = owner.admit(transport, principal)
        transport.set_protocol(subscriber)
        self.connections.discard(self)
        served: set[Any] = self.connections
        served.add(subscriber)
        subscriber.connections = served
        self.transport = _NO_TRANSPORT
        if self.read_paused:
            transport.resume_reading()
        if self._unread:
            subscriber.data_received(self._unread)
