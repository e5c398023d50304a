"""``GET /v1/stream/sse``: the stream as server-sent events, for where sockets are blocked.

Refused by a problem document as any call is; from the first event on only by the events ``error`` and ``close``.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.types import Receive, Scope, Send

from app.api.stream import Authenticate, address_of
from app.errors import AppError, Conflict, Invalid, Unauthorized
from app.realtime import trouble
from app.realtime.connections import Connections
from app.realtime.events import EventsTransport, requests_of
from app.realtime.http import EXTENSION
from app.realtime.messages import Subscribe
from app.realtime.subscriber import NOBODY, Principal

# When a browser comes back after its connection ended; each is told another time, or all would come at once.
RETRY_MS: Final = (1_000, 4_000)
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # nginx would keep the events until it has some kilobytes of them.
    "X-Accel-Buffering": "no",
}


def sse_router(connections: Connections, authenticate: Authenticate, channels_max: int) -> APIRouter:
    """The endpoint, which follows at most so many channels a connection: their snapshots wait together."""
    router = APIRouter()

    @router.get("/v1/stream/sse", include_in_schema=False)
    async def stream_sse(
        request: Request,
        channel: Annotated[list[str] | None, Query()] = None,
        last_event_id: Annotated[str, Query()] = "",
    ) -> Response:
        async def asked() -> tuple[Principal, list[Subscribe]]:
            principal = await authenticate(request)
            if principal.actor == NOBODY and not channel:
                raise Unauthorized("key_missing", "Send a key or a token, or name public channels: ?channel=...")
            # The header is what a browser saw last; the address that it was opened with is older.
            last = request.headers.get("last-event-id", last_event_id)
            return principal, requests_of(_named(channel or (), channels_max), last)

        return _EventStream(connections, request, asked)

    return router


def _named(channels: Sequence[str], channels_max: int) -> list[str]:
    """Each once. Errors: Invalid ``missing_field``; Conflict ``too_many_subscriptions``."""
    named = list(dict.fromkeys(channels))
    if not named:
        raise Invalid("missing_field", "Name what to follow: ?channel=...", "channel")
    if len(named) > channels_max:
        raise Conflict("too_many_subscriptions", f"A connection follows at most {channels_max} channels here.")
    return named


class _EventStream(Response):
    """Lets the client in when it is sent, so that who is counted as connected is so until the response has ended."""

    def __init__(
        self,
        connections: Connections,
        request: Request,
        asked: Callable[[], Awaitable[tuple[Principal, list[Subscribe]]]],
    ) -> None:
        super().__init__()
        self._connections = connections
        self._request = request
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._serve(scope, receive, send)
        except AppError as error:
            trouble.refused(error.code)
            raise

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, door = self._request, self._connections.door
        with self._connections.enter(address_of(request), request.headers) as entrance:
            principal, requests = await self._asked()
            transport = EventsTransport(receive, send, requests, scope.get("extensions", {}).get(EXTENSION))
            subscriber = entrance.admit(transport, principal)
            transport.join(subscriber)
            try:
                await self._connections.follow(subscriber, requests)
                headers = _HEADERS | door.cross_origin_headers(request.headers.get("origin"))
                encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
                await transport.begin(encoded, random.randint(*RETRY_MS))  # noqa: S311 - no secret
                await transport.serve(subscriber)
            finally:
                subscriber.connection_lost(None)
