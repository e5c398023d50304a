"""``kos serve --workers``: several processes behind one port, any of which may die, and none of which stays behind."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from app.journal.migrate import upgrade
from tests.app_server import AppServer, app_server, run_kos
from tests.event_client import EventClient
from tests.live import eventually
from tests.processes import environment, free_port, start_on_free_port
from tests.servers import Postgres

_END_SECONDS_MAX = 30.0
# Enough that each of two workers has some of them.
_FOLLOWERS = 24


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    created = postgres.create_database()
    yield created
    postgres.drop_database(created)


@pytest_asyncio.fixture
async def server(url: str) -> AsyncIterator[AppServer]:
    """Two workers, both serving; they end with the test whatever it did to them."""
    started = await asyncio.to_thread(
        start_on_free_port, lambda port: app_server(port, url, "--workers", "2", KOS_LOG_FORMAT="json")
    )
    found: set[int] = set()
    try:
        await eventually(lambda: listening(started) == 2)
        found |= workers(started)
        yield started
        found |= workers(started)
    finally:
        await asyncio.to_thread(started.kill if started.process is None else started.close)
        await eventually(lambda: not any(map(is_alive, found)))


def workers(server: AppServer) -> set[int]:
    """The pids of its children, by the kernel's word."""
    if server.process is None:
        return set()
    path = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return {int(pid) for pid in path.read_text().split()} if path.exists() else set()


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return re.search(r"^State:\s+[ZX]", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE) is None
    return False


def listening(server: AppServer) -> int:
    """How many sockets take connections on its port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for line in lines if line[1].endswith(f":{server.port:04X}") and line[3] == "0A")


async def exit_code(server: AppServer) -> int:
    assert server.process is not None
    code = await asyncio.to_thread(server.process.wait, _END_SECONDS_MAX)
    server.process = None
    return code


async def test_killed_worker_is_replaced_and_the_others_go_on(server: AppServer):
    before = workers(server)
    assert len(before) == 2
    assert server.log_tail().count("KOS Live listens on") == 1
    async with server.client() as client:
        event = await EventClient(client, "kept").open()

    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    await eventually(lambda: listening(server) == 1)
    # A new connection each: none of them comes to the one that is gone.
    for number in range(20):
        async with server.client() as client:
            assert (await client.get("/readyz")).status_code == 200
            await EventClient(client, event.id).sell(f"{number}", "h7")
    await eventually(lambda: listening(server) == 2)
    after = workers(server)

    assert len(after) == 2
    assert before & after == before - {killed}
    assert '"event": "worker_ended"' in server.log_tail()


async def test_signal_to_the_parent_ends_all_in_good_order(server: AppServer):
    pids = workers(server)
    assert server.process is not None

    server.process.send_signal(signal.SIGTERM)

    assert await exit_code(server) == 0
    assert not any(map(is_alive, pids))
    assert server.log_tail().count('"event": "stopped"') == 2
    assert not server.accepts()


async def test_signal_to_parent_and_workers_alike_is_one_stop(server: AppServer):
    """As from a terminal or a service manager, which tell the whole group."""
    pids = workers(server)
    assert server.process is not None

    for pid in (*pids, server.process.pid):
        os.kill(pid, signal.SIGINT)

    assert await exit_code(server) == 0
    assert server.log_tail().count('"event": "stopped"') == 2


async def test_any_worker_tells_the_metrics_of_all_that_live(server: AppServer):
    """A new connection for each call, until both have taken some; then one of them dies."""

    def figures() -> dict[str, float]:
        try:
            answer = httpx2.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {server.key}"})
        except httpx2.TransportError:  # the worker that took this call is the one that is being killed
            return {}
        families = text_string_to_metric_families(answer.text)
        return {" ".join([one.name, *one.labels.values()]): one.value for each in families for one in each.samples}

    headers = {"Authorization": f"Bearer {server.key}"}
    address = f"{server.url.replace('http', 'ws', 1)}/v1/stream"
    async with AsyncExitStack() as stack:
        for _ in range(_FOLLOWERS):
            client = connect(address, subprotocols=[Subprotocol("kos.v1")], additional_headers=headers)
            await stack.enter_async_context(client)
        await eventually(lambda: figures().get("kos_stream_connections handed_over") == _FOLLOWERS)
        calls = figures()["kos_http_requests_total /metrics 200"]
        assert figures()["kos_http_requests_total /metrics 200"] == calls + 1

        os.kill(min(workers(server)), signal.SIGKILL)

        # Its connections are gone, what it counted is not.
        await eventually(lambda: 0 < figures().get("kos_stream_connections handed_over", 0) < _FOLLOWERS)
        assert figures()["kos_http_requests_total /metrics 200"] > calls + 1


async def test_workers_end_when_the_parent_is_killed(server: AppServer):
    pids = workers(server)

    server.kill()

    await eventually(lambda: not any(map(is_alive, pids)))
    assert not server.accepts()


async def test_signal_while_workers_start_is_a_stop_in_good_order(url: str):
    """At moments spread over their start; one that starts in the end is one that the parent let go before."""
    await asyncio.to_thread(upgrade, url)
    for part in (1, 2, 3, 4):
        server = app_server(free_port(), url, "--workers", "2", KOS_LOG_FORMAT="json")
        process = await asyncio.to_thread(server.launch)
        try:
            await eventually(lambda: len(workers(server)) == 2)  # noqa: B023
            pids = workers(server)
            await asyncio.sleep(part * 0.3)
            process.send_signal(signal.SIGTERM)

            assert await exit_code(server) == 0
            assert not any(map(is_alive, pids))
            assert "Traceback" not in server.log_tail()
        finally:
            await asyncio.to_thread(server.close)


def test_worker_that_the_parent_let_go_while_it_started_stops_in_good_order(url: str):
    upgrade(url)
    ours, inherited = socket.socketpair()
    ours.close()
    with inherited:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "app.cli.worker", "127.0.0.1", "0", str(inherited.fileno())],
            pass_fds=[inherited.fileno()],
            env=environment(KOS_DATABASE_URL=url, KOS_LOG_FORMAT="json"),
            capture_output=True,
            text=True,
            timeout=_END_SECONDS_MAX,
        )

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert '"event": "stopped"' in done.stderr + done.stdout


def test_workers_that_never_start_are_given_up(postgres: Postgres, url: str):
    """The parent's own look at the database passes; a table that only the application reads is gone."""
    upgrade(url)
    postgres.psql("DROP TABLE secret", url.rpartition("/")[2])

    done = run_kos("serve", "--port", "0", "--workers", "2", KOS_DATABASE_URL=url)

    assert done.returncode == 1, done.stderr
    assert "No worker starts" in done.stderr


def test_sqlite_is_refused_before_anything_is_made(tmp_path: Path):
    done = run_kos("serve", "--workers", "2", KOS_DATABASE_URL=f"sqlite:///{tmp_path}/kos.db")

    assert done.returncode == 1
    assert done.stderr == "An SQLite database is for one serving process: use PostgreSQL for --workers.\n"
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


async def test_port_of_another_server_is_refused(server: AppServer, url: str):
    done = await asyncio.to_thread(run_kos, "serve", "--workers", "2", "--port", str(server.port), KOS_DATABASE_URL=url)

    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{server.port}" in done.stderr
    assert httpx2.get(f"{server.url}/readyz").status_code == 200
