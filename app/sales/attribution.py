"""Who earned an order: the declared precedence over what each line brings, and the receipt that says why. Pure.

A line brings a host, a code, a click or a session of its own, else the order's, and the sessions that had its product
pinned. The first of them in the rules' precedence that leads to somebody wins the line. House stands for "nobody": its
credits make totals tie out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from app.errors import Invalid
from app.sales.facts import line_amounts
from app.sales.money import split
from app.sales.nobody import HOUSE, NO_TEAM

# Every refund of the order goes through all its credits again, and they all stand in one entry.
CREDITS_MAX = 4_000
# Of the sessions that had a product pinned, so many of the latest are candidates.
PINS_MAX = 5
# Who sold is known for these; the others say only who was on air.
DIRECT = frozenset({"host", "code", "click"})
INDIRECT = frozenset({"session", "pin"})

_DAY_US = 86_400_000_000
# What an order or a line may say of who sold it.
SAID = ("host", "code", "click", "session")
# A line with none of these has the order's touches, and no more than its product's pins besides.
_OF_A_LINE = frozenset({*SAID, "carted_at"})
# What else in an order may have a say beside its host, or beside its code.
_AMBIGUOUS = {
    "host": frozenset({"code", "click", "session", "buyer"}),
    "code": frozenset({"click", "session", "buyer"}),
}

Sellers = Sequence[tuple[str, int]]
Touches = Mapping[str, Mapping[str, Any]]
Candidates = list[dict[str, Any]]
# A session that had the product pinned, and since when.
Pinned = tuple[str, int]


class Terms(Protocol):
    """The rules of attribution; implemented by ``app.challenge.rules.Attribution``."""

    @property
    def precedence(self) -> Sequence[str]: ...

    @property
    def click_days(self) -> int: ...

    @property
    def cart_days(self) -> int: ...

    @property
    def split(self) -> str: ...

    @property
    def self_purchase(self) -> str: ...

    @property
    def staff_purchase(self) -> str: ...

    @property
    def store_bps(self) -> int: ...


class Standing(Protocol):
    """What attribution asks of an event's state; implemented by ``app.state.State``."""

    def has_host(self, host: str) -> bool: ...

    def host_of_code(self, code: str) -> str | None: ...

    def team_of(self, host: str, at: int) -> str: ...

    def has_session(self, session: str) -> bool: ...

    def shares_in(self, session: str, at: int, split: str) -> Sellers: ...

    @property
    def products_pinned(self) -> Collection[str]:
        """Those that ever were, in any session."""
        ...

    def pins_at(self, sku: str, at: int, most: int) -> Sequence[Pinned]:
        """Sessions on air that had it pinned, the latest pin first; at most so many, but all of the latest."""
        ...

    def person_of(self, host: str) -> str: ...

    def is_staff(self, person: str) -> bool: ...

    def store_of(self, host: str) -> str:
        """The host that stands for the host's store: the one with the store's id. "" if there is none, or itself."""
        ...


class Verdict(NamedTuple):
    """Who earns a line. Shape: ``sellers`` are (host, team), as many as ``weights``."""

    sellers: list[tuple[str, str]]
    weights: list[int]
    reason: str
    candidates: Candidates


def attribute(
    standing: Standing, fact: dict[str, Any], terms: Terms, touches: Touches
) -> tuple[list[dict[str, Any]], Candidates]:
    """Credits of every line, and the candidates that were considered with what became of each.

    Shape: credits ``{line, host, team, amount, units, reason}`` by line, then host; the amounts of a line sum to
    its net amount and the units to its quantity. Candidates ``{by, id, outcome}`` best first, with ``line`` if the
    lines brought different ones; outcome is ``won``, ``outranked`` or why it could not win. ``touches`` are the
    clicks that are known, by id: ``{host, at}``, or ``{outcome}`` for one that cannot count.
    Errors: Invalid ``unknown_host``, ``unknown_session``: the order names something that is not there;
    ``too_many_credits``.
    """
    plain = _plain(standing, fact, terms)
    if plain is not None:
        return plain
    verdicts = _Case(standing, fact, terms, touches).verdicts()
    _check_count(verdicts)
    credits: list[dict[str, Any]] = []
    # Quantities repeat, and co-hosts divide each of them once (measured: a fifth of an order of two co-hosts).
    pieces: dict[tuple[int, int], list[int]] = {}
    for (sellers, weights, reason, _), line, (net, _) in zip(verdicts, fact["lines"], line_amounts(fact), strict=True):
        identity, quantity = line["id"], line["quantity"]
        if len(sellers) == 1:
            # One host earns the line whole, which is nearly every order: nothing to split.
            host, team = sellers[0]
            credits.append(
                {"line": identity, "host": host, "team": team, "amount": net, "units": quantity, "reason": reason}
            )
            continue
        key = (id(weights), quantity)
        parts = pieces.get(key) or pieces.setdefault(key, split(quantity, weights))
        for (host, team), amount, units in zip(sellers, split(net, weights), parts, strict=True):
            credits.append(
                {"line": identity, "host": host, "team": team, "amount": amount, "units": units, "reason": reason}
            )
    return credits, _receipt(fact, verdicts)


