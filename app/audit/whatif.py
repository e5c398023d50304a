"""What an event would be under other rules: every fact decided again, ranks and pay compared, nothing written.

What does not hang on rules (roster, sessions, moves) is folded as it was; money is decided anew, in the order and at
the times in which it came. Whatever the other rules refuse is counted and named. Payouts and statements stay out of
it: they were made under the rules that held.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.audit import PAGE
from app.audit.kinds import KINDS, Uses
from app.audit.preview import ROWS_MAX
from app.challenge.rules import Rules, document, parse_rules
from app.challenge.scores import EVENT, NET, Scoreboard, Totals
from app.decide import decide
from app.errors import AppError, NotFound
from app.journal.drafts import Draft
from app.journal.entry import Entry
from app.journal.store import SnapshotReader, Store
from app.sales.money import format_amount
from app.state import State

REFUSED_LISTED_MAX = 20
# Entries decided between two looks at everything else that the process does.
_SLICE = 50

_MONEY = frozenset(
    {"order.paid", "order.refunded", "order.cancelled", "order.disputed", "dispute.closed"}
    | {"correction.opened", "correction.closed"}
)
# What follows from money is decided with it; what was settled is not asked.
_LEFT_OUT = frozenset(
    {"refund.matched", "order.reattributed", "adjustment.made", "claim.opened", "claim.closed"}
    | {"commission.released", "payout.made", "payout.failed", "statement.closed"}
)


@dataclass(slots=True)
class Change:
    """A host or team before and under the other rules. Units: minor units; ranks from 1, None without a row."""

    id: str
    net_sales: tuple[int, int]
    rank: tuple[int | None, int | None]
    commission: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class WhatIf:
    """``refused`` are the first facts that the other rules refuse, with code and reason, of ``refused_count``."""

    position: int = 0
    currency: str = ""
    exponent: int = 0
    facts: int = 0
    refused_count: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    hosts: list[Change] = field(default_factory=list)
    teams: list[Change] = field(default_factory=list)


async def what_if(
    store: Store, event: str, given: Mapping[str, Any], advance: Callable[[int], None] = lambda count: None
) -> WhatIf:
    """Decide an event again with these rules on top of all that it declared. ``advance`` hears of entries, each twice.

    Errors: NotFound ``event_unknown``; Invalid for rules that cannot be; Unavailable.
    """
    async with store.snapshot(event) as reader:
        uses = Uses()
        async for page in _pages(reader, advance):
            for entry in page:
                uses.hear(entry.kind, entry.position, msgspec.Raw(entry.body))
        again = _Again(event, given, uses)
        async for page in _pages(reader, advance):
            for number, entry in enumerate(page):
                again.take(entry)
                if number % _SLICE == 0:
                    await asyncio.sleep(0)
    if not again.was.position:
        raise NotFound("event_unknown", f"There is no event {event[:80]!r}.")
    return again.result()


async def _pages(reader: SnapshotReader, advance: Callable[[int], None]) -> Any:
    after = 0
    while page := await reader.read(after, PAGE):
        yield page
        advance(len(page))
        after = page[-1].position


class _Kept:
    """What was decided about orders that something still comes for."""

    def __init__(self, uses: Uses) -> None:
        self._last = uses.last
        self._kept: dict[str, list[Entry]] = {}

    def by_key(self, key: str) -> Entry | None:
        """A fact of a journal is no repeat."""
        return None

    def of_order(self, order: str) -> Sequence[Entry]:
        return self._kept.get(order, ())

    def keep(self, entry: Entry) -> None:
        order = entry.about or entry.key
        if order in self._last:
            self._kept.setdefault(order, []).append(entry)

    def passed(self, position: int, orders: Iterable[str]) -> None:
        for order in orders:
            if self._last.get(order, 0) <= position:
                self._kept.pop(order, None)


class _Again:
    def __init__(self, event: str, given: Mapping[str, Any], uses: Uses) -> None:
        self.was, self.now = State(event), State(event)
        self._given = dict(given)
        self._kept = _Kept(uses)
        self._found = WhatIf()
        self._was_scores = self._now_scores = Scoreboard(Totals("UTC"))

    def take(self, entry: Entry) -> None:
        """One entry as it was, and what the other rules make of it."""
        content = entry.content
        if entry.kind == "event.created":
            self._was_scores, self._now_scores = (Scoreboard(Totals(content["timezone"])) for _ in range(2))
        self.was.apply(entry.position, entry.kind, entry.key, entry.recorded_at, content)
        self._was_scores.apply(entry.position, entry.kind, entry.recorded_at, content)
        if entry.kind in _MONEY:
            self._decide(entry)
        elif entry.kind not in _LEFT_OUT:
            if entry.kind in ("event.created", "rules.changed"):
                content = {**content, "rules": self._ruled(content["rules"])}
            self._fold(entry, entry.kind, entry.key, content)

    def _ruled(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        return document(parse_rules(self._given, self.was.exponent, msgspec.convert(declared, Rules)))

    def _decide(self, entry: Entry) -> None:
        kind = KINDS[entry.kind]
        # What waited for its order is decided with the order.
        if kind.fact is None or ("of" in entry.content and entry.kind != "dispute.closed"):
            return
        fact = kind.fact(self.now, [entry])
        self._found.facts += 1
        try:
            drafts: Sequence[Draft] = decide(self.now, fact, entry.recorded_at, self._kept).drafts
        except AppError as refusal:
            self._found.refused_count += 1
            if len(self._found.refused) < REFUSED_LISTED_MAX:
                self._found.refused.append({"key": entry.key, "code": refusal.code, "detail": refusal.detail})
            return
        for draft in drafts:
            if draft.kind != "adjustment.made":
                self._fold(entry, draft.kind, draft.key, draft.content, draft.occurred_at)
        self._kept.passed(entry.position, [entry.about or entry.key])

    def _fold(self, entry: Entry, kind: str, key: str, content: dict[str, Any], occurred_at: int | None = None) -> None:
        position = self.now.position + 1
        self.now.apply(position, kind, key, entry.recorded_at, content)
        self._now_scores.apply(position, kind, entry.recorded_at, content)
        at = entry.recorded_at if occurred_at is None else occurred_at
        self._kept.keep(
            Entry(entry.event, position, kind, key, at, entry.recorded_at, entry.actor, b"", b"", b"", content)
        )

    def result(self) -> WhatIf:
        found = self._found
        found.position, found.currency, found.exponent = self.was.position, self.was.currency, self.was.exponent
        for of, changes in (("host", found.hosts), ("team", found.teams)):
            changes += self._changes(of)
        return found

    def _changes(self, of: str) -> list[Change]:
        """Who would stand elsewhere or be paid another amount, in the order of the ranks under the other rules."""
        ranks = [_ranks(self._was_scores, self.was, of), _ranks(self._now_scores, self.now, of)]
        changes = []
        for identity in list(ranks[1]) + [each for each in ranks[0] if each not in ranks[1]]:
            change = Change(
                identity,
                (_net(self._was_scores, of, identity), _net(self._now_scores, of, identity)),
                (ranks[0].get(identity), ranks[1].get(identity)),
            )
            if of == "host":
                change.commission = (self.was.accrued(identity), self.now.accrued(identity))
            if any(first != second for first, second in (change.net_sales, change.rank, change.commission)):
                changes.append(change)
        return changes[:ROWS_MAX]


def _ranks(scores: Scoreboard, state: State, of: str) -> dict[str, int]:
    """Rank by id, best first, on the board of net sales over the event."""
    shared = state.rules.ranks == "shared"
    ranking = scores.ranking(EVENT, of, NET, shared)
    assert ranking is not None
    keys = enumerate(ranking.keys())
    return {identity: (ranking.shared_index(index) if shared else index) + 1 for index, (_, _, identity) in keys}


def _net(scores: Scoreboard, of: str, identity: str) -> int:
    window = scores.totals.windows[EVENT]
    tally = (window.hosts if of == "host" else window.teams).get(identity)
    return tally[NET] if tally else 0


def result_document(event: str, found: WhatIf) -> dict[str, Any]:
    """What the API and ``--json`` answer."""

    def amounts(pair: tuple[int, int]) -> dict[str, str]:
        before, after = (format_amount(minor, found.exponent) for minor in pair)
        return {"before": before, "after": after}

    def row(change: Change, with_pay: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": change.id, "net_sales": amounts(change.net_sales)}
        shown["rank"] = {"before": change.rank[0], "after": change.rank[1]}
        return shown | ({"commission": amounts(change.commission)} if with_pay else {})

    return {
        "event": event,
        "position": found.position,
        "currency": found.currency,
        "facts": found.facts,
        "refused": found.refused_count,
        "refusals": found.refused,
        "hosts": [row(change, True) for change in found.hosts],
        "teams": [row(change, False) for change in found.teams],
    }
