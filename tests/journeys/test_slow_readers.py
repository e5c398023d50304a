"""Some of those that follow a board do not read: they are cut off, and nobody else notices."""

import asyncio
import resource
import select
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import orjson

from app.realtime import frames
from app.settings import Settings
from tests import factories
from tests.app_server import AppServer, Serve
from tests.event_client import EventClient
from tests.realtime.doubles import Reader
from tests.servers import LONG

SOCKETS = 10_000 if LONG else 500
MUTE = SOCKETS // 20
SIPPING = SOCKETS // 100
HOSTS = 100
# A delta has a row for each host, 40 kB with names as long as these: in all more than a slow connection may hold.
NAME = "名" * 110
ROUNDS = 40
# What a slow connection may hold: its backlog, one walk on top of it, and what the allocator makes of that.
_SLOW_BYTES_MAX = 192 * 1024
_OTHER_BYTES_MAX = 16 << 20
_WAIT_SECONDS_MAX = 120.0
_CONNECTING_MAX = 100
_DOORS = ("connections_per_address_max", "handshakes_per_second_max")


class Follower(asyncio.Protocol):
    """A client of the raw protocol that keeps a board by the rule of the documents."""

    def __init__(self, handshake: bytes, channel: str) -> None:
        self.reader = Reader()
        self.is_lost = False
        self._handshake = handshake
        self._channel = channel
        self._buffer = b""
        self._is_open = False

    @property
    def document(self) -> dict[str, Any]:
        return self.reader.documents.get(self._channel, {"position": 0})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._handshake)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._is_open, self._buffer = True, rest
            self.transport.write(subscribe(self._channel))
        whole = _whole(self._buffer)
        for opcode, payload in frames.server_frames(self._buffer[:whole]):
            if opcode == frames.TEXT:
                self.reader.take(orjson.loads(payload))
                self.reader.messages.clear()
        self._buffer = self._buffer[whole:]

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True


def _whole(data: bytes) -> int:
    """Bytes of the frames that are all there."""
    at = 0
    while len(data) - at >= 2:
        size, head = data[at + 1], 2
        if size == 126:
            size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
        if len(data) - at < head + size:
            break
        at += head + size
    return at


def handshake_with(token: str) -> bytes:
    lines = (
        f"GET /v1/stream?token={token} HTTP/1.1",
        "Host: kos",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: kos.v1",
    )
    return "\r\n".join((*lines, "", "")).encode()


def subscribe(channel: str) -> bytes:
    """A masked frame; a mask of zeroes is a mask too."""
    message = orjson.dumps({"type": "subscribe", "channel": channel})
    return bytes((0x81, 0x80 | len(message), 0, 0, 0, 0)) + message


@contextmanager
def files_for(connections: int) -> Iterator[int]:
    """Let this process, and the server that it starts, have a file for each; how many there may be."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        yield connections if most == resource.RLIM_INFINITY else min(connections, most - 500)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@contextmanager
def slow_ones(server: AppServer, handshake: bytes, channel: str, count: int) -> Iterator[list[socket.socket]]:
    """Connected, subscribed, and never read from; each holds as little as its kernel allows."""
    found: list[socket.socket] = []
    try:
        for _ in range(count):
            one = socket.socket()
            found.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            one.connect(("127.0.0.1", server.port))
            one.sendall(handshake)
            assert one.recv(4_096).startswith(b"HTTP/1.1 101")
            one.sendall(subscribe(channel))
            one.setblocking(False)
        yield found
    finally:
        for one in found:
            one.close()


def still_there(connections: Sequence[socket.socket]) -> int:
    """How many the server has not ended; told without reading from them."""
    poll = select.poll()
    for one in connections:
        poll.register(one, select.POLLRDHUP)
    return len(connections) - len(poll.poll(0))


async def sip(connections: Sequence[socket.socket]) -> None:
    while True:
        for one in connections:
            with suppress(OSError):
                one.recv(1)
        await asyncio.sleep(1)


async def come_and_go(server: AppServer, handshake: bytes, channel: str, gone: list[int]) -> None:
    """One after the other, every other one before it has read what it asked for."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            writer.write(handshake)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(subscribe(channel))
            if len(gone) % 2:
                await reader.readexactly(4)
            gone.append(1)
        finally:
            writer.close()


