"""Exchange rates: a table declared under a version, and the one in force."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.models import RatesBody
from app.api.services import services_of
from app.journal.drafts import Fact
from app.sales.rates import parse_rates, rates_key, shown
from app.sales.times import rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["events"])

Asker = Annotated[Principal, Depends(principal_of)]


@router.put(
    "/v1/events/{event}/rates",
    operation_id="put_rates",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("ops")
async def put_rates(
    event: str, given: RatesBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """Declare the whole table that orders in other currencies are booked at from now on; what is booked stays.

    One unit of a currency is worth so much of the event's. A version is used once; the same call again is a repeat.
    """
    opened = await services_of(request).event(principal, event)
    rates = parse_rates(given.rates, opened.state.currency)
    content = {"version": given.version, "rates": rates, "reason": given.reason}
    fact = Fact("rates.changed", rates_key(given.version), content, principal.actor)
    accepted = await opened.submit_one(fact)
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    entry = accepted.entries[0]
    return {
        "event": event,
        "position": entry.position,
        "currency": opened.state.currency,
        "version": given.version,
        "rates": {name: shown(**rate) for name, rate in entry.content["fact"]["rates"].items()},
    }


@router.get("/v1/events/{event}/rates", operation_id="get_rates", responses=problem_responses(401, 403, 404, 422, 503))
@needs("ops", "finance", "audit", "orders")
async def get_rates(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """The table in force, and every version that there was with the position from which it held."""
    opened = await services_of(request).event(principal, event)
    rates = opened.state.rates
    return {
        "event": event,
        "position": opened.head.position,
        "currency": opened.state.currency,
        "version": rates.version,
        "rates": {name: shown(*rate) for name, rate in rates.table.items()},
        "versions": [
            {"version": version, "position": position, "recorded_at": rfc3339(recorded_at)}
            for version, position, recorded_at in rates.versions
        ],
    }
