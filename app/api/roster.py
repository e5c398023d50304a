"""The roster as JSON or CSV: read whole or by pages, changed by upsert."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from app.access import Principal
from app.api import roster_search
from app.api.backdated import orders_affected
from app.api.documents import problem_responses
from app.api.events import IdempotencyKey, ops_fact
from app.api.expecting import ExpectedPosition, submit_expecting
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.intake import pseudonyms
from app.api.models import ROSTER_EXAMPLE, RosterBody, RosterHost
from app.api.roster_preview import new_groups, preview
from app.api.roster_reading import CSV_COLUMNS, Given, LineError, read
from app.api.services import Services, services_of
from app.challenge import roster as rosters
from app.errors import Invalid
from app.events import OpenEvent
from app.journal.drafts import Fact
from app.journal.plan import Accepted
from app.sales.times import parse_time

router = APIRouter(route_class=GuardedRoute, tags=["roster"])

Asker = Annotated[Principal, Depends(principal_of)]

_PROFILE_FIELDS = {"name", "picture", "link"}
_ROSTER_FIELDS = ("team", "store", "segment", "status", "codes", "commission_bps")


@router.put(
    "/v1/events/{event}/roster",
    operation_id="put_roster",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/RosterBody"},
                    "example": ROSTER_EXAMPLE,
                },
                "text/csv": {
                    "schema": {"type": "string", "description": "Columns " + ", ".join(CSV_COLUMNS)},
                    "example": "id,name,team,codes\nh7,Lin,ruby,LIN10\n",
                },
            },
        }
    },
)
@needs("ops", limit="roster_body_bytes_max")
async def put_roster(
    event: str,
    request: Request,
    response: Response,
    principal: Asker,
    idempotency_key: IdempotencyKey = "",
    only_preview: Annotated[bool, Query(alias="preview")] = False,
    expected_position: ExpectedPosition = None,
) -> dict[str, Any]:
    """Add and change teams, stores and hosts; what a record leaves out stays. No change, no entry.

    With ``preview`` nothing is written: the answer says what would change, and what is wrong with which line.
    ``from`` says when a membership begins: the event's start for a new host, now for a change.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    raw = await request.body()
    sent = read(raw, request.headers.get("content-type", "").startswith("text/csv"))
    if only_preview:
        return await _preview(services, opened, sent, principal.actor)
    given = sent.whole()
    content = await _content(services, opened, given)
    profiles = _profiles(given)
    hidden = ""
    if idempotency_key and any(profiles.values()):
        hidden = (await pseudonyms(services, event))(orjson.dumps(profiles).decode())
    fact = ops_fact("roster.changed", content, principal, idempotency_key, hidden)

    async def submit(said: Fact) -> Accepted:
        return await submit_expecting(services, principal, opened, said, expected_position, "roster.changed")

    if any(profiles.values()):
        accepted = await _submit_with_names(services, opened, fact, profiles, submit)
    else:
        accepted = await submit(fact)
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return await _answer(services, opened, accepted, {host["id"] for host in content["hosts"] if "from" in host})


async def _preview(services: Services, opened: OpenEvent, sent: Given, actor: str) -> dict[str, Any]:
    """Errors: Conflict ``event_final``."""
    pseudonym = await _pseudonym(services, opened, sent.body)
    errors, records, hosts, lines = list(sent.errors), [], [], []
    for host, line in zip(sent.body.hosts, sent.lines, strict=True):
        try:
            records.append(_record(host, "", pseudonym))
        except Invalid as error:
            errors.append(LineError(line, error.field, error))
            continue
        hosts.append(host)
        lines.append(line)
    body = sent.body.model_copy(update={"hosts": hosts})
    profiles = await services.profiles.of(opened.head.event)
    state = opened.state
    now = max(state.recorded_at, services.feed.clock())
    content = _normal(body, records)
    would = rosters.preview(state.roster, content, state.starts_at, now)
    if not errors and all(one.error is None for one in would):
        # What is refused whatever the lines say.
        await opened.submit_one(Fact("roster.checked", "", content, actor))
    groups = new_groups(body, state.roster.teams, state.roster.stores)
    return preview(Given(body, lines, errors), would, profiles.get("host", {})) | groups


def _profiles(given: RosterBody) -> dict[str, list[dict[str, str]]]:
    """What a call says for people, by kind: records with an id and what is given of name, picture and link."""
    return {
        kind: [
            {"id": record.id, **fields}
            for record in records
            if (fields := record.model_dump(include=_PROFILE_FIELDS, exclude_none=True))
        ]
        for kind, records in (("team", given.teams), ("store", given.stores), ("host", given.hosts))
    }


