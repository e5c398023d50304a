"""The Python client on a real server, and on one that says what ours would not say on demand."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from app.errors import Unavailable
from kos_client import ChannelRefused, KosClient, StreamClosed, StreamEnded
from tests.kos_client.scripted import QUICK, SECONDS_MAX, answers, scripted
from tests.realtime.doubles import board
from tests.realtime.served import BOARD, Served, serving

TICKER = "kos101/orders"


@asynccontextmanager
async def client_of(served: Served, token: str = "good", **options: Any) -> AsyncIterator[KosClient]:
    """A client of the server; whatever never comes to it is a failure and not a test that hangs."""
    url = f"http://127.0.0.1:{served.port}"
    async with asyncio.timeout(SECONDS_MAX), KosClient(url, token, timing=QUICK, **options) as client:
        yield client


async def test_followed_board_shows_each_state_until_it_is_unfollowed():
    async with serving(publish_interval_ms=0) as served, client_of(served) as client:
        followed = await client.follow(BOARD)
        seen = []
        async for document in followed.changes():
            seen.append(document)
            if len(seen) == 3:
                await client.unfollow(BOARD)
            else:
                await served.commit(len(seen) + 1, a=len(seen) + 4)

        assert seen == [board(1, {"a": 1}), board(2, {"a": 5}), board(3, {"a": 6})]
        assert followed.document == board(3, {"a": 6})
        with pytest.raises(StreamClosed, match="unfollowed"):
            await followed.until(lambda one: one.position > 3)


async def test_several_channels_share_a_connection_and_a_channel_is_followed_once():
    async with serving() as served, client_of(served) as client:
        first, ticker, same = await asyncio.gather(*(client.follow(name) for name in (BOARD, TICKER, BOARD)))
        served.publish(board(4, {"b": 9}), TICKER)
        await ticker.until(lambda one: one.position == 4)

        assert same is first
        assert first.document == board(1, {"a": 1})
        assert len(served.stream.connections) == client.connections_made == 1


async def test_slow_reader_of_changes_gets_the_newest_document_only():
    async with serving(publish_interval_ms=0) as served, client_of(served) as client:
        followed = await client.follow(BOARD)
        changes = followed.changes()
        await anext(changes)
        for position in range(2, 9):
            await served.commit(position, a=position)
        await followed.until(lambda one: one.position == 8)

        assert (await anext(changes))["position"] == 8


async def test_gap_is_noticed_and_asked_for_from_where_the_client_stands():
    said: list[dict[str, Any]] = []

    def note(data: bytes) -> bool:
        said.append(orjson.loads(data))
        return False

    async with serving() as served, client_of(served, tap=note) as client:
        followed = await client.follow(BOARD)
        # The server moves on and this client is not told.
        served.hub._open[BOARD, "public"].channel.update(board(2, {"a": 2, "b": 1}))
        await served.commit(3, a=2, b=1, c=1)
        await followed.until(lambda one: one.position == 3)

    assert followed.document == board(3, {"a": 2, "b": 1, "c": 1})
    assert [(message["type"], message.get("previous"), "delta" in message) for message in said] == [
        ("subscribed", None, False),
        ("publication", 2, True),
        ("subscribed", None, True),
    ]


async def test_server_that_was_started_again_is_found_and_what_happened_meanwhile_is_there():
    async with serving() as served, client_of(served) as client:
        followed, ticker = await client.follow(BOARD), await client.follow(TICKER)
        assert not followed.is_stale

        await served.stop()
        await followed.until(lambda one: one.is_stale)
        assert followed.document == board(1, {"a": 1})
        await served.commit(2, a=1, b=7)
        await served.start()
        await followed.until(lambda one: one.position == 2 and not one.is_stale)
        await ticker.until(lambda one: not one.is_stale)

        assert followed.document == board(2, {"a": 1, "b": 7})
        assert ticker.document == board(1, {"b": 1})
        assert client.connections_made == 2


async def test_client_that_starts_before_the_server_waits_for_it():
    async with serving() as served:
        await served.stop()
        async with client_of(served) as client:
            following = asyncio.create_task(client.follow(BOARD))
            await asyncio.sleep(0)
            await served.start()

            assert (await following).position == 1


async def test_restored_journal_replaces_what_was_shown():
    async with serving() as served, client_of(served) as client:
        followed = await client.follow(BOARD)
        await served.commit(9, a=9)
        await followed.until(lambda one: one.position == 9)

        served.publish(board(2, {"z": 1}, epoch="5b0c77aa"))
        await followed.until(lambda one: one.position == 2)

        assert followed.document == board(2, {"z": 1}, epoch="5b0c77aa")


@pytest.mark.parametrize("token", ["", "bad"])
async def test_token_that_is_not_valid_ends_the_client_at_once(token: str):
    async with serving() as served, client_of(served, token) as client:
        with pytest.raises(StreamEnded, match=r"4501.*not valid") as caught:
            await client.follow(BOARD)
        with pytest.raises(StreamEnded):
            await client.follow(TICKER)

        assert caught.value.code == 4501
        assert client.connections_made == 1


async def test_revoked_token_ends_those_who_wait_and_the_document_stays():
    async with serving(token_check_seconds=0.01) as served, client_of(served) as client:
        followed = await client.follow(BOARD)
        served.tokens.clear()

        with pytest.raises(StreamEnded) as caught:
            async for _ in followed.changes():
                pass

        assert caught.value.code == 4502
        assert followed.document == board(1, {"a": 1})
        assert followed.is_stale


async def test_token_that_cannot_be_checked_now_is_shown_again():
    async with serving() as served:
        served.is_database_gone = True
        async with client_of(served) as client:
            following = asyncio.create_task(client.follow(BOARD))
            while client.connections_made < 3:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.005)
            served.is_database_gone = False

            assert (await following).position == 1


async def test_channel_that_may_not_be_followed_is_told_and_the_others_go_on():
    async with serving() as served, client_of(served) as client:
        followed = await client.follow(BOARD)
        with pytest.raises(ChannelRefused) as caught:
            await client.follow("rival/boards/hosts")
        await served.commit(2, a=5)
        await followed.until(lambda one: one.position == 2)

    assert (caught.value.channel, caught.value.code) == ("rival/boards/hosts", "channel_forbidden")


async def test_channel_that_is_public_no_longer_ends_and_an_answer_to_this_client_ends_nothing():
    async with scripted(answers) as server, KosClient(server.url, timing=QUICK) as client:
        closing, staying = await client.follow(BOARD), await client.follow(TICKER)
        await server.say(type="unsubscribed", id=1, channel=TICKER)
        await server.say(type="unsubscribed", channel=BOARD)
        with pytest.raises(ChannelRefused, match="public no longer"):
            await closing.until(lambda one: False)

        assert staying.error is None
        assert closing.document["position"] == 1


async def test_channel_that_cannot_be_read_now_is_asked_for_again():
    async with serving() as served, client_of(served) as client:
        served.source.failing = Unavailable("database_unavailable", "Gone.")
        following = asyncio.create_task(client.follow(BOARD))
        while len(served.source.reads) < 3:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.005)
        served.source.failing = None

        assert (await following).position == 1


async def test_connection_on_which_nothing_comes_is_asked_then_given_up_and_made_again():
    timing = dataclasses.replace(QUICK, quiet_seconds=0.02, answer_seconds_max=0.02)
    dumb = scripted(lambda message: answers(message) if message["type"] == "subscribe" else [])
    async with dumb as server, KosClient(server.url, timing=timing) as client:
        await client.follow(BOARD)
        await server.until_heard("ping")
        await server.until_heard("subscribe", position=1)

        assert client.connections_made > 1


async def test_answer_to_a_ping_makes_a_quiet_connection_live_again():
    timing = dataclasses.replace(QUICK, quiet_seconds=0.02, answer_seconds_max=SECONDS_MAX)
    quiet = asyncio.Event()

    def slow_at_first(message: dict[str, Any]) -> list[dict[str, Any]]:
        return answers(message) if message["type"] != "ping" or quiet.is_set() else []

    async with scripted(slow_at_first) as server, KosClient(server.url, timing=timing) as client:
        followed = await client.follow(BOARD)
        await followed.until(lambda one: one.is_stale)
        (ping,) = await server.until_heard("ping")
        quiet.set()
        await server.say(type="pong", id=ping["id"])
        await followed.until(lambda one: not one.is_stale)

        assert client.connections_made == 1


async def test_after_a_gap_only_the_answer_that_is_waited_for_counts():
    def once(message: dict[str, Any]) -> list[dict[str, Any]]:
        return answers(message) if "position" not in message else []

    nothing: dict[str, Any] = {"rows": [], "gone": []}
    async with scripted(once) as server, KosClient(server.url, timing=QUICK) as client:
        followed = await client.follow(BOARD)
        await server.say(type="publication", channel=BOARD, previous=5, position=6, delta=nothing)
        first, second = await server.until_heard("subscribe", 2)
        await server.say(type="publication", channel=BOARD, previous=6, position=7, delta=nothing)
        await server.say(type="subscribed", id=first["id"], channel=BOARD, snapshot=board(8, {"z": 1}))
        await server.say(type="subscribed", id=second["id"], channel=BOARD, position=7, delta=nothing)
        await followed.until(lambda one: not one.is_stale)

        assert followed.document == board(7, {"a": 1})
        await client.unfollow(BOARD)
        await server.until_heard("unsubscribe", channel=BOARD)
        assert len(await server.until_heard("subscribe")) == 2


@pytest.mark.parametrize("code", [1000, 1011, 1012, 4003, 4499])
async def test_close_that_allows_it_is_followed_by_another_connection(code: int):
    async with scripted(answers) as server, KosClient(server.url, timing=QUICK) as client:
        await client.follow(BOARD)
        await server.connections[-1].close(code)
        again = (await server.until_heard("subscribe", 2))[1]

    assert (again["channel"], again["position"], again["epoch"]) == (BOARD, 1, "9f3a61c0")


@pytest.mark.parametrize("code", [4500, 4777, 4999])
async def test_close_that_forbids_it_is_not(code: int):
    async with scripted(answers) as server, KosClient(server.url, timing=QUICK) as client:
        followed = await client.follow(BOARD)
        await server.connections[-1].close(code, "go away")
        with pytest.raises(StreamEnded, match=f"{code}: go away"):
            await followed.until(lambda one: one.position > 1)


@pytest.mark.parametrize(
    ("status", "headers"),
    [(429, {"Content-Type": "application/problem+json", "Retry-After": "0"}), (503, {}), (404, {}), (502, {})],
)
async def test_handshake_that_is_refused_for_now_is_tried_again(status: int, headers: dict[str, str]):
    async with scripted(answers) as server:
        server.refusals = [(status, headers, b"{}")] * 2
        async with KosClient(server.url, timing=QUICK) as client:
            assert (await client.follow(BOARD)).position == 1

    assert len(server.headers) == 3


async def test_handshake_that_the_server_itself_finds_wrong_ends_the_client():
    async with scripted(answers) as server:
        server.refusals = [(403, {"Content-Type": "application/problem+json"}, b'{"code":"origin_forbidden"}')]
        async with KosClient(server.url, timing=QUICK) as client:
            with pytest.raises(StreamEnded, match=r"403.*origin_forbidden"):
                await client.follow(BOARD)


@pytest.mark.parametrize(("token", "sent"), [("t.o.k", "Bearer t.o.k"), ("", None)])
async def test_token_travels_in_a_header_and_never_in_the_address(token: str, sent: str | None):
    async with scripted(answers) as server, KosClient(server.url, token, timing=QUICK) as client:
        await client.follow(BOARD)

    assert server.headers[0].get("Authorization") == sent
    assert "token" not in client.url


async def test_live_channel_is_followed_by_its_time_and_heartbeats_go_out_on_every_connection():
    def live(message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["type"] != "subscribe":
            return []
        return [{"type": "subscribed", "id": message["id"], **viewers(5, 1)}]

    def viewers(second: int, count: int) -> dict[str, Any]:
        time = f"2026-11-22T10:00:0{second}.000000Z"
        return {
            "channel": "kos101/viewers",
            "time": time,
            "snapshot": {"event": "kos101", "time": time, "viewers": count},
        }

    async with scripted(live) as server, KosClient(server.url, timing=QUICK) as client:
        client.count_as_viewer("kos101/sessions/s1", "v1")
        followed = await client.follow("kos101/viewers")
        await server.say(type="publication", **viewers(4, 2))
        await server.say(type="publication", **viewers(6, 3))
        await followed.until(lambda one: one.document["viewers"] != 1)
        await server.until_heard("heartbeat")
        await server.connections[-1].close(1012)
        first, again = await server.until_heard("heartbeat", 2)

        assert followed.document["viewers"] == 3
        assert "position" not in (await server.until_heard("subscribe", 2))[1]
        assert first.pop("id") != again.pop("id")
        assert first == again == {"type": "heartbeat", "channel": "kos101/sessions/s1", "viewer": "v1"}


async def test_server_that_takes_no_heartbeat_is_asked_once(caplog: pytest.LogCaptureFixture):
    def refusing(message: dict[str, Any]) -> list[dict[str, Any]]:
        error = {"type": "error", "id": message["id"], "code": "message_type_unknown", "message": "No."}
        return [error] if message["type"] == "heartbeat" else answers(message)

    async with scripted(refusing) as server, KosClient(server.url, timing=QUICK) as client:
        client.count_as_viewer("kos101")
        await server.until_heard("heartbeat")
        # Its answer comes behind that of the heartbeat.
        followed = await client.follow(BOARD)
        await server.connections[-1].close(1012)
        await server.until_heard("subscribe", 2)
        await followed.until(lambda one: not one.is_stale)
        await server.connections[-1].close(1012)
        await server.until_heard("subscribe", 3)

        assert len(await server.until_heard("heartbeat")) == 1
    assert "not counted as a viewer: No." in caplog.messages


async def test_message_types_that_the_client_does_not_know_are_left_alone():
    async with scripted(answers) as server, KosClient(server.url, timing=QUICK) as client:
        followed = await client.follow(BOARD)
        await server.say(type="weather", channel=BOARD)
        await server.say(channel=BOARD)
        await server.say(type="publication", channel="kos101/other", snapshot={})
        await server.say(type="publication", channel=BOARD, previous=1, position=2, delta={"rows": [], "gone": []})
        await followed.until(lambda one: one.position == 2)

        assert client.connections_made == 1


async def test_tap_that_takes_a_message_keeps_it_from_the_client():
    came = asyncio.Event()

    def tap(data: bytes) -> bool:
        if b'"publication"' in data:
            came.set()
        return b'"position":2,' in data

    async with serving(publish_interval_ms=0) as served, client_of(served, tap=tap) as client:
        followed = await client.follow(BOARD)
        await served.commit(2, a=2)
        await asyncio.wait_for(came.wait(), SECONDS_MAX)
        assert followed.position == 1
        # The step from 2 to 3 says nothing of `a`.
        await served.commit(3, a=2, b=1)
        await followed.until(lambda one: one.position == 3)

        assert followed.document == board(3, {"a": 2, "b": 1})


async def test_closing_the_client_ends_every_wait_and_the_connection():
    async with serving() as served:
        async with client_of(served) as client:
            followed = await client.follow(BOARD)
            waiting = asyncio.create_task(followed.until(lambda one: one.position > 1))
            await asyncio.sleep(0)
        with pytest.raises(StreamClosed):
            await waiting
        with pytest.raises(StreamClosed):
            await client.follow(TICKER)
        assert [document["position"] async for document in followed.changes()] == [1]
        while len(served.stream.connections):  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.005)
