"""A thread that owns one SQLite connection: every call is one hop there and back.

The connection is opened by the first call and again after anything that broke it. The file must exist:
a store that made an empty one where the journal was would answer as if nothing had ever been sold.
"""

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from app.errors import InvariantError, Unavailable
from app.journal.store import HeadMoved, KeyTaken, OutcomeUnknown

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

LOCK_SECONDS_MAX = 5.0
PAGE_CACHE_BYTES = 64 * 1024 * 1024
# What the -wal file is cut back to after a long reader made it grow.
WAL_KEPT_BYTES = 64 * 1024 * 1024
# The writer checkpoints after its answers; this only holds if it could not for long.
WAL_PAGES_MAX = 50_000
STATEMENTS_KEPT = 256
CLOSE_SECONDS_MAX = 30.0
VERSION_MIN = (3, 37, 0)  # STRICT tables

# Result codes (the low byte) after which nothing of the transaction is there and a later call may succeed:
# BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
_TROUBLE = frozenset((5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 26))
# Those after which the connection is opened anew: READONLY, IOERR, CORRUPT, CANTOPEN, NOTADB.
_BROKEN = frozenset((8, 10, 11, 14, 26))
_IOERR = 10
_STOP = None
_NO_FILE = (0, 0)


def translated(error: Exception, committing: bool = False) -> Exception:
    """What an exception of the driver is to our callers; ``committing``: COMMIT itself failed."""
    if isinstance(error, sqlite3.IntegrityError):
        name, text = getattr(error, "sqlite_errorname", ""), str(error)
        if text.startswith(("KEY:", "EVENT:")) or "entry.key" in text:
            return KeyTaken(text)
        return InvariantError(f"SQLite refused with {name}: {text}")
    if isinstance(error, sqlite3.Error):
        code = _code_of(error)
        if code == _IOERR and committing:
            # The pages may be on the disk, the flush failed: a restart may find the commit.
            return OutcomeUnknown(str(error))
        if code in _TROUBLE or "no such table" in str(error):
            return unavailable(str(error))
        return InvariantError(f"SQLite: {type(error).__name__}: {error}")
    if isinstance(error, (Unavailable, InvariantError, HeadMoved, KeyTaken, OutcomeUnknown)):
        return error
    if isinstance(error, OSError):
        return unavailable(str(error))
    return InvariantError(f"{type(error).__name__}: {error}")


def _code_of(error: BaseException | None) -> int:
    """SQLite's primary result code; 0 for what is not an error of SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def unavailable(why: str) -> Unavailable:
    """The one error for a database that is not to be had now."""
    return Unavailable("database_unavailable", f"The database is not available: {why}")


class SqliteThread:
    """One connection in one thread. ``is_writer``: may write, and flushes every commit to the disk."""

    def __init__(self, path: Path, name: str, is_writer: bool, lock_seconds_max: float = LOCK_SECONDS_MAX) -> None:
        if sqlite3.sqlite_version_info < VERSION_MIN:
            raise InvariantError(f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or newer is needed")
        self._path = path
        self._name = name
        self._is_writer = is_writer
        self._lock_seconds_max = lock_seconds_max
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._wal_path = path.with_name(path.name + "-wal")
        self._files = (_NO_FILE, _NO_FILE)
        self._is_closed = False

    async def call(self, work: Work[T]) -> T:
        """Run ``work`` in the thread. It cannot be interrupted: cancelled, only its result is dropped."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put((work, loop, future))
        return await future

    def post(self, work: Work[Any]) -> None:
        """Run ``work`` in the thread after everything asked for before; its result and errors are dropped."""
        if not self._is_closed:
            self._put((work, None, None))

    async def close(self) -> None:
        """Finish what was asked for, close the connection, end the thread."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._thread is not None:
            self._queue.put(_STOP)
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS_MAX)

    def _put(self, job: tuple[Any, Any, Any]) -> None:
        if self._is_closed:
            raise unavailable("the store is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._queue.put(job)

    def _run(self) -> None:
        while (job := self._queue.get()) is not _STOP:
            self._do(*job)
            # Let go before the wait, or the last job's entries live until the next one.
            job = None
        self._close_connection()

    def _do(self, work: Work[Any], loop: Any, future: Any) -> None:
        result, failure = None, None
        try:
            result = work(self._connected())
        except Exception as error:
            if _code_of(error) in _BROKEN or _code_of(error.__cause__) in _BROKEN:
                self._close_connection()
            failure = translated(error)
            failure.__cause__ = error if failure is not error else error.__cause__
        if future is not None:
            # A loop that is closed has nobody who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, future, result, failure)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None:
            files = _identity(self._path), _identity(self._wal_path)
            if files == self._files:
                return self._connection
            # A removed file goes on working for those who have it open, and is lost with them.
            if files[0] == self._files[0]:
                # Closing in order brings what it holds into the database, so a restart loses nothing.
                raise unavailable(f"{self._wal_path} was removed while in use; restart this process")
            # SQLite sees that its file was moved, and leaves alone what now bears the name of its log.
            self._close_connection()
        self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",
            uri=True,
            timeout=self._lock_seconds_max,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS_KEPT,
        )
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise unavailable(f"no write-ahead log possible beside {self._path}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE_BYTES // 1024}")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
            if self._is_writer:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}").fetchall()
            else:
                connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
            self._files = _identity(self._path), _identity(self._wal_path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _close_connection(self) -> None:
        if self._connection is not None:
            try:
                self._connection.close()
            finally:
                self._connection = None


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return _NO_FILE
    return status.st_dev, status.st_ino


def _settle(future: "asyncio.Future[Any]", result: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is not None:
        future.set_exception(failure)
    else:
        future.set_result(result)
