"""Echoes every message, for the Autobahn suite: our own connections, of which only the answer is another one.

    python -m tests.rfc6455.echo FILE handed_over|attached    writes the port that it listens on into the file

``handed_over`` is how `kos serve` has it (``app/realtime/socket.py``); ``attached`` how any other server would serve us
(``app/realtime/asgi.py``). Reading, framing and closing are the code that is served; the service itself takes JSON
only, so what a binary message held is remembered here on its way.
"""

import asyncio
import socket
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketState

from app.realtime import frames
from app.realtime.asgi import AsgiTransport
from app.realtime.socket import EXTENSION, StreamProtocol
from app.realtime.subscriber import FRAME_FACTOR, Principal, Subscriber

# The largest message of the suite has 16 MiB, and a binary one may be twice as long as the text that it travels as.
_MESSAGE_BYTES_MAX = 64 << 20
# How a binary message travels through the text of an ASGI server's events.
_BINARY = "\0binary:"


class Anybody:
    view = "public"
    actor = "token:anybody"

    def may_follow(self, channel: str) -> bool:
        return True


class Echo:
    """Owner of every connection: sends back what it takes. Whoever does not answer a close is cut off by the suite."""

    message_bytes_max = _MESSAGE_BYTES_MAX
    # A thousand messages in a row are one of the cases.
    messages_per_second_max = 1_000_000
    messages_burst_max = 1_000_000

    def admit(self, transport: asyncio.Transport, principal: Principal) -> Subscriber:
        transport.set_write_buffer_limits(high=_MESSAGE_BYTES_MAX)
        return EchoSubscriber(transport, principal, self)

    def take(self, subscriber: Subscriber, text: str) -> None:
        subscriber.send(frames.text_frame(text.encode()))

    def stalled(self, subscriber: Subscriber) -> None: ...

    def drained(self, subscriber: Subscriber) -> None: ...

    def left(self, subscriber: Subscriber) -> None: ...

    def closing(self, subscriber: Subscriber) -> None: ...


class EchoSubscriber(Subscriber):
    __slots__ = ("_binary",)

    def _message_part(self, opcode: int, is_last: bool, payload: bytes) -> None:
        self._binary = self._part[1] + payload if self._part else payload
        super()._message_part(opcode, is_last, payload)

    def _message(self, text: str | None) -> None:
        if text is None:
            self.send(b"\x82" + frames.text_frame(self._binary)[1:])
        else:
            super()._message(text)


class EchoSocket(WebSocket):
    """Takes and sends binary messages as marked texts, which are all that a subscriber is given."""

    def __init__(self, accepted: WebSocket) -> None:
        super().__init__(accepted.scope, accepted.receive, accepted.send)
        self.client_state = self.application_state = WebSocketState.CONNECTED

    async def receive(self) -> MutableMapping[str, Any]:
        event = await super().receive()
        if event.get("bytes") is not None:
            return {"type": event["type"], "text": _BINARY + event["bytes"].decode("latin-1")}
        return event

    async def send_text(self, data: str) -> None:
        if data.startswith(_BINARY):
            await self.send_bytes(data.removeprefix(_BINARY).encode("latin-1"))
        else:
            await super().send_text(data)


def application(echo: Echo) -> FastAPI:
    app = FastAPI()

    @app.websocket("/")
    async def echoed(websocket: WebSocket) -> None:
        await websocket.accept()
        served = websocket.scope["extensions"].get(EXTENSION)
        if isinstance(served, StreamProtocol):
            served.hand_over(echo, Anybody())
            return
        transport = AsgiTransport(EchoSocket(websocket))
        await transport.serve(echo.admit(transport, Anybody()))

    return app


def server(how: str) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            application(Echo()),
            ws=StreamProtocol if how == "handed_over" else "websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=_MESSAGE_BYTES_MAX * FRAME_FACTOR,
            # What a client sends wrong is no trouble of ours, and is most of the suite.
            log_level="critical",
            access_log=False,
        )
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, socket.create_server(("127.0.0.1", 0)) as taken:
        Path(sys.argv[1]).write_text(str(taken.getsockname()[1]))
        runner.run(server(sys.argv[2]).serve([taken]))
