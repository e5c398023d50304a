"""An event that does not verify at a start can be read and takes nothing, in every process, until it was repaired."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from tests import factories
from tests.app_server import AppServer, app_server, run_kos, serving
from tests.event_client import EventClient
from tests.forging import sign
from tests.processes import start_on_free_port
from tests.servers import Postgres
from tests.tampering import EVENT, TamperedPostgres, TamperedSqlite, copy_of_postgres, copy_of_sqlite, fill

Database = TamperedSqlite | TamperedPostgres
# An order of h8, who is credited with more than it brought.
POSITION = 25
VERIFYING = {"KOS_VERIFY_AT_START": "true", "KOS_LOG_FORMAT": "json"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """States at 10, 20 and 30, and what was signed at 20."""
    if request.param == "sqlite":
        fill(f"sqlite+aiosqlite:///{tmp_path}/kos.db")
        copied = copy_of_sqlite(tmp_path / "kos.db", tmp_path)
        asyncio.run(sign(copied.url, 20, event=EVENT))
        yield copied
        return
    server: Postgres = request.getfixturevalue("postgres")
    copy = copy_of_postgres(server)
    asyncio.run(sign(copy.url, 20, event=EVENT))
    yield copy
    server.drop_database(copy.url)


@pytest.fixture
def shared(postgres: Postgres) -> Iterator[TamperedPostgres]:
    """For several processes; nothing of it was signed."""
    copy = copy_of_postgres(postgres)
    yield copy
    postgres.drop_database(copy.url)


def flip(database: Database, there: bytes, wanted: bytes) -> None:
    """Behind the guards, which stay away."""
    where = f"event = '{EVENT}' AND position = {POSITION}"
    body = bytes.fromhex(database.rows(f"SELECT {database.HEX.format('body')} FROM entry WHERE {where}")[0][0])
    assert there in body
    changed = database.BYTES.format(body.replace(there, wanted, 1).hex())
    database.disarm()
    database.run(f"UPDATE entry SET body = {changed} WHERE {where}")


def damage(database: Database) -> None:
    flip(database, b'"amount":3400', b'"amount":9400')


def repair(database: Database) -> None:
    flip(database, b'"amount":9400', b'"amount":3400')


async def quarantined(client: httpx2.AsyncClient) -> list[str]:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    names: list[str] = answer.json().get("quarantined", [])
    return names


async def until_quarantined(client: httpx2.AsyncClient, *events: str) -> None:
    """Errors: TimeoutError unless exactly these come to be."""
    async with asyncio.timeout(30):
        while await quarantined(client) != list(events):  # noqa: ASYNC110, another process does it
            await asyncio.sleep(0.05)


async def assert_read_only(client: httpx2.AsyncClient, event: EventClient) -> None:
    head = await event.head()
    answers = [
        await event.post("/orders", factories.simple_order("new", "h7")),
        await event.post("/orders/batch", [factories.simple_order("new", "h7")]),
        await event.post("/transitions", {"to": "paused"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "event_quarantined"), answer.text
        assert f"position {POSITION}" in answer.json()["detail"]
        assert f"kos verify --event {EVENT}" in answer.json()["detail"]
        assert answer.headers["Retry-After"] == "60"
    assert await event.head() == head
    assert (await event.board())["rows"]
    assert (await event.get("/journal")).status_code == 200
    # Nobody else has to do with it.
    await EventClient(client, "untouched").sell(f"other-{os.urandom(4).hex()}", "h7")


async def test_event_that_does_not_verify_is_read_only_until_it_was_repaired(database: Database):
    damage(database)
    async with serving(database.url, **VERIFYING) as server:
        async with server.client() as client:
            await until_quarantined(client, EVENT)
            await assert_read_only(client, EventClient(client, EVENT))
            figures = (await client.get("/metrics")).text
        alert = server.log_tail()
        too_early = server.kos("verify", "--event", EVENT, "--lift")

        # Repaired, and nobody has said so: what a start looks at is a part of it.
        server.stop()
        repair(database)
        await server.restart()
        async with server.client() as client:
            marked = await quarantined(client)
            lifted = server.kos("verify", "--event", EVENT, "--lift")
            await until_quarantined(client)
            await EventClient(client, EVENT).sell("new", "h7")

    assert "kos_events_quarantined 1.0" in figures
    assert '"event_quarantined"' in alert
    assert too_early.returncode == 1
    assert marked == [EVENT]
    assert (lifted.returncode, f"{EVENT} is out of quarantine" in lifted.stdout) == (0, True)


async def test_mark_reaches_every_process_of_the_installation(shared: TamperedPostgres):
    database = shared
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(serving(database.url, KOS_VERIFY_AT_START="false"))
        client = await stack.enter_async_context(first.client())
        event = EventClient(client, EVENT)
        # It has folded what is damaged after that, and finds nothing by itself; the second one folds the damage.
        await event.sell("before", "h7")
        right = await event.scores()
        damage(database)
        database.run("DELETE FROM state")
        second = await stack.enter_async_context(serving(database.url, **VERIFYING))
        other = await stack.enter_async_context(second.client())

        for each in (client, other):
            await until_quarantined(each, EVENT)
            await assert_read_only(each, EventClient(each, EVENT))
        wrong = await EventClient(other, EVENT).scores()
        repair(database)
        run_kos("verify", "--event", EVENT, "--lift", KOS_DATABASE_URL=database.url)
        for number, each in enumerate((client, other)):
            await until_quarantined(each)
            await EventClient(each, EVENT).sell(f"after-{number}", "h9")

        assert float(wrong["h8"]) == float(right["h8"]) + 60
        assert [(await EventClient(each, EVENT).scores())["h8"] for each in (client, other)] == [right["h8"]] * 2


async def test_one_of_several_workers_verifies_for_all(shared: TamperedPostgres):
    damage(shared)

    def on(port: int) -> AppServer:
        return app_server(port, shared.url, "--workers", "2", **VERIFYING)

    server = start_on_free_port(on)
    try:
        # The kernel gives each connection to either of them.
        for _ in range(8):
            async with server.client() as client:
                await until_quarantined(client, EVENT)
                await assert_read_only(client, EventClient(client, EVENT))
    finally:
        server.close()
