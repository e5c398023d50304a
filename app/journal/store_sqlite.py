"""The store on SQLite: one thread writes, others read, and every call is one hop to one of them."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import make_url

from app.errors import InvariantError
from app.journal import sqlite_search as search
from app.journal import sqlite_statements as run
from app.journal.entry import Entry
from app.journal.sqlite_thread import LOCK_SECONDS_MAX, SqliteThread, unavailable
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
    head_after,
)

T = TypeVar("T")
Clock = Callable[[], int]

READER_THREADS = 2
WAIT_SECONDS_MAX = 5.0
# Rows written between two checkpoints.
CHECKPOINT_ROWS = 20_000


def process_clock() -> int:
    """Microseconds since 1970 UTC by this machine."""
    return time.time_ns() // 1000


def path_of(url: str) -> Path:
    """The file of a ``sqlite+aiosqlite:///path`` URL. Errors: ValueError for any other, and for memory."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.host or not parsed.database:
        raise ValueError(f"not the URL of an SQLite file: {url}")
    if parsed.database == ":memory:" or parsed.database.startswith("file:") or parsed.query:
        raise ValueError(f"an SQLite database must be a plain file here: {url}")
    # SQLite itself resolves links before it names the file's companions.
    return Path(parsed.database).resolve()


class SqliteStore:
    """A ``Store``."""

    dialect = "sqlite"

    def __init__(
        self,
        url: str,
        clock: Clock | None = None,
        wait_seconds_max: float = WAIT_SECONDS_MAX,
        lock_seconds_max: float = LOCK_SECONDS_MAX,
    ) -> None:
        self._path = path_of(url)
        self._clock = clock or process_clock
        self._lock_seconds_max = lock_seconds_max
        self._writer = Writer(self._thread("writer", is_writer=True), wait_seconds_max)
        # Lookups of writers do not wait behind the long reads of everybody else.
        self._lookups = self._thread("lookups")
        self._readers = [self._thread(f"reader-{number}") for number in range(READER_THREADS)]
        self._next_reader = 0

    def _thread(self, name: str, is_writer: bool = False) -> SqliteThread:
        return SqliteThread(self._path, f"kos-sqlite-{name}", is_writer, self._lock_seconds_max)

    async def session(self) -> Session:
        return SqliteSession(self._writer, self._lookups, self._clock)

    async def head(self, event: str) -> Head | None:
        return await self._read(partial(run.find_head, event=event))

    async def heads(self, events: Sequence[str] | None = None, brand: str | None = None) -> list[Head]:
        return await self._read(partial(run.heads, events=events, brand=brand))

    async def read(self, event: str, after: int, limit: int) -> list[Entry]:
        return await self._read(partial(run.read, event=event, after=after, limit=limit))

    async def lookup(self, event: str, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        return await self._read(partial(run.lookup, event=event, keys=keys, about=about))

    async def lookup_brand(self, brand: str, keys: Sequence[str]) -> list[Entry]:
        return await self._read(partial(run.lookup_brand, brand=brand, keys=keys))

    async def terms(self, events: Sequence[str]) -> list[Entry]:
        return await self._read(partial(run.terms, events=events))

    async def postings(self, event: str, after: int, limit_positions: int) -> list[Posting]:
        return await self._read(partial(run.postings, event=event, after=after, limit_positions=limit_positions))

    async def accounts(self, event: str, at: int, after: str, limit: int) -> list[AccountSum]:
        return await self._read(partial(run.accounts, event=event, at=at, after=after, limit=limit))

    async def account_postings(self, event: str, account: str, at: int, after: int, limit: int) -> list[AccountPosting]:
        work = partial(run.account_postings, event=event, account=account, at=at, after=after, limit=limit)
        return await self._read(work)

    async def sums_by_kind(self, event: str, accounts: Sequence[str], after: int, at: int) -> list[KindSum]:
        return await self._read(partial(run.sums_by_kind, event=event, accounts=accounts, after=after, at=at))

    async def newest(self, event: str, kind: str, after: int, before: int, limit: int) -> list[Entry]:
        work = partial(search.newest, event=event, kind=kind, after=after, before=before, limit=limit)
        return await self._read(work)

    async def booked(self, event: str, accounts: Sequence[str], after: int, before: int, limit: int) -> list[Booked]:
        work = partial(search.booked, event=event, accounts=accounts, after=after, before=before, limit=limit)
        return await self._read(work)

    async def keys(self, first: str, behind: str, limit: int) -> list[tuple[str, str]]:
        return await self._read(partial(search.keys, first=first, behind=behind, limit=limit))

    async def latest_state(self, event: str, at: int | None = None) -> StoredState | None:
        return await self._read(partial(run.latest_state, event=event, at=at))

    async def save_state(self, state: StoredState) -> None:
        await self._writer.transaction(partial(run.save_state, state=state), rows=100)

    async def drop_states(self, event: str) -> int:
        return await self._writer.transaction(partial(run.drop_states, event=event), rows=100)

    @asynccontextmanager
    async def snapshot(self, event: str) -> AsyncIterator[SnapshotReader]:
        thread = self._thread("snapshot")
        try:
            await thread.call(run.begin_snapshot)
            yield _Snapshot(thread, event)
        finally:
            await thread.close()

    async def ping(self) -> None:
        await self._lookups.call(run.ping)

    async def close(self) -> None:
        # The writer last: whoever closes last brings the write-ahead log into the database.
        for thread in (self._lookups, *self._readers, self._writer.thread):
            await thread.close()

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._next_reader = (self._next_reader + 1) % len(self._readers)
        return await self._readers[self._next_reader].call(work)


class Writer:
    """The thread that writes, and the lock that gives it to one transaction at a time."""

    def __init__(self, thread: SqliteThread, wait_seconds_max: float) -> None:
        self.thread = thread
        self._lock = asyncio.Lock()
        self._wait_seconds_max = wait_seconds_max
        self._rows = 0

    async def take(self) -> None:
        """Errors: Unavailable if another session's transaction does not end in time."""
        if not self._lock.locked():
            await self._lock.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_seconds_max):
                await self._lock.acquire()
        except TimeoutError:
            raise unavailable("another transaction holds it") from None

    def give(self) -> None:
        self._lock.release()

    async def transaction(self, work: Callable[[sqlite3.Connection], T], rows: int) -> T:
        """Run work that begins and ends a transaction by itself."""
        await self.take()
        try:
            return await self.thread.call(work)
        finally:
            self.give()
            self.wrote(rows)

    def wrote(self, rows: int) -> None:
        """Checkpoint once enough was written: after the answer, so that nobody waits for it but the next."""
        self._rows += rows
        if self._rows >= CHECKPOINT_ROWS:
            self._rows = 0
            self.thread.post(run.checkpoint)


