"""Fixtures that every test may ask for: real databases, a real browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app_server import Serve, serving
from tests.processes import Server
from tests.servers import Postgres, start_postgres, start_valkey


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


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; ``./test.sh`` finds or fetches one. Without one the test fails, never skips."""
    names = ("chromium", "google-chrome", "chromium-browser", "google-chrome-stable")
    found = os.environ.get("KOS_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail("no Chromium: run ./test.sh, or set KOS_CHROMIUM to one", pytrace=False)
    return found


@pytest.fixture
def serve() -> Serve:
    """``async with serve(database_url) as server``: a real ``kos serve``, with ``server.url`` and ``server.key``."""
    return serving
