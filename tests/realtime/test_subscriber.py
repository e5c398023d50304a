"""A connection that reads slowly loses publications, never their outcome, and never holds up another one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.realtime import frames
from app.realtime.hub import Hub
from app.realtime.messages import Subscribe
from app.realtime.subscriber import Subscriber
from tests.realtime.doubles import Reader, ScriptedSource, Viewer, board, connections_of, turns
from tests.realtime.test_frames import client_frame

NAME = "kos101/boards/hosts"


class Vanishing(Reader):
    """Its connection is lost by the first write to it."""

    def write(self, data: Any) -> None:
        self.abort()


class Line:
    """One reader on a hub of its own that publishes every commit."""

    def __init__(self, high: int, limits: dict[str, Any]) -> None:
        self.source = ScriptedSource({NAME: board(1, {"a": 1, "b": 2})})
        self.hub = Hub(self.source, 0, 100)
        self.connections = connections_of(self.hub, **limits)
        self.reader = Reader(high)
        self.subscriber: Subscriber = self.reader.connect(self.connections)

    async def commit(self, position: int, **scores: int) -> None:
        self.source.documents[NAME] = board(position, scores)
        self.hub.mark("kos101", position)
        await turns()

    def says(self, text: str) -> None:
        self.subscriber.data_received(client_frame(frames.TEXT, text.encode()))


@asynccontextmanager
async def following(high: int = 65_536, **limits: Any) -> AsyncIterator[Line]:
    line = Line(high, limits)
    await line.hub.subscribe(line.subscriber, Subscribe(NAME, 1), "public")
    await turns()
    yield line
    await line.hub.close()


@pytest.fixture
async def clock(monkeypatch):
    """The loop's clock, which a test turns by ``clock.now``."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: Clock.now)
    return Clock


async def test_answer_and_publications_arrive_in_order():
    async with following() as line:
        for position in range(2, 6):
            await line.commit(position, a=position)
        line.says('{"type":"ping","id":9}')

        assert line.reader.kinds() == ["subscribed", *["publication"] * 4, "pong"]
        assert line.reader.documents[NAME] == board(5, {"a": 5})


async def test_reader_that_fills_up_gets_one_snapshot_of_the_present_when_it_has_drained():
    async with following(high=2_000) as line:
        line.reader.stop_reading()
        for position in range(2, 100):
            await line.commit(position, **{"a": position, str(position): 1})
        assert line.reader.get_write_buffer_size() < 4_000

        line.reader.read_on()
        await line.commit(100, a=1, b=2)

        assert line.reader.documents[NAME] == board(100, {"a": 1, "b": 2})
        assert line.reader.gaps == 0
        assert len(line.reader.messages) < 15


async def test_reader_that_fills_up_by_its_snapshot_gets_the_next_one_later():
    async with following(high=1) as line:
        line.reader.stop_reading()
        await line.commit(2, a=2)
        await line.commit(3, a=3)
        line.reader._high = 0
        line.reader.read_on()
        line.reader.stop_reading()
        await line.commit(4, a=4)

        line.reader.read_on()

        assert line.reader.documents[NAME]["position"] == 4
        assert line.reader.gaps == 0


async def test_reader_that_is_full_is_asked_for_no_more_requests_and_answered_when_it_has_drained():
    async with following(high=100) as line:
        line.reader.stop_reading()
        await line.commit(2, a=2)
        seen = [line.reader.may_write_to_us]

        line.says('{"type":"ping","id":7}')
        assert line.reader.kinds() == ["subscribed"]
        line.reader.read_on()

        assert [*seen, line.reader.may_write_to_us] == [False, True]
        assert line.reader.kinds().count("pong") == 1


async def test_reader_that_takes_nothing_for_too_long_is_cut_off(clock):
    async with following(high=100, stall_seconds_max=15) as line:
        line.reader.stop_reading()
        await line.commit(2, a=2)
        clock.now += 15
        line.connections.end_overdue()
        seen = [line.reader.is_cut]

        clock.now += 0.1
        line.connections.end_overdue()

        assert [*seen, line.reader.is_cut] == [False, True]
        assert len(line.connections) == 0


async def test_reader_that_drains_now_and_then_may_stay(clock):
    async with following(high=100, stall_seconds_max=15) as line:
        for position in range(2, 6):
            line.reader.stop_reading()
            await line.commit(position, a=position)
            clock.now += 10
            line.connections.end_overdue()
            line.reader.read_on()

        assert not line.reader.is_cut
        assert line.reader.documents[NAME]["position"] == 5


