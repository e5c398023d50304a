"""A channel is read when something was committed, never twice at once, and no subscriber misses a commit."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.errors import AppError, Unavailable
from app.realtime.hub import Hub
from app.realtime.messages import Subscribe
from app.realtime.subscriber import Subscriber
from tests.realtime.doubles import Nobody, Reader, ScriptedSource, TurnedClock, Viewer, board, connections_of, turns

NAME = "kos101/boards/hosts"
INTERVAL_SECONDS = 0.05


class Stage:
    """A hub over a scripted source, with readers that follow it."""

    def __init__(self, interval_ms: int = 50, linger_seconds: float = 5.0, **limits: int) -> None:
        self.source = ScriptedSource({NAME: board(1, {"a": 1, "b": 2})})
        self.clock = TurnedClock()
        self.hub = Hub(self.source, interval_ms, 100, sleep=self.clock.sleep, linger_seconds=linger_seconds, **limits)
        self.connections = connections_of(self.hub)

    async def join(
        self, channel: str = NAME, view: str = "public", held: dict[str, Any] | None = None
    ) -> tuple[Subscriber, Reader]:
        """A new connection that follows the channel, perhaps with a document it holds from before."""
        reader = Reader()
        request = Subscribe(channel, 1)
        if held:
            reader.documents[channel] = held
            request = Subscribe(channel, 1, held["position"], held["epoch"])
        subscriber = reader.connect(self.connections, Viewer(view=view))
        await self.hub.subscribe(subscriber, request, view)
        await turns()
        return subscriber, reader

    async def commit(self, position: int, **scores: int) -> None:
        self.source.documents[NAME] = board(position, scores)
        self.hub.mark("kos101", position)
        await turns()


@asynccontextmanager
async def staged(**settings):
    stage = Stage(**settings)
    try:
        yield stage
    finally:
        await stage.hub.close()


async def test_first_subscriber_gets_the_sources_document_and_the_next_ones_the_same_without_a_read():
    async with staged() as stage:
        _, first = await stage.join()
        _, second = await stage.join()

    assert first.documents[NAME] == second.documents[NAME] == board(1, {"a": 1, "b": 2})
    assert stage.source.reads == [(NAME, "public")]


async def test_first_change_goes_at_once_and_a_burst_after_it_is_one_publication():
    async with staged() as stage:
        _, reader = await stage.join()
        await stage.clock.turn(INTERVAL_SECONDS)

        for position in range(2, 12):
            await stage.commit(position, a=position)
        assert reader.documents[NAME]["position"] == 2
        await stage.clock.turn(INTERVAL_SECONDS)

        assert [message.get("position") for message in reader.messages] == [1, 2, 11]
        assert reader.documents[NAME] == board(11, {"a": 11})


async def test_interval_of_zero_publishes_every_mark_and_those_of_one_turn_together():
    stage = Stage(interval_ms=0)
    stage.hub._sleep = asyncio.sleep
    _, reader = await stage.join()

    for position in (2, 3):
        await stage.commit(position, a=position)
    for position in (4, 5):
        stage.source.documents[NAME] = board(position, {"a": position})
        stage.hub.mark("kos101", position)
    await turns()

    assert [message["position"] for message in reader.messages] == [1, 2, 3, 5]
    await stage.hub.close()


async def test_mark_without_a_change_of_this_view_publishes_nothing():
    async with staged() as stage:
        _, reader = await stage.join()
        await stage.clock.turn(INTERVAL_SECONDS)

        stage.hub.mark("kos101", 7)
        stage.hub.mark("other", 8)
        await turns()

        assert reader.kinds() == ["subscribed"]
        assert len(stage.source.reads) == 2


async def test_commit_during_the_first_read_is_not_missed():
    async with staged() as stage:
        stage.source.gate.clear()
        joining = asyncio.create_task(stage.join())
        await turns()
        stage.source.documents[NAME] = old = board(1, {"a": 1})
        await turns()
        stage.source.gate.set()
        stage.source.documents[NAME] = board(2, {"a": 2})
        stage.hub.mark("kos101", 2)
        _, reader = await joining
        await stage.clock.turn(INTERVAL_SECONDS)

        assert reader.documents[NAME] == board(2, {"a": 2}) != old
        assert len(stage.source.reads) == 2


async def test_reads_of_one_channel_never_overlap():
    async with staged() as stage:
        await stage.join()
        await stage.clock.turn(INTERVAL_SECONDS)
        stage.source.gate.clear()

        for position in range(2, 8):
            await stage.commit(position, a=position)
            await stage.clock.turn(INTERVAL_SECONDS)

        assert len(stage.source.reads) == 2


async def test_views_of_one_channel_are_apart():
    async with staged() as stage:
        await stage.join(view="public")
        await stage.join(view="full")

    assert stage.source.reads == [(NAME, "public"), (NAME, "full")]


async def test_channel_is_dropped_after_its_last_subscriber_left():
    async with staged(linger_seconds=0.0) as stage:
        subscriber, _ = await stage.join()
        stage.hub.leave(subscriber)
        await turns()
        await asyncio.sleep(0.01)

        assert stage.hub._open == {}
        assert stage.hub._by_event == {}
        stage.hub.mark("kos101", 9)
        await turns()
        assert len(stage.source.reads) == 1


async def test_unknown_channel_is_refused_and_leaves_nothing_behind():
    async with staged() as stage:
        with pytest.raises(AppError) as caught:
            await stage.join("kos101/boards/nothing")
        await asyncio.sleep(0.01)

        assert caught.value.code == "channel_unknown"
        assert stage.hub._open == {}


async def test_follower_that_missed_nothing_on_draining_gets_nothing():
    async with staged() as stage:
        _, reader = await stage.join()
        await stage.clock.turn(INTERVAL_SECONDS)
        assert reader.subscriber is not None
        reader.subscriber.pause_writing()
        await stage.commit(7, a=1, b=2)
        reader.subscriber.resume_writing()
        assert reader.kinds() == ["subscribed"]

        await stage.clock.turn(INTERVAL_SECONDS)
        await stage.commit(8, a=3, b=2)
        await stage.clock.turn(INTERVAL_SECONDS)

        assert reader.kinds() == ["subscribed", "publication"]
        assert reader.documents[NAME] == board(8, {"a": 3, "b": 2})


async def test_failing_source_keeps_the_channel_and_is_tried_again():
    async with staged() as stage:
        _, reader = await stage.join()
        await stage.clock.turn(INTERVAL_SECONDS)
        stage.source.failing = Unavailable("database_unavailable", "Gone.")
        await stage.commit(2, a=2)
        await stage.clock.turn(0.1)
        await stage.clock.turn(0.2)
        assert len(stage.source.reads) == 4

        stage.source.failing = None
        await stage.clock.turn(5.0)

        assert reader.documents[NAME] == board(2, {"a": 2})


async def test_source_that_fails_at_the_first_read_is_an_error_that_may_be_tried_again(caplog):
    async with staged() as stage:
        stage.source.failing = RuntimeError("a bug")
        with pytest.raises(AppError) as caught:
            await stage.join()
        stage.source.failing = None
        await asyncio.sleep(0.01)
        _, reader = await stage.join()

    assert caught.value.code == "channel_unavailable"
    assert caught.value.retryable
    assert "could not be read" in caplog.text
    assert reader.documents[NAME]["position"] == 1


async def test_source_that_never_answers_is_given_up_and_asked_again():
    stage = Stage()
    stage.hub = Hub(stage.source, 50, 100, sleep=stage.clock.sleep, read_seconds_max=0.01)
    stage.source.gate.clear()

    with pytest.raises(AppError) as caught:
        await stage.join()

    assert caught.value.code == "channel_unavailable"
    await stage.hub.close()


async def test_nobody_waits_for_a_read_that_the_end_of_the_hub_broke_off():
    async with staged() as stage:
        stage.source.gate.clear()
        joining = asyncio.create_task(stage.join())
        await turns()
        assert stage.source.reads

        await stage.hub.close()
        done, _ = await asyncio.wait([joining], timeout=5)

        assert done
        assert joining.cancelled()


async def test_one_publication_is_one_encoding_for_all_subscribers():
    async with staged() as stage:
        readers = [(await stage.join())[1] for _ in range(50)]
        await stage.clock.turn(INTERVAL_SECONDS)
        for reader in readers:
            reader.writes.clear()

        await stage.commit(2, a=2)

        assert [len(reader.writes) for reader in readers] == [1] * 50
        assert len({id(reader.writes[0]) for reader in readers}) == 1


async def test_subscriber_that_does_not_read_holds_up_no_other():
    async with staged() as stage:
        _, slow = await stage.join()
        _, quick = await stage.join()
        slow.stop_reading()
        await stage.clock.turn(INTERVAL_SECONDS)

        await stage.commit(2, a=2)

        assert quick.documents[NAME]["position"] == 2
        assert slow.documents[NAME]["position"] == 1


async def test_channels_of_an_event_are_bounded_and_those_that_are_open_stay_for_everybody():
    names = [f"kos101/boards/{number}" for number in range(3)]
    async with staged(channels_per_event_max=2, linger_seconds=0) as stage:
        for name in (*names, "rival/boards/hosts"):
            stage.source.documents[name] = board(1, {"a": 1})
        first, _ = await stage.join(names[0])
        await stage.join(names[1])

        with pytest.raises(Unavailable) as refused:
            await stage.join(names[2])
        await stage.join(names[1])
        await stage.join("rival/boards/hosts")
        stage.hub.leave(first)
        await asyncio.sleep(0.01)
        await stage.join(names[2])

    assert refused.value.code == "too_many_channels"


async def test_those_without_a_token_open_half_of_the_channels_and_keep_nobody_out():
    names = [f"kos101/boards/{number}" for number in range(5)]
    async with staged(channels_per_event_max=4) as stage:
        for name in names:
            stage.source.documents[name] = board(1, {"a": 1})
        anybody = Reader().connect(stage.connections, Nobody())
        for name in names[:2]:
            await stage.hub.subscribe(anybody, Subscribe(name, 1), "public")
        with pytest.raises(Unavailable, match="2 channels"):
            await stage.hub.subscribe(anybody, Subscribe(names[2], 1), "public")
        for name in names[2:4]:
            await stage.join(name)
        await stage.hub.subscribe(anybody, Subscribe(names[3], 1), "public")
        with pytest.raises(Unavailable, match="4 channels"):
            await stage.join(names[4])

        _, reader = await stage.join(names[4], view="full")

    assert reader.kinds() == ["subscribed"]


async def test_readers_that_drain_get_one_frame_for_all_until_the_next_publication():
    async with staged(interval_ms=0) as stage:
        stage.hub._sleep = asyncio.sleep
        readers = [Reader(high=10) for _ in range(2)]
        for reader in readers:
            await stage.hub.subscribe(reader.connect(stage.connections), Subscribe(NAME, 1), "public")
            reader.stop_reading()
        for position in (2, 3, 4):
            await stage.commit(position, a=position)
        for reader in readers:
            reader.read_on()
        await stage.commit(5, a=5)

    assert readers[0].writes[-2] is readers[1].writes[-2]
    assert [message["position"] for message in readers[0].messages] == [1, 2, 4, 5]
    assert readers[0].documents == readers[1].documents == {NAME: board(5, {"a": 5})}


async def test_reader_that_was_full_while_a_name_changed_is_told_when_it_has_drained():
    async with staged(interval_ms=0) as stage:
        stage.hub._sleep = asyncio.sleep
        reader = Reader(high=10)
        await stage.hub.subscribe(reader.connect(stage.connections), Subscribe(NAME, 1), "public")
        reader.stop_reading()
        await stage.commit(2, a=2)
        renamed = board(2, {"a": 2})
        renamed["rows"][0]["name"] = "Lin"
        stage.source.documents[NAME] = renamed
        stage.hub.mark("kos101", 2)
        await turns()
        reader.read_on()
        await turns()

    assert reader.documents[NAME] == renamed


async def test_answer_that_comes_late_to_a_full_subscriber_is_all_it_gets_until_it_has_drained():
    """One channel is still read while another fills the transport; both are followed from a snapshot on afterwards."""
    other = "kos101/orders"
    source = ScriptedSource({NAME: board(1, {"a": 1}), other: board(1, {"b": 1})})
    hub = Hub(source, 0, 100)
    connections = connections_of(hub)
    reader = Reader(high=100)
    subscriber = reader.connect(connections)
    await hub.subscribe(subscriber, Subscribe(NAME, 1), "public")
    source.gate.clear()
    late = asyncio.create_task(hub.subscribe(subscriber, Subscribe(other, 2), "public"))
    await turns()
    reader.stop_reading()
    connections.take(subscriber, '{"type":"ping","id":"' + "x" * 60 + '"}')
    connections.take(subscriber, '{"type":"ping","id":"' + "x" * 60 + '"}')
    assert subscriber.is_full
    source.gate.set()
    await late
    held = reader.get_write_buffer_size()

    for position in range(2, 30):
        source.documents = {NAME: board(position, {"a": position}), other: board(position, {"b": position})}
        hub.mark("kos101", position)
        await turns()
    grown = reader.get_write_buffer_size() - held
    reader.read_on()
    await turns()

    assert grown == 0
    assert {name: document["position"] for name, document in reader.documents.items()} == {NAME: 29, other: 29}
    assert reader.gaps == 0
    await hub.close()
