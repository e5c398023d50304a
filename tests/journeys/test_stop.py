"""Stopping while the database hangs: every caller is answered, and the process ends all the same."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx2

from tests import factories
from tests.app_server import AppServer, Serve
from tests.event_client import EventClient
from tests.servers import Postgres

# Far above what is promised, far below what waiting for the database's own limits takes: half a minute.
_STOP_SECONDS_MAX = 12.0


@contextmanager
def hanging(postgres: Postgres) -> Iterator[None]:
    """Connections stay, new ones are taken by the system, and nobody answers."""
    others = postgres.psql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    pids = [postgres.pid, *map(int, others.splitlines())]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


class Call:
    """One HTTP call whose bytes are with the server's kernel when ``send`` returns."""

    def __init__(self, server: AppServer) -> None:
        self._server = server

    async def send(self, method: str, path: str, body: Any) -> "Call":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        raw = json.dumps(body).encode()
        lines = (
            f"{method} {path} HTTP/1.1",
            "Host: kos",
            f"Authorization: Bearer {self._server.key}",
            f"Content-Length: {len(raw)}",
        )
        self._writer.write("\r\n".join((*lines, "", "")).encode() + raw)
        await self._writer.drain()
        return self

    async def answer(self) -> httpx2.Response:
        """What came until the server closed the connection."""
        raw = await self._reader.read()
        self._writer.close()
        await self._writer.wait_closed()
        head, _, content = raw.partition(b"\r\n\r\n")
        status, *headers = head.decode().split("\r\n")
        fields = {name: value for name, _, value in (header.partition(": ") for header in headers)}
        return httpx2.Response(int(status.split()[1]), headers=fields, content=content)


async def test_server_that_is_stopped_while_postgres_hangs_answers_and_ends(serve: Serve, own_postgres: Postgres):
    url = own_postgres.create_database()
    async with serve(url, KOS_DRAIN_SECONDS="1") as server, server.client() as client:
        event = await EventClient(client, "hangs").open()
        await event.sell("kept", "h7")
        with hanging(own_postgres):
            calls = [
                await Call(server).send("POST", f"{event.path}/orders", factories.simple_order("lost", "h7")),
                await Call(server).send("POST", f"{event.path}/refunds", factories.refund(order="kept", amount="1.00")),
                await Call(server).send("GET", f"{event.path}/journal", None),
            ]
            # Answered after the calls before it were read.
            assert (await client.get("/healthz")).status_code == 200
            process = server.process
            assert process is not None
            process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(process.wait, _STOP_SECONDS_MAX)
            answers = [await call.answer() for call in calls]

        for answer in answers:
            assert (answer.status_code, answer.json().get("code")) == (503, "writer_stopped"), answer.text
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["content-type"] == "application/problem+json"
        assert code == 0
        assert "stopped_without_waiting" in server.log_tail()

        await server.restart()
        again = await event.post("/orders", factories.simple_order("lost", "h7"))
        assert again.status_code in (200, 201)
        assert (await event.scores("hosts.orders")) == {"h7": 2}
        assert server.kos("verify").returncode == 0
