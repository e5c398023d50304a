"""Starting on a database that cannot be used: one sentence that says what to change, an exit code, no traceback."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.journal.migrate import newest, upgrade
from tests.app_server import COMPILED, KOS, run_kos
from tests.processes import START_SECONDS_MAX, environment
from tests.servers import Postgres

SERVE = (str(KOS), "serve", "--port", "0")
UP = (str(KOS), "up", "--port", "0")
VERIFY = (str(KOS), "verify")
EXPORT = (str(KOS), "export", "--event", "any")
KEYS = (str(KOS), "keys", "list")
# As somebody starts it who has a supervisor of his own for ASGI applications.
_PROGRAM = """
import uvicorn
from app.main import create_app
from app.settings import Settings
uvicorn.run(create_app(Settings()), port=0)
"""
UVICORN = (sys.executable, "-c", _PROGRAM)


def told(command: Sequence[str], url: str) -> str:
    """The one line of our own that the command ends with; uvicorn's say that it starts and that it gave up."""
    if command in (VERIFY, EXPORT, KEYS):
        done = run_kos(*command[1:], KOS_DATABASE_URL=url)
    else:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            env=environment(**COMPILED, KOS_DATABASE_URL=url),
        )
    assert done.returncode in (1, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    server_lines = ("INFO: ", "ERROR:    Application startup failed")
    lines = [line for line in done.stderr.splitlines() if not line.startswith(server_lines)]
    assert len(lines) == 1, done.stderr
    return lines[0]


def upgraded_and(url: str, statement: str) -> None:
    """A database that was brought up to date, and then had this done to it."""

    async def work() -> None:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    upgrade(url)
    asyncio.run(work())


@pytest.mark.parametrize("command", [SERVE, UP, VERIFY, EXPORT, KEYS, UVICORN], ids=lambda command: command[1])
def test_database_of_a_newer_version_is_left_alone(database_url: str, command: Sequence[str]):
    upgraded_and(database_url, "UPDATE alembic_version SET version_num = '9999_from_tomorrow'")

    line = told(command, database_url)

    assert "9999_from_tomorrow" in line
    assert str(newest()) in line
    assert "database_too_new" in line


def test_database_that_no_server_has_used_yet_cannot_be_verified(database_url: str, tmp_path: Path):
    (tmp_path / "kos.db").touch()

    assert "`kos serve` does that as it starts" in told(VERIFY, database_url)


def test_server_that_gives_up_while_it_starts_does_not_end_as_if_all_was_well(database_url: str):
    upgraded_and(database_url, "DROP TABLE secret")

    done = run_kos("serve", "--port", "0", KOS_DATABASE_URL=database_url)

    assert done.returncode in (1, 3), done.stderr


def test_verifying_a_file_that_is_not_there_does_not_make_one(tmp_path: Path):
    line = told(VERIFY, f"sqlite:///{tmp_path}/kos.db")

    assert f"{tmp_path}/kos.db" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.at_full_size
@pytest.mark.parametrize("command", [SERVE, VERIFY, KEYS, UVICORN], ids=lambda command: command[1])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda url: url.rsplit("/", 1)[0] + "/no_such_database", "no_such_database"),
        (lambda url: url.replace("kos:", "nobody:", 1), "nobody"),
        (lambda url: "postgresql://kos:hunter2@127.0.0.1:1/kos", "127.0.0.1"),
    ],
    ids=["no-such-database", "no-such-role", "nobody-listens"],
)
def test_postgres_that_lets_nobody_in_is_named(postgres: Postgres, command: Sequence[str], change, named: str):
    url = change(postgres.url)

    line = told(command, url)

    assert named in line
    assert "database_unavailable" in line
    assert "hunter2" not in line
    assert postgres.password not in line


@pytest.mark.parametrize("command", [SERVE, VERIFY, KEYS], ids=lambda command: command[1])
@pytest.mark.parametrize("url", ["sqlite:///kos.db?foo=bar", "postgresql://kos@127.0.0.1/kos?foo=bar"])
def test_option_that_the_url_does_not_take_is_named(command: Sequence[str], url: str):
    assert told(command, url).startswith("KOS_DATABASE_URL: unknown option 'foo'")


@pytest.mark.parametrize("command", [SERVE, VERIFY, KEYS], ids=lambda command: command[1])
def test_misspelt_setting_is_refused_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Sequence[str]
):
    monkeypatch.setenv("KOS_DATABSE_URL", "postgresql://kos@127.0.0.1/kos")

    line = told(command, f"sqlite:///{tmp_path}/kos.db")

    assert line == "KOS_DATABSE_URL is not a setting; did you mean KOS_DATABASE_URL?"
    assert list(tmp_path.iterdir()) == []


def test_variable_that_means_nothing_is_told_in_the_log_and_ignored(tmp_path: Path):
    done = run_kos("keys", "list", "--json", KOS_DATABASE_URL=f"sqlite:///{tmp_path}/kos.db", KOS_PORT="tcp://10.0.0.1")

    assert (done.returncode, done.stdout) == (0, "[]\n")
    assert "variables_ignored" in done.stderr
    assert "KOS_PORT" in done.stderr
    assert "10.0.0.1" not in done.stderr
