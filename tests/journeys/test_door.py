"""The door of a real server: server-sent events, their token's end, whole settings, and requests that never end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from tests.app_server import AppServer, serving
from tests.journeys.test_stream_access import event_of, made, stream
from tests.realtime.event_source import event_source
from tests.servers import Postgres

PAGE = "https://shop.example"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(postgres: Postgres) -> AsyncIterator[tuple[AppServer, AppServer]]:
    """Two processes on one database; the second lets in one origin, and few of an address."""
    url = postgres.create_database()
    limits = {
        "KOS_ORIGINS_ALLOWED": f"https://other.example, {PAGE}/",
        "KOS_CONNECTIONS_PER_ADDRESS_MAX": "2",
        "KOS_HANDSHAKE_SECONDS_MAX": "0.5",
        "KOS_SSE_CHANNELS_MAX": "1",
    }
    async with serving(url) as first, serving(url, **limits) as second:
        yield first, second
    postgres.drop_database(url)


async def refused(server: AppServer, token: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        async with stream(server, token, **options):
            pass
    response = caught.value.response
    return response.status_code, orjson.loads(response.body)["code"]


async def test_order_arrives_as_an_event_and_revocation_elsewhere_ends_the_response(pair: tuple[AppServer, AppServer]):
    first, second = pair
    async with event_of(first, "told") as event:
        token = await made(event.client, "/v1/tokens", event=event.id)
        channel = f"{event.id}/boards/hosts"
        async with event_source(second.port, channel, token=token["token"]) as source:
            (snapshot,) = await source.heard(1)
            await event.sell("1", "h7", "12.50")
            (publication,) = await source.heard(1)
            polled = (await event.client.get(f"/v1/channels/{channel}", params={"token": token["token"]})).json()
            assert (await event.client.delete(f"/v1/tokens/{token['id']}")).status_code == 204
            last, end = await source.next(), await source.next()
        status, attempts = 200, 0
        # What was remembered of the token may let it in for a moment more; it is sent away again.
        while status == 200 and attempts < 1_000:
            async with event_source(second.port, channel, token=token["token"], Last_Event_ID=source.id) as back:
                status, attempts = back.status, attempts + 1
                if status != 200:
                    problem = await back.body()
            await asyncio.sleep(0.02)

    assert (snapshot.event, publication.event) == ("subscribed", "publication")
    assert publication.data["position"] == polled["position"]
    assert source.id == f"{polled['epoch']}:{polled['position']}"
    assert last is not None
    assert (last.event, last.data["code"], end) == ("close", 4502, None)
    assert (status, problem["code"]) == (401, "key_invalid")


async def test_settings_of_the_door_hold(pair: tuple[AppServer, AppServer]):
    first, second = pair
    async with event_of(first, "bounded") as event:
        token = (await made(event.client, "/v1/tokens", event=event.id))["token"]
        anywhere = await refused(second, token, origin="https://evil.example")
        channels = [f"{event.id}/orders", f"{event.id}/boards/hosts"]
        async with event_source(second.port, *channels, token=token) as source:
            too_many = await source.body()
        async with stream(second, token, origin=PAGE), stream(second, token):
            third = await refused(second, token)

    assert anywhere == (403, "origin_forbidden")
    assert too_many["code"] == "too_many_subscriptions"
    assert third == (429, "too_many_connections")


async def test_connection_that_says_nothing_is_ended_and_nothing_is_logged(pair: tuple[AppServer, AppServer]):
    reader, writer = await asyncio.open_connection("127.0.0.1", pair[1].port)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()

    assert "rror" not in pair[1].log_tail()


async def test_server_that_stops_ends_its_responses_at_once(postgres: Postgres):
    url = postgres.create_database()
    async with serving(url, KOS_DRAIN_SECONDS="30") as server, event_of(server, "stopped") as event:
        token = (await made(event.client, "/v1/tokens", event=event.id))["token"]
        async with event_source(server.port, f"{event.id}/orders", token=token) as source:
            await source.heard(1)
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            async with asyncio.timeout(10):
                last, end = await source.next(), await source.next()
            await stopping
            log = server.log_tail()

    assert last is not None
    assert (last.event, last.data["code"], end) == ("close", 1012, None)
    assert "rror" not in log
