"""The state that decisions are made from: terms, status, roster, sessions, what waits for its order. Pure.

It is a fold of the journal like every other view. The writer decides a batch on a ``layer`` of it and keeps the layer
only if the database committed; ``apply`` therefore replaces what it changes and never edits in place.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from itertools import chain, islice
from typing import Any

from msgspec import Struct, convert, field
from msgspec.structs import replace

from app.challenge import roster as rosters
from app.challenge.roster import Roster
from app.challenge.rules import DEFAULT_ATTRIBUTION, Attribution, Rules
from app.challenge.show import Offer, Pin, Session, pinned, pins_at, shares_in, unpinned
from app.errors import InvariantError
from app.journal.entry import Entry
from app.sales.nobody import NO_TEAM

# So many of the refunds that name no order are remembered by their keys, and so many open items are listed.
OPEN_ITEMS_MAX = 100


class Correction(Struct, frozen=True):
    """A correction that waits for a second person. Units: ``amount`` is what it would move, minor units."""

    orders: tuple[str, ...]
    to: tuple[tuple[str, int], ...]
    amount: int
    person: str
    actor: str


class State(Struct):
    """Everything an event's decisions depend on, at one position of its journal.

    ``parked`` leads from an order's key to the keys of refunds, cancellations and disputes that came before it;
    ``orderless`` are keys of refunds that name no order, the first of them.
    """

    event: str
    brand: str = ""
    currency: str = ""
    exponent: int = 0
    timezone: str = "UTC"
    starts_at: int = 0
    ends_at: int = 0
    created_at: int = 0
    status: str = "draft"
    entered_at: int = 0
    moves: int = 0
    rules: Rules = field(default_factory=Rules)
    rules_version: int = 0
    # Each with the time from which it holds and its version, ascending.
    attributions: tuple[tuple[int, int, Attribution], ...] = ((0, 0, DEFAULT_ATTRIBUTION),)
    roster: Roster = field(default_factory=Roster)
    sessions: dict[str, Session] = field(default_factory=dict)
    # By product.
    pins: dict[str, tuple[Pin, ...]] = field(default_factory=dict)
    # By session, the products that are pinned in it now and since when.
    pinned: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    parked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    orderless: tuple[str, ...] = ()
    # From the key of each open dispute to that of its order.
    disputes: dict[str, str] = field(default_factory=dict)
    # By id, those that wait for a second person.
    corrections: dict[str, Correction] = field(default_factory=dict)
    unmatched_count: int = 0
    unmatched_amount: int = 0
    position: int = 0
    recorded_at: int = 0

    def layer(self) -> "State":
        """A state that can be moved on while this one stays as it is."""
        return copy(self)

    def has_host(self, host: str) -> bool:
        return host in self.roster.hosts

    def host_of_code(self, code: str) -> str | None:
        return self.roster.codes.get(code.upper())

    def team_of(self, host: str, at: int) -> str:
        return self.roster.hosts[host].team_at(at) or NO_TEAM

    def has_session(self, session: str) -> bool:
        return session in self.sessions

    def shares_in(self, session: str, at: int, split: str) -> Sequence[tuple[str, int]]:
        return shares_in(self.sessions[session], at, split)

    @property
    def products_pinned(self) -> Collection[str]:
        return self.pins

    def pins_at(self, sku: str, at: int, most: int) -> list[tuple[str, int]]:
        return [(pin.session, pin.pinned_at) for pin in pins_at(self.pins[sku], self.sessions, at, most)]

    def person_of(self, host: str) -> str:
        return self.roster.hosts[host].person

    def is_staff(self, person: str) -> bool:
        return person in self.roster.persons

    def attribution_at(self, at: int) -> tuple[int, Attribution]:
        """The rules of attribution that held at a time, and the version of the rules."""
        for since, version, attribution in reversed(self.attributions):
            if since <= at:
                return version, attribution
        raise InvariantError(f"{self.event}: no rules held at {at}")

    def waiting_cancellations(self) -> int:
        """How many cancellations wait for their order."""
        return sum(key.startswith("cancellation:") for waiting in self.parked.values() for key in waiting)

    def open_items(self) -> list[tuple[str, str]]:
        """(key, key of the order or "") of what has not met its order, and of open disputes; the first ones."""
        waiting = ((key, order) for order, keys in self.parked.items() for key in keys if key not in self.disputes)
        orderless = ((key, "") for key in self.orderless)
        return list(islice(chain(waiting, self.disputes.items(), orderless), OPEN_ITEMS_MAX))

    def apply(self, position: int, kind: str, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
        """Move on by one entry.

        Errors: InvariantError for a gap in the positions or a kind that is not known.
        """
        if position != self.position + 1:
            raise InvariantError(f"{self.event}: entry {position} does not follow {self.position}")
        fold = _FOLDS.get(kind)
        if fold is None:
            raise InvariantError(f"{self.event}: entry {position} has the unknown kind {kind!r}")
        fold(self, key, recorded_at, content)
        self.position = position
        self.recorded_at = recorded_at


def outline(entries: Sequence[Entry]) -> State:
    """An event's terms, status and rules from the entries that tell them (``Store.terms``), and nothing else.

    Errors: KeyError for an entry of a kind that is not known.
    """
    state = State(entries[0].event)
    for entry in entries:
        _FOLDS[entry.kind](state, entry.key, entry.recorded_at, entry.content)
    return state


def _created(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    state.brand = content["brand"]
    state.currency = content["currency"]
    state.exponent = content["exponent"]
    state.timezone = content["timezone"]
    state.starts_at = content["starts_at"]
    state.ends_at = content["ends_at"]
    state.rules = convert(content["rules"], Rules)
    state.rules_version = 1
    state.attributions = ((0, 1, state.rules.attribution),)
    state.created_at = state.entered_at = recorded_at


def _rules_changed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    state.rules = convert(content["rules"], Rules)
    state.rules_version = content["version"]
    # No order can have come to a draft, so what it declares holds from the beginning.
    before, since = ((), 0) if state.status == "draft" else (state.attributions, recorded_at)
    state.attributions = (*before, (since, state.rules_version, state.rules.attribution))


def _roster_changed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    state.roster = rosters.changed(state.roster, content)


def _moved(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    state.status = content["to"]
    # Written late, a due move still happened when it was due: else what fell due meanwhile would never move.
    state.entered_at = content.get("due", recorded_at)
    state.moves += 1
    state.ends_at = content.get("ends_at", state.ends_at)


def _session_started(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    hosts = tuple((host["id"], host["weight"]) for host in content["hosts"])
    session = Session(content["id"], hosts, content["started_at"])
    state.sessions = {**state.sessions, session.id: session}


def _session_ended(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    before = state.sessions[content["id"]]
    state.sessions = {**state.sessions, before.id: replace(before, ended_at=content["ended_at"])}
    for sku, _ in state.pinned.get(before.id, ()):
        state.pins = {**state.pins, sku: unpinned(state.pins[sku], before.id, content["ended_at"])}
    state.pinned = {session: pins for session, pins in state.pinned.items() if session != before.id}


def _session_changed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    hosts = tuple((host["id"], host["weight"]) for host in content["hosts"])
    changed = state.sessions[content["id"]].changed(hosts, content["changed_at"])
    state.sessions = {**state.sessions, changed.id: changed}


def _pinned(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    session, sku, at = state.sessions[content["session"]], content["sku"], content["pinned_at"]
    state.pins = {**state.pins, sku: pinned(state.pins.get(sku, ()), session.id, at, session.ended_at)}
    if not session.ended_at:
        shown = (*state.pinned.get(session.id, ()), (sku, at))
        state.pinned = {**state.pinned, session.id: tuple(sorted(shown, key=lambda pin: pin[1]))}


def _unpinned(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    session, sku = content["session"], content["sku"]
    state.pins = {**state.pins, sku: unpinned(state.pins[sku], session, content["unpinned_at"])}
    state.pinned = {**state.pinned, session: tuple(pin for pin in state.pinned[session] if pin[0] != sku)}


def _offer_started(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    offer = convert({name: content.get(name, "") for name in Offer.__struct_fields__}, Offer)
    state.offers = {**state.offers, offer.id: offer}


def _offer_ended(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    ended = replace(state.offers[content["id"]], ends_at=content["ended_at"])
    state.offers = {**state.offers, ended.id: ended}


def _paid(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    if key in state.parked:
        # Its refunds and cancellations follow in the same transaction.
        state.parked = {order: waiting for order, waiting in state.parked.items() if order != key}


def _refunded(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    if content.get("parked"):
        state.unmatched_count += 1
        state.unmatched_amount += content["amount"]
        _park(state, key, content)


def _matched(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    state.unmatched_count -= 1
    state.unmatched_amount -= content["parked_amount"]


def _cancelled(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    if content.get("parked"):
        _park(state, key, content)


def _disputed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    if "of" in content:
        return
    state.disputes = {**state.disputes, key: content["about"]}
    if content.get("parked"):
        _park(state, key, content)


def _dispute_closed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    dispute, order = content["of"], content["about"]
    state.disputes = {other: about for other, about in state.disputes.items() if other != dispute}
    if content.get("parked"):
        # It has taken nothing yet, and will not when its order comes.
        waiting = tuple(other for other in state.parked[order] if other != dispute)
        parked = {about: keys for about, keys in state.parked.items() if about != order}
        state.parked = {**parked, order: waiting} if waiting else parked


def _correction_opened(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    if not content.get("waits"):
        return
    fact = content["fact"]
    to = tuple((seller["host"], seller["weight"]) for seller in fact.get("to", ()))
    waiting = Correction(tuple(fact["orders"]), to, content["amount"], fact["person"], content["by"])
    state.corrections = {**state.corrections, fact["id"]: waiting}


def _correction_closed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    closed = content["fact"]["id"]
    state.corrections = {other: waiting for other, waiting in state.corrections.items() if other != closed}


def _no_change(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    """What moves scores and postings, and nothing that decisions rest on."""


def _park(state: State, key: str, content: Mapping[str, Any]) -> None:
    order = content.get("about")
    if not order:
        state.orderless = (*state.orderless, key)[:OPEN_ITEMS_MAX]
    else:
        state.parked = {**state.parked, order: (*state.parked.get(order, ()), key)}


_FOLDS = {
    "event.created": _created,
    "rules.changed": _rules_changed,
    "roster.changed": _roster_changed,
    "event.moved": _moved,
    "session.started": _session_started,
    "session.ended": _session_ended,
    "session.changed": _session_changed,
    "product.pinned": _pinned,
    "product.unpinned": _unpinned,
    "offer.started": _offer_started,
    "offer.ended": _offer_ended,
    "order.paid": _paid,
    "order.refunded": _refunded,
    "refund.matched": _matched,
    "order.cancelled": _cancelled,
    "order.disputed": _disputed,
    "dispute.closed": _dispute_closed,
    "correction.opened": _correction_opened,
    "correction.closed": _correction_closed,
    "order.reattributed": _no_change,
}
