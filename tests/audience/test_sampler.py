"""Minutes are written into the journal in their order, once, also while the database is away; a lost one is told."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from app.audience.presence import KEEP_US, Presence
from app.audience.sampler import Sampler
from app.challenge.audience import MINUTE_US, minute_of
from app.events import Events, OpenEvent
from tests.book import START, move_said, sampled_said, session_said
from tests.live import Clock, create, entries_of, gone, running, store_of


class Stage:
    def __init__(self, events: Events, event: OpenEvent, clock: Clock) -> None:
        self.events, self.event, self.clock = events, event, clock
        self.start = minute_of(clock.now)
        self.presence = Presence(lambda event, payload: None, 100_000, clock, 0)
        self.sampler = Sampler(events, self.presence, clock, 0)

    def hear(self, *viewers: int, minute: int = 0, session: str = "") -> None:
        for number in viewers:
            self.presence.heard(self.event.head.event, session, number.to_bytes(8), self.start + minute * MINUTE_US)

    async def after(self, minutes: int) -> list[tuple[str, int, int]]:
        """Look once when so many minutes have passed; then what is written: session, minute, viewers."""
        self.clock.now = self.start + minutes * MINUTE_US
        await self.sampler.sample()
        facts = [one.content["fact"] for one in await entries_of(self.events, self.event) if one.actor == "audience"]
        return [
            (fact.get("session", ""), (fact["minute"] - self.start) // MINUTE_US, fact["viewers"]) for fact in facts
        ]


@pytest.fixture
async def stage(shared_url: str) -> AsyncIterator[Stage]:
    clock = Clock()
    async with running(shared_url, clock, faulty=True) as events:
        yield Stage(events, await create(events), clock)


async def test_minute_that_could_not_be_written_comes_before_those_after_it(stage: Stage):
    stage.hear(1, 2)
    stage.hear(1, minute=1)
    store_of(stage.events).at("session", gone)

    assert await stage.after(2) == []
    assert await stage.after(3) == [("", 0, 2), ("", 1, 1)]
    assert await stage.after(4) == [("", 0, 2), ("", 1, 1)]


async def test_minute_that_could_not_be_written_for_long_is_given_up_and_told(stage: Stage):
    stage.hear(1)
    minutes = KEEP_US // MINUTE_US
    store_of(stage.events).at("session", gone, gone)
    with capture_logs() as early:
        assert await stage.after(minutes) == []
    with capture_logs() as late:
        assert await stage.after(minutes + 2) == []

    assert [[one["event"] for one in logs] for logs in (early, late)] == [[], ["viewers_not_sampled"]]
    assert await stage.after(minutes + 3) == []


async def test_minute_that_another_process_has_written_is_not_written_again(stage: Stage):
    await stage.event.submit_one(session_said("duo", {"ann": 1}, START))
    stage.hear(1, 2, session="duo")
    stage.clock.now = stage.start + MINUTE_US
    for session, viewers in (("", 5), ("duo", 4)):
        await stage.event.submit_one(sampled_said(stage.start, viewers, session))

    assert await stage.after(2) == [("", 0, 5), ("duo", 0, 4)]


async def test_minute_by_a_clock_ahead_of_the_journals_waits_for_it(stage: Stage):
    stage.hear(1)
    behind = stage.clock.now
    ahead = Sampler(stage.events, stage.presence, lambda: behind + MINUTE_US, 0)
    stage.presence._clock = lambda: behind + MINUTE_US
    await ahead.sample()
    early = [one.kind for one in await entries_of(stage.events, stage.event)]

    assert "viewers.sampled" not in early
    assert await stage.after(1) == [("", 0, 1)]


async def test_final_event_has_no_more_minutes_and_none_wait(stage: Stage):
    stage.hear(1)
    for status in ("ended", "final"):
        await stage.event.submit_one(move_said(status))

    assert await stage.after(1) == []
    assert list(stage.presence.over(0)) == []
