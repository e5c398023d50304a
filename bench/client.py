"""A load client that is cheap enough not to be what is measured: plain sockets, requests made beforehand.

One thread, one epoll, no framework: 25 us of processor time a request, most of it the kernel's. It speaks as much
HTTP/1.1 as it needs: keep-alive, one request under way per connection, answers with Content-Length.
"""

import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

ANSWER_SECONDS_MAX = 30.0
_HEADERS_END = b"\r\n\r\n"
_LENGTH = b"content-length: "

# How many orders an answer acknowledges, from its status and body.
Acknowledged = Callable[[int, bytes], int]


class LoadFailed(Exception):
    """The server did not do what was asked of it, so there is no result."""


@dataclass(slots=True)
class Load:
    """What came of it. Units: seconds; ``latencies`` of each answer, in order of arrival."""

    acknowledged: int = 0
    elapsed: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    refusal: bytes = b""

    @property
    def rate(self) -> float:
        """Acknowledged orders per second."""
        return self.acknowledged / self.elapsed if self.elapsed else 0.0

    def latency(self, share: float) -> float:
        """The latency that this share of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def request(path: str, body: bytes, key: str = "", content_type: str = "application/json") -> bytes:
    """One POST as it goes over the wire."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def created(status: int, body: bytes) -> int:
    """A single order counts when it was new."""
    return status == 201


def batch_accepted(status: int, body: bytes) -> int:
    """A batch says first how many of its orders were new."""
    return int(body[body.index(b":") + 1 : body.index(b",")]) if status == 200 else 0


class _Connection:
    """One keep-alive connection and the answer it is reading."""

    __slots__ = ("received", "sent_at", "socket", "wanted")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.wanted = 0
        self.sent_at = 0.0

    def send(self, data: bytes) -> None:
        # Blocking while it writes: a batch is larger than the socket's buffer, and nothing else is due meanwhile
        # that would not wait for the same core.
        self.sent_at = time.perf_counter()
        self.socket.sendall(data)

    def answer(self) -> tuple[int, bytes] | None:
        """Status and body once they are complete."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise LoadFailed("the server closed a connection")
        self.received = self.received + chunk if self.received else chunk
        if not self.wanted:
            end = self.received.find(_HEADERS_END)
            if end < 0:
                return None
            at = self.received.index(_LENGTH) + len(_LENGTH)
            length = int(self.received[at : self.received.index(b"\r", at)])
            self.wanted = end + len(_HEADERS_END) + length
        if len(self.received) < self.wanted:
            return None
        status, body = int(self.received[9:12]), self.received[self.received.index(_HEADERS_END) + 4 :]
        self.received, self.wanted = b"", 0
        return status, body


class Client:
    """Keep-alive connections to one server, each with one request under way at a time."""

    def __init__(self, port: int, connections: int) -> None:
        self._connections = [_Connection(port) for _ in range(connections)]
        self._epoll = select.epoll()
        self._by_file = {connection.socket.fileno(): connection for connection in self._connections}
        for file in self._by_file:
            self._epoll.register(file, select.EPOLLIN)

    def run(self, requests: Iterator[bytes], acknowledged: Acknowledged, seconds: float = float("inf")) -> Load:
        """Send until the time is over or the requests are, then wait for what is under way.

        Errors: LoadFailed if a connection breaks, an answer does not come, or an order was not acknowledged.
        """
        load = Load()
        started = time.perf_counter()
        busy = sum(self._send_next(connection, requests) for connection in self._connections)
        until = started + seconds
        while busy:
            ready = self._epoll.poll(ANSWER_SECONDS_MAX)
            if not ready:
                raise LoadFailed(f"{busy} requests were not answered within {ANSWER_SECONDS_MAX} s")
            for file, _ in ready:
                connection = self._by_file[file]
                answer = connection.answer()
                if answer is None:
                    continue
                now = time.perf_counter()
                self._take(load, answer, acknowledged, now - connection.sent_at)
                if now >= until or not self._send_next(connection, requests):
                    busy -= 1
        load.elapsed = time.perf_counter() - started
        if load.refusal:
            raise LoadFailed(f"not every order was acknowledged: {dict(load.statuses)} {load.refusal[:500]!r}")
        return load

    def close(self) -> None:
        self._epoll.close()
        for connection in self._connections:
            connection.socket.close()

    def _send_next(self, connection: _Connection, requests: Iterator[bytes]) -> bool:
        data = next(requests, None)
        if data is None:
            return False
        connection.send(data)
        return True

    def _take(self, load: Load, answer: tuple[int, bytes], acknowledged: Acknowledged, latency: float) -> None:
        status, body = answer
        count = acknowledged(status, body)
        if not count and not load.refusal:
            load.refusal = body or b"-"
        load.acknowledged += count
        load.statuses[status] += 1
        load.latencies.append(latency)
