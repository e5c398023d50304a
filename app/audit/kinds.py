"""How each kind of entry is decided again: the fact that its body tells, and what the decision looked up. Pure.

A kind has one row in ``KINDS``. A row says how the fact is rebuilt; the rules themselves are those of ``app.decide``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from app.audit.shapes import (
    Announced,
    Cancellation,
    Claimed,
    ClaimEnd,
    Dispute,
    GoalTerms,
    OfferEnd,
    OfferStart,
    Order,
    Outcome,
    Payout,
    PayoutFailure,
    Pin,
    RatesTable,
    Refund,
    Release,
    Sample,
    SessionChange,
    SessionEnd,
    SessionStart,
    Shape,
    StatementEnd,
    Terms,
    Unpin,
)
from app.challenge.audience import sample_key
from app.challenge.goals import announcement_key
from app.challenge.rules import Rules, shown
from app.challenge.rules import document as rules_document
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.sales import rates
from app.sales.currencies import EXPONENTS
from app.sales.facts import order_key
from app.sales.money import AMOUNT_MINOR_MAX, exponent_of
from app.sales.settlement import payout_key
from app.state import State


class Kind(NamedTuple):
    """How one kind is decided again.

    Shape: ``fact`` rebuilds what was said from the entries of one call (several only of a large roster); None for what
    only follows from another entry. ``shape`` is the fact's normal form, if its body holds one. ``took`` names the
    member of the body that holds the time of the decision where the fact left its time out. ``looks_at`` gives the
    keys of the orders whose entries the decision looks up; None: of the one that the body is ``about``.
    """

    fact: Callable[[State, Sequence[Entry]], Fact] | None
    shape: type[Shape] | None = None
    took: str = ""
    looks_at: "Callable[[Uses, Mapping[str, Any]], Sequence[str]] | None" = None


class Malformed(Exception):
    """A fact that no call can have said."""


def said(key: str) -> Callable[[State, Sequence[Entry]], Fact]:
    """A fact that stands in the body as it is; ``key`` is its business key, made of the fact's members."""

    def rebuilt(state: State, call: Sequence[Entry]) -> Fact:
        entry = call[0]
        fact: dict[str, Any] = entry.content["fact"]
        order = order_key(fact["source"], fact["order"]) if fact.get("order") and "source" in fact else ""
        return Fact(entry.kind, key.format(**fact), fact, entry.actor, order)

    return rebuilt


def checked(kind: Kind, state: State, fact: Mapping[str, Any]) -> None:
    """Errors: Malformed if it is not the normal form of what a call can say in this event."""
    if kind.shape is None:
        return
    try:
        normal = msgspec.convert(fact, kind.shape)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None
    if msgspec.to_builtins(normal) != fact:
        raise Malformed("something stands there that is zero, empty or its default")
    if isinstance(normal, Order):
        _check_order(normal, state)
    if isinstance(normal, Refund | Dispute):
        is_known = normal.currency == "" or normal.currency in EXPONENTS
        if not is_known or normal.currency == state.currency:
            raise Malformed(f"it names {normal.currency}, which is no currency, or left out as the event's")
    if isinstance(normal, GoalTerms | Announced):
        _check_whole(normal, fact)
    if isinstance(normal, Refund):
        if len({line.id for line in normal.lines}) != len(normal.lines):
            raise Malformed("two lines have one id")
        if not (normal.amount or (normal.lines and normal.order)):
            raise Malformed("it gives nothing back")
        if not all(line.quantity or line.amount for line in normal.lines):
            raise Malformed("a line gives nothing back")


def _check_order(order: Order, state: State) -> None:
    if order.currency != state.currency and order.currency not in state.rates.table:
        raise Malformed(f"it is in {order.currency}, not in {state.currency}")
    if len({line.id for line in order.lines}) != len(order.lines):
        raise Malformed("two lines have one id")
    nets = [line.quantity * line.unit_price - line.discount for line in order.lines]
    total = sum(nets) + order.shipping + (0 if order.tax_included else order.tax)
    if min(nets) < 0 or total > AMOUNT_MINOR_MAX or (order.tax_included and order.tax > sum(nets)):
        raise Malformed("its amounts do not go together")


