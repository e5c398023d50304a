"""Headline figures over HTTP, and what each of them means."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from app import figures
from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.services import services_of
from app.timeline import MINUTES_MAX

router = APIRouter(route_class=GuardedRoute, tags=["figures"])

Asker = Annotated[Principal, Depends(principal_of)]


@router.get("/v1/events/{event}/metrics", operation_id="get_metrics", responses=problem_responses(401, 403, 404, 503))
@needs("ops", "audit", "finance")
async def get_metrics(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """The headline figures now, each with the id of its definition."""
    services = services_of(request)
    opened = await services.event(principal, event)
    counted = await services.feed.live["viewers"](opened.head.event)
    viewers = {"viewers": counted["viewers"], "viewers_peak": counted["peak"]}
    return figures.tiles(opened, principal.view, viewers)


@router.get(
    "/v1/events/{event}/metrics/minutes",
    operation_id="get_minutes",
    responses=problem_responses(401, 403, 404, 422, 503),
)
@needs("ops", "audit")
async def get_minutes(
    event: str, request: Request, principal: Asker, last: Annotated[int, Query(ge=1, le=MINUTES_MAX)] = 120
) -> dict[str, Any]:
    """What came in minute by minute, as the journal took it, with markers for what was done meanwhile.

    The minute that runs is the last one. After the event has ended they are those before its end. Where more than
    100,000 entries were recorded, the first minutes are left out.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    return await services.feed.timeline.of(opened, last)


@router.get(
    "/v1/events/{event}/metrics/dictionary",
    operation_id="get_dictionary",
    responses=problem_responses(401, 403, 404, 503),
)
@needs("ops", "audit", "finance")
async def get_dictionary(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """What each figure is: its formula, its unit, what it counts by, includes and leaves out, and how fresh it is.

    ``version`` goes up when a formula is another one.
    """
    await services_of(request).event(principal, event)
    return figures.dictionary()
