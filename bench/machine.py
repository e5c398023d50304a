"""The ground the figures stand on: cores, processor time by process, and what else kept the machine busy. Linux only.

Processor time is the figure to trust: wall rates of two runs differ by what else the machine did meanwhile.
"""

import contextlib
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
# Those of the machine, also once this process keeps itself to one of them.
_CORES = sorted(os.sched_getaffinity(0))
_FLUSHES = 200
_PAGE = bytes(8192)


def cores() -> tuple[int, int]:
    """The core of the server, and that of the client and the database; the same one where there is only one."""
    return _CORES[0], _CORES[-1]


def on_core(core: int, *command: str) -> list[str]:
    """The command, kept on one core from its first instruction on."""
    return ["taskset", "-c", str(core), *command]


def children_of(pid: int) -> list[int]:
    """Direct children of a process; [] if it is gone."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def cpu_seconds(pid: int, with_children: bool = False) -> float:
    """Processor time a process used so far, all threads; with its children, also of those that ended.

    A child that ends is counted by its parent once it is waited for, so the sum never goes back by more than a tick.
    """
    ticks = _ticks(pid, with_ended=with_children)
    if with_children:
        ticks += sum(_ticks(child, with_ended=True) for child in children_of(pid))
    return ticks * TICK_SECONDS


def _ticks(pid: int, with_ended: bool) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The name, in brackets, may hold spaces. Behind it: utime, stime, then those of ended children.
    used = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, used if with_ended else used[:2]))


def resident_bytes(pid: int, peak: bool = False) -> int:
    """Memory of a process that is in RAM now, or was at most."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two readings. Units: seconds of wall and processor time.

    ``others`` is what processes that do not belong to the measurement used, ``stolen`` what the hypervisor took.
    """

    wall: float
    server: float
    database: float
    client: float
    others: float
    stolen: float


class Meter:
    """Processor time of server and database from ``start`` to ``stop``; either may be missing (0)."""

    def __init__(self, server: int = 0, database: int = 0, client: int = 0) -> None:
        self._server = server
        self._database = database
        self._client = client or os.getpid()
        self._start = self._read()

    def start(self) -> None:
        self._start = self._read()

    def stop(self) -> Usage:
        """What was used since the start; may be asked again."""
        wall, server, database, client, busy, stolen = (
            now - then for now, then in zip(self._read(), self._start, strict=True)
        )
        others = max(0.0, busy - server - database - client)
        return Usage(wall, server, database, client, others, stolen)

    def _read(self) -> tuple[float, ...]:
        busy, stolen = _machine_seconds()
        return (
            time.perf_counter(),
            cpu_seconds(self._server) if self._server else 0.0,
            cpu_seconds(self._database, with_children=True) if self._database else 0.0,
            cpu_seconds(self._client),
            busy,
            stolen,
        )


def _machine_seconds() -> tuple[float, float]:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, hard, soft, stolen = map(int, fields[:8])
    return (user + nice + system + hard + soft) * TICK_SECONDS, stolen * TICK_SECONDS


def flush_ms() -> float:
    """Median time of one fdatasync of a page: what a durable commit costs at the least."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=os.environ.get("TMPDIR")) as file:
        for _ in range(_FLUSHES):
            os.pwrite(file.fileno(), _PAGE, 0)
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return round(sorted(taken)[_FLUSHES // 2] * 1000, 3)


def described(packages: Iterable[str]) -> dict[str, Any]:
    """The machine and the versions that a result belongs to."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory) / 2**20, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "fdatasync_ms": flush_ms(),
        "load_before": round(os.getloadavg()[0], 2),
        **{name: version(name) for name in packages},
    }


def _lines(path: str) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(path).read_text().splitlines()
    return []