class SqliteSession:
    """A ``Session``. Outside a transaction it looks up in another thread than the one that writes.

    A call that fails inside a transaction rolls it back.
    """

    def __init__(self, writer: Writer, lookups: SqliteThread, clock: Clock) -> None:
        self._writer = writer
        self._lookups = lookups
        self._clock = clock
        # Head that the open transaction has locked; None: no transaction is open.
        self._locked: Head | None = None
        self._rows = 0

    def now(self) -> int:
        return self._clock()

    async def lookup(self, event: str, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        return await self._read(partial(run.lookup, event=event, keys=keys, about=about))

    async def read(self, event: str, after: int, limit: int) -> list[Entry]:
        return await self._read(partial(run.read, event=event, after=after, limit=limit))

    async def append_at(self, expected: Head, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
        if self._locked is not None:
            raise InvariantError("a transaction is open already")
        work = partial(run.append_at, expected=expected, entries=entries, postings=postings)
        await self._writer.transaction(work, rows=len(entries) + len(postings))

    async def begin(self, event: str, brand: str | None = None) -> tuple[Head, int] | None:
        if self._locked is not None:
            raise InvariantError("a transaction is open already")
        await self._writer.take()
        self._rows = 0
        try:
            self._locked = await self._writer.thread.call(partial(run.begin_event, event=event, brand=brand))
        finally:
            if self._locked is None:
                # Also when cancelled while the thread was at it: it undoes what it began.
                self._end()
        return None if self._locked is None else (self._locked, self._clock())

    async def append(self, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
        head = self._goes_on()
        work = partial(run.append_to, head=head, entries=entries, postings=postings)
        await self._inside(work)
        self._locked = head_after(head, entries)
        self._rows += len(entries) + len(postings)

    async def commit(self) -> None:
        self._goes_on()
        await self._inside(run.commit)
        self._end(undo=False)

    async def rollback(self) -> None:
        if self._locked is not None:
            self._end()

    async def close(self) -> None:
        await self.rollback()

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._locked is not None:
            return await self._inside(work)
        return await self._lookups.call(work)

    async def _inside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._writer.thread.call(work)
        except BaseException:
            self._end()
            raise

    def _goes_on(self) -> Head:
        if self._locked is None:
            raise InvariantError("no transaction is open")
        return self._locked

    def _end(self, undo: bool = True) -> None:
        """Undo what is open and let the next one in; the thread does both in this order."""
        self._locked = None
        if undo:
            self._writer.thread.post(run.rollback)
        self._writer.give()
        self._writer.wrote(self._rows)


class _Snapshot:
    """A ``SnapshotReader``: one read transaction on a connection of its own."""

    def __init__(self, thread: SqliteThread, event: str) -> None:
        self._thread = thread
        self._event = event

    async def head(self) -> Head | None:
        return await self._thread.call(partial(run.find_head, event=self._event))

    async def read(self, after: int, limit: int) -> list[Entry]:
        return await self._thread.call(partial(run.read, event=self._event, after=after, limit=limit))

    async def lookup(self, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        return await self._thread.call(partial(run.lookup, event=self._event, keys=keys, about=about))

    async def postings(self, after: int, limit_positions: int) -> list[Posting]:
        work = partial(run.postings, event=self._event, after=after, limit_positions=limit_positions)
        return await self._thread.call(work)

    async def states(self, after: int = 0, limit: int = 100) -> list[StoredState]:
        return await self._thread.call(partial(run.states, event=self._event, after=after, limit=limit))

    async def latest_state(self, at: int) -> StoredState | None:
        return await self._thread.call(partial(run.latest_state, event=self._event, at=at))

    async def signed(self, after: int, limit: int) -> list[SignedHash]:
        return await self._thread.call(partial(run.signed, event=self._event, after=after, limit=limit))

    async def signing_keys(self) -> dict[str, bytes]:
        return await self._thread.call(run.signing_keys)
