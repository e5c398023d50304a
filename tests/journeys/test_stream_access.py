"""Who may follow what on a real server: refused, bound, expired, and revoked in another process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.app_server import AppServer, serving
from tests.event_client import EventClient
from tests.servers import Postgres

_END_SECONDS_MAX = 30.0

pytestmark = pytest.mark.asyncio(loop_scope="module")


def stream(server: AppServer, token: str = "", **options: Any) -> connect:
    """A connection that offers this token, or none."""
    url = f"{server.url.replace('http', 'ws', 1)}/v1/stream" + (f"?token={token}" if token else "")
    return connect(url, subprotocols=[Subprotocol("kos.v1")], **options)


async def subscribed(client: ClientConnection, channel: str) -> str:
    """What a subscribe is answered with: ``subscribed``, or the code of the error."""
    await client.send(orjson.dumps({"type": "subscribe", "channel": channel}).decode())
    answer = orjson.loads(await asyncio.wait_for(client.recv(), 10))
    return str(answer.get("code", answer["type"]))


async def closed(client: ClientConnection) -> int | None:
    """The code by which the server ends the connection."""
    await asyncio.wait_for(client.wait_closed(), _END_SECONDS_MAX)
    return client.close_code


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(postgres: Postgres) -> AsyncIterator[tuple[AppServer, AppServer]]:
    """Two processes on one database."""
    url = postgres.create_database()
    async with serving(url) as first, serving(url) as second:
        yield first, second
    postgres.drop_database(url)


@asynccontextmanager
async def event_of(server: AppServer, identity: str) -> AsyncIterator[EventClient]:
    async with server.client() as client:
        yield await EventClient(client, identity).open()


async def made(client: httpx2.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    response = await client.post(path, json=body)
    assert response.status_code == 201, response.text
    document: dict[str, Any] = response.json()
    return document


@pytest.mark.parametrize("token", ["kos_0123456789ab_guess", "a.b.c"])
async def test_without_a_valid_token_the_connection_ends_for_good(pair: tuple[AppServer, AppServer], token: str):
    async with stream(pair[0], token) as client:
        assert await closed(client) == 4501


async def test_token_follows_its_event_and_only_the_channels_it_names(pair: tuple[AppServer, AppServer]):
    async with event_of(pair[0], "bound") as event, event_of(pair[0], "other") as other:
        whole = await made(event.client, "/v1/tokens", event=event.id)
        narrow = await made(event.client, "/v1/tokens", event=event.id, channels=[f"{event.id}/orders"])
        channels = [f"{event.id}/orders", f"{event.id}/boards/hosts", f"{other.id}/orders", "nowhere/orders"]
        async with stream(pair[1], whole["token"]) as all_public, stream(pair[1], narrow["token"]) as one:
            answers = [[await subscribed(client, channel) for channel in channels] for client in (all_public, one)]

    assert answers == [
        ["subscribed", "subscribed", "channel_forbidden", "channel_forbidden"],
        ["subscribed", "channel_forbidden", "channel_forbidden", "channel_forbidden"],
    ]


async def test_key_of_another_brand_follows_nothing_here(pair: tuple[AppServer, AppServer]):
    async with event_of(pair[0], "branded") as event:
        told = pair[0].kos("keys", "create", "--brand", "rival", "--person", "x", "--scope", "ops")
        key = next(word for word in told.stdout.split() if word.startswith("kos_"))
        headers = {"Authorization": f"Bearer {key}"}
        async with stream(pair[0], additional_headers=headers) as rival:
            there = await subscribed(rival, f"{event.id}/boards/hosts")
            not_there = await subscribed(rival, "nowhere/boards/hosts")

    assert there == not_there == "channel_forbidden"


async def test_key_follows_what_its_brand_creates_after_it_has_connected(pair: tuple[AppServer, AppServer]):
    headers = {"Authorization": f"Bearer {pair[1].key}"}
    async with stream(pair[1], additional_headers=headers) as by_key:
        before = await subscribed(by_key, "later/boards/hosts")
        async with event_of(pair[0], "later"):
            after = await subscribed(by_key, "later/boards/hosts")

    assert (before, after) == ("channel_forbidden", "subscribed")


async def test_connection_ends_when_its_token_expires(pair: tuple[AppServer, AppServer]):
    async with event_of(pair[0], "expiring") as event:
        token = await made(event.client, "/v1/tokens", event=event.id, expires_in_seconds=4)
        async with stream(pair[0], token["token"]) as client:
            assert await closed(client) == 4502
        async with stream(pair[0], token["token"]) as client:
            assert await closed(client) == 4501


async def test_revocation_in_another_process_ends_open_connections_and_no_others(pair: tuple[AppServer, AppServer]):
    async with event_of(pair[0], "revoked") as event:
        token = await made(event.client, "/v1/tokens", event=event.id)
        key = await made(event.client, "/v1/keys", person="x", scopes=["ops"])
        kept = await made(event.client, "/v1/tokens", event=event.id)
        async with (
            stream(pair[1], token["token"]) as by_token,
            stream(pair[1], additional_headers={"Authorization": f"Bearer {key['key']}"}) as by_key,
            stream(pair[1], kept["token"]) as stays,
        ):
            for client in (by_token, by_key, stays):
                assert await subscribed(client, f"{event.id}/boards/hosts") == "subscribed"

            for path in (f"/v1/tokens/{token['id']}", f"/v1/keys/{key['id']}"):
                assert (await event.client.delete(path)).status_code == 204

            assert [await closed(client) for client in (by_token, by_key)] == [4502, 4502]
            assert await subscribed(stays, f"{event.id}/orders") == "subscribed"
        async with stream(pair[1], token["token"]) as again:
            assert await closed(again) in (4501, 4502)


async def test_without_a_token_only_what_an_event_made_public_is_followed(pair: tuple[AppServer, AppServer]):
    async with event_of(pair[0], "open") as event, event_of(pair[0], "shut") as shut:
        await event.ok("PATCH", "/rules", {"public_channels": ["state", "orders"]})
        channels = [
            "open",
            "open/orders",
            "open/boards/hosts",
            "open/ops",
            "open/overlays",
            shut.id,
            "nowhere",
            "nowhere/x",
        ]
        # By the process that has the event, and by one that reads its rules for this.
        for server in pair:
            async with stream(server) as anybody:
                answers = [await subscribed(anybody, channel) for channel in channels]

            assert answers == ["subscribed", "subscribed", *["channel_forbidden"] * 6]


async def test_what_is_public_no_longer_ends_for_those_without_a_token_and_for_no_others(
    pair: tuple[AppServer, AppServer],
):
    async with event_of(pair[0], "closing") as event:
        token = await made(event.client, "/v1/tokens", event=event.id)
        await event.ok("PATCH", "/rules", {"public_boards": True, "public_channels": ["orders"]})
        async with stream(pair[1]) as anybody, stream(pair[1], token["token"]) as somebody:
            for channel in ("closing/boards/hosts", "closing/orders"):
                assert await subscribed(anybody, channel) == "subscribed"
            assert await subscribed(somebody, "closing/boards/hosts") == "subscribed"

            await event.ok("PATCH", "/rules", {"public_boards": False})
            assert await told(anybody, "unsubscribed") == {"type": "unsubscribed", "channel": "closing/boards/hosts"}
            assert await subscribed(anybody, "closing/boards/hosts") == "channel_forbidden"

            await event.sell("o1", "h7")
            assert (await told(anybody, "publication"))["channel"] == "closing/orders"
            assert (await told(somebody, "publication"))["channel"] == "closing/boards/hosts"


async def test_host_follows_itself_and_no_other(pair: tuple[AppServer, AppServer]):
    async with event_of(pair[0], "hosted") as event:
        key = await made(event.client, "/v1/keys", person="lin", scopes=["host:h7"])
        channels = ["hosted/hosts/h7", "hosted/hosts/h8", "hosted/boards/hosts", "hosted/ops", "hosted/hosts/nobody"]
        async with stream(pair[1], additional_headers={"Authorization": f"Bearer {key['key']}"}) as host:
            answers = [await subscribed(host, channel) for channel in channels]

    forbidden = "channel_forbidden"
    assert answers == ["subscribed", forbidden, "subscribed", forbidden, forbidden]


async def test_what_overlays_are_told_reaches_those_of_another_process(pair: tuple[AppServer, AppServer]):
    async with event_of(pair[0], "scenes") as event:
        token = await made(event.client, "/v1/tokens", event=event.id)
        async with stream(pair[1], token["token"]) as overlay:
            assert await subscribed(overlay, "scenes/overlays") == "subscribed"
            document = await event.ok("PUT", "/overlays", {"scene": "intro", "hidden": ["board"]})

            publication = await told(overlay, "publication")

    assert publication == {
        "type": "publication",
        "channel": "scenes/overlays",
        "time": document["time"],
        "snapshot": document,
    }


async def told(client: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of this type; others before it are passed over."""
    async with asyncio.timeout(_END_SECONDS_MAX):
        while (message := orjson.loads(await client.recv()))["type"] != kind:
            pass
    return dict(message)


