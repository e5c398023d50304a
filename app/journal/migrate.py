"""Bring a database to the newest step of ``migrations/``; safe to run from several processes at once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app.errors import Unavailable
from app.journal.store_sqlite import path_of

# Beside the package, in a checkout as in an installed copy.
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

# One migration at a time per PostgreSQL database; any number will do as long as nobody else uses it.
_LOCK_ID = 0x6B6F732E6A
_LOCK_WAIT_SECONDS_MAX = 60


class DatabaseTooNew(Unavailable):
    """The database has been at a step that this program does not know: a newer version has served it."""

    def __init__(self, found: str) -> None:
        detail = (
            f"The database is at step {found}, and this version knows steps up to {newest()} only: a newer version has "
            "brought it up to date. Start that version, or restore the backup made before it was."
        )
        super().__init__("database_too_new", detail)


def upgrade(url: str) -> None:
    """Apply every step that is missing, all or none; creates the file of an SQLite database.

    Not for a running event loop: that one awaits ``upgrade_in_loop``.
    Errors: DatabaseTooNew; Unavailable ``database_unavailable`` in one sentence, without the password.
    """
    asyncio.run(upgrade_in_loop(url))


async def upgrade_in_loop(url: str) -> None:
    """As ``upgrade``; Alembic itself runs a few milliseconds on the loop."""
    with _told_in_a_sentence(url):
        _try_to_open(url, "rwc")
        async with connection_for_migration(url) as connection:
            await connection.run_sync(_upgrade)


async def require_current(url: str) -> None:
    """Make sure that what this version reads is there; writes nothing, not even an empty file, and waits for nobody.

    Errors: DatabaseTooNew; Unavailable if a step is missing or the database is not to be had.
    """
    engine = create_async_engine(url, poolclass=NullPool, connect_args=_connect_args(url))
    with _told_in_a_sentence(url):
        _try_to_open(url, "rw")
        try:
            async with engine.connect() as connection:
                found = await connection.run_sync(_known_step)
        finally:
            await engine.dispose()
    if found != newest():
        missing = "The database has not been brought up to date by this version; `kos serve` does that as it starts."
        raise Unavailable("database_unavailable", missing)


async def is_current(url: str) -> bool:
    """Whether every step has been applied."""
    async with connection_for_migration(url) as connection:
        found = await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())
    return found == newest()


def newest() -> str | None:
    """Name of the newest step."""
    return ScriptDirectory.from_config(_config()).get_current_head()


@asynccontextmanager
async def connection_for_migration(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection in one transaction that holds every other migration off; committed at the end."""
    engine = create_async_engine(url, poolclass=NullPool, connect_args=_connect_args(url))
    if engine.dialect.name == "sqlite":
        # The driver would commit before each CREATE; so it is told to leave transactions to us.
        event.listen(engine.sync_engine, "connect", _leave_transactions_to_us)
        event.listen(engine.sync_engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_SECONDS_MAX}s'"))
                await connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})
            yield connection
    finally:
        await engine.dispose()


def _try_to_open(url: str, mode: str) -> None:
    """Have an SQLite file that cannot be opened say so here: the driver's thread may outlive the loop that asked it."""
    if make_url(url).get_backend_name() == "sqlite":
        file = f"file:{quote(str(path_of(url)))}?mode={mode}"
        with closing(sqlite3.connect(file, _LOCK_WAIT_SECONDS_MAX, uri=True)) as connection:
            connection.execute("PRAGMA schema_version")


def _connect_args(url: str) -> dict[str, Any]:
    if make_url(url).get_backend_name() == "sqlite":
        return {"timeout": _LOCK_WAIT_SECONDS_MAX}
    return {"timeout": 10}


def _leave_transactions_to_us(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None


@contextmanager
def _told_in_a_sentence(url: str) -> Iterator[None]:
    """The drivers have many errors for a database that cannot be used; whoever started the program gets one."""
    try:
        yield
    except (OSError, sqlite3.Error, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Without the options: a password may be among them too.
        shown = make_url(url).set(query={}).render_as_string(hide_password=True)
        why = next(iter(str(error).splitlines()), "") or "it does not answer"
        raise Unavailable("database_unavailable", f"The database {shown} cannot be used: {why}") from error


def _known_step(connection: Connection) -> str | None:
    """The step that the database is at, None before the first. Errors: DatabaseTooNew."""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in known:
        raise DatabaseTooNew(found)
    return found


def _upgrade(connection: Connection) -> None:
    _known_step(connection)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    # The steps import their own helpers from this folder, not from some other package of that name.
    config.set_main_option("prepend_sys_path", str(MIGRATIONS.parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
