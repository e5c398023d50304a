"""The right to be the one process that serves an SQLite file: a lock on ``<file>.lock`` that names its holder.

The operating system lets go of the lock when the process ends, however it ends; the file stays. Readers on
the command line do not take it.
"""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from app.errors import Unavailable
from app.journal.store_sqlite import path_of

# A holder writes its name just after it got the lock.
_NAME_ATTEMPTS_MAX = 20
_NAME_PAUSE_SECONDS = 0.01


class DatabaseInUse(Unavailable):
    """Another process serves this file; ``holder`` is its pid and machine."""

    def __init__(self, path: Path, holder: str) -> None:
        self.path = path
        self.holder = holder
        detail = (
            f"{path} is being served by another process ({holder}). An SQLite database is for one serving "
            "process: stop that one, or use PostgreSQL."
        )
        super().__init__("database_in_use", detail)


@contextmanager
def serving(url: str) -> Iterator[None]:
    """Be the process that serves this database, for as long as the block runs; nothing to do on PostgreSQL.

    Errors: DatabaseInUse; Unavailable if the lock's file cannot be made.
    """
    if make_url(url).get_backend_name() != "sqlite":
        yield
        return
    path = path_of(url)
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Unavailable("database_unavailable", f"{lock} cannot be made: {error}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseInUse(path, _holder(descriptor)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        try:
            yield
        finally:
            # Emptied, not removed: of two processes, one could lock the old file and one a new one.
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)  # lets go of the lock


def _holder(descriptor: int) -> str:
    for _ in range(_NAME_ATTEMPTS_MAX):
        if name := os.pread(descriptor, 200, 0).decode(errors="replace").strip():
            return name
        time.sleep(_NAME_PAUSE_SECONDS)
    return "pid not known"
