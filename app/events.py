"""The events that this process has open: loaded when first asked for, kept current, unloaded when idle.

An event is loaded from its newest stored state and the entries after it, kept current by its own writer and by what
other processes append, and unloaded when nobody has asked for it for a while. The stored state is a cache: dropping
it costs time only.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence

import structlog

from app.challenge.lifecycle import next_due
from app.errors import AppError, Conflict, InvariantError, NotFound, Unavailable
from app.following import Following
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.journal.plan import Known, Rules, plan_batch
from app.journal.store import HeadMoved, KeyTaken, OutcomeUnknown, Store, StoredState
from app.journal.writer import Writer
from app.opened import STATE_FORMAT, VIEWS, OpenEvent, from_stored, load, new_scores, stored_state
from app.realtime.bus import LocalBus, WatchedBus
from app.settings import Settings
from app.state import State

# An open event as the rest of the program knows it; in which file it lies is of no interest there.
__all__ = [
    "IDENTIFIER",
    "STATE_FORMAT",
    "VIEWS",
    "Events",
    "OpenEvent",
    "from_stored",
    "load",
    "new_scores",
    "stored_state",
]

log = structlog.get_logger(__name__)

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_NUDGE_AGAIN_SECONDS = 1.0
_BROKEN_SECONDS = 10.0


class Events:
    """Opens, creates and unloads events; ``on_change`` hears of every fold of committed entries."""

    def __init__(self, store: Store, rules: Rules, settings: Settings, bus: WatchedBus | None = None) -> None:
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
        self.following = Following(
            store, self._open, bus or LocalBus(), settings.tail_interval_ms, settings.heal_interval_ms
        )
        self.on_change: Callable[[OpenEvent, Sequence[Entry]], None] = lambda event, entries: None
        self.is_followed: Callable[[str], bool] = lambda event: False
        # Raises what whoever would write into an event is told while nobody may.
        self.check_writable: Callable[[str], None] = lambda event: None

    def known(self, event: str) -> OpenEvent | None:
        """The event if it is open in this process: the way of the hot path, without waiting."""
        opened = self._open.get(event)
        if opened is not None:
            opened.asked_at = time.monotonic()
        return opened

    def opened(self) -> list[OpenEvent]:
        """The events that are open now; asking keeps none of them open."""
        return list(self._open.values())

    async def brand_of(self, event: str) -> str | None:
        """Whose event it is, not loaded for that; None if there is none. Errors: Unavailable, from the database."""
        opened = self.known(event)
        if opened is not None:
            return opened.state.brand
        head = await self._store.head(event) if IDENTIFIER.fullmatch(event) else None
        return head.brand if head is not None else None

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

    @property
    def is_catching_up(self) -> bool:
        """Whether what this process shows is known to be old, or it is loading the first of its events."""
        return self.following.is_behind or bool(self._loading and not self._open)

    async def catch_up(self, event: str) -> None:
        """Fold what any process committed to an open event before this call.

        Errors: Unavailable if the database cannot be asked.
        """
        await self.following.catch_up(event)

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
        opened.check_writable = self.check_writable
        opened.on_change = self._changed
        opened.on_commit = self.following.tell
        opened.on_broken = self._give_up
        self._open[event] = opened
        self._stored_at[event] = opened.head.position // settings.state_entries
        self._plan_due(opened)
        self.following.follow(event)
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
            self.check_writable(event.head.event)
        except Unavailable:
            # Whoever opens it once it takes something again plans the move anew.
            return
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

    def fold_anew(self, event: str) -> None:
        """Let go of what is folded of an event, if it is open: its journal may have been repaired."""
        opened = self._open.get(event)
        if opened is not None:
            self._unload(opened)
            self.on_change(opened, ())

    def _give_up(self, event: OpenEvent) -> None:
        """Let go of a copy that went wrong: whoever asks next, the followers first, gets one that is folded anew."""
        if self._open.get(event.head.event) is event:
            log.error("event_is_folded_anew", journal_event=event.head.event, position=event.head.position)
            self._unload(event)
            self.on_change(event, ())

    def _unload(self, event: OpenEvent) -> None:
        name = event.head.event
        writer, event.writer = event.writer, None
        del self._open[name]
        self.following.unfollow(name)
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        if writer is not None:
            task = asyncio.create_task(writer.close())
            self._saving.add(task)
            task.add_done_callback(self._saving.discard)

    async def close(self) -> None:
        """Finish what is queued, store nothing half done."""
        await self.following.tail.stop()
        if self._sweep is not None:
            self._sweep.cancel()
        loading = list(self._loading.values())
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)
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
