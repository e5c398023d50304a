"""Statements over HTTP: of a host, of everybody in a team or store; a closed range, or what came since the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from app.access import Principal
from app.api.accepting import language_of, wants_html
from app.api.documents import problem_responses
from app.api.guard import ANY_KEY, GuardedRoute, needs, principal_of
from app.api.services import services_of
from app.api.statement_page import HEADERS, Stated, statement_page
from app.api.statement_words import WORDS
from app.audit.cells import row_writer
from app.audit.statements import BUCKETS, document, statements
from app.errors import Forbidden, NotFound
from app.events import OpenEvent
from app.sales.settlement import statement_key

router = APIRouter(route_class=GuardedRoute, tags=["settlement"])

Asker = Annotated[Principal, Depends(principal_of)]
Which = Annotated[str, Query(max_length=64, description="A closed statement; what came since the last one if left out")]

_READERS = frozenset({"finance", "ops", "audit"})
_RESPONSES = problem_responses(401, 403, 404, 422, 503)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "As JSON; or, if Accept says so, as CSV or a page to print, in the language of Accept-Language",
        "content": {"text/csv": {}, "text/html": {}},
    }
}
# Which of the three an address gives is told by what the reader accepts.
_VARY = {"Vary": HEADERS["Vary"]}


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which statement of an event, "" for what came since the last one; over the positions ``(after, at]``."""

    opened: OpenEvent
    which: str
    after: int
    at: int


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
    asked = _asked(opened, statement)
    found = await _documents(request, asked, [host])
    return await _other(request, asked, found) or JSONResponse(found[0], headers=_VARY)


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
    asked, kind = _asked(opened, statement), of.removesuffix("s")
    found = await _documents(request, asked, sorted(hosts))
    answer = await _other(request, asked, found, (kind, group))
    return answer or JSONResponse({"event": event, kind: group, "statements": found}, headers=_VARY)


def _asked(opened: OpenEvent, which: str) -> _Asked:
    """Errors: NotFound ``statement_unknown``."""
    state = opened.state
    if not which:
        return _Asked(opened, which, state.stated_until, opened.head.position)
    if which not in state.statements:
        raise NotFound("statement_unknown", f"There is no statement {which!r}.")
    return _Asked(opened, which, *state.statements[which])


async def _documents(request: Request, asked: _Asked, hosts: Sequence[str]) -> list[dict[str, Any]]:
    state, event = asked.opened.state, asked.opened.head.event
    found = await statements(services_of(request).store, event, state.roster, hosts, asked.after, asked.at)
    about: dict[str, Any] = {"event": event, "currency": state.currency, "from": asked.after, "to": asked.at}
    about |= {"statement": asked.which} if asked.which else {"open": True}
    return [document(each, about, state.exponent) for each in found]


async def _other(
    request: Request, asked: _Asked, documents: Sequence[dict[str, Any]], group: tuple[str, str] | None = None
) -> Response | None:
    """As CSV, or as a page; None if neither is asked for."""
    accept = request.headers.get("accept", "")
    if "text/csv" in accept:
        return _csv(documents)
    if not wants_html(accept):
        return None
    stated = await _stated(request, asked, group)
    language = language_of(request.headers.get("accept-language", ""), list(WORDS))
    names = await services_of(request).profiles.of(stated.event)
    return HTMLResponse(statement_page(stated, documents, names, language), headers=HEADERS)


async def _stated(request: Request, asked: _Asked, group: tuple[str, str] | None) -> Stated:
    store, state, event = services_of(request).store, asked.opened.state, asked.opened.head.event
    (first,) = await store.read(event, asked.after, 1)
    (last,) = await store.read(event, asked.at - 1, 1)
    closed = await store.lookup(event, [statement_key(asked.which)], []) if asked.which else []
    return Stated(
        event=event,
        currency=state.currency,
        exponent=state.exponent,
        timezone=state.timezone,
        group=group,
        places={host.id: (host.team, host.store) for host in state.roster.hosts.values()},
        statement=asked.which,
        first=first.position,
        to=last.position,
        first_at=first.recorded_at,
        to_at=last.recorded_at,
        closed_at=closed[0].recorded_at if closed else 0,
        journal_hash=last.hash.hex(),
    )


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
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=_VARY)
