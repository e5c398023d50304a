"""A finished database that a test copies and then changes behind the program's back, guards and all."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from app.database import create_engine
from tests import factories
from tests.app_in_process import running_app
from tests.event_client import EventClient
from tests.servers import Postgres

EVENT = "audited"
STATE_ENTRIES = 10


class Tampered(Protocol):
    """One database in the hands of whoever can reach it."""

    url: str

    def run(self, *statements: str) -> None:
        """Execute and commit. Errors: RuntimeError with the database's words."""

    def rows(self, query: str) -> list[list[str]]:
        """Rows as text; bytes must be asked for with ``HEX``."""

    def disarm(self) -> None:
        """Take the guards away."""


@dataclass
class TamperedSqlite:
    url: str
    path: Path
    HEX = "lower(hex({}))"
    BYTES = "x'{}'"

    def run(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as db:
            try:
                for statement in statements:
                    db.execute(statement)
                db.commit()
            except sqlite3.Error as error:
                raise RuntimeError(str(error)) from None

    def rows(self, query: str) -> list[list[str]]:
        with closing(sqlite3.connect(self.path)) as db:
            return [[str(cell) for cell in row] for row in db.execute(query)]

    def disarm(self) -> None:
        names = [row[0] for row in self.rows("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
        self.run(*(f"DROP TRIGGER {name}" for name in names))


@dataclass
class TamperedPostgres:
    url: str
    server: Postgres
    HEX = "encode({}, 'hex')"
    BYTES = "'\\x{}'"

    @property
    def name(self) -> str:
        return urlsplit(self.url).path[1:]

    def run(self, *statements: str) -> None:
        try:
            self.server.psql("; ".join(statements), self.name)
        except Exception as error:
            raise RuntimeError(str(error)) from None

    def rows(self, query: str) -> list[list[str]]:
        return [line.split("|") for line in self.server.psql(query, self.name).splitlines()]

    def disarm(self) -> None:
        self.run(*(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in ("entry", "posting", "head")))


async def _fill(url: str) -> None:
    """An event with every kind of entry that money makes, and stored states."""
    async with running_app(url, lambda: factories.NOW_US, state_entries=STATE_ENTRIES) as api:
        event = await EventClient(api.client, EVENT).open()
        await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7", "weight": 2}, {"id": "h8"}]})
        await event.ok("POST", "/refunds", factories.refund("early", "o3", amount="2.00"))
        for number in range(20):
            seller = [{"host": "h7"}, {"code": "MEI20"}, {"session": "night"}, {}][number % 4]
            await event.ok("POST", "/orders", factories.order(f"o{number}", **seller))
        await event.ok("POST", "/refunds", factories.refund("r1", "o1", lines=[{"id": "1", "quantity": 1}]))
        await event.ok("POST", "/refunds", factories.refund("r2", "o2", amount="100.00"))
        await event.ok("POST", "/cancellations", factories.cancellation("o4"))
        await EventClient(api.client, "untouched").open()
    await forget_signed(url)


async def forget_signed(url: str) -> None:
    """What a server signs by itself depends on when it looked."""
    engine = create_engine(url)
    async with engine.begin() as db:
        for table in ("checkpoint", "checkpoint_key"):
            await db.exec_driver_sql(f"DELETE FROM {table}")
    await engine.dispose()


def fill(url: str) -> None:
    """Leaves no connection open."""
    asyncio.run(_fill(url))


def copy_of_sqlite(filled: Path, folder: Path) -> TamperedSqlite:
    path = folder / f"copy-{os.urandom(4).hex()}.db"
    shutil.copy(filled, path)
    return TamperedSqlite(f"sqlite+aiosqlite:///{path}", path)


def copy_of_postgres(server: Postgres) -> TamperedPostgres:
    """The first copy fills the template."""
    return TamperedPostgres(server.create_database(fill), server)
