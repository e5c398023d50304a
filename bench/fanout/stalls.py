"""How long the event loop keeps others waiting while 5,000 subscribers are written to, five times a second.

A task in the server sleeps 2 ms again and again; the longest time by which it woke up late is the stall. ``GET /lag``
asks for it, about sixty times a second, and what that call took from outside is recorded too. The client shares its
core with the subscribers, so its times hold their work as well; those of the server do not.
"""

import argparse
import http.client
import json
import os
import select
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import IO

from bench import machine, results, servers
from bench.fanout import contestants, load

STALL_MS_MAX = 15.0
MESSAGES_PER_SECOND = 5
# No divisor of the publisher's interval: the calls drift through all of it.
ASK_SECONDS = 0.017


@dataclass(frozen=True, slots=True)
class Options:
    """Units: seconds of publishing in each round."""

    rounds: int
    seconds: float
    subscribers: int


def measure(options: Options) -> dict[str, float]:
    """One round with a new process. Errors: BenchFailed if a subscriber was not served."""
    ours = contestants.OURS
    phases = f"probe:15,idle:0:1,rate:{MESSAGES_PER_SECOND}:{options.seconds}"
    with (
        servers.served(machine.cores()[0], ours.variables, ours.command, ours.is_ready) as server,
        closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection,
    ):
        _longest_ms(connection)
        words = load.command(server.port, server.pid, options.subscribers, phases)
        with subprocess.Popen(words, stdout=subprocess.PIPE) as client:
            assert client.stdout is not None
            try:
                longest, waits, told = _watched(connection, client.stdout)
            finally:
                client.terminate()
    waits.sort()
    paced = load.report(words, 0, told)["phases"]["rate"]
    if paced["missing"]:
        raise servers.BenchFailed(f"{paced['missing']} messages are missing")
    return {
        "longest_stall_ms": longest,
        "calls": len(waits),
        "call_p50_ms": waits[len(waits) // 2] * 1000,
        "call_p99_ms": waits[int(len(waits) * 0.99)] * 1000,
        "messages": paced["published"],
        "message_p99_ms": paced["p99_ms"],
        "server_core": paced["server_util"],
        "client_core": paced["client_util"],
    }


def _watched(connection: http.client.HTTPConnection, report: IO[bytes]) -> tuple[float, list[float], str]:
    """The longest stall and the time of each call while messages are published; then the client's whole report."""
    told = bytearray()
    # The client writes a line at the end of each phase: what came while they connected is not counted.
    _read_until(b'"idle"', report, told)
    _longest_ms(connection)
    longest: list[float] = []
    waits: list[float] = []

    def ask() -> None:
        started = time.perf_counter()
        longest.append(_longest_ms(connection))
        waits.append(time.perf_counter() - started)

    _read_until(b'"rate"', report, told, ask)
    ask()
    return max(longest), waits, (told + report.read()).decode()


def _read_until(word: bytes, report: IO[bytes], told: bytearray, meanwhile: Callable[[], None] | None = None) -> None:
    """Errors: BenchFailed if the client ends before, which it does at its own time limit at the latest."""
    while word not in told:
        if not select.select([report], [], [], ASK_SECONDS)[0]:
            if meanwhile:
                meanwhile()
        elif some := os.read(report.fileno(), 65_536):
            told += some
        else:
            raise servers.BenchFailed(f"the load client gave up: {told.decode()}")


def _longest_ms(connection: http.client.HTTPConnection) -> float:
    connection.request("GET", "/lag")
    return float(json.loads(connection.getresponse().read())["longest_ms"])


def main() -> None:
    """Measure, check, write ``stalls.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0)
    given = parser.parse_args()
    options = Options(1, 1.0, 50) if given.quick else Options(given.rounds, given.seconds, 5_000)
    described = results.described()
    load.allow_files(options.subscribers)
    with results.pinned():
        load.compiled("wsload")
        runs = [measure(options) for _ in range(options.rounds)]
    stalls = [run["longest_stall_ms"] for run in runs]
    calls = [run["call_p99_ms"] for run in runs]
    results.write(
        given.out,
        "stalls",
        {
            "machine": described,
            "settings": {
                "rounds": options.rounds,
                "seconds": options.seconds,
                "subscribers": options.subscribers,
                "messages_per_second": MESSAGES_PER_SECOND,
            },
            "targets": [
                results.target(
                    "longest stall, ms", statistics.median(stalls), STALL_MS_MAX, at_most=True, rounds=stalls
                ),
                results.target("GET meanwhile: p99, ms", statistics.median(calls), None, rounds=calls),
            ],
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
