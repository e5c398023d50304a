"""The state that decisions are made from: terms, status, roster, sessions, what waits for its order. Pure.

It is a fold of the journal like every other view. The writer decides a batch on a ``layer`` of it and keeps the layer
only if the database committed; ``apply`` therefore replaces what it changes and never edits in place.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from itertools import chain, islice
from typing import Any

from immutables import Map
from msgspec import Struct, convert, field

from app.challenge import roster as rosters
from app.challenge.goals import Announcement, Goal
from app.challenge.roster import Roster
from app.challenge.rules import Attribution, Rules
from app.challenge.show import Offer, Pin, Session, Shown, pins_at, shares_in
from app.errors import InvariantError
from app.journal.entry import Entry
from app.sales import rates
from app.sales.nobody import HOUSE, NO_TEAM
from app.sales.rates import Rates
from app.state import asked, audience, on_air
from app.state.parts import DAY_US, NO_ACCOUNT, Accounts, Audience, Claim, Correction, OpenDispute

# So many of the refunds that name no order are remembered by their keys, and so many open items are listed.
OPEN_ITEMS_MAX = 100


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
    # Rules that held before: until when, their version, themselves.
    past_rules: tuple[tuple[int, int, Rules], ...] = ()
    rates: Rates = field(default_factory=Rates)
    roster: Roster = field(default_factory=Roster)
    sessions: dict[str, Session] = field(default_factory=dict)
    # By product.
    pins: dict[str, tuple[Pin, ...]] = field(default_factory=dict)
    # By session, the products that are pinned in it now, the first pinned first.
    pinned: dict[str, tuple[Shown, ...]] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    goals: dict[str, Goal] = field(default_factory=dict)
    announcements: dict[str, Announcement] = field(default_factory=dict)
    # By session; "" is the event itself.
    audiences: dict[str, Audience] = field(default_factory=dict)
    parked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    orderless: tuple[str, ...] = ()
    # By their keys.
    disputes: dict[str, OpenDispute] = field(default_factory=dict)
    # By id, those that are open.
    claims: dict[str, Claim] = field(default_factory=dict)
    # By id, those that wait for a second person.
    corrections: dict[str, Correction] = field(default_factory=dict)
    # By host: net sales, commission accrued, and what of that can be paid out; it is below zero after a clawback.
    accounts: Accounts = Map()
    # By day of the order (UTC, since the epoch) and host, commission that is held.
    held: Map[int, Map[str, int]] = Map()
    # Commission of orders paid before this can be paid out.
    released_until: int = 0
    # By id, the ranges (from, to] of closed statements, in their order.
    statements: dict[str, tuple[int, int]] = field(default_factory=dict)
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

    def store_of(self, host: str) -> str:
        """The host that stands for the host's store, "" if none does."""
        store = self.roster.hosts[host].store
        return store if store != host and store in self.roster.hosts else ""

    def attribution_at(self, at: int) -> tuple[int, Attribution]:
        """Those of ``rules_at``, and their version."""
        version, rules = self.rules_at(at)
        return version, rules.attribution

    def rules_at(self, at: int) -> tuple[int, Rules]:
        """Version and rules in force at a time; before the event was made, its first."""
        for until, version, rules in self.past_rules:
            if at < until:
                return version, rules
        return self.rules_version, self.rules

    def rate_of(self, currency: str) -> dict[str, Any]:
        """The rate in force, as an entry freezes it. Errors: Invalid ``currency_mismatch``."""
        return rates.frozen(self.rates, currency, self.currency, self.exponent)

    def host_bps(self, host: str) -> int:
        """The host's own commission, 0 for none."""
        return self.roster.hosts[host].commission_bps

    def net_sales(self, host: str) -> int:
        """Minor units, over the whole event, refunds taken off."""
        return self.accounts.get(host, NO_ACCOUNT)[0]

    def accrued(self, host: str) -> int:
        """Commission booked for a host up to now, minor units."""
        return self.accounts.get(host, NO_ACCOUNT)[1]

    def available(self, host: str) -> int:
        """Commission that can be paid out, minor units; below zero if more was paid than is his by now."""
        return self.accounts.get(host, NO_ACCOUNT)[2]

    @property
    def stated_until(self) -> int:
        """Up to which position statements are closed."""
        return next((to for _, to in reversed(self.statements.values())), 0)

    def waiting_cancellations(self) -> int:
        """How many cancellations wait for their order."""
        return sum(key.startswith("cancellation:") for waiting in self.parked.values() for key in waiting)

    def open_items(self) -> list[tuple[str, str]]:
        """(key, key of the order or "") of what has not met its order, and of open disputes; the first ones."""
        waiting = ((key, order) for order, keys in self.parked.items() for key in keys if key not in self.disputes)
        disputed = ((key, dispute.order) for key, dispute in self.disputes.items())
        orderless = ((key, "") for key in self.orderless)
        return list(islice(chain(waiting, disputed, orderless), OPEN_ITEMS_MAX))

    def disputed_hosts(self) -> set[str]:
        """Hosts from whom an open dispute has taken."""
        return {host for dispute in self.disputes.values() for host in dispute.hosts}

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


def changes_of(state: State, kind: str) -> int:
    """How many entries of this kind there are, of those that two people may want to write at once.

    Errors: KeyError for any other.
    """
    return {
        "event.moved": state.moves,
        "rules.changed": state.rules_version,
        "roster.changed": state.roster.version,
        "roster.checked": state.roster.version,
    }[kind]


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
    state.created_at = state.entered_at = recorded_at


def _rules_changed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    # No order can have come to a draft, so what it declares holds from the beginning.
    if state.status != "draft":
        state.past_rules = (*state.past_rules, (recorded_at, state.rules_version, state.rules))
    state.rules = convert(content["rules"], Rules)
    state.rules_version = content["version"]


