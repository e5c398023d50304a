"""Live channels: a time instead of a position, always whole, the last value wins; beside the others in one hub."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import orjson

from app.realtime.hub import Hub
from app.realtime.live import LiveChannel, is_live
from app.realtime.messages import Subscribe
from tests.realtime.doubles import Reader, ScriptedSource, TurnedClock, Viewer, board, connections_of, text_of, turns

NAME = "kos101/viewers"
BOARD = "kos101/boards/hosts"


def viewers(number: int, second: int = 0) -> dict[str, Any]:
    return {"event": "kos101", "time": f"2026-11-22T10:00:{second:02}.000000Z", "viewers": number}


class Stage:
    def __init__(self) -> None:
        self.source = ScriptedSource({NAME: viewers(1), BOARD: board(1, {"a": 1})})
        self.clock = TurnedClock()
        self.hub = Hub(self.source, 50, 100, sleep=self.clock.sleep)
        self.connections = connections_of(self.hub, backlog_bytes_max=1_000)

    async def join(self, channel: str = NAME, **held: Any) -> Reader:
        reader = Reader(1_000)
        subscriber = reader.connect(self.connections, Viewer())
        await self.hub.subscribe(subscriber, Subscribe(channel, 1, **held), "public")
        await turns()
        return reader

    async def show(self, document: dict[str, Any]) -> None:
        self.source.documents[NAME] = document
        self.hub.mark_live(NAME)
        await turns()


@asynccontextmanager
async def staged():
    stage = Stage()
    try:
        yield stage
    finally:
        await stage.hub.close()


def test_channels_without_a_position_are_known_by_their_names():
    names = ("e/viewers", "e/overlays", "e", "viewers", "e/boards/viewers", "e/viewers/x", "e/orders")

    assert [name for name in names if is_live(name)] == ["e/viewers", "e/overlays"]


async def test_subscribe_is_answered_with_the_whole_and_its_time_whatever_is_held():
    async with staged() as stage:
        fresh = await stage.join()
        held = await stage.join(position=7, epoch="")

    answer = {"type": "subscribed", "id": 1, "channel": NAME, "time": viewers(1)["time"], "snapshot": viewers(1)}
    assert fresh.messages == held.messages == [answer]
    assert [channel for channel, _ in stage.source.reads] == [NAME]


def test_followers_are_told_each_change_as_newer_whatever_time_it_was_read_with():
    """What is shown beside what was told may be read before its time is that of its change."""
    channel = LiveChannel(NAME, "public")
    frames = [channel.update(document) for document in (viewers(1, 5), viewers(2, 5), viewers(2, 4), viewers(3, 5))]

    times = [orjson.loads(text_of(frame))["time"] for frame in frames if frame is not None]
    assert times == ["2026-11-22T10:00:05.000001Z", "2026-11-22T10:00:05.000002Z"]
    assert channel.since(None, None).time == times[-1]

    channel.update(viewers(3, 6))

    assert channel.since(None, None).time == "2026-11-22T10:00:06.000000Z"


async def test_each_change_is_published_whole_and_paced():
    async with staged() as stage:
        reader = await stage.join()
        await stage.clock.turn(0.05)
        for number in (2, 3, 4):
            await stage.show(viewers(number, number))
        await stage.clock.turn(0.05)

    said = [message for message in reader.messages if message["type"] == "publication"]
    assert said == [
        {
            "type": "publication",
            "channel": NAME,
            "time": viewers(0, number)["time"],
            "snapshot": viewers(number, number),
        }
        for number in (2, 4)
    ]


async def test_another_time_alone_is_no_news_but_is_told_to_whoever_comes():
    async with staged() as stage:
        reader = await stage.join()
        await stage.clock.turn(0.05)
        await stage.show(viewers(1, 30))
        late = await stage.join()

    assert reader.kinds() == ["subscribed"]
    assert late.documents[NAME] == viewers(1, 30)


async def test_commits_read_no_live_channel_and_its_changes_no_board():
    async with staged() as stage:
        await stage.join()
        await stage.join(BOARD)
        await stage.clock.turn(0.05)
        stage.source.reads.clear()
        stage.hub.mark("kos101", 2)
        await turns()
        by_commit = [channel for channel, _ in stage.source.reads]
        await stage.clock.turn(0.05)
        stage.source.reads.clear()
        await stage.show(viewers(2))

    assert by_commit == [BOARD]
    assert [channel for channel, _ in stage.source.reads] == [NAME]


async def test_client_that_does_not_read_gets_the_newest_when_it_has_drained():
    async with staged() as stage:
        reader = await stage.join()
        reader.stop_reading()
        for number in range(2, 40):
            await stage.show(viewers(number, number))
            await stage.clock.turn(0.05)
        taken = len(reader.writes)
        reader.read_on()

    assert taken < 20
    assert reader.documents[NAME] == viewers(39, 39)
    assert reader.messages[-1]["snapshot"] == viewers(39, 39)


async def test_followed_ones_are_read_again_by_themselves():
    async with staged() as stage:
        reader = await stage.join()
        await stage.join("kos101/boards/hosts")
        await stage.clock.turn(0.05)
        stage.source.documents[NAME] = viewers(9, 9)
        stage.source.reads.clear()
        task = asyncio.create_task(stage.hub.refresh_live("viewers", 0.001))
        async with asyncio.timeout(10):
            while reader.documents[NAME] != viewers(9, 9):  # noqa: ASYNC110, nothing tells
                await asyncio.sleep(0.001)
        task.cancel()

    assert {channel for channel, _ in stage.source.reads} == {NAME}


def test_document_is_encoded_once_for_all_who_ask():
    channel = LiveChannel(NAME, "public")
    assert channel.is_empty
    assert channel.update(viewers(1)) is None

    first, second = channel.since(3, "x"), channel.since(None, None)
    frame = channel.update(viewers(2))

    assert first is second
    assert frame is not None
    assert '"viewers":2' in text_of(frame)