def _plain(standing: Standing, fact: dict[str, Any], terms: Terms) -> tuple[list[dict[str, Any]], Candidates] | None:
    """What nearly every order is: a host or a code that leads to one, and nothing else to look at. None for others.

    The same as by the long way, in half of its time.
    """
    by = "host" if "host" in fact else "code"
    lines = fact["lines"]
    if (
        by not in fact
        or by not in terms.precedence
        or terms.store_bps
        or standing.products_pinned
        or not _AMBIGUOUS[by].isdisjoint(fact)
        or not all(map(_OF_A_LINE.isdisjoint, lines))
    ):
        return None
    named = fact[by]
    host = standing.host_of_code(named) if by == "code" else named
    if not host or not standing.has_host(host) or len(lines) > CREDITS_MAX:
        return None
    team = standing.team_of(host, fact["paid_at"])
    credits = [
        {"line": line["id"], "host": host, "team": team, "amount": net, "units": line["quantity"], "reason": by}
        for line, (net, _) in zip(lines, line_amounts(fact), strict=True)
    ]
    return credits, [{"by": by, "id": named, "outcome": "won"}]


def _check_count(verdicts: list[Verdict]) -> None:
    count = sum([len(verdict[0]) for verdict in verdicts])
    if count > CREDITS_MAX:
        raise Invalid(
            "too_many_credits",
            f"An order has at most {CREDITS_MAX} credits, one for each line and host; this one has {count}. "
            "Split the order.",
            "lines",
        )


def _receipt(fact: dict[str, Any], verdicts: list[Verdict]) -> Candidates:
    """Candidates once if they are the same for all lines, else line by line."""
    first = verdicts[0]
    alike = verdicts.count(first) == len(verdicts)
    if alike or all(verdict.candidates == first.candidates for verdict in verdicts):
        return first.candidates
    return [
        {"line": line["id"], **candidate}
        for line, verdict in zip(fact["lines"], verdicts, strict=True)
        for candidate in verdict.candidates
    ]


def with_stores(standing: Standing, winners: Sellers, store_bps: int) -> Sellers:
    """Who won a line, and the stores of those who have one, which get ``store_bps`` of what their hosts would.

    Shape: the winners themselves if none has a store; else by id, without those to whom nothing is left.
    """
    stores = {host: standing.store_of(host) for host, _ in winners}
    if not any(stores.values()):
        return winners
    weights: dict[str, int] = {}
    for host, weight in winners:
        part = store_bps if stores[host] else 0
        for seller, share in ((host, 10_000 - part), (stores[host], part)):
            weights[seller] = weights.get(seller, 0) + weight * share
    return sorted((seller, weight) for seller, weight in weights.items() if weight)


