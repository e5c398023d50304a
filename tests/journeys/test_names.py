"""A new name reaches open subscribers by itself, in the process that was told it and in another one."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from kos_client import KosClient
from tests.app_server import AppServer, Serve
from tests.event_client import EventClient
from tests.processes import Server
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


async def test_new_name_after_the_result_reaches_followers_in_both_processes(
    serve: Serve, postgres: Postgres, valkey: Server
):
    """The journal of a final event says nothing of it, so it comes at the position that was there before."""
    url = postgres.create_database()
    async with (
        serve(url, KOS_REDIS_URL=valkey.url) as first,
        serve(url, KOS_REDIS_URL=valkey.url) as second,
        first.client() as client,
        KosClient(first.url, first.key) as here,
        KosClient(second.url, second.key) as there,
    ):
        event = await EventClient(client, "over").open()
        await event.sell("1", "h7")
        for status in ("ended", "final"):
            await event.ok("POST", "/transitions", {"to": status})
        followed = [await one.follow("over/boards/hosts") for one in (here, there)]
        before = await event.board()
        async with asyncio.timeout(20):
            await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "name": "Lin Yue"}]})
            for one in followed:
                await one.until(lambda one: names(one.document["rows"])["h7"] == "Lin Yue")

        standing = {"position": before["position"], "epoch": before["epoch"]}
        assert [one.position for one in followed] == [before["position"]] * 2
        # Also for one who comes back and holds it as it was.
        for server in (first, second):
            stream, answer = await follow(server, first.key, "over/boards/hosts", **standing)
            await stream.close()
            assert names(answer["snapshot"]["rows"])["h7"] == "Lin Yue"
    postgres.drop_database(url)
