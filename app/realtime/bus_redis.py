"""The bus on Redis or Valkey: sharded pub/sub, by one way for a single server and for a cluster (decision 0010).

A message is a seal, the sender's id, its kind and the payload. The seal is made with a secret that all processes have
from the database: who can write into Redis, and nothing else, can make nobody believe anything.
"""

import asyncio
import hashlib
import hmac
import os
import random
from collections.abc import Callable

import structlog

from app.realtime.bus import BusFigures, Handler
from app.realtime.redis_node import RETRY_SECONDS_MAX, RETRY_SECONDS_MIN, TROUBLE, Node, backoff
from app.realtime.redis_servers import Address, Servers, ShardMap

log = structlog.get_logger(__name__)

MESSAGE_BYTES_MAX = 512 << 10
# Nobody says that slots have moved while nothing is wrong, so the map is looked at now and then.
_MAP_SECONDS = 60.0
_SEAL_BYTES = 16
_SENDER_BYTES = 8
_HEADER_BYTES = _SEAL_BYTES + _SENDER_BYTES + 1
_PURPOSE = b"kos.bus.1"


def channel_of(event: str) -> bytes:
    """The channel of an event; the braces are part of its name, and in a cluster decide where it lives."""
    return b"ev:{%b}" % event.encode()


def event_of(channel: bytes) -> str:
    """The event of a channel that ``channel_of`` made."""
    return channel[4:-1].decode()


class RedisBus:
    """A bus over the servers at a URL. ``secret`` is the same in every process and known to nobody else.

    It works, or is at work on it: a server that is gone is asked for again and again, with growing waits.
    """

    def __init__(self, url: str, secret: bytes) -> None:
        self.figures = BusFigures()
        self._servers = Servers(url)
        self._key = hashlib.sha256(secret).digest()
        self._sender = os.urandom(_SENDER_BYTES)
        self._handlers: dict[str, Handler] = {}
        self._heal_handlers: list[Callable[[str], None]] = []
        self._followed: set[str] = set()
        self._map = ShardMap([], [])
        self._is_covered = False
        self._nodes: dict[Address, Node] = {}
        self._tasks: dict[Address, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._refresh = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        return self._is_covered and all(node.hears_all for node in self._nodes.values())

    def start(self) -> None:
        """Begin to connect; waits for nothing."""
        self._watch = asyncio.get_running_loop().create_task(self._watch_map())

    async def close(self) -> None:
        """End every connection; what waits to be told is dropped."""
        tasks = [*self._tasks.values(), *([self._watch] if self._watch is not None else [])]
        self._nodes.clear()
        self._tasks.clear()
        self._is_covered = False
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def on(self, kind: str, handler: Handler) -> None:
        self._handlers[kind] = handler

    def on_heal(self, handler: Callable[[str], None]) -> None:
        self._heal_handlers.append(handler)

    def follow(self, event: str) -> None:
        self._followed.add(event)
        self._want()

    def unfollow(self, event: str) -> None:
        self._followed.discard(event)
        self._want()

    def tell(self, event: str, kind: str, payload: bytes) -> None:
        node = self._nodes.get(self._map.owner(channel := channel_of(event)) or ("", 0))
        message = self._sealed(channel, self._sender + bytes([len(kind)]) + kind.encode() + payload)
        if node is None or len(message) > MESSAGE_BYTES_MAX:
            self.figures.dropped += 1
        else:
            node.tell(channel, message)

    def _sealed(self, channel: bytes, rest: bytes) -> bytes:
        """The channel is sealed with it: what was said of one event is not said of another."""
        seal = hashlib.blake2b(key=self._key, digest_size=_SEAL_BYTES, person=_PURPOSE)
        seal.update(len(channel).to_bytes(2) + channel)
        seal.update(rest)
        return seal.digest() + rest

    def _hear(self, channel: bytes, message: bytes) -> None:
        if not _HEADER_BYTES <= len(message) <= MESSAGE_BYTES_MAX or not hmac.compare_digest(
            self._sealed(channel, message[_SEAL_BYTES:])[:_SEAL_BYTES], message[:_SEAL_BYTES]
        ):
            self.figures.refused += 1
            return
        if message[_SEAL_BYTES : _HEADER_BYTES - 1] == self._sender:
            return
        start = _HEADER_BYTES + message[_HEADER_BYTES - 1]
        handler = self._handlers.get(message[_HEADER_BYTES:start].decode())
        event = event_of(channel)
        # Of another version's kinds, or of what was let go while it was on its way, nothing need be known.
        if handler is None or event not in self._followed:
            return
        self.figures.heard += 1
        try:
            handler(event, message[start:])
        except Exception:
            # A message that a handler fails on must not take the ear from all the others.
            log.exception("bus_message_failed", journal_event=event)

    def _heal(self, channel: bytes) -> None:
        event = event_of(channel)
        for handler in self._heal_handlers:
            handler(event)

    def _want(self) -> None:
        wanted: dict[Address | None, list[bytes]] = {address: [] for address in self._nodes}
        for event in self._followed:
            channel = channel_of(event)
            wanted.setdefault(self._map.owner(channel), []).append(channel)
        self._is_covered = bool(self._nodes) and None not in wanted
        for address, node in self._nodes.items():
            node.want(wanted[address])

    async def _watch_map(self) -> None:
        wait, is_told = RETRY_SECONDS_MIN, False
        while True:
            self._refresh.clear()
            # Any of them may be the one that is gone.
            address = random.choice([self._servers.first, *self._map.known])  # noqa: S311
            try:
                self._arrange(await self._servers.shard_map(address))
            except TROUBLE as error:
                if not is_told:
                    log.warning("bus_waits", server="{}:{}".format(*address), reason=str(error)[:200])
                is_told = True
                await asyncio.sleep(backoff(wait))
                wait = min(wait * 2, RETRY_SECONDS_MAX)
                continue
            wait, is_told = RETRY_SECONDS_MIN, False
            try:
                async with asyncio.timeout(_MAP_SECONDS):
                    await self._refresh.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(backoff(RETRY_SECONDS_MIN))

    def _arrange(self, found: ShardMap) -> None:
        """Have a node for each server that holds slots, and no other."""
        self._map = found
        addresses = {shard.address for shard in found.shards}
        for address in self._nodes.keys() - addresses:
            del self._nodes[address]
            self._tasks.pop(address).cancel()
        for address in addresses - self._nodes.keys():
            node = Node(self._servers, address, self.figures, self._hear, self._heal, self._refresh.set)
            self._nodes[address] = node
            self._tasks[address] = asyncio.get_running_loop().create_task(node.run())
        self._want()
