"""Following what other processes append: everything, in order, whatever happens to the database or to one journal."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from app.errors import InvariantError
from app.events import Events, OpenEvent, load
from app.journal import tail as tails
from app.journal.entry import Entry
from app.journal.open import open_store
from app.journal.tail import Tail
from tests.book import order as order_of
from tests.book import order_said
from tests.live import Clock, create, eventually, gone, raising, running, store_of


@pytest.fixture
async def postgres_events(postgres_url: str) -> AsyncIterator[tuple[Events, Events]]:
    """Two processes on one PostgreSQL that follow each other every few milliseconds; the second's store is faulty."""
    async with (
        running(postgres_url, tail_interval_ms=5) as ours,
        running(postgres_url, tail_interval_ms=5, faulty=True) as theirs,
    ):
        yield ours, theirs


async def sell(event: OpenEvent, *numbers: int) -> None:
    await event.submit([order_said(order_of(f"o{number}", host="ann")) for number in numbers])


async def until(current: OpenEvent, behind: OpenEvent) -> None:
    """Errors: TimeoutError if the one behind does not come to where the other is."""
    await eventually(lambda: behind.head == current.head)


def followed(events: Events) -> Tail:
    return events.following.tail


async def test_process_hears_what_another_one_wrote(shared_url):
    async with running(shared_url) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        behind = await theirs.open(event.head.event)
        heard: list[int] = []
        behind.on_change = lambda _, entries: heard.extend(entry.position for entry in entries)
        await sell(event, 1, 2)
        await sell(event, 3)

        await followed(theirs).catch_up()

        assert behind.head == event.head
        assert heard == [5, 6, 7]
        assert behind.scores["full"].totals == event.scores["full"].totals
        assert behind.state == event.state


async def test_thousands_that_ask_to_catch_up_share_the_look_and_miss_nothing(shared_url):
    async with running(shared_url) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        behind = await theirs.open(event.head.event)
        tail, looks = followed(theirs), []
        catch_up = tail.catch_up

        async def counted(events: Sequence[str] | None = None) -> None:
            looks.append(events)
            await catch_up(events)
            if len(looks) == 1:
                # Committed after the first look: those who asked before it need not know, those who ask now must.
                await sell(event, 1)
                later.extend(asyncio.create_task(theirs.catch_up(event.head.event)) for _ in range(1_000))
                await asyncio.sleep(0)

        later: list[asyncio.Task[None]] = []
        tail.catch_up = counted  # type: ignore[method-assign]
        await theirs.catch_up(event.head.event)
        await asyncio.gather(*later)

        assert behind.head == event.head
        assert looks == [[event.head.event]] * 2


async def test_nothing_new_is_no_change(shared_url):
    async with running(shared_url) as events:
        event = await create(events)
        heard: list[Sequence[Entry]] = []
        event.on_change = lambda _, entries: heard.append(entries)

        await followed(events).catch_up()

        assert heard == []


async def test_event_that_was_let_go_meanwhile_is_passed_over(shared_url):
    async with running(shared_url) as ours:
        event = await create(ours)
        store = open_store(shared_url, Clock())
        behind = await load(store, event.head.event, 2)
        journals = {event.head.event: behind}

        class Losing:
            """Forgets the event between the look at the heads and the reading."""

            dialect = "postgresql"

            async def heads(self, names: list[str]) -> object:
                journals.clear()
                return await store.heads(names)

        await Tail(Losing(), journals, lambda: 1).catch_up()  # type: ignore[arg-type]

        assert behind.head.position == 2
        await store.close()


async def test_long_absence_is_read_page_by_page(shared_url, monkeypatch):
    monkeypatch.setattr(tails, "_READ_PAGE", 3)
    async with running(shared_url) as ours, running(shared_url, faulty=True, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        behind = await theirs.open(event.head.event)
        await sell(event, *range(10))
        calls = store_of(theirs).calls
        calls.clear()

        await followed(theirs).catch_up()

        assert behind.head == event.head
        assert calls["read"] == 4


async def test_broken_journal_keeps_no_other_from_being_followed(shared_url):
    async with running(shared_url) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        first, second = await create(ours), await create(ours)
        behind = [await theirs.open(event.head.event) for event in (first, second)]
        broken, well = sorted(behind, key=lambda event: event.head.event)

        def fail(entries: Sequence[Entry], state: object = None) -> None:
            raise InvariantError("scripted")

        broken.extend = fail  # type: ignore[method-assign]
        for event in (first, second):
            await sell(event, 1)

        with pytest.raises(InvariantError, match="scripted"):
            await followed(theirs).catch_up()

        assert well.head.position == broken.head.position + 1


async def test_tail_goes_on_after_the_database_was_gone_and_after_an_error_of_ours(postgres_events, monkeypatch):
    monkeypatch.setattr(tails, "_RETRY_SECONDS", 0.01)
    ours, theirs = postgres_events
    event = await create(ours)
    behind = await theirs.open(event.head.event)
    store_of(theirs).at("heads", gone, raising(KeyError("scripted")), gone)

    await sell(event, 1)

    await until(event, behind)
    assert store_of(theirs).calls["heads"] >= 4


async def test_two_processes_that_write_in_turn_stay_equal(postgres_events):
    ours, theirs = postgres_events
    event = await create(ours)
    other = await theirs.open(event.head.event)

    for number in range(0, 40, 2):
        await sell(event, number)
        await sell(other, number + 1)

    await until(other, event)
    assert event.state == other.state
    assert event.scores["full"].totals == other.scores["full"].totals
    assert event.scores["full"].totals.windows["event"].all[2] == 40


async def test_there_is_no_beat_where_one_process_writes(tmp_path):
    class Sqlite:
        dialect = "sqlite"

    tail = Tail(Sqlite(), {}, lambda: 0.001)  # type: ignore[arg-type]

    tail.start()

    assert tail._task is None
    await tail.stop()


async def test_stopped_tail_is_quiet_and_may_be_stopped_twice(postgres_events):
    ours, theirs = postgres_events
    event = await create(ours)
    await theirs.open(event.head.event)

    await followed(theirs).stop()
    await followed(theirs).stop()
    calls = store_of(theirs).calls
    calls.clear()
    await asyncio.sleep(0.03)

    assert calls["heads"] == 0
