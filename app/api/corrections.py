"""Corrections: orders moved to the host or team they belong to, previewed first, approved by a second person."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.documents import REPEAT, problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.intake import pseudonyms
from app.api.models import AdjustmentBody, CorrectionEndBody, OrderFilter, ReattributionBody, WhatIfBody
from app.api.services import Services, services_of
from app.audit.preview import Difference, orders_like, preview
from app.audit.whatif import result_document, what_if
from app.errors import Invalid, NotFound
from app.events import IDENTIFIER, OpenEvent
from app.journal.drafts import Fact
from app.sales.facts import order_key
from app.sales.money import AMOUNT_MINOR_MAX, format_amount, parse_amount
from app.sales.reattribution import ORDERS_PER_CORRECTION_MAX, correction_key
from app.sales.times import parse_time

router = APIRouter(route_class=GuardedRoute, tags=["corrections"])

Asker = Annotated[Principal, Depends(principal_of)]


@router.post(
    "/v1/events/{event}/reattributions",
    status_code=201,
    operation_id="reattribute",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503) | REPEAT,
)
@needs("finance")
async def reattribute(
    event: str, given: ReattributionBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """Move orders to other hosts; without ``to``, to the teams that the roster gives their hosts by now.

    ``preview`` writes nothing and answers 200 with what would change. A ``filter`` is for previews: the answer names
    the orders that it finds, and a correction names each of its orders.
    """
    services = services_of(request)
    opened = await services.event(principal, event)
    fact = await _fact(services, opened, given, principal)
    if given.preview:
        response.status_code = 200
        return await _preview(services, opened, fact)
    return await _opened(opened, fact, response)


async def _opened(opened: OpenEvent, fact: Fact, response: Response) -> dict[str, Any]:
    accepted = await opened.submit_one(fact)
    if accepted.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    first = accepted.entries[0]
    return {
        "id": fact.content["id"],
        "position": first.position,
        "state": "waiting" if first.content.get("waits") else "made",
        "amount": format_amount(first.content["amount"], opened.state.exponent),
    }


@router.post(
    "/v1/events/{event}/adjustments",
    status_code=201,
    operation_id="adjust",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503) | REPEAT,
)
@needs("finance")
async def adjust(
    event: str, given: AdjustmentBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """Give a host an amount that no order explains, or take one (below zero). It moves pay, no board."""
    services = services_of(request)
    opened = await services.event(principal, event)
    amount = parse_amount(given.amount, opened.state.exponent, "amount")
    if not 0 < abs(amount) <= AMOUNT_MINOR_MAX:
        raise Invalid(
            "amount_not_possible", f"An adjustment is not zero, and at most {AMOUNT_MINOR_MAX} units.", "amount"
        )
    person = await _person(services, opened, principal)
    content = {"id": given.id, "host": given.host, "amount": amount, "reason": given.reason, "person": person}
    fact = Fact("correction.opened", correction_key(given.id), content, principal.actor)
    return await _opened(opened, fact, response)


@router.post(
    "/v1/events/{event}/corrections/{correction}/approve",
    operation_id="approve_correction",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("finance")
async def approve(
    event: str, correction: str, given: CorrectionEndBody, request: Request, principal: Asker
) -> dict[str, Any]:
    """A second person makes a correction that waits for one."""
    return await _close(event, correction, "approved", given.reason, request, principal)


@router.post(
    "/v1/events/{event}/corrections/{correction}/withdraw",
    operation_id="withdraw_correction",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("finance")
async def withdraw(
    event: str, correction: str, given: CorrectionEndBody, request: Request, principal: Asker
) -> dict[str, Any]:
    """A correction that waits is not made; anybody with the scope may say so."""
    return await _close(event, correction, "withdrawn", given.reason, request, principal)


@router.post(
    "/v1/events/{event}/what-if",
    operation_id="what_if",
    responses=problem_responses(400, 401, 403, 404, 413, 422, 503),
)
@needs("finance", "ops")
async def try_rules(event: str, given: WhatIfBody, request: Request, principal: Asker) -> dict[str, Any]:
    """Decide the event again under other rules, and say who would rank and be paid otherwise. Writes nothing."""
    services = services_of(request)
    await services.event(principal, event)
    return result_document(event, await what_if(services.store, event, given.rules))


@router.get(
    "/v1/events/{event}/corrections",
    operation_id="list_corrections",
    responses=problem_responses(401, 403, 404, 503),
)
@needs("finance", "ops", "audit")
async def list_corrections(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """The corrections that wait for a second person, oldest first."""
    opened = await services_of(request).event(principal, event)
    state = opened.state
    return {
        "event": event,
        "position": opened.head.position,
        "corrections": [
            {
                "id": identity,
                **_asked(waiting.fact),
                "amount": format_amount(waiting.amount, state.exponent),
                "reason": waiting.fact["reason"],
                "asked_by": waiting.actor,
            }
            for identity, waiting in state.corrections.items()
        ],
    }


def _asked(fact: dict[str, Any]) -> dict[str, Any]:
    if "orders" not in fact:
        return {"host": fact["host"]}
    return {"orders": [_order_name(key) for key in fact["orders"]], "to": fact.get("to", [])}


async def _fact(services: Services, opened: OpenEvent, given: ReattributionBody, principal: Principal) -> Fact:
    if given.filter is not None:
        if given.orders or not given.preview:
            raise Invalid(
                "filter_not_alone", "A filter is for a preview, without orders; then name its orders.", "filter"
            )
        orders = await orders_like(services.store, opened, _wanted(given.filter), ORDERS_PER_CORRECTION_MAX)
        if len(orders) > ORDERS_PER_CORRECTION_MAX:
            raise Invalid(
                "too_many_orders",
                f"More than {ORDERS_PER_CORRECTION_MAX} orders are like this; narrow it down.",
                "filter",
            )
    else:
        orders = [order_key(order.source, order.id) for order in given.orders]
    if not orders:
        raise Invalid("orders_missing", "Name the orders that are to be moved.", "orders")
    hosts = [seller.host for seller in given.to]
    if len(set(hosts)) < len(hosts):
        raise Invalid("host_repeated", "A host is in the list twice; give it one weight.", "to")
    content: dict[str, Any] = {
        "id": given.id,
        "orders": sorted(set(orders)),
        "reason": given.reason,
        "person": await _person(services, opened, principal),
    }
    if given.to:
        content["to"] = [{"host": seller.host, "weight": seller.weight} for seller in given.to]
    return Fact("correction.opened", correction_key(given.id), content, principal.actor)


def _wanted(given: OrderFilter) -> dict[str, Any]:
    wanted: dict[str, Any] = {"host": given.host, "source": given.source, "code": given.code, "session": given.session}
    for name in ("paid_from", "paid_to"):
        if (text := getattr(given, name)) is not None:
            wanted[name] = parse_time(text, f"filter.{name}")
    return wanted


async def _person(services: Services, opened: OpenEvent, principal: Principal) -> str:
    """Who asks, as the journal knows people: the same behind each of their keys, and nobody's name."""
    return (await pseudonyms(services, opened.head.event))(f"holder:{principal.person}")


