"""From committed entries to documents: marks after each fold, names on rows, the two views, and what stays at final."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.challenge.boards import parse_board
from app.database import create_engine
from app.errors import AppError
from app.events import Events, OpenEvent
from app.feed import CHANNEL_ROWS, Feed
from app.profiles import Profiles
from tests.book import DAY, HOUR, START, move_said, order_said, refund_said, roster_said
from tests.book import order as order_of
from tests.book import refund as refund_of
from tests.live import Clock, create, running


@dataclass
class Marked:
    """Stands where the hub stands; remembers what it was told."""

    marks: list[tuple[str, int]] = field(default_factory=list)

    def mark(self, event: str, position: int) -> None:
        self.marks.append((event, position))


@dataclass
class Stage:
    """One event with its feed."""

    clock: Clock
    events: Events
    event: OpenEvent
    feed: Feed
    profiles: Profiles
    hub: Marked

    async def say(self, *said: Any) -> None:
        await self.event.submit(list(said))

    async def sell(self, id: str, **fields: Any) -> None:
        await self.say(order_said(order_of(id, **fields)))

    async def board(self, id: str = "hosts", view: str = "full", **window: Any) -> dict[str, Any]:
        return await self.feed.board(self.event, view, parse_board(id), window.pop("limit", 100), **window)

    async def ticker(self, view: str = "full") -> dict[str, Any]:
        return await self.feed.snapshot(f"{self.event.head.event}/orders", view)


@pytest.fixture
async def stage(shared_url: str) -> AsyncIterator[Stage]:
    clock = Clock()
    async with running(shared_url, clock, tail_interval_ms=60_000) as events:
        engine = create_engine(shared_url)
        profiles = Profiles(engine)
        feed = Feed(events, profiles, events._store)
        hub = Marked()
        feed.hub = hub  # type: ignore[assignment]
        yield Stage(clock, events, await create(events), feed, profiles, hub)
        await engine.dispose()


async def test_hub_hears_of_every_commit_once_it_is_folded(stage):
    stage.hub.marks.clear()

    await stage.say(order_said(order_of("o1")), order_said(order_of("o2")))
    await stage.sell("o3")

    name = stage.event.head.event
    assert stage.hub.marks == [(name, 6), (name, 7)]


async def test_hub_hears_nothing_of_what_was_refused(stage):
    stage.hub.marks.clear()

    await stage.sell("o1", host="nobody")

    assert stage.hub.marks == []


async def test_rows_carry_names_and_the_team_of_now(stage):
    await stage.profiles.put(
        stage.event.head.event, "host", [{"id": "ann", "name": "Ann", "link": "https://ann.example"}]
    )
    await stage.profiles.put(stage.event.head.event, "team", [{"id": "ruby", "name": "Ruby"}])
    await stage.sell("o1", host="ann")

    hosts, teams = await stage.board(), await stage.board("teams")

    assert hosts["rows"][0] == {
        "rank": 1,
        "id": "ann",
        "score": "10.00",
        "gap": "0.00",
        "name": "Ann",
        "link": "https://ann.example",
        "team": "ruby",
        "team_name": "Ruby",
    }
    assert teams["rows"][0]["name"] == "Ruby"
    assert "team" not in teams["rows"][0]
    assert next(row for row in hosts["rows"] if row["id"] == "dee")["team"] == ""


async def test_name_that_was_erased_is_gone(stage):
    name = stage.event.head.event
    await stage.profiles.put(name, "host", [{"id": "ann", "name": "Ann"}])

    await stage.profiles.put(name, "host", [{"id": "ann", "name": ""}])

    assert "name" not in next(row for row in (await stage.board())["rows"] if row["id"] == "ann")


async def test_names_that_were_being_read_when_they_changed_are_read_again(stage, monkeypatch):
    """Shown beside a newer position, an old name would stay: nobody publishes one position twice."""
    profiles, name = Profiles(stage.profiles._db), stage.event.head.event
    await profiles.put(name, "host", [{"id": "ann", "name": "Ann"}])
    read, is_read, let_go = profiles._read, asyncio.Event(), asyncio.Event()

    async def slow(event: str) -> Any:
        known = await read(event)
        is_read.set()
        await let_go.wait()
        return known

    monkeypatch.setattr(profiles, "_read", slow)
    asked = asyncio.create_task(profiles.of(name))
    await is_read.wait()
    await stage.profiles.put(name, "host", [{"id": "ann", "name": "Anna"}])
    profiles.forget(name)
    let_go.set()

    assert (await asked)["host"]["ann"]["name"] == "Anna"


async def test_names_that_change_elsewhere_make_no_reader_read_again(stage, monkeypatch):
    """Another event's names change during each read: the first is enough, and nothing is kept of it."""
    profiles, name = Profiles(stage.profiles._db), stage.event.head.event
    await profiles.put(name, "host", [{"id": "ann", "name": "Ann"}])
    read, reads = profiles._read, 0

    async def overtaken(event: str) -> Any:
        nonlocal reads
        reads += 1
        known = await read(event)
        if reads < 5:
            profiles.forget("elsewhere")
        return known

    monkeypatch.setattr(profiles, "_read", overtaken)

    assert (await profiles.of(name))["host"]["ann"]["name"] == "Ann"
    assert reads == 1
    assert profiles._current_reads == {}


