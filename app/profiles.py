"""Names, pictures and links of hosts, teams and stores: may be changed and erased, so they are not in the journal."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import insert_for, transaction
from app.journal.tables import profile

_FIELDS = ("name", "picture", "link")
# Events whose profiles are kept; they are read again when asked for.
EVENTS_MAX = 1_000


@dataclass(slots=True)
class _Known:
    read_at: float
    by_kind: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)


class Profiles:
    """Profiles by event, kept for ``refresh_seconds``: how long another process's change stays unseen at most."""

    def __init__(self, db: AsyncEngine, refresh_seconds: float = 2.0) -> None:
        self._db = db
        self._refresh_seconds = refresh_seconds
        self._events: dict[str, _Known] = {}
        # Reads under way, by event, that no change has overtaken.
        self._current_reads: dict[str, set[object]] = {}

    async def of(self, event: str) -> dict[str, dict[str, dict[str, str]]]:
        """Shape: kind (``host``, ``team``, ``store``), then id, then what is known of name, picture and link."""
        known = self._events.get(event)
        if known is None or known.read_at + self._refresh_seconds < time.monotonic():
            known = await self._read_until_settled(event)
            self._events.pop(event, None)
            self._events[event] = known
            while len(self._events) > EVENTS_MAX:
                del self._events[next(iter(self._events))]
        return known.by_kind

    async def event_names(self, events: Sequence[str]) -> dict[str, str]:
        """Names of events by id."""
        asked = select(profile.c.event, profile.c.name).where(profile.c.kind == "event", profile.c.event.in_(events))
        async with transaction(self._db) as db:
            return {row.event: row.name for row in await db.execute(asked)}

    def forget(self, event: str) -> None:
        """Some of this event's profiles have changed: whoever asks from here on gets them as they are now."""
        self._events.pop(event, None)
        self._current_reads.pop(event, None)

    async def put(self, event: str, kind: str, records: Iterable[dict[str, Any]]) -> list[str]:
        """Remember name, picture and link of records with an ``id``; what a record leaves out stays as it was.

        Shape: the ids of which something changed, in the order given.
        """
        # Read anew: another process may have changed what this one remembers.
        current = (await self._read(event)).by_kind.get(kind, {})
        changes: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        changed_ids: list[str] = []
        for record in records:
            before = current.get(record["id"], {})
            given = tuple(name for name in _FIELDS if name in record)
            if any(record[name] != before.get(name, "") for name in given):
                fields = {name: record.get(name, "") for name in _FIELDS}
                row = {"event": event, "kind": kind, "id": record["id"], "updated_at": time.time_ns() // 1000}
                changes[given].append(row | fields)
                changed_ids.append(record["id"])
        if not changes:
            return []
        async with transaction(self._db) as db:
            for given, rows in changes.items():
                statement = insert_for(db, profile)
                # Only what was given: the rest may be changing elsewhere at this moment.
                changed = {name: statement.excluded[name] for name in (*given, "updated_at")}
                await db.execute(
                    statement.on_conflict_do_update(index_elements=["event", "kind", "id"], set_=changed), rows
                )
        self.forget(event)
        return changed_ids

    async def _read_until_settled(self, event: str) -> _Known:
        while True:
            read = object()
            self._current_reads.setdefault(event, set()).add(read)
            try:
                known = await self._read(event)
            finally:
                is_current = self._end_read(event, read)
            # What was read may be older than the change: shown beside a newer position, it would stay.
            if is_current:
                return known

    def _end_read(self, event: str, read: object) -> bool:
        """Whether nothing of the event was forgotten since the read began."""
        reads = self._current_reads.get(event, set())
        is_current = read in reads
        reads.discard(read)
        if not reads:
            self._current_reads.pop(event, None)
        return is_current

    async def _read(self, event: str) -> _Known:
        known = _Known(time.monotonic())
        async with transaction(self._db) as db:
            for row in await db.execute(select(profile).where(profile.c.event == event)):
                known.by_kind.setdefault(row.kind, {})[row.id] = {
                    name: value for name in _FIELDS if (value := getattr(row, name))
                }
        return known
