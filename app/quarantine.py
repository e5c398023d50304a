"""Events whose journal did not verify: from then on nothing more is written into them, in any process, until a person
has looked and a whole verification was clean. Reading them goes on.

Every process asks the database for the marks each second, so that one that is put or taken away holds everywhere
shortly after, however the processes hear of each other.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app import metrics
from app.database import insert_for, look_for_ever, transaction
from app.errors import Unavailable
from app.journal.tables import quarantine as table

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
# Nobody has repaired a journal before that: whoever sends again need not ask more often.
_RETRY_AFTER_SECONDS = 60


class Mark(NamedTuple):
    """Why an event takes nothing more: the first finding. ``found_at`` in microseconds since 1970 UTC."""

    event: str
    code: str
    position: int
    detail: str
    found_at: int


class Quarantine:
    """The marks as this process knows them; ``on_lifted`` hears of every event whose mark is gone."""

    def __init__(self, db: AsyncEngine) -> None:
        self._db = db
        self._marks: dict[str, Mark] = {}
        self.on_lifted: Callable[[str], None] = lambda event: None

    @property
    def events(self) -> list[str]:
        """Those that are marked, by id."""
        return sorted(self._marks)

    def has(self, event: str) -> bool:
        """Whether an event is marked."""
        return event in self._marks

    def check(self, event: str) -> None:
        """Errors: Unavailable ``event_quarantined`` if the event takes nothing now."""
        mark = self._marks.get(event)
        if mark is not None:
            raise Unavailable(
                "event_quarantined",
                f"The journal of this event does not verify ({mark.code} at position {mark.position}), so nothing is "
                f"written into it; reading goes on. Whoever runs the server: kos verify --event {event}",
                _RETRY_AFTER_SECONDS,
            )

    async def add(self, event: str, code: str, position: int, detail: str) -> None:
        """Mark an event; one that is marked already stays so for its first reason. Errors: Unavailable."""
        row = Mark(event, code, position, detail, time.time_ns() // 1000)
        async with transaction(self._db) as db:
            await db.execute(insert_for(db, table).values(row._asdict()).on_conflict_do_nothing())
        await self.look()

    async def lift(self, event: str) -> bool:
        """Take an event's mark away; False if it had none. The servers see it when they look. Errors: Unavailable."""
        async with transaction(self._db) as db:
            found = await db.execute(delete(table).where(table.c.event == event).returning(table.c.event))
            return found.first() is not None

    async def look(self) -> None:
        """Learn what is marked now. Errors: Unavailable."""
        async with transaction(self._db) as db:
            marks = {row.event: Mark(*row) for row in await db.execute(select(table))}
        before, self._marks = self._marks, marks
        metrics.QUARANTINED.set(len(marks))
        for event in sorted(marks.keys() - before.keys()):
            mark = marks[event]
            log.error("event_quarantined", journal_event=event, code=mark.code, position=mark.position, why=mark.detail)
        for event in sorted(before.keys() - marks.keys()):
            log.warning("event_quarantine_lifted", journal_event=event)
            self.on_lifted(event)

    async def watch(self) -> None:
        """Look for ever; while the database cannot be asked, what was known last holds."""
        await look_for_ever(self.look, _LOOK_SECONDS, "quarantine_waits")
