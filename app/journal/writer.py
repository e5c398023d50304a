"""Group commit: one writer per event decides all facts that queued up while the last commit ran, in one transaction.

What must always hold: an answer is given only after COMMIT returned; a refused fact leaves no trace and fails alone;
positions are gap-free because the head is locked, or compared, in the transaction that moves it.

The fast way takes the head as this process knows it and appends under the condition that it has not moved: one round
trip. Whenever that fails (another process wrote, a key exists, the outcome of a commit was lost) the same facts are
decided again the slow way: lock the head, read what others appended, look every key up, append, commit.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import structlog

from app import metrics
from app.errors import AppError, Internal, InvariantError, NotFound, Unavailable
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.journal.plan import Accepted, DecidingState, FactFailed, Known, Outcome, Plan, Rules, plan_batch
from app.journal.store import Head, HeadMoved, KeyTaken, OutcomeUnknown, Session, Store

log = structlog.get_logger(__name__)

# After a lost race the next batches lock first; after a repeated key they look keys up first.
_CAUTIOUS_BATCHES = 16
_ATTEMPTS_MAX = 6
_READ_PAGE = 2_000


class Journal(Protocol):
    """One event as this process knows it; implemented by ``app.events.OpenEvent``."""

    head: Head

    @property
    def state(self) -> DecidingState: ...

    def extend(self, entries: Sequence[Entry], state: Any = None) -> None:
        """Fold committed entries that follow the head; ``state`` is the layer that already holds them."""
        ...

    def give_up(self) -> None:
        """What is known here does not fit what is stored; read it anew."""
        ...


class _Group(NamedTuple):
    facts: Sequence[Fact]
    answer: "asyncio.Future[list[Outcome]]"


class Writer:
    """The one writer of an event in this process.

    Limits: ``batch_facts_max`` facts per commit, ``queue_facts_max`` waiting.
    """

    def __init__(
        self, journal: Journal, store: Store, rules: Rules, batch_facts_max: int, queue_facts_max: int
    ) -> None:
        self._journal = journal
        self._store = store
        self._rules = rules
        self._batch_facts_max = batch_facts_max
        self._queue_facts_max = queue_facts_max
        self._queue: deque[_Group] = deque()
        self._queued = 0
        self._task: asyncio.Task[None] | None = None
        self._lock_first = 0
        self._look_first = 0
        self._attempted: set[bytes] = set()

    @property
    def is_idle(self) -> bool:
        """Nothing queued and nothing under way."""
        return self._task is None and not self._queue

    def submit(self, facts: Sequence[Fact]) -> "asyncio.Future[list[Outcome]]":
        """Queue facts that are to be decided together; the future has one outcome each once they are committed.

        Errors: Unavailable ``queue_full``; the future raises Unavailable when the database cannot be reached.
        """
        if self._queued + len(facts) > self._queue_facts_max and self._queue:
            raise Unavailable("queue_full", "More is waiting for this event than its limit; send it again shortly.")
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Group(facts, answer))
        self._queued += len(facts)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())
            self._task.add_done_callback(self._drained)
        return answer

    async def close(self) -> None:
        """Wait for what is queued."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        while self._queue:
            groups = [self._queue.popleft()]
            count = len(groups[0].facts)
            while self._queue and count + len(self._queue[0].facts) <= self._batch_facts_max:
                groups.append(self._queue.popleft())
                count += len(groups[-1].facts)
            self._queued -= count
            await self._answer(groups)
        # In the same step as the last look at the queue: who comes now, before the task is done, starts another.
        self._task = None

    def _drained(self, task: "asyncio.Task[None]") -> None:
        """Nobody may wait for a writer that has died: fail all who queued behind it."""
        if self._task is not task:
            return
        self._task = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("writer_died", journal_event=self._journal.head.event, exc_info=error)
        while self._queue:
            group = self._queue.popleft()
            if not group.answer.done():
                group.answer.set_exception(Unavailable("writer_stopped", "The writer of this event has stopped."))
        self._queued = 0

    async def _answer(self, groups: Sequence[_Group]) -> None:
        facts = [fact for group in groups for fact in group.facts]
        metrics.BATCH.observe(len(facts))
        try:
            outcomes = await self._commit_without_bugs(facts)
        except BaseException as error:
            # A caller that waits must always hear; what is not an AppError is our bug and becomes a 500.
            for group in groups:
                if not group.answer.done():
                    group.answer.set_exception(
                        error if isinstance(error, Exception) else Unavailable("writer_stopped", "Stopped.")
                    )
            if not isinstance(error, AppError):
                log.error("batch_failed", journal_event=self._journal.head.event, exc_info=error)
            if not isinstance(error, Exception):
                raise
            if not isinstance(error, AppError):
                self._journal.give_up()
            return
        start = 0
        for group in groups:
            if not group.answer.done():
                group.answer.set_result(outcomes[start : start + len(group.facts)])
            start += len(group.facts)

    async def _commit_without_bugs(self, facts: Sequence[Fact]) -> list[Outcome]:
        """Commit, by halves if a rule meets a bug, until what it fails on is alone."""
        try:
            return await self._commit(facts)
        except FactFailed as failed:
            if len(facts) == 1:
                log.error("fact_failed", journal_event=self._journal.head.event, kind=facts[0].kind, exc_info=failed)
                return [Internal()]
        middle = len(facts) // 2
        first = await self._commit_without_bugs(facts[:middle])
        return first + await self._commit_without_bugs(facts[middle:])

    async def _commit(self, facts: Sequence[Fact]) -> list[Outcome]:
        self._attempted.clear()
        for attempt in range(_ATTEMPTS_MAX):
            # Held for one attempt only: there are fewer links than events, and who has waited longest is next.
            session = await self._store.session()
            try:
                if self._lock_first or attempt > 1:
                    self._lock_first = max(0, self._lock_first - 1)
                    return await self._commit_locked(session, facts)
                return await self._commit_if_unmoved(session, facts)
            except HeadMoved:
                self._lock_first = _CAUTIOUS_BATCHES
            except KeyTaken:
                self._look_first = _CAUTIOUS_BATCHES
            except OutcomeUnknown:
                # It may or may not be there: the locked way waits for it, looks, and only then decides again.
                self._lock_first += 1
            finally:
                await session.close()
        raise Unavailable("journal_contended", "Other processes kept writing into this event; send it again.")

    async def _commit_if_unmoved(self, session: Session, facts: Sequence[Fact]) -> list[Outcome]:
        head = self._journal.head
        everything = self._look_first > 0
        self._look_first = max(0, self._look_first - 1)
        plan = await self._plan_at(session, head, facts, everything)
        if not everything and any(isinstance(outcome, AppError) for outcome in plan.outcomes):
            # What would be refused by now may be the repeat of what was accepted once: its key goes first.
            plan = await self._plan_at(session, head, facts, everything=True)
        if plan.entries:
            with self._noting_what_may_be_there(plan.entries):
                await session.append_at(head, plan.entries, plan.postings)
            self._journal.extend(plan.entries, plan.layer)
        elif any(not isinstance(outcome, Accepted) or not outcome.replayed for outcome in plan.outcomes):
            # A refusal must not rest on a state that another process has moved on.
            actual = await self._store.head(head.event)
            if actual is None or actual.position != head.position:
                raise HeadMoved
        return plan.outcomes

    async def _plan_at(self, session: Session, head: Head, facts: Sequence[Fact], everything: bool) -> Plan:
        known = await self._look_up(session, facts, everything)
        if self._journal.head != head:
            raise HeadMoved
        return plan_batch(self._rules, head, self._journal.state.layer(), facts, session.now(), known)

    async def _commit_locked(self, session: Session, facts: Sequence[Fact]) -> list[Outcome]:
        locked = await session.begin(self._journal.head.event)
        if locked is None:
            raise NotFound("event_unknown", "There is no such event.")
        try:
            head, now = locked
            await self._catch_up(session, head)
            known = await self._look_up(session, facts, everything=True)
            plan = plan_batch(self._rules, head, self._journal.state.layer(), facts, now, known)
            if plan.entries:
                await session.append(plan.entries, plan.postings)
        except BaseException:
            await session.rollback()
            raise
        if not plan.entries:
            await session.rollback()
        else:
            with self._noting_what_may_be_there(plan.entries):
                await session.commit()
            self._journal.extend(plan.entries, plan.layer)
        return [self._mark_own(outcome, head) for outcome in plan.outcomes]

    @contextmanager
    def _noting_what_may_be_there(self, entries: Sequence[Entry]) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
            metrics.COMMIT.observe(time.perf_counter() - started)
        except OutcomeUnknown:
            self._attempted.update(entry.hash for entry in entries)
            raise

    def _mark_own(self, outcome: Outcome, head: Head) -> Outcome:
        """What an attempt of unknown outcome did write before ``head`` is this batch's own work, not a repeat."""
        if not isinstance(outcome, Accepted) or not outcome.replayed:
            return outcome
        first = outcome.entries[0]
        if first.position > head.position or first.hash not in self._attempted:
            return outcome
        self._attempted.discard(first.hash)  # a second one in the batch is a repeat
        return Accepted(outcome.entries, False)

    async def _catch_up(self, session: Session, head: Head) -> None:
        journal = self._journal
        while journal.head.position < head.position:
            entries = await session.read(head.event, journal.head.position, _READ_PAGE)
            if not entries:
                raise InvariantError(f"{head.event}: the head is at {head.position}, the entries end before")
            journal.extend(entries)
        if journal.head.hash != head.hash:
            raise InvariantError(f"{head.event}: this process and the database disagree at {head.position}")

    async def _look_up(self, session: Session, facts: Sequence[Fact], everything: bool) -> Known:
        """Entries that the decisions will ask for: always those of orders concerned, all keys if ``everything``."""
        keys: set[str] = set()
        about: set[str] = set()
        for fact in facts:
            orders = self._rules.orders_needed(self._journal.state, fact)
            if orders:
                about.update(orders)
                keys.update((*orders, fact.key))
            elif fact.key and (everything or fact.kind != "order.paid"):
                keys.add(fact.key)
        if not keys:
            return Known()
        # Sorted: the same facts ask the same question, which keeps plans and tests stable.
        return Known(await session.lookup(self._journal.head.event, sorted(keys), sorted(about)))
