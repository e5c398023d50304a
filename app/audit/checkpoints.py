"""Signed checkpoints: written while events are open, kept beside the journal, read by whoever audits it.

Two processes may sign the same position at once: the one that is there first stays. Nothing here is updated or deleted.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.audit.signing import Checkpoint, PublicKey, SigningKey, checkpoint_bytes
from app.database import insert_for, look_for_ever, transaction
from app.journal.store import Head
from app.journal.tables import checkpoint as checkpoint_table
from app.journal.tables import checkpoint_key as key_table
from app.opened import OpenEvent

log = structlog.get_logger(__name__)

# What the seed of the signing key is derived for; another purpose would be another key.
PURPOSE = b"kos.checkpoint.1"
_LOOK_SECONDS = 0.5


def clock_us() -> int:
    """This process's clock in microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


class Checkpoints:
    """The checkpoints of an installation, and the key that signs new ones."""

    def __init__(self, db: AsyncEngine, key: SigningKey, clock: Callable[[], int] = clock_us) -> None:
        self._db = db
        self.key = key
        self.clock = clock

    async def keys(self) -> list[PublicKey]:
        """Every key that has signed here and the one that signs now, oldest first.

        Errors: Unavailable if the database cannot be asked.
        """
        async with transaction(self._db) as db:
            await self._keep_key(db)
            rows = await db.execute(select(key_table).order_by(key_table.c.made_at, key_table.c.id))
            return [PublicKey(row.id, row.public, row.made_at) for row in rows]

    async def of(self, event: str, after: int, limit: int) -> list[Checkpoint]:
        """Checkpoints of an event with ``position > after``, ascending. Errors: Unavailable."""
        table = checkpoint_table
        wanted = select(table).where(table.c.event == event, table.c.position > after)
        async with transaction(self._db) as db:
            rows = await db.execute(wanted.order_by(table.c.position).limit(limit))
            return [Checkpoint(*row) for row in rows]

    async def latest(self, event: str) -> Checkpoint | None:
        """The newest checkpoint of an event. Errors: Unavailable."""
        table = checkpoint_table
        wanted = select(table).where(table.c.event == event).order_by(table.c.position.desc()).limit(1)
        async with transaction(self._db) as db:
            row = (await db.execute(wanted)).first()
        return None if row is None else Checkpoint(*row)

    async def at(self, head: Head) -> Checkpoint:
        """The checkpoint at this head, made if there is none. Errors: Unavailable."""
        table = checkpoint_table
        made_at = self.clock()
        signature = self.key.sign(checkpoint_bytes(head.event, head.position, head.hash, made_at))
        made = Checkpoint(head.event, head.position, head.hash, made_at, self.key.id, signature)
        async with transaction(self._db) as db:
            await self._keep_key(db)
            await db.execute(insert_for(db, table).values(made._asdict()).on_conflict_do_nothing())
            wanted = select(table).where(table.c.event == head.event, table.c.position == head.position)
            return Checkpoint(*(await db.execute(wanted)).one())

    async def _keep_key(self, db: AsyncConnection) -> None:
        """Who holds a signature must find its key, also when another one signs by then."""
        known = await db.execute(select(key_table.c.id).where(key_table.c.id == self.key.id))
        if known.first() is None:
            row = PublicKey(self.key.id, self.key.public, self.clock())
            await db.execute(insert_for(db, key_table).values(row._asdict()).on_conflict_do_nothing())


@dataclass(slots=True)
class _Signed:
    """Up to where an event is signed, and since when what follows waits (microseconds)."""

    position: int
    since: int


class Watch:
    """Signs the heads of this process's open events as they move."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        opened: Callable[[], Iterable[OpenEvent]],
        entries: int,
        seconds: float,
    ) -> None:
        self._checkpoints = checkpoints
        self._opened = opened
        self._entries = entries
        self._wait_us = int(seconds * 1_000_000)
        self._signed: dict[str, _Signed] = {}

    async def watch(self) -> None:
        """Look for ever; a database that cannot be asked is asked again."""
        await look_for_ever(self.look, _LOOK_SECONDS, "checkpoints_wait")

    async def look(self) -> None:
        """Sign every open event whose head has moved far or long enough. Errors: Unavailable."""
        opened = list(self._opened())
        for gone in self._signed.keys() - {event.head.event for event in opened}:
            del self._signed[gone]
        for event in opened:
            if self._is_due(event):
                # Another process may have signed meanwhile.
                await self._remember(event.head.event)
                if self._is_due(event):
                    made = await self._checkpoints.at(event.head)
                    self._signed[made.event] = _Signed(made.position, self._checkpoints.clock())

    def _is_due(self, event: OpenEvent) -> bool:
        head, now = event.head, self._checkpoints.clock()
        signed = self._signed.get(head.event)
        if signed is None:
            return True
        if head.position <= signed.position:
            # What comes next waits from now on, not since the last signature.
            signed.since = now
            return False
        if head.position - signed.position >= self._entries or now - signed.since >= self._wait_us:
            return True
        # No board moves after the entry that made the event final, so it is not before the last one that moved any.
        return event.state.status == "final" and signed.position < event.scores["full"].totals.changed_at

    async def _remember(self, event: str) -> None:
        latest = await self._checkpoints.latest(event)
        before = self._signed.get(event)
        position = latest.position if latest else 0
        if before is None or before.position < position:
            self._signed[event] = _Signed(position, self._checkpoints.clock())
