"""Two server processes on one PostgreSQL and one Valkey: what one takes the other shows, with Redis and without."""

import asyncio
from typing import Any

from tests.app_server import Serve
from tests.event_client import EventClient
from tests.servers import Postgres, start_valkey

# Found by the slow beat only what was told while the other one had no connection yet.
HEAL_MS = "2000"
_SHOWN_SECONDS_MAX = 20.0


async def shown(event: EventClient, position: int) -> dict[str, Any]:
    """The board once it is there. Errors: TimeoutError."""
    async with asyncio.timeout(_SHOWN_SECONDS_MAX):
        board: dict[str, Any] = await event.board()
        while board["position"] < position:
            await asyncio.sleep(0.005)
            board = await event.board()
        return board


async def test_processes_show_each_others_orders_with_redis_and_without(serve: Serve, postgres: Postgres):
    url, valkey = postgres.create_database(), start_valkey()
    settings = {"KOS_REDIS_URL": valkey.url, "KOS_TAIL_INTERVAL_MS": "20", "KOS_HEAL_INTERVAL_MS": HEAL_MS}
    try:
        async with (
            serve(url, **settings) as first,
            serve(url, **settings) as second,
            first.client() as one,
            second.client() as two,
        ):
            event = await EventClient(one, "told").open()
            same = EventClient(two, "told")
            await same.board()

            for number in range(10):
                seller, watcher = (event, same) if number % 2 else (same, event)
                position = (await seller.sell(f"{number}", "h7"))["position"]
                assert await shown(watcher, position) == await seller.board()

            valkey.kill()
            position = (await event.sell("without", "h7"))["position"]
            assert await shown(same, position) == await event.board()

            valkey.start()
            position = (await same.sell("again", "h7"))["position"]
            assert await shown(event, position) == await same.board()
    finally:
        valkey.close()
    postgres.drop_database(url)


async def test_process_starts_and_serves_where_redis_is_not(serve: Serve, postgres: Postgres):
    url = postgres.create_database()
    async with serve(url, KOS_REDIS_URL="redis://:hunter2@127.0.0.1:1") as server, server.client() as client:
        event = await EventClient(client, "alone").open()

        await event.sell("1", "h7")

        assert (await event.board())["rows_total"] > 0
        assert "bus_waits" in server.log_tail()
        assert "hunter2" not in server.log_tail()
    postgres.drop_database(url)


async def test_redis_is_ignored_where_one_process_serves(serve: Serve, tmp_path):
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db", KOS_REDIS_URL="redis://127.0.0.1:1") as server:
        assert "redis_ignored" in server.log_tail()