async def test_session_of_the_console_follows_from_its_own_pages_and_from_no_others(
    pair: tuple[AppServer, AppServer],
):
    """Of another origin the cookie does not count: who brings it is nobody, and what is public stays public."""
    server = pair[0]
    async with event_of(server, "desk-night") as event, httpx2.AsyncClient(base_url=server.url) as browser:
        key = await made(event.client, "/v1/keys", person="ops", scopes=["ops"])
        assert (await browser.post("/console/session", json={"key": key["key"]})).status_code == 200
        cookie = f"kos_session={browser.cookies['kos_session']}"

        async def answer_to(origin: str | None) -> str:
            async with stream(server, additional_headers={"Cookie": cookie}, origin=origin) as client:
                return await subscribed(client, f"{event.id}/ops")

        own = server.url.replace("localhost", "127.0.0.1")
        answers = [await answer_to(origin) for origin in (own, None, "http://127.0.0.1:1", "https://evil.example")]
        async with stream(server, additional_headers={"Cookie": "kos_session=ended"}, origin=own) as client:
            ended = await closed(client)
        # A page for everybody shows those who are signed in no more, and those who no longer are no less.
        for session in (cookie, "kos_session=ended"):
            async with stream(server, "&as=nobody", additional_headers={"Cookie": session}, origin=own) as client:
                answers.append(await subscribed(client, f"{event.id}/ops"))
        async with stream(server, additional_headers={"Cookie": cookie}, origin=own) as client:
            before = await subscribed(client, f"{event.id}/ops")
            assert (await event.client.delete(f"/v1/keys/{key['id']}")).status_code == 204
            revoked = await closed(client)

    assert answers == ["subscribed", *["channel_forbidden"] * 5]
    assert (ended, before, revoked) == (4501, "subscribed", 4502)


