"""How many signs of viewers a second the batch call takes, in processor time of the server's one core.

``kos serve`` on SQLite, calls of 5,000 signs over 4 connections, with its default limits. At the end what it shows must
be the exact number of viewers that were sent.
"""

import argparse
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from tempfile import TemporaryDirectory
from typing import Any

from bench import client, machine, orders, results, servers
from bench.client import Client
from bench.machine import Meter

BATCH = 5_000
CONNECTIONS = 4
VIEWERS = 100_000
SECONDS = 8.0
SIGNS_PER_SECOND = 50_000
MIB = 2**20
_KINDS = ("join", "heartbeat", "heartbeat", "heartbeat", "click", "cart", "like")

Sign = Callable[[int, datetime], dict[str, Any]]


def _plain(number: int, now: datetime) -> dict[str, Any]:
    return {"type": "heartbeat", "viewer": f"{number:032x}"}


def _in_session(number: int, now: datetime) -> dict[str, Any]:
    kind = _KINDS[number % len(_KINDS)]
    # All in one minute, so that all of them are shown at once.
    at = max(now - timedelta(milliseconds=number % 5_000), now.replace(second=0, microsecond=0))
    return {"type": kind, "viewer": f"{number:032x}", "session": "night", "at": at.isoformat()}


def _of_few(number: int, now: datetime) -> dict[str, Any]:
    return _in_session(number % 10, now)


# What is sent, of how many viewers if not of all, and whether one object per line.
CASES: dict[str, tuple[Sign, int, bool]] = {
    "of the event, JSON": (_plain, 0, False),
    "of a session with times, JSON": (_in_session, 0, False),
    "of a session with times, lines": (_in_session, 0, True),
    "of ten viewers, JSON": (_of_few, 10, False),
}


def _bodies(sign: Sign, is_lines: bool, batches: int) -> list[bytes]:
    """Calls with every viewer once, in an order of chance."""
    now = datetime.now(UTC)
    numbers = list(range(batches * BATCH))
    random.Random(1).shuffle(numbers)
    bodies = []
    for start in range(0, len(numbers), BATCH):
        signs = [json.dumps(sign(number, now)) for number in numbers[start : start + BATCH]]
        bodies.append(("\n".join(signs) if is_lines else f"[{','.join(signs)}]").encode())
    return bodies


def run_case(sign: Sign, few: int, is_lines: bool, everybody: int, seconds: float) -> dict[str, Any]:
    """One server, one kind of signs. Errors: BenchFailed unless exactly the viewers that were sent are shown."""
    path = f"/v1/events/{orders.EVENT}/viewers"
    content_type = "application/x-ndjson" if is_lines else "application/json"
    with TemporaryDirectory(prefix="kos-bench-") as folder:
        url = f"sqlite+aiosqlite:///{folder}/kos.db"
        with servers.kos(url, machine.cores()[0]) as kos:
            kos.create_event()
            kos.call("POST", f"/v1/events/{orders.EVENT}/sessions", {"id": "night", "hosts": [_a_host(kos)]})
            bodies = _bodies(sign, is_lines, everybody // BATCH)
            calls = [client.request(path, body, servers.ADMIN_KEY, content_type) for body in bodies]
            sender = Client(kos.port, CONNECTIONS)
            try:
                meter = Meter(kos.pid)
                load = sender.run(cycle(calls), client.batch_accepted, seconds)
                usage = meter.stop()
            finally:
                sender.close()
            shown = kos.call("GET", f"/v1/channels/{orders.EVENT}/viewers")
            if shown["viewers"] != (few or everybody):
                raise servers.BenchFailed(f"{few or everybody} viewers were sent, {shown['viewers']} are shown")
            peak = machine.resident_bytes(kos.pid, peak=True) / MIB
    return {
        "signs": load.acknowledged,
        "signs_per_second": load.rate,
        "per_cpu_second": load.acknowledged / usage.server,
        "server_us": usage.server / load.acknowledged * 1e6,
        "p99_ms": load.latency(0.99) * 1e3,
        "peak_mib": peak,
        "others_core": usage.others / usage.wall,
    }


def _a_host(kos: servers.Kos) -> dict[str, str]:
    roster = kos.call("GET", f"/v1/events/{orders.EVENT}/roster")
    return {"id": roster["hosts"][0]["id"]}


def main() -> None:
    """Measure, write ``viewers.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    given = parser.parse_args()
    described = results.described()
    size = (2 * BATCH, 0.5) if given.quick else (VIEWERS, SECONDS)
    runs = []
    with results.pinned():
        for name, case in CASES.items():
            runs.append({"signs sent": name, **run_case(*case, *size)})
            print(f"  {runs[-1]}", flush=True)
    results.warn_unless_quiet(run["others_core"] for run in runs)
    slowest = min(run["per_cpu_second"] for run in runs)
    about = (
        f"`POST …/viewers`: calls of {BATCH:,} signs over {CONNECTIONS} connections, of {VIEWERS:,} viewers or of ten. "
        "Processor time of the server. What it shows at the end is exactly the number that was sent."
    )
    targets = [results.target("signs per second of one core, slowest", slowest, SIGNS_PER_SECOND)]
    results.write(given.out, "viewers", {"machine": described, "about": about, "targets": targets, "runs": runs})


if __name__ == "__main__":
    main()
