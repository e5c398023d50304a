"""Stopping with followers: not ready at once, everybody is told to come back, a few at a time, and the process ends."""

import asyncio
import json
import signal
from contextlib import AsyncExitStack

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.realtime import goodbye
from tests.app_server import AppServer, serving
from tests.live import eventually

_END_SECONDS_MAX = 30.0
# The goodbye takes more than half a second.
FOLLOWERS = goodbye.SLICE * 12


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/kos.db"


async def follow(stack: AsyncExitStack, server: AppServer, count: int) -> list[ClientConnection]:
    """That many connections, let in."""
    headers = {"Authorization": f"Bearer {server.key}"}
    address = f"{server.url.replace('http', 'ws', 1)}/v1/stream"
    found = []
    for _ in range(count):
        client = connect(address, subprotocols=[Subprotocol("kos.v1")], additional_headers=headers)
        found.append(await stack.enter_async_context(client))
    # Answered, so that the handshake of the last one is over in the server too.
    await found[-1].send('{"type":"ping","id":1}')
    await found[-1].recv()
    return found


async def code_of(client: ClientConnection) -> int | None:
    await asyncio.wait_for(client.wait_closed(), _END_SECONDS_MAX)
    return client.close_code


async def exit_code(server: AppServer) -> int:
    assert server.process is not None
    return await asyncio.to_thread(server.process.wait, _END_SECONDS_MAX)


async def refusal(client: httpx2.AsyncClient) -> httpx2.Response:
    """The first answer that is not "ready"."""
    while (answer := await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110, nothing else tells
        await asyncio.sleep(0.01)
    return answer


async def test_followers_are_told_in_slices_and_readiness_ends_first(url: str):
    async with serving(url, KOS_LOG_FORMAT="json") as server, server.client() as client, AsyncExitStack() as stack:
        followers = await follow(stack, server, FOLLOWERS)
        assert (await client.get("/readyz")).status_code == 200
        assert server.process is not None

        # On the connection that is kept alive: nobody else gets in any more.
        asking = asyncio.create_task(refusal(client))
        server.process.send_signal(signal.SIGTERM)
        answer = await asking
        still_there = [one for one in followers if one.close_code is None]
        codes = {await code_of(one) for one in followers}
        ended = await exit_code(server)

        assert (answer.status_code, answer.json()["code"]) == (503, "server_stopping")
        assert len(still_there) > 0
        assert codes == {1012}
        assert ended == 0
        (last_words,) = (line for line in server.log_tail().splitlines() if '"streams_told"' in line)
        told = json.loads(last_words)
        assert told["streams_told"] == FOLLOWERS
        assert told["told_seconds"] > 0.5


async def half_a_call(server: AppServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A call that the server has begun to read, and whose body is still to be sent: ``{}``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = ("POST /v1/events HTTP/1.1", "Host: kos", f"Authorization: Bearer {server.key}", "Content-Length: 2")
    writer.write("\r\n".join((*lines, "", "")).encode())
    async with server.client() as client:
        # Whatever was sent before this is being handled.
        assert (await client.get("/healthz")).status_code == 200
    return reader, writer


async def test_call_under_way_is_answered_while_the_server_stops(url: str):
    async with serving(url) as server:
        reader, writer = await half_a_call(server)
        assert server.process is not None

        server.process.send_signal(signal.SIGTERM)
        await eventually(lambda: not server.accepts())
        writer.write(b"{}")
        answer = await asyncio.wait_for(reader.read(), _END_SECONDS_MAX)
        writer.close()

        assert answer.startswith(b"HTTP/1.1 422 ")
        assert await exit_code(server) == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_second_signal_ends_the_process_at_once(url: str, second: signal.Signals):
    """A call that never sends its body would hold the process for the whole time to drain."""
    async with serving(url, KOS_DRAIN_SECONDS="600") as server:
        _, writer = await half_a_call(server)
        assert server.process is not None

        server.process.send_signal(signal.SIGTERM)
        await eventually(lambda: not server.accepts())
        server.process.send_signal(second)

        assert await exit_code(server) == 128 + second
        writer.close()
        server.process = None
