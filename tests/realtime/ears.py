"""Buses as the processes of one installation have them, with what each has heard."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.realtime.bus_redis import RedisBus
from tests.live import eventually

SECRET = b"known to the processes of one installation"


class Ear:
    """A process's bus, with what it heard."""

    def __init__(self, url: str, secret: bytes = SECRET) -> None:
        self.bus = RedisBus(url, secret)
        self.heard: list[tuple[str, bytes]] = []
        self.healed: list[str] = []
        self.bus.on("word", lambda event, payload: self.heard.append((event, payload)))
        self.bus.on_heal(self.healed.append)
        self.bus.start()

    async def follows(self, *events: str) -> "Ear":
        """Returns once all of them are heard."""
        for event in events:
            self.bus.follow(event)
        await self.is_connected()
        return self

    async def is_connected(self) -> None:
        await eventually(lambda: self.bus.is_connected)


@asynccontextmanager
async def ears(url: str, count: int = 2, secret: bytes = SECRET) -> AsyncIterator[list[Ear]]:
    async with AsyncExitStack() as stack:
        made = [Ear(url, secret) for _ in range(count)]
        for ear in made:
            stack.push_async_callback(ear.bus.close)
        yield made


async def hears(ear: Ear, teller: Ear, event: str, payload: bytes) -> None:
    """Tell until it is heard. Errors: TimeoutError."""

    def is_heard() -> bool:
        teller.bus.tell(event, "word", payload)
        return (event, payload) in ear.heard

    await eventually(is_heard)
