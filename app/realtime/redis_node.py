"""One server of the bus: the channels that are heard there, and what waits to be told there.

Whatever goes wrong (the server is gone or silent, a channel lives elsewhere by now) ends both connections; they are
made again, and ``healed`` is called for each channel once it is heard again.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import structlog
from redis.asyncio.connection import Connection
from redis.exceptions import RedisError

from app.realtime.bus import BusFigures
from app.realtime.redis_servers import WAIT_SECONDS_MAX, Address, Servers

log = structlog.get_logger(__name__)

OUTBOX_MESSAGES_MAX = 1_000
OUTBOX_BYTES_MAX = 8 << 20
_PIPELINE_MESSAGES_MAX = 64
# A connection that only listens would never notice that its server is gone: it asks, and wants an answer.
_PING_SECONDS = 5.0
_SILENCE_SECONDS_MAX = 12.0
RETRY_SECONDS_MIN = 0.05
RETRY_SECONDS_MAX = 2.0
# Connected for so long, the next loss is a new one and not the last one again.
_STEADY_SECONDS = 5.0

# What the world does to a connection; anything else is a fault of ours.
TROUBLE = (RedisError, OSError, TimeoutError)


class Moved(RedisError):
    """The server let go of a channel that is still wanted: another one has it now."""


def backoff(wait_seconds: float) -> float:
    """So long to wait, give or take a half: processes that lost the same server do not come back all at once."""
    return wait_seconds * random.uniform(0.5, 1.5)  # noqa: S311


async def _write(connection: Connection, commands: Sequence[tuple[str | bytes, ...]]) -> None:
    """Errors: RedisError, OSError, TimeoutError."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        await connection.send_packed_command(connection.pack_commands(commands))


class Node:
    """Keeps two connections to a server. ``hear`` gets (channel, message), ``healed`` a channel, ``lost`` nothing."""

    def __init__(
        self,
        servers: Servers,
        address: Address,
        figures: BusFigures,
        hear: Callable[[bytes, bytes], None],
        healed: Callable[[bytes], None],
        lost: Callable[[], None],
    ) -> None:
        self.address = address
        self.is_connected = False
        self._servers = servers
        self._figures = figures
        self._hear = hear
        self._healed = healed
        self._lost = lost
        self._wanted: set[bytes] = set()
        self._asked: set[bytes] = set()
        self._leaving: set[bytes] = set()
        self._heard: set[bytes] = set()
        self._changed = asyncio.Event()
        self._outbox: deque[tuple[bytes, bytes]] = deque()
        self._outbox_bytes = 0
        self._filled = asyncio.Event()

    @property
    def hears_all(self) -> bool:
        """Whether every wanted channel is heard."""
        return self.is_connected and self._heard == self._wanted

    def want(self, channels: Iterable[bytes]) -> None:
        """From now on hear these channels and no others."""
        self._wanted = set(channels)
        self._changed.set()

    def tell(self, channel: bytes, message: bytes) -> None:
        """Send it when its turn comes; dropped, and counted, if there is no connection or too much waits."""
        fits = len(self._outbox) < OUTBOX_MESSAGES_MAX and self._outbox_bytes + len(message) <= OUTBOX_BYTES_MAX
        if not self.is_connected or not fits:
            self._figures.dropped += 1
            return
        self._outbox.append((channel, message))
        self._outbox_bytes += len(message)
        self._filled.set()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop, wait, is_told = asyncio.get_running_loop(), RETRY_SECONDS_MIN, False
        while True:
            began = loop.time()
            trouble: Exception | None = None
            try:
                await self._serve()
            except Exception as error:
                trouble = error
            if loop.time() - began > _STEADY_SECONDS:
                wait, is_told = RETRY_SECONDS_MIN, False
            if not isinstance(trouble, TROUBLE):
                log.error("bus_failed", exc_info=trouble)
            elif not is_told:
                log.warning("bus_lost", server="{}:{}".format(*self.address), reason=str(trouble)[:200])
                is_told = True
            self._figures.losses += 1
            self._lost()
            await asyncio.sleep(backoff(wait))
            wait = min(wait * 2, RETRY_SECONDS_MAX)

    async def _serve(self) -> None:
        connections: list[Connection] = []
        tasks: list[asyncio.Task[None]] = []
        try:
            for _ in range(2):
                connections.append(await self._servers.connect(self.address))
            hearing, telling = connections
            self.is_connected = True
            self._changed.set()
            work = [self._subscribe(hearing), self._listen(hearing), self._publish(telling)]
            tasks = [asyncio.create_task(part) for part in work]
            # None of them ends by itself, so the first that does tells what went wrong.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            self.is_connected = False
            for task in tasks:
                task.cancel()
            # Nothing here waits before the end: a bus that is closed meanwhile must not leave them open.
            for connection in connections:
                await connection.disconnect(nowait=True)
            missed = self._heard
            self._asked, self._leaving, self._heard = set(), set(), set()
            # What waits is not kept: when it could be told it would be old, and who missed it has read it.
            self._figures.dropped += len(self._outbox)
            self._outbox.clear()
            self._outbox_bytes = 0
            for channel in missed:
                self._healed(channel)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _subscribe(self, connection: Connection) -> None:
        while True:
            try:
                async with asyncio.timeout(_PING_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                await _write(connection, [("PING",)])
            self._changed.clear()
            new, old = self._wanted - self._asked, self._asked - self._wanted
            self._asked = set(self._wanted)
            self._leaving |= old
            # One by one: in a cluster the channels of one command must share a slot.
            commands = [("SSUBSCRIBE", channel) for channel in new] + [("SUNSUBSCRIBE", channel) for channel in old]
            if commands:
                await _write(connection, commands)

    async def _listen(self, connection: Connection) -> None:
        while True:
            answer = await connection.read_response(timeout=_SILENCE_SECONDS_MAX)
            if answer is None:
                raise TimeoutError("the server is silent")
            kind = answer[0] if isinstance(answer, list) else b"pong"
            if kind == b"smessage":
                self._hear(answer[1], answer[2])
            elif kind == b"ssubscribe":
                self._heard.add(answer[1])
                self._healed(answer[1])
            elif kind == b"sunsubscribe":
                self._heard.discard(answer[1])
                if answer[1] not in self._leaving:
                    raise Moved("a channel has moved to another server")
                self._leaving.discard(answer[1])

    async def _publish(self, connection: Connection) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._outbox:
                count = min(len(self._outbox), _PIPELINE_MESSAGES_MAX)
                batch = [self._outbox.popleft() for _ in range(count)]
                self._outbox_bytes -= sum(len(message) for _, message in batch)
                told = 0
                try:
                    await _write(connection, [("SPUBLISH", channel, message) for channel, message in batch])
                    for _ in batch:
                        async with asyncio.timeout(WAIT_SECONDS_MAX):
                            await connection.read_response()
                        told += 1
                finally:
                    self._figures.told += told
                    self._figures.dropped += count - told
