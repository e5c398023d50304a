"""The events that this process has open: for each one deciding state, a scoreboard per view, and a writer.

An event is loaded from its newest stored state and the entries after it, kept current by its own writer and by the
tail, and unloaded when nobody has asked for it for a while. The stored state is a cache: dropping it costs time only.
"""

import asyncio
import hashlib
import re
import time
import zlib
from collections.abc import Callable, Sequence

import msgspec
import structlog

from app.challenge.lifecycle import next_due
from app.challenge.scores import Scoreboard, Totals
from app.errors import AppError, Conflict, InvariantError, NotFound, Unavailable
from app.journal.drafts import Fact
from app.journal.entry import Entry, epoch_of
from app.journal.plan import Accepted, Known, Outcome, Rules, plan_batch
from app.journal.store import Head, HeadMoved, KeyTaken, OutcomeUnknown, Store, StoredState, head_after
from app.journal.tail import Tail
from app.journal.writer import Writer
from app.settings import Settings
from app.state import State

log = structlog.get_logger(__name__)

VIEWS = ("full", "public")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# Changes whenever a stored state of an older version could no longer be read; older ones are then ignored.
STATE_FORMAT = "2"
_READ_PAGE = 2_000
_NUDGE_AGAIN_SECONDS = 1.0
_BROKEN_SECONDS = 10.0


class Folded(msgspec.Struct):
    """What is stored every ``state_entries`` entries: everything that can be folded, and the chain it stands on."""

    format: str
    hash: bytes
    epoch: str
    state: State
    full: Totals
    public: Totals | None


class OpenEvent:
    """One event as this process knows it, at ``head``. All changes go through ``extend``, which never waits."""

    def __init__(self, head: Head, epoch: str, state: State, scores: dict[str, Scoreboard]) -> None:
        self.head = head
        self.epoch = epoch
        self.state = state
        self.scores = scores
        self.writer: Writer | None = None
        self.asked_at = time.monotonic()
        self.on_change: Callable[[OpenEvent, Sequence[Entry]], None] = lambda event, entries: None
        self.on_broken: Callable[[OpenEvent], None] = lambda event: None

    def give_up(self) -> None:
        """This copy is not what the journal says, or the journal is not what it must be; it is not used again."""
        self.on_broken(self)

    def extend(self, entries: Sequence[Entry], state: State | None = None) -> None:
        """Fold committed entries; those already known are passed over.

        ``state`` is a layer that holds them already: taken as it is if nothing else came in between.
        Errors: InvariantError if they leave a gap or do not chain to the head.
        """
        fresh = [entry for entry in entries if entry.position > self.head.position]
        if not fresh:
            return
        if fresh[0].prev_hash != self.head.hash:
            raise InvariantError(f"{self.head.event}: entry {fresh[0].position} does not chain to the head")
        if state is not None and len(fresh) == len(entries):
            self.state = state
        else:
            # A layer, so that a decision under way keeps the state it started from.
            state = self.state.layer()
            for entry in fresh:
                state.apply(entry.position, entry.kind, entry.key, entry.recorded_at, entry.content)
            self.state = state
        self.epoch = self.epoch or epoch_of(fresh[0].hash)
        for scoreboard in set(self.scores.values()):
            for entry in fresh:
                scoreboard.apply(entry.position, entry.kind, entry.recorded_at, entry.content)
        self.head = head_after(self.head, fresh)
        self.on_change(self, fresh)

    async def submit(self, facts: Sequence[Fact]) -> list[Outcome]:
        """Have facts decided and committed together; one outcome each, in order.

        Errors: Unavailable (database gone, queue full); a refusal is an outcome, not an error.
        """
        if self.writer is None:
            raise Unavailable("event_unloading", "The event is being unloaded; send it again.")
        return await self.writer.submit(facts)

    async def submit_one(self, fact: Fact) -> Accepted:
        """As ``submit`` for one fact; its refusal is raised."""
        outcome = (await self.submit([fact]))[0]
        if isinstance(outcome, Accepted):
            return outcome
        raise outcome


