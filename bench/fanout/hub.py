"""The service's fan-out without its documents: what is sent to ``/pub`` goes to every connection of ``/ws`` as it is.

The same protocol class, subscriber and walk as the stream; for a load client that publishes messages of its own.
``GET /lag`` tells for how long the event loop kept others waiting.
"""

import asyncio
import socket
import sys
import time
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from app.cli.serve import calm_collector
from app.realtime.fanout import Fanout
from app.realtime.frames import text_frame
from app.realtime.socket import EXTENSION, StreamProtocol
from app.realtime.subscriber import Subscriber

_SEND_BUFFER_BYTES = 32_768
_PROBE_SECONDS = 0.002


class Anybody:
    """Everyone is let in."""

    view = "public"
    actor = "token:anybody"

    def may_follow(self, channel: str) -> bool:
        return True


class Relay:
    """Owner of all subscribers of the one channel. Whoever does not keep up is cut off."""

    message_bytes_max = 4_096
    messages_per_second_max = 50
    messages_burst_max = 150

    def __init__(self) -> None:
        self.fanout = Fanout()
        self.anybody = Anybody()

    def admit(self, transport: asyncio.Transport, principal: Any) -> Subscriber:
        transport.set_write_buffer_limits(high=1 << 20)
        subscriber = Subscriber(transport, principal, self)
        self.fanout.add(subscriber)
        return subscriber

    def take(self, subscriber: Subscriber, text: str) -> None:
        return None

    def stalled(self, subscriber: Subscriber) -> None:
        subscriber.cut()

    def drained(self, subscriber: Subscriber) -> None: ...

    def left(self, subscriber: Subscriber) -> None:
        self.fanout.remove(subscriber)

    def closing(self, subscriber: Subscriber) -> None: ...


class Probe:
    """Sleeps briefly again and again, and keeps the longest time by which it woke up late. Runs once it was asked."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._task: asyncio.Task[None] | None = None

    def longest(self) -> float:
        """Since it was last asked. Units: seconds."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        longest, self._longest = self._longest, 0.0
        return longest

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(_PROBE_SECONDS)
            self._longest = max(self._longest, time.perf_counter() - started - _PROBE_SECONDS)


def application(relay: Relay) -> FastAPI:
    app = FastAPI()
    probe = Probe()

    @app.get("/lag")
    async def lag() -> dict[str, float]:
        return {"longest_ms": probe.longest() * 1000}

    @app.websocket("/ws")
    async def subscribe(websocket: WebSocket) -> None:
        await websocket.accept()
        protocol: StreamProtocol = websocket.scope["extensions"][EXTENSION]
        protocol.hand_over(relay, relay.anybody)

    @app.websocket("/pub")
    async def publish(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                relay.fanout.publish(text_frame((await websocket.receive_text()).encode()))
        except WebSocketDisconnect:
            return

    return app


async def serve(port: int) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        application(Relay()),
        ws=StreamProtocol,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="warning",
        access_log=False,
        backlog=4_096,
    )
    calm_collector()
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
