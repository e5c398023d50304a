"""The door before every route: who asks, what they may, how much they may send; only then is a body parsed.

A route without ``@needs`` cannot be added: denied by default.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope

from app.access import Principal
from app.api.services import services_of
from app.console import COOKIE, CSRF_HEADER
from app.errors import BadRequest, InvariantError, TooLarge, Unauthorized
from app.realtime.subscriber import NOBODY

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

PUBLIC = "public"
# Any key of the event's brand, a token where it may follow; without either only what the event made public.
BOARD_READER = "board"
ANY_KEY = "any"
# Shops post orders: programs with a key, for which no browser ever speaks.
_NO_COOKIES = ("orders",)
_CHANGES_NOTHING = ("GET", "HEAD")


def needs(*scopes: str, limit: str = "body_bytes_max") -> Callable[[Endpoint], Endpoint]:
    """Say what a route asks of its caller: one of the scopes; and which setting bounds its body."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.kos_needs = (scopes, limit)  # type: ignore[attr-defined]
        return endpoint

    return mark


def principal_of(request: Request) -> Principal:
    """Who was let in to this request; a dependency of the routes."""
    return cast(Principal, request.scope["kos.principal"])


class _StrictRequest(Request):
    """A request whose JSON is what the order routes take for JSON too: UTF-8, no NaN, no half of a surrogate pair."""

    async def json(self) -> Any:
        return orjson.loads(await self.body())


class GuardedRoute(APIRoute):
    """A route that lets nobody in before it knows them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        declared = getattr(self.endpoint, "kos_needs", None)
        if declared is None:
            raise InvariantError(f"{self.path} does not say whom it lets in; add @needs")
        scopes, limit = declared
        handle = super().get_route_handler()
        reads_json = self.body_field is not None

        async def guarded(request: Request) -> Response:
            request.scope["kos.principal"] = await _admit(request, scopes)
            settings = services_of(request).settings
            stated = request.headers.get("content-length")
            body = await read_body(request.receive, stated, getattr(settings, limit))
            sent = False

            async def receive() -> Message:
                nonlocal sent
                if sent:
                    return {"type": "http.disconnect"}
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}

            scope = _as_json(request.scope) if reads_json else request.scope
            return await handle(_StrictRequest(scope, receive))

        return guarded


def _as_json(scope: Scope) -> Scope:
    """The same request with a body that is read as JSON whatever it was called: curl's ``-d`` calls it a form."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
    return {**scope, "headers": [*headers, (b"content-type", b"application/json")]}


async def may_read_docs(request: Request) -> None:
    """Let anybody with a key read the reference; everybody if the setting says so."""
    services = services_of(request)
    authorization = request.headers.get("authorization")
    if not services.settings.docs_public and (authorization or await _by_cookie(request) is None):
        await services.access.authenticate(authorization)


async def _admit(request: Request, scopes: tuple[str, ...]) -> Principal:
    if PUBLIC in scopes:
        return Principal("", "", NOBODY)
    access = services_of(request).access
    authorization = request.headers.get("authorization")
    token = request.query_params.get("token") if BOARD_READER in scopes else None
    principal = None
    if not authorization and not token and scopes != _NO_COOKIES:
        principal = await _by_cookie(request)
    if BOARD_READER in scopes:
        try:
            return principal or await access.authenticate(authorization, token)
        except Unauthorized as error:
            if error.code != "key_missing":
                raise
            return Principal("", "", NOBODY)
    principal = principal or await access.authenticate(authorization)
    principal.require(*(() if ANY_KEY in scopes else scopes))
    return principal


async def _by_cookie(request: Request) -> Principal | None:
    """Whose session the request's cookie is, None without one.

    Errors: Unauthorized ``signed_out``; Forbidden ``csrf_missing`` for what may change something.
    """
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    session = await services_of(request).sessions.of(cookie)
    if request.method not in _CHANGES_NOTHING:
        session.check_csrf(request.headers.get(CSRF_HEADER))
    request.scope["kos.session"] = session
    return session.principal


async def read_body(receive: Receive, stated: str | None, bytes_max: int) -> bytes:
    """The whole body, refused as soon as it is known to be over its limit; ``stated`` is its Content-Length.

    Errors: TooLarge ``body_too_large``; BadRequest ``body_incomplete`` if the client went away.
    """
    if stated is not None and stated.isdecimal() and int(stated) > bytes_max:
        raise _too_large(bytes_max)
    chunks: list[bytes] = []
    size = 0
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("body_incomplete", "The connection ended before the body did.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > bytes_max:
            raise _too_large(bytes_max)
        chunks.append(chunk)
        has_more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(bytes_max: int) -> TooLarge:
    return TooLarge("body_too_large", f"The body is over {bytes_max} bytes; send less in one request.")
