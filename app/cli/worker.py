"""One of several processes behind one port: started by ``app.cli.workers``, ends when that does.

The other end of its one inherited socket is the parent's: it says there when it serves, and stops when it hears a word
or that end closes, however the parent came to close it. So no worker outlives its parent, and a signal from the system
is never doubled.
"""

import contextlib
import os
import shutil
import socket
import sys
import threading
import time

import typer

from app.cli.database import load_settings
from app.cli.serve import Server, listen, server
from app.cli.workers import METRICS_VARIABLE


def main(host: str, port: int, parent_descriptor: int) -> None:
    """Serve until a signal, or until the parent lets go. Errors: SystemExit if the application does not start."""
    settings = load_settings(is_first=False)
    serving = server(settings)
    listener = listen(host, port, is_shared=True)
    parent = socket.socket(fileno=parent_descriptor)
    serving.on_started = lambda: _tell_started(parent)
    threading.Thread(target=_stop_with, args=(parent, serving), daemon=True).start()
    serving.run(sockets=[listener])


def _tell_started(parent: socket.socket) -> None:
    # A parent that let go meanwhile: the thread that waits for it has this one stop, in good order.
    with contextlib.suppress(OSError):
        parent.sendall(b"s")


def _stop_with(parent: socket.socket, serving: Server) -> None:
    said = b""
    with contextlib.suppress(OSError):
        said = parent.recv(1)
    if not said:
        # Nobody asks for them any more; a parent that was killed could not remove them.
        shutil.rmtree(os.environ.get(METRICS_VARIABLE, ""), ignore_errors=True)
    serving.stop()
    # A loop that hangs would hear nothing of that, and nobody is left who could kill it.
    time.sleep(serving.stop_seconds_max)
    os._exit(1)


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
