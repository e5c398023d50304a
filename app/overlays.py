"""What those who run an event tell its overlays: a scene, what to hide, a message, other things to single rooms. The
last one told holds.

Nothing of it ranks, so it is in no journal.
"""

import time
from typing import Any

import orjson
from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import insert_for, transaction
from app.errors import Conflict
from app.journal.tables import overlays as table

_NOTHING_TOLD: dict[str, Any] = {"scene": "", "hidden": [], "message": None, "rooms": {}}


class Overlays:
    """What is told to overlays, by event; read from the database each time, so that it is the same in every process."""

    def __init__(self, db: AsyncEngine) -> None:
        self._db = db

    async def of(self, event: str) -> tuple[dict[str, Any], int]:
        """What holds now, and since when in microseconds; nothing since 0 if nothing was ever told."""
        wanted = select(table.c.body, table.c.updated_at).where(table.c.event == event)
        async with transaction(self._db) as db:
            row = (await db.execute(wanted)).first()
        # What was told before there were rooms names none.
        return (dict(_NOTHING_TOLD), 0) if row is None else (_NOTHING_TOLD | orjson.loads(row.body), row.updated_at)

    async def put(self, event: str, told: dict[str, Any], expected_at: int | None = None) -> int:
        """Have this hold in place of what was told before; since when, in microseconds.

        Later than everything before, whatever the clocks of the processes say: followers take only what is newer.
        ``expected_at``: only in place of what holds since then (0: nothing was told yet).
        Errors: Conflict ``changed_meanwhile`` if something else does.
        """
        async with transaction(self._db) as db:
            row = {"event": event, "body": orjson.dumps(told).decode(), "updated_at": time.time_ns() // 1000}
            statement = insert_for(db, table).values(row)
            given, before = statement.excluded.updated_at, table.c.updated_at
            later = case((given > before, given), else_=before + 1)
            changed = {"body": statement.excluded.body, "updated_at": later}
            is_expected = None if expected_at is None else before == expected_at
            found = await db.execute(
                statement.on_conflict_do_update(index_elements=["event"], set_=changed, where=is_expected).returning(
                    before
                )
            )
            updated_at: int | None = found.scalar_one_or_none()
        if updated_at is None:
            raise Conflict("changed_meanwhile", "Somebody else has told the overlays something since you looked.")
        return updated_at

    async def touch(self, event: str) -> None:
        """Make what holds newer than it was, so that followers take what is shown beside it."""
        async with transaction(self._db) as db:
            row = {"event": event, "body": orjson.dumps(_NOTHING_TOLD).decode(), "updated_at": time.time_ns() // 1000}
            statement = insert_for(db, table).values(row)
            given, before = statement.excluded.updated_at, table.c.updated_at
            later = {"updated_at": case((given > before, given), else_=before + 1)}
            await db.execute(statement.on_conflict_do_update(index_elements=["event"], set_=later))
