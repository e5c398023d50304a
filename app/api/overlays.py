"""What an event's overlays are told: one scene, what to hide, one message, and what holds for single rooms."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.models import OverlaysBody
from app.api.services import services_of
from app.errors import Conflict
from app.sales.times import parse_time, rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["overlays"])

Asker = Annotated[Principal, Depends(principal_of)]


@router.put(
    "/v1/events/{event}/overlays",
    operation_id="put_overlays",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("ops")
async def put_overlays(
    event: str,
    given: OverlaysBody,
    request: Request,
    principal: Asker,
    expected_time: Annotated[str | None, Query(max_length=40)] = None,
) -> dict[str, Any]:
    """Tell the overlays: this holds in place of everything told before. It is in no journal and ranks nothing.

    With ``expected_time``, the ``time`` of what was read, only if nothing else was told since.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    message: dict[str, Any] | None = None
    if given.message is not None:
        until = given.message.until
        message = {"text": given.message.text}
        message["until"] = None if until is None else rfc3339(parse_time(until, "message.until"))
    told = {"scene": given.scene, "hidden": sorted(set(given.hidden)), "message": message, "rooms": _rooms(given)}
    expected_at = None if expected_time is None else parse_time(expected_time, "expected_time")
    try:
        await services.overlays.put(opened.head.event, told, expected_at)
    except Conflict as error:
        error.extra["now"] = await services.feed.snapshot(f"{opened.head.event}/overlays", principal.view)
        raise
    services.overlays_changed(opened.head.event)
    return await services.feed.snapshot(f"{opened.head.event}/overlays", principal.view)


@router.get(
    "/v1/events/{event}/overlays",
    operation_id="get_overlays",
    responses=problem_responses(401, 403, 404, 503),
)
@needs("ops", "audit")
async def get_overlays(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """What the overlays are told now."""
    services = services_of(request)
    opened = await services.event(principal, event)
    return await services.feed.snapshot(f"{opened.head.event}/overlays", principal.view)


def _rooms(given: OverlaysBody) -> dict[str, dict[str, Any]]:
    """By room what it was told, without what it was not: there the event's own holds."""
    rooms = {}
    for name, room in sorted(given.rooms.items()):
        told = room.model_dump(exclude_none=True)
        if "hidden" in told:
            told["hidden"] = sorted(set(told["hidden"]))
        rooms[name] = told
    return rooms
