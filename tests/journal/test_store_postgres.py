"""What only PostgreSQL can do to us: backends that die, clocks that differ, plans that go wrong."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from app.errors import Unavailable
from app.journal import postgres_connections
from app.journal import postgres_statements as sql
from app.journal.migrate import upgrade_in_loop
from app.journal.postgres_connections import Connections, connect_arguments
from app.journal.store import ClockMoved, Head, HeadMoved, OutcomeUnknown, Session, head_after
from app.journal.store_postgres import PostgresStore
from migrations import guards
from tests.journal.factories import append, entries_after, new_journal, order_keys, postings_of
from tests.servers import Postgres, start_postgres


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    opened = PostgresStore(postgres_url, wait_seconds_max=0.3)
    yield opened
    await opened.close()


@pytest.fixture
async def outsider(postgres_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(**connect_arguments(postgres_url))
    yield connection
    await connection.close()


@pytest.fixture
async def head(store: PostgresStore) -> Head:
    return await new_journal(store, 3)


@pytest.fixture
async def session(store: PostgresStore, head: Head) -> AsyncIterator[Session]:
    opened = await store.session()
    yield opened
    await opened.close()


OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kos'"


async def kill_backends(outsider: Any, waiting: str = "") -> None:
    """Terminate our backends, or wait until one of them waits for this kind of event and terminate it."""
    condition = f" AND wait_event_type = '{waiting}'" if waiting else ""
    for _ in range(1_000):
        if await outsider.fetch(f"SELECT pg_terminate_backend(pid, 5000) {OURS}{condition}"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("no backend of ours came to that point")


async def test_backend_killed_while_idle_is_replaced_without_a_word(session: Session, head: Head, outsider: Any):
    await kill_backends(outsider)
    await asyncio.sleep(0.05)

    head = await append(session, head, ["order:shop:4"])

    assert (await session.lookup("kos101", ["order:shop:4"], []))[0].position == head.position


async def test_backend_killed_under_a_fast_append_leaves_its_outcome_unknown(
    store: PostgresStore, session: Session, head: Head, outsider: Any
):
    async with outsider.transaction():
        await outsider.execute("SELECT 1 FROM head FOR UPDATE")
        writing = asyncio.create_task(append(session, head, ["order:shop:4"]))
        await kill_backends(outsider, waiting="Lock")
        with pytest.raises(OutcomeUnknown):
            await writing

    begun = await session.begin("kos101")
    assert begun is not None
    assert await session.lookup("kos101", ["order:shop:4"], []) == []
    await session.rollback()
    assert await append(session, head, ["order:shop:4"]) == await store.head("kos101")


@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("way", ["append_at", "commit"])
async def test_backend_killed_at_the_commit_leaves_its_outcome_unknown(
    session: Session, head: Head, outsider: Any, count: int, way: str
):
    """A deferred trigger that sleeps holds the commit open."""
    await outsider.execute(
        "CREATE FUNCTION sleepy() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(5); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER sleepy AFTER UPDATE ON head DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION sleepy()"
    )

    async def write() -> None:
        if way == "append_at":
            await append(session, head, order_keys(4, count))
            return
        entries = entries_after(head, order_keys(4, count))
        await session.begin("kos101")
        await session.append(entries, postings_of(entries))
        await session.commit()

    writing = asyncio.create_task(write())
    await kill_backends(outsider, waiting="Timeout")

    with pytest.raises(OutcomeUnknown):
        await writing
    await outsider.execute("DROP TRIGGER sleepy ON head")
    begun = await session.begin("kos101")
    assert begun is not None
    assert begun[0] == head
    await session.rollback()


async def test_transaction_whose_backend_was_killed_does_not_go_on_in_another(
    store: PostgresStore, session: Session, head: Head, outsider: Any
):
    entries = entries_after(head, ["order:shop:4"])
    await session.begin("kos101")
    await kill_backends(outsider)

    for _ in range(2):
        with pytest.raises(Unavailable):
            await session.append(entries, postings_of(entries))
    with pytest.raises(Unavailable):
        await session.lookup("kos101", ["order:shop:1"], [])
    with pytest.raises(Unavailable):
        await session.commit()
    await session.rollback()

    assert await store.head("kos101") == head
    assert (await append(session, head, ["order:shop:4"])).position == 4


async def test_backend_that_hangs_is_given_up_in_time(
    postgres_url: str, outsider: Any, monkeypatch: pytest.MonkeyPatch
):
    """SIGSTOP: the link stays, the answer never comes."""
    monkeypatch.setattr(postgres_connections, "ANSWER_SECONDS_MAX", 0.3)
    store = PostgresStore(postgres_url)
    head = await new_journal(store, 3)
    session = await store.session()
    pids = [row[0] for row in await outsider.fetch(f"SELECT pid {OURS}")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            await append(session, head, ["order:shop:4"])
        assert time.monotonic() - started < 5
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    begun = await session.begin("kos101")
    assert begun is not None
    await session.close()
    await store.close()


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    server = start_postgres()
    yield server
    server.close()


async def test_server_that_stops_and_starts_is_unavailable_and_then_usable_again(own_server: Postgres):
    url = own_server.create_database()
    await upgrade_in_loop(url)
    store = PostgresStore(url)
    head = await new_journal(store, 3)
    session = await store.session()
    await store.ping()

    own_server.stop()
    await asyncio.sleep(0.05)
    for call in (store.ping(), store.session(), store.read("kos101", 0, 1), session.begin("kos101")):
        with pytest.raises(Unavailable):
            await call
    with pytest.raises(Unavailable):
        await append(session, head, ["order:shop:4"])
    with pytest.raises(Unavailable):
        async with store.snapshot("kos101"):
            pass
    own_server.start()

    await store.ping()
    head = await append(session, head, ["order:shop:4"])
    own_server.kill()
    own_server.start()
    with contextlib.suppress(OutcomeUnknown, Unavailable):
        await append(session, head, ["order:shop:5"])
    assert (await store.read("kos101", 3, 10))[0].key == "order:shop:4", "what was acknowledged is there"
    await session.close()
    await store.close()


async def test_sessions_are_bounded_and_places_come_back(postgres_url: str):
    store = PostgresStore(postgres_url, writer_connections_max=2, wait_seconds_max=0.1)
    first, second = await store.session(), await store.session()

    with pytest.raises(Unavailable):
        await store.session()
    await first.close()
    third = await store.session()

    with pytest.raises(Unavailable):
        await store.session()
    await second.close()
    await third.close()
    await store.close()


async def test_snapshots_leave_room_for_short_reads(postgres_url: str):
    store = PostgresStore(postgres_url, reader_connections_max=1, wait_seconds_max=0.1)
    head = await new_journal(store, 3)

    async with store.snapshot("kos101") as snapshot:
        assert await store.head("kos101") == head
        assert await snapshot.head() == head
        with pytest.raises(Unavailable):
            async with store.snapshot("kos101"):
                pass

    async with store.snapshot("kos101") as snapshot:
        assert await snapshot.head() == head
    await store.close()


async def test_now_is_the_clock_of_the_database_carried_on(session: Session, outsider: Any):
    before = await outsider.fetchval(sql.NOW)
    told = session.now()
    after = await outsider.fetchval(sql.NOW)

    assert abs(told - (before + after) // 2) < 1_000_000
    assert session.now() >= told


@pytest.mark.parametrize("count", [1, 200])
async def test_entries_ahead_of_the_clock_are_refused(store: PostgresStore, session: Session, head: Head, count: int):
    ahead = session.now() + (guards.CLOCK_AHEAD_SECONDS_MAX + 5) * 1_000_000
    entries = entries_after(head, order_keys(4, count), recorded_at=ahead)

    with pytest.raises(ClockMoved):
        await session.append_at(head, entries, postings_of(entries))

    assert await store.head("kos101") == head
    near = entries_after(head, order_keys(4, count), recorded_at=session.now())
    await session.append_at(head, near, postings_of(near))


async def test_clock_that_was_set_back_does_not_stop_an_event(session: Session, head: Head, outsider: Any):
    """An entry from a minute ahead stands for it: what follows may come a microsecond after, but no later."""
    ahead = entries_after(head, ["order:shop:4"], recorded_at=session.now() + 60_000_000)
    await outsider.execute("ALTER TABLE entry DISABLE TRIGGER kos_entry_added")
    await session.append_at(head, ahead, postings_of(ahead))
    await outsider.execute("ALTER TABLE entry ENABLE TRIGGER kos_entry_added")
    head = head_after(head, ahead)

    later = entries_after(head, ["order:shop:5"], recorded_at=head.recorded_at + 2)
    with pytest.raises(ClockMoved):
        await session.append_at(head, later, postings_of(later))

    assert (await append(session, head, order_keys(5, 150))).position == 154


@pytest.mark.parametrize("away_us", [60_000_000, -60_000_000])
@pytest.mark.parametrize("count", [1, 200])
async def test_session_whose_clock_went_wrong_reads_it_again(session: Any, head: Head, away_us: int, count: int):
    """The process's monotonic clock stands still while its machine sleeps; the attribute stands for that."""
    session._database_clock._database_us += away_us

    with pytest.raises(ClockMoved):
        await append(session, head, order_keys(4, count))

    assert abs(session.now() - time.time_ns() // 1000) < 5_000_000
    assert (await append(session, head, order_keys(4, count))).position == 3 + count


async def test_commits_are_flushed_also_where_the_server_would_not(postgres_url: str, outsider: Any):
    database = await outsider.fetchval("SELECT current_database()")
    await outsider.execute(f"ALTER DATABASE {database} SET synchronous_commit = off")
    connections = Connections(postgres_url, connections_max=1)

    connection = await connections.take()

    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    connections.give(connection)
    await connections.close()


async def test_lookups_use_whole_index_keys_on_a_table_planned_while_empty(postgres_url: str):
    """The prepared plan made on the empty tables is the one used on all that comes: it must not need luck."""
    connections = Connections(postgres_url, connections_max=1)
    connection = await connections.take()
    statements = {
        "by_key": (sql.BY_KEY, "text, text[]", "'e', ARRAY['k']"),
        "by_about": (sql.BY_KEY_OR_ABOUT, "text, text[], text[]", "'e', ARRAY['k'], ARRAY['a']"),
        "brand": (sql.BY_BRAND, "text, text[]", "'b', ARRAY['k']"),
        "read": (sql.READ, "text, bigint, bigint", "'e', 1, 10"),
        "postings": (sql.POSTINGS, "text, bigint, bigint", "'e', 1, 10"),
        "terms": (sql.TERMS_OF, "text[]", "ARRAY['e']"),
    }
    plans = {}
    for name, (statement, types, arguments) in statements.items():
        await connection.execute(f"PREPARE {name} ({types}) AS {statement}")
        lines = await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE {name} ({arguments})")
        plans[name] = "\n".join(line[0] for line in lines)

    for name, plan in plans.items():
        assert "Seq Scan" not in plan, f"{name}\n{plan}"
        assert "Filter" not in plan or name == "brand", f"{name}\n{plan}"
    for name in ("by_key", "by_about"):
        assert "Index Cond: ((key = k.key) AND (event = $1))" in plans[name], plans[name]
    assert "Index Cond: ((about = a.about) AND (event = $1))" in plans["by_about"], plans["by_about"]
    assert "Index Scan using entry_terms" in plans["terms"], plans["terms"]
    connections.give(connection)
    await connections.close()


async def test_two_stores_take_turns_without_losing_an_entry(postgres_url: str):
    """Two processes on one event: whoever finds the head moved reads on, and tries again."""
    stores = [PostgresStore(postgres_url) for _ in range(2)]
    start = await new_journal(stores[0], 1)

    async def write(number: int) -> int:
        session, head, moved = await stores[number].session(), start, 0
        for item in range(40):
            while True:
                try:
                    head = await append(session, head, [f"order:{number}:{item}"])
                    break
                except HeadMoved:
                    moved += 1
                    (entry,) = (await session.read("kos101", head.position, 1000))[-1:]
                    head = head_after(head, [entry])
        await session.close()
        return moved

    moved = await asyncio.gather(*(write(number) for number in range(2)))

    entries = await stores[0].read("kos101", 0, 1000)
    assert [entry.position for entry in entries] == list(range(1, 82))
    assert len({entry.key for entry in entries}) == 81
    assert sum(moved) > 0
    for store in stores:
        await store.close()


def test_guard_code_is_that_of_the_migrations():
    assert postgres_connections._CLOCK == guards.CLOCK