class _Case:
    """One order before the rules. Lines that bring the same are decided once."""

    def __init__(self, standing: Standing, fact: dict[str, Any], terms: Terms, touches: Touches) -> None:
        self._standing = standing
        self._fact = fact
        self._terms = terms
        self._touches = touches
        self._paid_at: int = fact["paid_at"]
        self._said = {by: fact[by] for by in SAID if by in fact}
        self._check(self._said, "")
        self._pinned_ever: Collection[str] = standing.products_pinned if "pin" in terms.precedence else ()
        self._decided: dict[tuple[Any, ...], Verdict] = {}

    def verdicts(self) -> list[Verdict]:
        """Who earns each line."""
        lines, pinned = self._fact["lines"], self._pinned_ever
        # Nearly every order is decided once for all of its lines (measured: half the time of going through them).
        if all(map(_OF_A_LINE.isdisjoint, lines)) and not (pinned and any(line.get("sku") in pinned for line in lines)):
            return [self._verdict(self._said, (), self._paid_at)] * len(lines)
        return [self._of_line(number, line) for number, line in enumerate(lines)]

    def _of_line(self, number: int, line: dict[str, Any]) -> Verdict:
        is_pinned = line.get("sku") in self._pinned_ever
        own = {by: line[by] for by in SAID if by in line}
        self._check(own, f"lines[{number}].")
        pins, at = self._pins(line) if is_pinned else ((), self._paid_at)
        said = {**self._said, **own}
        key = (*said.items(), at, *pins)
        if key not in self._decided:
            self._decided[key] = self._verdict(said, pins, at)
        return self._decided[key]

    def _check(self, said: Mapping[str, str], where: str) -> None:
        """Refuse what cannot be: a host or session that is not there, whether it would win or not."""
        if "host" in said and not self._standing.has_host(said["host"]):
            raise Invalid(
                "unknown_host", f"The roster has no host {said['host']!r}; add it or correct the order.", f"{where}host"
            )
        if "session" in said and not self._standing.has_session(said["session"]):
            raise Invalid(
                "unknown_session",
                f"The event has no session {said['session']!r}; start it or correct the order.",
                f"{where}session",
            )

    def _pins(self, line: dict[str, Any]) -> tuple[Sequence[Pinned], int]:
        """Who had the product pinned when it was put into the cart, else when it was paid; and which time that is."""
        carted_at = line.get("carted_at", self._paid_at)
        if self._paid_at - carted_at <= self._terms.cart_days * _DAY_US and carted_at < self._paid_at:
            pins = self._standing.pins_at(line["sku"], carted_at, PINS_MAX)
            if pins:
                return pins, carted_at
        return self._standing.pins_at(line["sku"], self._paid_at, PINS_MAX), self._paid_at

    def _verdict(self, said: Mapping[str, str], pins: Sequence[Pinned], pinned_at: int) -> Verdict:
        candidates: Candidates = []
        winners: Sellers = ()
        reason = failure = ""
        winner: dict[str, Any] = {}
        precedence = self._terms.precedence
        brought: Iterable[str] = said
        # Most orders say one thing and no more (measured: a third of the time that it takes to decide them).
        if len(said) != 1 or pins:
            ranked = [by for by in precedence if by in said or (pins and by == "pin")]
            brought = (*ranked, *[by for by in said if by not in precedence])
        for by in brought:
            for candidate, sellers in self._brought(by, said, pins, pinned_at):
                if by not in precedence:
                    candidate["outcome"] = "not_counted"
                elif sellers and winners:
                    candidate["outcome"] = "outranked"
                elif sellers:
                    candidate["outcome"] = "won"
                    winners, reason, winner = sellers, by, candidate
                if candidate["outcome"] != "earlier_pin":
                    failure = candidate["outcome"]
                candidates.append(candidate)
        if winners and (excluded := self._excluded(winners)):
            winner["outcome"] = failure = excluded
            winners = ()
        if not winners:
            # The last candidate that could not win says best why nobody did.
            return Verdict([(HOUSE, NO_TEAM)], [1], failure or "unattributed", candidates)
        if self._terms.split == "air_time" and reason in INDIRECT:
            winner["shares"] = dict(winners)
        if self._terms.store_bps and (shared := with_stores(self._standing, winners, self._terms.store_bps)) != winners:
            winner["store_bps"], winners = self._terms.store_bps, shared
        team_of, at = self._standing.team_of, self._paid_at
        if len(winners) == 1:
            host = winners[0][0]
            return Verdict([(host, team_of(host, at))], [1], reason, candidates)
        sellers_in_teams = [(host, team_of(host, at)) for host, _ in winners]
        return Verdict(sellers_in_teams, [weight for _, weight in winners], reason, candidates)

    def _brought(
        self, by: str, said: Mapping[str, str], pins: Sequence[Pinned], pinned_at: int
    ) -> list[tuple[dict[str, Any], Sellers]]:
        """What a line brings of one sort: candidates, each with its weighted hosts or its ``outcome``."""
        if by == "pin":
            return self._pinned(pins, pinned_at)
        name = said[by]
        candidate: dict[str, Any] = {"by": by, "id": name}
        if by == "host":
            return [(candidate, [(name, 1)])]
        if by == "code":
            owner = self._standing.host_of_code(name)
            return [(candidate, [(owner, 1)]) if owner else (candidate | {"outcome": "unknown_code"}, ())]
        if by == "click":
            return [self._clicked(candidate)]
        return [(candidate, self._standing.shares_in(name, self._paid_at, self._terms.split))]

    def _clicked(self, candidate: dict[str, Any]) -> tuple[dict[str, Any], Sellers]:
        touch = self._touches.get(candidate["id"], {})
        if "host" not in touch:
            return candidate | {"outcome": touch.get("outcome", "unknown_click")}, ()
        host, at = touch["host"], touch["at"]
        candidate |= {"host": host, "at": at}
        if not self._standing.has_host(host):
            return candidate | {"outcome": "unknown_host"}, ()
        if at > self._paid_at:
            return candidate | {"outcome": "click_after_paid"}, ()
        if self._paid_at - at > self._terms.click_days * _DAY_US:
            return candidate | {"outcome": "expired_click"}, ()
        return candidate, [(host, 1)]

    def _pinned(self, pins: Sequence[Pinned], at: int) -> list[tuple[dict[str, Any], Sellers]]:
        """The latest pin sells; two that are as late sell nothing, and earlier ones neither."""
        found: list[tuple[dict[str, Any], Sellers]] = []
        latest = [since for _, since in pins].count(pins[0][1]) if pins else 0
        for place, (session, since) in enumerate(pins):
            candidate: dict[str, Any] = {"by": "pin", "id": session, "at": since}
            if at != self._paid_at:
                candidate["carted_at"] = at
            if latest == 1 and place == 0:
                found.append((candidate, self._standing.shares_in(session, at, self._terms.split)))
            else:
                found.append((candidate | {"outcome": "ambiguous" if place < latest else "earlier_pin"}, ()))
        return found

    def _excluded(self, winners: Sellers) -> str:
        """Why the winners get nothing although they won: the buyer is one of them, or a host of the event."""
        buyer = self._fact.get("buyer", "")
        if not buyer:
            return ""
        terms, standing = self._terms, self._standing
        if terms.self_purchase == "exclude" and any(standing.person_of(host) == buyer for host, _ in winners):
            return "self_purchase"
        if terms.staff_purchase == "exclude" and standing.is_staff(buyer):
            return "staff_purchase"
        return ""
