"""The store on PostgreSQL: sessions for writers, a few more connections for everybody who reads."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from app.journal import postgres_statements as sql
from app.journal.entry import Entry
from app.journal.postgres_connections import (
    LOCK_SECONDS_MAX,
    WAIT_SECONDS_MAX,
    Connections,
    is_usable_after,
    translated,
)
from app.journal.postgres_session import Clock, DatabaseClock, PostgresSession, distinct_entries_of, entries_of
from app.journal.store import (
    AccountPosting,
    AccountSum,
    Booked,
    Head,
    KindSum,
    Posting,
    Session,
    SignedHash,
    SnapshotReader,
    StoredState,
)

# For this long what the database's clock said is carried on; a session of a quiet time asks anew.
CLOCK_SECONDS_MAX = 5.0
WRITER_CONNECTIONS_MAX = 16
READER_CONNECTIONS_MAX = 4
# A reader of a whole journal may stop for long between two reads: it also writes, checks or waits for others.
SNAPSHOT_IDLE_SECONDS_MAX = 600.0


class PostgresStore:
    """A ``Store``. With ``clock`` given, that one is asked instead of the database's (tests, replays)."""

    dialect = "postgresql"

    def __init__(
        self,
        url: str,
        clock: Clock | None = None,
        writer_connections_max: int = WRITER_CONNECTIONS_MAX,
        reader_connections_max: int = READER_CONNECTIONS_MAX,
        wait_seconds_max: float = WAIT_SECONDS_MAX,
        lock_seconds_max: float = LOCK_SECONDS_MAX,
    ) -> None:
        self._clock = clock
        self._database_clock = DatabaseClock()
        self._writers = Connections(url, writer_connections_max, wait_seconds_max, lock_seconds_max)
        self._readers = Connections(url, reader_connections_max, wait_seconds_max, lock_seconds_max)
        # Snapshots last; they must not take the places of short reads.
        self._snapshots = Connections(url, reader_connections_max, wait_seconds_max, lock_seconds_max)

    async def session(self) -> Session:
        connection = await self._writers.take()
        session = PostgresSession(self._writers, connection, self._database_clock, self._clock)
        if self._database_clock.is_older_than(CLOCK_SECONDS_MAX):
            try:
                await session.read_clock()
            except BaseException:
                await session.close()
                raise
        return session

    async def head(self, event: str) -> Head | None:
        found = await self.heads([event])
        return found[0] if found else None

    async def heads(self, events: Sequence[str] | None = None, brand: str | None = None) -> list[Head]:
        if events is not None:
            rows = await self._fetch(sql.HEADS_OF, events)
        elif brand is not None:
            rows = await self._fetch(sql.HEADS_OF_BRAND, brand)
        else:
            rows = await self._fetch(sql.HEADS)
        return [found for row in rows if brand in (None, (found := Head(*row)).brand)]

    async def read(self, event: str, after: int, limit: int) -> list[Entry]:
        return entries_of(await self._fetch(sql.READ, event, after, limit))

    async def lookup(self, event: str, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        return distinct_entries_of(await self._fetch(sql.BY_KEY_OR_ABOUT, event, keys, about))

    async def lookup_brand(self, brand: str, keys: Sequence[str]) -> list[Entry]:
        return entries_of(await self._fetch(sql.BY_BRAND, brand, sorted(set(keys))))

    async def terms(self, events: Sequence[str]) -> list[Entry]:
        return entries_of(await self._fetch(sql.TERMS_OF, events))

    async def postings(self, event: str, after: int, limit_positions: int) -> list[Posting]:
        rows = await self._fetch(sql.POSTINGS, event, after, after + limit_positions)
        return [Posting(*row) for row in rows]

    async def accounts(self, event: str, at: int, after: str, limit: int) -> list[AccountSum]:
        return [AccountSum(*row) for row in await self._fetch(sql.ACCOUNTS, event, at, after, limit)]

    async def account_postings(self, event: str, account: str, at: int, after: int, limit: int) -> list[AccountPosting]:
        rows = await self._fetch(sql.ACCOUNT_POSTINGS, event, account, at, after, limit)
        return [AccountPosting(*row) for row in rows]

    async def sums_by_kind(self, event: str, accounts: Sequence[str], after: int, at: int) -> list[KindSum]:
        rows = await self._fetch(sql.SUMS_BY_KIND, event, list(accounts), after, at)
        return [KindSum(*row) for row in rows]

    async def newest(self, event: str, kind: str, after: int, before: int, limit: int) -> list[Entry]:
        return entries_of(await self._fetch(sql.NEWEST, event, kind, after, before, limit))

    async def booked(self, event: str, accounts: Sequence[str], after: int, before: int, limit: int) -> list[Booked]:
        rows = await self._fetch(sql.BOOKED, event, list(accounts), after, before, limit)
        return [Booked(*row) for row in rows]

    async def keys(self, first: str, behind: str, limit: int) -> list[tuple[str, str]]:
        return [(key, event) for key, event in await self._fetch(sql.KEYS, first, behind, limit)]

    async def latest_state(self, event: str, at: int | None = None) -> StoredState | None:
        rows = await self._fetch(sql.LATEST_STATE, event, sql.POSITION_MAX if at is None else at)
        return StoredState(*rows[0]) if rows else None

    async def save_state(self, state: StoredState) -> None:
        arguments = (state.event, state.position, state.digest, state.body)
        await self._fetch(sql.SAVE_STATE, *arguments)

    async def drop_states(self, event: str) -> int:
        return len(await self._fetch(sql.DROP_STATES, event))

    @asynccontextmanager
    async def snapshot(self, event: str) -> AsyncIterator[SnapshotReader]:
        connection = await self._snapshots.take()
        reader = _Snapshot(connection, event)
        try:
            await reader.begin()
            yield reader
        finally:
            # Rolling back would do, but a link that ends here cannot carry anything into its next use.
            connection.terminate()
            self._snapshots.give(None)

    async def ping(self) -> None:
        await self._fetch(sql.PING)

    async def close(self) -> None:
        for connections in (self._writers, self._readers, self._snapshots):
            await connections.close()

    async def _fetch(self, statement: str, *arguments: Any) -> list[Any]:
        # Also the states go this way: a cache, written or dropped again at will.
        connection = await self._readers.take()
        try:
            rows: list[Any] = await connection.fetch(statement, *arguments)
        except BaseException as error:
            if not is_usable_after(error):
                connection.terminate()
            if isinstance(error, Exception):
                raise translated(error, writing=False) from error
            raise
        finally:
            self._readers.give(connection)
        return rows


class _Snapshot:
    """A ``SnapshotReader``: one REPEATABLE READ transaction, read only."""

    def __init__(self, connection: asyncpg.Connection, event: str) -> None:
        self._connection = connection
        self._event = event

    async def begin(self) -> None:
        try:
            await self._connection.execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                f"SET LOCAL idle_in_transaction_session_timeout = {SNAPSHOT_IDLE_SECONDS_MAX * 1000:.0f}"
            )
        except Exception as error:
            raise translated(error, writing=False) from error
        # The snapshot is taken by the first query, not by BEGIN.
        await self.head()

    async def head(self) -> Head | None:
        rows = await self._fetch(sql.HEADS_OF, [self._event])
        return Head(*rows[0]) if rows else None

    async def read(self, after: int, limit: int) -> list[Entry]:
        return entries_of(await self._fetch(sql.READ, self._event, after, limit))

    async def lookup(self, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        return distinct_entries_of(await self._fetch(sql.BY_KEY_OR_ABOUT, self._event, keys, about))

    async def postings(self, after: int, limit_positions: int) -> list[Posting]:
        rows = await self._fetch(sql.POSTINGS, self._event, after, after + limit_positions)
        return [Posting(*row) for row in rows]

    async def states(self, after: int = 0, limit: int = 100) -> list[StoredState]:
        return [StoredState(*row) for row in await self._fetch(sql.STATES, self._event, after, limit)]

    async def latest_state(self, at: int) -> StoredState | None:
        rows = await self._fetch(sql.LATEST_STATE, self._event, at)
        return StoredState(*rows[0]) if rows else None

    async def signed(self, after: int, limit: int) -> list[SignedHash]:
        return [SignedHash(*row) for row in await self._fetch(sql.SIGNED, self._event, after, limit)]

    async def signing_keys(self) -> dict[str, bytes]:
        return dict(map(tuple, await self._fetch(sql.SIGNING_KEYS)))

    async def _fetch(self, statement: str, *arguments: Any) -> list[Any]:
        try:
            rows: list[Any] = await self._connection.fetch(statement, *arguments)
        except Exception as error:
            raise translated(error, writing=False) from error
        return rows
