"""Links and touches in the database: forgotten after their time, known to one event, found many at once."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from app.database import create_engine, transaction
from app.journal.tables import touch
from app.links import Links
from tests.live import Clock

DAY_US = 86_400_000_000


@pytest.fixture
async def clock() -> Clock:
    return Clock(1_000 * DAY_US)


@pytest.fixture
async def links(shared_url: str, clock: Clock) -> AsyncIterator[Links]:
    engine = create_engine(shared_url)
    yield Links(engine, 90, clock)
    await engine.dispose()


async def is_stored(links: Links, click: str) -> bool:
    async with transaction(links._db) as db:
        return (await db.execute(select(touch.c.id).where(touch.c.id == click))).first() is not None


async def test_touch_is_known_until_its_time_is_over_and_then_removed(shared_url, links, clock):
    link, _ = await links.create("kos101", "ann", "https://shop.example/", "", "")
    click = await links.follow(link)
    followed_at = clock.now

    clock.now = followed_at + 90 * DAY_US - 1
    assert await links.touches("kos101", [click]) == {click: {"host": "ann", "at": followed_at}}
    clock.now += 1
    assert await links.touches("kos101", [click]) == {}

    assert await is_stored(links, click)
    # The first click of a process clears up.
    later = await Links(links._db, 90, clock).follow(link)
    assert [await is_stored(links, one) for one in (click, later)] == [False, True]


async def test_thousands_of_clicks_are_looked_up_together(links):
    link, _ = await links.create("kos101", "ann", "https://shop.example/", "", "")
    clicks = [await links.follow(link) for _ in range(3)]

    found = await links.touches("kos101", [*clicks, *(f"unknown-{number}" for number in range(40_000))])

    assert found.keys() == set(clicks)
    assert (await links.touches("other", clicks[:1])) == {clicks[0]: {"outcome": "click_of_another_event"}}


async def test_made_up_codes_are_another_each_time(links):
    codes = {(await links.create("kos101", "ann", "https://shop.example/", "", ""))[0]["code"] for _ in range(20)}

    assert len(codes) == 20
    assert all(len(code) == 12 for code in codes)
