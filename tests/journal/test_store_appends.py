"""The fast append: one call that compares the head, writes and commits; on both databases."""

from dataclasses import replace

import pytest

from app.journal.store import (
    HeadMoved,
    KeyTaken,
    Store,
    head_after,
    new_head,
)
from tests.journal.factories import (
    SIZES,
    append,
    entries_after,
    new_journal,
    order_keys,
    postings_of,
)


@SIZES
async def test_append_at_on_expected_head_writes_entries_postings_and_head(store: Store, count: int):
    session = await store.session()
    first = await append(session, new_head("kos101", "mac"), ["event:kos101"])
    entries = entries_after(first, order_keys(1, count))

    await session.append_at(first, entries, postings_of(entries))

    assert await store.head("kos101") == head_after(first, entries)
    assert await store.read("kos101", 1, count + 10) == entries
    assert await store.postings("kos101", 1, count) == postings_of(entries)
    await session.close()


@SIZES
async def test_append_at_on_a_moved_head_is_refused_without_a_trace(store: Store, count: int):
    head = await new_journal(store, 3)
    session = await store.session()
    stale = entries_after(head, order_keys(100, count))
    moved = await append(session, head, ["order:shop:50"])

    with pytest.raises(HeadMoved):
        await session.append_at(head, stale, postings_of(stale))

    assert await store.head("kos101") == moved
    assert len(await store.read("kos101", 0, 1000)) == 4
    assert len(await store.postings("kos101", 0, 1000)) == 16
    assert await append(session, moved, ["order:shop:51"]) == await store.head("kos101")
    await session.close()


async def test_append_at_on_another_hash_at_the_same_position_is_refused(store: Store):
    head = await new_journal(store, 3)
    session = await store.session()
    forked = replace(head, hash=bytes(range(32)))

    with pytest.raises(HeadMoved):
        await append(session, forked, ["order:shop:50"])

    assert await store.head("kos101") == head
    await session.close()


async def test_append_at_in_an_event_that_is_not_there_is_refused(store: Store):
    head = await new_journal(store, 3)
    session = await store.session()

    with pytest.raises(HeadMoved):
        await append(session, replace(head, event="other"), ["order:shop:50"])

    assert await store.head("other") is None
    await session.close()


@SIZES
async def test_append_at_with_a_key_of_the_journal_is_refused_without_a_trace(store: Store, count: int):
    head = await new_journal(store, 3)
    session = await store.session()
    entries = entries_after(head, [*order_keys(100, count - 1), "order:shop:2"])

    with pytest.raises(KeyTaken):
        await session.append_at(head, entries, postings_of(entries))

    assert await store.head("kos101") == head
    assert len(await store.read("kos101", 0, 1000)) == 3
    assert len(await store.postings("kos101", 0, 1000)) == 12
    assert (await append(session, head, ["order:shop:4"])).position == 4
    await session.close()


async def test_append_at_with_one_key_twice_is_refused(store: Store):
    head = await new_journal(store, 3)
    session = await store.session()

    with pytest.raises(KeyTaken):
        await append(session, head, ["order:shop:4", "order:shop:4"])

    assert await store.head("kos101") == head
    await session.close()


async def test_key_taken_in_another_event_is_free_here(store: Store):
    await new_journal(store, 3, event="kos101")

    head = await new_journal(store, 3, event="kos102")

    assert head.position == 3
