"""Claims: a host says that a sale is theirs, and hears what became of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.documents import REPEAT, problem_responses
from app.api.guard import ANY_KEY, GuardedRoute, needs, principal_of
from app.api.intake import pseudonyms
from app.api.models import ClaimBody, ClaimEndBody
from app.api.services import services_of
from app.errors import Forbidden, Invalid, NotFound
from app.events import IDENTIFIER, OpenEvent
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.sales.facts import order_key
from app.sales.money import AMOUNT_MINOR_MAX, format_amount, parse_amount
from app.sales.reattribution import correction_key
from app.sales.times import parse_time, rfc3339
from app.state.parts import DAY_US, Claim

router = APIRouter(route_class=GuardedRoute, tags=["claims"])

Asker = Annotated[Principal, Depends(principal_of)]
_RESPONSES = problem_responses(400, 401, 403, 404, 409, 413, 422, 503)


@router.post("/v1/events/{event}/claims", status_code=201, operation_id="open_claim", responses=_RESPONSES | REPEAT)
@needs(ANY_KEY)
async def open_claim(
    event: str, given: ClaimBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """Claim an order that another host was credited with; or, with ``paid_at``, a sale that is missing."""
    _require(principal, given.host)
    services = services_of(request)
    opened = await services.event(principal, event)
    content: dict[str, Any] = {"id": given.id, "host": given.host, "reason": given.reason}
    if given.order is not None:
        content["order"] = order_key(given.order.source, given.order.id)
    elif given.paid_at is None:
        raise Invalid("claim_of_nothing", "Name the order, or say when the sale that is missing was paid.", "order")
    if given.paid_at is not None:
        content["paid_at"] = parse_time(given.paid_at, "paid_at")
    if given.amount is not None:
        amount = parse_amount(given.amount, opened.state.exponent, "amount")
        if not 0 < amount <= AMOUNT_MINOR_MAX:
            raise Invalid("amount_not_possible", "The amount of a sale is above zero.", "amount")
        content["amount"] = amount
    content["person"] = (await pseudonyms(services, event))(f"holder:{principal.person}")
    accepted = await opened.submit_one(Fact("claim.opened", f"claim:{given.id}", content, principal.actor))
    if accepted.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    entry = accepted.entries[0]
    return {
        "id": given.id,
        "host": given.host,
        "position": entry.position,
        "answer_due": rfc3339(entry.content["at"] + opened.state.rules.claim_answer_days * DAY_US),
    }


@router.post("/v1/events/{event}/claims/{claim}/close", operation_id="close_claim", responses=_RESPONSES)
@needs(ANY_KEY)
async def close_claim(
    event: str, claim: str, given: ClaimEndBody, request: Request, principal: Asker
) -> dict[str, Any]:
    """Accept or reject a claim (finance); its host may withdraw it. ``correction`` names the one that it led to."""
    services = services_of(request)
    opened = await services.event(principal, event)
    if not IDENTIFIER.fullmatch(claim):
        raise NotFound("claim_unknown", "There is no claim of that id.")
    if given.outcome != "withdrawn":
        principal.require("finance")
    elif (found := opened.state.claims.get(claim)) is not None:
        _require(principal, found.host)
    content: dict[str, Any] = {"id": claim, "outcome": given.outcome, "reason": given.reason}
    if given.correction is not None:
        content["correction"] = correction_key(given.correction)
    content["person"] = (await pseudonyms(services, event))(f"holder:{principal.person}")
    accepted = await opened.submit_one(Fact("claim.closed", f"claim:{claim}:closed", content, principal.actor))
    return {"id": claim, "position": accepted.entries[0].position, "outcome": given.outcome}


@router.get("/v1/events/{event}/claims", operation_id="list_claims", responses=problem_responses(401, 403, 404, 503))
@needs(ANY_KEY)
async def list_claims(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """The claims that are open: all for finance, ops and audit, else those of the key's own hosts. Oldest first."""
    services = services_of(request)
    opened = await services.event(principal, event)
    claims = {
        f"claim:{identity}": (identity, claim)
        for identity, claim in opened.state.claims.items()
        if principal.scopes & {"finance", "ops", "audit", f"host:{claim.host}"}
    }
    # What was said stands in the journal only. Claims are closed by an entry of another key.
    said = {entry.key: entry for entry in await services.store.lookup(event, list(claims), [])}
    return {
        "event": event,
        "position": opened.head.position,
        "claims": [_document(*claim, opened, said[key]) for key, claim in claims.items()],
    }


def _document(identity: str, claim: Claim, opened: OpenEvent, said: Entry) -> dict[str, Any]:
    fact = said.content["fact"]
    document: dict[str, Any] = {
        "id": identity,
        "host": claim.host,
        "reason": fact["reason"],
        "claimed_by": said.actor,
        "opened_at": rfc3339(claim.opened_at),
        "answer_due": rfc3339(claim.due),
        "overdue": opened.state.recorded_at > claim.due,
    }
    if "paid_at" in fact:
        document["paid_at"] = rfc3339(fact["paid_at"])
    if "amount" in fact:
        document["amount"] = format_amount(fact["amount"], opened.state.exponent)
    if claim.order:
        _, source, order = claim.order.split(":", 2)
        document["order"] = {"source": source, "id": order}
    return document


def _require(principal: Principal, host: str) -> None:
    if not principal.scopes & {"finance", f"host:{host}"}:
        raise Forbidden("scope_missing", f"The key needs the scope host:{host} or finance.")
