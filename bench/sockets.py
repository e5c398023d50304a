"""The two ends that the latency is measured between: a sender of single orders and a follower of one board.

Raw protocols on purpose: a hundred followers must not cost the core that they share with the database.
"""

import asyncio
import base64
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from bench.servers import BenchFailed

WAIT_SECONDS_MAX = 30.0
SENDERS = 16
_POSITION = b'"position":'


class Subscriber(asyncio.Protocol):
    """A raw WebSocket client that subscribes to the board and notes when which position came."""

    def __init__(self, port: int, token: str, channel: str) -> None:
        self.positions: list[int] = []
        self.times: list[float] = []
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: str | None = None
        self._buffer = b""
        self._is_open = False
        self._channel = channel.encode()
        nonce = base64.b64encode(os.urandom(16)).decode()
        self._handshake = (
            f"GET /v1/stream?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: kos.v1\r\n\r\n"
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._handshake)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._buffer = self._buffer + data if self._buffer else data
        if not self._is_open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(head.decode(errors="replace"))
                return
            self._is_open, self._buffer = True, rest
            self._send(1, b'{"type":"subscribe","id":1,"channel":"' + self._channel + b'"}')
        self._take_frames(now)

    def connection_lost(self, error: Exception | None) -> None:
        if self.error is None:
            self._fail("the server closed the stream")

    def close(self) -> None:
        """Leave; what the server does from now on is no error."""
        self.error = "closed"
        self._transport.close()

    def _take_frames(self, now: float) -> None:
        data, at = self._buffer, 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if len(data) < start + size:
                break
            self._take(data[at] & 15, data[start : start + size], now)
            at = start + size
        self._buffer = data[at:]

    def _take(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == 9:
            self._send(10, payload)
        if opcode != 1:
            return
        at = payload.find(_POSITION)
        if at < 0:
            self._fail(payload[:300].decode(errors="replace"))
            return
        end = at + len(_POSITION)
        stop = end
        while payload[stop] in b"0123456789":
            stop += 1
        self.positions.append(int(payload[end:stop]))
        self.times.append(now)
        if not self.subscribed.done():
            self.subscribed.set_result(None)

    def _send(self, opcode: int, payload: bytes) -> None:
        """One short masked frame; a mask of zeroes is a mask too."""
        self._transport.write(bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload)

    def _fail(self, why: str) -> None:
        self.error = why
        if not self.subscribed.done():
            self.subscribed.set_exception(BenchFailed(why))


class Sender(asyncio.Protocol):
    """One keep-alive connection that posts one order at a time and answers with its position."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        _, end, body = self._buffer.partition(b"\r\n\r\n")
        # An order's answer is one JSON object and nothing follows it.
        if end and body.endswith(b"}") and self._answer is not None and not self._answer.done():
            self._answer.set_result(self._buffer)
            self._buffer = b""

    @property
    def is_closed(self) -> bool:
        """Also by the server, which ends a connection that has said nothing for five seconds."""
        return self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    async def post(self, data: bytes) -> tuple[float, int]:
        """When it was sent, and the position it was given. Errors: BenchFailed if it was not accepted."""
        self._answer = asyncio.get_running_loop().create_future()
        sent_at = time.perf_counter()
        self._transport.write(data)
        answer = await asyncio.wait_for(self._answer, WAIT_SECONDS_MAX)
        if not answer.startswith(b"HTTP/1.1 201"):
            raise BenchFailed(f"an order was not accepted: {answer[-300:]!r}")
        return sent_at, int(answer.partition(_POSITION)[2].split(b",")[0])


@dataclass(slots=True)
class Posted:
    """What was sent: (when, by the monotonic clock in seconds, and its position), and how long each answer took."""

    orders: list[tuple[float, int]] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)

    @property
    def head(self) -> int:
        return max(position for _, position in self.orders)


async def post_paced(port: int, requests: Sequence[bytes], rate: float) -> Posted:
    """Start each at its moment, whether the ones before are answered or not; slightly irregular, as sales are."""
    loop = asyncio.get_running_loop()
    # The one that was used last goes first: at few orders a second it stays connected.
    idle = asyncio.LifoQueue[Sender]()
    for _ in range(SENDERS):
        _, sender = await loop.create_connection(Sender, "127.0.0.1", port)
        idle.put_nowait(sender)
    posted = Posted()

    async def post(data: bytes) -> None:
        sender = await idle.get()
        if sender.is_closed:
            _, sender = await loop.create_connection(Sender, "127.0.0.1", port)
        sent_at, position = await sender.post(data)
        posted.answered.append(time.perf_counter() - sent_at)
        posted.orders.append((sent_at, position))
        idle.put_nowait(sender)

    started = time.perf_counter()
    tasks = []
    for number, data in enumerate(requests):
        # A beat of its own would keep step with the publish interval, or never; this one drifts through it.
        due = started + (number + (number * 0.618) % 1 * 0.9) / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(post(data)))
    await asyncio.wait_for(asyncio.gather(*tasks), WAIT_SECONDS_MAX)
    while not idle.empty():
        idle.get_nowait().close()
    return posted
