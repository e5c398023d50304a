"""The rules for corrections: orders credited to the wrong host, amounts that no order explains. Pure.

A correction names its orders one by one, so that everybody can see what it is about, and is decided for all of them or
for none. Above the rule ``approval_above`` it waits for a second person, who must not be the first one under another
key; what it moves is worked out when it is approved.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from app.decide.commission import Booking
from app.decide.settlement import adjusted
from app.errors import Conflict, Invalid
from app.journal.drafts import Draft, Fact, Lookup
from app.sales.nobody import HOUSE, NO_TEAM
from app.sales.reattribution import check_movable, correction_key, moved
from app.sales.remaining import Remaining, remaining_of
from app.state import State

ADMIN_ACTOR = "key:admin"


def opened(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A correction is made, or waits. Errors: AppError, the refusal; Conflict ``nothing_to_correct``."""
    content = fact.content
    for number, seller in enumerate(content.get("to", ())):
        if seller["host"] != HOUSE and not state.has_host(seller["host"]):
            raise Invalid("unknown_host", f"The roster has no host {seller['host']!r}.", f"to[{number}].host")
    drafts = _changes(state, fact.key, content, lookup)
    if "orders" in content:
        amount = sum(part["amount"] for draft in drafts for part in draft.content["taken"])
    else:
        amount = abs(content["amount"])
    if not drafts:
        raise Conflict("nothing_to_correct", "These orders are credited like that already.")
    body: dict[str, Any] = {"fact": content, "amount": amount, "by": fact.actor}
    limit = state.rules.approval_above
    if limit is not None and amount > limit:
        return [Draft("correction.opened", fact.key, body | {"waits": True})]
    return [Draft("correction.opened", fact.key, body), *drafts]


def closed(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A correction that waited is approved, and made, or withdrawn.

    Errors: Conflict ``correction_not_open``, ``own_correction``, ``admin_cannot_approve``, and those of ``opened``.
    """
    content = fact.content
    waiting = state.corrections.get(content["id"])
    if waiting is None:
        raise Conflict("correction_not_open", f"No correction {content['id']!r} waits for a second person.")
    closing = Draft("correction.closed", fact.key, {"fact": content})
    if content["outcome"] == "withdrawn":
        return [closing]
    if fact.actor == ADMIN_ACTOR:
        raise Conflict("admin_cannot_approve", "The admin key is nobody in person; a second person must approve this.")
    if content["person"] == waiting.fact["person"] or fact.actor == waiting.actor:
        raise Conflict("own_correction", "Who asked for a correction cannot approve it; a second person must.")
    drafts = _changes(state, correction_key(content["id"]), waiting.fact, lookup)
    if not drafts:
        raise Conflict("nothing_to_correct", "These orders are credited like that by now; withdraw the correction.")
    return [closing, *drafts]


def _changes(state: State, key: str, content: dict[str, Any], lookup: Lookup) -> list[Draft]:
    """What a correction writes if nobody has to be asked any more."""
    if "orders" not in content:
        return [adjusted(state, content["host"], content["amount"], f"{key}:adjustment", content)]
    to = [(seller["host"], seller["weight"]) for seller in content.get("to", ())]
    return list(_moves(state, key, content["orders"], to, lookup))


def _moves(
    state: State, key: str, orders: Sequence[str], to: Sequence[tuple[str, int]], lookup: Lookup
) -> Iterator[Draft]:
    """An ``order.reattributed`` for each of the orders that it changes.

    Without ``to`` the hosts stay, and the team is the one that the roster by now gives them at ``paid_at``.
    """
    booking = Booking(state)
    # Each has one entry, however often it was named.
    for order_key in dict.fromkeys(orders):
        entries = [(entry.kind, entry.key, entry.content) for entry in lookup.of_order(order_key)]
        order = check_movable(remaining_of(entries), order_key)
        wish = _wish(state, order, to)
        change = moved(order, wish)
        if change["taken"] or change["before"] != change["after"]:
            body = {"about": order_key, "of": key, "paid_at": order.paid_at, **wish, **change}
            booking.rates(order, body)
            booking.change(order, body, "order.reattributed", order_key)
            yield Draft("order.reattributed", f"{key}:{order_key}", body)


def _wish(state: State, order: Remaining, to: Sequence[tuple[str, int]]) -> dict[str, Any]:
    def team(host: str) -> str:
        return NO_TEAM if host == HOUSE else state.team_of(host, order.paid_at)

    if to:
        return {"to": [{"host": host, "team": team(host), "weight": weight} for host, weight in to]}
    return {"teams": {host: team(host) for host in dict.fromkeys(host for host, _ in order.sellers)}}
