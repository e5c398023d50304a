"""Every channel on a real server and both databases: a change is published, what is held equals a fresh snapshot."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.realtime.channels import accept, apply
from tests.app_server import AppServer, serving
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SECONDS_MAX = 30.0


class Follower:
    """A client by the rule of the protocol."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.held: dict[str, dict[str, Any]] = {}
        self.publications: dict[str, int] = {}

    async def says(self, **message: Any) -> dict[str, Any]:
        """The answer to a message, whatever is published meanwhile."""
        await self.client.send(orjson.dumps({**message, "id": "asked"}).decode())
        while True:
            answer = await self.hears()
            if answer.get("id") == "asked":
                return answer

    async def hears(self) -> dict[str, Any]:
        message: dict[str, Any] = orjson.loads(await asyncio.wait_for(self.client.recv(), _SECONDS_MAX))
        if message["type"] in ("subscribed", "publication"):
            channel = message["channel"]
            self.publications[channel] = self.publications.get(channel, 0) + (message["type"] == "publication")
            if "snapshot" in message:
                self.held[channel] = message["snapshot"]
            else:
                mine = self.held[channel]
                previous = message.get("previous", mine["position"])
                assert accept(mine["position"], previous, message["position"]) != "gap"
                self.held[channel] = apply(mine, message["delta"], message["position"])
        return message

    async def until(self, channel: str, **members: Any) -> dict[str, Any]:
        """The document once it has these members, whatever its position."""
        members.pop("position", None)
        async with asyncio.timeout(_SECONDS_MAX):
            while any(self.held[channel].get(name) != value for name, value in members.items()):
                await self.hears()
        return self.held[channel]


def stream(server: AppServer, key: str = "", token: str = "") -> connect:
    url = f"{server.url.replace('http', 'ws', 1)}/v1/stream" + (f"?token={token}" if token else "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return connect(url, subprotocols=[Subprotocol("kos.v1")], additional_headers=headers)


async def fresh(server: AppServer, event: EventClient, channel: str) -> dict[str, Any]:
    """The document as of the journal's head: whoever names a position is not answered with an older one."""
    head = await event.ok("GET")
    async with stream(server, server.key) as client:
        follower = Follower(client)
        follower.held[channel] = {"position": head["position"], "rows": []}
        await follower.says(type="subscribe", channel=channel, position=head["position"], epoch=head["epoch"])
        answer = await follower.says(type="subscribe", channel=channel)
    return dict(answer["snapshot"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(shared_url: str) -> AsyncIterator[AppServer]:
    async with serving(shared_url) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def event(server: AppServer, request: pytest.FixtureRequest) -> AsyncIterator[EventClient]:
    number = abs(hash(request.node.name)) % 10**9
    async with server.client() as client:
        yield await EventClient(client, f"e{number}").open()


async def test_each_journal_channel_is_published_and_equals_a_fresh_one(server: AppServer, event: EventClient):
    name = event.id
    await event.ok("POST", "/sessions", {"id": "s1", "hosts": [{"id": "h7"}]})
    channels = [name, *(f"{name}/{rest}" for rest in ("hosts/h7", "sessions/s1", "ops", "orders", "boards/teams"))]
    async with stream(server, server.key) as client:
        follower = Follower(client)
        for channel in channels:
            assert (await follower.says(type="subscribe", channel=channel))["type"] == "subscribed"
        for number in range(3):
            await event.sell(f"o{number}", session="s1", price="20.00")
        await event.sell("o9", "h8")
        await event.ok("POST", "/sessions", {"id": "s2", "hosts": [{"id": "h8"}]})
        await event.ok("POST", "/sessions/s1/end", {})
        await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "status": "hidden"}]})
        for channel in channels:
            newest = await fresh(server, event, channel)
            assert newest.keys() == (await follower.until(channel, **newest)).keys()
            assert follower.publications[channel] > 0, channel
        state, host, session, ops = (follower.held[channel] for channel in channels[:4])

    assert [row["id"] for row in state["rows"]] == ["s2"]
    assert (host["net_sales"], host["orders"], host["rows"]) == ("60.00", 3, [])
    assert (session["gross_sales"], session["orders"], session["rows"][0]["id"]) == ("60.00", 3, "h7")
    assert session["ended_at"] is not None
    assert ops["rows"][0]["kind"] == "roster.changed"


async def test_viewers_are_counted_while_their_heartbeats_come(server: AppServer, event: EventClient):
    await event.ok("POST", "/sessions", {"id": "s1", "hosts": [{"id": "h7"}]})
    await event.ok("POST", "/sessions", {"id": "done", "hosts": [{"id": "h7"}], "started_at": "2026-11-21T00:00:00Z"})
    await event.ok("POST", "/sessions/done/end", {})
    token = (await event.client.post("/v1/tokens", json={"event": event.id, "kind": "viewer"})).json()["token"]
    channel = f"{event.id}/viewers"
    async with stream(server, token=token) as first, stream(server, token=token) as second:
        one, two = Follower(first), Follower(second)
        assert (await one.says(type="subscribe", channel=channel))["snapshot"]["viewers"] == 0
        said = [
            await one.says(type="heartbeat", channel=f"{event.id}/sessions/s1", viewer="lin"),
            await two.says(type="heartbeat", channel=event.id, viewer="lin"),
            await two.says(type="heartbeat", channel=f"{event.id}/sessions/s2"),
            await two.says(type="heartbeat", channel=f"{event.id}/sessions/done"),
            await two.says(type="heartbeat", channel=f"{event.id}/orders"),
            await two.says(type="heartbeat", channel="elsewhere"),
        ]
        same = await one.until(channel, viewers=1)
        async with stream(server, token=token) as third:
            await Follower(third).says(type="heartbeat", channel=event.id)
            more = await one.until(channel, viewers=2)

    assert [answer.get("code", answer["type"]) for answer in said] == [
        "pong",
        "pong",
        "session_unknown",
        "session_ended",
        "heartbeat_channel",
        "channel_forbidden",
    ]
    assert same["rows"] == more["rows"] == [{"id": "s1", "viewers": 1}]
    assert (more["peak"], more["time"] > same["time"]) == (2, True)
