"""Sessions on air: started with their hosts and weights, ended."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.documents import REPEAT, problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.models import SessionBody, SessionEndBody, SessionHost, SessionHostsBody
from app.api.services import services_of
from app.challenge.show import Hosts
from app.errors import Invalid, NotFound
from app.events import IDENTIFIER, OpenEvent
from app.journal.drafts import Fact
from app.sales.times import parse_time, rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["sessions"])

Asker = Annotated[Principal, Depends(principal_of)]


@router.post(
    "/v1/events/{event}/sessions",
    status_code=201,
    operation_id="start_session",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503) | REPEAT,
)
@needs("ops")
async def start_session(
    event: str, given: SessionBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """Somebody goes on air. The same session again is a repeat; orders may name it from now on."""
    opened = await services_of(request).event(principal, event)
    content: dict[str, Any] = {"id": given.id, "hosts": _weighted(given.hosts)}
    if given.started_at is not None:
        content["started_at"] = parse_time(given.started_at, "started_at")
    fact = Fact("session.started", f"session:{given.id}:started", content, principal.actor)
    accepted = await opened.submit_one(fact)
    if accepted.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return session_document(opened, given.id)


def _weighted(given: list[SessionHost]) -> list[dict[str, Any]]:
    """Hosts by id. Errors: Invalid ``host_repeated``."""
    repeated = [host for host, count in Counter(host.id for host in given).items() if count > 1]
    if repeated:
        raise Invalid("host_repeated", f"The host {repeated[0]!r} is in the list twice; give it one weight.", "hosts")
    return sorted(({"id": host.id, "weight": host.weight} for host in given), key=lambda host: host["id"])


@router.post(
    "/v1/events/{event}/sessions/{session}/hosts",
    operation_id="change_session",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("ops")
async def change_session(
    event: str, session: str, given: SessionHostsBody, request: Request, principal: Asker
) -> dict[str, Any]:
    """Hosts join or leave: all who are in the session from ``changed_at`` on, now if left out."""
    opened = await services_of(request).event(principal, event)
    if not IDENTIFIER.fullmatch(session):
        raise _unknown(session)
    content: dict[str, Any] = {"id": session, "hosts": _weighted(given.hosts)}
    if given.changed_at is not None:
        content["changed_at"] = parse_time(given.changed_at, "changed_at")
    await opened.submit_one(Fact("session.changed", "", content, principal.actor))
    return session_document(opened, session)


@router.post(
    "/v1/events/{event}/sessions/{session}/end",
    operation_id="end_session",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("ops")
async def end_session(
    event: str, session: str, request: Request, principal: Asker, given: SessionEndBody | None = None
) -> dict[str, Any]:
    """The session goes off air; it holds until ``ended_at``, now if left out."""
    opened = await services_of(request).event(principal, event)
    if not IDENTIFIER.fullmatch(session):
        raise _unknown(session)
    content: dict[str, Any] = {"id": session}
    if given is not None and given.ended_at is not None:
        content["ended_at"] = parse_time(given.ended_at, "ended_at")
    await opened.submit_one(Fact("session.ended", f"session:{session}:ended", content, principal.actor))
    return session_document(opened, session)


@router.get(
    "/v1/events/{event}/sessions",
    operation_id="list_sessions",
    responses=problem_responses(401, 403, 404, 503),
)
@needs("ops", "audit")
async def list_sessions(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """Every session of the event in the order in which they were started."""
    opened = await services_of(request).event(principal, event)
    return {
        "event": event,
        "sessions": [session_document(opened, session) for session in opened.state.sessions],
    }


def session_document(event: OpenEvent, session: str) -> dict[str, Any]:
    """One session. Errors: NotFound ``session_unknown``."""
    found = event.state.sessions.get(session)
    if found is None:
        raise _unknown(session)
    document = {
        "id": found.id,
        "hosts": _hosts(found.hosts),
        "started_at": rfc3339(found.started_at),
        "position": event.head.position,
    }
    if found.earlier:
        document["earlier"] = [{"until": rfc3339(until), "hosts": _hosts(hosts)} for until, hosts in found.earlier]
    if found.ended_at:
        document["ended_at"] = rfc3339(found.ended_at)
    return document


def _hosts(hosts: Hosts) -> list[dict[str, Any]]:
    return [{"id": host, "weight": weight} for host, weight in hosts]


def _unknown(session: str) -> NotFound:
    return NotFound("session_unknown", f"The event has no session {session[:80]!r}.")
