"""Entries and postings that follow a head, as a writer would make them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.journal.entry import Entry, canonical_bytes, entry_hash
from app.journal.store import Head, KeyTaken, Posting, Session, Store, head_after, new_head

# What must hold, must hold for one order and for a batch of them.
SIZES = pytest.mark.parametrize("count", [1, 32, 500])

# 1 April 2021; in the past for every database's clock.
START_US = 1_617_235_200_000_000


def order_keys(first: int, count: int) -> list[str]:
    return [f"order:shop:{number}" for number in range(first, first + count)]


def entries_after(
    head: Head, keys: Sequence[str], kind: str = "order.paid", about: str = "", recorded_at: int = START_US
) -> list[Entry]:
    """One entry per key, chained to the head; each a microsecond after the one before."""
    made: list[Entry] = []
    for key in keys:
        position = head.position + 1
        recorded_at = max(recorded_at, head.recorded_at + 1)
        content = {"fact": {"id": key, "total": 17000}} | ({"about": about} if about else {})
        body = canonical_bytes(content)
        own = entry_hash(head.event, position, kind, key, START_US, recorded_at, "key:shop", body, head.hash)
        made.append(
            Entry(head.event, position, kind, key, START_US, recorded_at, "key:shop", body, head.hash, own, content)
        )
        head = head_after(head, made[-1:])
    return made


def postings_of(entries: Sequence[Entry]) -> list[Posting]:
    """Four legs per entry, in balance, two of them on hosts."""
    accounts = ("Assets:Clearing:shop", "Income:Sales:ruby:h7", "Income:Sales:opal:h9", "Liabilities:Tax")
    amounts = (17000, -10000, -5000, -2000)
    return [
        Posting(entry.event, entry.position, leg, account, "GBP", amount)
        for entry in entries
        for leg, (account, amount) in enumerate(zip(accounts, amounts, strict=True), 1)
    ]


def unbalanced(postings: Sequence[Posting]) -> list[Posting]:
    """The same, with one minor unit too much at the end."""
    last = postings[-1]
    return [*postings[:-1], replace(last, amount=last.amount + 1)]


async def append(session: Session, head: Head, keys: Sequence[str], about: str = "") -> Head:
    """Orders with their postings, appended the fast way, or as the first ones of a new event; returns the new head."""
    entries = entries_after(head, keys, about=about)
    if head.position:
        await session.append_at(head, entries, postings_of(entries))
    elif await session.begin(head.event, head.brand) is None:
        raise KeyTaken(head.event)
    else:
        await session.append(entries, postings_of(entries))
        await session.commit()
    return head_after(head, entries)


async def new_journal(store: Store, count: int, event: str = "kos101", brand: str = "mac") -> Head:
    """An event with this many orders in its journal."""
    session = await store.session()
    try:
        return await append(session, new_head(event, brand), order_keys(1, count))
    finally:
        await session.close()
