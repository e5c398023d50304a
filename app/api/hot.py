"""The short way for the two busiest calls: orders are answered before the framework routes them.

Routing, dependency solving and response serialising cost more than everything an order itself needs. This class stands
before the application, knows the two paths, and gives everything else on. What it answers is what the framework's own
routes for the same paths would answer, because both call ``app.api.intake``; a test holds the two equal.

It also answers in place of whatever a stopping server breaks off, on every path.
"""

import asyncio
import re
from collections.abc import Callable

import structlog
from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import metrics
from app.api import intake
from app.api.guard import read_body
from app.api.problems import problem_response
from app.api.services import Services
from app.errors import AppError, Internal, Unavailable

log = structlog.get_logger(__name__)

_PATH = re.compile(r"/v1/events/([^/]+)/orders(/batch)?")
# As the framework names them; the second is that of a batch.
_ROUTES = ("/v1/events/{event}/orders", "/v1/events/{event}/orders/batch")


class HotOrders:
    """Answers ``POST /v1/events/{event}/orders[/batch]``. ``services`` is asked at each call: they start later."""

    def __init__(self, app: ASGIApp, services: Callable[[], Services]) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            match = _PATH.fullmatch(scope["path"])
            if match is not None:
                try:
                    response = await self._answer(scope, receive, match[1], match[2] is not None)
                except asyncio.CancelledError:
                    response = _broken_off()
                await _respond(response, send)
                metrics.REQUESTS.labels(_ROUTES[match[2] is not None], response.status_code).inc()
                return
        if scope["type"] == "http":
            await self._by_the_framework(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _by_the_framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            # Its body follows, as a message without one.
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            if status:
                raise
            response = _broken_off()
            status = response.status_code
            await _respond(response, send)
        finally:
            # What the framework found for the path; None where it found nothing.
            route = getattr(scope.get("route"), "path", "")
            metrics.REQUESTS.labels(route, status).inc()

    async def _answer(self, scope: Scope, receive: Receive, event: str, is_batch: bool) -> Response:
        services = self._services()
        # Made once, where `Headers` would go through all of them for each one asked for; of two, the first counts.
        headers = dict(scope["headers"][::-1])
        try:
            principal = await services.access.authenticate(_text(headers.get(b"authorization")))
            principal.require("orders")
            settings, stated = services.settings, _text(headers.get(b"content-length"))
            if not is_batch:
                raw = await read_body(receive, stated, settings.order_body_bytes_max)
                return await intake.take_one(services, principal, event, "orders", raw)
            raw = await read_body(receive, stated, settings.batch_body_bytes_max)
            is_lines = intake.is_ndjson(_text(headers.get(b"content-type")) or "", raw)
            return await intake.take_batch(services, principal, event, "orders", raw, is_lines)
        except AppError as error:
            return problem_response(error)
        except Exception:
            log.exception("order_call_failed")
            return problem_response(Internal())


async def _respond(response: Response, send: Send) -> None:
    # What `Response.__call__` does for such a response, without its detours.
    headers = response.raw_headers
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _broken_off() -> Response:
    """In place of a call that was cancelled: only a server that has waited long enough for it and stops does that."""
    return problem_response(
        Unavailable("writer_stopped", "The server stopped before this was confirmed; send it again.")
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
