"""The servers that other tests stand on: what they promise about isolation, restarts and leftovers."""

import shutil
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.processes import Server
from tests.servers import Postgres, answers_ping, start_valkey


def plain(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://")


async def test_database_is_empty_and_separate_from_others(postgres: Postgres):
    first, second = postgres.create_database(), postgres.create_database()

    connection = await asyncpg.connect(plain(first))
    await connection.execute("CREATE TABLE mine (id int)")
    await connection.close()

    assert postgres.psql("SELECT to_regclass('mine') IS NULL", urlsplit(second).path[1:]) == "t"
    postgres.drop_database(first)
    postgres.drop_database(second)


def test_prepared_database_is_copied_and_prepared_once(postgres: Postgres):
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        postgres.psql("CREATE TABLE made (id int); INSERT INTO made VALUES (7)", urlsplit(url).path[1:])

    copies = [postgres.create_database(prepare) for _ in range(2)]

    assert len(prepared) == 1
    for url in copies:
        assert postgres.psql("SELECT id FROM made", urlsplit(url).path[1:]) == "7"
        postgres.drop_database(url)


def test_postgres_flushes_commits_and_is_not_root(postgres: Postgres):
    assert postgres.psql("SHOW fsync") == "on"
    assert postgres.psql("SHOW synchronous_commit") == "on"
    owner = (postgres.directory / "data").stat().st_uid
    assert owner != 0


async def test_postgres_refuses_a_wrong_password(postgres: Postgres):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(plain(postgres.url), password="guess")


def test_postgres_killed_and_started_again_keeps_committed_rows(own_postgres: Postgres):
    own_postgres.psql("CREATE TABLE kept (id int)")
    own_postgres.psql("INSERT INTO kept VALUES (1)")
    port = own_postgres.port

    own_postgres.kill()
    own_postgres.start()

    assert own_postgres.port == port
    assert own_postgres.psql("SELECT count(*) FROM kept") == "1"


def test_closed_server_leaves_neither_process_nor_directory():
    server = start_valkey()
    process = server.process

    server.close()

    assert process is not None
    assert process.returncode is not None
    assert not server.directory.exists()


def test_valkey_answers_ping_and_is_empty_after_a_restart(valkey: Server):
    assert answers_ping(valkey.port)
    valkey.stop()
    assert not answers_ping(valkey.port)
    valkey.start()
    assert answers_ping(valkey.port)


if sys.platform == "linux":  # elsewhere nothing ties a child's life to its parent's

    def test_server_dies_with_a_test_process_that_was_killed():
        program = (
            "import time; from tests.servers import start_valkey; s = start_valkey();"
            "print(s.port, s.directory, flush=True); time.sleep(600)"
        )
        parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        port, directory = parent.stdout.readline().split()
        assert answers_ping(int(port))

        parent.send_signal(signal.SIGKILL)
        parent.communicate()

        deadline = time.monotonic() + 10
        while answers_ping(int(port)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not answers_ping(int(port))
        shutil.rmtree(directory)
