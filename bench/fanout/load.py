"""The load client and the programs in C: compiled when they are needed, and the client's report read."""

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import machine, servers

FOLDER = Path(__file__).parent
BINARIES = FOLDER / ".bin"
MESSAGE_BYTES = 300
_SECONDS_MAX = 90
_COMPILE_SECONDS_MAX = 120


def compiled(name: str, *flags: str) -> Path:
    """The program made from ``{name}.c``. Errors: BenchFailed without a C compiler."""
    source, program = FOLDER / f"{name}.c", BINARIES / name
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    if shutil.which("gcc") is None:
        raise servers.BenchFailed("no C compiler: the load client is made with gcc, which is not installed")
    BINARIES.mkdir(exist_ok=True)
    made = BINARIES / f"{name}.{os.getpid()}"
    command = ["gcc", "-O2", "-Wall", "-o", str(made), str(source), *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_SECONDS_MAX)
    if done.returncode != 0:
        raise servers.BenchFailed(f"{source.name} does not compile:\n{done.stderr}")
    # At once: somebody else may be running the one that was there.
    return made.replace(program)


def allow_files(subscribers: int) -> None:
    """Let this process and all that it starts have a file for each connection. Errors: BenchFailed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < subscribers + 200:
        raise servers.BenchFailed(f"{subscribers} connections need as many open files, and {most} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def files_max() -> int:
    """How many files one process may have open here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if most == resource.RLIM_INFINITY else most


def command(port: int, pid: int, subscribers: int, phases: str, publish: str = "ws") -> list[str]:
    """The load client against the server of this process. Units: ``publish`` is ``ws`` or ``http``.

    Shape: phases ``probe:MOST`` (until everyone was reached), ``idle:0:SECONDS``, ``win:MESSAGES:SECONDS`` (as fast as
    it goes, with so many under way) and ``rate:PER_SECOND:SECONDS``, separated by commas.
    """
    pids = ",".join(map(str, [pid, *machine.children_of(pid)]))
    words = ["--n", subscribers, "--port", port, "--path", "/ws", "--pub-path", "/pub", "--publish", publish]
    words += ["--pids", pids, "--size", MESSAGE_BYTES, "--timeout", _SECONDS_MAX, "--phases", phases]
    return [str(compiled("wsload")), *map(str, words)]


def run(*arguments: Any) -> dict[str, Any]:
    """The report of one run of ``command(*arguments)``. Errors: BenchFailed unless it was served to the end."""
    words = command(*arguments)
    done = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS_MAX + 30)
    return report(words, done.returncode, done.stdout)


def report(words: Sequence[str], status: int, output: str) -> dict[str, Any]:
    """What the client wrote, its phases by kind. Errors: BenchFailed if it lost a connection or gave up."""
    try:
        told: dict[str, Any] = json.loads(output)
    except ValueError:
        raise servers.BenchFailed(f"{' '.join(words)}: no report but {output!r}") from None
    if status != 0 or told["connected"] != told["n"] or told["errors"]:
        raise servers.BenchFailed(f"{' '.join(words)}: {told['connected']} of {told['n']} connected; {told['note']}")
    return {**told, "phases": {phase["kind"]: phase for phase in told["phases"]}}
