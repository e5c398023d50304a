"""The routes for orders and what comes back of them, and the look-up of one order with its history and receipt."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from app.access import Principal
from app.api import intake, order_history, order_search
from app.api.accepting import language_of, wants_html
from app.api.documents import problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.order_documents import order_document, receipt_document
from app.api.paging import next_cursor, offset_of
from app.api.receipt_page import HEADERS, receipt_page
from app.api.receipt_words import WORDS
from app.api.services import services_of
from app.errors import NotFound
from app.events import IDENTIFIER
from app.sales import facts

_ORDER_ID = re.compile(r"[!-~]{1,100}")

router = APIRouter(route_class=GuardedRoute, tags=["orders"])

Asker = Annotated[Principal, Depends(principal_of)]


def _add_intake(noun: str, summary: str) -> None:
    async def post_one(event: str, request: Request, principal: Asker) -> Response:
        return await intake.take_one(services_of(request), principal, event, noun, await request.body())

    async def post_batch(event: str, request: Request, principal: Asker) -> Response:
        raw = await request.body()
        is_lines = intake.is_ndjson(request.headers.get("content-type", ""), raw)
        return await intake.take_batch(services_of(request), principal, event, noun, raw, is_lines)

    singular = noun.removesuffix("s")
    _add(f"/v1/events/{{event}}/{noun}", f"post_{singular}", summary, post_one, "order_body_bytes_max", 201)
    _add(
        f"/v1/events/{{event}}/{noun}/batch",
        f"post_{noun}",
        f"{summary}, many at once",
        post_batch,
        "batch_body_bytes_max",
        200,
    )


def _add(path: str, name: str, summary: str, endpoint: Callable[..., Any], limit: str, status: int) -> None:
    router.add_api_route(
        path,
        needs("orders", limit=limit)(endpoint),
        methods=["POST"],
        name=name,
        operation_id=name,
        summary=summary,
        status_code=status,
        responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
    )


_add_intake("orders", "Post a paid order")
_add_intake("refunds", "Post money given back")
_add_intake("cancellations", "Post a cancelled order")
_add_intake("disputes", "Post a dispute, or its end")


@router.get(
    "/v1/events/{event}/orders", operation_id="list_orders", responses=problem_responses(401, 403, 404, 422, 503)
)
@needs("ops", "audit", "finance")
async def list_orders(
    event: str,
    request: Request,
    principal: Asker,
    query: Annotated[str, Query(max_length=100)] = "",
    host: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> dict[str, Any]:
    """Orders, the newest first. ``host`` finds those that the host is credited for; ``query`` those whose ids begin so,
    by source and id.

    A page may hold fewer than ``limit``, and more follow all the same: as long as there is a ``cursor``.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    names = await services.profiles.of(opened.head.event)
    rows, following = await order_search.page(services.store, opened, query, host, offset_of(cursor), limit)
    return {"event": event, "orders": [order_search.row(found, opened, names) for found in rows]} | next_cursor(
        following
    )


@router.get(
    "/v1/events/{event}/orders/{source}/{order:path}/receipt",
    operation_id="get_receipt",
    response_model=dict[str, Any],
    responses=problem_responses(401, 403, 404, 422, 503) | {200: {"content": {"text/html": {}}}},
)
@needs("ops", "audit", "finance")
async def get_receipt(
    event: str, source: str, order: str, request: Request, principal: Asker
) -> dict[str, Any] | Response:
    """Why the order's lines were credited as they were: every candidate, the winner, the rule version.

    With ``Accept: text/html`` as a page for people, in the language of ``Accept-Language`` if that is en, fr or zh.
    """
    if not request.scope["raw_path"].endswith(b"/receipt"):
        # That slash came percent-encoded, so it belongs to the order's id: the router has only seen it decoded.
        return await get_order(event, source, f"{order}/receipt", request, principal)
    services = services_of(request)
    opened = await services.event(principal, event)
    key = _order_key(source, order)
    entries = await services.store.lookup(event, [key], [])
    receipt = receipt_document(event, key, entries, opened.state.exponent)
    if not wants_html(request.headers.get("accept", "")):
        return receipt
    names = await services.profiles.of(event)
    language = language_of(request.headers.get("accept-language", ""), list(WORDS))
    page = receipt_page(receipt, entries[0], names, opened.state.exponent, opened.state.timezone, language)
    return HTMLResponse(page, headers=HEADERS)


@router.get(
    "/v1/events/{event}/orders/{source}/{order:path}",
    operation_id="get_order",
    responses=problem_responses(401, 403, 404, 422, 503),
)
@needs("ops", "audit", "finance")
async def get_order(event: str, source: str, order: str, request: Request, principal: Asker) -> dict[str, Any]:
    """One order as it stands: what it was worth, what is left, who is credited, every entry about it."""
    services = services_of(request)
    opened = await services.event(principal, event)
    key = _order_key(source, order)
    entries = await services.store.lookup(event, [key], [key])
    corrections = order_history.corrections_of(entries)
    opening = await services.store.lookup(event, corrections, []) if corrections else []
    reasons = {entry.key: entry.content["fact"]["reason"] for entry in opening}
    persons = await services.access.persons(principal.brand, {entry.actor for entry in entries})
    exponent = opened.state.exponent
    return order_document(event, key, entries, exponent, order_history.history(entries, exponent, reasons, persons))


@router.get(
    "/v1/orders/{source}/{order:path}",
    operation_id="find_order",
    responses=problem_responses(401, 403, 404, 422, 503),
)
@needs("ops", "audit", "finance")
async def find_order(source: str, order: str, request: Request, principal: Asker) -> dict[str, Any]:
    """Every event of the brand that holds this order."""
    services = services_of(request)
    key = _order_key(source, order)
    found = await services.store.lookup_brand(principal.brand, [key])
    if not found:
        raise NotFound("order_unknown", f"No event of this brand holds the order {order[:100]!r} of {source[:64]!r}.")
    return {
        "order": order,
        "source": source,
        "events": [{"event": e.event, "position": e.position} for e in found],
    }


def _order_key(source: str, order: str) -> str:
    """The entry key that a path names. Errors: NotFound ``order_unknown`` for one that no order can have."""
    if not IDENTIFIER.fullmatch(source) or not _ORDER_ID.fullmatch(order):
        raise NotFound("order_unknown", "There is no order of that name.")
    return facts.order_key(source, order)
