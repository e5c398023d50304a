"""Signing in to the console with a key, and out again. The page itself is ``app.web``'s."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import StringConstraints

from app.access import Principal
from app.api.browsers import check_same_origin
from app.api.documents import problem_responses
from app.api.guard import ANY_KEY, PUBLIC, GuardedRoute, needs, principal_of
from app.api.models import Body
from app.api.services import services_of
from app.api.stream import address_of
from app.console import COOKIE, CSRF_HEADER, Session
from app.errors import Unauthorized
from app.sales.times import rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["console"])

Asker = Annotated[Principal, Depends(principal_of)]

_NO_KEY_NEEDED: dict[str, Any] = {"security": []}


class SignInBody(Body):
    model_config = {"json_schema_extra": {"example": {"key": "kos_0123456789ab_..."}}}

    key: Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[!-~]+$")]


@router.post(
    "/console/session",
    operation_id="sign_in",
    responses=problem_responses(400, 401, 403, 413, 422, 429, 503),
    openapi_extra=_NO_KEY_NEEDED,
)
@needs(PUBLIC)
async def sign_in(given: SignInBody, request: Request, response: Response) -> dict[str, Any]:
    """Begin a session: a cookie that stands for the key, and what a page has to send along with it."""
    # Or a page of somebody else could sign a browser in as its own person.
    check_same_origin(request)
    services = services_of(request)
    address = address_of(request)
    services.attempts.begin(address, time.monotonic())
    cookie, session = await services.sessions.begin(given.key)
    services.attempts.succeeded(address)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=services.sessions.seconds_max,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"
    return _document(session.principal, session)


@router.get("/console/session", operation_id="get_session", responses=problem_responses(401, 403, 503))
@needs(ANY_KEY)
async def get_session(request: Request, response: Response, principal: Asker) -> dict[str, Any]:
    """Who is signed in. A key in the header is told who it is; it has no session, and needs no ``csrf``."""
    response.headers["Cache-Control"] = "no-store"
    return _document(principal, request.scope.get("kos.session"))


@router.delete(
    "/console/session",
    status_code=204,
    operation_id="sign_out",
    responses=problem_responses(403, 503),
    openapi_extra=_NO_KEY_NEEDED,
)
@needs(PUBLIC)
async def sign_out(request: Request) -> Response:
    """End the session in this browser. What has ended already ends once more."""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        try:
            session = await services_of(request).sessions.of(cookie)
        except Unauthorized:
            pass
        else:
            session.check_csrf(request.headers.get(CSRF_HEADER))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def _document(principal: Principal, session: Session | None) -> dict[str, Any]:
    return {
        "person": principal.person,
        "brand": principal.brand,
        "key": principal.actor.removeprefix("key:"),
        "scopes": sorted(principal.scopes),
        "csrf": session.csrf if session is not None else "",
        "expires_at": rfc3339(session.expires_at * 1_000_000) if session is not None else None,
    }
