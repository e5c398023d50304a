"""What the database refuses to anybody who writes to it directly; on both databases."""

import sqlite3
from dataclasses import astuple, replace
from typing import Any

import asyncpg
import pytest

from app.journal.entry import Entry
from app.journal.open import open_store
from app.journal.postgres_connections import connect_arguments
from app.journal.store import Head, Posting, Store, head_after
from migrations import guards
from tests.journal.conftest import Direct
from tests.journal.factories import entries_after, new_journal, order_keys, postings_of

ENTRY = (
    "INTO entry (event, position, kind, key, occurred_at, recorded_at, actor, about, body, prev_hash, hash)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $9, $10)"
)
POSTING = (
    "INTO posting (event, position, leg, account, currency, amount)"
    " VALUES ('kos101', $1, $2, 'Income:Sales:House', 'GBP', $3)"
)
HEAD = "INTO head (event, brand, position, hash, recorded_at) VALUES ($1, 'mac', $2, $3, $4)"
MOVE = "UPDATE head SET position = $1, hash = $2, recorded_at = $3 WHERE event = 'kos101'"


def values(entry: Entry) -> tuple[Any, ...]:
    return astuple(entry)[:10]


async def everything(store: Store) -> tuple[Any, ...]:
    return await store.heads(), await store.read("kos101", 0, 1000), await store.postings("kos101", 0, 1000)


@pytest.fixture
async def head(store: Store) -> Head:
    return await new_journal(store, 3)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET body = body",
        "UPDATE entry SET kind = 'order.cancelled' WHERE position = 2",
        "DELETE FROM entry WHERE position = 3",
        "DELETE FROM entry",
        "UPDATE posting SET amount = -amount",
        "DELETE FROM posting WHERE position = 3",
        "DELETE FROM posting",
        "DELETE FROM head",
        "UPDATE head SET brand = 'another'",
        "UPDATE head SET event = 'another'",
        "UPDATE head SET position = 2",
        "UPDATE head SET position = 4",
        "UPDATE head SET hash = prev FROM (SELECT prev_hash AS prev FROM entry WHERE position = 3) AS e",
        "UPDATE head SET recorded_at = recorded_at + 1",
    ],
)
async def test_change_of_what_is_committed_is_refused(store: Store, direct: Direct, head: Head, statement: str):
    before = await everything(store)

    await direct.refused(statement)

    assert await everything(store) == before


@pytest.mark.parametrize("table", ["entry", "posting", "head", "entry, posting, head"])
async def test_truncate_is_refused(postgres_url: str, table: str):
    store, direct = open_store(postgres_url), Direct(postgres_url)
    await new_journal(store, 3)
    await direct.open()

    assert "KOS01" in await direct.refused(f"TRUNCATE {table}")
    assert "KOS01" in await direct.refused(f"TRUNCATE {table} CASCADE")

    assert len(await store.read("kos101", 0, 10)) == 3
    await direct.close()
    await store.close()


async def test_entry_in_place_of_a_committed_one_is_refused(store: Store, direct: Direct, head: Head):
    before = await everything(store)
    old = (await store.read("kos101", 1, 1))[0]
    forged = replace(old, body=b"{}")
    same_key = replace(entries_after(head, ["order:shop:2"])[0])

    for entry in (forged, same_key):
        await direct.refused(f"INSERT {ENTRY}", *values(entry))
        await direct.refused(
            f"INSERT {ENTRY} ON CONFLICT (event, position) DO UPDATE SET body = excluded.body", *values(entry)
        )
        await direct.refused(
            f"INSERT {ENTRY} ON CONFLICT (key, event) DO UPDATE SET body = excluded.body", *values(entry)
        )
        if direct.is_sqlite:
            await direct.refused(f"INSERT OR REPLACE {ENTRY}", *values(entry))
            await direct.refused(f"REPLACE {ENTRY}", *values(entry))

    assert await everything(store) == before


async def test_posting_in_place_of_or_beside_committed_ones_is_refused(store: Store, direct: Direct, head: Head):
    before = await everything(store)
    verbs = ["INSERT", "INSERT OR REPLACE", "REPLACE"] if direct.is_sqlite else ["INSERT"]

    for verb in verbs:
        await direct.refused(f"{verb} {POSTING}", 3, 1, 5)
        await direct.refused(f"{verb} {POSTING}", 3, 9, 5)
        await direct.refused(f"{verb} {POSTING}, ('kos101', 3, 10, 'Assets:Mine', 'GBP', -5)", 3, 9, 5)
    await direct.refused(
        f"INSERT {POSTING} ON CONFLICT (event, position, leg) DO UPDATE SET amount = excluded.amount", 3, 1, 5
    )

    assert await everything(store) == before


async def test_head_in_place_of_one_is_refused(store: Store, direct: Direct, head: Head):
    before = await everything(store)
    verbs = ["INSERT", "INSERT OR REPLACE", "REPLACE"] if direct.is_sqlite else ["INSERT"]

    for verb in verbs:
        await direct.refused(f"{verb} {HEAD}", "kos101", 0, bytes(32), 0)
        await direct.refused(f"{verb} {HEAD}", "new", 1, bytes(range(32)), 1)
        await direct.refused(f"{verb} {HEAD}", "new", 0, bytes(range(32)), 0)
        await direct.refused(f"{verb} {HEAD}", "new", 0, bytes(32), 1)

    assert await everything(store) == before


async def test_head_moved_to_an_entry_that_is_not_there_is_refused(store: Store, direct: Direct, head: Head):
    (entry,) = entries_after(head, ["order:shop:4"])

    await direct.refused(MOVE, entry.position, entry.hash, entry.recorded_at)

    assert await store.head("kos101") == head


