"""Server-sent events over a real socket: the messages of the stream, recovery, refusals, and how a response ends."""

import asyncio
import logging
from typing import Any

import pytest

from app.errors import Unavailable
from app.realtime import events
from app.realtime.events import EventsTransport
from tests.realtime import served as served_module
from tests.realtime.doubles import EPOCH, board
from tests.realtime.event_source import event_source
from tests.realtime.served import BOARD as NAME
from tests.realtime.served import serving
from tests.realtime.test_stream import narrow

ORDERS = "kos101/orders"


@pytest.fixture(autouse=True, params=["our server", "any server"])
def way(request, monkeypatch):
    """Every test runs on the server that `kos serve` is, and as on any other ASGI server."""
    monkeypatch.setattr(served_module, "is_attached_by_default", request.param == "any server")


async def let_go(served) -> None:
    """Until nobody is connected or followed any more, and nobody is counted at the door."""
    async with asyncio.timeout(10):
        while len(served.stream.connections) or served.stream.connections.door.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert all(not opened.is_followed for opened in served.hub._open.values())


async def test_snapshot_then_publications_with_ids_that_say_where_the_client_stands():
    async with serving() as served, event_source(served.port, NAME, ORDERS) as source:
        first, second = await source.heard(2)
        await served.commit(2, a=5)
        publication = await source.next()

    assert (source.status, source.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (source.headers["cache-control"], source.headers["x-accel-buffering"]) == ("no-store", "no")
    assert 1_000 <= source.retry_ms <= 4_000
    assert (first.event, first.data, first.id) == (
        "subscribed",
        {
            "type": "subscribed",
            "id": 0,
            "channel": NAME,
            "epoch": EPOCH,
            "position": 1,
            "snapshot": board(1, {"a": 1}),
        },
        f"{EPOCH}:1,-",
    )
    assert (second.data["id"], second.data["channel"], second.id) == (1, ORDERS, f"{EPOCH}:1,{EPOCH}:1")
    assert publication is not None
    assert (publication.event, publication.data["previous"], publication.data["position"]) == ("publication", 1, 2)
    assert publication.data["delta"]["rows"] == board(2, {"a": 5})["rows"]
    assert publication.id == f"{EPOCH}:2,{EPOCH}:1"


@pytest.mark.parametrize("by", ["header", "query"])
async def test_last_event_id_recovers_each_channel_by_delta(by: str):
    async with serving() as served:
        async with event_source(served.port, NAME, ORDERS) as source:
            await source.heard(2)
            last = source.id
        await served.commit(2, a=5)
        await asyncio.sleep(0.05)
        how: dict[str, Any] = {"Last_Event_ID": last} if by == "header" else {"query": f"&last_event_id={last}"}
        async with event_source(served.port, NAME, ORDERS, **how) as source:
            first, second = await source.heard(2)

    assert first.data["delta"]["rows"] == board(2, {"a": 5})["rows"]
    assert second.data["delta"]["rows"] == []
    assert second.id == f"{EPOCH}:2,{EPOCH}:1"


@pytest.mark.parametrize(
    "last", ["", "x", "1,2,3", f"{EPOCH}:x,-", f"{EPOCH}:{'9' * 400},-", "a%0Adata:x:1,-", ",", ":1,:1"]
)
async def test_last_event_id_that_is_none_of_ours_gets_snapshots(last: str):
    async with (
        serving() as served,
        event_source(served.port, NAME, ORDERS, query=f"&last_event_id={last}") as source,
    ):
        heard = await source.heard(2)

    assert ["snapshot" in one.data for one in heard] == [True, True]
    assert source.id == f"{EPOCH}:1,{EPOCH}:1"


async def test_key_in_the_authorization_header_is_let_in():
    async with serving() as served, event_source(served.port, NAME, token="", Authorization="Bearer good") as source:
        assert (await source.heard(1))[0].event == "subscribed"


@pytest.mark.parametrize(
    ("channels", "token", "status", "code"),
    [
        ([NAME], "", 401, "token_invalid"),
        ([NAME], "bad", 401, "token_invalid"),
        ([NAME, "other/orders"], "good", 403, "channel_forbidden"),
        ([NAME, "kos101/nothing"], "good", 404, "channel_unknown"),
        ([], "good", 422, "missing_field"),
        (["kos101/a b"], "good", 422, "invalid_value"),
        ([f"kos101/{number}" for number in range(5)], "good", 409, "too_many_subscriptions"),
    ],
)
async def test_what_is_refused_is_a_problem_document_and_leaves_nothing(channels, token, status, code):
    async with serving() as served:
        async with event_source(served.port, *channels, token=token) as source:
            problem = await source.body()
        await let_go(served)

    assert (source.status, source.headers["content-type"], problem["code"]) == (
        status,
        "application/problem+json",
        code,
    )


async def test_channel_that_cannot_be_read_now_is_503_and_says_when_to_come_back():
    async with serving() as served:
        served.source.failing = Unavailable("database_unavailable", "no route to host db7.internal")
        async with event_source(served.port, NAME) as source:
            problem = await source.body()
        await let_go(served)

    assert (source.status, problem["code"]) == (503, "database_unavailable")
    assert "retry-after" in source.headers
    assert "db7" not in problem["detail"]


async def test_silence_is_filled_with_comments(monkeypatch):
    monkeypatch.setattr(events, "KEEPALIVE_SECONDS", 0.05)
    async with serving() as served, event_source(served.port, NAME) as source:
        await source.heard(1)
        while source.comments < 3:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await source.next()

        await served.commit(2, a=5)
        assert (await source.heard(1))[0].data["position"] == 2


async def test_silent_client_outlives_the_pings_that_it_cannot_answer():
    async with serving(ping_seconds=0.05) as served, event_source(served.port, NAME) as source:
        await source.heard(1)
        await asyncio.sleep(0.4)
        await served.commit(2, a=5)

        assert (await source.heard(1))[0].data["position"] == 2


async def test_revoked_token_ends_the_response_and_the_browsers_return_is_refused():
    async with serving(token_check_seconds=0.02) as served:
        async with event_source(served.port, NAME) as source:
            await source.heard(1)
            served.tokens.clear()
            last, end = await source.next(), await source.next()
        async with event_source(served.port, NAME, Last_Event_ID=source.id) as back:
            pass
        await let_go(served)

    assert last is not None
    assert (last.event, last.data, end) == (
        "close",
        {"code": 4502, "reason": "the token expired or was revoked"},
        None,
    )
    assert back.status == 401


async def test_channel_that_is_public_no_longer_ends_and_the_response_with_the_last_of_them():
    async with serving(token_check_seconds=0.02) as served:
        served.public = {NAME, ORDERS}
        async with event_source(served.port, NAME, ORDERS, token="") as source:
            await source.heard(2)
            served.public.remove(NAME)
            (first,) = await source.heard(1)
            served.source.documents[ORDERS] = board(2, {"b": 5})
            served.hub.mark("kos101", 2)
            (goes_on,) = await source.heard(1)
            served.public.remove(ORDERS)
            second, last = await source.heard(2)
            end = await source.next()
        await let_go(served)

    assert (first.event, first.data) == ("unsubscribed", {"type": "unsubscribed", "channel": NAME})
    assert (goes_on.event, goes_on.data["channel"]) == ("publication", ORDERS)
    assert (second.event, second.data["channel"]) == ("unsubscribed", ORDERS)
    assert (last.event, last.data["code"], end) == ("close", 4502, None)


async def test_client_that_never_reads_is_let_go_and_holds_up_no_other():
    async with (
        serving(stall_seconds_max=0.3, backlog_bytes_max=100_000) as served,
        event_source(served.port, NAME) as quick,
        event_source(served.port, NAME, sock=narrow(served.port)) as stalled,
    ):
        await quick.heard(1)
        await stalled.heard(1)
        stalled.transport.pause_reading()
        position = 1
        while len(served.stream.connections) == 2 and position < 2000:
            position += 1
            await served.commit(position, **{f"{position}x{number}": number for number in range(300)})
            while (await quick.heard(1))[0].data["position"] != position:
                pass

        assert len(served.stream.connections) == 1
        await served.commit(position + 1, a=1)
        assert (await quick.heard(1))[0].data["position"] == position + 1


async def test_client_that_stopped_reading_for_a_while_goes_on_from_a_snapshot():
    async with (
        serving(backlog_bytes_max=20_000) as served,
        event_source(served.port, NAME, sock=narrow(served.port)) as source,
    ):
        await source.heard(1)
        source.transport.pause_reading()
        (subscriber,) = served.stream.connections._subscribers
        position = 1
        while not subscriber.is_full and position < 2_000:
            position += 1
            await served.commit(position, **{f"{position}x{number}": number for number in range(900)})
            await asyncio.sleep(0.02)
        await served.commit(position + 1, a=1)
        await asyncio.sleep(0.05)
        assert isinstance(subscriber.transport, EventsTransport)
        assert subscriber.transport._size < 300_000
        source.transport.resume_reading()
        heard = await source.heard(1)
        while heard[-1].data["position"] != position + 1:
            heard += await source.heard(1)

    assert heard[-1].data["snapshot"] == board(position + 1, {"a": 1})
    assert heard[-1].id == f"{EPOCH}:{position + 1}"


async def test_clients_that_come_and_go_leave_nothing_behind(caplog, monkeypatch):
    """No follower, no open connection, no count, no task; and who stays hears everything."""
    async with serving() as served, event_source(served.port, NAME) as stays:
        # Its configuration keeps these from the root.
        monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
        await stays.heard(1)
        before = len(asyncio.all_tasks())
        for number in range(50):
            async with event_source(served.port, NAME) as source:
                if number % 2:
                    await source.heard(1)
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > before or len(served.stream.connections) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await served.commit(2, a=5)

        assert (await stays.heard(1))[0].data["position"] == 2
        assert served.stream.connections.door.connections == 1
        assert served.stream.connections.door.addresses == 1
        assert [len(opened.fanout) for opened in served.hub._open.values()] == [1]
    assert [record.getMessage() for record in caplog.records] == []


async def test_server_that_stops_says_so(way, caplog, monkeypatch):
    async with serving() as served, event_source(served.port, NAME) as source:
        # Its configuration keeps these from the root.
        monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
        await source.heard(1)
        if served.is_attached:
            # Another server tells nobody: whoever runs it does what `kos serve` does here.
            for subscriber in list(served.stream.connections._subscribers):
                subscriber.shutdown()
        stopping = asyncio.create_task(served.stop())
        last, end = await source.next(), await source.next()
        await stopping

    assert last is not None
    assert (last.event, last.data["code"], end) == ("close", 1012, None)
    assert [record.getMessage() for record in caplog.records] == []
