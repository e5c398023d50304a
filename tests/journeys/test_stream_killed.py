"""``kill -9`` of a process, of Redis, of the database, while shops post and clients watch: they recover by themselves.

In the end everybody shows the same, and whatever anybody was shown in between is a fold of what is in the journal.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any

from kos_client import KosClient, Timing
from tests.app_server import ADMIN_KEY, AppServer, Serve
from tests.event_client import EventClient
from tests.processes import Server
from tests.servers import LONG, Postgres
from tests.traffic import Traffic, assert_counted_once

WATCHERS = 40 if LONG else 8
KILLS = 10 if LONG else 2
ORDERS_BETWEEN = 300
CHECKED = 200 if LONG else 30
POSTING = 4
SEED = 20_210_417
BOARD, TICKER = "boards/hosts", "orders"
# As the protocol says, only sooner.
HASTY = Timing(
    backoff_seconds_first=0.05, backoff_seconds_max=0.5, quiet_seconds=2, answer_seconds_max=2, retry_seconds=0.2
)


class Watcher:
    """Follows a board and the ticker through one process, and keeps every board that it was shown."""

    def __init__(self, url: str, event: str) -> None:
        self.client = KosClient(url, ADMIN_KEY, timing=HASTY)
        self.event = event
        self.shown: list[dict[str, Any]] = []
        self.ticker: dict[str, Any] = {}

    async def watch(self) -> None:
        async with self.client as client, asyncio.TaskGroup() as group:
            board = await client.follow(f"{self.event}/{BOARD}")
            ticker = await client.follow(f"{self.event}/{TICKER}")

            async def watch_ticker() -> None:
                async for document in ticker.changes():
                    self.ticker = document

            group.create_task(watch_ticker())
            async for document in board.changes():
                self.shown.append(document)

    @property
    def board(self) -> dict[str, Any]:
        return self.shown[-1] if self.shown else {}

    @property
    def newest(self) -> int:
        """Position of the last order that the ticker shows."""
        rows = self.ticker.get("rows")
        return rows[0]["position"] if rows else 0


class Night:
    """Two processes over one database and one Redis, with shops and watchers on both."""

    def __init__(self, servers: list[AppServer], postgres: Postgres, valkey: Server, event: EventClient) -> None:
        self.servers = servers
        self.postgres = postgres
        self.valkey = valkey
        self.event = event
        self.traffic = Traffic(event.id, [server.url for server in servers], Random(SEED))
        self.watchers = [Watcher(servers[number % 2].url, event.id) for number in range(WATCHERS)]

    async def sold(self, count: int = ORDERS_BETWEEN) -> None:
        """Until so many more orders were acknowledged."""
        wanted = len(self.traffic.acknowledged) + count
        async with asyncio.timeout(60):
            while len(self.traffic.acknowledged) < wanted:  # noqa: ASYNC110, there is nothing that could tell
                await asyncio.sleep(0.01)

    async def everybody_shows_the_same(self) -> None:
        """What holds at the last order that was acknowledged. Errors: TimeoutError."""
        last = max(answer["position"] for answer in self.traffic.acknowledged.values())
        async with asyncio.timeout(30):
            while (board := await self.event.board())["position"] < last:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            for watcher in self.watchers:
                while without_position(watcher.board) != without_position(board):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            # The ticker is another channel, and may come a moment later.
            while any(watcher.newest != last for watcher in self.watchers):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert len({str(without_position(watcher.ticker)) for watcher in self.watchers}) == 1

    async def nobody_was_shown_what_was_not_committed(self) -> None:
        """Positions never went back, and a fold up to any of them gives what was shown there."""
        by_position: dict[int, dict[str, Any]] = {}
        for watcher in self.watchers:
            positions = [board["position"] for board in watcher.shown]
            assert positions == sorted(positions)
            for board in watcher.shown:
                assert by_position.setdefault(board["position"], board) == board
        chosen = Random(SEED).sample(sorted(by_position), min(CHECKED, len(by_position)))
        for position in chosen:
            assert await self.event.board(at=position) == by_position[position]


def without_position(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "position"}


@asynccontextmanager
async def a_night(serve: Serve, postgres: Postgres, valkey: Server) -> AsyncIterator[Night]:
    """Everything runs on entering; on leaving, all orders are answered and everything that must hold is looked at."""
    url = postgres.create_database()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serve(url, KOS_REDIS_URL=valkey.url)) for _ in range(2)]
        one, two = [await stack.enter_async_context(server.client()) for server in servers]
        event = await EventClient(one, "night").open()
        night = Night(servers, postgres, valkey, event)
        watching = [asyncio.create_task(watcher.watch()) for watcher in night.watchers]
        posting = asyncio.create_task(night.traffic.run(POSTING))
        try:
            yield night
            night.traffic.stop()
            await posting
            await night.traffic.settle()
            await night.everybody_shows_the_same()
            await night.nobody_was_shown_what_was_not_committed()
            await assert_counted_once(EventClient(two, event.id), night.traffic)
            assert not any(task.done() for task in watching)
        finally:
            for task in (posting, *watching):
                task.cancel()
            await asyncio.wait([posting, *watching])


async def test_clients_of_a_killed_process_come_back_and_show_the_same(serve, own_postgres, own_valkey):
    async with a_night(serve, own_postgres, own_valkey) as night:
        for number in range(KILLS):
            await night.sold()
            server = night.servers[number % 2]
            server.kill()
            await night.sold()
            await server.restart()
            await night.sold()
    assert all(watcher.client.connections_made > 1 for watcher in night.watchers)


async def test_nothing_is_missed_while_redis_is_gone_and_when_it_comes_back_empty(serve, own_postgres, own_valkey):
    async with a_night(serve, own_postgres, own_valkey) as night:
        for _ in range(KILLS):
            await night.sold()
            night.valkey.kill()
            await night.sold()
            await asyncio.to_thread(night.valkey.start)
            await night.sold()
    assert all(watcher.client.connections_made == 1 for watcher in night.watchers)


async def test_clients_stay_right_through_a_crash_of_the_database(serve, own_postgres, own_valkey):
    async with a_night(serve, own_postgres, own_valkey) as night:
        for _ in range(KILLS):
            await night.sold()
            night.postgres.kill()
            await asyncio.sleep(0.5)
            await asyncio.to_thread(night.postgres.start)
            await night.sold()


def ask(valkey: Server, words: str) -> bytes:
    """What the server says to one command."""
    with socket.create_connection(("127.0.0.1", valkey.port), timeout=10) as connection:
        connection.sendall(f"{words}\r\n".encode())
        return connection.recv(1_000)


async def test_redis_that_stalls_forgets_and_comes_back_with_an_older_memory_changes_nothing(
    serve, own_postgres, own_valkey
):
    """Paused, flushed, replaced by a dump: boards are never taken from there, so nobody is shown an older one."""
    assert ask(own_valkey, "SET older memory") == b"+OK\r\n"
    async with a_night(serve, own_postgres, own_valkey) as night:
        await night.sold()
        assert ask(own_valkey, "SAVE") == b"+OK\r\n"

        os.kill(own_valkey.pid, signal.SIGSTOP)
        await night.sold()
        os.kill(own_valkey.pid, signal.SIGCONT)
        await night.sold()
        assert ask(own_valkey, "FLUSHALL") == b"+OK\r\n"
        await night.sold()
        own_valkey.kill()
        await asyncio.to_thread(own_valkey.start)
        assert ask(own_valkey, "GET older") == b"$6\r\nmemory\r\n"
        await night.sold()
    assert all(watcher.client.connections_made == 1 for watcher in night.watchers)