async def test_only_so_many_events_keep_their_names(stage, monkeypatch):
    monkeypatch.setattr("app.profiles.EVENTS_MAX", 3)

    for number in (1, 2, 3, 1, 4):
        await stage.profiles.of(f"e{number}")

    assert len(stage.profiles._events) == 3
    assert "e4" in stage.profiles._events


async def test_full_view_stands_at_the_head_and_the_public_one_where_it_last_changed(stage):
    await stage.sell("o1", host="ann")
    shown = stage.event.head.position
    await stage.say(refund_said(refund_of("r1", "gone", amount="1.00")))

    full, public = await stage.board(view="full"), await stage.board(view="public")

    assert (full["position"], public["position"]) == (stage.event.head.position, shown)
    assert full | {"position": 0} == public | {"position": 0}
    assert (await stage.ticker("public"))["position"] == shown


async def test_public_day_begins_with_an_entry_that_changes_the_public_view(stage):
    """Everything else would show that something happened that the public is not told."""
    await stage.sell("o1", host="ann", paid_at=stage.clock.now)
    before = await stage.board("hosts.day", "public")
    stage.clock.now += DAY
    await stage.say(refund_said(refund_of("r1", "gone", amount="1.00")))

    full, public = await stage.board("hosts.day"), await stage.board("hosts.day", "public")
    await stage.sell("o2", host="ann", paid_at=stage.clock.now)
    later = await stage.board("hosts.day", "public")

    assert public == before
    assert (before["window"], full["window"], later["window"]) == ("day:2021-04-09", "day:2021-04-10", "day:2021-04-10")


async def test_document_of_an_earlier_position_is_that_of_then(stage):
    await stage.sell("o1", host="ann")
    then = await stage.board()
    await stage.sell("o2", host="bo", price="99.00")

    earlier = await stage.events.at(stage.event.head.event, then["position"])

    assert await stage.feed.board(earlier, "full", parse_board("hosts"), 100) == then


async def test_ticker_shows_the_last_orders_newest_first(stage):
    await stage.profiles.put(stage.event.head.event, "host", [{"id": "ann", "name": "Ann"}])
    await stage.sell("o1", host="dee")
    await stage.sell("o2", host="ann", paid_at=START + HOUR)

    ticker = await stage.ticker()

    assert [row["host"] for row in ticker["rows"]] == ["ann", "dee"]
    assert ticker["rows"][0] == {
        "id": "6.0",
        "position": 6,
        "at": "2021-04-05T01:00:00.000000Z",
        "host": "ann",
        "team": "ruby",
        "amount": "10.00",
        "units": 1,
        "title": "",
        "name": "Ann",
    }
    assert ticker["rows"][1]["team"] == ""
    assert (ticker["unit"], ticker["position"], ticker["epoch"]) == ("GBP", 6, stage.event.epoch)


async def test_snapshot_of_a_board_channel_is_the_board(stage):
    await stage.sell("o1", host="ann")

    snapshot = await stage.feed.snapshot(f"{stage.event.head.event}/boards/teams.units", "public")

    assert snapshot == await stage.board("teams.units", "public", limit=CHANNEL_ROWS)


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("{event}/", "channel_unknown"),
        ("{event}/boards", "channel_unknown"),
        ("{event}/hosts", "channel_unknown"),
        ("{event}/hosts/nobody", "host_unknown"),
        ("{event}/hosts/House", "host_unknown"),
        ("{event}/sessions/nothing", "session_unknown"),
        ("{event}/boards/", "channel_unknown"),
        ("{event}/ops", "channel_unknown"),
        ("{event}/orders/x", "channel_unknown"),
        ("{event}/boards/nothing", "board_unknown"),
        ("nobody/orders", "event_unknown"),
        ("", "event_unknown"),
        ("{event}/boards/hosts\x00", "board_unknown"),
    ],
)
async def test_channel_that_is_none_is_refused(stage, channel, code):
    with pytest.raises(AppError) as refused:
        await stage.feed.snapshot(channel.format(event=stage.event.head.event), "public")

    assert (refused.value.code, refused.value.status) == (code, 404)


async def test_final_event_keeps_its_day_its_rows_and_its_ticker(stage):
    await stage.sell("o1", host="ann", paid_at=stage.clock.now)
    await stage.say(move_said("ended"), move_said("final"))
    boards = [await stage.board(id) for id in ("hosts", "hosts.day", "teams.orders.day")]
    ticker = await stage.ticker()

    stage.clock.now += 3 * DAY
    await stage.say(
        refund_said(refund_of("r1", "o1", amount="10.00")),
        order_said(order_of("o2", host="bo", paid_at=START)),
        roster_said([{"id": "ann", "status": "hidden"}]),
    )

    for before in boards:
        after = await stage.board(before["board"])
        assert after | {"position": 0} == before | {"position": 0}
        assert (after["finality"], after["total"] in ("10.00", 1)) == ("final", True)
    assert (await stage.ticker())["rows"] == ticker["rows"]
    assert (await stage.board(view="public"))["position"] == boards[0]["position"]


async def test_document_names_and_position_belong_together_while_orders_come(stage):
    """What waits (the names) waits first: a document is never put together from two positions."""

    async def look() -> None:
        for _ in range(20):
            board = await stage.board("hosts.orders")
            assert board["total"] == board["position"] - 4
            assert sum(row["score"] for row in board["rows"]) == board["total"]
            await asyncio.sleep(0)

    await asyncio.gather(look(), *(stage.sell(f"o{number}", host="ann") for number in range(50)))
