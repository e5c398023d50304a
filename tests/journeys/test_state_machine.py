"""Any history on SQLite and on PostgreSQL at once, with one clock: the same journal hash for hash, and every invariant.

Each side is two processes on one database that do not hear of each other until they write, so races are lost and
healed all the time; either may be started anew, with or without its stored states. A third run in memory says what
both must be. ``KOS_TEST_SEED`` repeats a run.
"""

import asyncio
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from app.audit.verify import verify
from app.errors import AppError
from app.events import Events, load, stored_state
from app.journal.drafts import Fact
from app.journal.entry import content_digest, content_hash
from app.journal.migrate import upgrade
from app.journal.open import open_store
from app.journal.plan import Outcome
from app.journal.store import Store
from app.main import RULES
from app.sales.facts import Order, Refund
from app.settings import Settings
from tests import foreign, histories, invariants
from tests.book import (
    BRAND,
    DAY,
    HOUR,
    START,
    Book,
    cancellation_said,
    claim_end_said,
    correction_end_said,
    correction_said,
    dispute_said,
    event_said,
    move_said,
    order_said,
    outcome_said,
    refund_said,
    roster_said,
    session_said,
)
from tests.live import Clock
from tests.servers import LONG, Postgres

RUNS, STEPS = (250, 60) if LONG else (20, 30)
ORDERS = st.lists(histories.orders(), min_size=2, max_size=5)
MOVES = ("scheduled", "live", "paused", "live", "ended", "final")
PROCESS = st.integers(0, 1)
# Of claims; "": withdrawn by who made it, or not answered at once.
OUTCOMES = ("accepted", "accepted", "rejected", "")
RECENT = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 5, -1, -2))
SESSIONS = st.builds(
    lambda number, host: session_said(f"s{number}", {host: number, "bo": 2}),
    st.integers(1, 4),
    st.sampled_from(("ann", "cy", "eve")),
)
SESSIONS_ENDED = st.builds(
    lambda number, hours: Fact(
        "session.ended", f"session:s{number}:ended", {"id": f"s{number}", "ended_at": START + hours * HOUR}, "key:ops"
    ),
    st.integers(1, 4),
    st.integers(-1, 3),
)
names = count(1)


@dataclass
class Process:
    """One process of one database; it follows nobody and stores its state every few entries."""

    url: str
    clock: Clock
    store: Store = field(init=False)
    events: Events = field(init=False)

    def start(self) -> None:
        self.store = open_store(self.url, self.clock, wait_seconds_max=5)
        settings = Settings(state_entries=7, tail_interval_ms=3_600_000, batch_facts_max=100)
        self.events = Events(self.store, RULES, settings)

    async def stop(self) -> None:
        await self.events.close()
        await self.store.close()


def told(outcomes: Sequence[Outcome]) -> list[tuple[Any, ...]]:
    """What callers are told: refused and why, or the entries by hash and whether they were there."""
    return [
        (outcome.code, outcome.field)
        if isinstance(outcome, AppError)
        else (outcome.replayed, *(entry.hash for entry in outcome.entries))
        for outcome in outcomes
    ]


