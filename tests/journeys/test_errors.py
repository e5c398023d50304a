"""Trouble: the database goes away, or is too slow for what comes. 503 with Retry-After, nothing half written, and the
server recovers by itself.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest

from tests import factories
from tests.app_server import AppServer, Serve
from tests.event_client import EventClient
from tests.servers import Postgres
from tests.traffic import Traffic, assert_counted_once

SEED = 20_210_401
_RECOVER_SECONDS_MAX = 30.0


def path_of(url: str) -> Path:
    return Path(url.split("///", 1)[1])


def assert_unavailable(response: httpx2.Response, code: str) -> None:
    assert (response.status_code, response.json().get("code")) == (503, code), (
        f"{response.request.method} {response.request.url}: {response.text}"
    )
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert response.headers["content-type"] == "application/problem+json"
    if code == "database_unavailable":
        assert response.json()["detail"] == "The database does not answer; send it again."


async def assert_gone(event: EventClient) -> None:
    """What needs the database says so; a batch as a whole, because none of its items were tried."""
    calls: list[tuple[str, str, Any]] = [
        ("POST", f"{event.path}/orders", factories.simple_order("gone", "h7")),
        ("POST", f"{event.path}/orders/batch", [factories.simple_order(f"gone-{n}", "h7") for n in range(2)]),
        ("POST", f"{event.path}/refunds", factories.refund(order="kept", amount="1.00")),
        ("POST", f"{event.path}/transitions", {"to": "paused"}),
        ("POST", "/v1/events", factories.event_body("another")),
        ("GET", f"{event.path}/journal", None),
        ("GET", f"{event.path}/orders/shop/kept", None),
        ("POST", "/v1/keys", {"person": "x", "scopes": ["ops"]}),
        ("GET", "/readyz", None),
    ]
    for method, path, body in calls:
        assert_unavailable(await event.client.request(method, path, json=body), "database_unavailable")
    assert (await event.client.get("/healthz")).status_code == 200
    heads = [await event.client.head(path) for path in ("/healthz", "/readyz")]
    assert [(head.status_code, head.content) for head in heads] == [(200, b""), (503, b"")]


async def recovered(event: EventClient, identity: str) -> None:
    """Send one order as a shop would, until it is taken."""
    async with asyncio.timeout(_RECOVER_SECONDS_MAX):
        while True:
            response = await event.post("/orders", factories.simple_order(identity, "h7"))
            if response.is_success:
                return
            assert_unavailable(response, "database_unavailable")
            await asyncio.sleep(0.05)


async def assert_clean(server: AppServer, event: EventClient, orders: set[str]) -> None:
    paid = [entry["body"]["fact"]["id"] for entry in await event.entries() if entry["kind"] == "order.paid"]
    assert sorted(paid) == sorted(orders)
    assert (await event.scores("hosts.orders")) == {"h7": len(orders)}
    verified = server.kos("verify", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_postgres_that_went_away_and_came_back(serve: Serve, own_postgres: Postgres, way: str):
    url = own_postgres.create_database()
    async with serve(url) as server, server.client() as client:
        event = await EventClient(client, "trouble").open()
        await event.sell("kept", "h7")
        board = await event.board()

        getattr(own_postgres, way)()
        await assert_gone(event)
        # What is folded is still shown: it is what was true at its position.
        assert await event.board() == board
        own_postgres.start()
        await recovered(event, "after")

        await assert_clean(server, event, {"kept", "after"})


async def test_postgres_that_refuses_connections_for_a_while(serve: Serve, postgres: Postgres):
    url = postgres.create_database()
    name = urlsplit(url).path[1:]
    async with serve(url) as server, server.client() as client:
        event = await EventClient(client, "trouble").open()
        await event.sell("kept", "h7")

        postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await assert_gone(event)
        postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await recovered(event, "after")

        await assert_clean(server, event, {"kept", "after"})
    postgres.drop_database(url)


async def test_connections_cut_again_and_again_under_load_lose_and_double_nothing(serve: Serve, postgres: Postgres):
    print(f"seed {SEED}")
    random = Random(SEED)
    url = postgres.create_database()
    name = urlsplit(url).path[1:]
    async with serve(url) as server, server.client() as client:
        event = await EventClient(client, "cut").open()
        traffic = Traffic(event.id, [server.url], random)
        posting = asyncio.create_task(traffic.run(8))
        for _ in range(12):
            await asyncio.sleep(random.uniform(0.01, 0.3))
            postgres.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            assert not posting.done(), posting.exception()
        traffic.stop()
        await posting
        await traffic.settle()

        await assert_counted_once(event, traffic)
        assert server.kos("verify").returncode == 0
    postgres.drop_database(url)


async def test_sqlite_file_that_was_moved_away_and_put_back(serve: Serve, tmp_path: Path):
    path = tmp_path / "kos.db"
    async with serve(f"sqlite+aiosqlite:///{path}") as server, server.client() as client:
        event = await EventClient(client, "trouble").open()
        await event.sell("kept", "h7")

        os.rename(path, tmp_path / "away.db")
        await assert_gone(event)
        os.rename(tmp_path / "away.db", path)
        await recovered(event, "after")

        await assert_clean(server, event, {"kept", "after"})


@contextmanager
def held(url: str) -> Iterator[None]:
    """Somebody else holds the SQLite file's write lock."""
    with closing(sqlite3.connect(path_of(url), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def test_sqlite_file_that_somebody_else_keeps_locked(serve: Serve, tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path}/kos.db"
    async with serve(url) as server, server.client() as client:
        event = await EventClient(client, "trouble").open()
        await event.sell("kept", "h7")

        with held(url):
            response = await event.post("/orders", factories.simple_order("1", "h7"))
        await recovered(event, "after")

        assert_unavailable(response, "database_unavailable")
        await assert_clean(server, event, {"kept", "after"})


@asynccontextmanager
async def slow(database_url: str) -> AsyncIterator[None]:
    """Nothing can be committed while the block runs."""
    if database_url.startswith("sqlite"):
        with held(database_url):
            yield
        return
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute("BEGIN; SELECT 1 FROM head FOR UPDATE")
    try:
        yield
    finally:
        await connection.close()


async def test_full_queue_refuses_and_what_it_took_is_taken(serve: Serve, database_url: str):
    limits = {"KOS_QUEUE_FACTS_MAX": "10", "KOS_BATCH_FACTS_MAX": "5"}
    async with serve(database_url, **limits) as server, server.client() as client:
        event = await EventClient(client, "queue").open()
        orders = [factories.simple_order(f"{number}", "h7") for number in range(40)]

        async with slow(database_url):
            posting = [asyncio.create_task(event.post("/orders", order)) for order in orders]
            await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
        responses = await asyncio.gather(*posting)

        refused = [response for response in responses if response.status_code == 503]
        taken = {str(number) for number, response in enumerate(responses) if response.status_code == 201}
        assert len(refused) + len(taken) == len(orders)
        assert refused
        assert len(taken) > 10
        for response in refused:
            assert_unavailable(response, "queue_full")
        await assert_clean(server, event, taken)


async def test_batch_for_a_full_queue_is_refused_whole_and_can_be_sent_again(serve: Serve, database_url: str):
    limits = {"KOS_QUEUE_FACTS_MAX": "10", "KOS_BATCH_FACTS_MAX": "5"}
    batches = [[factories.simple_order(f"{n}-{m}", "h7") for m in range(5)] for n in range(8)]
    async with serve(database_url, **limits) as server, server.client() as client:
        event = await EventClient(client, "queue").open()

        async with slow(database_url):
            posting = [asyncio.create_task(event.post("/orders/batch", batch)) for batch in batches]
            await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
        responses = await asyncio.gather(*posting)
        for batch, response in zip(batches, responses, strict=True):
            if response.status_code == 503:
                assert_unavailable(response, "queue_full")
                response = await event.post("/orders/batch", batch)
            assert response.json()["accepted"] == 5

        assert 503 in {response.status_code for response in responses}
        await assert_clean(server, event, {order["id"] for batch in batches for order in batch})
