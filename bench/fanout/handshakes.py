"""Handshakes of the stream with their check of a token, by processor second of `kos serve`.

A connection is ended as soon as it is open, or as soon as its `subscribed` is there, and the next one begins; 64 are
under way. Each turn is a new server. One token for all is what a page with an overlay is; a token each is looked up in
the database on its first connection, and again when what is remembered of it has aged (2.5 s).
"""

import argparse
import statistics
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from bench import machine, orders, results, servers
from bench.fanout.followers import followers, open_doors, sqlite_in, tokens
from bench.machine import Meter

HANDSHAKES_PER_CPU_SECOND_MIN = 2_000
UNDER_WAY = 64
SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    handshakes: int
    tokens: int


def turn(tokens_count: int, subscribes: bool, options: Options) -> dict[str, float]:
    """One kind of handshake with a new server."""
    with TemporaryDirectory(prefix="kos-bench-") as folder:
        settings = open_doors()
        with servers.kos(sqlite_in(folder), machine.cores()[0], **settings) as kos:
            kos.create_event()
            with followers(kos, f"{orders.EVENT}/boards/teams", tokens(kos, tokens_count)) as client:
                # What is loaded on first use is loaded.
                client.demand("churn", UNDER_WAY, UNDER_WAY, 1, SECONDS_MAX, seconds=SECONDS_MAX)
                meter = Meter(kos.pid, client=client.pid)
                words = ("churn", options.handshakes, UNDER_WAY, int(subscribes), SECONDS_MAX)
                told = client.demand(*words, seconds=SECONDS_MAX)
                usage = meter.stop()
    return {
        "handshakes": told["handshakes"],
        "per_cpu_second": told["handshakes"] / usage.server,
        "per_second": told["handshakes"] / told["seconds"],
        "server_us": usage.server / told["handshakes"] * 1e6,
        "server_core": usage.server / usage.wall,
        "client_core": usage.client / usage.wall,
        "others_core": usage.others / usage.wall,
    }


def measure(options: Options) -> dict[str, list[dict[str, float]]]:
    """Turns by kind, in rounds."""
    kinds = {
        "one token": (1, False),
        "a token each": (options.tokens, False),
        "one token, and subscribed": (1, True),
    }
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    for number in range(options.rounds):
        for name, (count, subscribes) in kinds.items():
            taken = turn(count, subscribes, options)
            measured[name].append(taken)
            print(f"  round {number + 1}  {name:28} {taken['per_cpu_second']:8,.0f} handshakes/CPU-s", flush=True)
    return measured


def targets(measured: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """The floor is that of a handshake; what a subscribe adds is for comparison."""
    found = []
    for name, turns in measured.items():
        each = [turn["per_cpu_second"] for turn in turns]
        floor = None if "subscribed" in name else HANDSHAKES_PER_CPU_SECOND_MIN
        found.append(results.target(f"per CPU second, {name}", statistics.median(each), floor, rounds=each))
    return found


def main() -> None:
    """Measure, check, write ``handshakes.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--handshakes", type=int, default=20_000, help="of each turn")
    parser.add_argument("--tokens", type=int, default=2_000, help="where everyone has one of their own")
    given = parser.parse_args()
    options = Options(1, 100, 20) if given.quick else Options(given.rounds, given.handshakes, given.tokens)
    described = results.described()
    with results.pinned():
        measured = measure(options)
    turns = [turn for each in measured.values() for turn in each]
    results.warn_unless_quiet(turn["others_core"] for turn in turns)
    results.write(
        given.out,
        "handshakes",
        {
            "about": f"{options.handshakes:,} a turn, {UNDER_WAY} under way, on SQLite; {options.tokens:,} tokens.",
            "machine": described,
            "targets": targets(measured),
            "runs": [{"connection": name, **turn} for name, each in measured.items() for turn in each],
        },
    )


if __name__ == "__main__":
    main()
