"""``kos`` in processes of their own that are forked where loading has ended.

Loading takes a second of the processor, and the suite starts some five hundred of them. One process per test process
loads everything (``multiprocessing``'s fork server), and each ``kos`` begins as its fork: with its own environment,
folder, signals and end. How it starts from nothing is shown by the tests of the start.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_COMMANDS = Path(__file__).parent.parent.joinpath("app", "cli").glob("[a-z]*.py")
_context.set_forkserver_preload(["tests.warm", "app.main", *(f"app.cli.{path.stem}" for path in _COMMANDS)])
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class WarmProcess:
    """The part of ``subprocess.Popen`` that is used here. Output is appended to ``out`` and ``err``."""

    def __init__(
        self, arguments: Sequence[str], variables: dict[str, str], directory: Path, out: Path, err: Path
    ) -> None:
        self._process = _context.Process(target=_as_kos, args=(tuple(arguments), variables, directory, out, err))
        self._process.start()
        self._arguments = arguments
        # Whoever asks first reads the exit code; it can be read once.
        self._asking = threading.Lock()
        self.pid: int = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with self._asking:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Errors: subprocess.TimeoutExpired."""
        with self._asking:
            self._process.join(timeout)
            code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(["kos", *self._arguments], timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing happens if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def die_with_parent() -> None:
    """For the child, once it has its account: changing that would clear the setting."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _as_kos(arguments: tuple[str, ...], variables: dict[str, str], directory: Path, out: Path, err: Path) -> None:
    die_with_parent()
    for number, path in ((1, out), (2, err)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(directory)
    sys.argv = ["kos", *arguments]
    from app.cli import main

    main()
