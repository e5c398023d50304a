"""Bring a database to the newest step of ``migrations/``; safe to run from several processes at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

# Beside the package, in a checkout as in an installed copy.
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

# One migration at a time per PostgreSQL database; any number will do as long as nobody else uses it.
_LOCK_ID = 0x6B6F732E6A
_LOCK_WAIT_SECONDS_MAX = 60


def upgrade(url: str) -> None:
    """Apply every step that is missing, all or none; creates the file of an SQLite database.

    Not for a running event loop: that one awaits ``upgrade_in_loop``.
    Errors: those of the driver (``sqlalchemy.exc.DBAPIError``, ``OSError``) when there is no database.
    """
    asyncio.run(upgrade_in_loop(url))


async def upgrade_in_loop(url: str) -> None:
    """As ``upgrade``; Alembic itself runs a few milliseconds on the loop."""
    async with connection_for_migration(url) as connection:
        await connection.run_sync(_upgrade)


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


def _connect_args(url: str) -> dict[str, Any]:
    if make_url(url).get_backend_name() == "sqlite":
        return {"timeout": _LOCK_WAIT_SECONDS_MAX}
    return {"timeout": 10}


def _leave_transactions_to_us(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None


def _upgrade(connection: Connection) -> None:
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
