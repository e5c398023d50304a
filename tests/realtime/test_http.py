"""Requests that never end, over raw sockets: each is cut off, and meanwhile another client works."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvloop
from fastapi import Request, Response

from app import metrics
from app.realtime.http import HEAD_BYTES_MAX, BoundedHttp, HttpLimits
from app.realtime.subscriber import Subscriber
from tests.realtime.event_source import EventClient, event_source
from tests.realtime.served import BOARD, Served, serving
from tests.realtime.test_stream import asked, narrow

QUICK = HttpLimits(head_seconds_max=0.3, body_seconds_max=0.3, stall_seconds_max=0.3)
PATIENT = HttpLimits(head_seconds_max=60, body_seconds_max=60, stall_seconds_max=60)
GET = b"GET /echo HTTP/1.1\r\nHost: kos\r\n\r\n"


@asynccontextmanager
async def echoing(limits: HttpLimits) -> AsyncIterator[Served]:
    """A server that also answers ``/echo`` with the size of the body, and ``/large`` with more than a socket holds."""

    async def echo(request: Request) -> Response:
        return Response(str(len(await request.body())))

    async def large() -> Response:
        return Response(b"x" * (8 << 20))

    async with serving(is_attached=False, http=limits) as served:
        router = served.app.router
        router.add_api_route("/echo", echo, methods=["GET", "POST"])
        router.add_api_route("/large", large)
        yield served


async def opened(served: Served, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(data)
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the server ended the connection."""
    received = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(10):
            while data := await reader.read(65_536):
                received += data
    return received


