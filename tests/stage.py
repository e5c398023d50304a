"""One event on a real database, told facts directly, and the documents that its channels show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.database import create_engine
from app.feed import Feed
from app.profiles import Profiles
from tests.book import order as order_of
from tests.book import order_said
from tests.live import Clock, create, running


class Stage:
    """One event, and what its channels show."""

    def __init__(self, clock: Clock, events: Any, event: Any, feed: Feed, profiles: Profiles) -> None:
        self.clock, self.events, self.event, self.feed, self.profiles = clock, events, event, feed, profiles
        self.name = event.head.event

    async def say(self, *said: Any) -> None:
        for one in said:
            await self.event.submit_one(one)

    async def sell(self, id: str, **fields: Any) -> None:
        await self.say(order_said(order_of(id, **fields)))

    async def shown(self, channel: str = "", view: str = "public") -> dict[str, Any]:
        return await self.feed.snapshot(f"{self.name}/{channel}".rstrip("/"), view)


@asynccontextmanager
async def staged(url: str) -> AsyncIterator[Stage]:
    """A live event with the hosts of ``tests.book``."""
    clock = Clock()
    async with running(url, clock, faulty=True, tail_interval_ms=60_000) as events:
        engine = create_engine(url)
        profiles = Profiles(engine)
        feed = Feed(events, profiles, events._store)
        yield Stage(clock, events, await create(events), feed, profiles)
        await engine.dispose()
