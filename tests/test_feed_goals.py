"""What the document of the event shows of goals and announcements, in both views."""

from collections.abc import AsyncIterator

import pytest

from app.sales.times import rfc3339
from tests.book import HOUR, announced_said, goal_end_said, goal_said, roster_said, withdrawn_said
from tests.stage import Stage, staged


@pytest.fixture
async def stage(shared_url: str) -> AsyncIterator[Stage]:
    async with staged(shared_url) as one:
        yield one


async def test_goals_come_closer_and_hosts_without_a_row_have_none_in_public(stage):
    await stage.say(goal_said("b", 3, of="host", target_id="ann", measure="units"), goal_said("a", 1500))
    await stage.sell("o1", host="ann", price="8.00", quantity=2)
    reached_at = rfc3339(stage.event.state.recorded_at)

    goals = (await stage.shown())["goals"]

    assert goals == [
        {
            "id": "a",
            "title": "Reach it",
            "of": "event",
            "target_id": "",
            "measure": "net_sales",
            "target": "15.00",
            "value": "16.00",
            "reached_at": reached_at,
        },
        {
            "id": "b",
            "title": "Reach it",
            "of": "host",
            "target_id": "ann",
            "measure": "units",
            "target": 3,
            "value": 2,
            "reached_at": None,
        },
    ]
    await stage.say(roster_said([{"id": "ann", "status": "hidden"}]))
    shown = {view: [goal["id"] for goal in (await stage.shown("", view))["goals"]] for view in ("public", "full")}
    assert shown == {"public": ["a"], "full": ["a", "b"]}
    await stage.say(goal_end_said("a"))
    assert (await stage.shown())["goals"] == []


async def test_newest_announcements_are_shown_that_hold_by_the_views_now(stage):
    now = stage.clock.now
    await stage.say(announced_said("short", until=now + HOUR))
    await stage.say(*(announced_said(f"a{number}", f"Number {number}") for number in range(6)))
    before = (await stage.shown())["position"]
    await stage.say(withdrawn_said("a4"))

    document = await stage.shown()

    assert document["position"] == before + 1
    assert [told["id"] for told in document["announcements"]] == ["a5", "a3", "a2", "a1", "a0"]
    await stage.say(withdrawn_said("a5"), withdrawn_said("a3"))
    document = await stage.shown()
    assert [told["id"] for told in document["announcements"]] == ["a2", "a1", "a0", "short"]
    assert document["announcements"][-1]["until"] == rfc3339(now + HOUR)
    stage.clock.now += HOUR
    await stage.say(announced_said("last"))
    assert [told["id"] for told in (await stage.shown())["announcements"]] == ["last", "a2", "a1", "a0"]
