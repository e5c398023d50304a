"""A filled database to back up, of either kind, and empty ones to restore into."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import Postgres
from tests.tampering import TamperedPostgres, TamperedSqlite, copy_of_postgres, copy_of_sqlite, fill

Database = TamperedSqlite | TamperedPostgres
Empty = Callable[[str], str]


@pytest.fixture(scope="module")
def filled_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "kos.db"
    fill(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def filled_postgres(postgres: Postgres) -> Postgres:
    """A server that has the filled template, which takes a loop of its own to make."""
    copy = copy_of_postgres(postgres)
    postgres.drop_database(copy.url)
    return postgres


@pytest.fixture
def filled(filled_sqlite: Path, filled_postgres: Postgres, tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    """``filled("sqlite")``: a database of the test's own, with two events."""
    made: list[TamperedPostgres] = []

    def give(kind: str) -> Database:
        if kind == "sqlite":
            return copy_of_sqlite(filled_sqlite, tmp_path)
        made.append(copy_of_postgres(filled_postgres))
        return made[-1]

    yield give
    for copy in made:
        copy.server.drop_database(copy.url)


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Empty]:
    """``empty("postgresql")``: URL of a database in which there is nothing yet."""
    made: list[tuple[Postgres, str]] = []

    def give(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite+aiosqlite:///{tmp_path}/restored.db"
        server: Postgres = request.getfixturevalue("postgres")
        made.append((server, server.create_database()))
        return made[-1][1]

    yield give
    for server, url in made:
        server.drop_database(url)
