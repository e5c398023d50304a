"""The endpoint over a real socket: who is let in, what a bad message brings, and how a connection ends."""

import asyncio
import logging
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from app.errors import Unavailable
from app.realtime.frames import server_frames
from tests.realtime import served as served_module
from tests.realtime.doubles import EPOCH, board
from tests.realtime.served import BOARD as NAME
from tests.realtime.served import serving
from tests.realtime.test_frames import client_frame


@pytest.fixture(autouse=True, params=["handed over", "attached"])
def way(request, monkeypatch):
    """Every test runs on the server that `kos serve` is, and as on any other ASGI server."""
    monkeypatch.setattr(served_module, "is_attached_by_default", request.param == "attached")


async def said(client: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(await asyncio.wait_for(client.recv(), 5))
    return message


async def asked(client: ClientConnection, **message: Any) -> dict[str, Any]:
    await client.send(orjson.dumps(message).decode())
    return await said(client)


async def closed(client: ClientConnection) -> int:
    """The close code of a connection that the server ends."""
    await asyncio.wait_for(client.wait_closed(), 10)
    assert client.close_code is not None
    return client.close_code


def narrow(port: int) -> socket.socket:
    """A socket with a small buffer, or the kernel takes megabytes before anyone notices that nobody reads."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


async def test_snapshot_then_publications_then_silence_after_unsubscribe():
    async with serving() as served, served.client() as client:
        answer = await asked(client, type="subscribe", id=1, channel=NAME)
        await served.commit(2, a=5)
        publication = await said(client)
        left = await asked(client, type="unsubscribe", id=2, channel=NAME)
        await served.commit(3, a=6)
        pong = await asked(client, type="ping", id="p")

    assert client.subprotocol == "kos.v1"
    assert answer == {
        "type": "subscribed",
        "id": 1,
        "channel": NAME,
        "epoch": EPOCH,
        "position": 1,
        "snapshot": board(1, {"a": 1}),
    }
    assert (publication["previous"], publication["position"]) == (1, 2)
    assert publication["delta"]["rows"] == board(2, {"a": 5})["rows"]
    assert left == {"type": "unsubscribed", "id": 2, "channel": NAME}
    assert (pong["type"], pong["id"]) == ("pong", "p")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(pong["time"])) < timedelta(minutes=1)


async def test_client_that_reconnects_with_its_position_gets_a_delta():
    async with serving() as served:
        async with served.client() as client:
            await asked(client, type="subscribe", id=1, channel=NAME)
        await served.commit(2, a=5)
        await asyncio.sleep(0.05)
        async with served.client() as client:
            answer = await asked(client, type="subscribe", id=1, channel=NAME, position=1, epoch=EPOCH)

    assert answer["position"] == 2
    assert answer["delta"]["rows"] == board(2, {"a": 5})["rows"]


async def test_key_in_the_authorization_header_is_let_in():
    async with serving() as served:
        headers = {"Authorization": "Bearer other"}
        async with served.client(token="", additional_headers=headers) as client:
            assert (await asked(client, type="ping"))["type"] == "pong"


@pytest.mark.parametrize("subprotocols", [None, ["chat"], ["kos.v2", "KOS.V1"]])
async def test_handshake_without_the_subprotocol_is_refused(subprotocols):
    async with serving() as served:
        with pytest.raises(InvalidStatus) as caught:
            async with served.client(subprotocols=subprotocols):
                pass

    assert caught.value.response.status_code == 400
    assert orjson.loads(caught.value.response.body)["code"] == "subprotocol_required"


@pytest.mark.parametrize("token", ["", "bad"])
async def test_connection_without_a_valid_token_is_told_not_to_come_back(token):
    async with serving() as served, served.client(token=token) as client:
        assert await closed(client) == 4501
        assert len(served.stream.connections) == 0


async def test_token_that_cannot_be_checked_now_is_told_to_come_back():
    async with serving() as served:
        served.is_database_gone = True
        async with served.client() as client:
            assert await closed(client) == 4001


async def test_revoked_token_ends_its_connections_and_no_other():
    limits: dict[str, Any] = {"token_check_seconds": 0.02}
    async with serving(**limits) as served, served.client() as revoked, served.client("other") as kept:
        for client in (revoked, kept):
            await asked(client, type="subscribe", channel=NAME)
        served.is_database_gone = True
        await asyncio.sleep(0.1)
        assert (await asked(revoked, type="ping"))["type"] == "pong"

        served.is_database_gone = False
        served.tokens.discard("good")

        assert await closed(revoked) == 4502
        assert (await asked(kept, type="ping"))["type"] == "pong"


async def test_one_round_asks_once_for_all_connections():
    async with serving(token_check_seconds=3600) as served, served.client() as client, served.client("other") as other:
        for one in (client, other):
            await asked(one, type="subscribe", channel=NAME)
        served.tokens.clear()

        await served.stream.connections.check_tokens()

        assert [await closed(one) for one in (client, other)] == [4502, 4502]
        assert served.checks == 1


async def test_channel_the_token_may_not_follow_is_refused_before_it_is_looked_for():
    async with serving() as served, served.client() as client:
        other = await asked(client, type="subscribe", id=1, channel="rival/boards/hosts")
        unknown = await asked(client, type="subscribe", id=2, channel="kos101/boards/none")

        assert (other["id"], other["code"]) == (1, "channel_forbidden")
        assert (unknown["id"], unknown["code"]) == (2, "channel_unknown")
        assert all(channel.startswith("kos101/") for channel, _ in served.source.reads)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "message_not_json"),
        ("[1]", "message_invalid"),
        ('{"type":"hello","id":3}', "message_type_unknown"),
        (b'{"type":"ping"}', "message_not_text"),
        ('{"type":"ping","pad":"' + "x" * 4096 + '"}', "message_too_large"),
        ('{"type":"ping","pad":"' + "林" * 1400 + '"}', "message_too_large"),
    ],
    ids=["not json", "not an object", "unknown type", "binary", "too large", "too large in bytes"],
)
async def test_bad_message_is_an_error_and_the_connection_stays(message, code):
    async with serving() as served, served.client() as client:
        await client.send(message)
        answer = await said(client)
        pong = await asked(client, type="ping")

    assert (answer["type"], answer["code"]) == ("error", code)
    assert pong["type"] == "pong"


async def test_words_of_the_database_are_not_passed_on():
    async with serving() as served, served.client() as client:
        served.source.failing = Unavailable("database_unavailable", "no route to host db7.internal")
        answer = await asked(client, type="subscribe", id=1, channel=NAME)

    assert (answer["id"], answer["code"], answer["retryable"]) == (1, "database_unavailable", True)
    assert "db7" not in answer["message"]


@pytest.mark.parametrize("early", [0, 1, 2, 5, 7, 40, 100, 250, 1_000])
async def test_messages_that_came_before_the_answer_are_taken_in_their_order(early: int):
    """A client may write before it has seen that it was let in; whatever has come by then is not lost."""
    sent = b"".join(
        client_frame(1, orjson.dumps(message))
        for message in (
            {"type": "subscribe", "id": 1, "channel": "kos101/orders", "pad": "x" * 200},
            {"type": "unsubscribe", "id": 2, "channel": "kos101/orders"},
            {"type": "ping", "id": 3},
        )
    )
    async with serving() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        request = (
            "GET /v1/stream?token=good HTTP/1.1\r\nHost: kos\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: kos.v1\r\n\r\n"
        )
        served.door.clear()
        writer.write(request.encode())
        await asyncio.sleep(0.05)
        writer.write(sent[:early])
        await asyncio.sleep(0.05)
        served.door.set()
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.write(sent[early:])
        received = b""
        while b"pong" not in received:
            received += await asyncio.wait_for(reader.read(65_536), 5)
        answers = [orjson.loads(payload) for _, payload in server_frames(received)]
        writer.close()

    assert [(answer["type"], answer["id"]) for answer in answers] == [
        ("subscribed", 1),
        ("unsubscribed", 2),
        ("pong", 3),
    ]


async def test_fragmented_message_is_one_message():
    async with serving() as served, served.client() as client:
        await client.send(iter(['{"type":', '"ping","id"', ":5}"]))

        answer = await said(client)
    assert (answer["type"], answer["id"]) == ("pong", 5)


async def test_subscriptions_of_a_connection_are_bounded_but_may_be_repeated():
    async with serving(subscriptions_max=1) as served, served.client() as client:
        await asked(client, type="subscribe", id=1, channel=NAME)
        more = await asked(client, type="subscribe", id=2, channel="kos101/orders")
        again = await asked(client, type="subscribe", id=3, channel=NAME)
        await asked(client, type="unsubscribe", id=4, channel=NAME)
        instead = await asked(client, type="subscribe", id=5, channel="kos101/orders")

    assert more["code"] == "too_many_subscriptions"
    assert again["type"] == instead["type"] == "subscribed"


async def test_client_that_floods_is_answered_no_more_and_told_to_come_back():
    async with serving(messages_per_second_max=1, subscriptions_max=10) as served, served.client() as client:
        answers = []
        with suppress(ConnectionClosedError):
            for number in range(200):
                await client.send(f'{{"type":"ping","id":{number}}}')
        with suppress(ConnectionClosedError):
            while True:
                answers.append((await said(client))["id"])

        assert await closed(client) == 4003
        assert 11 <= len(answers) < 100
        assert answers == list(range(len(answers)))


async def test_client_may_subscribe_to_all_it_may_follow_at_once():
    async with serving(messages_per_second_max=1, subscriptions_max=100) as served, served.client() as client:
        for number in range(100):
            await client.send(f'{{"type":"subscribe","id":{number},"channel":"kos101/orders"}}')

        assert [(await said(client))["type"] for _ in range(100)] == ["subscribed"] * 100


async def test_server_that_stops_tells_clients_to_come_back():
    async with serving() as served, served.client() as client:
        await asked(client, type="subscribe", channel=NAME)
        await served.stop()

        assert await closed(client) == 1012


async def test_client_that_never_reads_is_let_go_and_holds_up_no_other():
    async with (
        serving(stall_seconds_max=0.3, backlog_bytes_max=100_000) as served,
        served.client() as quick,
        served.client(sock=narrow(served.port)) as stalled,
    ):
        for client in (quick, stalled):
            await asked(client, type="subscribe", id=1, channel=NAME)
        stalled.transport.pause_reading()
        position = 1
        while len(served.stream.connections) == 2 and position < 2000:
            position += 1
            await served.commit(position, **{f"{position}x{number}": number for number in range(300)})
            while (await said(quick)).get("position") != position:
                pass

        assert len(served.stream.connections) == 1
        assert (await asked(quick, type="ping"))["type"] == "pong"
        stalled.transport.abort()


async def test_client_that_vanishes_leaves_nothing_behind():
    async with serving() as served:
        for _ in range(20):
            async with served.client() as client:
                await asked(client, type="subscribe", channel=NAME)
                client.transport.abort()
        await asyncio.sleep(0.1)

        assert len(served.stream.connections) == 0
        assert all(not opened.is_followed for opened in served.hub._open.values())


async def test_connection_that_the_server_ends_while_a_frame_waits_is_no_error(caplog, monkeypatch):
    """A broken frame makes the server close; what waits for a client that does not read is then let go, later."""
    async with (
        serving(is_attached=True, backlog_bytes_max=1_000) as served,
        served.client(sock=narrow(served.port)) as client,
    ):
        await asked(client, type="subscribe", channel=NAME)
        client.transport.pause_reading()
        (subscriber,) = served.stream.connections._subscribers
        position = 1
        while not subscriber.is_full and position < 2_000:
            position += 1
            await served.commit(position, **{f"{position}x{number}": number for number in range(900)})
            await asyncio.sleep(0.02)
        client.transport.write(b"\xff\xff\xff")
        await asyncio.sleep(0.1)
        # Where uvicorn tells of exceptions; its configuration keeps them from the root.
        monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
        client.transport.resume_reading()
        while len(served.stream.connections):  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.01)

    assert [record.getMessage() for record in caplog.records] == []