def idle(served: Served) -> bool:
    """Whether nothing is waited for."""
    return not (len(served.http.heads) or len(served.http.bodies) or len(served.http.stalls))


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """A byte now and then, for ever."""
    with suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("first", "drops"),
    [
        (b"", b""),
        (b"\r\n", b"\r\n"),
        (b"GET /echo HT", b""),
        (b"GET /echo HTTP/1.1\r\nX: ", b"x"),
        (b"GET /v1/stream HTTP/1.1\r\nUpgrade: websocket\r\n", b"A: b\r\n"),
        # On a connection that was answered once.
        (GET, b"\r\n"),
        (GET, b"G"),
        # A body that never ends, by its length or by its chunks.
        (b"POST /echo HTTP/1.1\r\nHost: kos\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"POST /echo HTTP/1.1\r\nHost: kos\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
async def test_request_that_never_ends_is_cut_off_while_others_work(first: bytes, drops: bytes):
    async with echoing(QUICK) as served, served.client() as client:
        reader, writer = await opened(served, first)
        dripping = asyncio.create_task(drip(writer, drops)) if drops else None
        await ended(reader)

        assert (await asked(client, type="ping"))["type"] == "pong"
        assert idle(served)
        if dripping is not None:
            dripping.cancel()
        writer.close()


@pytest.mark.parametrize(
    "unit",
    [b"x", b"X-Header: " + b"y" * 1_000 + b"\r\n"],
    ids=["one header", "many headers"],
)
async def test_head_that_only_grows_is_refused_by_its_size(unit: bytes):
    async with echoing(PATIENT) as served:
        reader, writer = await opened(served, b"GET /echo HTTP/1.1\r\nHost: kos\r\nX: ")
        sent = 0
        with suppress(ConnectionError):
            while not writer.is_closing() and sent < 40 * HEAD_BYTES_MAX:
                writer.write(unit * (10_000 // len(unit)))
                await writer.drain()
                sent += 10_000
                await asyncio.sleep(0)
        await ended(reader)
        writer.close()

        assert sent < 40 * HEAD_BYTES_MAX
        assert idle(served)


async def test_requests_in_time_are_answered_whatever_their_pieces():
    body = b"x" * 300_000
    post = b"POST /echo HTTP/1.1\r\nHost: kos\r\nContent-Length: 300000\r\n\r\n" + body
    async with echoing(PATIENT) as served:
        for data in (GET, post, post + GET, GET * 3, post * 2 + GET[:20]):
            for size in (7, 60_000, 1 << 20):
                reader, writer = await opened(served)
                for start in range(0, len(data), max(size, len(data) // 100)):
                    writer.write(data[start : start + max(size, len(data) // 100)])
                    await asyncio.sleep(0)
                received = b""
                while received.count(b"HTTP/1.1 200 OK") < data.count(b"Host"):
                    received += (more := await asyncio.wait_for(reader.read(65_536), 5))
                    assert more, (len(data), size, received)
                writer.transport.abort()
        async with asyncio.timeout(5):
            while not idle(served):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_handshakes_and_answers_leave_no_deadline_behind():
    async with echoing(QUICK) as served, served.client() as client:
        reader, writer = await opened(served, GET)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        await asyncio.sleep(0.6)
        writer.close()

        assert idle(served)
        assert (await asked(client, type="ping"))["type"] == "pong"


async def test_answer_of_which_nothing_is_taken_is_cut_off():
    async with echoing(QUICK) as served, served.client() as client:
        connection = narrow(served.port)
        reader, writer = await asyncio.open_connection(sock=connection)
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nHost: kos\r\n\r\n")
        async with asyncio.timeout(10):
            while idle(served):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while not idle(served):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        transport.resume_reading()

        assert len(await ended(reader)) < 8 << 20
        assert (await asked(client, type="ping"))["type"] == "pong"


def times_stalled() -> float:
    return next(
        sample.value
        for family in metrics.DROPPED.collect()
        for sample in family.samples
        if sample.name == "kos_stream_dropped_total" and sample.labels["cause"] == "stalled"
    )


@pytest.fixture
def stalled_before() -> float:
    metrics.DROPPED.labels("stalled")
    return times_stalled()


async def fill(served: Served, source: EventClient) -> tuple[BoundedHttp, Subscriber]:
    """Write to a client that stopped reading until nothing more goes out; both ends of what the server has of it."""
    await source.heard(1)
    source.transport.pause_reading()
    (http,) = served.protocols()
    (subscriber,) = served.stream.connections.everyone()
    position = 1
    while not subscriber.is_full:
        position += 1
        await served.commit(position, **{f"{position}x{number}": number for number in range(900)})
        await asyncio.sleep(0.02)
    return http, subscriber


async def test_stream_of_which_nothing_is_taken_is_cut_off_and_counted(stalled_before: float):
    """Long before the sweep of the connections would."""
    async with (
        serving(is_attached=False, http=QUICK, stall_seconds_max=60, backlog_bytes_max=100_000) as served,
        event_source(served.port, BOARD, sock=narrow(served.port)) as source,
    ):
        await source.heard(1)
        source.transport.pause_reading()
        position = 1
        async with asyncio.timeout(20):
            while len(served.stream.connections):
                position += 1
                await served.commit(position, **{f"{position}x{number}": number for number in range(900)})
                await asyncio.sleep(0.02)

        assert times_stalled() == stalled_before + 1


@pytest.mark.parametrize("first", ["answer", "sweep"])
async def test_stream_that_both_find_overdue_is_counted_once(first: str, stalled_before: float):
    async with (
        serving(is_attached=False, http=PATIENT, stall_seconds_max=60, backlog_bytes_max=100_000) as served,
        event_source(served.port, BOARD, sock=narrow(served.port)) as source,
    ):
        http, subscriber = await fill(served, source)
        served.stream.connections._stalled[subscriber] -= 61
        looks = [http.look_for_progress, served.stream.connections.end_overdue]

        for look in looks if first == "answer" else reversed(looks):
            look()

        assert times_stalled() == stalled_before + 1
        assert len(served.stream.connections) == 0


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_connection_that_is_gone_may_be_ended_once_more(loop: Callable[[], asyncio.AbstractEventLoop]):
    async def end_twice() -> None:
        async with (
            serving(is_attached=False, http=PATIENT) as served,
            event_source(served.port, BOARD) as source,
        ):
            await source.heard(1)
            (http,) = served.protocols()
            (subscriber,) = served.stream.connections.everyone()
            source.writer.transport.abort()
            async with asyncio.timeout(10):
                while served.protocols() or len(served.stream.connections):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

            http.abort()
            subscriber.cut()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(end_twice())


async def test_answer_that_is_taken_slowly_arrives_whole():
    """Twenty times as long as nothing may be taken, but something is taken all the time."""
    limits = HttpLimits(head_seconds_max=0.3, body_seconds_max=0.3, stall_seconds_max=1.0)
    async with echoing(limits) as served:
        reader, writer = await asyncio.open_connection(sock=narrow(served.port), limit=65_536)
        writer.write(b"GET /large HTTP/1.1\r\nHost: kos\r\n\r\n")
        received = 0
        async with asyncio.timeout(30):
            while received < 8 << 20:
                received += len(more := await reader.read(32_768))
                assert more
                await asyncio.sleep(0.005)
        writer.close()

        assert received >= 8 << 20


async def test_end_that_the_server_makes_is_no_error_in_its_log(caplog, monkeypatch):
    async with echoing(QUICK) as served:
        # Its configuration keeps these from the root.
        monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
        for first in (b"", b"GET /", GET):
            _, writer = await opened(served, first)
            await asyncio.sleep(0.5)
            writer.close()
        gone = socket.create_connection(("127.0.0.1", served.port))
        gone.close()
        await asyncio.sleep(0.05)

    assert [record.getMessage() for record in caplog.records] == []
