"""The roster as JSON or CSV: read whole, changed by upsert."""

import csv
import io
from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from app.access import Principal
from app.api.backdated import orders_affected
from app.api.documents import problem_responses
from app.api.events import IdempotencyKey, ops_fact
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.intake import pseudonyms
from app.api.models import ROSTER_EXAMPLE, RosterBody
from app.api.problems import invalid_model
from app.api.services import Services, services_of
from app.errors import BadRequest, Invalid
from app.events import OpenEvent
from app.journal.drafts import Fact
from app.journal.plan import Accepted
from app.sales.times import parse_time, rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["roster"])

Asker = Annotated[Principal, Depends(principal_of)]

CSV_COLUMNS = (
    "id", "name", "team", "store", "segment", "status", "codes", "commission_bps", "from", "person", "picture", "link",
)  # fmt: skip
# More than any cell of a roster may have; what a cell may have is checked by its column.
_CELL_CHARACTERS_MAX = 100_000
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
    event: str, request: Request, response: Response, principal: Asker, idempotency_key: IdempotencyKey = ""
) -> dict[str, Any]:
    """Add and change teams, stores and hosts; what a record leaves out stays. No change, no entry.

    ``from`` says when a membership begins: the event's start for a new host, now for a change.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    raw = await request.body()
    is_csv = request.headers.get("content-type", "").startswith("text/csv")
    given = _from_csv(raw) if is_csv else _from_json(raw)
    content = await _content(services, opened, given)
    profiles = _profiles(given)
    hidden = ""
    if idempotency_key and any(profiles.values()):
        hidden = (await pseudonyms(services, event))(orjson.dumps(profiles).decode())
    fact = ops_fact("roster.changed", content, principal, idempotency_key, hidden)
    if any(profiles.values()):
        accepted = await _submit_with_names(services, opened, fact, profiles)
    else:
        accepted = await opened.submit_one(fact)
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return await _answer(services, opened, accepted, {host["id"] for host in content["hosts"] if "from" in host})


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
    services: Services, opened: OpenEvent, fact: Fact, profiles: dict[str, list[dict[str, str]]]
) -> Accepted:
    """Checked, then named, then written: a refused call names nobody, and who hears of the entry finds the names."""
    checked = await opened.submit_one(replace(fact, kind="roster.checked"))
    if checked.replayed:
        return checked
    named = {
        f"named_{kind}s": await services.profiles.put(opened.head.event, kind, profiles[kind]) for kind in profiles
    }
    accepted = await opened.submit_one(replace(fact, content=fact.content | named))
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


@router.get("/v1/events/{event}/roster", operation_id="get_roster", responses=problem_responses(401, 403, 404, 503))
@needs("ops", "audit", "orders")
async def get_roster(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """Teams, stores and hosts as they stand, with every membership.

    ``commission_bps``, what a host is paid, is shown to keys with the scope ``ops``, ``finance`` or ``audit`` only.
    """
    sees_pay = bool(principal.scopes & {"ops", "finance", "audit"})
    services = services_of(request)
    opened = await services.event(principal, event)
    profiles = await services.profiles.of(event)
    roster = opened.state.roster
    return {
        "event": event,
        "position": opened.head.position,
        "version": roster.version,
        "teams": [{"id": team, **profiles.get("team", {}).get(team, {})} for team in roster.teams],
        "stores": [{"id": store, **profiles.get("store", {}).get(store, {})} for store in roster.stores],
        "hosts": [
            {
                "id": host.id,
                **profiles.get("host", {}).get(host.id, {}),
                "team": host.team,
                "store": host.store,
                "segment": host.segment,
                "status": host.status,
                "codes": list(host.codes),
                **({"commission_bps": host.commission_bps} if sees_pay else {}),
                "memberships": [{"from": rfc3339(since), "team": team} for since, team in host.memberships],
            }
            for host in roster.hosts.values()
        ],
    }


def _from_json(raw: bytes) -> RosterBody:
    try:
        return RosterBody.model_validate_json(raw)
    except ValidationError as error:
        raise invalid_model(error) from None
    except RecursionError:
        raise BadRequest("invalid_json", "The body is nested too deeply.") from None


def _from_csv(raw: bytes) -> RosterBody:
    """Hosts from a CSV with a header; teams and stores that they name come into being with them."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("csv_not_utf8", "Send the CSV as UTF-8.") from None
    # One limit for the whole process, which whoever reads a shop's export there has raised.
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    hosts: list[dict[str, Any]] = []
    try:
        columns = list(reader.fieldnames or ())
        if "id" not in columns or len(set(columns) & set(CSV_COLUMNS)) < len(columns):
            raise Invalid(
                "csv_columns", f"The columns are {', '.join(CSV_COLUMNS)}; each at most once, id is needed.", "columns"
            )
        for row in reader:
            if None in row:
                raise Invalid(
                    "csv_row",
                    f"Line {reader.line_num} has more cells than the header.",
                    f"hosts[{len(hosts)}]",
                )
            hosts.append(_csv_host(row, len(hosts)))
    except csv.Error as error:
        raise BadRequest("csv_not_readable", f"Line {reader.line_num}: {error}.") from None
    teams = dict.fromkeys(host["team"] for host in hosts if host.get("team"))
    stores = dict.fromkeys(host["store"] for host in hosts if host.get("store"))
    document = {
        "teams": [{"id": team} for team in teams],
        "stores": [{"id": s} for s in stores],
        "hosts": hosts,
    }
    try:
        return RosterBody.model_validate(document)
    except ValidationError as error:
        raise invalid_model(error) from None


def _csv_host(row: dict[str, str], number: int) -> dict[str, Any]:
    host: dict[str, Any] = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
    if "codes" in host:
        host["codes"] = host["codes"].split()
    if "commission_bps" in host:
        try:
            host["commission_bps"] = int(host["commission_bps"])
        except ValueError:
            raise Invalid(
                "wrong_type",
                "commission_bps is a whole number of hundredths of a percent.",
                f"hosts[{number}].commission_bps",
            ) from None
    return host


async def _content(services: Services, event: OpenEvent, given: RosterBody) -> dict[str, Any]:
    """The roster call in normal form: ids only, names stay in the profiles, persons are hidden."""
    pseudonym = await pseudonyms(services, event.head.event) if any(host.person for host in given.hosts) else str
    seen: set[str] = set()
    hosts = []
    for number, host in enumerate(given.hosts):
        if host.id in seen:
            raise Invalid("host_repeated", f"The host {host.id!r} is in the list twice.", f"hosts[{number}].id")
        seen.add(host.id)
        record: dict[str, Any] = {"id": host.id}
        for name in _ROSTER_FIELDS:
            value = getattr(host, name)
            if value is not None:
                record[name] = value
        if host.person is not None:
            record["person"] = pseudonym(host.person) if host.person else ""
        if host.since is not None:
            record["from"] = parse_time(host.since, f"hosts[{number}].from")
        hosts.append(record)
    return {
        "teams": [team.id for team in given.teams],
        "stores": [store.id for store in given.stores],
        "hosts": hosts,
    }
