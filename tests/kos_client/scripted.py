"""A server of the stream that says what a test scripts: for what no server of ours does on demand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from kos_client import Timing
from tests.realtime.doubles import board

# Nothing is waited for that a test could hurry; what must not happen by itself lies far away.
QUICK = Timing(backoff_seconds_first=0.01, backoff_seconds_max=0.02, retry_seconds=0.01, sweep_seconds=0.005)

SECONDS_MAX = 20.0

Refusal = tuple[int, dict[str, str], bytes]


def answers(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A server on which nothing happens."""
    if message["type"] == "subscribe":
        snapshot = board(1, {"a": 1})
        return [{"type": "subscribed", "id": message["id"], "channel": message["channel"], "snapshot": snapshot}]
    return [{"type": "pong", "id": message["id"]}] if message["type"] == "ping" else []


class Scripted:
    """``answer`` makes the messages that follow a message; ``refusals`` are the next handshakes' answers.

    ``heard`` holds everything that clients sent, ``headers`` what each handshake said.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> None:
        self.answer = answer
        self.refusals: list[Refusal] = []
        self.connections: list[ServerConnection] = []
        self.heard: list[dict[str, Any]] = []
        self.headers: list[Headers] = []
        self.url = ""
        self._came = asyncio.Event()

    async def until_heard(self, kind: str, count: int = 1, **members: Any) -> list[dict[str, Any]]:
        """The messages of this type and with these members, once there are so many. Errors: TimeoutError."""
        sought = {"type": kind, **members}.items()
        async with asyncio.timeout(SECONDS_MAX):
            while len(found := [message for message in self.heard if sought <= message.items()]) < count:
                await self._came.wait()
        return found

    async def say(self, **message: Any) -> None:
        """To the newest connection."""
        await self.connections[-1].send(json.dumps(message))

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for text in connection:
            message = json.loads(text)
            self.heard.append(message)
            self._came.set()
            self._came = asyncio.Event()
            for answer in self.answer(message):
                await connection.send(json.dumps(answer))

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        self.headers.append(request.headers)
        if not self.refusals:
            return None
        status, headers, body = self.refusals.pop(0)
        return Response(status, "No", Headers({**headers, "Content-Length": str(len(body))}), body)


@asynccontextmanager
async def scripted(answer: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> AsyncIterator[Scripted]:
    """The server, and at most ``SECONDS_MAX`` for what is done with it. Errors: TimeoutError."""
    server = Scripted(answer)
    async with (
        asyncio.timeout(SECONDS_MAX),
        serve(
            server._serve,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol("kos.v1")],
            process_request=server._handshake,
            ping_interval=None,
            close_timeout=0.1,
        ) as listening,
    ):
        server.url = f"ws://127.0.0.1:{next(iter(listening.sockets)).getsockname()[1]}"
        yield server
