"""``kill -9`` at random moments while shops post: nothing acknowledged is lost, nothing counts twice."""

import asyncio
import json
import re
from pathlib import Path
from random import Random

from tests.app_server import Serve, app_server
from tests.client_log import ClientLog
from tests.event_client import EventClient
from tests.final_read import judge
from tests.processes import START_SECONDS_MAX, STOP_SECONDS_MAX, free_port
from tests.servers import LONG
from tests.traffic import Traffic, assert_counted_once

KILLS = 100 if LONG else 4
CLIENTS = 8
SEED = 20_210_326


async def test_every_acknowledged_order_survives_kills_at_random_moments(
    serve: Serve, database_url: str, tmp_path: Path
):
    print(f"seed {SEED}")
    random = Random(SEED)
    async with serve(database_url) as server, server.client() as client:
        event = await EventClient(client, "crash").open()
        log = ClientLog(tmp_path / "log")
        traffic = Traffic(event.id, [server.url], random, log=log)
        posting = asyncio.create_task(traffic.run(CLIENTS))
        for _ in range(KILLS):
            await asyncio.sleep(random.uniform(0.0, 0.6))
            server.kill()
            if random.random() < 0.15:
                # Now and then it dies while it is starting.
                server.launch()
                await asyncio.sleep(random.uniform(0.0, 1.0))
                server.kill()
            await server.restart()
            assert not posting.done(), posting.exception()
        traffic.stop()
        await posting
        known = set(traffic.acknowledged)
        lost = len(traffic.unknown)

        await traffic.settle()

        print(f"{len(known)} orders were acknowledged, {lost} of unknown fate settled, {traffic.replays} repeats")
        assert known
        assert lost
        await assert_counted_once(event, traffic)
        verdict = await judge(log, database_url, [event])
        assert (verdict.result, verdict.findings) == ("pass", [])
        verified = server.kos("verify", "--event", event.id, "--json")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert json.loads(verified.stdout)["result"] == "clean"


async def test_second_process_on_one_sqlite_file_is_refused_and_names_the_first(serve: Serve, tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path}/kos.db"
    async with serve(url) as first, first.client() as client:
        event = await EventClient(client, "alone").open()
        second = app_server(free_port(), url)
        second.launch()
        assert second.process is not None

        code = second.process.wait(START_SECONDS_MAX)

        told = second.log_tail()
        assert code == 1
        assert re.search(rf"\bpid {first.pid}\b", told)
        assert "database_in_use" in told
        assert "Traceback" not in told
        await event.sell("1", "h7")
        second.process = None
        second.close()


async def test_sqlite_file_can_be_served_again_after_the_first_process_was_killed(serve: Serve, tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path}/kos.db"
    async with serve(url) as first, first.client() as client:
        event = await EventClient(client, "alone").open()
        answer = await event.sell("1", "h7")
        first.kill()

        async with serve(url) as second, second.client() as other:
            again = EventClient(other, "alone")
            assert (await again.sell("1", "h7")) == answer


async def test_readers_on_the_command_line_run_beside_a_server(serve: Serve, tmp_path: Path):
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server, server.client() as client:
        event = await EventClient(client, "read").open()
        await event.sell("1", "h7")

        assert server.kos("verify").returncode == 0
        assert server.kos("export", "--event", "read", "--format", "csv").returncode == 0


async def test_stop_answers_what_is_under_way_and_exits_in_order(serve: Serve, database_url: str):
    async with serve(database_url) as server, server.client() as client:
        event = await EventClient(client, "stop").open()
        traffic = Traffic(event.id, [server.url], Random(SEED))
        posting = asyncio.create_task(traffic.run(CLIENTS))
        await asyncio.sleep(0.5)
        process = server.process
        assert process is not None

        process.terminate()
        code = await asyncio.to_thread(process.wait, STOP_SECONDS_MAX)

        assert code == 0, server.log_tail()
        await server.restart()
        traffic.stop()
        await posting
        await traffic.settle()
        await assert_counted_once(event, traffic)
        assert "Traceback" not in server.log_tail()
