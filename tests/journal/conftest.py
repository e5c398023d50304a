"""Migrated databases for the tests of the journal, the stores on them, and a way round the stores."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.journal.migrate import upgrade
from app.journal.open import open_store
from app.journal.postgres_connections import connect_arguments
from app.journal.store import Store
from app.journal.store_sqlite import path_of
from tests.servers import Postgres


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "kos.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "kos.db")
    return f"sqlite+aiosqlite:///{tmp_path}/kos.db"


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    url = postgres.create_database(prepare=upgrade)
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest) -> str:
    """URL of a new database with all migrations; the test runs once on each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
async def store(journal_url: str) -> AsyncIterator[Store]:
    opened = open_store(journal_url, wait_seconds_max=2)
    yield opened
    await opened.close()


class Direct:
    """A connection of somebody who writes to the database without us. Shape: parameters are ``$1``, ``$2``..."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._connection: Any = None

    async def open(self) -> None:
        if self.is_sqlite:
            self._connection = sqlite3.connect(path_of(self.url), isolation_level=None, timeout=1)
        else:
            self._connection = await asyncpg.connect(**connect_arguments(self.url))

    async def run(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        if self.is_sqlite:
            numbered = {str(number): value for number, value in enumerate(arguments, 1)}
            return list(self._connection.execute(statement, numbered).fetchall())
        return [tuple(row) for row in await self._connection.fetch(statement, *arguments)]

    async def refused(self, statement: str, *arguments: Any) -> str:
        """The words of a guard or constraint that refuses a statement; fails the test when none does."""
        try:
            await self.run(statement, *arguments)
        except sqlite3.IntegrityError as error:
            return str(error)
        except asyncpg.PostgresError as error:
            if not (error.sqlstate or "").startswith(("KOS", "23")):
                raise
            return f"{error.sqlstate} {error}"
        raise AssertionError(f"not refused: {statement}")

    async def close(self) -> None:
        if self.is_sqlite:
            self._connection.close()
        else:
            await self._connection.close()


@pytest.fixture
async def direct(journal_url: str) -> AsyncIterator[Direct]:
    connection = Direct(journal_url)
    await connection.open()
    yield connection
    await connection.close()
