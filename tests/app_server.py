"""``kos serve`` as a real process on a database of the test's choice; ``app_in_process`` has it without one."""

import asyncio
import contextlib
import http.client
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx2

from tests.processes import (
    START_SECONDS_MAX,
    STOP_SECONDS_MAX,
    Process,
    Server,
    ServerFailed,
    environment,
    start_on_free_port,
)
from tests.warm import WarmProcess

ADMIN_KEY = "admin-key-of-the-tests"
KOS = Path(sys.executable).with_name("kos")
# Without the compiled modules a start takes three seconds instead of one, and some environments keep none.
COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(sys.prefix, "pycache"))}
_CALL_SECONDS_MAX = 60.0


@dataclass
class AppServer(Server):
    """``kos serve`` on one database; ``kill``, ``stop`` and ``start`` it as often as needed, in the same place."""

    key: str = ADMIN_KEY
    # Started from nothing, as by an operator, and not as a fork of a process that has loaded everything.
    is_cold: bool = False

    def launch(self) -> Process:
        """Start the process and do not wait for it."""
        if self.is_cold:
            return super().launch()
        log = self.directory / "log"
        log.touch()
        variables = environment(**self.variables)
        self.process = WarmProcess(self.command[1:], variables, self.directory, log, log)
        return self.process

    def stop(self) -> None:
        """As on SIGTERM from a supervisor. Errors: ServerFailed unless it ends in time, with exit code 0."""
        process = self.process
        if process is None:
            return
        process.send_signal(self.stop_signal)
        try:
            code = process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"kos serve did not stop in {STOP_SECONDS_MAX} s:\n{self.log_tail()}") from None
        self.process = None
        if code != 0:
            raise ServerFailed(f"kos serve ended with {code}:\n{self.log_tail()}")

    async def restart(self) -> None:
        """``launch`` and wait, without holding up the clients of this loop that knock at the door."""
        process = self.launch()
        async with asyncio.timeout(START_SECONDS_MAX), self.client() as client:
            while process.poll() is None:
                with contextlib.suppress(httpx2.TransportError):
                    if (await client.get("/readyz")).is_success:
                        return
                await asyncio.sleep(0.02)
        raise ServerFailed(f"kos serve did not start:\n{self.log_tail()}")

    def close(self) -> None:
        """Also prints the log, which pytest shows if the test fails."""
        try:
            self.stop()
        finally:
            print(f"\n--- log of kos serve on port {self.port} ---\n{self.log_tail()}")
            super().close()

    def client(self, key: str | None = None, **options: Any) -> httpx2.AsyncClient:
        """A client with this key, the admin key if none is given; close it after use."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=_CALL_SECONDS_MAX, **options)

    def accepts(self) -> bool:
        """Whether anybody listens on its port now."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kos(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another ``kos`` command on the same database."""
        return run_kos(*arguments, **self.variables)


class Serve(Protocol):
    """The fixture ``serve``: a started server, closed at the end of the block."""

    def __call__(self, database_url: str, **variables: str) -> AbstractAsyncContextManager[AppServer]: ...


@asynccontextmanager
async def serving(database_url: str, **variables: str) -> AsyncIterator[AppServer]:
    """A started ``kos serve``; ``variables`` go into its environment, such as ``KOS_TAIL_INTERVAL_MS="10"``."""
    server = start_app_server(database_url, **variables)
    try:
        yield server
    finally:
        server.close()


def start_app_server(database_url: str, **variables: str) -> AppServer:
    """Returns when ``/readyz`` answers. To be called from the main thread: the server dies with its parent thread."""
    return start_on_free_port(lambda port: app_server(port, database_url, **variables))


def app_server(port: int, database_url: str, *arguments: str, **variables: str) -> AppServer:
    """A server that is not started yet; ``arguments`` are those of ``kos serve``."""
    return AppServer(
        url=f"http://127.0.0.1:{port}",
        port=port,
        directory=Path(tempfile.mkdtemp(prefix="kos-serve-")),
        command=[str(KOS), "serve", "--port", str(port), *arguments],
        is_ready=lambda _: _answers_ready(port),
        variables={
            "KOS_DATABASE_URL": database_url,
            "KOS_ADMIN_KEY": ADMIN_KEY,
            # A second process beside each of hundreds of servers; the tests of it ask for it.
            "KOS_VERIFY_AT_START": "false",
            **COMPILED,
            **variables,
        },
    )


def _answers_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def run_kos(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A ``kos`` command run to its end, with its output as text."""
    with tempfile.TemporaryDirectory(prefix="kos-command-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = WarmProcess(arguments, environment(**{**COMPILED, **variables}), Path.cwd(), out, err)
        try:
            code = process.wait(_CALL_SECONDS_MAX)
        finally:
            process.kill()
        return subprocess.CompletedProcess(["kos", *arguments], code, out.read_text(), err.read_text())
