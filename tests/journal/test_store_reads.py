"""What a store finds, keeps and tells; on both databases."""

import pytest

from app.errors import Unavailable
from app.journal.entry import Entry
from app.journal.open import open_store
from app.journal.store import (
    Store,
    StoredState,
    head_after,
)
from tests.journal.factories import (
    append,
    entries_after,
    new_journal,
    order_keys,
    postings_of,
)


async def test_lookup_finds_by_key_and_by_about_once_each_in_order(store: Store):
    head = await new_journal(store, 5)
    session = await store.session()
    head = await append(session, head, ["refund:shop:r1", "refund:shop:r2"], about="order:shop:2")
    await append(session, head, ["refund:shop:r3"], about="order:shop:3")

    found = await session.lookup(
        "kos101", ["order:shop:2", "refund:shop:r1", "nothing", "order:shop:2"], ["order:shop:2", "nothing"]
    )

    assert [entry.key for entry in found] == ["order:shop:2", "refund:shop:r1", "refund:shop:r2"]
    assert found == await store.lookup("kos101", ["order:shop:2"], ["order:shop:2"])
    assert [entry.key for entry in await session.lookup("kos101", [], ["order:shop:3"])] == ["refund:shop:r3"]
    assert await session.lookup("kos101", [], []) == []
    assert await session.lookup("another", ["order:shop:2"], ["order:shop:2"]) == []
    assert found[1].about == "order:shop:2"
    assert found[1].content["fact"] == {"id": "refund:shop:r1", "total": 17000}
    await session.close()


async def test_read_is_ascending_after_a_position_up_to_a_limit(store: Store):
    await new_journal(store, 5)
    await new_journal(store, 3, event="another")

    assert [entry.position for entry in await store.read("kos101", 2, 2)] == [3, 4]
    assert [entry.position for entry in await store.read("kos101", 4, 100)] == [5]
    assert await store.read("kos101", 5, 100) == []
    assert await store.read("nowhere", 0, 100) == []


async def test_lookup_brand_finds_a_key_in_every_event_of_the_brand_only(store: Store):
    await new_journal(store, 3, event="b-event", brand="mac")
    await new_journal(store, 2, event="a-event", brand="mac")
    await new_journal(store, 3, event="c-event", brand="another")

    found = await store.lookup_brand("mac", ["order:shop:3", "order:shop:1", "order:shop:1", "nothing"])

    assert [(entry.event, entry.key) for entry in found] == [
        ("a-event", "order:shop:1"),
        ("b-event", "order:shop:1"),
        ("b-event", "order:shop:3"),
    ]


async def test_terms_are_the_entries_that_tell_what_an_event_is(store: Store):
    session = await store.session()
    for event in ("b", "a", "c"):
        begun = await session.begin(event, "mac")
        assert begun is not None
        head, entries = begun[0], list[Entry]()
        for kind in ("event.created", "roster.changed", "event.moved", "order.paid", "rules.changed", "event.moved"):
            entries += entries_after(head_after(head, entries) if entries else head, [f"key:{len(entries)}"], kind)
        await session.append(entries, [])
        await session.commit()
    await session.close()

    told = await store.terms(["c", "a", "nothing"])

    kinds = [(3, "event.moved"), (5, "rules.changed"), (6, "event.moved")]
    assert [(entry.event, entry.position, entry.kind) for entry in told] == [
        (event, position, kind) for event in "ac" for position, kind in [(1, "event.created"), *kinds]
    ]


async def test_heads_are_chosen_by_event_by_brand_and_by_both(store: Store):
    heads = {
        event: await new_journal(store, 1, event=event, brand=brand)
        for event, brand in (("b", "mac"), ("a", "mac"), ("c", "another"))
    }

    assert await store.heads() == [heads["a"], heads["b"], heads["c"]]
    assert await store.heads(["c", "a", "nothing"]) == [heads["a"], heads["c"]]
    assert await store.heads(brand="mac") == [heads["a"], heads["b"]]
    assert await store.heads(["c", "a"], "mac") == [heads["a"]]
    assert await store.heads([]) == []


async def test_postings_are_of_a_range_of_positions(store: Store):
    head = await new_journal(store, 5)
    entries = await store.read("kos101", 0, 100)

    assert await store.postings("kos101", 1, 2) == postings_of(entries[1:3])
    assert await store.postings("kos101", 0, 100) == postings_of(entries)
    assert await store.postings("kos101", head.position, 100) == []


async def test_accounts_are_sums_up_to_a_position_by_the_bytes_of_their_names(store: Store):
    head = await new_journal(store, 3)
    entries = await store.read("kos101", 0, 100)
    await new_journal(store, 2, event="another")

    found = await store.accounts("kos101", 2, "", 100)

    own = postings_of(entries[:2])
    names = sorted({posting.account for posting in own}, key=str.encode)
    assert [(each.account, each.balance, each.postings, each.last_position) for each in found] == [
        (name, sum(p.amount for p in own if p.account == name), sum(p.account == name for p in own), 2)
        for name in names
    ]
    assert {each.currency for each in found} == {own[0].currency}
    assert await store.accounts("kos101", 2, names[0], 1) == found[1:2]
    assert await store.accounts("kos101", 0, "", 100) == []
    assert [each.last_position for each in await store.accounts("kos101", 100, "", 1)] == [head.position]