async def _submit_with_names(
    services: Services,
    opened: OpenEvent,
    fact: Fact,
    profiles: dict[str, list[dict[str, str]]],
    submit: Callable[[Fact], Awaitable[Accepted]],
) -> Accepted:
    """Checked, then named, then written: a refused call names nobody, and who hears of the entry finds the names."""
    checked = await submit(replace(fact, kind="roster.checked"))
    if checked.replayed:
        return checked
    named = {
        f"named_{kind}s": await services.profiles.put(opened.head.event, kind, profiles[kind]) for kind in profiles
    }
    accepted = await submit(replace(fact, content=fact.content | named))
    if any(named.values()) and not accepted.entries:
        # Of a final event the journal says nothing more.
        services.feed.renamed(opened.head.event)
    return accepted


async def _answer(services: Services, opened: OpenEvent, accepted: Accepted, dated: set[str]) -> dict[str, Any]:
    """What the call did, from its entries: the same at every repeat. ``dated`` are hosts that came with a ``from``."""
    event = opened.head.event
    entries = list(accepted.entries)
    shown = opened
    if accepted.replayed:
        entries += await services.store.read(event, entries[0].position, entries[0].content.get("entries", 1) - 1)
        shown = await services.events.at(event, entries[-1].position)
    changed = {host["id"]: host for entry in entries for host in entry.content.get("hosts", ())}
    named = {host for entry in entries for host in entry.content.get("named_hosts", ())}
    since = {host: change["from"] for host, change in changed.items() if host in dated and "from" in change}
    roster = shown.state.roster
    return {
        "event": event,
        "position": entries[-1].position if entries else opened.head.position,
        "version": roster.version,
        "entries": len(entries),
        "changed": len(changed.keys() | named),
        "orders_affected": await orders_affected(services.store, shown, since, entries[0]) if since else 0,
        "teams": len(roster.teams),
        "hosts": len(roster.hosts),
    }


@router.get(
    "/v1/events/{event}/roster", operation_id="get_roster", responses=problem_responses(401, 403, 404, 422, 503)
)
@needs("ops", "audit", "finance", "orders")
async def get_roster(
    event: str,
    request: Request,
    principal: Asker,
    kind: Annotated[roster_search.Kind | None, Query(alias="list")] = None,
    query: Annotated[str | None, Query(max_length=200)] = None,
    sort: Annotated[str | None, Query(max_length=20)] = None,
    limit: Annotated[int | None, Query(ge=1, le=roster_search.LIMIT_MAX)] = None,
    cursor: Annotated[str | None, Query(max_length=800)] = None,
) -> dict[str, Any]:
    """Teams, stores and hosts as they stand, with every membership: all of them, or with any parameter a page.

    ``list`` says of what, ``hosts`` if it is left out. ``query`` finds rows that have every word of it in their id or
    name, hosts also in their team, store, segment, status and codes; case, accents and width do not count.
    ``sort``: ``name``, ``id``; hosts also ``team``, ``store``, ``status``, ``commission_bps``, others ``hosts``; with
    ``-`` in front downwards; left out, what fits best comes first. ``commission_bps``, what a host is paid, is shown
    to keys with the scope ``ops``, ``finance`` or ``audit`` only.
    """
    sees_pay = bool(principal.scopes & {"ops", "finance", "audit"})
    services = services_of(request)
    opened = await services.event(principal, event)
    names = await services.profiles.of(event)
    roster = opened.state.roster
    answer = {"event": event, "position": opened.head.position, "version": roster.version}
    if any(given is not None for given in (kind, query, sort, limit, cursor)):
        asked = roster_search.Asked(kind or "hosts", query or "", sort or "", limit or 100, cursor or "", sees_pay)
        page = services.roster_search.page(event, roster, names, asked)
        return answer | roster_search.document(roster, names, asked, page)
    return answer | {
        "teams": roster_search.group_documents("team", roster.teams, names),
        "stores": roster_search.group_documents("store", roster.stores, names),
        "hosts": [roster_search.host_document(host, names, sees_pay) for host in roster.hosts.values()],
    }


async def _content(services: Services, event: OpenEvent, given: RosterBody) -> dict[str, Any]:
    """The roster call in normal form: ids only, names stay in the profiles, persons are hidden."""
    pseudonym = await _pseudonym(services, event, given)
    seen: set[str] = set()
    records = []
    for number, host in enumerate(given.hosts):
        rosters.check_once(host.id, seen, f"hosts[{number}]")
        records.append(_record(host, f"hosts[{number}].", pseudonym))
    return _normal(given, records)


async def _pseudonym(services: Services, event: OpenEvent, given: RosterBody) -> Callable[[str], str]:
    return await pseudonyms(services, event.head.event) if any(host.person for host in given.hosts) else str


def _record(host: RosterHost, where: str, pseudonym: Callable[[str], str]) -> dict[str, Any]:
    record: dict[str, Any] = {"id": host.id}
    for name in _ROSTER_FIELDS:
        value = getattr(host, name)
        if value is not None:
            record[name] = value
    if host.person is not None:
        record["person"] = pseudonym(host.person) if host.person else ""
    if host.since is not None:
        record["from"] = parse_time(host.since, f"{where}from")
    return record


def _normal(given: RosterBody, hosts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"teams": [team.id for team in given.teams], "stores": [store.id for store in given.stores], "hosts": hosts}
