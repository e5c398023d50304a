"""What one transaction sees of the database: for ``verify``, and for whoever writes it down."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import ColumnElement, Select, Table, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import create_engine
from app.journal.entry import Entry, parsed
from app.journal.store import AccountSum, Head, Posting, SignedHash, SnapshotReader, StoredState
from app.journal.tables import checkpoint, checkpoint_key, entry, head, metadata, posting, secret, state

# A reader of everything may stop for long between two reads: it also checks and writes.
IDLE_SECONDS_MAX = 600
# Name of the secret under which an event's buyers are hidden.
_HIDES_BUYERS_OF = "event:{}"
_JOURNAL = (head, entry, posting)
_ENTRY = [column for column in entry.c if column.name != "about"]

OTHERS = [table for table in metadata.sorted_tables if table not in (*_JOURNAL, state)]
"""Tables that are no journal. Stored states are a cache, and are made anew."""


class Inside:
    """Events as an open transaction sees them."""

    def __init__(self, db: AsyncConnection) -> None:
        self._db = db

    @asynccontextmanager
    async def snapshot(self, event: str) -> AsyncIterator[SnapshotReader]:
        yield _Reader(self._db, event)


class _Reader:
    """A ``SnapshotReader``. Stored states are never among what it shows."""

    def __init__(self, db: AsyncConnection, event: str) -> None:
        self._db = db
        self._event = event

    async def head(self) -> Head | None:
        found = await heads(self._db, self._event)
        return found[0] if found else None

    async def read(self, after: int, limit: int) -> list[Entry]:
        asked = select(*_ENTRY).where(entry.c.event == self._event, entry.c.position > after)
        rows = await self._db.execute(asked.order_by(entry.c.position).limit(limit))
        return [Entry(**row._mapping, content=parsed(row.body)) for row in rows]

    async def lookup(self, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        wanted = or_(entry.c.key.in_(keys), entry.c.about.in_(about))
        rows = await self._db.execute(
            select(*_ENTRY).where(entry.c.event == self._event, wanted).order_by(entry.c.position)
        )
        return [Entry(**row._mapping, content=parsed(row.body)) for row in rows]

    async def postings(self, after: int, limit_positions: int) -> list[Posting]:
        asked = select(posting).where(
            posting.c.event == self._event,
            posting.c.position > after,
            posting.c.position <= min(after + limit_positions, 2**63 - 1),
        )
        rows = await self._db.execute(asked.order_by(posting.c.position, posting.c.leg))
        return [Posting(*row) for row in rows]

    async def accounts(self, at: int, after: str, limit: int) -> list[AccountSum]:
        own = (posting.c.event == self._event, posting.c.position <= at, posting.c.account > after)
        sums = (func.sum(posting.c.amount), func.count(), func.max(posting.c.position))
        asked = select(posting.c.account, posting.c.currency, *sums).where(*own)
        grouped = asked.group_by(posting.c.account, posting.c.currency).order_by(posting.c.account)
        rows = await self._db.execute(grouped.limit(limit))
        return [AccountSum(name, currency, int(total), count, last) for name, currency, total, count, last in rows]

    async def states(self, after: int = 0, limit: int = 100) -> list[StoredState]:
        return []

    async def latest_state(self, at: int) -> StoredState | None:
        return None

    async def signed(self, after: int, limit: int) -> list[SignedHash]:
        columns = [checkpoint.c[name] for name in SignedHash._fields]
        asked = select(*columns).where(checkpoint.c.event == self._event, checkpoint.c.position > after)
        rows = await self._db.execute(asked.order_by(checkpoint.c.position).limit(limit))
        return [SignedHash(*row) for row in rows]

    async def signing_keys(self) -> dict[str, bytes]:
        rows = await self._db.execute(select(checkpoint_key.c.id, checkpoint_key.c.public))
        return {row.id: row.public for row in rows}


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[AsyncConnection]:
    """One read snapshot of all tables, beside running servers, for as long as the block runs."""
    engine = create_engine(url)
    try:
        async with engine.connect() as db:
            if db.dialect.name == "postgresql":
                await db.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                timeout = f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS_MAX}s'"
                await db.execute(text(timeout))
            else:
                await db.exec_driver_sql("BEGIN")
            yield db
    finally:
        await engine.dispose()


async def heads(db: AsyncConnection, event: str = "") -> list[Head]:
    """Heads by event; of one event if it is named."""
    asked = select(head).order_by(head.c.event)
    rows = await db.execute(asked.where(head.c.event == event) if event else asked)
    return [Head(*row) for row in rows]


def rows_of(table: Table, event: str) -> Select[tuple[object, ...]] | None:
    """The rows that belong to an event, or all if none is named; None for a table in which none belongs to an event."""
    asked = select(table).order_by(*table.primary_key)
    if not event:
        return asked
    condition = _belongs_to(table, event)
    return None if condition is None else asked.where(condition)


def _belongs_to(table: Table, event: str) -> ColumnElement[bool] | None:
    if table is secret:
        return table.c.name == _HIDES_BUYERS_OF.format(event)
    if table is checkpoint_key:
        # A signature without its key proves nothing where the event comes to.
        return checkpoint_key.c.id.in_(select(checkpoint.c.key).where(checkpoint.c.event == event))
    return table.c.event == event if "event" in table.c else None
