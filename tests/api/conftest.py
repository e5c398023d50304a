"""One application per test file and database, and an event of its own for every test."""

import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests import factories
from tests.app_in_process import Api, running_app
from tests.event_client import EventClient

_numbers = itertools.count(1)


class Clock:
    """The application's time in microseconds since the epoch. Set ``at``; it is put back after the test."""

    def __init__(self) -> None:
        self.at = factories.NOW_US

    def __call__(self) -> int:
        return self.at


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """URL of a new database that the tests of one file share."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database')}/kos.db"
        return
    server = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture(scope="module")
def module_clock() -> Clock:
    return Clock()


@pytest.fixture
def clock(module_clock: Clock):
    yield module_clock
    module_clock.at = factories.NOW_US


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(module_database_url: str, module_clock: Clock) -> AsyncIterator[Api]:
    """The application of a test file; its tests run in one loop (``asyncio(loop_scope="module")``)."""
    async with running_app(module_database_url, module_clock) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def event(api: Api) -> EventClient:
    """A live event with the roster of ``factories``; no test shares one."""
    return await EventClient(api.client, f"event-{next(_numbers)}").open()


@pytest_asyncio.fixture(loop_scope="module")
async def draft(api: Api) -> EventClient:
    """An event that is not there yet; ``create`` it as the test needs it."""
    return EventClient(api.client, f"event-{next(_numbers)}")