async def test_reader_of_many_channels_that_fills_up_again_and_again_gets_to_the_end_of_them():
    names = [f"kos101/boards/{number}" for number in range(10)]
    async with following(high=10) as line:
        for name in names:
            line.source.documents[name] = board(1, {"a": 1})
            await line.hub.subscribe(line.subscriber, Subscribe(name), "public")
        line.reader.stop_reading()
        for name in names:
            line.source.documents[name] = board(2, {"a": 2})
        await line.commit(2, a=2)

        for _ in range(len(names) + 2):
            line.reader.sip()

        assert {line.reader.documents[name]["position"] for name in names} == {2}
        assert line.reader.get_write_buffer_size() == 0
        line.reader.read_on()
        line.source.documents[names[3]] = board(3, {"a": 3})
        await line.commit(3, a=3)
        assert line.reader.documents[names[3]]["position"] == 3


async def test_reader_that_missed_nothing_while_it_was_full_is_told_nothing():
    async with following(high=10) as line:
        line.source.documents["kos101/orders"] = board(1, {"x": 1})
        line.reader.stop_reading()
        line.says('{"type":"ping","id":1}')

        line.reader.read_on()
        await line.commit(2, a=2)

        assert line.reader.kinds() == ["subscribed", "pong", "publication"]
        assert "delta" in line.reader.messages[-1]


async def test_reader_that_vanishes_while_it_is_answered_leaves_nothing_behind():
    async with following() as line:
        reader = Vanishing(10)
        subscriber = reader.connect(line.connections)
        line.source.documents["kos101/orders"] = board(1, {"x": 1})
        await line.hub.subscribe(subscriber, Subscribe("kos101/orders"), "public")

        assert subscriber.channels == ()
        assert [opened.name for opened in line.hub._open.values() if opened.is_followed] == [NAME]


async def test_answer_that_is_larger_than_the_backlog_is_no_reason_to_end():
    async with following(high=1, backlog_bytes_max=1) as line:
        reader = Reader(1)
        subscriber = reader.connect(line.connections)
        reader.stop_reading()
        await line.hub.subscribe(subscriber, Subscribe(NAME), "public")
        line.connections.end_overdue()

        reader.read_on()

        assert not reader.is_cut
        assert reader.kinds() == ["subscribed"]


async def test_reader_whose_token_ends_while_its_channel_is_read_is_heard_and_closed_in_order():
    async with following() as line:
        line.source.documents["kos101/orders"] = board(1, {"x": 1})
        line.source.gate.clear()
        line.says('{"type":"subscribe","channel":"kos101/orders"}')
        line.subscriber.close(4502, "ended")
        line.subscriber.data_received(client_frame(frames.CLOSE, b"\x11\x96"))
        line.source.gate.set()
        await turns()

        assert line.reader.kinds() == ["subscribed"]
        assert line.reader.is_cut
        assert len(line.connections._closing) == 0


@pytest.mark.parametrize("said", [client_frame(frames.CLOSE, b"\x03\xe8"), b"\xff\xff"], ids=["close", "bad frame"])
async def test_reader_that_ends_but_does_not_read_the_rest_is_cut_off(clock, said):
    async with following() as line:
        line.reader.stop_reading()
        await line.commit(2, a=2)
        line.subscriber.data_received(said)
        seen = [line.reader.is_cut]

        clock.now += 3
        line.connections.end_overdue()

        assert [*seen, line.reader.is_cut] == [False, True]


async def test_reader_whose_channel_takes_long_to_read_is_not_taken_for_dead():
    async with following() as line:
        line.source.documents["kos101/orders"] = board(1, {"x": 1})
        line.source.gate.clear()
        line.says('{"type":"subscribe","channel":"kos101/orders"}')
        for _ in range(3):
            line.connections._ping(line.subscriber)

        assert not line.reader.is_cut
        line.source.gate.set()
        await turns()
        assert line.reader.kinds() == ["subscribed", "subscribed"]


async def test_reader_that_is_silent_is_pinged_once_and_then_cut_off():
    async with following(ping_seconds=0.02) as line:
        watch = asyncio.create_task(line.connections._watch_pings())
        await turns()
        assert (line.reader.pings, line.reader.is_cut) == (1, False)
        await asyncio.sleep(0.05)

        assert (line.reader.pings, line.reader.is_cut) == (1, True)
        watch.cancel()


