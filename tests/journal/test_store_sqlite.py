"""What only SQLite can do to us: a file that is lost, full or replaced, and one writer for all events."""

import asyncio
import os
import resource
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.errors import Unavailable
from app.journal.store import Head, OutcomeUnknown, StoredState, new_head
from app.journal.store_sqlite import SqliteStore
from tests.journal.factories import append, entries_after, new_journal, order_keys, postings_of


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(sqlite_url, wait_seconds_max=0.3, lock_seconds_max=0.3)
    yield opened
    await opened.close()


@pytest.fixture
async def head(store: SqliteStore) -> Head:
    return await new_journal(store, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kos.db"


async def test_database_that_is_not_there_is_unavailable_and_is_not_made(tmp_path: Path):
    store = SqliteStore(f"sqlite+aiosqlite:///{tmp_path}/nothing.db")

    for call in (store.ping(), store.head("kos101"), store.save_state(StoredState("e", 1, "", b""))):
        with pytest.raises(Unavailable) as failed:
            await call
        assert failed.value.code == "database_unavailable"

    assert names_in(tmp_path) == []
    await store.close()


async def test_file_that_is_removed_is_noticed_at_once(store: SqliteStore, head: Head, path: Path, tmp_path: Path):
    """Linux would let us write on into the removed file, and lose every order of it with the process."""
    session = await store.session()
    move_database(tmp_path, tmp_path / "away")

    with pytest.raises(Unavailable):
        await append(session, head, ["order:shop:4"])
    with pytest.raises(Unavailable):
        await store.read("kos101", 0, 10)
    with pytest.raises(Unavailable):
        await session.begin("kos101")
    assert names_in(tmp_path) == ["away"]
    move_database(tmp_path / "away", tmp_path)

    assert (await append(session, head, ["order:shop:4"])).position == 4
    assert len(await store.read("kos101", 0, 10)) == 4
    await session.close()


async def test_backup_put_in_place_of_the_file_is_the_one_that_is_used(
    store: SqliteStore, sqlite_template: Path, path: Path
):
    await new_journal(store, 3)
    move_database(path.parent, path.parent / "away")
    shutil.copy(sqlite_template, path)
    session = await store.session()

    assert await store.heads() == []

    assert (await append(session, new_head("kos102", "mac"), ["event:kos102"])).position == 1
    assert [found.event for found in await store.heads()] == ["kos102"]
    await session.close()


async def test_lost_log_beside_the_file_stops_writing_until_a_restart(sqlite_url: str, path: Path):
    store = SqliteStore(sqlite_url)
    head = await new_journal(store, 3)
    session = await store.session()
    os.unlink(f"{path}-wal")

    with pytest.raises(Unavailable, match="restart"):
        await append(session, head, ["order:shop:4"])

    await session.close()
    await store.close()
    again = SqliteStore(sqlite_url)
    assert await again.head("kos101") == head, "closing brought what was committed into the file"
    await again.close()


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def move_database(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for file in list(source.glob("kos.db*")):
        file.rename(target / file.name)


@contextmanager
def disk_full_at(size_bytes: int) -> Iterator[None]:
    """The kernel refuses every write of this process beyond this offset in any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room_bytes", [0, 2_000, 30_000, 70_000, 150_000])
@pytest.mark.parametrize("way", ["append_at", "append"])
async def test_full_disk_refuses_the_whole_batch(store: SqliteStore, head: Head, path: Path, room_bytes: int, way: str):
    """500 orders need about 700 kB of log; the disk is full after part of it."""
    session = await store.session()
    await append(session, new_head("other", "mac"), ["event:other"])
    entries = entries_after(head, order_keys(4, 500))

    async def write() -> None:
        if way == "append_at":
            await session.append_at(head, entries, postings_of(entries))
            return
        await session.begin("kos101")
        await session.append(entries, postings_of(entries))
        await session.commit()

    with disk_full_at(os.stat(f"{path}-wal").st_size + room_bytes), pytest.raises((Unavailable, OutcomeUnknown)):
        await write()

    assert await store.head("kos101") == head
    assert len(await store.read("kos101", 0, 1000)) == 3
    assert len(await store.postings("kos101", 0, 1000)) == 12
    await write()
    assert len(await store.read("kos101", 0, 1000)) == 503
    await session.close()


async def test_one_session_in_a_transaction_makes_another_wait_and_then_unavailable(store: SqliteStore, head: Head):
    first, second = await store.session(), await store.session()
    await first.begin("kos101")

    with pytest.raises(Unavailable):
        await append(second, new_head("other", "mac"), ["event:other"])
    with pytest.raises(Unavailable):
        await store.save_state(StoredState("kos101", 1, "", b""))
    await first.close()

    assert (await append(second, new_head("other", "mac"), ["event:other"])).position == 1
    await second.close()


async def test_lookup_outside_a_transaction_does_not_see_into_that_of_another_session(store: SqliteStore, head: Head):
    first, second = await store.session(), await store.session()
    await first.begin("kos101")
    entries = entries_after(head, ["order:shop:4"])
    await first.append(entries, postings_of(entries))

    assert await second.lookup("kos101", ["order:shop:4"], []) == []
    assert await second.read("kos101", 3, 10) == []
    assert await first.read("kos101", 3, 10) == entries

    await first.close()
    await second.close()


async def test_cancelled_append_is_written_whole_or_not_at_all(store: SqliteStore, head: Head):
    session = await store.session()
    entries = entries_after(head, order_keys(4, 500))
    writing = asyncio.create_task(session.append_at(head, entries, postings_of(entries)))
    # One turn: the thread has its work, and its answer cannot have come back yet.
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    begun = await session.begin("kos101")

    assert begun is not None
    assert begun[0].position in (3, 503)
    assert len(await session.read("kos101", 0, 1000)) == begun[0].position
    await session.close()


async def test_log_stays_bounded_and_is_gone_after_an_orderly_end(sqlite_url: str, path: Path):
    store = SqliteStore(sqlite_url)
    session = await store.session()
    head = new_head("kos101", "mac")
    largest = 0

    for batch in range(30):
        head = await append(session, head, order_keys(batch * 500 + 1, 500))
        largest = max(largest, os.stat(f"{path}-wal").st_size)
    await session.close()
    await store.close()

    assert 0 < largest < 24_000_000
    assert names_in(path.parent) == ["kos.db"]


async def test_every_commit_is_flushed_to_the_disk(store: SqliteStore, head: Head):
    async def ask(name: str) -> int | str:
        rows = await store._writer.thread.call(lambda db: db.execute(f"PRAGMA {name}").fetchone())
        value: int | str = rows[0]
        return value

    assert await ask("synchronous") == 2, "FULL"
    assert await ask("journal_mode") == "wal"
    assert await ask("foreign_keys") == 1


async def test_readers_cannot_write(store: SqliteStore, head: Head):
    with pytest.raises(Unavailable, match="readonly"):
        await store._read(lambda db: db.execute("INSERT INTO secret VALUES ('a', x'00')"))