def new_scores(timezone: str) -> dict[str, Scoreboard]:
    """A scoreboard per view. Until an event is frozen both views are the same fold, so it is folded once."""
    board = Scoreboard(Totals(timezone))
    return dict.fromkeys(VIEWS, board)


def stored_state(event: OpenEvent) -> StoredState:
    """The folded state as it is stored, with its digest."""
    full, public = event.scores["full"], event.scores["public"]
    folded = Folded(
        STATE_FORMAT,
        event.head.hash,
        event.epoch,
        event.state,
        full.totals,
        None if public is full else public.totals,
    )
    packed = msgspec.msgpack.encode(folded)
    return StoredState(
        event.head.event, event.head.position, hashlib.sha256(packed).hexdigest(), zlib.compress(packed, 1)
    )


def from_stored(head: Head, stored: StoredState) -> OpenEvent | None:
    """An event at the position of a stored state; None if the state cannot be read and must be ignored."""
    try:
        packed = zlib.decompress(stored.body)
        if hashlib.sha256(packed).hexdigest() != stored.digest:
            raise ValueError("digest")
        folded = msgspec.msgpack.decode(packed, type=Folded)
    except (zlib.error, ValueError, msgspec.MsgspecError) as error:
        log.warning("stored_state_ignored", journal_event=stored.event, position=stored.position, reason=str(error))
        return None
    if folded.format != STATE_FORMAT:
        return None
    full = Scoreboard(folded.full)
    scores = {"full": full, "public": full if folded.public is None else Scoreboard(folded.public)}
    at = Head(head.event, head.brand, stored.position, folded.hash, folded.state.recorded_at)
    return OpenEvent(at, folded.epoch, folded.state, scores)


async def load(store: Store, event: str, at: int | None = None, use_states: bool = True) -> OpenEvent:
    """Fold an event from the newest stored state up to its head, or to position ``at``; it has no writer.

    Errors: NotFound ``event_unknown``; InvariantError if the entries do not chain.
    """
    head = await store.head(event)
    if head is None or head.position == 0:
        raise NotFound("event_unknown", f"There is no event {event[:80]!r}.")
    opened: OpenEvent | None = None
    stored = await store.latest_state(event, at) if use_states else None
    if stored is not None:
        opened = from_stored(head, stored)
        if opened is not None and not await _stands_in(store, opened):
            opened = None
    until = head.position if at is None else min(at, head.position)
    if opened is None or opened.head.position > until:
        first = next(iter(await store.read(event, 0, 1)), None)
        if first is None:
            raise InvariantError(f"{event}: the head is at {head.position}, and there is no entry")
        opened = OpenEvent(
            Head(event, head.brand, 0, first.prev_hash, 0),
            "",
            State(event),
            new_scores(first.content["timezone"]),
        )
    while opened.head.position < until:
        page = await store.read(event, opened.head.position, min(_READ_PAGE, until - opened.head.position))
        if not page:
            raise InvariantError(f"{event}: the head is at {head.position}, the entries end before")
        opened.extend(page)
    return opened


async def _stands_in(store: Store, opened: OpenEvent) -> bool:
    """Whether the journal has the very entry that a stored state was folded up to; else it is another journal's."""
    head = opened.head
    found = await store.read(head.event, head.position - 1, 1)
    if found and found[0].hash == head.hash and opened.state.position == found[0].position == head.position:
        return True
    log.warning("stored_state_ignored", journal_event=head.event, position=head.position, reason="another journal")
    return False


