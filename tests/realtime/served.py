"""A real server with the stream and the pages, on a scripted source: what is tested through sockets starts
here.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from app.api.problems import problem_response
from app.api.sse import sse_router
from app.api.stream import Stream
from app.errors import AppError, Unauthorized, Unavailable
from app.realtime.connections import StreamLimits
from app.realtime.door import Door, DoorLimits
from app.realtime.http import BoundedHttp, HttpLimits, bounded_http
from app.realtime.hub import Hub
from app.realtime.socket import StreamProtocol
from app.realtime.subscriber import NOBODY, Principal
from app.web.routes import web_routes
from tests.realtime.doubles import Nobody, ScriptedSource, Viewer, board

BOARD = "kos101/boards/hosts"
# Whether connections stay with the server, as on any other than ours; set by tests that run both ways.
is_attached_by_default = False


class Served:
    """The server, which can be stopped and started again on its port, and the tokens it knows."""

    def __init__(
        self, publish_interval_ms: int, limits: StreamLimits, is_attached: bool = False, door: DoorLimits | None = None
    ) -> None:
        self.is_attached = is_attached
        self.http_limits = HttpLimits()
        self.tokens = {"good", "other"}
        # Channels that whoever brings no token may follow; without any, all have to bring one.
        self.public: set[str] = set()
        self.is_database_gone = False
        # Whoever connects waits while it is cleared.
        self.door = asyncio.Event()
        self.door.set()
        self.checks = 0
        self.source = ScriptedSource({BOARD: board(1, {"a": 1}), "kos101/orders": board(1, {"b": 1})})
        self.port = 0
        self._interval_ms = publish_interval_ms
        self._limits = limits
        self._door = door or DoorLimits()

    async def start(self) -> None:
        """A new process would know nothing of the one before, so nothing is kept but the source."""
        self.hub = Hub(self.source, self._interval_ms, 100)
        door = Door(self._door, time.monotonic)
        self.stream = Stream(self.hub, self._authenticate, self._still_valid, self._limits, door)
        self.stream.connections.may_follow = self._may_follow
        app = self.app = FastAPI(exception_handlers={AppError: problem})
        app.include_router(self.stream.router)
        app.include_router(sse_router(self.stream.connections, self._authenticate, 4))
        app.include_router(web_routes())
        listener = socket.create_server(("127.0.0.1", self.port))
        # Small, or the kernel takes megabytes before anyone notices that a client does not read.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        self.port = listener.getsockname()[1]
        self.http = bounded_http(self.http_limits)
        config = uvicorn.Config(
            app,
            log_level="warning",
            lifespan="off",
            http="httptools" if self.is_attached else self.http,
            # As `kos serve` has it; or as any other server would serve us, through ASGI.
            ws="websockets-sansio" if self.is_attached else StreamProtocol,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._tasks = [
            asyncio.create_task(self._server.serve([listener])),
            asyncio.create_task(self.stream.connections.watch()),
        ]
        while not self._server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """As on SIGTERM."""
        serve, watch = self._tasks
        watch.cancel()
        self._server.should_exit = True
        await serve
        await self.hub.close()

    def protocols(self) -> list[BoundedHttp]:
        """The server's own end of each HTTP connection."""
        return [one for one in self._server.server_state.connections if isinstance(one, BoundedHttp)]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def client(self, token: str = "good", **options: Any) -> connect:
        options.setdefault("subprotocols", [Subprotocol("kos.v1")])
        return connect(f"ws://127.0.0.1:{self.port}/v1/stream?token={token}", open_timeout=5, **options)

    def page(self, token: str = "good", event: str = "kos101", **query: Any) -> str:
        parameters = "".join(f"&{name}={value}" for name, value in query.items())
        return f"http://127.0.0.1:{self.port}/overlay/{event}/board?token={token}{parameters}"

    def publish(self, document: dict[str, Any], channel: str = BOARD) -> None:
        self.source.documents[channel] = document
        self.hub.mark("kos101", document["position"])

    async def commit(self, position: int, **scores: int) -> None:
        self.publish(board(position, scores))

    async def _authenticate(self, connection: HTTPConnection) -> Principal:
        await self.door.wait()
        if self.is_database_gone:
            raise Unavailable("database_unavailable", "Gone.")
        header = connection.headers.get("authorization", "").removeprefix("Bearer ")
        token = connection.query_params.get("token") or header
        if not token and self.public:
            return Nobody()
        if token not in self.tokens:
            raise Unauthorized("token_invalid", "Not a token.")
        return Viewer(token)

    async def _may_follow(self, principal: Principal, channel: str) -> bool:
        return channel in self.public if principal.actor == NOBODY else bool(principal.may_follow(channel))

    async def _still_valid(self, principals: Collection[Principal]) -> Collection[Principal]:
        self.checks += 1
        if self.is_database_gone:
            raise Unavailable("database_unavailable", "Gone.")
        return {one for one in principals if isinstance(one, Viewer) and one.token in self.tokens}


async def problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return problem_response(error)


@asynccontextmanager
async def serving(
    publish_interval_ms: int = 10,
    is_attached: bool | None = None,
    door: DoorLimits | None = None,
    http: HttpLimits | None = None,
    **limits: Any,
) -> AsyncIterator[Served]:
    """A started server; stopped at the end if it still runs."""
    attached = is_attached_by_default if is_attached is None else is_attached
    served = Served(publish_interval_ms, StreamLimits(**limits), attached, door)
    served.http_limits = http or served.http_limits
    await served.start()
    try:
        yield served
    finally:
        await served.stop()
