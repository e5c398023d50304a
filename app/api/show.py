"""What is shown on air: products pinned in sessions, and offers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.documents import REPEAT, problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.models import OfferBody, OfferEndBody, PinBody, UnpinBody
from app.api.services import services_of
from app.errors import Invalid, NotFound
from app.events import IDENTIFIER, OpenEvent
from app.feed_documents import offer_document, pin_documents
from app.journal.drafts import Fact
from app.looks import asset_unknown
from app.sales.money import parse_amount
from app.sales.times import parse_time

router = APIRouter(route_class=GuardedRoute, tags=["sessions"])

Asker = Annotated[Principal, Depends(principal_of)]

_PROBLEMS = problem_responses(400, 401, 403, 404, 409, 413, 422, 503)


@router.post("/v1/events/{event}/pins", status_code=201, operation_id="pin_product", responses=_PROBLEMS | REPEAT)
@needs("ops")
async def pin_product(
    event: str, given: PinBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """A product is shown in a session from ``pinned_at`` on, now if left out. One that is pinned already stays so.

    Title, price, image (an asset of the brand) and code are what its viewers are shown of it; no order goes by them.
    """
    opened = await services_of(request).event(principal, event)
    content: dict[str, Any] = {"session": given.session, "sku": given.sku}
    if given.pinned_at is not None:
        content["pinned_at"] = parse_time(given.pinned_at, "pinned_at")
    if given.image and not await services_of(request).looks.has(opened.head.event, given.image):
        raise asset_unknown(given.image, "image")
    content |= {name: text for name in ("title", "image", "code") if (text := getattr(given, name))}
    if given.price is not None:
        content["price"] = _price(given.price, opened)
    accepted = await opened.submit_one(Fact("product.pinned", "", content, principal.actor))
    if not accepted.entries:
        response.status_code = 200
    return _session_pins(opened, given.session)


@router.post("/v1/events/{event}/pins/{sku:path}/unpin", operation_id="unpin_product", responses=_PROBLEMS)
@needs("ops")
async def unpin_product(event: str, sku: str, given: UnpinBody, request: Request, principal: Asker) -> dict[str, Any]:
    """The product is taken off. One that is off already stays so."""
    opened = await services_of(request).event(principal, event)
    content: dict[str, Any] = {"session": given.session, "sku": sku[:100]}
    if given.unpinned_at is not None:
        content["unpinned_at"] = parse_time(given.unpinned_at, "unpinned_at")
    await opened.submit_one(Fact("product.unpinned", "", content, principal.actor))
    return _session_pins(opened, given.session)


@router.get("/v1/events/{event}/pins", operation_id="list_pins", responses=problem_responses(401, 403, 404, 503))
@needs("ops", "audit")
async def list_pins(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """What is pinned now, by session."""
    opened = await services_of(request).event(principal, event)
    sessions = [session for session, pins in opened.state.pinned.items() if pins]
    return {
        "event": event,
        "position": opened.head.position,
        "sessions": [{"session": session, "pins": pin_documents(opened, session)} for session in sessions],
    }


@router.post("/v1/events/{event}/offers", status_code=201, operation_id="start_offer", responses=_PROBLEMS | REPEAT)
@needs("ops")
async def start_offer(
    event: str, given: OfferBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """A price for a product until ``ends_at``, in one session or, without ``session``, in the event."""
    opened = await services_of(request).event(principal, event)
    content: dict[str, Any] = {
        "id": given.id,
        "sku": given.sku,
        "price": _price(given.price, opened),
        "ends_at": parse_time(given.ends_at, "ends_at"),
    }
    if given.session is not None:
        content["session"] = given.session
    if given.starts_at is not None:
        content["starts_at"] = parse_time(given.starts_at, "starts_at")
    accepted = await opened.submit_one(Fact("offer.started", f"offer:{given.id}:started", content, principal.actor))
    if accepted.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return _offer(opened, given.id)


@router.post("/v1/events/{event}/offers/{offer}/end", operation_id="end_offer", responses=_PROBLEMS)
@needs("ops")
async def end_offer(
    event: str, offer: str, request: Request, principal: Asker, given: OfferEndBody | None = None
) -> dict[str, Any]:
    """An offer ends before its time; at ``ended_at``, now if left out."""
    opened = await services_of(request).event(principal, event)
    if not IDENTIFIER.fullmatch(offer):
        raise NotFound("offer_unknown", "There is no offer of that name.")
    content: dict[str, Any] = {"id": offer}
    if given is not None and given.ended_at is not None:
        content["ended_at"] = parse_time(given.ended_at, "ended_at")
    await opened.submit_one(Fact("offer.ended", f"offer:{offer}:ended", content, principal.actor))
    return _offer(opened, offer)


@router.get("/v1/events/{event}/offers", operation_id="list_offers", responses=problem_responses(401, 403, 404, 503))
@needs("ops", "audit")
async def list_offers(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """Every offer of the event in the order in which they were made."""
    opened = await services_of(request).event(principal, event)
    return {"event": event, "offers": [_offer(opened, offer) for offer in opened.state.offers]}


def _price(text: str, opened: OpenEvent) -> int:
    price = parse_amount(text, opened.state.exponent, "price")
    if price < 0:
        raise Invalid("price_negative", "A price is zero or more.", "price")
    return price


def _session_pins(opened: OpenEvent, session: str) -> dict[str, Any]:
    return {"session": session, "position": opened.head.position, "pins": pin_documents(opened, session)}


def _offer(opened: OpenEvent, identity: str) -> dict[str, Any]:
    return offer_document(opened, opened.state.offers[identity]) | {"position": opened.head.position}