class Events:
    """Opens, creates and unloads events; ``on_change`` hears of every fold of committed entries."""

    def __init__(self, store: Store, rules: Rules, settings: Settings) -> None:
        self._store = store
        self._rules = rules
        self._settings = settings
        self._open: dict[str, OpenEvent] = {}
        self._loading: dict[str, asyncio.Task[OpenEvent]] = {}
        self._saving: set[asyncio.Task[None]] = set()
        self._stored_at: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        # Events that could not be folded, and until when nobody tries again.
        self._broken: dict[str, float] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._tail = Tail(store, self._open, settings.tail_interval_ms / 1000)
        self._catching_up = asyncio.Lock()
        self._asked_to_catch_up = 0
        # By event, how many had asked when it was last begun.
        self._caught_up: dict[str, int] = {}
        self.on_change: Callable[[OpenEvent, Sequence[Entry]], None] = lambda event, entries: None
        self.is_followed: Callable[[str], bool] = lambda event: False

    def known(self, event: str) -> OpenEvent | None:
        """The event if it is open in this process: the way of the hot path, without waiting."""
        opened = self._open.get(event)
        if opened is not None:
            opened.asked_at = time.monotonic()
        return opened

    async def open(self, event: str) -> OpenEvent:
        """The event, loaded if need be; many who ask at once share one load. Errors: NotFound ``event_unknown``."""
        opened = self.known(event)
        if opened is not None:
            return opened
        if not IDENTIFIER.fullmatch(event):
            # Not even asked for: a database refuses some texts (NUL) with an error of its own.
            raise NotFound("event_unknown", f"There is no event {event[:80]!r}.")
        if time.monotonic() < self._broken.get(event, 0.0):
            raise InvariantError(f"{event}: cannot be folded, as was logged")
        task = self._loading.get(event)
        if task is None:
            task = self._loading[event] = asyncio.create_task(self._load(event))
            task.add_done_callback(lambda _: self._loading.pop(event, None))
        return await asyncio.shield(task)

    async def catch_up(self, event: str) -> None:
        """Fold what any process committed to an open event before this call; thousands who ask share two looks.

        Errors: Unavailable if the database cannot be asked.
        """
        self._asked_to_catch_up += 1
        mine = self._asked_to_catch_up
        async with self._catching_up:
            # Only a look that was begun after this call has seen what was committed before it.
            if self._caught_up.get(event, 0) < mine:
                begun = self._asked_to_catch_up
                await self._tail.catch_up([event])
                self._caught_up[event] = begun

    async def at(self, event: str, position: int) -> OpenEvent:
        """The event as it was at a position, folded for this call only."""
        return await load(self._store, event, position)

    async def create(self, fact: Fact, event: str, brand: str) -> OpenEvent:
        """Begin an event's journal with its first entry.

        Errors: Conflict ``event_id_taken``, by whatever brand.
        """
        taken = Conflict("event_id_taken", f"The event id {event!r} is taken in this installation.", "id")
        session = await self._store.session()
        try:
            locked = await session.begin(event, brand)
            if locked is None:
                raise taken
            head, now = locked
            plan = plan_batch(self._rules, head, State(event), [fact], now, Known())
            try:
                await session.append(plan.entries, plan.postings)
                await session.commit()
            except KeyTaken:
                raise taken from None
            except HeadMoved:
                # The head is locked, so it is the database's clock that has moved.
                raise Unavailable("database_unavailable", "The event was not created; send it again.") from None
            except OutcomeUnknown:
                await session.rollback()
                # To ask for the id again waits until it is decided whether the first attempt has it.
                if await session.begin(event, brand) is not None:
                    raise Unavailable("database_unavailable", "The event was not created; send it again.") from None
                if (await self._store.read(event, 0, 1))[0].hash != plan.entries[0].hash:
                    raise taken from None
        finally:
            await session.rollback()
            await session.close()
        return await self.open(event)

    async def _load(self, event: str) -> OpenEvent:
        try:
            opened = await load(self._store, event)
        except AppError:
            raise
        except Exception:
            # Reading a whole journal for each request would take the process from every other event.
            log.exception("event_cannot_be_folded", journal_event=event)
            self._broken[event] = time.monotonic() + _BROKEN_SECONDS
            raise
        self._broken.pop(event, None)
        settings = self._settings
        opened.writer = Writer(opened, self._store, self._rules, settings.batch_facts_max, settings.queue_facts_max)
        opened.on_change = self._changed
        opened.on_broken = self._give_up
        self._open[event] = opened
        self._stored_at[event] = opened.head.position // settings.state_entries
        self._plan_due(opened)
        self._tail.start()
        self._unload_idle()
        if self._sweep is None:
            self._sweep_later()
        return opened

    def _sweep_later(self) -> None:
        """Memory is given back also where nothing new is opened."""
        self._unload_idle()
        self._sweep = asyncio.get_running_loop().call_later(self._settings.event_idle_seconds / 4, self._sweep_later)

    def _changed(self, event: OpenEvent, entries: Sequence[Entry]) -> None:
        self.on_change(event, entries)
        name = event.head.event
        if event.head.position // self._settings.state_entries > self._stored_at[name]:
            self._stored_at[name] = event.head.position // self._settings.state_entries
            self._save(stored_state(event))
        if any(entry.kind.startswith("event.") for entry in entries):
            self._plan_due(event)

    def _save(self, state: StoredState) -> None:
        async def save() -> None:
            try:
                await self._store.save_state(state)
            except Unavailable as error:
                log.warning("state_not_stored", journal_event=state.event, position=state.position, reason=str(error))

        task = asyncio.create_task(save())
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    def _plan_due(self, event: OpenEvent, wait_seconds_min: float = 0.01) -> None:
        """Wake the writer when time itself will move the event; it asks the journal's clock, not this timer."""
        name = event.head.event
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        due = next_due(event.state)
        if due is None or self._open.get(name) is not event:
            return
        # A timer that far ahead is cut into days: the clocks may drift apart meanwhile.
        wait = min(max(due / 1_000_000 - time.time() + 0.01, wait_seconds_min), 86_400.0)
        self._timers[name] = asyncio.get_running_loop().call_later(wait, self._nudge, event)

    def _nudge(self, event: OpenEvent) -> None:
        task = asyncio.ensure_future(self._move_if_due(event))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _move_if_due(self, event: OpenEvent) -> None:
        try:
            await event.submit([Fact("schedule", "", {}, "schedule")])
        except Unavailable as error:
            log.warning("due_move_failed", journal_event=event.head.event, reason=str(error))
        # Not at once: where the journal's clock is behind this process's, the move is not due there yet.
        self._plan_due(event, _NUDGE_AGAIN_SECONDS)

    def _unload_idle(self) -> None:
        """Let go of events nobody asked for lately, and of the longest unasked above the limit."""
        now = time.monotonic()
        by_age = sorted(self._open.values(), key=lambda event: event.asked_at)
        surplus = len(by_age) - self._settings.events_open_max
        for number, event in enumerate(by_age):
            if self.is_followed(event.head.event):
                # Whoever follows it asks nothing, but must hear of what other processes append.
                continue
            idle = now - event.asked_at > self._settings.event_idle_seconds
            if (idle or number < surplus) and event.writer is not None and event.writer.is_idle:
                self._unload(event)

    def _give_up(self, event: OpenEvent) -> None:
        """Let go of a copy that went wrong: whoever asks next, the followers first, gets one that is folded anew."""
        if self._open.get(event.head.event) is event:
            log.error("event_is_folded_anew", journal_event=event.head.event, position=event.head.position)
            self._unload(event)
            self.on_change(event, ())

    def _unload(self, event: OpenEvent) -> None:
        name = event.head.event
        self._caught_up.pop(name, None)
        writer, event.writer = event.writer, None
        del self._open[name]
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        if writer is not None:
            task = asyncio.create_task(writer.close())
            self._saving.add(task)
            task.add_done_callback(self._saving.discard)

    async def close(self) -> None:
        """Finish what is queued, store nothing half done."""
        await self._tail.stop()
        if self._sweep is not None:
            self._sweep.cancel()
        # Nothing is open from here on, so nobody plans another timer.
        events = list(self._open.values())
        self._open.clear()
        for timer in self._timers.values():
            timer.cancel()
        for event in events:
            if event.writer is not None:
                await event.writer.close()
        if self._saving:
            await asyncio.wait(self._saving, timeout=5)
