"""What a real server counts of its stream; that bad clients cannot flood its log, and that no secret is in it."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.app_server import AppServer, serving
from tests.event_client import EventClient

_SECONDS_MAX = 20.0
_FLOOD = 200


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/kos.db"


def stream(server: AppServer, token: str) -> connect:
    address = f"{server.url.replace('http', 'ws', 1)}/v1/stream?token={token}"
    return connect(address, subprotocols=[Subprotocol("kos.v1")])


async def told(client: ClientConnection, **message: Any) -> dict[str, Any]:
    await client.send(orjson.dumps(message).decode())
    answer: dict[str, Any] = orjson.loads(await asyncio.wait_for(client.recv(), _SECONDS_MAX))
    return answer


async def ended(client: ClientConnection) -> None:
    async with asyncio.timeout(_SECONDS_MAX):
        with suppress(ConnectionClosed):
            while True:
                await client.recv()


async def counted(client: httpx2.AsyncClient) -> dict[str, float]:
    text = (await client.get("/metrics")).text
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def until(client: httpx2.AsyncClient, name: str, value: float) -> dict[str, float]:
    """The figures, once this one is so. Gauges are looked at every second. Errors: TimeoutError."""
    async with asyncio.timeout(_SECONDS_MAX):
        while (found := await counted(client)).get(name) != value:  # noqa: ASYNC110, there is nothing that could tell
            await asyncio.sleep(0.05)
    return found


async def token_of(event: EventClient) -> str:
    made = await event.client.post("/v1/tokens", json={"event": event.id})
    token: str = made.json()["token"]
    return token


async def test_stream_counts_what_it_writes_answers_and_ends(url: str):
    async with serving(url) as server, server.client() as api:
        event = await EventClient(api, "counted").open()
        board, token = f"{event.id}/boards/hosts", await token_of(event)
        async with stream(server, token) as one, stream(server, token) as two, stream(server, "a.b.c") as refused:
            await ended(refused)
            first = await told(one, type="subscribe", channel=board)
            await told(two, type="subscribe", channel=board)
            await event.sell("1", "h7")
            for client in (one, two):
                await asyncio.wait_for(client.recv(), _SECONDS_MAX)
            held = {"type": "subscribe", "channel": board, "position": first["position"]}
            assert "delta" in await told(two, **held, epoch=first["epoch"])
            assert "snapshot" in await told(two, **held, epoch="00000000")
            following = await until(api, "kos_stream_subscriptions", 2)
            for _ in range(1_000):
                await one.send('{"type":"ping"}')
            await ended(one)
            await two.send("x" * 100_000)
            await ended(two)
        after = await until(api, "kos_stream_connections handed_over", 0)

    assert following["kos_stream_connections handed_over"] == 2
    assert following["kos_stream_publications_total"] == following["kos_stream_walk_seconds_count"] == 1
    assert following["kos_stream_frames_total"] == 2
    assert following["kos_stream_bytes_total"] > 200
    assert following["kos_stream_joined_frames_sum"] == 1
    assert following["kos_stream_recoveries_total delta"] == 1
    assert following["kos_stream_recoveries_total reset"] == 1
    assert following["kos_loop_delay_seconds_count"] > 0
    assert after["kos_stream_refused_total key_invalid"] == 1
    assert after["kos_stream_dropped_total too_many_messages"] == 1
    assert after["kos_stream_dropped_total bad_frame"] == 1
    assert after["kos_stream_subscriptions"] == 0


async def test_flood_of_bad_clients_is_a_few_lines_and_none_holds_a_secret(url: str):
    async with serving(url, KOS_LOG_FORMAT="json") as server, server.client() as api:
        event = await EventClient(api, "flooded").open()
        token = await token_of(event)
        for number in range(_FLOOD):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(f"NO HTTP kos_bad{number}\r\n\r\n".encode())
            writer.close()
            async with stream(server, f"kos_guessed{number}") as client:
                await ended(client)
        async with stream(server, token) as client:
            await client.send("x" * 100_000)
            await ended(client)
        await api.get("/v1/events", params={"token": token})
        server.stop()
        lines = (server.directory / "log").read_text().splitlines()

    events = Counter(orjson.loads(line)["event"] for line in lines if line.startswith("{"))
    text = "\n".join(lines)
    assert events["connections_refused"] >= 1
    assert events["connections_dropped"] == 1
    assert len(lines) < _FLOOD / 2
    assert all(secret not in text for secret in (token, server.key, "kos_guessed", "kos_bad"))
