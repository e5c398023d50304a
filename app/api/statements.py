"""Statements over HTTP: of a host, of everybody in a team or store; a closed range, or what came since the last one."""

from collections.abc import Sequence
from io import StringIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import ANY_KEY, GuardedRoute, needs, principal_of
from app.api.services import services_of
from app.audit.cells import row_writer
from app.audit.statements import BUCKETS, document, statements
from app.errors import Forbidden, NotFound
from app.events import OpenEvent

router = APIRouter(route_class=GuardedRoute, tags=["settlement"])

Asker = Annotated[Principal, Depends(principal_of)]
Which = Annotated[str, Query(max_length=64, description="A closed statement; what came since the last one if left out")]

_READERS = frozenset({"finance", "ops", "audit"})
_RESPONSES = problem_responses(401, 403, 404, 422, 503)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "As JSON, or as CSV if that is what Accept says", "content": {"text/csv": {}}}
}


@router.get("/v1/events/{event}/statements", operation_id="list_statements", responses=_RESPONSES)
@needs(ANY_KEY)
async def list_statements(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """The closed ranges in their order; what comes behind the last one is in the next statement."""
    opened = await services_of(request).event(principal, event)
    return {
        "event": event,
        "position": opened.head.position,
        "statements": [{"id": i, "from": first, "to": to} for i, (first, to) in opened.state.statements.items()],
    }


@router.get("/v1/events/{event}/statements/{host}", operation_id="get_statement", responses=_RESPONSES | _ANSWERS)
@needs(ANY_KEY)
async def get_statement(event: str, host: str, request: Request, principal: Asker, statement: Which = "") -> Response:
    """What a host sold, earned and was paid. For ``finance``, ``ops``, ``audit`` and the host."""
    if not principal.scopes & (_READERS | {f"host:{host}"}):
        raise Forbidden("scope_missing", f"The key needs the scope host:{host[:64]} or finance.")
    opened = await services_of(request).event(principal, event)
    if not opened.state.has_host(host):
        raise NotFound("host_unknown", f"The roster has no host {host[:64]!r}.")
    (found,) = await _documents(request, opened, [host], statement)
    if "text/csv" in request.headers.get("accept", ""):
        return _csv([found])
    return JSONResponse(found)


@router.get(
    "/v1/events/{event}/statements/{of}/{group}", operation_id="get_statements", responses=_RESPONSES | _ANSWERS
)
@needs("finance", "ops", "audit")
async def get_statements(
    event: str, of: str, group: str, request: Request, principal: Asker, statement: Which = ""
) -> Response:
    """The statements of everybody who is in a team (``teams``) or a store (``stores``) by now, in the order of ids."""
    opened = await services_of(request).event(principal, event)
    roster = opened.state.roster
    if of == "teams" and group in roster.teams:
        hosts = [host.id for host in roster.hosts.values() if host.team == group]
    elif of == "stores" and group in roster.stores:
        hosts = [host.id for host in roster.hosts.values() if host.store == group]
    else:
        raise NotFound("group_unknown", "There is no such team (teams/ID) or store (stores/ID).")
    found = await _documents(request, opened, sorted(hosts), statement)
    if "text/csv" in request.headers.get("accept", ""):
        return _csv(found)
    return JSONResponse({"event": event, of.removesuffix("s"): group, "statements": found})


async def _documents(request: Request, opened: OpenEvent, hosts: Sequence[str], which: str) -> list[dict[str, Any]]:
    """Errors: NotFound ``statement_unknown``."""
    state = opened.state
    after, at = state.stated_until, opened.head.position
    if which:
        if which not in state.statements:
            raise NotFound("statement_unknown", f"There is no statement {which!r}.")
        after, at = state.statements[which]
    event = opened.head.event
    found = await statements(services_of(request).store, event, state.roster, hosts, after, at)
    about: dict[str, Any] = {"event": event, "currency": state.currency, "from": after, "to": at}
    about |= {"statement": which} if which else {"open": True}
    return [document(each, about, state.exponent) for each in found]


def _csv(documents: Sequence[dict[str, Any]]) -> Response:
    """A row for each line of each statement, with what it opens and closes with."""
    out = StringIO()
    write = row_writer(out)
    buckets = [bucket.lower() for bucket in BUCKETS]
    write(("host", "currency", "from", "to", "line", "entries", "net_sales", "commission", *buckets))
    for each in documents:
        start = (each["host"], each["currency"], each["from"], each["to"])
        write((*start, "opening", "", "", "", *each["opening"].values()))
        for line in each["lines"]:
            write((*start, *(line[name] for name in ("line", "entries", "net_sales", "commission", *buckets))))
        write((*start, "closing", "", "", "", *each["closing"].values()))
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")
