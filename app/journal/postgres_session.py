"""One writer's link to PostgreSQL: the fast append, and the locked transaction it falls back to."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

from app.errors import InvariantError, Unavailable
from app.journal import postgres_statements as sql
from app.journal.entry import Entry, parsed
from app.journal.postgres_connections import Connections, is_usable_after, translated
from app.journal.store import ClockMoved, Head, HeadMoved, Posting, head_after

Clock = Callable[[], int]


def entries_of(rows: Sequence[Any]) -> list[Entry]:
    """Rows as entries, in their order."""
    return [
        Entry(event, position, kind, key, occurred_at, recorded_at, actor, body, before, own, parsed(body))
        for event, position, kind, key, occurred_at, recorded_at, actor, body, before, own in rows
    ]


def distinct_entries_of(rows: Sequence[Any]) -> list[Entry]:
    """Rows of one event as entries by position, each once."""
    found = {row[1]: row for row in rows}
    return entries_of([found[position] for position in sorted(found)])


class DatabaseClock:
    """The database's clock: what a statement told last, carried on by this process's monotonic clock."""

    def __init__(self) -> None:
        self._database_us = 0
        self._told_ns = 0

    def is_older_than(self, seconds: float) -> bool:
        """Whether nothing was told for so long; also if nothing was ever told."""
        return not self._database_us or time.monotonic_ns() - self._told_ns > seconds * 1_000_000_000

    def now(self) -> int:
        return self._database_us + (time.monotonic_ns() - self._told_ns) // 1000

    def set(self, database_us: int) -> None:
        self._database_us = database_us
        self._told_ns = time.monotonic_ns()


class PostgresSession:
    """A ``Session``. After a loss the next call connects again, except inside a transaction, which is lost.

    A call that fails inside a transaction rolls it back.
    """

    def __init__(
        self,
        connections: Connections,
        connection: asyncpg.Connection,
        database_clock: DatabaseClock,
        clock: Clock | None,
    ) -> None:
        self._connections = connections
        self._connection: asyncpg.Connection | None = connection
        self._database_clock = database_clock
        self._clock = clock
        # Head that the open transaction has locked; None: no transaction is open.
        self._locked: Head | None = None
        self._is_closed = False

    def now(self) -> int:
        return self._database_clock.now() if self._clock is None else self._clock()

    async def read_clock(self) -> None:
        """Ask the database what time it is. Errors: Unavailable."""
        self._database_clock.set((await self._fetch(sql.NOW))[0][0])

    async def lookup(self, event: str, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        if not keys and not about:
            return []
        if not about:
            return distinct_entries_of(await self._fetch(sql.BY_KEY, event, keys))
        return distinct_entries_of(await self._fetch(sql.BY_KEY_OR_ABOUT, event, keys, about))

    async def read(self, event: str, after: int, limit: int) -> list[Entry]:
        return entries_of(await self._fetch(sql.READ, event, after, limit))

    async def append_at(self, expected: Head, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
        self._begins()
        believed = self.now() if self._clock is None else None
        moved, clock = await self._append(expected, entries, postings, believed, writing=True)
        if moved:
            return
        if believed is not None and abs(clock - believed) >= sql.CLOCK_SLACK_US:
            raise ClockMoved(f"the database's clock is {clock - believed} us ahead of what was believed")
        raise HeadMoved(f"head of {expected.event} is not at {expected.position}")

    async def begin(self, event: str, brand: str | None = None) -> tuple[Head, int] | None:
        self._begins()
        await self._execute("BEGIN")
        if brand is None:
            rows = await self._fetch(sql.LOCK, event)
        else:
            rows = await self._fetch(sql.CREATE_EMPTY, event, brand)
        if not rows:
            await self.rollback()
            return None
        self._locked = Head(*rows[0][:5])
        self._database_clock.set(rows[0][5])
        return self._locked, self.now()

    async def append(self, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
        head = self._goes_on()
        moved, _ = await self._append(head, entries, postings, None, writing=False)
        if not moved:
            await self.rollback()
            raise InvariantError(f"head of {head.event} moved while it was locked")
        self._locked = head_after(head, entries)

    async def commit(self) -> None:
        self._goes_on()
        await self._commit()
        self._locked = None

    async def rollback(self) -> None:
        self._locked = None
        connection = self._connection
        if connection is None or not _is_in_transaction(connection):
            return
        try:
            await connection.execute("ROLLBACK")
        except Exception:
            self._drop()
        except BaseException:
            self._drop()
            raise

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self.rollback()
        finally:
            self._connections.give(self._connection)
            self._connection = None

    async def _append(
        self,
        expected: Head,
        entries: Sequence[Entry],
        postings: Sequence[Posting],
        believed: int | None,
        writing: bool,
    ) -> tuple[int, int]:
        """Whether the head was where it should be, and the database's clock."""
        last = entries[-1]
        rows = await self._fetch(
            sql.APPEND,
            expected.event,
            expected.position,
            expected.hash,
            last.position,
            last.hash,
            last.recorded_at,
            believed,
            [e.position for e in entries],
            [e.kind for e in entries],
            [e.key for e in entries],
            [e.occurred_at for e in entries],
            [e.recorded_at for e in entries],
            [e.actor for e in entries],
            [e.about for e in entries],
            [e.body for e in entries],
            [e.prev_hash for e in entries],
            [e.hash for e in entries],
            [p.position for p in postings],
            [p.leg for p in postings],
            [p.account for p in postings],
            [p.currency for p in postings],
            [p.amount for p in postings],
            writing=writing,
        )
        moved, clock = rows[0]
        self._database_clock.set(clock)
        return moved, clock

    async def _fetch(self, statement: str, *arguments: Any, writing: bool = False) -> list[Any]:
        connection = self._connection
        if connection is None or connection.is_closed():
            connection = await self._connected()
        try:
            rows: list[Any] = await connection.fetch(statement, *arguments)
        except BaseException as error:
            raise await self._failed(error, writing) from error
        return rows

    async def _execute(self, statement: str, writing: bool = False) -> str:
        connection = await self._connected()
        try:
            return str(await connection.execute(statement))
        except BaseException as error:
            raise await self._failed(error, writing) from error

    async def _commit(self) -> None:
        answer = await self._execute("COMMIT", writing=True)
        if answer != "COMMIT":
            # What PostgreSQL says, without an error, when the transaction had failed before.
            raise InvariantError(f"COMMIT was answered with {answer}")

    async def _connected(self) -> asyncpg.Connection:
        connection = self._connection
        if connection is not None and not connection.is_closed():
            return connection
        if self._is_closed or self._locked is not None:
            raise Unavailable("database_unavailable", "The connection to the database was lost.")
        self._connection = None
        self._connection = await self._connections.connect()
        return self._connection

    async def _failed(self, error: BaseException, writing: bool) -> Exception:
        """What to raise for an error of the driver; leaves the session usable, without a transaction."""
        if not isinstance(error, Exception):
            # Cancelled: the answer may still come and would be taken for that of the next call.
            self._drop()
            raise error
        if is_usable_after(error):
            await self.rollback()
        else:
            self._drop()
        return translated(error, writing)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _begins(self) -> None:
        if self._locked is None:
            return
        if self._connection is not None and not self._connection.is_closed():
            raise InvariantError("a transaction is open already")
        self._locked = None

    def _goes_on(self) -> Head:
        if self._locked is None:
            raise InvariantError("no transaction is open")
        return self._locked


def _is_in_transaction(connection: asyncpg.Connection) -> bool:
    return not connection.is_closed() and bool(connection.is_in_transaction())
