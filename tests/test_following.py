"""Processes on one PostgreSQL that tell each other over one Valkey what they commit: nobody reads what it was told."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from app.errors import Unavailable
from app.events import Events, OpenEvent
from app.following import ENTRIES
from app.journal import told
from app.journal.entry import Entry
from app.journal.migrate import upgrade
from app.realtime.bus import LocalBus
from app.realtime.bus_redis import RedisBus
from tests.book import order as order_of
from tests.book import order_said
from tests.live import Held, create, eventually, gone, running, store_of
from tests.processes import free_port
from tests.servers import Postgres

SECRET = b"of the tests"
# The database is looked at by whoever has a reason, and by nobody else.
NEVER_MS = 600_000


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> Iterator[str]:
    made = postgres.create_database(prepare=upgrade)
    yield made
    postgres.drop_database(made)


@asynccontextmanager
async def processes(url: str, redis_url: str, count: int = 2, **settings: Any) -> AsyncIterator[list[Events]]:
    """Each with a bus of its own and a store whose calls are counted."""
    given: dict[str, Any] = {"tail_interval_ms": NEVER_MS, "heal_interval_ms": NEVER_MS, **settings}
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            bus = RedisBus(redis_url, SECRET)
            bus.start()
            stack.push_async_callback(bus.close)
            made.append(await stack.enter_async_context(running(url, faulty=True, bus=bus, **given)))
        yield made


async def both(ours: Events, theirs: Events) -> tuple[OpenEvent, OpenEvent]:
    """A new event, open in both, each hearing the other; what they read until now is forgotten."""
    event = await create(ours)
    other = await theirs.open(event.head.event)
    await quiet(ours, theirs)
    assert other.head == event.head
    return event, other


async def quiet(*events: Events) -> None:
    """Returns once all are connected and have looked at the database for what they may have missed."""
    for each in events:
        await eventually(lambda each=each: each.following.bus.is_connected)  # type: ignore[misc]
        tail = each.following.tail
        await eventually(lambda tail=tail: not tail._suspects and not tail._woken.is_set())  # type: ignore[misc]
        await each.following.tail.catch_up()
        store_of(each).calls.clear()


async def sell(event: OpenEvent, *numbers: int) -> None:
    await event.submit([order_said(order_of(f"o{number}", host="ann")) for number in numbers])


def reads(events: Events) -> int:
    return store_of(events).calls["read"] + store_of(events).calls["heads"]


def silence(events: Events) -> None:
    """From now on its messages are lost on their way."""
    events.following.bus.tell = lambda event, kind, payload: None  # type: ignore[method-assign]


async def test_order_is_seen_by_another_process_that_reads_nothing(url, valkey):
    async with processes(url, valkey.url, 3) as (ours, theirs, third):
        event, other = await both(ours, theirs)
        another = await third.open(event.head.event)
        await quiet(third)
        heard: list[int] = []
        other.on_change = lambda _, entries: heard.extend(entry.position for entry in entries)

        for number in range(20):
            await sell(event, 2 * number, 2 * number + 1)
        await eventually(lambda: event.head == other.head == another.head)

        assert heard == list(range(5, 45))
        assert other.state == event.state
        assert other.scores["full"].totals == another.scores["full"].totals == event.scores["full"].totals
        assert reads(theirs) == reads(third) == 0
        assert theirs.following.figures.folded == 40
        assert theirs.following.tail.healed == 0


async def test_processes_that_write_in_turn_stay_equal(url, valkey):
    async with processes(url, valkey.url) as (ours, theirs):
        event, other = await both(ours, theirs)

        for number in range(0, 40, 2):
            await asyncio.gather(sell(event, number), sell(other, number + 1))
        await eventually(lambda: event.head == other.head)

        assert event.state == other.state
        assert event.scores["full"].totals == other.scores["full"].totals
        assert event.scores["full"].totals.windows["event"].all[2] == 40


async def test_what_is_told_while_a_commit_is_under_way_waits_for_its_turn(url, valkey):
    """Ours is in the database, and its answer on the way; theirs is told meanwhile and follows ours."""
    async with processes(url, valkey.url) as (ours, theirs):
        event, other = await both(ours, theirs)
        held = Held()

        async def after(call):
            answer = await call()
            await held(lambda: asyncio.sleep(0))
            return answer

        store_of(ours).at("append_at", after)
        selling = asyncio.create_task(sell(event, 1))
        await held.reached()
        await sell(other, 2)
        await eventually(lambda: event.head == other.head)
        held.let_go()
        await selling

        assert event.head == other.head
        assert event.state == other.state
        assert event.scores["full"].totals == other.scores["full"].totals


async def test_batch_too_large_to_be_told_is_read_at_once(url, valkey, monkeypatch):
    monkeypatch.setattr(told, "BATCH_BYTES_MAX", 1_000)
    async with processes(url, valkey.url) as (ours, theirs):
        event, other = await both(ours, theirs)
        reading = Held()
        store_of(theirs).at("read", reading)

        await sell(event, *range(10))
        await reading.reached()
        assert theirs.following.counts()["lag"] == 10
        reading.let_go()
        await eventually(lambda: event.head == other.head)

        counts = theirs.following.counts()
        assert (counts["lag"], counts["healed"], counts["heard"], counts["connected"]) == (0, 10, 1, 1)
        assert (store_of(theirs).calls["heads"], store_of(theirs).calls["read"]) == (1, 1)
        assert theirs.following.tail.healed == 10
        assert (theirs.following.figures.gaps, theirs.following.figures.gap_positions) == (1, 10)


async def test_gap_is_read_from_the_database_at_once(url, valkey):
    async with processes(url, valkey.url) as (ours, theirs):
        event, other = await both(ours, theirs)
        bus = ours.following.bus
        tell = bus.tell
        silence(ours)
        await sell(event, 1, 2, 3)
        bus.tell = tell  # type: ignore[method-assign]

        await sell(event, 4)
        await eventually(lambda: event.head == other.head)

        figures = theirs.following.figures
        assert (figures.gaps, figures.gap_positions, figures.folded) == (1, 3, 0)
        assert theirs.following.tail.healed == 4
        assert other.state == event.state


async def test_last_message_that_is_lost_is_healed_on_the_slow_beat(url, valkey):
    async with processes(url, valkey.url, heal_interval_ms=20) as (ours, theirs):
        event, other = await both(ours, theirs)
        silence(ours)

        await sell(event, 1)

        await eventually(lambda: event.head == other.head)
        assert theirs.following.figures.folded == 0


async def test_server_killed_and_started_again_is_done_without_and_then_used_again(url, own_valkey):
    async with processes(url, own_valkey.url, tail_interval_ms=10) as (ours, theirs):
        event, other = await both(ours, theirs)

        own_valkey.kill()
        await sell(event, 1)
        await eventually(lambda: not theirs.following.bus.is_connected)
        await sell(event, 2)
        await eventually(lambda: event.head == other.head)
        assert theirs.following.tail.healed > 0

        own_valkey.start()
        await quiet(ours, theirs)
        folded = theirs.following.figures.folded
        await sell(event, 3)
        await eventually(lambda: event.head == other.head)
        assert theirs.following.figures.folded == folded + 1
        assert reads(theirs) == 0


async def test_event_opened_just_before_it_is_followed_misses_nothing(url, valkey):
    """What is committed between the loading and the first hearing was told to nobody here."""
    async with processes(url, valkey.url) as (ours, theirs):
        event = await create(ours)
        bus, follow = theirs.following.bus, theirs.following.bus.follow
        bus.follow = lambda event: None  # type: ignore[method-assign]
        other = await theirs.open(event.head.event)
        await sell(event, 1)

        follow(event.head.event)

        await eventually(lambda: event.head == other.head)


async def test_process_without_redis_at_the_start_serves_by_reading(url):
    async with processes(url, f"redis://127.0.0.1:{free_port()}", tail_interval_ms=10) as (ours, theirs):
        event = await create(ours)
        other = await theirs.open(event.head.event)

        await sell(event, 1)

        await eventually(lambda: event.head == other.head)


async def test_message_that_does_not_fit_changes_nothing(url, valkey):
    async with processes(url, valkey.url) as (ours, theirs):
        _, other = await both(ours, theirs)
        stranger = await create(ours)
        head, state, totals = other.head, other.state, other.scores["full"].totals
        heard = theirs.following._heard
        entries = list(await ours._store.read(stranger.head.event, 0, 10))

        heard(head.event, b"garbage")
        heard(head.event, told.encode(entries))
        heard("unknown", told.encode(entries))
        for last in (entries[-1:], entries[:1]):
            heard(head.event, told.encode(renamed(last, head.event, position=head.position + 1)))
        await quiet(theirs)

        assert theirs.following.figures.unreadable == 4
        assert (other.head, other.state, other.scores["full"].totals) == (head, state, totals)
        assert theirs.known(head.event) is other


def renamed(entries: Sequence[Entry], event: str, position: int) -> list[Entry]:
    return [
        Entry(
            event,
            position,
            e.kind,
            e.key,
            e.occurred_at,
            e.recorded_at,
            e.actor,
            e.body,
            e.prev_hash,
            e.hash,
            e.content,
        )
        for e in entries
    ]


async def test_entry_that_chains_and_cannot_be_folded_makes_the_event_be_read_anew(url, valkey):
    async with processes(url, valkey.url) as (ours, theirs):
        event, other = await both(ours, theirs)

        def fail(*arguments: object) -> None:
            raise KeyError("scripted")

        other.scores["full"].apply = fail  # type: ignore[method-assign, assignment]
        await sell(event, 1)
        await eventually(lambda: theirs.known(event.head.event) is None)

        assert (await theirs.open(event.head.event)).state == event.state


async def test_event_that_is_let_go_is_unfollowed(url, valkey):
    async with processes(url, valkey.url) as (ours, theirs):
        event, other = await both(ours, theirs)

        theirs._unload(other)
        await eventually(lambda: theirs.following.bus.is_connected)
        heard, before = theirs.following.bus.figures.heard, ours.following.bus.figures.told
        await sell(event, 1)
        await eventually(lambda: ours.following.bus.figures.told > before)

        assert theirs.following.bus.figures.heard == heard
        assert theirs.following.bus._followed == set()  # type: ignore[attr-defined]


async def test_nothing_is_told_before_it_is_committed(url, valkey):
    async with processes(url, valkey.url) as (ours, theirs):
        event, other = await both(ours, theirs)
        told_before = []

        async def look(call: Any) -> Any:
            told_before.append(ours.following.bus.figures.told + len(waiting(ours)))
            answer = await call()
            told_before.append(ours.following.bus.figures.told + len(waiting(ours)))
            return answer

        before = ours.following.bus.figures.told
        store_of(ours).at("append_at", look)
        await sell(event, 1)

        await eventually(lambda: event.head == other.head)
        assert told_before == [before, before]


def waiting(events: Events) -> list[tuple[bytes, bytes]]:
    """What is queued to be told."""
    bus = events.following.bus
    assert isinstance(bus, RedisBus)
    return [message for node in bus._nodes.values() for message in node._outbox]


async def test_process_that_lacks_entries_and_cannot_read_them_is_catching_up(url, valkey, monkeypatch):
    monkeypatch.setattr("app.following._MOMENT_SECONDS", 0.02)
    monkeypatch.setattr("app.journal.tail._RETRY_SECONDS", 0.01)
    async with processes(url, valkey.url) as (ours, theirs):
        event, other = await both(ours, theirs)
        assert theirs.is_catching_up is False
        bus, tell = ours.following.bus, ours.following.bus.tell
        silence(ours)
        await sell(event, 1)
        bus.tell = tell  # type: ignore[method-assign]
        held = Held()
        store_of(theirs).at("heads", gone, held)

        await sell(event, 2)
        await eventually(lambda: theirs.is_catching_up)
        theirs.following.tail.wake(event.head.event)
        await held.reached()
        held.let_go()

        await eventually(lambda: theirs.is_catching_up is False)
        assert other.head == event.head


async def test_process_that_loads_its_first_event_is_catching_up(url, valkey):
    async with processes(url, valkey.url) as (ours, theirs):
        event = await create(ours)
        held = Held()
        store_of(theirs).at("head", held)

        loading = asyncio.create_task(theirs.open(event.head.event))
        await held.reached()
        assert theirs.is_catching_up
        held.let_go()
        await loading

        assert theirs.is_catching_up is False


async def test_catching_up_fails_if_the_database_cannot_be_asked(url, valkey):
    async with processes(url, valkey.url) as (ours, theirs):
        event, _ = await both(ours, theirs)
        store_of(theirs).at("heads", gone)

        with pytest.raises(Unavailable):
            await theirs.catch_up(event.head.event)


async def test_process_that_is_alone_encodes_nothing(url, monkeypatch):
    monkeypatch.setattr(told, "encode", lambda entries: pytest.fail("nobody is there"))
    async with running(url, bus=LocalBus()) as events:
        event = await create(events)

        await sell(event, 1)

        assert event.head.position == 5
        assert ENTRIES == "entries"
