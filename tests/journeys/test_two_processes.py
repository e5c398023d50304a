"""Two server processes on one PostgreSQL, both taking orders for one event, and killed at random moments."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import httpx2
import pytest
import pytest_asyncio

from tests import factories
from tests.app_server import Serve, serving
from tests.client_log import ClientLog
from tests.event_client import EventClient
from tests.final_read import judge
from tests.servers import LONG, Postgres
from tests.traffic import Traffic

KILLS = 50 if LONG else 10
CLIENTS = 4
REPEATS = 0.3
SEEDS = range(20_210_427, 20_210_431 if LONG else 20_210_428)
_CATCH_UP_SECONDS_MAX = 10.0

Pair = tuple[EventClient, EventClient]
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def boards(event: EventClient) -> list[dict]:
    return [await event.board(board) for board in ("hosts", "teams.orders", "hosts.units.day")]


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_or_counted_twice_when_two_processes_are_killed_again_and_again(
    serve: Serve, postgres: Postgres, tmp_path: Path, seed: int
):
    """Judged by what the clients wrote down, line by line, before and after each call."""
    random = Random(seed)
    url = postgres.create_database()
    async with (
        serve(url) as first,
        serve(url) as second,
        first.client() as one,
        second.client() as two,
    ):
        event, same = await EventClient(one, "shared").open(), EventClient(two, "shared")
        log = ClientLog(tmp_path / "log")
        traffic = Traffic(event.id, [first.url, second.url], random, log=log)
        posting = asyncio.create_task(traffic.run(CLIENTS, REPEATS))
        for _ in range(KILLS):
            await asyncio.sleep(random.uniform(0.0, 0.6))
            server = random.choice((first, second))
            server.kill()
            await server.restart()
            assert not posting.done(), posting.exception()
        traffic.stop()
        await posting
        await traffic.settle()

        verdict = await judge(log, url, [event, same])

        assert (verdict.result, verdict.findings) == ("pass", [])
        assert verdict.acknowledged == len(traffic.acknowledged) > KILLS
        assert verdict.refused
        assert traffic.replays
        assert await boards(event) == await boards(same)
        verified = second.kos("verify", "--event", event.id, "--json")
        assert json.loads(verified.stdout)["result"] == "clean", verified.stdout
    postgres.drop_database(url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(postgres: Postgres) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Clients of two processes that stay up for the tests below."""
    url = postgres.create_database()
    async with serving(url) as first, serving(url) as second, first.client() as one, second.client() as two:
        yield one, two
    postgres.drop_database(url)


@pytest_asyncio.fixture(loop_scope="module")
async def pair(request: pytest.FixtureRequest, clients: tuple[httpx2.AsyncClient, httpx2.AsyncClient]) -> Pair:
    """A new event as each of two processes shows it."""
    name = request.node.name[:60]
    return await EventClient(clients[0], name).open(), EventClient(clients[1], name)


async def test_process_shows_what_the_other_one_took(pair: Pair):
    event, same = pair
    await same.board()

    position = (await event.sell("1", "h7"))["position"]

    shown = await same.board()
    async with asyncio.timeout(_CATCH_UP_SECONDS_MAX):
        while shown["position"] < position:
            await asyncio.sleep(0.02)
            shown = await same.board()
    assert shown == await event.board()
    assert (await same.ok("GET", "/orders/shop/1"))["status"] == "paid"


async def test_same_key_with_other_content_is_a_conflict_in_both(pair: Pair):
    event, same = pair
    answer = await event.sell("1", "h7")
    head = await event.head()
    other = factories.simple_order("1", "h8")

    conflicts = [await caller.post("/orders", other) for caller in (event, same)]
    repeats = [await caller.post("/orders", factories.simple_order("1", "h7")) for caller in (event, same)]

    assert [response.status_code for response in conflicts] == [409, 409]
    assert conflicts[0].content == conflicts[1].content
    assert [(response.status_code, response.json()) for response in repeats] == [(200, answer)] * 2
    assert await same.head() == head


async def test_order_posted_to_both_at_once_counts_once(pair: Pair):
    event, same = pair

    for number in range(60):
        bodies = [factories.simple_order(f"{number}", "h7"), factories.simple_order(f"{number}", "h7")]
        if number % 2:
            bodies[1]["host"] = "h8"
        answers = await asyncio.gather(event.post("/orders", bodies[0]), same.post("/orders", bodies[1]))
        assert sorted(answer.status_code for answer in answers) == ([201, 409] if number % 2 else [200, 201])

    assert len([entry for entry in await same.entries() if entry["kind"] == "order.paid"]) == 60


async def test_changes_by_ops_in_one_process_bind_the_other_at_once(pair: Pair):
    event, same = pair
    await same.board()

    await event.ok("PUT", "/roster", {"hosts": [{"id": "h11", "team": "ruby", "codes": ["NEW1"]}]})
    answers = [await same.sell("1", "h11"), await same.sell("2", code="NEW1")]
    await event.move("paused")
    moved = await same.move("ended")

    assert [answer["credits"][0]["host"] for answer in answers] == ["h11", "h11"]
    assert moved["status"] == "ended"


async def test_profile_changed_in_both_processes_keeps_both_changes(pair: Pair):
    event, same = pair
    await same.board()

    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "name": "Lin Yue"}]})
    await same.ok("PUT", "/roster", {"hosts": [{"id": "h7", "link": "https://example.org/lin"}]})

    host = next(host for host in (await same.ok("GET", "/roster"))["hosts"] if host["id"] == "h7")
    assert (host["name"], host["link"]) == ("Lin Yue", "https://example.org/lin")