def _rates_changed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    fact = content["fact"]
    # Sorted for the same reason as a waiting correction.
    table = {currency: (rate["mantissa"], rate["decimals"]) for currency, rate in sorted(fact["rates"].items())}
    version = (fact["version"], state.position + 1, recorded_at)
    state.rates = Rates(fact["version"], table, (*state.rates.versions, version))


def _roster_changed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    state.roster = rosters.changed(state.roster, content)


def _moved(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    state.status = content["to"]
    # Written late, a due move still happened when it was due: else what fell due meanwhile would never move.
    state.entered_at = content.get("due", recorded_at)
    state.moves += 1
    state.ends_at = content.get("ends_at", state.ends_at)


def _paid(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    _earned(state, content["credits"], 1)
    _booked(state, content, content["fact"]["paid_at"])
    if key in state.parked:
        # Its refunds and cancellations follow in the same transaction.
        state.parked = {order: waiting for order, waiting in state.parked.items() if order != key}


def _refunded(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    _taken(state, content)
    if content.get("parked"):
        state.unmatched_count += 1
        state.unmatched_amount += content["amount"]
        _park(state, key, content)


def _matched(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    _taken(state, content)
    state.unmatched_count -= 1
    state.unmatched_amount -= content["parked_amount"]


def _cancelled(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    _taken(state, content)
    if content.get("parked"):
        _park(state, key, content)


def _disputed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    _taken(state, content)
    dispute = content.get("of", key)
    if not content.get("lost"):
        hosts = dict.fromkeys(share["host"] for share in content.get("shares", ()) if share["of"] == "sale")
        state.disputes = {**state.disputes, dispute: OpenDispute(content["about"], tuple(hosts))}
    if content.get("parked"):
        _park(state, key, content)


def _dispute_closed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    _taken(state, content, 1)
    dispute, order = content["of"], content["about"]
    state.disputes = {other: about for other, about in state.disputes.items() if other != dispute}
    if content.get("parked"):
        # It has taken nothing yet, and will not when its order comes.
        waiting = tuple(other for other in state.parked[order] if other != dispute)
        parked = {about: keys for about, keys in state.parked.items() if about != order}
        state.parked = {**parked, order: waiting} if waiting else parked


def _reattributed(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    _earned(state, content["taken"], -1)
    _earned(state, content["given"], 1)
    _booked(state, content, content["paid_at"])


def _released(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    accounts = state.accounts.mutate()
    for item in content["amounts"]:
        net, accrued, available = accounts.get(item["host"], NO_ACCOUNT)
        accounts[item["host"]] = net, accrued, available + item["amount"]
    state.accounts = accounts.finish()
    if content["until"] > state.released_until:
        state.released_until = content["until"]
        first = content["until"] // DAY_US
        state.held = Map({day: held for day, held in state.held.items() if day >= first})


def _available_moved(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    net, accrued, available = state.accounts.get(content["host"], NO_ACCOUNT)
    state.accounts = state.accounts.set(content["host"], (net, accrued, available + content["available"]))


def _stated(state: State, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    state.statements = {**state.statements, content["fact"]["id"]: (content["from"], content["to"])}


def _taken(state: State, content: Mapping[str, Any], sign: int = -1) -> None:
    """A refund, cancellation or dispute, or with ``sign`` 1 the end of one."""
    if "shares" not in content:
        return
    if not content.get("pending"):
        _earned(state, [share for share in content["shares"] if share["of"] == "sale"], sign)
    _booked(state, content, content["paid_at"])


def _earned(state: State, parts: Sequence[Mapping[str, Any]], sign: int) -> None:
    accounts = state.accounts
    for part in parts:
        host, amount = part["host"], part["amount"]
        if amount and host != HOUSE:
            net, accrued, available = accounts.get(host, NO_ACCOUNT)
            accounts = accounts.set(host, (net + sign * amount, accrued, available))
    state.accounts = accounts


def _booked(state: State, content: Mapping[str, Any], paid_at: int) -> None:
    if "commission" not in content:
        return
    is_released = content.get("released", False)
    day = paid_at // DAY_US
    for change in content["commission"]:
        host, amount = change["host"], change["amount"]
        net, accrued, available = state.accounts.get(host, NO_ACCOUNT)
        if is_released:
            available += amount
        else:
            of_day = state.held.get(day, Map())
            state.held = state.held.set(day, of_day.set(host, of_day.get(host, 0) + amount))
        state.accounts = state.accounts.set(host, (net, accrued + amount, available))


def _park(state: State, key: str, content: Mapping[str, Any]) -> None:
    order = content.get("about")
    if not order:
        state.orderless = (*state.orderless, key)[:OPEN_ITEMS_MAX]
    else:
        state.parked = {**state.parked, order: (*state.parked.get(order, ()), key)}


_FOLDS: Mapping[str, Callable[[State, str, int, Mapping[str, Any]], None]] = {
    "event.created": _created,
    "rules.changed": _rules_changed,
    "rates.changed": _rates_changed,
    "roster.changed": _roster_changed,
    "event.moved": _moved,
    **on_air.FOLDS,
    **audience.FOLDS,
    "order.paid": _paid,
    "order.refunded": _refunded,
    "refund.matched": _matched,
    "order.cancelled": _cancelled,
    "order.disputed": _disputed,
    "dispute.closed": _dispute_closed,
    **asked.FOLDS,
    "order.reattributed": _reattributed,
    "commission.released": _released,
    "payout.made": _available_moved,
    "payout.failed": _available_moved,
    "adjustment.made": _available_moved,
    "statement.closed": _stated,
}
