"""Settling with hosts: commission released from hold, payouts and those that came back, ranges of statements."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.documents import REPEAT, problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.models import CorrectionEndBody, PayoutBody, ReleaseBody, StatementBody
from app.api.services import services_of
from app.errors import Invalid, NotFound
from app.events import IDENTIFIER, OpenEvent
from app.journal.drafts import Fact
from app.journal.plan import Accepted
from app.sales.money import AMOUNT_MINOR_MAX, format_amount, parse_amount
from app.sales.settlement import payout_key, release_key, statement_key
from app.sales.times import parse_time, rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["settlement"])

Asker = Annotated[Principal, Depends(principal_of)]
_RESPONSES = problem_responses(400, 401, 403, 404, 409, 413, 422, 503) | REPEAT


@router.post("/v1/events/{event}/releases", status_code=201, operation_id="release", responses=_RESPONSES)
@needs("finance")
async def release(
    event: str, given: ReleaseBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """Let commission of whole days, UTC, be paid out; without ``until`` of all that were held for ``hold_days``."""
    opened = await services_of(request).event(principal, event)
    content: dict[str, Any] = {"id": given.id}
    if given.until is not None:
        content["until"] = parse_time(given.until, "until")
    fact = Fact("commission.released", release_key(given.id), content, principal.actor)
    first = (await _submit(opened, fact, response)).entries[0]
    return {
        "id": given.id,
        "position": first.position,
        "until": rfc3339(first.content["until"]),
        "hosts": first.content["hosts"],
        "amount": format_amount(first.content["amount"], opened.state.exponent),
    }


@router.post("/v1/events/{event}/payouts", status_code=201, operation_id="pay_out", responses=_RESPONSES)
@needs("finance")
async def pay_out(
    event: str, given: PayoutBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """Note that a host is paid. The same call again is the first answer: send it again if you do not know."""
    opened = await services_of(request).event(principal, event)
    amount = parse_amount(given.amount, opened.state.exponent, "amount")
    if not 0 < amount <= AMOUNT_MINOR_MAX:
        raise Invalid("amount_not_possible", f"A payout is above zero, and at most {AMOUNT_MINOR_MAX} units.", "amount")
    content: dict[str, Any] = {"id": given.id, "host": given.host, "amount": amount}
    if given.reference:
        content["reference"] = given.reference
    accepted = await _submit(opened, Fact("payout.made", payout_key(given.id), content, principal.actor), response)
    return {"id": given.id, "position": accepted.entries[0].position, **_owed(opened, given.host)}


@router.post("/v1/events/{event}/payouts/{payout}/fail", operation_id="fail_payout", responses=_RESPONSES)
@needs("finance")
async def fail_payout(
    event: str, payout: str, given: CorrectionEndBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """A payout came back; its money is available again."""
    opened = await services_of(request).event(principal, event)
    if not IDENTIFIER.fullmatch(payout):
        raise NotFound("payout_unknown", "There is no payout of that id.")
    content = {"id": payout, "reason": given.reason}
    key = payout_key(payout)
    fact = Fact("payout.failed", f"{key}:failed", content, principal.actor, key)
    accepted = await _submit(opened, fact, response)
    entry = accepted.entries[0]
    return {"id": payout, "position": entry.position, **_owed(opened, entry.content["host"])}


@router.post("/v1/events/{event}/statements", status_code=201, operation_id="close_statement", responses=_RESPONSES)
@needs("finance")
async def close_statement(
    event: str, given: StatementBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """Close a range: from the end of the last statement up to a position, the head if left out. Later entries belong to
    the next one."""
    opened = await services_of(request).event(principal, event)
    content: dict[str, Any] = {"id": given.id} | ({"to": given.to} if given.to is not None else {})
    fact = Fact("statement.closed", statement_key(given.id), content, principal.actor)
    entry = (await _submit(opened, fact, response)).entries[0]
    return {"id": given.id, "position": entry.position, "from": entry.content["from"], "to": entry.content["to"]}


async def _submit(opened: OpenEvent, fact: Fact, response: Response) -> Accepted:
    accepted = await opened.submit_one(fact)
    if accepted.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return accepted


def _owed(opened: OpenEvent, host: str) -> dict[str, Any]:
    return {"host": host, "available": format_amount(opened.state.available(host), opened.state.exponent)}