async def test_server_sent_events_of_our_own_page_name_no_origin(pair: tuple[AppServer, AppServer]):
    server = pair[0]
    async with event_of(server, "desk-events") as event, httpx2.AsyncClient(base_url=server.url) as browser:
        await browser.post("/console/session", json={"key": server.key})

        async def status_of(**headers: str) -> int:
            params = {"channel": f"{event.id}/ops"}
            async with browser.stream("GET", "/v1/stream/sse", params=params, headers=headers) as answer:
                return answer.status_code

        own, foreign = await status_of(), await status_of(Origin="https://evil.example")

    assert (own, foreign) == (200, 403)


async def test_who_is_connected_is_told_by_token_and_gone_when_it_has_gone(pair: tuple[AppServer, AppServer]):
    server = pair[0]
    async with event_of(server, "roll") as event:
        overlay = await made(event.client, "/v1/tokens", event=event.id)
        viewer = await made(event.client, "/v1/tokens", event=event.id, kind="viewer")
        async with stream(server, overlay["token"]) as first, stream(server, overlay["token"]) as second:
            assert [await subscribed(one, f"{event.id}/orders") for one in (first, second)] == ["subscribed"] * 2
            async with stream(server, viewer["token"]) as third:
                await subscribed(third, event.id)
                both = (await event.ok("GET", "/connections"))["connections"]
            while len((await event.ok("GET", "/connections"))["connections"]) > 1:
                pass

    assert [(one["token"], one["kind"], one["count"]) for one in both] == [
        (overlay["id"], "overlay", 2),
        (viewer["id"], "viewer", 1),
    ]
    assert all(one["since"].endswith("Z") for one in both)
