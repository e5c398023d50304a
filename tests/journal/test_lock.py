"""One serving process per SQLite file; the second one is told which is the first."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import Unavailable
from app.journal.lock import DatabaseInUse, serving
from app.journal.open import open_store
from tests.journal.factories import new_journal

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from app.journal.lock import serving
with serving(sys.argv[1]):
    print("holding", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(sqlite_url: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, sqlite_url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_second_process_is_refused_with_the_pid_of_the_first(sqlite_url: str, holder: subprocess.Popen[str]):
    with pytest.raises(DatabaseInUse, match=rf"\bpid {holder.pid}\b") as refused, serving(sqlite_url):
        pass

    assert refused.value.code == "database_in_use"
    assert str(refused.value.path) in refused.value.detail


def test_same_file_by_another_name_is_the_same_file(sqlite_url: str, holder: subprocess.Popen[str], tmp_path: Path):
    (tmp_path / "link.db").symlink_to(tmp_path / "kos.db")

    with pytest.raises(DatabaseInUse), serving(f"sqlite+aiosqlite:///{tmp_path}/link.db"):
        pass


async def test_reader_works_beside_the_serving_process(sqlite_url: str, holder: subprocess.Popen[str]):
    store = open_store(sqlite_url)

    async with store.snapshot("kos101") as snapshot:
        assert await snapshot.head() is None

    await store.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_lock_is_free_however_its_holder_ended(
    sqlite_url: str, holder: subprocess.Popen[str], how: signal.Signals | None
):
    if how is None:
        holder.communicate()
    else:
        holder.send_signal(how)
        holder.wait(10)

    with serving(sqlite_url):
        lock = Path(sqlite_url.partition("///")[2] + ".lock")
        assert f"pid {os.getpid()} " in lock.read_text()
    assert lock.read_text() == ""


async def test_postgresql_may_be_served_by_many(postgres_url: str):
    with serving(postgres_url), serving(postgres_url):
        store = open_store(postgres_url)
        await new_journal(store, 1)
        await store.close()


def test_lock_beside_a_database_in_no_folder_is_unavailable(tmp_path: Path):
    with pytest.raises(Unavailable), serving(f"sqlite+aiosqlite:///{tmp_path}/nowhere/kos.db"):
        pass
