"""Where Alembic starts: on the connection that it is given, or on the database of ``KOS_DATABASE_URL``."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from app.journal.migrate import connection_for_migration
from app.journal.tables import metadata


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite's DDL is transactional once the driver leaves BEGIN to us, which the connection sees to.
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_by_hand(url: str) -> None:
    async with connection_for_migration(url) as connection:
        await connection.run_sync(run)


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(run_by_hand(os.environ["KOS_DATABASE_URL"]))
