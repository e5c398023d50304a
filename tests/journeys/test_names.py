"""A new name reaches open subscribers by itself, in the process that was told it and in another one."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.app_server import AppServer, Serve
from tests.event_client import EventClient
from tests.servers import Postgres


async def said(stream: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(await asyncio.wait_for(stream.recv(), 20))
    return message


async def follow(server: AppServer, token: str, channel: str, **mine: Any) -> tuple[ClientConnection, dict[str, Any]]:
    """A connection that follows one channel, and the answer it got."""
    url = f"{server.url.replace('http', 'ws')}/v1/stream?token={token}"
    stream = await connect(url, subprotocols=[Subprotocol("kos.v1")])
    await stream.send(orjson.dumps({"type": "subscribe", "channel": channel, **mine}).decode())
    return stream, await said(stream)


def names(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["id"]: row["name"] for row in rows}


async def test_new_name_reaches_followers_in_both_processes_without_an_order(serve: Serve, postgres: Postgres):
    url = postgres.create_database()
    async with serve(url) as first, serve(url) as second, first.client() as client, AsyncExitStack() as stack:
        event = await EventClient(client, "names").open()
        token = (await client.post("/v1/tokens", json={"event": "names", "kind": "overlay"})).json()["token"]
        channel = "names/boards/hosts"
        follows = [await follow(server, token, channel) for server in (first, second)]
        for stream, _ in follows:
            stack.push_async_callback(stream.close)

        answer = await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "name": "Lin Yue"}]})
        steps = [await said(stream) for stream, _ in follows]

        for step, (_, before) in zip(steps, follows, strict=True):
            assert names(before["snapshot"]["rows"])["h7"] == "Lin"
            assert step["position"] == answer["position"] > before["position"]
            assert names(step["delta"]["rows"]) == {"h7": "Lin Yue"}
        # Also for one who was away meanwhile.
        mine = {"position": follows[0][1]["position"], "epoch": follows[0][1]["epoch"]}
        stream, caught_up = await follow(first, token, channel, **mine)
        await stream.close()
        assert names(caught_up["delta"]["rows"]) == {"h7": "Lin Yue"}
    postgres.drop_database(url)
