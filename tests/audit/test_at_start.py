"""What a server has verified beside its work when it starts."""

import asyncio
from contextlib import suppress
from pathlib import Path

from app.audit.at_start import verify_at_start
from tests.tampering import EVENT, copy_of_sqlite, fill


def children() -> set[int]:
    """Processes that any thread of this one has started and that were not waited for."""
    found: set[int] = set()
    for thread in Path("/proc/self/task").iterdir():
        # It may have ended since.
        with suppress(FileNotFoundError, ProcessLookupError):
            found.update(int(child) for child in (thread / "children").read_text().split())
    return found


async def test_first_finding_of_each_event_is_told(tmp_path: Path):
    await asyncio.to_thread(fill, f"sqlite+aiosqlite:///{tmp_path}/kos.db")
    database = copy_of_sqlite(tmp_path / "kos.db", tmp_path)
    database.disarm()
    for position in (12, 14):
        database.run(f"UPDATE entry SET actor = 'key:x' WHERE event = '{EVENT}' AND position = {position}")
    told: list[tuple[str, str, int]] = []

    async def found(event: str, code: str, position: int, detail: str) -> None:
        told.append((event, code, position))

    await verify_at_start(database.url, found)

    assert told == [(EVENT, "hash_mismatch", 12)]


async def test_cancelled_it_leaves_no_process_behind(tmp_path: Path):
    async def found(event: str, code: str, position: int, detail: str) -> None:
        raise AssertionError(event)

    before = children()
    task = asyncio.create_task(verify_at_start(f"sqlite+aiosqlite:///{tmp_path}/none.db", found))
    while not (started := children() - before):  # noqa: ASYNC110, nothing tells
        await asyncio.sleep(0.001)

    # Before it can have loaded anything, let alone ended by itself.
    task.cancel()
    await asyncio.wait([task])

    assert children() & started == set()
