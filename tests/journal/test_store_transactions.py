"""The locked transaction that a writer falls back to, and sessions that meet each other; on both databases."""

import asyncio
import itertools
import time

import pytest

from app.errors import InvariantError, Unavailable
from app.journal.entry import ZERO_HASH
from app.journal.open import open_store
from app.journal.store import (
    Head,
    HeadMoved,
    KeyTaken,
    Session,
    Store,
    head_after,
    new_head,
)
from tests.journal.conftest import Direct
from tests.journal.factories import (
    SIZES,
    append,
    entries_after,
    new_journal,
    order_keys,
    postings_of,
)


async def test_begin_of_an_unknown_event_returns_none_and_leaves_the_session_free(store: Store):
    session = await store.session()

    assert await session.begin("nowhere") is None

    assert (await append(session, new_head("kos101", "mac"), ["event:kos101"])).position == 1
    await session.close()


async def test_begin_with_a_brand_creates_the_event_on_commit(store: Store):
    session = await store.session()

    begun = await session.begin("kos101", "mac")
    assert begun is not None
    head, now = begun
    entries = entries_after(head, ["event:kos101"])
    await session.append(entries, [])
    await session.commit()

    assert head == Head("kos101", "mac", 0, ZERO_HASH, 0)
    assert abs(now - time.time_ns() // 1000) < 10_000_000
    assert await store.head("kos101") == head_after(head, entries)
    await session.close()


async def test_begin_with_a_brand_of_a_taken_id_returns_none(store: Store):
    await new_journal(store, 1)
    session = await store.session()

    assert await session.begin("kos101", "mac") is None
    assert await session.begin("kos101", "another") is None

    assert await session.begin("kos101") is not None
    await session.close()


async def test_event_created_and_rolled_back_leaves_its_id_free(store: Store):
    session = await store.session()
    begun = await session.begin("kos101", "mac")
    assert begun is not None
    await session.append(entries_after(begun[0], ["event:kos101"]), [])

    await session.rollback()

    assert await store.heads() == []
    assert await session.begin("kos101", "another") is not None
    await session.close()


@SIZES
async def test_append_inside_a_transaction_is_visible_outside_only_after_commit(store: Store, count: int):
    before = await new_journal(store, 3)
    session = await store.session()
    begun = await session.begin("kos101")
    assert begun is not None
    entries = entries_after(begun[0], order_keys(100, count))

    await session.append(entries, postings_of(entries))

    assert await session.lookup("kos101", [entries[0].key], []) == entries[:1]
    assert await session.read("kos101", 3, 1000) == entries
    assert await store.lookup("kos101", [entries[0].key], []) == []
    assert await store.head("kos101") == before
    await session.commit()
    assert await store.head("kos101") == head_after(before, entries)
    assert await store.read("kos101", 3, 1000) == entries
    await session.close()


async def test_two_appends_in_one_transaction_follow_each_other(store: Store):
    head = await new_journal(store, 3)
    session = await store.session()
    await session.begin("kos101")

    first = entries_after(head, order_keys(100, 120))
    await session.append(first, postings_of(first))
    second = entries_after(head_after(head, first), order_keys(300, 5))
    await session.append(second, postings_of(second))
    await session.commit()

    assert await store.head("kos101") == head_after(head, second)
    assert await store.read("kos101", 3, 1000) == [*first, *second]
    await session.close()


@SIZES
async def test_append_with_a_taken_key_rolls_the_transaction_back(store: Store, count: int):
    head = await new_journal(store, 3)
    session = await store.session()
    await session.begin("kos101")
    first = entries_after(head, ["order:shop:50"])
    await session.append(first, postings_of(first))
    entries = entries_after(head_after(head, first), [*order_keys(100, count - 1), "order:shop:2"])

    with pytest.raises(KeyTaken):
        await session.append(entries, postings_of(entries))

    assert await store.head("kos101") == head
    with pytest.raises(InvariantError):
        await session.commit()
    assert (await append(session, head, ["order:shop:4"])).position == 4
    await session.close()


async def test_rollback_without_a_transaction_does_nothing(store: Store):
    session = await store.session()

    await session.rollback()
    await session.rollback()

    assert (await append(session, new_head("kos101", "mac"), ["event:kos101"])).position == 1
    await session.close()
    await session.close()


async def test_use_out_of_order_is_a_bug_and_says_so(store: Store):
    await new_journal(store, 1)
    session = await store.session()

    with pytest.raises(InvariantError):
        await session.commit()
    with pytest.raises(InvariantError):
        await session.append([], [])
    begun = await session.begin("kos101")
    assert begun is not None
    with pytest.raises(InvariantError):
        await session.begin("kos101")
    with pytest.raises(InvariantError):
        await append(session, begun[0], ["order:shop:4"])
    await session.close()


async def test_second_session_waits_for_the_lock_and_gets_the_head_after_it(store: Store):
    before = await new_journal(store, 3)
    first, second = await store.session(), await store.session()
    begun = await first.begin("kos101")
    assert begun is not None
    waiting = asyncio.create_task(second.begin("kos101"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    entries = entries_after(before, ["order:shop:50"])
    await first.append(entries, postings_of(entries))

    await first.commit()
    got = await waiting

    assert got is not None
    assert got[0] == head_after(before, entries)
    assert got[1] > begun[1], "the clock is read after the lock was had"
    await first.close()
    await second.close()


async def test_append_at_waits_for_an_open_transaction_and_then_finds_the_head_moved(store: Store):
    before = await new_journal(store, 3)
    first, second = await store.session(), await store.session()
    await first.begin("kos101")
    waiting = asyncio.create_task(append(second, before, ["order:shop:51"]))
    entries = entries_after(before, ["order:shop:50"])
    await first.append(entries, postings_of(entries))
    await asyncio.sleep(0.05)

    await first.commit()

    with pytest.raises(HeadMoved):
        await waiting
    assert await store.head("kos101") == head_after(before, entries)
    await first.close()
    await second.close()


async def test_sessions_racing_on_one_event_lose_nothing_and_leave_no_gap(journal_url: str):
    """Eight sessions append 25 batches each from the head they know; a loser takes the locked way."""
    store = open_store(journal_url)
    start = await new_journal(store, 1)
    won = {"fast": 0, "locked": 0}

    async def race(number: int) -> None:
        session, head = await store.session(), start
        for round_number in range(25):
            keys = [f"order:{number}:{round_number}:{item}" for item in range(3)]
            try:
                head = await append(session, head, keys)
                won["fast"] += 1
            except HeadMoved:
                head = await append_locked(session, keys)
                won["locked"] += 1
        await session.close()

    await asyncio.gather(*(race(number) for number in range(8)))

    entries = await store.read("kos101", 0, 10_000)
    assert [entry.position for entry in entries] == list(range(1, 602))
    assert len({entry.key for entry in entries}) == 601
    assert all(later.prev_hash == earlier.hash for earlier, later in itertools.pairwise(entries))
    assert len(await store.postings("kos101", 0, 10_000)) == 4 * 601
    assert won["locked"] > 0
    assert won["fast"] > 0
    await store.close()


async def append_locked(session: Session, keys: list[str]) -> Head:
    begun = await session.begin("kos101")
    assert begun is not None
    entries = entries_after(begun[0], keys)
    await session.append(entries, postings_of(entries))
    await session.commit()
    return head_after(begun[0], entries)


async def test_sessions_racing_for_one_new_event_id_leave_one_winner(journal_url: str):
    store = open_store(journal_url)
    sessions = [await store.session() for _ in range(6)]

    async def create(number: int, session: Session) -> bool:
        begun = await session.begin("kos101", f"brand-{number}")
        if begun is None:
            return False
        await session.append(entries_after(begun[0], ["event:kos101"]), [])
        await session.commit()
        return True

    created = await asyncio.gather(*(create(number, session) for number, session in enumerate(sessions)))

    assert created.count(True) == 1
    (head,) = await store.heads()
    assert head.brand == f"brand-{created.index(True)}"
    for session in sessions:
        await session.close()
    await store.close()


async def test_cancelled_begin_leaves_no_lock_behind(store: Store):
    head = await new_journal(store, 3)
    holder, cancelled = await store.session(), await store.session()
    await holder.begin("kos101")
    waiting = asyncio.create_task(cancelled.begin("kos101"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await holder.rollback()

    assert (await append(cancelled, head, ["order:shop:4"])).position == 4
    assert (await append(holder, await known_head(store), ["order:shop:5"])).position == 5
    await holder.close()
    await cancelled.close()


async def known_head(store: Store, event: str = "kos101") -> Head:
    head = await store.head(event)
    assert head is not None
    return head


async def test_lock_that_is_never_given_back_makes_the_next_one_unavailable(journal_url: str, direct: Direct):
    store = open_store(journal_url, lock_seconds_max=0.2)
    head = await new_journal(store, 3)
    session = await store.session()
    await direct.run("BEGIN IMMEDIATE" if direct.is_sqlite else "BEGIN")
    if not direct.is_sqlite:
        await direct.run("SELECT 1 FROM head WHERE event = 'kos101' FOR UPDATE")

    with pytest.raises(Unavailable) as failed:
        await append(session, head, ["order:shop:4"])
    with pytest.raises(Unavailable):
        await session.begin("kos101")

    assert failed.value.code == "database_unavailable"
    await direct.run("ROLLBACK")
    assert await append(session, head, ["order:shop:4"]) == await store.head("kos101")
    await session.close()
    await store.close()