def _check_whole(normal: GoalTerms | Announced, fact: Mapping[str, Any]) -> None:
    """A goal has all its terms and an announcement its text, or only the word that ends it."""
    if isinstance(normal, GoalTerms):
        is_over, wanted = normal.ended, {"title", "of", "measure", "target"}
    else:
        is_over, wanted = normal.withdrawn, {"text"}
    if len(fact) != 2 if is_over else not wanted <= fact.keys():
        raise Malformed("it has not all its terms, or more than its end")


def _ops_fact(entry: Entry, content: dict[str, Any]) -> Fact:
    """What those who run the event said; its key only if it brought one of its own."""
    request = entry.content.get("request", "")
    return Fact(entry.kind, entry.key if request else "", content, entry.actor, request=request)


def _paid(state: State, call: Sequence[Entry]) -> Fact:
    """An order with what was known of its clicks, which its candidates tell."""
    entry = call[0]
    fact = entry.content["fact"]
    touches: dict[str, dict[str, Any]] = {}
    for candidate in entry.content.get("candidates", ()):
        if candidate["by"] != "click":
            continue
        if "host" in candidate:
            touches[candidate["id"]] = {"host": candidate["host"], "at": candidate["at"]}
        elif candidate["outcome"] != "unknown_click":
            touches[candidate["id"]] = {"outcome": candidate["outcome"]}
    key = order_key(fact["source"], fact["id"])
    return Fact(entry.kind, key, fact, entry.actor, touches=touches)


def _created(state: State, call: Sequence[Entry]) -> Fact:
    content = call[0].content
    try:
        terms = msgspec.convert(content, Terms)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None
    if terms.exponent != exponent_of(terms.currency) or terms.ends_at <= terms.starts_at:
        raise Malformed("the event's terms do not go together")
    if rules_document(terms.rules) != content["rules"]:
        raise Malformed("the rules hold what is their default")
    return Fact("event.created", "", content, call[0].actor)


def _rules(state: State, call: Sequence[Entry]) -> Fact:
    """Every rule, as a call would give it: amounts as decimal strings, where a body has minor units."""
    rules = msgspec.convert(call[0].content["rules"], Rules)
    return _ops_fact(call[0], {"rules": shown(rules, state.exponent)})


def _rates(state: State, call: Sequence[Entry]) -> Fact:
    """A table as a call would give it: rates as decimal strings, read again."""
    fact = call[0].content["fact"]
    given = {name: rates.shown(rate["mantissa"], rate["decimals"]) for name, rate in fact["rates"].items()}
    content = {**fact, "rates": rates.parse_rates(given, state.currency)}
    return Fact("rates.changed", rates.rates_key(fact["version"]), content, call[0].actor)


def _roster(state: State, call: Sequence[Entry]) -> Fact:
    given: dict[str, list[Any]] = {"teams": [], "stores": [], "hosts": []}
    for entry in call:
        for name, items in entry.content.items():
            if isinstance(items, list):
                given.setdefault(name, []).extend(items)
    return _ops_fact(call[0], given)


def _moved(state: State, call: Sequence[Entry]) -> Fact:
    content = call[0].content
    given = {"to": content["to"], "reason": content.get("reason", "")}
    return _ops_fact(call[0], given | {"waive": content.get("waived", {}).get("reason", "")})


def _sampled(state: State, call: Sequence[Entry]) -> Fact:
    fact = call[0].content["fact"]
    return Fact("viewers.sampled", sample_key(fact.get("session", ""), fact["minute"]), fact, call[0].actor)


def _of_correction(uses: "Uses", content: Mapping[str, Any]) -> Sequence[str]:
    fact = content["fact"]
    orders: Sequence[str] = fact.get("orders", ())
    if content.get("waits"):
        uses.waiting[fact["id"]] = orders
    return orders


