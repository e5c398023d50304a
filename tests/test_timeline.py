"""Minutes and markers of an event: whole, in their own minute, bounded, and the same however they were read."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app import timeline
from app.timeline import MINUTES_MAX, Timeline
from tests.book import (
    START,
    cancellation_said,
    move_said,
    offer_said,
    order_said,
    pin_said,
    refund_said,
    session_said,
    unpin_said,
)
from tests.book import order as order_of
from tests.book import refund as refund_of
from tests.live import Clock, create, running

MINUTE = 60_000_000


class Desk:
    """One event whose clock the test moves, and its timeline as the feed keeps it."""

    def __init__(self, clock: Clock, events: Any, event: Any, store: Any) -> None:
        self.clock, self.events, self.event, self.store = clock, events, event, store
        self.timeline = Timeline(store, clock)
        events.on_change = lambda event, entries: self.timeline.extend(event, entries)

    async def say(self, *said: Any) -> None:
        for one in said:
            await self.event.submit_one(one)

    async def sell(self, id: str, **fields: Any) -> None:
        await self.say(order_said(order_of(id, **fields)))

    async def shown(self, last: int = 5) -> dict[str, Any]:
        """As it was kept up to date, checked to be what somebody reads who asks for the first time."""
        kept = await self.timeline.of(self.event, last)
        assert kept == await Timeline(self.store, self.clock).of(self.event, last)
        return kept


@pytest.fixture
async def desk(shared_url: str) -> AsyncIterator[Desk]:
    clock = Clock()
    clock.now -= clock.now % MINUTE
    async with running(shared_url, clock, faulty=True, tail_interval_ms=60_000) as events:
        yield Desk(clock, events, await create(events), events._store)


def columns(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (one["gross_sales"], one["orders"], one["units"], one["refunds"], one["viewers"]) for one in document["minutes"]
    ]


async def test_each_entry_counts_in_the_minute_that_took_it(desk: Desk):
    await desk.shown()
    await desk.sell("o1", host="ann", price="30.00")
    desk.clock.now += MINUTE - 1
    await desk.sell("o2", price="5.00", quantity=2)
    desk.clock.now += 1
    await desk.say(refund_said(refund_of("r1", "o1", amount="4.00")))
    desk.clock.now += 2 * MINUTE
    await desk.say(cancellation_said("o2"))

    document = await desk.shown()

    nothing = ("0.00", 0, 0, "0.00", None)
    assert columns(document) == [
        nothing,
        ("40.00", 2, 3, "0.00", None),
        ("0.00", 0, 0, "4.00", None),
        nothing,
        ("0.00", 0, 0, "10.00", None),
    ]
    assert document["position"] == desk.event.head.position
    assert document["unit"] == "GBP"


async def test_what_waits_for_its_order_counts_when_the_order_has_come(desk: Desk):
    await desk.say(refund_said(refund_of("r1", "o1", amount="4.00")))
    desk.clock.now += MINUTE
    await desk.sell("o1", price="30.00")

    assert columns(await desk.shown(2)) == [("0.00", 0, 0, "0.00", None), ("30.00", 1, 1, "4.00", None)]


async def test_markers_say_what_was_done_and_when(desk: Desk):
    await desk.say(session_said("s", {"ann": 1}))
    desk.clock.now += MINUTE
    await desk.say(pin_said("s", "MAC", START), unpin_said("s", "MAC", START + MINUTE))
    await desk.say(offer_said("happy", desk.clock.now + MINUTE, sku="MAC"))
    desk.clock.now += MINUTE
    await desk.say(move_said("paused"))

    document = await desk.shown(2)
    markers = [(one["kind"], one["label"], one["position"]) for one in document["markers"]]

    head = desk.event.head.position
    assert markers == [
        ("pin", "MAC", head - 3),
        ("unpin", "MAC", head - 2),
        ("offer", "MAC", head - 1),
        ("transition", "paused", head),
    ]
    assert document["markers"][0]["at"] == document["minutes"][0]["at"]


async def test_event_that_is_over_shows_the_minutes_before_its_end(desk: Desk):
    await desk.sell("o1", price="30.00")
    await desk.say(move_said("ended"))
    ended = await desk.shown(1)
    desk.clock.now += 5 * MINUTE
    await desk.say(move_said("final"))
    desk.clock.now += MINUTE
    await desk.sell("late", price="1.00")
    await desk.say(refund_said(refund_of("r1", "o1", amount="4.00")))
    desk.clock.now += 600 * MINUTE

    assert columns(ended) == [("30.00", 1, 1, "0.00", None)]
    assert columns(await desk.shown(6))[0] == ("30.00", 1, 1, "0.00", None)
    assert columns(await desk.shown(1)) == [("0.00", 0, 0, "0.00", None)]


async def test_older_minutes_are_read_when_they_are_asked_for(desk: Desk):
    await desk.sell("o1", price="30.00")
    desk.clock.now += 10 * MINUTE
    await desk.sell("o2", price="1.00")
    few, many = await desk.shown(2), await desk.shown(11)

    assert [row[1] for row in columns(few)] == [0, 1]
    assert [row[1] for row in columns(many)] == [1, *[0] * 9, 1]


async def test_minutes_with_more_entries_than_are_read_are_left_out_not_shown_too_small(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(timeline, "ENTRIES_MAX", 4)
    for number in range(9):
        await desk.sell(f"o{number}", price="1.00")
        desk.clock.now += MINUTE // 2
    desk.clock.now -= MINUTE // 2

    document = await desk.timeline.of(desk.event, 5)
    asked = desk.store.calls.total()
    again = await desk.timeline.of(desk.event, 5)

    # Entries 6 to 9 are read; the minute that the first of them is in began before it.
    assert [row[1] for row in columns(document)] == [2, 1]
    assert again == document
    assert desk.store.calls.total() == asked > 0


async def test_forgotten_minutes_are_those_that_nobody_can_ask_for(desk: Desk):
    await desk.shown(1)
    for number in range(2 * MINUTES_MAX + 2):
        desk.timeline._known[desk.event]._minute(desk.clock.now - number * MINUTE)
    await desk.sell("o1", price="30.00")

    kept = desk.timeline._known[desk.event].minutes
    assert len(kept) == MINUTES_MAX
    assert min(kept) > desk.clock.now - MINUTES_MAX * MINUTE
