"""A process that stalls in the middle of a transaction: only its event waits, and the database ends it in time."""

import asyncio

import pytest

from app.journal import postgres_connections
from app.journal.open import open_store
from tests import factories
from tests.app_server import Serve
from tests.event_client import EventClient
from tests.servers import LONG, Postgres

# As it is, or shortened: the same setting, told to the database by the same way.
HOLDS_MS = 10_000 if LONG else 3_000
BESIDE = 20
_FREED_SECONDS_MAX = 40.0


async def test_only_the_event_of_a_stalled_transaction_waits_and_not_for_ever(
    serve: Serve, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    settings = postgres_connections._SERVER_SETTINGS
    assert 0 < int(settings["idle_in_transaction_session_timeout"]) <= 10_000
    monkeypatch.setitem(settings, "idle_in_transaction_session_timeout", str(HOLDS_MS))
    url = postgres.create_database()
    async with serve(url) as server, server.client() as client:
        held, free = await EventClient(client, "held").open(), await EventClient(client, "free").open()
        await held.sell("before", "h7")
        store = open_store(url)
        stalled = await store.session()
        try:
            assert await stalled.begin("held") is not None

            waiting = asyncio.create_task(held.post("/orders", factories.simple_order("waits", "h7")))
            for number in range(BESIDE):
                await free.sell(f"{number}", "h8")
            assert not waiting.done()

            statuses = [(await waiting).status_code]
            async with asyncio.timeout(_FREED_SECONDS_MAX):
                while statuses[-1] == 503:
                    statuses.append((await held.post("/orders", factories.simple_order("waits", "h7"))).status_code)
            assert statuses[-1] in (200, 201)
        finally:
            await stalled.close()
            await store.close()

        assert await held.scores("hosts.orders") == {"h7": 2}
        assert await free.scores("hosts.orders") == {"h8": BESIDE}
        assert server.kos("verify").returncode == 0
    postgres.drop_database(url)
