"""From facts to a batch of entries: decided in turn on a layer of the state, chained, with postings. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from app.errors import AppError
from app.journal.drafts import Decision, Draft, Fact, Lookup
from app.journal.entry import Entry, entry_hash, fast_canonical_bytes
from app.journal.store import Head, Posting

# Entries of one moment are a microsecond apart, so a burst runs ahead of the clock; by more only if that was set back.
_AHEAD_US_MAX = 1_000_000


class DecidingState(Protocol):
    """What the writer asks of the state that the rules decide from."""

    position: int
    recorded_at: int
    currency: str

    def layer(self) -> "DecidingState": ...

    def apply(self, position: int, kind: str, key: str, recorded_at: int, content: dict[str, Any]) -> None: ...


class Rules(Protocol):
    """The pure rules, handed in by ``main``: ``app.decide`` and ``app.sales.postings``."""

    def decide(self, state: Any, fact: Fact, now: int, lookup: Lookup) -> Decision: ...

    def due(self, state: Any, now: int) -> Draft | None: ...

    def orders_needed(self, state: Any, fact: Fact) -> Sequence[str]: ...

    def postings_of(self, kind: str, content: dict[str, Any]) -> list[tuple[str, int]]: ...


class Accepted(NamedTuple):
    """Entries that a fact led to, none if it changed nothing; ``replayed`` if they were there before."""

    entries: list[Entry]
    replayed: bool


Outcome = Accepted | AppError


class FactFailed(Exception):
    """A rule met a bug of ours while it decided one of the facts; nothing was written."""


@dataclass(slots=True)
class Plan:
    """A decided batch, ready to append. ``layer`` is the state after it."""

    entries: list[Entry]
    postings: list[Posting]
    outcomes: list[Outcome]
    layer: DecidingState


class Known:
    """Entries that a decision may ask for: those looked up before, and those of the batch under way."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._by_key: dict[str, Entry] = {}
        self._about: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        self._by_key[entry.key] = entry
        if entry.about is not None:
            self._about[entry.about].append(entry)

    def by_key(self, key: str) -> Entry | None:
        return self._by_key.get(key)

    def of_order(self, order: str) -> Sequence[Entry]:
        own = self._by_key.get(order)
        about = self._about.get(order, [])
        return sorted([own, *about], key=lambda entry: entry.position) if own else about


def plan_batch(rules: Rules, head: Head, layer: DecidingState, facts: Sequence[Fact], now: int, known: Known) -> Plan:
    """Decide facts one after the other, each on the state that the ones before it left. Pure but for ``layer``.

    Errors: FactFailed for what is not a refusal; ``layer`` is then of no use.
    """
    plan = Plan([], [], [], layer)
    prev_hash = head.hash

    def append(draft: Draft, actor: str) -> Entry:
        nonlocal prev_hash
        position = layer.position + 1
        recorded_at = max(now, layer.recorded_at + 1)
        body = fast_canonical_bytes(draft.content)
        occurred_at = recorded_at if draft.occurred_at is None else draft.occurred_at
        actor = draft.actor or actor
        hashed = entry_hash(
            head.event, position, draft.kind, draft.key, occurred_at, recorded_at, actor, body, prev_hash
        )
        entry = Entry(
            head.event,
            position,
            draft.kind,
            draft.key,
            occurred_at,
            recorded_at,
            actor,
            body,
            prev_hash,
            hashed,
            draft.content,
        )
        layer.apply(position, draft.kind, draft.key, recorded_at, draft.content)
        for leg, (account, amount) in enumerate(rules.postings_of(draft.kind, draft.content), 1):
            plan.postings.append(Posting(head.event, position, leg, account, layer.currency, amount))
        known.add(entry)
        plan.entries.append(entry)
        prev_hash = hashed
        return entry

    while (due := rules.due(layer, _journal_time(layer, now))) is not None:
        append(due, due.actor)
    for fact in facts:
        try:
            decision = rules.decide(layer, fact, _journal_time(layer, now), known)
        except AppError as refusal:
            plan.outcomes.append(refusal)
            continue
        except Exception as error:
            raise FactFailed from error
        if decision.first is not None:
            plan.outcomes.append(Accepted([decision.first], True))
            continue
        try:
            plan.outcomes.append(Accepted([append(draft, fact.actor) for draft in decision.drafts], False))
        except Exception as error:
            raise FactFailed from error
    return plan


def _journal_time(layer: DecidingState, now: int) -> int:
    """What the time is for a decision: never before what the journal has seen, should the clock have been set back."""
    return layer.recorded_at if layer.recorded_at - now > _AHEAD_US_MAX else now