@asynccontextmanager
async def running(*work: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def connected(server: AppServer, handshake: bytes, channel: str, count: int) -> list[Follower]:
    followers: list[Follower] = []
    loop = asyncio.get_running_loop()
    while len(followers) < count:
        some = (
            loop.create_connection(lambda: Follower(handshake, channel), "127.0.0.1", server.port)
            for _ in range(min(_CONNECTING_MAX, count - len(followers)))
        )
        followers += [follower for _, follower in await asyncio.gather(*some)]
    return followers


async def until(is_so: Any) -> None:
    async with asyncio.timeout(_WAIT_SECONDS_MAX):
        while not is_so():  # noqa: ASYNC110, there is nothing that could tell
            await asyncio.sleep(0.05)


def most_bytes(server: AppServer) -> int:
    """Memory that the server had at most."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


async def sell_everywhere(event: EventClient, number: int) -> None:
    """An order for every host, all accepted."""
    orders = [factories.simple_order(f"o{number}-{host}", f"h{host}") for host in range(HOSTS)]
    answer = await event.ok("POST", "/orders/batch", orders)
    assert answer["accepted"] == HOSTS, answer


async def test_those_that_do_not_read_are_cut_off_and_nobody_else_notices(serve: Serve, tmp_path: Path):
    """Everything is published while they are there, so whatever they cost has been paid when they are cut off."""
    doors = {f"KOS_{name.upper()}": "1000000" for name in _DOORS if name in Settings.model_fields}
    with files_for(SOCKETS) as most:
        async with (
            serve(
                f"sqlite+aiosqlite:///{tmp_path}/kos.db",
                # Long enough for all rounds: it is the backlog that is bounded, not the time to make one.
                KOS_SUBSCRIBER_STALL_SECONDS_MAX="5",
                # They would not answer a ping either, and that must not be what ends them.
                KOS_PING_SECONDS="600",
                **doors,
            ) as server,
            server.client() as client,
        ):
            hosts = [{"id": f"h{host}", "name": f"{NAME}{host}"} for host in range(HOSTS)]
            event = await EventClient(client, "slow").open({"teams": [], "hosts": hosts})
            made = await client.post("/v1/tokens", json={"event": event.id, "kind": "overlay"})
            channel = f"{event.id}/boards/hosts"
            handshake = handshake_with(made.json()["token"])
            followers = await connected(server, handshake, channel, most - MUTE - SIPPING)
            await until(lambda: all(one.document["position"] for one in followers))
            await sell_everywhere(event, 0)
            gone: list[int] = []
            with slow_ones(server, handshake, channel, MUTE + SIPPING) as slow:
                before = most_bytes(server)
                async with running(sip(slow[MUTE:]), come_and_go(server, handshake, channel, gone)):
                    for number in range(1, ROUNDS + 1):
                        await sell_everywhere(event, number)
                    grown = most_bytes(server) - before
                    await until(lambda: still_there(slow) == 0)
            sold = await event.sell("last", "h1")
            await until(lambda: {one.document["position"] for one in followers} == {sold["position"]})
            board = await event.board("hosts")

            assert grown < (MUTE + SIPPING) * _SLOW_BYTES_MAX + _OTHER_BYTES_MAX
            assert not any(one.is_lost for one in followers)
            assert sum(one.reader.gaps for one in followers) == 0
            assert all(one.document["rows"] == board["rows"] for one in followers)
            assert len(board["rows"]) == HOSTS
            assert gone
            for one in followers:
                one.transport.close()
            await until(lambda: all(one.is_lost for one in followers))
