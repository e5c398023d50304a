"""Plain transactions for what is not the journal: keys, tokens, secrets, profiles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.dml import Insert

from app.errors import Unavailable

_BUSY_TIMEOUT_MS = 5_000
_CONNECT_TIMEOUT_SECONDS = 5


def create_engine(url: str) -> AsyncEngine:
    """An engine with bounded waits for either database."""
    if url.startswith("sqlite"):
        engine = create_async_engine(url, pool_size=2, max_overflow=2)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        return engine
    return create_async_engine(
        url,
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
        async with engine.begin() as db:
            yield db
    except (OperationalError, OSError, TimeoutError) as error:
        raise Unavailable("database_unavailable", "The database does not answer; send it again.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("database_unavailable", "The database went away; send it again.") from error
        raise
    except SQLAlchemyError as error:
        # A pool that is exhausted or a driver that could not connect has no DBAPI error of its own.
        raise Unavailable("database_unavailable", "The database does not answer; send it again.") from error


def insert_for(db: AsyncConnection, table: Any) -> Any:
    """An INSERT that knows ``on_conflict_do_*`` for the database at hand."""
    statement: Insert = (sqlite if db.dialect.name == "sqlite" else postgresql).insert(table)
    return statement


def _set_pragmas(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