def _of_its_opening(uses: "Uses", content: Mapping[str, Any]) -> Sequence[str]:
    return uses.waiting.pop(content["fact"]["id"], ())


def _announced(state: State, call: Sequence[Entry]) -> Fact:
    fact = call[0].content["fact"]
    key = announcement_key(fact["id"], bool(fact.get("withdrawn")))
    return Fact("announcement.made", key, fact, call[0].actor)


def _failed(state: State, call: Sequence[Entry]) -> Fact:
    entry = call[0]
    fact = entry.content["fact"]
    key = payout_key(fact["id"])
    return Fact(entry.kind, f"{key}:failed", fact, entry.actor, key)


def _of_claim(uses: "Uses", content: Mapping[str, Any]) -> Sequence[str]:
    """The order that is claimed, or the correction that the claim led to."""
    wanted = [content.get("about", ""), content["fact"].get("correction", "")]
    return [key for key in wanted if key]


KINDS: Mapping[str, Kind] = {
    "event.created": Kind(_created),
    "rules.changed": Kind(_rules),
    "rates.changed": Kind(_rates, RatesTable),
    "roster.changed": Kind(_roster),
    "event.moved": Kind(_moved, took="ends_at"),
    "session.started": Kind(said("session:{id}:started"), SessionStart, took="started_at"),
    "session.ended": Kind(said("session:{id}:ended"), SessionEnd, took="ended_at"),
    "session.changed": Kind(said(""), SessionChange, took="changed_at"),
    "product.pinned": Kind(said(""), Pin, took="pinned_at"),
    "product.unpinned": Kind(said(""), Unpin, took="unpinned_at"),
    "offer.started": Kind(said("offer:{id}:started"), OfferStart, took="starts_at"),
    "offer.ended": Kind(said("offer:{id}:ended"), OfferEnd, took="ended_at"),
    "goal.set": Kind(said(""), GoalTerms),
    "announcement.made": Kind(_announced, Announced, took="made_at"),
    "viewers.sampled": Kind(_sampled, Sample),
    "order.paid": Kind(_paid, Order),
    "order.refunded": Kind(said("refund:{source}:{id}"), Refund),
    "order.cancelled": Kind(said("cancellation:{source}:{id}"), Cancellation),
    "order.disputed": Kind(said("dispute:{source}:{id}"), Dispute),
    "dispute.closed": Kind(said("outcome:{source}:{id}"), Outcome),
    "correction.opened": Kind(said("correction:{id}"), looks_at=_of_correction),
    "correction.closed": Kind(said("correction:{id}:closed"), looks_at=_of_its_opening),
    "order.reattributed": Kind(None),
    "adjustment.made": Kind(None),
    "claim.opened": Kind(said("claim:{id}"), Claimed, took="at", looks_at=_of_claim),
    "claim.closed": Kind(said("claim:{id}:closed"), ClaimEnd, looks_at=_of_claim),
    "commission.released": Kind(said("release:{id}"), Release, took="at"),
    "payout.made": Kind(said("payout:{id}"), Payout),
    "payout.failed": Kind(_failed, PayoutFailure),
    "statement.closed": Kind(said("statement:{id}"), StatementEnd),
    "refund.matched": Kind(None),
}


class _About(Struct):
    about: str = ""


_ABOUT = msgspec.json.Decoder(_About)


class Uses:
    """Until which position the entries of an order will be looked up: of those orders only that something is about."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}
        # By id, the orders of corrections that wait for a second person.
        self.waiting: dict[str, Sequence[str]] = {}

    def hear(self, kind: str, position: int, body: msgspec.Raw) -> None:
        """Note which orders the decision on this entry looks at. A body that cannot be read is found later."""
        row = KINDS.get(kind)
        if row is None or kind == "order.paid":
            return
        try:
            if row.looks_at is not None:
                orders = row.looks_at(self, msgspec.json.decode(body))
            else:
                about = _ABOUT.decode(body).about
                orders = (about,) if about else ()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
            return
        self.last.update(dict.fromkeys(orders, position))
