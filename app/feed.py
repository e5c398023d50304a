"""Committed entries become publications: marks the hub after each fold and reads documents when it asks.

Also the one place where a board document gets the names of its rows, for the stream and for HTTP alike. What the
documents say is in ``feed_documents``.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from app import feed_documents as documents
from app import figures
from app.challenge.boards import BoardSpec, parse_board
from app.challenge.rules import Rules
from app.errors import NotFound
from app.events import IDENTIFIER, Events, OpenEvent
from app.grants import admits, opened_patterns
from app.journal.entry import Entry
from app.journal.store import Store
from app.profiles import Profiles
from app.realtime.hub import Hub, event_of
from app.state import outline
from app.timeline import Timeline, now

# Rows of a board's channel; more are for GET with limit and around.
CHANNEL_ROWS = 100
# How far back the rows of ops are looked for, in entries, and how many are read at a time: hours of a show that sells
# nothing may be samples of its audience alone.
_READ_BACK = 2_000
_READ_STEP = 100
# What processes tell each other if names have changed without an entry.
_RENAMED = "renamed"


class Feed:
    """The source of every channel's documents; ``hub`` is set by ``main``."""

    def __init__(
        self, events: Events, profiles: Profiles, store: Store, clock: Callable[[], int] | None = None
    ) -> None:
        self._events = events
        self._profiles = profiles
        self._store = store
        self.hub: Hub | None = None
        # What live channels show of an event, by the last segment of their names; set by ``main``.
        self.live: dict[str, Callable[[str], Awaitable[dict[str, Any]]]] = {}
        # The newest entries of events whose ops channel was read; gone with the event.
        self._newest: WeakKeyDictionary[OpenEvent, deque[Entry]] = WeakKeyDictionary()
        self.clock = clock or now
        self.timeline = Timeline(store, self.clock)
        self._bus = events.following.bus
        self._bus.on(_RENAMED, lambda event, _: self._renamed(event))
        events.on_change = self._changed

    def _changed(self, event: OpenEvent, entries: Sequence[Entry]) -> None:
        if any(entry.kind == "roster.changed" for entry in entries):
            # Names are written before the entry that tells of them, by this process or by another one.
            self._profiles.forget(event.head.event)
        if (newest := self._newest.get(event)) is not None:
            newest.extend(_told_to_ops(entries))
        self.timeline.extend(event, entries)
        if self.hub is not None:
            self.hub.mark(event.head.event, event.head.position)

    def renamed(self, event: str) -> None:
        """Names were changed here, and no entry tells of it: show them, and have the other processes do so."""
        self._renamed(event)
        self._bus.tell(event, _RENAMED, b"")

    def _renamed(self, event: str) -> None:
        self._profiles.forget(event)
        opened = self._events.known(event)
        if self.hub is not None and opened is not None:
            self.hub.mark(event, opened.head.position)

    async def snapshot(self, channel: str, view: str) -> dict[str, Any]:
        """The document of a channel now.

        Errors: NotFound ``channel_unknown``, ``event_unknown``, ``board_unknown``, ``host_unknown``,
        ``session_unknown``.
        """
        name, _, rest = channel.partition("/")
        event = await self._events.open(name)
        kind, _, identity = rest.partition("/")
        if (kind in ("boards", "hosts", "sessions")) != bool(identity) or channel.endswith("/"):
            raise _unknown(channel)
        if rest in self.live:
            return {"event": name} | await self.live[rest](name)
        newest = await self._newest_of(event) if kind == "ops" else ()
        names = await self._profiles.of(name)
        # From here on nothing waits, so document, names and position belong together.
        match kind:
            case "":
                return documents.state(event, view, names)
            case "boards":
                return documents.board(event, view, names, parse_board(identity), CHANNEL_ROWS)
            case "orders":
                return documents.ticker(event, view, names)
            case "hosts":
                return documents.host(event, view, names, identity)
            case "sessions":
                return documents.session(event, view, names, identity)
            case "desk":
                return figures.desk(event, view)
            case "ops" if view == "full":
                return documents.ops(event, view, names, newest)
        raise _unknown(channel)

    async def catch_up(self, event: str) -> None:
        """Fold what other processes committed. Errors: Unavailable if the database cannot be asked."""
        await self._events.catch_up(event)

    async def board(self, event: OpenEvent, view: str, spec: BoardSpec, limit: int, around: str = "") -> dict[str, Any]:
        """A board's document with names; ``event`` may be one folded for an earlier position."""
        names = await self._profiles.of(event.head.event)
        return documents.board(event, view, names, spec, limit, around)

    async def is_public(self, channel: str) -> bool:
        """Whether everybody may follow a channel; what is there, and what is not, is told from the event's rules alone.

        Errors: Unavailable if the database cannot be asked.
        """
        name = event_of(channel)
        return admits(opened_patterns(name, (await self.rules_of(name)).opened), channel)

    async def rules_of(self, name: str) -> Rules:
        """The rules of an event now; of one that is not there those that open nothing.

        Errors: Unavailable if the database cannot be asked.
        """
        event = self._events.known(name)
        if event is not None:
            return event.state.rules
        # Not opened for everybody who asks: only its own entries about itself are read.
        terms = await self._store.terms([name]) if IDENTIFIER.fullmatch(name) else []
        return outline(terms).rules if terms else Rules()

    async def _newest_of(self, event: OpenEvent) -> deque[Entry]:
        """The newest entries for ops, oldest first: read once, and kept up to date by what is folded from then on."""
        while (newest := self._newest.get(event)) is None:
            name, size = event.head.event, documents.OPS_ROWS
            last = first = event.head.position
            told: list[Entry] = []
            while first > 0 and len(told) < size and last - first < _READ_BACK:
                behind, first = first, max(0, first - _READ_STEP)
                told[:0] = _told_to_ops(await self._store.read(name, first, behind - first))
            while last < event.head.position:
                more = await self._store.read(name, last, _READ_STEP)
                told += _told_to_ops(more)
                last = more[-1].position
            # Not what other processes appended that is not folded here yet: it is told when it is.
            known = (entry for entry in told if entry.position <= event.head.position)
            self._newest.setdefault(event, deque(known, maxlen=size))
        return newest


def _told_to_ops(entries: Sequence[Entry]) -> list[Entry]:
    """What somebody did: the minutes of an audience come by themselves, and would push all else out of the rows."""
    return [entry for entry in entries if entry.kind != "viewers.sampled"]


def _unknown(channel: str) -> NotFound:
    return NotFound("channel_unknown", f"There is no channel {channel[:120]!r}.")
