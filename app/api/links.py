"""Tracking links: made by those who run an event, followed by everybody."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.access import Principal
from app.api.documents import REPEAT, problem_responses
from app.api.guard import PUBLIC, GuardedRoute, needs, principal_of
from app.api.models import LinkBody
from app.api.paging import next_cursor, offset_of
from app.api.services import services_of
from app.api.stream import address_of
from app.errors import Forbidden, Invalid
from app.links import Link, check_target, with_click
from app.sales.times import rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["links"])

Asker = Annotated[Principal, Depends(principal_of)]

# The page that a shopper comes from and the address with the click in it are nobody else's business.
_HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


@router.post(
    "/v1/events/{event}/links",
    status_code=201,
    operation_id="create_link",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503) | REPEAT,
)
@needs("ops")
async def create_link(
    event: str, given: LinkBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """A host's link to a page of the shop. Orders that name the click that it adds are the host's."""
    services = services_of(request)
    opened = await services.event(principal, event)
    if not opened.state.has_host(given.host):
        raise Invalid("unknown_host", f"The roster has no host {given.host!r}.", "host")
    check_target(given.to, opened.state.rules.link_hosts)
    link, is_new = await services.links.create(event, given.host, given.to, given.sku, given.code)
    if not is_new:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return _document(link)


@router.get("/v1/events/{event}/links", operation_id="list_links", responses=problem_responses(401, 403, 404, 422, 503))
@needs("ops", "audit")
async def list_links(
    event: str,
    request: Request,
    principal: Asker,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> dict[str, Any]:
    """The event's links by code."""
    services = services_of(request)
    await services.event(principal, event)
    links = await services.links.of(event, offset_of(cursor), limit + 1)
    shown = links[:limit]
    return {"event": event, "links": [_document(link) for link in shown]} | next_cursor(
        shown[-1]["code"] if len(links) > limit else ""
    )


@router.delete(
    "/v1/events/{event}/links/{code}",
    status_code=204,
    operation_id="remove_link",
    responses=problem_responses(401, 403, 404, 503),
)
@needs("ops")
async def remove_link(event: str, code: str, request: Request, principal: Asker) -> Response:
    """The link leads nowhere from now on. Clicks that it had still count."""
    services = services_of(request)
    await services.event(principal, event)
    await services.links.remove(event, code)
    return Response(status_code=204)


@router.get("/l/{code}", include_in_schema=False)
@needs(PUBLIC)
async def follow_link(code: str, request: Request) -> Response:
    """On to the shop, with a new click in the address."""
    services = services_of(request)
    # Counted as a connection of the stream is: nothing that costs a row may be had without end.
    services.link_door.leave(services.link_door.enter(address_of(request), {}))
    link = await services.links.find(code)
    try:
        check_target(link["target"], (await services.feed.rules_of(link["event"])).link_hosts)
    except Invalid:
        raise Forbidden("link_closed", "This link leads to a page that is no longer allowed.") from None
    click = await services.links.follow(link)
    return RedirectResponse(with_click(link["target"], click), 302, _HEADERS)


def _document(link: Link) -> dict[str, Any]:
    return {
        "code": link["code"],
        "host": link["host"],
        "to": link["target"],
        "sku": link["sku"],
        "path": f"/l/{link['code']}",
        "created_at": rfc3339(link["created_at"]),
    }
