"""Events: made, listed, shown, moved through their life, given rules."""

import hashlib
from collections import defaultdict
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response

from app.access import Principal
from app.api.documents import REPEAT, problem_responses
from app.api.expecting import ExpectedPosition, submit_expecting
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.models import EventBody, TransitionBody
from app.api.paging import next_cursor, offset_of
from app.api.services import services_of
from app.challenge import rules
from app.errors import Conflict, Invalid
from app.events import OpenEvent
from app.journal.drafts import Fact
from app.journal.entry import Entry, epoch_of
from app.journal.store import Head
from app.sales.money import exponent_of, format_amount
from app.sales.times import parse_time, rfc3339
from app.state import State, outline

router = APIRouter(route_class=GuardedRoute, tags=["events"])

Asker = Annotated[Principal, Depends(principal_of)]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", max_length=200, pattern=r"^[!-~]*$")]


def ops_fact(kind: str, content: dict[str, Any], principal: Principal, idempotency_key: str, hidden: str = "") -> Fact:
    """An ops call as a fact; with an Idempotency-Key the journal remembers which call it was.

    ``hidden`` stands for what the call says besides ``content``, in a form that the journal may know.
    """
    if not idempotency_key:
        return Fact(kind, "", content, principal.actor)
    said = orjson.dumps([kind, content, hidden] if hidden else [kind, content], option=orjson.OPT_SORT_KEYS)
    return Fact(kind, f"op:{idempotency_key}", content, principal.actor, request=hashlib.sha256(said).hexdigest())


def outline_document(head: Head, epoch: str, state: State, name: str) -> dict[str, Any]:
    """An event as a list shows it: what its entries about itself tell."""
    return {
        "id": head.event,
        "name": name,
        "status": state.status,
        "currency": state.currency,
        "timezone": state.timezone,
        "starts_at": rfc3339(state.starts_at),
        "ends_at": rfc3339(state.ends_at),
        "rules": rules.shown(state.rules, state.exponent),
        "rules_version": state.rules_version,
        "epoch": epoch,
        "position": head.position,
        "head_hash": head.hash.hex(),
    }


def event_document(event: OpenEvent, name: str) -> dict[str, Any]:
    """An event as the API shows it: with its roster and what waits for its order."""
    state = event.state
    return outline_document(event.head, event.epoch, state, name) | {
        "hosts": len(state.roster.hosts),
        "teams": len(state.roster.teams),
        "unmatched_refunds": {
            "count": state.unmatched_count,
            "amount": format_amount(state.unmatched_amount, state.exponent),
        },
    }


async def _shown(request: Request, event: OpenEvent) -> dict[str, Any]:
    profiles = await services_of(request).profiles.of(event.head.event)
    return event_document(event, profiles.get("event", {}).get(event.head.event, {}).get("name", event.head.event))


@router.post(
    "/v1/events",
    status_code=201,
    operation_id="create_event",
    responses=problem_responses(400, 401, 403, 409, 413, 422, 503) | REPEAT,
)
@needs("ops")
async def create_event(given: EventBody, request: Request, response: Response, principal: Asker) -> dict[str, Any]:
    """Make an event. It is a draft until it is moved to scheduled. The same call again makes nothing."""
    services = services_of(request)
    exponent = exponent_of(given.currency)
    try:
        ZoneInfo(given.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("timezone_unknown", f"{given.timezone!r} is not an IANA time zone.", "timezone") from None
    starts_at, ends_at = parse_time(given.starts_at, "starts_at"), parse_time(given.ends_at, "ends_at")
    if ends_at <= starts_at:
        raise Invalid("event_ends_before_start", "An event ends after it starts.", "ends_at")
    content = {
        "brand": principal.brand,
        "currency": given.currency,
        "exponent": exponent,
        "timezone": given.timezone,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "rules": rules.document(rules.parse_rules(given.rules, exponent_of(given.currency))),
    }
    fact = Fact("event.created", "", content, principal.actor)
    try:
        event = await services.events.create(fact, given.id, principal.brand)
    except Conflict:
        event = await services.events.open(given.id)
        first = (await services.store.read(given.id, 0, 1))[0]
        if event.state.brand != principal.brand or first.content != content:
            raise
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
        return await _shown(request, event)
    await services.profiles.put(given.id, "event", [{"id": given.id, "name": given.name or given.id}])
    return await _shown(request, event)


@router.get("/v1/events", operation_id="list_events", responses=problem_responses(401, 403, 422, 503))
@needs("ops", "audit", "finance")
async def list_events(
    request: Request,
    principal: Asker,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> dict[str, Any]:
    """The brand's events by id, as their own entries tell of them: no orders are read."""
    services = services_of(request)
    after = offset_of(cursor)
    heads = [head for head in await services.store.heads(brand=principal.brand) if head.position and head.event > after]
    page = heads[:limit]
    events = [head.event for head in page]
    names = await services.profiles.event_names(events)
    told: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in await services.store.terms(events):
        told[entry.event].append(entry)
    shown = [
        outline_document(
            head, epoch_of(told[head.event][0].hash), outline(told[head.event]), names.get(head.event, head.event)
        )
        for head in page
    ]
    return {"events": shown} | next_cursor(page[-1].event if len(heads) > limit else "")


@router.get("/v1/events/{event}", operation_id="get_event", responses=problem_responses(401, 403, 404, 422, 503))
@needs("ops", "audit", "finance")
async def get_event(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """One event as it stands."""
    return await _shown(request, await services_of(request).event(principal, event))


@router.post(
    "/v1/events/{event}/transitions",
    operation_id="move_event",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("ops")
async def move_event(
    event: str,
    given: TransitionBody,
    request: Request,
    response: Response,
    principal: Asker,
    idempotency_key: IdempotencyKey = "",
    expected_position: ExpectedPosition = None,
) -> dict[str, Any]:
    """Move the event on: draft, scheduled, live or paused, ended, final. The present status again changes nothing.

    An event becomes final with refunds and cancellations whose order never came only if ``waive`` says why.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    content = {"to": given.to, "reason": given.reason}
    if given.waive is not None:
        content["waive"] = given.waive
    fact = ops_fact("event.moved", content, principal, idempotency_key)
    accepted = await submit_expecting(services, principal, opened, fact, expected_position)
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return await _shown(request, opened)


@router.patch(
    "/v1/events/{event}/rules",
    operation_id="change_rules",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("ops")
async def change_rules(
    event: str,
    given: Annotated[dict[str, Any], Body(examples=[{"ranks": "shared", "link_hosts": ["shop.example"]}])],
    request: Request,
    response: Response,
    principal: Asker,
    idempotency_key: IdempotencyKey = "",
    expected_position: ExpectedPosition = None,
) -> dict[str, Any]:
    """Declare rules anew; what is left out stays."""
    services = services_of(request)
    opened = await services.event(principal, event)
    fact = ops_fact("rules.changed", {"rules": given}, principal, idempotency_key)
    accepted = await submit_expecting(services, principal, opened, fact, expected_position)
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return await _shown(request, opened)
