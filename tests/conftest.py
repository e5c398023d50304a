"""Fixtures that every test may ask for: real databases, a real browser."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import create_engine
from app.journal.migrate import upgrade
from tests.app_server import Serve, serving
from tests.browsers import find_chromium
from tests.processes import Server
from tests.servers import LONG, Postgres, start_postgres, start_valkey

# Examples per property. A busy machine is no failure; a failure prints what brings it back (``--hypothesis-seed``).
settings.register_profile("kos", max_examples=1_000 if LONG else 100, deadline=None, print_blob=True)
settings.load_profile("kos")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that all workers end together. Leave to ``--long`` what the quick run has no
    time for: a file that was asked for by its name is always whole.
    """
    # At full size one file alone takes as long as the rest does by the other workers.
    longest = ("tests/api/test_openapi.py",) if LONG else ()
    parts = (*longest, "tests/journeys/", "tests/web/", "tests/api/")
    items.sort(key=lambda item: next((place for place, part in enumerate(parts) if part in item.nodeid), len(parts)))
    if LONG or any(argument.endswith(".py") or "::" in argument for argument in config.args):
        return
    left = [item for item in items if item.get_closest_marker("at_full_size")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker("at_full_size")]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL per test process, started by the first test that asks. Leave it running."""
    server = start_postgres()
    yield server
    server.close()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Server]:
    """One Valkey per test process. Shared: use channels and keys of your own."""
    server = start_valkey()
    yield server
    server.close()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """One that the test may stop and kill."""
    server = start_postgres()
    yield server
    server.close()


@pytest.fixture
def own_valkey() -> Iterator[Server]:
    """One that the test may stop and kill."""
    server = start_valkey()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a new, empty database; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/kos.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a migrated database that the tests of a module share; each makes events of its own. On both kinds."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('shared')}/kos.db"
        upgrade(url)
        yield url
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create_database(prepare=upgrade)
    yield url
    server.drop_database(url)


@pytest.fixture
async def db(shared_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on the database that the tests of a module share."""
    engine = create_engine(shared_url)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; ``./test.sh`` finds or fetches one. Without one the test fails, never skips."""
    found = find_chromium()
    if found is None:
        pytest.fail("no Chromium: run ./test.sh, or set KOS_CHROMIUM to one", pytrace=False)
    return found


@pytest.fixture
def serve() -> Serve:
    """``async with serve(database_url) as server``: a real ``kos serve``, with ``server.url`` and ``server.key``."""
    return serving
