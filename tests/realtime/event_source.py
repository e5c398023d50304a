"""A client of server-sent events, by the rules of the specification as far as we use them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson


@dataclass
class Heard:
    """One event: its name, its data, and the id that its client would send back."""

    event: str
    data: dict[str, Any]
    id: str


@dataclass
class EventClient:
    """An open connection whose response has begun. ``id`` is that of the last event."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int
    headers: dict[str, str]
    id: str = ""
    retry_ms: int = 0
    comments: int = 0
    _rest: bytes = field(default=b"")

    async def next(self) -> Heard | None:
        """The next event; None if the response has ended."""
        event, data = "message", b""
        while True:
            line = await self._line()
            if line is None:
                return None
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if not line and data:
                return Heard(event, orjson.loads(data), self.id)
            if line and not name:
                self.comments += 1
            match name:
                case b"event":
                    event = value.decode()
                case b"data":
                    data += value
                case b"id":
                    self.id = value.decode()
                case b"retry":
                    self.retry_ms = int(value)

    async def heard(self, count: int) -> list[Heard]:
        """So many events."""
        found = [await self.next() for _ in range(count)]
        assert None not in found
        return [one for one in found if one is not None]

    @property
    def transport(self) -> asyncio.Transport:
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        return transport

    async def body(self) -> dict[str, Any]:
        """The whole response, for one that is no stream."""
        size = int(self.headers["content-length"])
        document: dict[str, Any] = orjson.loads(await asyncio.wait_for(self.reader.readexactly(size), 5))
        return document

    async def _line(self) -> bytes | None:
        while b"\n" not in self._rest:
            head = await asyncio.wait_for(self.reader.readline(), 10)
            if not head:
                return None
            size = int(head, 16)
            chunk = await asyncio.wait_for(self.reader.readexactly(size + 2), 10)
            if size == 0:
                return None
            self._rest += chunk[:-2]
        line, self._rest = self._rest.split(b"\n", 1)
        return line


@asynccontextmanager
async def event_source(
    port: int,
    *channels: str,
    token: str = "good",
    sock: socket.socket | None = None,
    query: str = "",
    **headers: str,
) -> AsyncIterator[EventClient]:
    """Ask for these channels; what is said by ``headers`` has ``_`` where the name has ``-``."""
    where: dict[str, Any] = {"sock": sock} if sock is not None else {"host": "127.0.0.1", "port": port}
    reader, writer = await asyncio.open_connection(**where, limit=1 << 24)
    named = "&".join(f"channel={quote(one)}" for one in channels)
    lines = [f"GET /v1/stream/sse?token={token}&{named}{query} HTTP/1.1", "Host: kos"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().split("\r\n")
        found = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        yield EventClient(reader, writer, int(head[0].split()[1]), found)
    finally:
        writer.transport.abort()
