"""A connection that reads slowly loses publications, never their outcome, and never holds up another one."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from app.realtime import messages
from app.realtime.channels import Channel
from app.realtime.messages import CloseCode
from app.realtime.subscriber import Subscriber
from tests.realtime.doubles import Reader, board, turns

NAME = "kos101/boards/hosts"


@asynccontextmanager
async def following(reader: Reader, backlog_bytes_max: int = 10_000):
    """A subscriber of one board at position 1 whose sends reach the reader."""
    channel = Channel(NAME, "public", 100)
    channel.update(board(1, {"a": 1, "b": 2}))
    subscriber = Subscriber(reader.send, backlog_bytes_max)
    task = asyncio.create_task(subscriber.run())
    subscriber.follow(channel, messages.subscribed(1, NAME, channel.since(None, None)))
    try:
        yield channel, subscriber
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def publish(channel: Channel, subscriber: Subscriber, document) -> None:
    frame = channel.update(document)
    assert frame is not None
    subscriber.publish(channel, frame)


async def test_answer_and_publications_arrive_in_order():
    reader = Reader()
    async with following(reader) as (channel, subscriber):
        for position in range(2, 6):
            publish(channel, subscriber, board(position, {"a": position, "b": 2}))
        subscriber.reply(messages.pong(9))
        await turns()

    assert reader.kinds() == ["subscribed", *["publication"] * 4, "pong"]
    assert reader.documents[NAME] == channel.document


async def test_reader_over_its_backlog_gets_one_step_to_the_present_when_it_reads_again():
    reader = Reader()
    async with following(reader, backlog_bytes_max=2_000) as (channel, subscriber):
        reader.is_reading.clear()
        for position in range(2, 200):
            publish(channel, subscriber, board(position, {"a": position, "b": 2, str(position): 1}))
        assert subscriber._backlog_bytes <= 2_000

        reader.is_reading.set()
        await turns()
        publish(channel, subscriber, board(200, {"a": 1, "b": 2}))
        await turns()

    assert reader.documents[NAME] == channel.document
    assert reader.gaps == 0
    assert len(reader.messages) < 15


async def test_reader_that_lagged_past_the_channels_memory_gets_a_snapshot():
    reader = Reader()
    async with following(reader, backlog_bytes_max=1_000) as (channel, subscriber):
        reader.is_reading.clear()
        for position in range(2, 400):
            publish(channel, subscriber, board(position, {str(position): 1}))

        reader.is_reading.set()
        await turns()

    assert "snapshot" in reader.messages[-1]
    assert reader.documents[NAME] == channel.document


async def test_lagging_reader_is_told_nothing_twice_when_nothing_changed_meanwhile():
    reader = Reader()
    async with following(reader, backlog_bytes_max=1) as (channel, subscriber):
        await turns()
        reader.is_reading.clear()
        publish(channel, subscriber, board(2, {"a": 5}))
        publish(channel, subscriber, board(3, {"a": 6}))
        subscriber.follow(channel, messages.subscribed(2, NAME, channel.since(1, channel.epoch)))

        reader.is_reading.set()
        await turns()

    assert reader.kinds() == ["subscribed", "publication", "subscribed"]
    assert reader.documents[NAME] == channel.document


async def test_frame_that_is_not_taken_in_time_ends_the_connection(monkeypatch):
    now = 100.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    reader = Reader()
    reader.is_reading.clear()
    async with following(reader) as (_, subscriber):
        await turns()
        now += 15
        subscriber.end_if_stalled(15)
        assert not subscriber.ended.done()

        now += 0.1
        subscriber.end_if_stalled(15)

    assert subscriber.ended.result() is CloseCode.TOO_SLOW


async def test_reader_that_takes_a_frame_now_and_then_or_has_none_to_take_may_stay(monkeypatch):
    now = 100.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    reader = Reader()
    async with following(reader) as (_, subscriber):
        await turns()
        now += 60
        subscriber.end_if_stalled(15)
        reader.is_reading.clear()
        subscriber.reply(messages.pong(1))
        await turns()
        now += 10
        subscriber.end_if_stalled(15)
        reader.is_reading.set()
        await turns()
        reader.is_reading.clear()
        subscriber.reply(messages.pong(2))
        await turns()
        now += 10
        subscriber.end_if_stalled(15)

    assert not subscriber.ended.done()


async def test_room_waits_until_answers_are_taken():
    reader = Reader()
    async with following(reader, backlog_bytes_max=2_000) as (_, subscriber):
        reader.is_reading.clear()
        await subscriber.room()
        for number in range(200):
            subscriber.reply(messages.pong(number))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(subscriber.room(), 0.01)

        reader.is_reading.set()
        await asyncio.wait_for(subscriber.room(), 5)
        await turns(300)

    assert reader.kinds().count("pong") == 200


async def test_nothing_arrives_after_unfollow():
    reader = Reader()
    async with following(reader) as (channel, subscriber):
        await turns()
        subscriber.unfollow(channel)
        publish(channel, subscriber, board(2, {"a": 5}))
        await turns()

    assert reader.kinds() == ["subscribed"]
    assert subscriber.channels == ()


async def test_first_reason_to_end_stays():
    subscriber = Subscriber(Reader().send, 10)

    subscriber.stop(CloseCode.TOKEN_ENDED)
    subscriber.stop(CloseCode.TOO_SLOW)

    assert subscriber.ended.result() is CloseCode.TOKEN_ENDED
