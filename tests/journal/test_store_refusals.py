"""What a store must refuse although its caller asks for it: our own bugs; on both databases."""

from dataclasses import replace

import pytest

from app.errors import InvariantError
from app.journal.entry import Entry
from app.journal.store import (
    Head,
    Posting,
    Session,
    Store,
)
from tests.journal.factories import (
    SIZES,
    append,
    entries_after,
    new_journal,
    order_keys,
    postings_of,
    unbalanced,
)


@pytest.mark.parametrize("bad", ["order:\0", "order:\udc80"])
@SIZES
async def test_text_that_a_database_cannot_hold_is_refused_without_a_trace(store: Store, bad: str, count: int):
    head = await new_journal(store, 3)
    session = await store.session()
    entries = entries_after(head, order_keys(100, count))
    entries[-1] = replace(entries[-1], key=bad)
    accounts = [replace(posting, account=bad) for posting in postings_of(entries)]

    with pytest.raises(InvariantError):
        await session.append_at(head, entries, postings_of(entries))
    with pytest.raises(InvariantError):
        await session.append_at(head, entries_after(head, order_keys(100, count)), accounts)

    assert await store.head("kos101") == head
    assert (await append(session, head, ["order:shop:4"])).position == 4
    await session.close()


@pytest.mark.parametrize("amount", [2**63, -(2**63) - 1])
async def test_amount_beyond_64_bits_is_refused_without_a_trace(store: Store, amount: int):
    head = await new_journal(store, 3)
    session = await store.session()
    entries = entries_after(head, ["order:shop:4"])
    postings = [replace(posting, amount=amount) for posting in postings_of(entries)]

    with pytest.raises(InvariantError):
        await session.append_at(head, entries, postings)

    assert (await append(session, head, ["order:shop:4"])).position == 4
    await session.close()


@SIZES
@pytest.mark.parametrize("way", ["append_at", "append"])
async def test_bad_batch_is_refused_by_the_database_itself(store: Store, way: str, count: int):
    """The guards hold for PostgreSQL's one statement and for SQLite's thread; the journal goes on after each."""
    head = await new_journal(store, 3)
    session = await store.session()

    for name, entries, postings in bad_batches(head, count):
        with pytest.raises(InvariantError):
            await WAYS[way](session, head, entries, postings)
        assert await store.head("kos101") == head, name
        assert len(await store.read("kos101", 0, 1000)) == 3, name
        assert len(await store.postings("kos101", 0, 1000)) == 12, name

    assert (await append(session, head, order_keys(100, count))).position == 3 + count
    await session.close()


async def in_transaction(session: Session, head: Head, entries: list[Entry], postings: list[Posting]) -> None:
    await session.begin(head.event)
    await session.append(entries, postings)
    await session.commit()


async def at_once(session: Session, head: Head, entries: list[Entry], postings: list[Posting]) -> None:
    await session.append_at(head, entries, postings)


WAYS = {"append": in_transaction, "append_at": at_once}


def bad_batches(head: Head, count: int) -> list[tuple[str, list[Entry], list[Posting]]]:
    good = entries_after(head, order_keys(100, count))
    beyond = entries_after(replace(head, position=head.position + 1), order_keys(100, count))
    forked = entries_after(replace(head, hash=bytes(range(32))), order_keys(100, count))
    early = entries_after(head, order_keys(100, count))
    early[0] = replace(early[0], recorded_at=head.recorded_at)
    currencies = [replace(leg, currency="EUR" if leg.leg == 1 else "GBP") for leg in postings_of(good)]
    old = [replace(leg, position=1, leg=leg.leg + 4) for leg in postings_of(good[:1])]
    return [
        ("a gap after the head", beyond, postings_of(beyond)),
        ("another previous hash", forked, postings_of(forked)),
        ("a time that stands still", early, postings_of(early)),
        ("one minor unit too much", good, unbalanced(postings_of(good))),
        ("balanced only across currencies", good, currencies),
        ("an amount of zero", good, [replace(postings_of(good)[0], amount=0)]),
        ("legs for an old entry", good, old),
    ]


async def test_gap_inside_a_batch_is_refused(store: Store):
    head = await new_journal(store, 3)
    session = await store.session()

    for count in (5, 150):
        whole = entries_after(head, order_keys(100, count))
        holed = [*whole[:2], *whole[3:]]
        swapped = [whole[0], replace(whole[1], prev_hash=head.hash), *whole[2:]]
        for entries in (holed, swapped):
            with pytest.raises(InvariantError):
                await session.append_at(head, entries, postings_of(entries))

    assert await store.head("kos101") == head
    await session.close()
