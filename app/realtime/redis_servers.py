"""How servers of Redis or Valkey are reached, and which of them holds which channels: one server, or a cluster."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio.connection import Connection, SSLConnection
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

Address = tuple[str, int]

SLOTS = 16_384
_PORT = 6_379
# For a connection to be made, and for commands to be written and answered.
WAIT_SECONDS_MAX = 2.0
_NO_CLUSTER = ("cluster support disabled", "unknown command", "unknown subcommand")


@dataclass(frozen=True, slots=True)
class Shard:
    """The server that holds the slots from ``first`` to ``last``, both included."""

    first: int
    last: int
    address: Address


@dataclass(frozen=True, slots=True)
class ShardMap:
    """Who holds what now; ``known`` are all servers that may be asked for the next map, replicas included."""

    shards: Sequence[Shard]
    known: Sequence[Address]

    def owner(self, channel: bytes) -> Address | None:
        """None while nobody serves the channel."""
        slot = key_slot(channel)
        return next((shard.address for shard in self.shards if shard.first <= slot <= shard.last), None)


class Servers:
    """What the URL says: where the first server is, and how each one is talked to."""

    def __init__(self, url: str) -> None:
        parsed = urlsplit(url)
        options = {name: values[0] for name, values in parse_qs(parsed.query).items()}
        self.first: Address = (parsed.hostname or "127.0.0.1", parsed.port or _PORT)
        self._class = SSLConnection if parsed.scheme == "rediss" else Connection
        self._options: dict[str, Any] = {
            # Answers come in order on one connection, pushed messages between them: no need for the third version.
            "protocol": 2,
            "driver_info": None,
            # With a limit here, the driver writes under `asyncio.wait_for`, which before Python 3.12 forgets that it
            # was cancelled when the write has just ended: the task would go on for good. Callers set the limit.
            "socket_timeout": None,
            "username": unquote(parsed.username) if parsed.username else None,
            "password": unquote(parsed.password) if parsed.password else None,
            **options,
        }

    async def connect(self, address: Address) -> Connection:
        """A connection whose server has answered. Errors: RedisError, OSError, TimeoutError."""
        connection = self._class(host=address[0], port=address[1], **self._options)
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command("PING")
                await connection.read_response()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def shard_map(self, address: Address) -> ShardMap:
        """What this server knows. Errors: RedisError, OSError, TimeoutError."""
        connection = await self.connect(address)
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await connection.send_command("CLUSTER", "SLOTS")
                ranges = await connection.read_response()
        except ResponseError as error:
            if not any(words in str(error).lower() for words in _NO_CLUSTER):
                raise
            return ShardMap([Shard(0, SLOTS - 1, address)], [address])
        finally:
            await connection.disconnect(nowait=True)
        shards, known = [], []
        for first, last, *holders in ranges:
            # A server that does not know its own name says none: it is the one that was asked.
            found = [((holder[0] or b"").decode() or address[0], int(holder[1])) for holder in holders]
            shards.append(Shard(int(first), int(last), found[0]))
            known += found
        if not shards:
            raise RedisError("this server belongs to no cluster yet")
        return ShardMap(shards, list(dict.fromkeys(known)))
