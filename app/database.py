"""Plain transactions for what is not the journal: keys, tokens, secrets, profiles."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.dml import Insert

from app.errors import Unavailable

log = structlog.get_logger(__name__)

_BUSY_TIMEOUT_MS = 5_000
_CONNECT_TIMEOUT_SECONDS = 5
# Classes of PostgreSQL's errors that say nothing of the statement: the link, read only (a standby), a lost race,
# resources, locks, shutdown, the system.
_TROUBLE = ("08", "25", "40", "53", "55", "57", "58")


def create_engine(url: str) -> AsyncEngine:
    """An engine with bounded waits for either database."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        # Opened for each transaction, and never made: what is written to a file that was moved away would be lost,
        # and an empty one in its place would look like a database that has forgotten everything.
        existing = f"file:{quote(str(Path(parsed.database or '').absolute()))}"
        parsed = parsed.set(database=existing, query={"mode": "rw", "uri": "true"})
        engine = create_async_engine(parsed, poolclass=NullPool, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        return engine
    return create_async_engine(
        parsed,
        # Keys' hashes and secrets are among the parameters, and errors are logged.
        hide_parameters=True,
        pool_size=4,
        max_overflow=4,
        pool_timeout=_CONNECT_TIMEOUT_SECONDS,
        pool_pre_ping=True,
        connect_args={"timeout": _CONNECT_TIMEOUT_SECONDS, "command_timeout": 10},
    )


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction, committed when the block ends well.

    Errors: Unavailable ``database_unavailable`` when the database cannot be reached or does not answer in time.
    """
    try:
        db = await engine.connect()
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        # Whatever the reason: without a connection nothing was asked that could be wrong.
        raise _unavailable() from error
    try:
        async with db.begin():
            yield db
    except (OperationalError, InterfaceError, OSError, TimeoutError) as error:
        raise _unavailable() from error
    except DBAPIError as error:
        sqlstate = getattr(error.orig, "sqlstate", None) or ""
        if error.connection_invalidated or sqlstate.startswith(_TROUBLE):
            raise _unavailable() from error
        raise
    finally:
        await db.close()


def _unavailable() -> Unavailable:
    return Unavailable("database_unavailable", "The database does not answer; send it again.")


def insert_for(db: AsyncConnection, table: Any) -> Any:
    """An INSERT that knows ``on_conflict_do_*`` for the database at hand."""
    statement: Insert = (sqlite if db.dialect.name == "sqlite" else postgresql).insert(table)
    return statement


def _set_pragmas(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


async def look_for_ever(look: Callable[[], Awaitable[None]], seconds: float, waits: str) -> None:
    """Look every so many seconds; a database that cannot be asked is asked again, and ``waits`` is logged once."""
    is_waiting = False
    while True:
        await asyncio.sleep(seconds)
        try:
            await look()
            is_waiting = False
        except Unavailable as error:
            if not is_waiting:
                log.warning(waits, reason=str(error))
            is_waiting = True
