"""The processes that are measured: our server, its peers and PostgreSQL; each in its place, and ended by its id."""

import http.client
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import machine, orders
from tests.processes import Server, environment, start_on_free_port
from tests.servers import Postgres

ROOT = Path(__file__).parent.parent
ADMIN_KEY = "bench-admin-key"
PEERS = ROOT / "bench" / "peers"
# The code that is measured is the one this file lies in, wherever the package was installed from.
_OURS = {"PYTHONPATH": str(ROOT)}
_CALL_SECONDS_MAX = 60.0
_VERIFY_SECONDS_MAX = 1_800.0
_PROCESSED = re.compile(r"actually processed: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+)")


class BenchFailed(Exception):
    """A measurement that must not be reported: something was lost, or does not verify."""


@dataclass(frozen=True, slots=True)
class Kos:
    """Our server while it runs."""

    port: int
    pid: int
    database_url: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One JSON call with the admin key. Errors: BenchFailed unless the answer is a 2xx."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=_CALL_SECONDS_MAX)) as connection:
            headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            raw = answer.read()
        if not 200 <= answer.status < 300:
            raise BenchFailed(f"{method} {path}: {answer.status} {raw[:500]!r}")
        return json.loads(raw) if raw else None

    def create_event(self, **fields: Any) -> None:
        """The event of the measurement, scheduled, with its roster; ``fields`` are other ones of its body."""
        self.call("POST", "/v1/events", orders.event_body(datetime.now(UTC)) | fields)
        self.call("PUT", f"/v1/events/{orders.EVENT}/roster", orders.roster_body())
        self.call("POST", f"/v1/events/{orders.EVENT}/transitions", {"to": "scheduled"})

    def position(self) -> int:
        """Head of the event's journal."""
        return int(self.call("GET", f"/v1/events/{orders.EVENT}")["position"])

    def started_at(self) -> datetime:
        return datetime.fromisoformat(self.call("GET", f"/v1/events/{orders.EVENT}")["starts_at"])


PYTHON = sys.executable
KOS = (str(Path(PYTHON).with_name("kos")),)


@contextmanager
def kos(database_url: str, core: int, program: Sequence[str] = KOS, **settings: str) -> Iterator[Kos]:
    """``kos serve`` on one core; ``settings`` are ``KOS_*`` without the prefix."""
    variables = {"KOS_DATABASE_URL": database_url, "KOS_ADMIN_KEY": ADMIN_KEY, "KOS_LOG_FORMAT": "json"}
    # A second process on the server's core for the first seconds, which are not what is measured.
    variables |= {"KOS_VERIFY_AT_START": "false"}
    variables |= {f"KOS_{name.upper()}": value for name, value in settings.items()}
    with served(
        core, variables, lambda port, _: [*program, "serve", "--port", str(port)], lambda port: answers(port, "/readyz")
    ) as server:
        yield Kos(server.port, server.pid, database_url)


@contextmanager
def naive(database_url: str, core: int) -> Iterator[Server]:
    """The ordinary peer on one core."""
    with served(
        core,
        {},
        lambda port, _: [sys.executable, "-m", "bench.peers.naive", database_url, str(port)],
        lambda port: answers(port, "/openapi.json"),
    ) as server:
        yield server


@contextmanager
def served(
    core: int,
    variables: Mapping[str, str],
    command: Callable[[int, Path], list[str]],
    is_ready: Callable[[int], bool],
) -> Iterator[Server]:
    """A program on one core with a port and a folder of its own, from when it is ready until it is stopped."""
    with TemporaryDirectory(prefix="kos-bench-") as folder:
        assigned = [f"{name}={value}" for name, value in (_OURS | dict(variables)).items()]

        def on(port: int) -> Server:
            return Server(
                url=f"http://127.0.0.1:{port}",
                port=port,
                directory=Path(folder),
                command=machine.on_core(core, "env", *assigned, *command(port, Path(folder))),
                is_ready=lambda _: is_ready(port),
            )

        server = start_on_free_port(on)
        try:
            yield server
        finally:
            server.stop()


def answers(port: int, path: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
            connection.request("GET", path)
            return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def verify(database_url: str, expected_position: int) -> dict[str, Any]:
    """``kos verify`` of the event, which must be clean and end where it should; its report with the seconds taken.

    Errors: BenchFailed.
    """
    meter = machine.Meter()
    done = subprocess.run(
        [*KOS, "verify", "--event", orders.EVENT, "--json"],
        env=environment(KOS_DATABASE_URL=database_url, **_OURS),
        capture_output=True,
        text=True,
        timeout=_VERIFY_SECONDS_MAX,
        cwd="/",
    )
    seconds = meter.stop().wall
    if done.returncode != 0:
        raise BenchFailed(f"kos verify ended with {done.returncode}: {done.stdout}{done.stderr}"[:2000])
    report: dict[str, Any] = json.loads(done.stdout)
    if report["head"] != expected_position:
        raise BenchFailed(f"{expected_position} entries were acknowledged, the journal holds {report['head']}")
    return {"entries": report["entries"], "seconds": round(seconds, 1), "result": "clean"}


def pgbench(
    postgres: Postgres, database: str, cores: set[int], seconds: float, clients: int
) -> tuple[int, float, float]:
    """Transactions that pgbench made and their rate, by its own count; and the processor seconds it used itself.

    Errors: BenchFailed if any failed.
    """
    before = _children_seconds()
    command = [str(postgres.programs / "pgbench"), "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "kos"]
    command += ["-n", "-M", "prepared", "-c", str(clients), "-T", str(max(1, round(seconds)))]
    command += ["-f", str(PEERS / "pgbench.sql"), database]
    done = subprocess.run(
        ["taskset", "-c", ",".join(map(str, sorted(cores))), *command],
        env=environment(PGPASSWORD=postgres.password),
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    if done.returncode != 0 or "number of failed transactions: 0 " not in done.stdout:
        raise BenchFailed(f"pgbench: {done.stdout}{done.stderr}")
    return int(_PROCESSED.findall(done.stdout)[0]), float(_RATE.findall(done.stdout)[0]), _children_seconds() - before


def _children_seconds() -> float:
    """Processor time of the processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def spread_over(postgres: Postgres, cores: set[int]) -> None:
    """Let PostgreSQL run on these cores from now on, its present processes and those that it will start."""
    for pid in (postgres.pid, *machine.children_of(postgres.pid)):
        # A backend that has just ended needs no core.
        with suppress(ProcessLookupError):
            os.sched_setaffinity(pid, cores)