async def test_reader_that_answers_pings_or_says_anything_stays():
    async with following(ping_seconds=0.02) as line:
        watch = asyncio.create_task(line.connections._watch_pings())
        for number in range(6):
            await asyncio.sleep(0.015)
            line.subscriber.data_received(client_frame(frames.PONG, b"") if number % 2 else b"")

        assert not line.reader.is_cut
        watch.cancel()


async def test_close_that_is_not_answered_ends_anyway(clock):
    async with following() as line:
        line.subscriber.close(4502, "ended")
        await line.commit(2, a=2)
        assert line.reader.ended == [(4502, b"ended")]
        assert line.reader.kinds() == ["subscribed"]

        clock.now += 3
        line.connections.end_overdue()

        assert line.reader.is_cut


async def test_close_of_the_client_is_answered_and_nothing_follows():
    async with following() as line:
        line.subscriber.data_received(client_frame(frames.CLOSE, b"\x03\xe8bye") + client_frame(frames.PING, b""))
        await line.commit(2, a=2)

        assert line.reader.ended == [(1000, b"bye")]
        assert line.reader.kinds() == ["subscribed"]
        assert line.reader.is_cut


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (client_frame(frames.CONTINUATION, b"x"), 1002),
        (client_frame(frames.TEXT, b"x", fin=False) + client_frame(frames.TEXT, b"y"), 1002),
        (client_frame(frames.TEXT, b"\xff"), 1007),
        (client_frame(frames.CLOSE, b"\x01"), 1002),
        (client_frame(frames.TEXT, b"x" * 20_000), 1009),
        (client_frame(frames.TEXT, b"x" * 9_000, fin=False) + client_frame(frames.CONTINUATION, b"x" * 9_000), 1009),
        (b"\x81\x00", 1002),
    ],
    ids=["lone-continuation", "text-in-text", "not-utf8", "close-of-a-byte", "large", "large-in-parts", "not-masked"],
)
async def test_client_that_breaks_the_protocol_is_closed_with_its_code(sent, code):
    async with following() as line:
        line.subscriber.data_received(sent)

        assert [ended for ended, _ in line.reader.ended] == [code]
        assert line.reader.is_cut
        assert len(line.connections) == 0


async def test_flood_of_pongs_is_bounded_too():
    async with following(messages_per_second_max=1, subscriptions_max=1) as line:
        line.subscriber.data_received(client_frame(frames.PONG, b"") * 10)

        assert [code for code, _ in line.reader.ended] == [4003]


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
async def test_message_in_pieces_is_one_message(size: int):
    sent = (
        client_frame(frames.TEXT, b'{"type":"pi', fin=False)
        + client_frame(frames.PING, b"hi")
        + client_frame(frames.CONTINUATION, b'ng","id":5}')
    )
    async with following() as line:
        for start in range(0, len(sent), size):
            line.subscriber.data_received(sent[start : start + size])

        answer = line.reader.messages[-1]
        assert (answer["type"], answer["id"]) == ("pong", 5)


async def test_messages_are_answered_one_after_the_other_also_if_one_takes_time():
    async with following() as line:
        line.source.documents["kos101/orders"] = board(1, {"x": 1})
        line.source.gate.clear()
        line.says('{"type":"subscribe","id":1,"channel":"kos101/orders"}')
        line.says('{"type":"ping","id":2}')
        await turns()
        assert line.reader.kinds() == ["subscribed"]
        seen = [line.reader.may_write_to_us]

        line.source.gate.set()
        await turns()

        assert [message.get("id") for message in line.reader.messages] == [1, 1, 2]
        assert [*seen, line.reader.may_write_to_us] == [False, True]


async def test_client_that_left_while_its_channel_was_read_leaves_nothing_behind():
    line = Line(65_536, {})
    line.source.gate.clear()
    line.says(f'{{"type":"subscribe","id":1,"channel":"{NAME}"}}')
    await turns()

    line.reader.abort()
    line.source.gate.set()
    await turns()

    (opened,) = line.hub._open.values()
    assert not opened.is_followed
    await line.hub.close()


async def test_flood_of_pings_is_bounded_like_one_of_messages():
    async with following(messages_per_second_max=1, subscriptions_max=1) as line:
        for _ in range(10):
            line.subscriber.data_received(client_frame(frames.PING, b""))

        assert [code for code, _ in line.reader.ended] == [4003]


async def test_views_of_two_principals_are_apart():
    async with following() as line:
        full = Reader()
        subscriber = full.connect(line.connections, Viewer("ops", "full"))
        await line.hub.subscribe(subscriber, Subscribe(NAME, 1), "full")

        assert {view for _, view in line.source.reads} == {"public", "full"}
