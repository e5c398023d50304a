"""Open the store that a database URL names."""

from collections.abc import Callable

from sqlalchemy.engine import make_url

from app.journal.postgres_connections import LOCK_SECONDS_MAX, WAIT_SECONDS_MAX
from app.journal.store import Store
from app.journal.store_postgres import READER_CONNECTIONS_MAX, WRITER_CONNECTIONS_MAX, PostgresStore
from app.journal.store_sqlite import SqliteStore


def open_store(
    url: str,
    clock: Callable[[], int] | None = None,
    *,
    writer_connections_max: int = WRITER_CONNECTIONS_MAX,
    reader_connections_max: int = READER_CONNECTIONS_MAX,
    wait_seconds_max: float = WAIT_SECONDS_MAX,
    lock_seconds_max: float = LOCK_SECONDS_MAX,
) -> Store:
    """The store for ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://...``; connects at the first call.

    Units: ``clock`` returns microseconds since 1970 UTC and takes the place of the database's clock (of the
    process's on SQLite). ``wait_seconds_max`` bounds the wait for a connection, or for another session's
    transaction on SQLite, which has one writer and no use for the numbers of connections;
    ``lock_seconds_max`` the wait for a lock that another process holds.
    Errors: ValueError for another URL.
    """
    backend = make_url(url).get_backend_name()
    if backend == "sqlite":
        return SqliteStore(url, clock, wait_seconds_max, lock_seconds_max)
    if backend == "postgresql":
        return PostgresStore(
            url, clock, writer_connections_max, reader_connections_max, wait_seconds_max, lock_seconds_max
        )
    raise ValueError(f"neither PostgreSQL nor SQLite: {backend}")
