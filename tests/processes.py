"""One server process that a test may stop, kill and start again: its folder, its port, its account, its end.

It dies with the process that started it (Linux), so a killed test run leaves none behind.
"""

import contextlib
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.warm import WarmProcess, die_with_parent

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 20.0
START_ATTEMPTS_MAX = 5
# Below the ports that Linux gives to outgoing connections: none of those can sit on ours during a restart.
PORTS = range(20_000, 32_000)


Process = subprocess.Popen[bytes] | WarmProcess


class ServerFailed(Exception):
    """A server did not start or a command on it failed; the message ends with its log."""


@dataclass
class Server:
    """One server process; may be stopped or killed, and started again in the same place on the same port.

    Shape: ``url`` is what a client of this project is given. ``directory`` belongs to the server alone and
    is removed by ``close``. ``variables`` come on top of our own environment.
    """

    url: str
    port: int
    directory: Path
    command: Sequence[str]
    is_ready: Callable[[Process], bool]
    account: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    process: Process | None = None

    @property
    def pid(self) -> int:
        if self.process is None:
            raise ServerFailed(f"{self.command[0]} is not running")
        return self.process.pid

    def start(self) -> None:
        """Returns when the server answers. Errors: ServerFailed, with nothing left running."""
        process = self.launch()
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.is_ready(process):
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"{self.command[0]} did not start:\n{self.log_tail()}")
            time.sleep(0.01)

    def launch(self) -> Process:
        """Start the process and do not wait for it."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=environment(**self.variables),
                preexec_fn=die_with_parent,
                **self.account,
            )
        return self.process

    def stop(self) -> None:
        """Asks it to shut down in order, and kills it when that takes too long."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """What a power cut does to the process: no shutdown, no last write."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log_tail(self) -> str:
        return (self.directory / "log").read_text(errors="replace")[-4000:]


AnyServer = TypeVar("AnyServer", bound=Server)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now; somebody may before you do: be ready to retry."""
    chooser = random.SystemRandom()  # not the shared generator: hypothesis seeds that one alike everywhere
    for _ in range(200):
        port = chooser.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServerFailed("no free port on 127.0.0.1")


def start_on_free_port(make: Callable[[int], AnyServer]) -> AnyServer:
    for attempt in range(1, START_ATTEMPTS_MAX + 1):
        server = make(free_port())
        try:
            server.start()
        except ServerFailed:
            if attempt == START_ATTEMPTS_MAX:
                raise
        else:
            return server
    raise AssertionError("not reached")


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed(f"{name} is not installed; ./test.sh installs it")
    return Path(spec.submodule_search_locations[0])


def unprivileged() -> dict[str, Any]:
    """Arguments that make subprocess leave root; none needed for anybody else."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def private_directory(prefix: str, account: dict[str, Any]) -> Path:
    """A new folder that only the account can use; outside root's own folders when root's TMPDIR is one."""
    for parent in (None, "/tmp", "/var/tmp"):
        directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        give(directory, account)
        if subprocess.run(["test", "-w", directory], cwd="/", **account).returncode == 0:
            return directory
        directory.rmdir()
    raise ServerFailed(f"no temporary folder that the account of PostgreSQL can use: {account}")


def give(path: Path, account: dict[str, Any]) -> None:
    if account:
        os.chown(path, account["user"], account["group"], follow_symlinks=False)


def environment(**more: str) -> dict[str, str]:
    """Ours without libpq's variables, which would point these programs at somebody else's server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | more
