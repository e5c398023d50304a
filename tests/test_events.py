"""Open events: loaded from a stored state or from nothing it is the same; shared, kept current, let go when idle."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError, InvariantError, NotFound, Unavailable
from app.events import Events, OpenEvent, from_stored, load, new_scores, stored_state
from app.journal.store import HeadMoved, StoredState, new_head
from app.journal.store_sqlite import process_clock
from app.opened import packed, unpacked
from app.state import State
from tests import histories
from tests.book import BRAND, DAY, EVENT, HOUR, START, Book, event_said, move_said, order_said, refund_said
from tests.book import order as order_of
from tests.book import refund as refund_of
from tests.live import FAR, Held, create, eventually, gone, lost_after, lost_before, raising, running, store_of


@pytest.fixture
async def events(shared_url: str) -> AsyncIterator[Events]:
    """A process that stores its state every ten entries, on a faulty store."""
    async with running(shared_url, faulty=True, state_entries=10) as opened:
        yield opened


async def sell(event: OpenEvent, first: int, last: int) -> None:
    """Orders one by one, every third of them refunded in part."""
    for number in range(first, last):
        await event.submit([order_said(order_of(f"o{number}", host="ann", paid_at=START + number * HOUR))])
        if number % 3 == 0:
            await event.submit([refund_said(refund_of(f"r{number}", f"o{number}", amount="1.00"))])


async def saved(events: Events) -> None:
    await asyncio.gather(*events._saving)


def in_memory(book: Book) -> OpenEvent:
    """The event of a book before its first entry, as the loader begins it."""
    return OpenEvent(new_head(EVENT, BRAND), "", State(EVENT), new_scores("UTC"))


@given(st.lists(histories.said(), min_size=10, max_size=30), st.data())
def test_event_taken_up_from_a_stored_state_is_to_the_byte_the_one_that_went_on(said, data):
    book = histories.opened()
    for fact in said:
        book.batch([fact])
    when = data.draw(st.integers(1, len(book.entries)))
    went_on = in_memory(book)
    went_on.extend(book.entries[:when])

    taken_up = from_stored(book.head, stored_state(went_on))
    assert taken_up is not None
    for event in (went_on, taken_up):
        event.extend(book.entries[when:])

    assert stored_state(taken_up) == stored_state(went_on)
    assert taken_up.head == went_on.head == book.head
    assert taken_up.scores["full"] is taken_up.scores["public"]


async def test_every_stored_state_is_the_one_that_a_refold_gives(events):
    event = await create(events)
    await sell(event, 0, 30)
    await saved(events)

    positions = []
    stored = await events._store.latest_state(event.head.event)
    while stored is not None:
        positions.append(stored.position)
        refolded = await load(events._store, event.head.event, stored.position, use_states=False)
        assert stored_state(refolded).digest == stored.digest
        stored = await events._store.latest_state(event.head.event, stored.position - 1)
    assert positions == [40, 30, 20, 10]


@pytest.mark.parametrize("at", [1, 9, 10, 11, 25, 44, 99])
async def test_event_at_a_position_is_the_same_with_and_without_stored_states(events, at):
    event = await create(events)
    await sell(event, 0, 30)
    await saved(events)

    quick = await events.at(event.head.event, at)
    slow = await load(events._store, event.head.event, at, use_states=False)

    assert quick.head == slow.head
    assert quick.head.position == min(at, 44)
    assert stored_state(quick) == stored_state(slow)
    assert quick.writer is None


def damaged(stored: StoredState) -> StoredState:
    return replace(stored, body=stored.body[:50] + bytes([stored.body[50] ^ 1]) + stored.body[51:])


def of_no_digest(stored: StoredState) -> StoredState:
    return replace(stored, digest="0" * 64)


def repacked(stored: StoredState, **changed: Any) -> StoredState:
    """Whole and with a right digest, but not what this journal folds to."""
    return digested(stored, packed(msgspec.structs.replace(unpacked(zlib.decompress(stored.body)), **changed)))


def digested(stored: StoredState, packed: bytes) -> StoredState:
    return replace(stored, digest=hashlib.sha256(packed).hexdigest(), body=zlib.compress(packed))


BAD_STATES = {
    "damaged": damaged,
    "digest": of_no_digest,
    "changed": lambda stored: replace(repacked(stored, epoch="00000000"), digest=stored.digest),
    "empty": lambda stored: replace(stored, body=b""),
    "no msgpack": lambda stored: digested(stored, b"\xc1"),
    "other shape": lambda stored: digested(stored, msgspec.msgpack.encode({"format": "1"})),
    "other format": lambda stored: repacked(stored, format="0"),
    "other journal": lambda stored: repacked(stored, hash=bytes(32)),
    "other position": lambda stored: replace(stored, position=stored.position + 1),
}


@pytest.mark.parametrize("bad", BAD_STATES)
async def test_stored_state_that_is_not_this_journals_is_ignored(events, bad):
    event = await create(events)
    await sell(event, 0, 10)
    await saved(events)
    name = event.head.event
    good = await events._store.latest_state(name)
    await events._store.drop_states(name)
    await events._store.save_state(BAD_STATES[bad](good))

    loaded = await load(events._store, name)

    assert loaded.head == event.head
    assert stored_state(loaded) == stored_state(event)


async def test_state_of_another_event_is_ignored(events):
    ours, theirs = await create(events), await create(events)
    await sell(theirs, 0, 10)
    await sell(ours, 0, 3)
    await saved(events)
    foreign = await events._store.latest_state(theirs.head.event)
    await events._store.save_state(replace(foreign, event=ours.head.event, position=5))

    loaded = await load(events._store, ours.head.event)

    assert stored_state(loaded) == stored_state(ours)


async def test_dropped_states_cost_nothing_but_time_and_come_again(events):
    event = await create(events)
    await sell(event, 0, 10)
    await saved(events)
    name = event.head.event

    assert await events._store.drop_states(name) == 1
    assert stored_state(await load(events._store, name)) == stored_state(event)
    await sell(event, 10, 16)
    await saved(events)

    again = await events._store.latest_state(name)
    assert again is not None
    assert again.position >= 20


async def test_state_that_could_not_be_stored_holds_up_nobody(events):
    event = await create(events)
    store_of(events).at("save_state", gone)

    await sell(event, 0, 10)
    await saved(events)

    assert await events._store.latest_state(event.head.event) is None
    assert event.head.position == 18


async def test_many_who_open_at_once_share_one_load(shared_url, events):
    name = (await create(events)).head.event
    async with running(shared_url, faulty=True) as cold:
        opened = await asyncio.gather(*(cold.open(name) for _ in range(50)))

        assert store_of(cold).calls["latest_state"] == 1
        assert len({id(event) for event in opened}) == 1
        assert cold.known(name) is opened[0]


async def test_load_that_failed_is_heard_by_all_who_waited_and_tried_again_by_the_next(shared_url, events):
    name = (await create(events)).head.event
    async with running(shared_url, faulty=True) as cold:
        store_of(cold).at("head", gone)

        errors = await asyncio.gather(*(cold.open(name) for _ in range(5)), return_exceptions=True)

        assert [getattr(error, "code", error) for error in errors] == ["database_unavailable"] * 5
        assert (await cold.open(name)).head.position == 4


async def test_one_who_stops_waiting_does_not_stop_the_load_of_the_others(shared_url, events):
    name = (await create(events)).head.event
    async with running(shared_url) as cold:
        first, second = asyncio.create_task(cold.open(name)), asyncio.create_task(cold.open(name))
        await asyncio.sleep(0)

        first.cancel()

        assert (await second).head.position == 4


@pytest.mark.parametrize("name", ["nobody", "", "a/b", "a\x00", "x" * 65])
async def test_event_that_is_not_there_is_not_found(events, name):
    with pytest.raises(NotFound) as refused:
        await events.open(name)

    assert (refused.value.code, events.known(name)) == ("event_unknown", None)


@pytest.mark.parametrize("brand", [BRAND, "other"])
async def test_event_id_is_taken_once_by_whatever_brand(events, brand):
    event = await create(events)

    with pytest.raises(AppError) as refused:
        await events.create(event_said(brand=brand), event.head.event, brand)

    assert (refused.value.code, refused.value.status) == ("event_id_taken", 409)
    assert (await events._store.head(event.head.event)) == event.head


async def test_event_id_that_many_ask_for_at_once_is_had_by_one(shared_url, events):
    async with running(shared_url) as other:
        made = await asyncio.gather(
            *(
                process.create(event_said(brand=f"b{number}", ends_at=FAR), "contested", f"b{number}")
                for number, process in enumerate([events, other] * 5)
            ),
            return_exceptions=True,
        )

    codes = [error.code if isinstance(error, AppError) else "made" for error in made]
    assert sorted(codes) == ["event_id_taken"] * 9 + ["made"]
    winner = made[codes.index("made")]
    assert isinstance(winner, OpenEvent)
    assert winner.state.brand == f"b{codes.index('made')}"


async def test_creation_whose_answer_was_lost_is_found_if_it_was_written(events):
    store_of(events).at("commit", lost_after)

    event = await create(events)

    assert event.head.position == 4


@pytest.mark.parametrize("fault", [lost_before, raising(HeadMoved())], ids=["lost", "clock moved"])
async def test_creation_that_did_not_happen_is_503_and_can_be_sent_again(events, fault):
    store_of(events).at("commit", fault)

    with pytest.raises(Unavailable):
        await events.create(event_said(ends_at=FAR), f"again-{fault.__name__}", BRAND)

    assert (await events.create(event_said(ends_at=FAR), f"again-{fault.__name__}", BRAND)).head.position == 1


def is_open(events: Events, event: OpenEvent) -> bool:
    return events._open.get(event.head.event) is event


async def test_event_that_nobody_asks_for_is_let_go_and_comes_back_whole(shared_url):
    async with running(shared_url, event_idle_seconds=60) as events:
        idle = await create(events)
        await sell(idle, 0, 3)
        idle.asked_at -= 61

        await create(events)

        assert not is_open(events, idle)
        with pytest.raises(Unavailable, match="event_unloading"):
            await idle.submit([move_said("paused")])
        again = await events.open(idle.head.event)
        assert again is not idle
        assert stored_state(again) == stored_state(idle)
        assert (await again.submit_one(move_said("paused"))).entries


async def test_idle_event_is_let_go_also_where_no_other_is_opened(shared_url):
    async with running(shared_url, event_idle_seconds=0.02) as events:
        idle = await create(events)

        await eventually(lambda: not is_open(events, idle))


async def test_more_events_than_the_limit_let_the_longest_unasked_go(shared_url):
    async with running(shared_url, events_open_max=2) as events:
        first, second = await create(events), await create(events)
        events.known(first.head.event)

        third = await create(events)

        assert [is_open(events, event) for event in (first, second, third)] == [True, False, True]


async def test_event_that_is_followed_or_busy_is_not_let_go(shared_url):
    async with running(shared_url, event_idle_seconds=60) as events:
        followed, busy = await create(events), await create(events)
        events.is_followed = lambda name: name == followed.head.event
        for event in (followed, busy):
            event.asked_at -= 61
        assert busy.writer is not None
        answer = busy.writer.submit([order_said(order_of("o1"))])

        await create(events)

        assert is_open(events, followed)
        await answer
        assert busy.head.position == 5


async def test_entries_that_do_not_chain_are_refused_and_known_ones_passed_over():
    book = histories.opened()
    for number in range(3):
        book.sell(id=f"o{number}")
    event = in_memory(book)
    event.extend(book.entries[:4])

    event.extend(book.entries[:6])
    event.extend(book.entries[2:5])
    assert event.head.position == 6
    with pytest.raises(InvariantError, match="does not chain"):
        event.extend(book.entries[7:])
    assert event.head.position == 6


async def test_journal_that_ends_before_its_head_is_an_error_of_ours(events):
    event = await create(events)

    async def nothing(call: Any) -> list[Any]:
        return []

    store_of(events).at("read", lambda call: call(), nothing)

    with pytest.raises(InvariantError, match="the entries end before"):
        await load(events._store, event.head.event)


async def test_time_itself_moves_an_event_that_nobody_touches(shared_url):
    async with running(shared_url, process_clock) as events:
        soon = process_clock() + 1_500_000  # while the event is made it must not pass: it would be nobody's any more
        event = await create(events, "scheduled", starts_at=soon, ends_at=soon + 200_000)
        assert event.state.status == "scheduled"

        await eventually(lambda: event.state.status == "ended")

        moved = await events._store.read(event.head.event, 3, 10)
        assert [(entry.key, entry.actor, entry.occurred_at) for entry in moved] == [
            (f"move:live:{soon}", "schedule", soon),
            (f"move:ended:{soon + 200_000}", "schedule", soon + 200_000),
        ]
        assert all(entry.recorded_at >= entry.occurred_at for entry in moved)


async def test_closed_process_does_nothing_more_by_itself(shared_url):
    """Its clock says that a move is not due yet, this machine's says that it is long due: it asks again and again."""
    async with running(shared_url, faulty=True) as events:
        await create(events, ends_at=START + 5 * DAY)
        held = Held()
        store_of(events).at("head", held)
        await held.reached()
        closing = asyncio.create_task(events.close())
        held.let_go()
        await closing
        calls = store_of(events).calls
        calls.clear()

        await asyncio.sleep(0.6)

        assert not calls
        assert not [timer for timer in events._timers.values() if not timer.cancelled()]


async def test_event_that_is_being_loaded_does_not_hold_up_the_end(shared_url):
    async with running(shared_url, faulty=True) as events:
        held = Held()
        store_of(events).at("head", held)
        asking = asyncio.create_task(events.open("night"))
        await held.reached()

        await asyncio.wait_for(events.close(), 5)

        await asyncio.wait([asking], timeout=5)
        assert asking.cancelled()
        assert not events._loading