class Histories(RuleBasedStateMachine):
    """Both databases under the same calls."""

    urls: Sequence[str] = ()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock(START + 4 * DAY)
        self.sides = [[Process(url, self.clock) for _ in range(2)] for url in self.urls]
        for process in self.processes():
            process.start()
        self.name = f"machine-{next(names)}"
        self.said: list[Fact] = []
        self.steps = self.sold = self.returned = self.corrected = self.settled = self.claimed = 0

    def processes(self) -> list[Process]:
        return [process for side in self.sides for process in side]

    @initialize(status=st.sampled_from(("live",) * 6 + ("scheduled", "draft")), early=st.booleans(), given=ORDERS)
    def begin(self, status: str, early: bool, given: list[Order]) -> None:
        if early and status != "live":
            self.clock.now = START - 2 * HOUR
        self.book = Book("draft", (), self.clock.now, self.name)
        self.runner.run(self.create())
        self.tell(0, [roster_said(), *histories.sessions_said()])
        for to in ("scheduled", "live")[: ("draft", "scheduled", "live").index(status)]:
            self.tell(0, [move_said(to)])
        self.sell(0, given)

    async def create(self) -> None:
        for side in self.sides:
            await side[0].events.create(event_said(), self.name, BRAND)

    def tell(self, process: int, said: Sequence[Fact]) -> list[Outcome]:
        """Say this to one process of each side, and in memory: one answer. What is refused leaves no trace, no byte."""
        self.book.now = self.clock.now
        known = len(self.book.entries)
        expected = self.book.batch(said)
        # A move that was due comes with it.
        new = {entry.actor for entry in self.book.entries[known:]}
        is_refused = all(isinstance(outcome, AppError) for outcome in expected) and new != {"schedule"}
        assert not (is_refused and new)
        for side in self.sides:
            before = self.runner.run(invariants.stored(side[process].store, self.name)) if is_refused else None
            answers = self.runner.run(self.submit(side[process], said))
            assert told(answers) == told(expected), side[process].url
            if is_refused:
                assert self.runner.run(invariants.stored(side[process].store, self.name)) == before
        self.said += said
        return expected

    async def submit(self, process: Process, said: Sequence[Fact]) -> list[Outcome]:
        return await (await process.events.open(self.name)).submit(said)

    @rule(process=PROCESS, given=ORDERS)
    def sell(self, process: int, given: list[Order]) -> None:
        said = []
        for order in given:
            self.sold += 1
            said.append(order_said(replace(order, id=f"n{self.sold}")))
        self.tell(process, said)

    @precondition(lambda self: self.sold)
    @rule(process=PROCESS, given=st.lists(st.tuples(histories.refunds(), RECENT), min_size=2, max_size=4))
    def give_back(self, process: int, given: list[tuple[Refund, int]]) -> None:
        said = []
        for refund, recent in given:
            self.returned += 1
            order = self.recent(recent) if refund.order else ""
            said.append(refund_said(replace(refund, id=f"n{self.returned}", order=order)))
        self.tell(process, said)

    @precondition(lambda self: self.sold)
    @rule(process=PROCESS, recent=RECENT, own_id=st.sampled_from(("", "c1", "c2")))
    def cancel(self, process: int, recent: int, own_id: str) -> None:
        self.tell(process, [cancellation_said(self.recent(recent), own_id and f"{own_id}-{self.recent(recent)}")])

    @precondition(lambda self: self.sold)
    @rule(process=PROCESS, recent=RECENT, amount=st.integers(1, 4_000), won=st.sampled_from(("won", "lost", "")))
    def dispute(self, process: int, recent: int, amount: int, won: Literal["won", "lost", ""]) -> None:
        order = self.recent(recent)
        said = [dispute_said(f"d-{order}", order, histories.pounds(amount))]
        self.tell(process, said + ([outcome_said(won, f"d-{order}")] if won else []))

    @rule(process=PROCESS, data=st.data(), approved=st.sampled_from(("approved", "withdrawn", "")))
    def correct(self, process: int, data: st.DataObject, approved: str) -> None:
        self.corrected += 1
        orders = RECENT.map(self.recent)
        self.tell(process, [data.draw(histories.corrections(self.corrected, orders))])
        if approved and (open_ones := sorted(self.book.state.corrections)):
            self.tell(1 - process, [correction_end_said(approved, data.draw(st.sampled_from(open_ones)))])

    @rule(process=PROCESS, data=st.data())
    def settle(self, process: int, data: st.DataObject) -> None:
        self.settled += 1
        self.tell(process, [data.draw(histories.settlements(self.settled))])

    @rule(process=PROCESS, data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def claim(self, process: int, data: st.DataObject, outcome: str) -> None:
        """A host claims an order, one that is not there, or a sale that never came; some are answered at once."""
        self.claimed += 1
        self.tell(process, [data.draw(histories.claims(self.claimed, RECENT.map(self.recent)))])
        if outcome and self.book.state.claims:
            self.answer(process, outcome, next(reversed(self.book.state.claims)))

    @precondition(lambda self: self.book.state.claims)
    @rule(process=PROCESS, data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def answer_late(self, process: int, data: st.DataObject, outcome: str) -> None:
        self.answer(process, outcome, data.draw(st.sampled_from(sorted(self.book.state.claims))))

    def answer(self, process: int, outcome: str, identity: str) -> None:
        """Upheld with the correction that gives the order to who claimed it; if that waits, the claim does, too."""
        claim, correction = self.book.state.claims[identity], ""
        ended = partial(claim_end_said, outcome or "withdrawn", identity)
        if outcome == "accepted" and claim.order:
            self.corrected += 1
            correction = f"c{self.corrected}"
            early, own = self.tell(process, [ended(correction), ended(person=claim.person)])
            assert [isinstance(one, AppError) and one.code for one in (early, own)] == [
                "correction_not_made",
                "own_claim",
            ]
            self.tell(process, [correction_said([claim.order.split(":", 2)[2]], {claim.host: 1}, correction)])
        self.tell(1 - process, [ended(correction)])

    @precondition(lambda self: self.steps > STEPS // 2 and self.book.state.claims and not self.book.state.corrections)
    @rule(process=PROCESS)
    def final_waits_for_claims(self, process: int) -> None:
        """An open claim could change the result, and no reason waives it."""
        if self.book.state.status in ("live", "paused"):
            self.tell(process, [move_said("ended")])
        if self.book.state.status == "ended":
            (refused,) = self.tell(process, [move_said("final", waive="they will not come")])

            assert isinstance(refused, AppError)
            assert (refused.code, refused.extra["count"]) == ("claims_open", len(self.book.state.claims))

    def recent(self, steps: int) -> str:
        """An order sold so many orders ago; below zero one that may be sold later."""
        return f"n{max(1, self.sold - steps)}"

    @rule(process=PROCESS, said=st.lists(histories.said() | foreign.among(), min_size=2, max_size=6))
    def many(self, process: int, said: list[Fact]) -> None:
        self.tell(process, said)

    @rule(
        process=PROCESS,
        said=histories.roster_changes() | histories.on_air() | SESSIONS | SESSIONS_ENDED | histories.rules_changed(),
    )
    def operate(self, process: int, said: Fact) -> None:
        self.tell(process, [said])

    @rule(
        process=PROCESS,
        to=st.sampled_from(("scheduled", "live", "paused", "live", "ended", "final")),
        waive=st.booleans(),
    )
    def move(self, process: int, to: str, waive: bool) -> None:
        if to == "final" and self.steps < STEPS // 2:
            to = "paused"
        self.tell(process, [move_said(to, waive="they will not come" if waive else "")])

    @precondition(lambda self: self.said)
    @rule(process=PROCESS, data=st.data())
    def repeat(self, process: int, data: st.DataObject) -> None:
        """Any earlier call again: what was accepted is a repeat and changes nothing."""
        said = data.draw(st.sampled_from(self.said))
        there = said.key in {entry.key for entry in self.book.entries}
        head = self.book.head

        (outcome,) = self.tell(process, [said])

        if said.key and there:
            assert isinstance(outcome, AppError) or outcome.replayed
            assert self.book.head == head

    @precondition(lambda self: any(fact.key and times_of(fact) for fact in self.said))
    @rule(process=PROCESS, data=st.data())
    def repeat_changed(self, process: int, data: st.DataObject) -> None:
        """An earlier call with another time: a conflict if its key is taken."""
        said = data.draw(st.sampled_from([fact for fact in self.said if fact.key and times_of(fact)]))
        when = times_of(said)[0]
        changed = Fact(said.kind, said.key, said.content | {when: said.content[when] + 1}, said.actor, said.order)
        accepted = [entry.content.get("fact") for entry in self.book.entries if entry.key == said.key]

        (outcome,) = self.tell(process, [changed])

        if accepted and accepted[0] != changed.content:
            assert isinstance(outcome, AppError)
            assert (outcome.status, outcome.code.endswith("_conflict")) == (409, True)

    @rule(hours=st.sampled_from((0, 1, 5, 30, 60)), minutes=st.integers(0, 59))
    def pass_time(self, hours: int, minutes: int) -> None:
        """Moves that fell due are made at once, as the timers of a live process do."""
        self.clock.now += hours * HOUR + minutes * HOUR // 60
        self.tell(0, [Fact("schedule", "", {}, "schedule")])

    @rule(side=PROCESS, process=PROCESS, drop_states=st.booleans())
    def restart(self, side: int, process: int, drop_states: bool) -> None:
        """A process that comes back holds what it held, and what a refold from the first entry gives."""
        self.runner.run(self.restarted(self.sides[side][process], drop_states))

    async def restarted(self, process: Process, drop_states: bool) -> None:
        await process.stop()
        process.start()
        if drop_states:
            await process.store.drop_states(self.name)
        opened = await process.events.open(self.name)
        refolded = await load(process.store, self.name, use_states=False)
        assert opened.head == refolded.head == self.book.head
        assert stored_state(opened) == stored_state(refolded)

    @invariant()
    def everything_holds(self) -> None:
        if not hasattr(self, "book"):
            return
        self.steps += 1
        invariants.money_holds(self.book)
        invariants.claims_hold(self.book)
        boards = invariants.BOARDS
        invariants.boards_hold(self.book, boards if self.steps % 10 == 0 else [boards[self.steps % len(boards)]])
        if self.steps % 10 == 0:
            self.runner.run(self.databases_hold())

    async def databases_hold(self) -> None:
        """Each process has caught up and shows the same; each database verifies; both hold the same, hash for hash."""
        stored = []
        for process in self.processes():
            opened = await process.events.open(self.name)
            await process.events.following.tail.catch_up()
            assert opened.head == self.book.head
            assert opened.state == self.book.state
            assert opened.scores["full"].totals == self.book.scores.totals
            stored.append(stored_state(opened).digest)
        assert len(set(stored)) == 1
        for side in self.sides:
            report = await verify(side[0].store, self.name)
            assert (report.findings, report.exit_code) == ([], 0)
            entries = await side[1].store.read(self.name, 0, 100_000)
            assert [entry.hash for entry in entries] == [entry.hash for entry in self.book.entries]
            assert content_digest(map(content_hash, entries)) == self.book.digest()
            assert await side[1].store.postings(self.name, 0, 100_000) == self.book.postings

    def teardown(self) -> None:
        try:
            if hasattr(self, "book"):
                self.runner.run(self.databases_hold())
                invariants.boards_hold(self.book, invariants.BOARDS)
        finally:
            # Also of a run that failed: many more follow to make it smaller, and PostgreSQL has only so many places.
            for process in self.processes():
                self.runner.run(process.stop())
            self.runner.close()


def times_of(fact: Fact) -> list[str]:
    return [name for name in fact.content if name.endswith("_at")]


@pytest.fixture
def sqlite_and_postgres(tmp_path: Path, postgres: Postgres) -> Iterator[tuple[str, str]]:
    urls = f"sqlite+aiosqlite:///{tmp_path}/kos.db", postgres.create_database(prepare=upgrade)
    upgrade(urls[0])
    yield urls
    postgres.drop_database(urls[1])


def test_any_history_gives_the_same_journal_on_both_databases_and_keeps_every_invariant(sqlite_and_postgres):
    chosen = int(os.environ.get("KOS_TEST_SEED") or random.SystemRandom().getrandbits(32))
    print(f"KOS_TEST_SEED={chosen}")

    class OnBoth(Histories):
        urls = sqlite_and_postgres

    run_state_machine_as_test(
        seed(chosen)(OnBoth),
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
