"""Keeps the open events of this process and of the others alike: tells what was committed, hears, and reads the rest.

The bus is a messenger: what it brings is folded if it continues what is known here, and anything else is a reason to
read the database. Where there is no bus, or it is lost, the database alone is read, more often.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from app.journal import told
from app.journal.entry import Entry
from app.journal.store import Store
from app.journal.tail import Tail
from app.realtime.bus import WatchedBus

if TYPE_CHECKING:
    from app.journal.writer import Journal

log = structlog.get_logger(__name__)

ENTRIES = "entries"
# A journal that lacks entries for less than this is only waiting for its reading.
_MOMENT_SECONDS = 1.0


@dataclass(slots=True)
class FollowingFigures:
    """Since the start: entries that messages brought; messages that came too far ahead, and by how many positions."""

    folded: int = 0
    gaps: int = 0
    gap_positions: int = 0
    unreadable: int = 0


class Following:
    """``journals`` are the open events by id. The tail is slow while the bus brings everything."""

    def __init__(
        self,
        store: Store,
        journals: "Mapping[str, Journal]",
        bus: WatchedBus,
        tail_interval_ms: int,
        heal_interval_ms: int,
    ) -> None:
        self.bus = bus
        self.figures = FollowingFigures()
        self._journals = journals
        self._catching_up = asyncio.Lock()
        self._asked = 0
        # By event, how many had asked when its last look was begun.
        self._caught_up: dict[str, int] = {}
        # By event, how far its journal goes by what was told.
        self._told: dict[str, int] = {}
        self.tail = Tail(store, journals, lambda: (heal_interval_ms if bus.is_connected else tail_interval_ms) / 1000)
        bus.on(ENTRIES, self._heard)
        bus.on_heal(self.tail.wake)

    @property
    def is_behind(self) -> bool:
        """Whether an open event has been known to lack entries for longer than a moment."""
        return self.tail.behind_seconds() > _MOMENT_SECONDS

    def counts(self) -> dict[str, int]:
        """For ``app.metrics``: what the bus did, and how many positions of a journal are known to be missing here."""
        lag = [self._told.get(event, 0) - journal.head.position for event, journal in self._journals.items()]
        bus = self.bus.figures
        return {
            "told": bus.told,
            "heard": bus.heard,
            "dropped": bus.dropped,
            "healed": self.tail.healed,
            "lag": max(0, *lag, 0),
            "connected": int(self.bus.is_connected),
        }

    async def catch_up(self, event: str) -> None:
        """Fold what any process committed to an open event before this call; thousands who ask share two looks.

        Errors: Unavailable if the database cannot be asked.
        """
        self._asked += 1
        mine = self._asked
        async with self._catching_up:
            # Only a look that was begun after this call has seen what was committed before it.
            if self._caught_up.get(event, 0) < mine:
                begun = self._asked
                await self.tail.catch_up([event])
                self._caught_up[event] = begun

    def follow(self, event: str) -> None:
        """Keep it current from now on, what was appended since it was loaded included."""
        self.tail.start()
        self.bus.follow(event)

    def unfollow(self, event: str) -> None:
        self.bus.unfollow(event)
        self.tail.forget(event)
        self._caught_up.pop(event, None)
        self._told.pop(event, None)

    def tell(self, event: str, entries: Sequence[Entry]) -> None:
        """Tell the other processes what this one has committed."""
        if self.bus.is_connected:
            self.bus.tell(event, ENTRIES, told.encode(entries))

    def _heard(self, event: str, payload: bytes) -> None:
        journal = self._journals.get(event)
        if journal is None:
            return
        try:
            news = told.decode(event, payload)
        except ValueError as error:
            self.figures.unreadable += 1
            log.warning("bus_message_unreadable", journal_event=event, reason=str(error)[:200])
            self.tail.wake(event)
            return
        known = journal.head
        self._told[event] = news.position
        if news.position <= known.position:
            return
        fresh = [entry for entry in news.entries if entry.position > known.position]
        if not fresh or fresh[0].prev_hash != known.hash:
            if missing := news.position - known.position - len(fresh):
                self.figures.gaps += 1
                self.figures.gap_positions += missing
            # The database says what is right, also if it is the messages that lack something.
            self.tail.wake(event, is_behind=True)
            return
        try:
            journal.extend(fresh)
            self.figures.folded += len(fresh)
        except Exception:
            log.exception("told_entries_do_not_fold", journal_event=event)
            journal.give_up()
