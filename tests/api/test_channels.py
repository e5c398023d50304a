"""Channels by polling: the snapshot of the stream with a tag, for who may follow the channel."""

from pathlib import Path

import orjson
import pytest
from starlette.requests import HTTPConnection

from app.realtime.channels import Channel
from tests.app_in_process import Api, running_app
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def token_for(event: EventClient, *channels: str) -> str:
    response = await event.client.post("/v1/tokens", json={"event": event.id, "channels": list(channels)})
    token: str = response.json()["token"]
    return token


@pytest.mark.parametrize("rest", ["orders", "boards/hosts", "boards/teams"])
async def test_document_is_the_snapshot_of_the_stream(api: Api, event: EventClient, rest: str):
    for number, host in enumerate(("h7", "h8", "h7")):
        await event.sell(str(number), host, "12.50")
    channel = f"{event.id}/{rest}"
    of_stream = Channel(channel, "full", 100)
    of_stream.update(await api.services.feed.snapshot(channel, "full"))

    response = await api.client.get(f"/v1/channels/{channel}")

    assert response.content == orjson.dumps(of_stream.document)
    assert len(response.json()["rows"]) > 1


async def test_tag_stands_until_the_document_changes(api: Api, event: EventClient):
    await event.sell("1", "h7", "12.50")
    path = f"/v1/channels/{event.id}/boards/hosts"
    tag = (await api.client.get(path)).headers["etag"]

    same = [
        await api.client.get(path, headers={"If-None-Match": named})
        for named in (tag, f"W/{tag}", f'"other", {tag}', "*")
    ]
    other = await api.client.get(path, headers={"If-None-Match": '"other"'})
    await event.sell("2", "h8", "7.25")
    changed = await api.client.get(path, headers={"If-None-Match": tag})

    assert [(one.status_code, one.content, one.headers["etag"]) for one in same] == [(304, b"", tag)] * 4
    assert (other.status_code, other.headers["etag"]) == (200, tag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_who_may_not_follow_may_not_poll(api: Api, event: EventClient):
    token = await token_for(event, f"{event.id}/orders")
    foreign = await api.key_of("another brand", "ops")
    async with api.client_of(foreign) as stranger, api.client_of("") as viewer:
        answers = [
            (await viewer.get(f"/v1/channels/{event.id}/orders", params={"token": token})).status_code,
            (await viewer.get(f"/v1/channels/{event.id}/boards/hosts", params={"token": token})).json()["code"],
            (await viewer.get(f"/v1/channels/{event.id}/orders")).json()["code"],
            (await viewer.get(f"/v1/channels/{event.id}/orders", params={"token": "a.b.c"})).json()["code"],
            (await stranger.get(f"/v1/channels/{event.id}/orders")).json()["code"],
            (await api.client.get(f"/v1/channels/{event.id}/nothing")).json()["code"],
            (await api.client.get("/v1/channels/nowhere/orders")).json()["code"],
        ]

    assert answers == [
        200,
        "channel_forbidden",
        "key_missing",
        "key_invalid",
        "channel_forbidden",
        "channel_unknown",
        "channel_forbidden",
    ]


async def test_token_sees_the_public_document(api: Api, event: EventClient):
    token = await token_for(event)
    async with api.client_of("") as viewer:
        board = await viewer.get(f"/v1/channels/{event.id}/boards/hosts", params={"token": token})

    assert board.json() == await api.services.feed.snapshot(f"{event.id}/boards/hosts", "public")


async def test_connections_of_one_key_share_what_is_known_of_it(api: Api):
    headers = [(b"authorization", f"Bearer {await api.key_of('default', 'orders')}".encode())]
    scope = {"type": "http", "headers": headers, "query_string": b""}

    first, second = [await api.services.follower(HTTPConnection(scope)) for _ in range(2)]

    assert first is second


async def test_event_is_not_loaded_to_refuse_another_brand(tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path}/kos.db"
    async with running_app(url) as before:
        await EventClient(before.client, "theirs").open()
    async with running_app(url) as api, api.client_of(await api.key_of("another brand", "ops")) as stranger:
        refused = await stranger.get("/v1/channels/theirs/orders")
        was_loaded = api.services.events.known("theirs") is not None
        allowed = await api.client.get("/v1/channels/theirs/orders")

    assert (refused.status_code, refused.json()["code"], was_loaded) == (403, "channel_forbidden", False)
    assert allowed.status_code == 200


@pytest.mark.parametrize("channel", ["%00", "%00/orders", "/orders", "a%20b/orders", "x" * 65 + "/orders"])
async def test_key_may_not_follow_what_names_no_event(api: Api, channel: str):
    response = await api.client.get(f"/v1/channels/{channel}")

    assert (response.status_code, response.json()["code"]) == (403, "channel_forbidden")
