"""What a correction would change, before anything is written: amounts, and who would stand where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from app.audit import PAGE
from app.challenge.ranking import Ranking
from app.challenge.scores import EVENT, NET
from app.decide import decide, orders_needed
from app.journal.drafts import Draft, Fact
from app.journal.plan import Known
from app.journal.store import Store
from app.opened import OpenEvent
from app.sales.nobody import HOUSE

ROWS_MAX = 100


@dataclass(slots=True)
class Difference:
    """One host or team before and after. Units: minor units; ranks count from 1, None without a row."""

    id: str
    score: tuple[int, int]
    rank: tuple[int | None, int | None]


@dataclass(slots=True)
class Preview:
    """What would be written and what follows from it. ``waits`` if a second person would have to approve it.

    Shape: ``commission`` by host, the largest change first, of those whose commission changes.
    """

    orders: list[str]
    amount: int
    waits: bool
    commission: list[tuple[str, int]] = field(default_factory=list)
    hosts: list[Difference] = field(default_factory=list)
    teams: list[Difference] = field(default_factory=list)


async def preview(store: Store, event: OpenEvent, fact: Fact) -> Preview:
    """Decide a ``correction.opened`` on the state as it is now, and write nothing.

    Errors: AppError, what the correction itself would be refused with.
    """
    state = event.state.layer()
    orders = list(orders_needed(state, fact))
    known = Known(await store.lookup(event.head.event, sorted({*orders, fact.key}), sorted(orders)))
    limit, state.rules = state.rules.approval_above, replace(state.rules, approval_above=None)
    decision = decide(state, fact, state.recorded_at, known)
    drafts = [draft for draft in decision.drafts if draft.kind == "order.reattributed"]
    amount = sum(part["amount"] for draft in drafts for part in draft.content["taken"])
    found = Preview([draft.content["about"] for draft in drafts], amount, limit is not None and amount > limit)
    found.commission = _earned(drafts)
    found.hosts = _differences(event, drafts, "host")
    found.teams = _differences(event, drafts, "team")
    return found


def _differences(event: OpenEvent, drafts: list[Draft], of: str) -> list[Difference]:
    """Of the board of net sales over the event, as those see it who see all; the best ``ROWS_MAX`` that change."""
    board = event.scores["full"]
    shared = event.state.rules.ranks == "shared"
    before = board.ranking(EVENT, of, NET, shared)
    assert before is not None
    window = board.totals.windows[EVENT]
    tallies = dict(window.hosts if of == "host" else window.teams)
    for identity, amount in _moved(drafts, of).items():
        tally = list(tallies.get(identity, [0] * 8))
        tally[NET] += amount
        tally[4 + NET] = event.head.position + 1
        tallies[identity] = tally
    after = Ranking(tallies, NET, board.excluded(of), shared)
    found = []
    ranked = after.keys()
    for _, _, identity in ranked:
        was = before.index_of(identity)
        ranks = (_rank(before, was, shared), _rank(after, after.index_of(identity), shared))
        old = window.hosts.get(identity) if of == "host" else window.teams.get(identity)
        scores = (old[NET] if old else 0, tallies[identity][NET])
        if ranks[0] != ranks[1] or scores[0] != scores[1]:
            found.append(Difference(identity, scores, ranks))
    return found[:ROWS_MAX]


def _earned(drafts: list[Draft]) -> list[tuple[str, int]]:
    earned: dict[str, int] = {}
    for draft in drafts:
        for change in draft.content.get("commission", ()):
            earned[change["host"]] = earned.get(change["host"], 0) + change["amount"]
    changes = [(host, amount) for host, amount in earned.items() if amount]
    return sorted(changes, key=lambda change: (-abs(change[1]), change[0]))[:ROWS_MAX]


def _moved(drafts: list[Draft], of: str) -> Mapping[str, int]:
    moved: dict[str, int] = {}
    for draft in drafts:
        for name, sign in (("taken", -1), ("given", 1)):
            for part in draft.content[name]:
                if part["host"] != HOUSE:
                    moved[part[of]] = moved.get(part[of], 0) + sign * part["amount"]
    return {identity: amount for identity, amount in moved.items() if amount}


def _rank(ranking: Ranking, index: int | None, shared: bool) -> int | None:
    if index is None:
        return None
    return (ranking.shared_index(index) if shared else index) + 1


async def orders_like(store: Store, event: OpenEvent, wanted: Mapping[str, Any], most: int) -> list[str]:
    """Keys of the orders that have all that is wanted, in journal order, one more than ``most`` at the most.

    Shape: ``wanted`` may have ``host`` (who holds a part of it now), ``source``, ``code`` and ``session`` (of the order
    or of one of its lines), ``paid_from`` and ``paid_to`` (microseconds, half-open). Reads the journal whole.
    """
    sellers: dict[str, set[str]] = {}
    after = 0
    while page := await store.read(event.head.event, after, PAGE):
        for entry in page:
            if entry.kind == "order.paid" and _is_like(entry.content["fact"], wanted):
                sellers[entry.key] = {credit["host"] for credit in entry.content["credits"]}
            elif entry.kind == "order.reattributed" and entry.content["about"] in sellers:
                sellers[entry.content["about"]] = {seller["host"] for seller in entry.content["after"]}
        after = page[-1].position
    host = wanted.get("host")
    found = [key for key, hosts in sellers.items() if not host or host in hosts]
    return found[: most + 1]


def _is_like(fact: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if not wanted.get("paid_from", 0) <= fact["paid_at"] < wanted.get("paid_to", 1 << 62):
        return False
    if wanted.get("source") not in (None, "", fact["source"]):
        return False
    said = (fact, *fact["lines"])
    code, session = wanted.get("code", ""), wanted.get("session", "")
    if session and all(one.get("session") != session for one in said):
        return False
    # A code is the same however it is written.
    return not code or any(one.get("code", "").upper() == code.upper() for one in said)
