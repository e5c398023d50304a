"""The rules for facts about money: orders, and what comes back of them. Pure.

Each takes the state, the fact, the time and what the journal says about the order, and gives drafts of entries.
"""

from typing import Any

from app.decide.commission import Booking
from app.errors import Conflict
from app.journal.drafts import Draft, Fact, Lookup
from app.sales import disputes, orders, refunds
from app.sales.remaining import Remaining, remaining_of
from app.state import State


def paid(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """An order, and right behind it whatever waited for it. Errors: AppError, the refusal."""
    body = orders.order_body(state, fact.content, now, fact.touches)
    booking = Booking(state)
    booking.sale(fact.key, body)
    drafts = [Draft("order.paid", fact.key, body, fact.content["paid_at"])]
    if fact.key in state.parked:
        drafts += _matches(state, fact, body, lookup, booking)
    return drafts


def _matches(state: State, fact: Fact, body: dict[str, Any], lookup: Lookup, booking: Booking) -> list[Draft]:
    """What came before its order takes effect right behind it, in the order in which it came."""
    waiting = {entry.key: entry for entry in lookup.of_order(fact.key)}
    remaining = remaining_of([("order.paid", fact.key, body)])
    assert remaining is not None
    drafts = []
    for key in state.parked[fact.key]:
        parked = waiting[key]
        if parked.kind == "order.refunded":
            match = refunds.match_body(remaining, key, parked.content)
            drafts.append(Draft("refund.matched", f"match:{key}", match, parked.occurred_at))
        elif parked.kind == "order.disputed":
            match = disputes.dispute_match_body(remaining, key, parked.content, key in state.disputes)
            drafts.append(Draft("order.disputed", f"match:{key}", match, parked.occurred_at))
        else:
            cancelled = refunds.cancelled_shares(remaining)
            match = {"fact": parked.content["fact"], "about": fact.key, "of": key} | cancelled
            drafts.append(Draft("order.cancelled", f"match:{key}", match, parked.occurred_at))
        booking.change(remaining, match, drafts[-1].kind, drafts[-1].key)
    return drafts


def refunded(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """Money given back. Errors: AppError, the refusal."""
    _check_not_draft(state)
    if fact.order:
        refunds.check_count(entry.kind for entry in lookup.of_order(fact.order))
    remaining = _remaining(fact, lookup)
    body = refunds.refund_body(remaining, fact.content, _rate(state, remaining, fact))
    _book(state, remaining, body, fact)
    return [Draft("order.refunded", fact.key, body, fact.content["refunded_at"])]


def cancelled(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """An order that will not be carried out. Errors: AppError, the refusal."""
    _check_not_draft(state)
    if any(key.startswith("cancellation:") for key in state.parked.get(fact.order, ())):
        raise Conflict("order_already_cancelled", "A cancellation of this order is waiting for it already.")
    remaining = _remaining(fact, lookup)
    body = refunds.cancellation_body(remaining, fact.content)
    _book(state, remaining, body, fact)
    return [Draft("order.cancelled", fact.key, body, fact.content["cancelled_at"])]


def disputed(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """Money that a buyer's bank contests. Errors: AppError, the refusal."""
    _check_not_draft(state)
    disputes.check_disputes(entry.kind for entry in lookup.of_order(fact.order))
    remaining = _remaining(fact, lookup)
    body = disputes.dispute_body(remaining, fact.content, _rate(state, remaining, fact))
    _book(state, remaining, body, fact)
    return [Draft("order.disputed", fact.key, body, fact.content["disputed_at"])]


def dispute_closed(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """The end of a dispute. Errors: Conflict ``dispute_unknown``."""
    dispute = disputes.key_of_outcome(fact.key)
    if dispute not in state.disputes:
        raise Conflict("dispute_unknown", "There is no open dispute of that id; post its opening first.")
    entries = [(entry.kind, entry.key, entry.content) for entry in lookup.of_order(state.disputes[dispute].order)]
    body = disputes.closing_body(entries, dispute, fact.content)
    _book(state, remaining_of(entries), body, fact)
    return [Draft("dispute.closed", fact.key, body, fact.content["closed_at"])]


def _book(state: State, order: Remaining | None, body: dict[str, Any], fact: Fact) -> None:
    if order is not None:
        Booking(state).change(order, body, fact.kind, fact.key)


def _rate(state: State, order: Remaining | None, fact: Fact) -> dict[str, Any] | None:
    """What a fact in another currency is booked at that has to wait for its order. What meets it has the order's.

    Errors: Invalid ``currency_mismatch``.
    """
    if order is not None or "currency" not in fact.content:
        return None
    return state.rate_of(fact.content["currency"])


def _check_not_draft(state: State) -> None:
    if state.status == "draft":
        raise Conflict("event_not_open", "The event is a draft; move it to scheduled before anything is posted.")


def _remaining(fact: Fact, lookup: Lookup) -> Remaining | None:
    if not fact.order:
        return None
    entries = lookup.of_order(fact.order)
    return remaining_of((entry.kind, entry.key, entry.content) for entry in entries)