async def _preview(services: Services, opened: OpenEvent, fact: Fact) -> dict[str, Any]:
    exponent = opened.state.exponent
    found = await preview(services.store, opened, fact)
    return {
        "id": fact.content["id"],
        "position": opened.head.position,
        "orders": [_order_name(key) for key in found.orders],
        "amount": format_amount(found.amount, exponent),
        "needs_approval": found.waits,
        "commission": [{"host": host, "amount": format_amount(amount, exponent)} for host, amount in found.commission],
        "hosts": [_difference(row, exponent) for row in found.hosts],
        "teams": [_difference(row, exponent) for row in found.teams],
    }


def _difference(row: Difference, exponent: int) -> dict[str, Any]:
    before, after = row.score
    return {
        "id": row.id,
        "net_sales": {"before": format_amount(before, exponent), "after": format_amount(after, exponent)},
        "rank": {"before": row.rank[0], "after": row.rank[1]},
    }


def _order_name(key: str) -> dict[str, str]:
    _, source, order = key.split(":", 2)
    return {"source": source, "id": order}


async def _close(
    event: str, correction: str, outcome: str, reason: str, request: Request, principal: Principal
) -> dict[str, Any]:
    services = services_of(request)
    opened = await services.event(principal, event)
    if not IDENTIFIER.fullmatch(correction):
        raise NotFound("correction_unknown", "There is no correction of that name.")
    person = await _person(services, opened, principal)
    content = {"id": correction, "outcome": outcome, "reason": reason, "person": person}
    fact = Fact("correction.closed", f"{correction_key(correction)}:closed", content, principal.actor)
    accepted = await opened.submit_one(fact)
    return {"id": correction, "position": accepted.entries[0].position, "state": outcome}