async def test_postings_of_an_account_come_with_their_entries(store: Store):
    head = await new_journal(store, 3)
    session = await store.session()
    await append(session, head, ["refund:shop:r1"], about="order:shop:2")
    await session.close()
    entries = await store.read("kos101", 0, 100)
    account = postings_of(entries)[0].account

    found = await store.account_postings("kos101", account, 4, 1, 100)

    assert [(f.position, f.kind, f.key, f.about, f.occurred_at, f.recorded_at) for f in found] == [
        (e.position, e.kind, e.key, e.about, e.occurred_at, e.recorded_at) for e in entries[1:]
    ]
    assert [f.amount for f in found] == [p.amount for p in postings_of(entries[1:]) if p.account == account]
    assert await store.account_postings("kos101", account, 3, 1, 1) == found[:1]
    assert await store.account_postings("kos101", "nothing", 4, 0, 100) == []


async def test_states_are_kept_once_found_by_position_and_dropped(store: Store):
    for position in (100, 300, 200):
        await store.save_state(StoredState("kos101", position, f"digest-{position}", b"\x00body" * 1000))
    await store.save_state(StoredState("kos101", 300, "another", b""))
    await store.save_state(StoredState("other", 900, "digest", b""))

    newest = await store.latest_state("kos101")
    assert newest == StoredState("kos101", 300, "digest-300", b"\x00body" * 1000)
    assert (await state_at(store, 300)) == 300
    assert (await state_at(store, 299)) == 200
    assert (await state_at(store, 99)) is None
    assert await store.drop_states("kos101") == 3
    assert await store.drop_states("kos101") == 0
    assert await store.latest_state("kos101") is None
    assert await store.latest_state("other") is not None


async def state_at(store: Store, at: int) -> int | None:
    state = await store.latest_state("kos101", at)
    return state.position if state else None


async def test_snapshot_stays_what_it_was_while_a_writer_appends(store: Store):
    head = await new_journal(store, 9)
    await store.save_state(StoredState("kos101", 5, "digest", b"body"))
    session = await store.session()
    head = await append(session, head, ["refund:shop:r1"], about="order:shop:2")

    async with store.snapshot("kos101") as snapshot:
        later = await append(session, head, ["refund:shop:r2"], about="order:shop:2")
        later = await append(session, later, order_keys(11, 200))
        await store.drop_states("kos101")

        assert await snapshot.head() == head
        assert [entry.position for entry in await snapshot.read(0, 1000)] == list(range(1, 11))
        assert len(await snapshot.postings(0, 1000)) == 40
        assert [state.position for state in await snapshot.states()] == [5]
        assert await snapshot.states(after=5) == []
        found = await snapshot.lookup(["order:shop:3", "order:shop:11"], ["order:shop:2"])
        assert [entry.key for entry in found] == ["order:shop:3", "refund:shop:r1"]
    async with store.snapshot("kos101") as snapshot:
        assert await snapshot.head() == later
        assert await snapshot.states() == []
    async with store.snapshot("nowhere") as snapshot:
        assert await snapshot.head() is None
    await session.close()


async def test_injected_clock_is_the_one_that_sessions_tell(journal_url: str):
    store = open_store(journal_url, clock=lambda: 42)
    session = await store.session()

    begun = await session.begin("kos101", "mac")

    assert session.now() == 42
    assert begun is not None
    assert begun[1] == 42
    await session.close()
    await store.close()


async def test_ping_of_a_database_without_our_tables_is_unavailable(database_url: str):
    store = open_store(database_url)

    with pytest.raises(Unavailable):
        await store.ping()

    await store.close()


async def test_ping_of_a_database_with_our_tables_returns(store: Store):
    await store.ping()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:///kos.db?mode=ro",
        "postgresql+asyncpg://localhost/kos?sslmode=require",
        "postgresql+psycopg://localhost/kos",
        "mysql+asyncmy://localhost/kos",
    ],
)
async def test_url_that_we_would_misread_is_refused(url: str):
    with pytest.raises(ValueError, match=r"URL|SQLite"):
        open_store(url)


async def test_newest_entries_of_a_kind_come_from_the_end_of_a_range(store: Store):
    head = await new_journal(store, 5)
    session = await store.session()
    entries = entries_after(head, ["refund:shop:r1", "refund:shop:r2"], kind="order.refunded")
    await session.append_at(head, entries, [])
    await session.close()
    first = head.position - 4

    found = await store.newest("kos101", "order.paid", first, 100, 3)

    assert [entry.position for entry in found] == [head.position, head.position - 1, head.position - 2]
    assert found == (await store.read("kos101", head.position - 3, 3))[::-1]
    assert [one.position for one in await store.newest("kos101", "order.paid", first, first + 3, 9)] == [
        first + 2,
        first + 1,
    ]
    assert await store.newest("another", "order.paid", 0, 100, 3) == []


async def test_entries_that_booked_on_accounts_come_once_each_from_the_end(store: Store):
    head = await new_journal(store, 4)

    found = await store.booked("kos101", ["Income:Sales:ruby:h7", "Income:Sales:opal:h9", "no"], 0, head.position, 2)

    assert [(one.position, one.kind, one.about) for one in found] == [
        (head.position - 1, "order.paid", None),
        (head.position - 2, "order.paid", None),
    ]
    assert await store.booked("kos101", ["Income:Sales:ruby:h8"], 0, 100, 9) == []
    assert await store.booked("kos101", [], 0, 100, 9) == []


async def test_keys_come_in_the_order_of_their_bytes_with_their_events(store: Store):
    await new_journal(store, 12)

    found = await store.keys("order:shop:1", "order:shop:1\x7f", 9)
    few = await store.keys("order:shop:1\x01", "order;", 2)

    assert found == [(f"order:shop:{number}", "kos101") for number in (1, 10, 11, 12)]
    assert few == [("order:shop:10", "kos101"), ("order:shop:11", "kos101")]
    assert await store.keys("order:shop:12\x01", "order:shop:2", 9) == []
