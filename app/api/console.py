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
from app.errors import NotFound, Unauthorized
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


@router.get(
    "/v1/events/{event}/connections",
    operation_id="list_connections",
    responses=problem_responses(401, 403, 404, 503),
)
@needs("ops")
async def list_connections(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """Who follows the event on the stream now, by token: an overlay that is not in this list is not on air.

    Summed over the processes that answer, which those do that Redis connects. Connections by a key have the kind
    ``key`` and its id, those without either ``public``.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    counts = await services.roll.of(opened.head.event)
    tokens = [actor.removeprefix("token:") for actor in counts if actor.startswith("token:")]
    kinds = await services.access.token_kinds(opened.head.event, tokens)
    rows = []
    for actor, (count, since) in counts.items():
        by, _, identity = actor.partition(":")
        kind = {"token": kinds.get(identity, "token"), "key": "key"}.get(by, "public")
        rows.append({"token": identity, "kind": kind, "count": count, "since": rfc3339(int(since * 1_000_000))})
    return {"connections": rows}


@router.post(
    "/v1/events/{event}/verify",
    operation_id="verify_event",
    responses=problem_responses(401, 403, 404, 409, 503),
)
@needs("audit")
async def verify_event(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """Verify the whole journal of the event, beside everything else; answered while it runs if that takes longer.

    One event at a time in each process. Ask ``GET`` for the report.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    return _verified(await services.verification.verify(opened.head.event))


@router.get(
    "/v1/events/{event}/verify", operation_id="get_verification", responses=problem_responses(401, 403, 404, 503)
)
@needs("audit")
async def get_verification(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """How the verification stands that was asked of this process last."""
    services = services_of(request)
    opened = await services.event(principal, event)
    report = services.verification.told(opened.head.event)
    if report is None:
        raise NotFound("never_verified", "Nobody has asked this process to verify the event since it started.")
    return _verified(report)


def _verified(report: dict[str, Any]) -> dict[str, Any]:
    return report | ({"at": rfc3339(report["at"])} if "at" in report else {})


def _document(principal: Principal, session: Session | None) -> dict[str, Any]:
    return {
        "person": principal.person,
        "brand": principal.brand,
        "key": principal.actor.removeprefix("key:"),
        "scopes": sorted(principal.scopes),
        "csrf": session.csrf if session is not None else "",
        "expires_at": rfc3339(session.expires_at * 1_000_000) if session is not None else None,
    }
