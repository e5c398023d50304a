"""Several server processes on one machine behind one port, and the parent that keeps them running.

Each worker listens with a socket of its own (SO_REUSEPORT): the kernel spreads connections over them by address, evenly
(of 2,000 connections 981 to 1,019 came to one of two workers, where a socket shared by both gave 747 to 1,253), and
over those that are left when one dies. The parent accepts nothing; its bound socket keeps the port.
"""

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import structlog
from prometheus_client import multiprocess

log = structlog.get_logger(__name__)

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
VERIFIES_NOT = {"KOS_VERIFY_AT_START": "false"}
_BACKOFF_SECONDS_FIRST = 0.1
_BACKOFF_SECONDS_MAX = 10.0
# So many in a row that ended before they served, while no other serves: it is no accident.
_FAILED_STARTS_MAX = 4
# What closing the database takes at most, after the time to drain.
CLOSE_SECONDS_MAX = 7.0


@dataclass(eq=False)
class _Worker:
    process: "subprocess.Popen[bytes]"
    # Its end closes with the worker, and the worker stops when ours does.
    link: socket.socket
    # Whether it verifies what came since the last checkpoint.
    verifies: bool
    is_serving: bool = False


@dataclass
class Supervisor:
    """Starts the workers, and others in place of those that die, until a signal. ``run`` once."""

    host: str
    port: int
    count: int
    drain_seconds: float
    _workers: list[_Worker] = field(default_factory=list)
    # When those that are missing are started, by the monotonic clock.
    _due: list[float] = field(default_factory=list)
    _failures: int = 0
    _signals: int = 0

    def run(self) -> int:
        """Exit code: 0 after a signal, 1 if the workers cannot start or had to be killed."""
        directory = tempfile.mkdtemp(prefix="kos-metrics-")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno())
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._note_signal)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(ours, selectors.EVENT_READ)
                return self._keep(selector, directory)
        finally:
            signal.set_wakeup_fd(-1)
            for worker in self._workers:
                worker.process.kill()
            shutil.rmtree(directory, ignore_errors=True)

    def _note_signal(self, number: int, frame: object) -> None:
        self._signals += 1
        if self._signals > 1:
            for worker in self._workers:
                worker.process.kill()
            os._exit(128 + number)

    def _keep(self, selector: selectors.BaseSelector, directory: str) -> int:
        self._due = [0.0] * self.count
        while not self._signals:
            now = time.monotonic()
            for _ in [due for due in self._due if due <= now]:
                self._start(selector, directory)
            self._due = [due for due in self._due if due > now]
            timeout = min(self._due) - now if self._due else None
            for key, _ in selector.select(timeout):
                if isinstance(key.data, _Worker):
                    self._hear(key.data, selector, directory)
            if self._failures >= _FAILED_STARTS_MAX and not any(worker.is_serving for worker in self._workers):
                print(f"No worker starts: {self._failures} in a row have ended. The log says why.", file=sys.stderr)
                self._stop()
                return 1
        return self._stop()

    def _start(self, selector: selectors.BaseSelector, directory: str) -> None:
        # One of them does it for all.
        verifies = not any(worker.verifies for worker in self._workers)
        link, inherited = socket.socketpair()
        with inherited:
            given = (self.host, str(self.port), str(inherited.fileno()))
            process = subprocess.Popen(
                # Not the folder where it is called: a file of the same name there would be taken for ours.
                [sys.executable, "-P", "-m", "app.cli.worker", *given],
                pass_fds=[inherited.fileno()],
                env={**os.environ, METRICS_VARIABLE: directory, **({} if verifies else VERIFIES_NOT)},
            )
        worker = _Worker(process, link, verifies)
        self._workers.append(worker)
        selector.register(link, selectors.EVENT_READ, worker)

    def _hear(self, worker: _Worker, selector: selectors.BaseSelector, directory: str) -> None:
        """It serves, or it has ended."""
        try:
            said = worker.link.recv(1)
        except ConnectionError:
            said = b""
        if said:
            worker.is_serving = True
            self._failures = 0
            return
        selector.unregister(worker.link)
        worker.link.close()
        worker.process.kill()  # One that closed its end and lives cannot be told anything.
        code = worker.process.wait()
        self._workers.remove(worker)
        multiprocess.mark_process_dead(worker.process.pid, directory)  # type: ignore[no-untyped-call]
        if self._signals:
            return
        self._failures += 0 if worker.is_serving else 1
        wait = min(_BACKOFF_SECONDS_FIRST * 2**self._failures, _BACKOFF_SECONDS_MAX)
        log.warning("worker_ended", pid=worker.process.pid, exit_code=code, served=worker.is_serving, next_seconds=wait)
        self._due.append(time.monotonic() + wait)

    def _stop(self) -> int:
        """Let go of all, and wait. Exit code: 1 if one had to be killed."""
        for worker in self._workers:
            # Said and not only closed: the folder of the metrics is removed here, after the last of them.
            with contextlib.suppress(OSError):
                worker.link.sendall(b"q")
        deadline = time.monotonic() + self.drain_seconds + CLOSE_SECONDS_MAX
        killed = 0
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
                killed += 1
            worker.link.close()
        if killed:
            log.error("workers_killed", count=killed)
        self._workers.clear()
        return 1 if killed else 0