async def write(direct: Direct, entries: list[Entry], postings: list[Posting], move: Entry | None) -> None:
    """As a writer of this database would: the head first on PostgreSQL, last on SQLite."""
    moving = (move.position, move.hash, move.recorded_at) if move else ()
    await direct.run("BEGIN")
    if moving and not direct.is_sqlite:
        await direct.run(MOVE, *moving)
    for entry in entries:
        await direct.run(f"INSERT {ENTRY}", *values(entry))
    rows = ", ".join(
        f"('{leg.event}', {leg.position}, {leg.leg}, '{leg.account}', '{leg.currency}', {leg.amount})"
        for leg in postings
    )
    if rows:
        await direct.run(f"INSERT INTO posting (event, position, leg, account, currency, amount) VALUES {rows}")
    if moving and direct.is_sqlite:
        await direct.run(MOVE, *moving)
    await direct.run("COMMIT")


async def test_whole_and_balanced_entry_is_accepted_from_anybody(store: Store, direct: Direct, head: Head):
    """Without this, all the refusals here could be for another reason than the one meant."""
    entries = entries_after(head, ["order:shop:4"])

    await write(direct, entries, postings_of(entries), entries[0])

    assert await store.head("kos101") == head_after(head, entries)
    assert await store.postings("kos101", 3, 1) == postings_of(entries)


@pytest.mark.parametrize("case", ["gap", "fork", "standing clock", "unbalanced", "extra posting", "head elsewhere"])
async def test_batch_that_breaks_a_rule_is_refused(store: Store, direct: Direct, head: Head, case: str):
    (entry,) = entries_after(head, ["order:shop:4"])
    postings = postings_of([entry])
    move = entry
    if case == "gap":
        entry = move = entries_after(replace(head, position=4), ["order:shop:4"])[0]
        postings = postings_of([entry])
    elif case == "fork":
        entry = move = entries_after(replace(head, hash=bytes(range(32))), ["order:shop:4"])[0]
    elif case == "standing clock":
        entry = move = replace(entry, recorded_at=head.recorded_at)
    elif case == "unbalanced":
        postings = postings[:-1]
    elif case == "extra posting":
        postings += [replace(leg, position=5) for leg in postings]
    else:
        move = replace(entry, hash=bytes(range(32)))

    with pytest.raises((sqlite3.IntegrityError, asyncpg.PostgresError), match=r"(?i)entr|posting|head"):
        await write(direct, [entry], postings, move)

    await direct.run("ROLLBACK")
    assert await store.head("kos101") == head
    assert len(await store.read("kos101", 0, 100)) == 3
    assert len(await store.postings("kos101", 0, 100)) == 12


async def test_entries_without_their_head_are_refused_at_once(postgres_url: str):
    store, direct = open_store(postgres_url), Direct(postgres_url)
    head = await new_journal(store, 3)
    await direct.open()

    refused = await direct.refused(f"INSERT {ENTRY}", *values(entries_after(head, ["order:shop:4"])[0]))

    assert guards.HEAD in refused
    await direct.close()
    await store.close()


@pytest.mark.parametrize(("table", "columns"), [("entry", 11), ("posting", 6)])
async def test_copy_is_guarded_too(postgres_url: str, table: str, columns: int):
    store = open_store(postgres_url)
    head = await new_journal(store, 3)
    connection = await asyncpg.connect(**connect_arguments(postgres_url))
    entries = entries_after(replace(head, position=10), order_keys(100, 20))
    rows: list[tuple[Any, ...]] = [
        (*values(entry)[:7], None, entry.body, entry.prev_hash, entry.hash) for entry in entries
    ]
    if table == "posting":
        rows = [astuple(leg) for leg in postings_of(entries)]
    assert len(rows[0]) == columns

    with pytest.raises(asyncpg.PostgresError) as refused:
        await connection.copy_records_to_table(table, records=rows)

    assert refused.value.sqlstate in (guards.GAP, guards.LATE_POSTING)
    assert len(await store.read("kos101", 0, 100)) == 3
    await connection.close()
    await store.close()


async def test_merge_is_refused(postgres_url: str):
    store, direct = open_store(postgres_url), Direct(postgres_url)
    await new_journal(store, 3)
    await direct.open()

    refused = await direct.refused(
        "MERGE INTO entry AS e USING (SELECT 2 AS position) AS s ON e.position = s.position"
        " WHEN MATCHED THEN UPDATE SET body = ''"
    )

    assert guards.APPEND_ONLY in refused
    await direct.close()
    await store.close()


async def test_events_written_in_one_statement_are_each_held_to_their_own_chain(postgres_url: str):
    """Rows of several events interleaved: accepted when each follows its own head, refused when one does not."""
    store, direct = open_store(postgres_url), Direct(postgres_url)
    heads = [await new_journal(store, 3, event=event) for event in ("kos101", "kos102")]
    await direct.open()
    new = [entries_after(head, ["order:shop:4"])[0] for head in heads]
    both = ENTRY + ", ($11, $12, $13, $14, $15, $16, $17, NULL, $18, $19, $20)"
    move = "UPDATE head SET position = $1, hash = $2, recorded_at = $3 WHERE event = $4"
    crossed = replace(new[1], prev_hash=heads[0].hash)

    for second in (crossed, new[1]):
        await direct.run("BEGIN")
        for entry in new:
            await direct.run(move, entry.position, entry.hash, entry.recorded_at, entry.event)
        if second is crossed:
            assert guards.GAP in await direct.refused(f"INSERT {both}", *values(new[0]), *values(second))
            await direct.run("ROLLBACK")
        else:
            await direct.run(f"INSERT {both}", *values(new[0]), *values(second))
            await direct.run("COMMIT")

    assert [head.position for head in await store.heads()] == [4, 4]
    await direct.close()
    await store.close()
