"""A process killed while it writes: what it had acknowledged is there once, whole, and chained."""

import asyncio
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from app.journal.entry import rehash
from app.journal.open import open_store
from tests.journal.factories import append

ROOT = Path(__file__).resolve().parents[2]
WRITE = """
import asyncio, sys
from app.journal.open import open_store
from app.journal.store import new_head
from tests.journal.factories import append, order_keys

async def main():
    store = open_store(sys.argv[1])
    session, head, batch = await store.session(), new_head("kos101", "mac"), int(sys.argv[2])
    while True:
        head = await append(session, head, order_keys(head.position + 1, batch))
        print(head.position, flush=True)

asyncio.run(main())
"""


def write_and_be_killed(url: str, batch: int) -> int:
    """The last position that the process said it had written; killed after five, without a warning."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, url, str(batch)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(5)]
        process.kill()
        told += process.stdout.read().splitlines(keepends=True)
    return [int(line) for line in told if line.endswith("\n")][-1]


@pytest.mark.parametrize("batch", [1, 20, 300])
async def test_acknowledged_entries_survive_kill_9(journal_url: str, batch: int):
    acknowledged = write_and_be_killed(journal_url, batch)

    store = open_store(journal_url)
    session = await store.session()
    async with asyncio.timeout(10):
        begun = await session.begin("kos101")
    assert begun is not None
    head = begun[0]
    await session.rollback()
    entries = await store.read("kos101", 0, 100_000)
    postings = await store.postings("kos101", 0, 100_000)
    assert head.position - acknowledged in (0, batch), "at most the batch under way came besides"
    assert [entry.position for entry in entries] == list(range(1, head.position + 1))
    assert all(later.prev_hash == earlier.hash for earlier, later in itertools.pairwise(entries))
    assert all(rehash(entry) == entry.hash for entry in entries)
    assert entries[-1].hash == head.hash
    assert len(postings) == 4 * len(entries)
    assert (await append(session, head, ["order:after:1"])).position == head.position + 1
    await session.close()
    await store.close()
