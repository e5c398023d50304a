"""A heartbeat of a connection: allowed, answered, counted as one viewer."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from app.errors import NotFound
from app.realtime import frames
from app.realtime.hub import Hub
from app.realtime.subscriber import NOBODY, Principal, Subscriber
from tests.realtime.doubles import Nobody, Reader, ScriptedSource, Viewer, connections_of, turns
from tests.realtime.test_frames import client_frame


@dataclass
class Heard:
    """An audience that remembers; ``waits``: it must ask first."""

    waits: bool = False
    failing: Exception | None = None
    viewers: list[tuple[str, bytes]] = field(default_factory=list)

    def take_now(self, channel: str, viewer: bytes) -> bool:
        if self.waits:
            return False
        if self.failing:
            raise self.failing
        self.viewers.append((channel, viewer))
        return True

    async def take(self, channel: str, viewer: bytes) -> None:
        self.waits = False
        self.take_now(channel, viewer)


class Line:
    def __init__(self, audience: Heard | None, principal: Any = None) -> None:
        self.connections = connections_of(Hub(ScriptedSource(), 0, 100))
        self.connections.audience = audience
        self.principal = principal or Viewer()

    def connect(self) -> tuple[Reader, Subscriber]:
        reader = Reader()
        return reader, reader.connect(self.connections, self.principal)


async def beat(subscriber: Subscriber, channel: str = "kos101", **members: Any) -> None:
    message = {"type": "heartbeat", "channel": channel, **members}
    subscriber.data_received(client_frame(frames.TEXT, orjson.dumps(message)))
    await turns()


async def test_heartbeat_is_answered_like_a_ping():
    audience = Heard()
    reader, subscriber = Line(audience).connect()
    await beat(subscriber, id=5)
    await beat(subscriber, "kos101/sessions/s1")

    assert reader.messages == [{"type": "pong", "id": 5}, {"type": "pong"}]
    assert [channel for channel, _ in audience.viewers] == ["kos101", "kos101/sessions/s1"]


async def test_first_heartbeat_decides_which_viewer_a_connection_is():
    audience = Heard()
    line = Line(audience)
    (_, named), (_, same), (_, nameless), (_, other) = (line.connect() for _ in range(4))
    await beat(named, viewer="lin")
    await beat(named, viewer="mei")
    await beat(same, viewer="lin")
    await beat(nameless)
    await beat(nameless, viewer="lin")
    await beat(other, viewer="")

    viewers = [viewer for _, viewer in audience.viewers]
    assert viewers[0] == viewers[1] == viewers[2]
    assert viewers[3] == viewers[4] != viewers[0]
    assert viewers[5] not in viewers[:5]


async def test_heartbeat_that_takes_time_is_answered_before_the_next_message():
    audience = Heard(waits=True)
    reader, subscriber = Line(audience).connect()
    subscriber.data_received(client_frame(frames.TEXT, b'{"type":"heartbeat","id":1,"channel":"kos101"}'))
    await beat(subscriber, id=2)

    assert [message["id"] for message in reader.messages] == [1, 2]
    assert len({viewer for _, viewer in audience.viewers}) == 1


async def test_what_may_not_be_followed_is_not_watched():
    audience = Heard()
    reader, subscriber = Line(audience).connect()
    await beat(subscriber, "kos102", id=1)

    assert reader.messages == [
        {"type": "error", "id": 1, "code": "channel_forbidden", "message": "This token may not follow the channel."}
    ]
    assert audience.viewers == []


async def test_without_a_token_what_is_public_can_be_watched():
    audience = Heard()
    line = Line(audience, Nobody())

    async def may_follow(principal: Principal, channel: str) -> bool:
        return principal.actor == NOBODY and channel == "kos101"

    line.connections.may_follow = may_follow
    reader, subscriber = line.connect()
    await beat(subscriber, "kos101")
    await beat(subscriber, "kos101/sessions/s1")

    assert [message.get("code", message["type"]) for message in reader.messages] == ["pong", "channel_forbidden"]
    assert [channel for channel, _ in audience.viewers] == ["kos101"]


@pytest.mark.parametrize("waits", [False, True])
async def test_refusal_is_told_and_names_no_viewer(waits: bool):
    audience = Heard(waits, NotFound("session_unknown", "None."))
    reader, subscriber = Line(audience).connect()
    await beat(subscriber, id=1, viewer="lin")
    audience.failing = None
    await beat(subscriber, viewer="mei")

    assert reader.messages[0] == {"type": "error", "id": 1, "code": "session_unknown", "message": "None."}
    assert [viewer for _, viewer in audience.viewers] == [b"vmei"]


async def test_fault_ends_the_connection_that_met_it():
    audience = Heard(True, RuntimeError("a fault"))
    reader, subscriber = Line(audience).connect()
    await beat(subscriber)

    assert [code for code, _ in reader.ended] == [1011]


async def test_where_nobody_counts_a_heartbeat_is_refused():
    reader, subscriber = Line(None).connect()
    await beat(subscriber)

    assert reader.messages[0]["code"] == "channel_unknown"


@pytest.mark.parametrize("members", [{"viewer": "x" * 65}, {"viewer": 7}, {"channel": 1}, {"channel": None}])
async def test_heartbeat_that_is_none_is_refused(members: dict[str, Any]):
    audience = Heard()
    reader, subscriber = Line(audience).connect()
    await beat(subscriber, **{"channel": "kos101", **members})

    assert reader.messages[0]["code"] == "message_invalid"
    assert audience.viewers == []
