"""What a core delivers to 1,000 and to 5,000 subscribers, as fast as it goes and paced, beside the peers.

Messages of 300 bytes from one publisher to everyone. Server on one core; publisher and subscribers, one program in C,
on the other. The figure is deliveries per second of the server's processor time. Contestants take turns, each turn
with a new process; ratios are of the same round, figures the medians of the rounds.
"""

import argparse
import os
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench import machine, results, servers
from bench.fanout import contestants, load
from bench.fanout.contestants import Contestant
from bench.machine import Meter

# Messages under way, by number of subscribers: enough that nobody waits, few enough that all fit into the sockets.
WINDOWS = {1_000: 32, 5_000: 16}
WINDOWS_QUICK = {50: 64}
PACE_PER_SECOND = 10
CONNECTION_BYTES_MAX = 4_096

# (name, figure, the contestant that ours is divided by, floor, aim)
RATIOS = (
    ("saturated / limit with coalescing", "saturated_per_cpu_s", "limit_coalesce", 0.5, 0.8),
    ("saturated / ordinary peer", "saturated_per_cpu_s", "naive", 15.0, None),
    ("saturated / nchan", "saturated_per_cpu_s", "nchan", 5.0, None),
    ("saturated / uWebSockets", "saturated_per_cpu_s", "uwebsockets", None, None),
    ("paced / limit", "paced_per_cpu_s", "limit_send", 0.65, 0.9),
)

# By number of subscribers, by contestant, by name; a figure that could not be taken is None.
Round = dict[int, dict[str, dict[str, float | None]]]


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured. Shape: ``windows`` by number of subscribers. Units: seconds of each phase of a turn."""

    rounds: int
    seconds: float
    windows: Mapping[int, int]


def turn(contestant: Contestant, subscribers: int, options: Options) -> dict[str, float | None]:
    """One contestant in a new process. Errors: BenchFailed if it lost a connection."""
    window, seconds = options.windows[subscribers], options.seconds
    phases = f"probe:15,idle:0:{min(1, seconds)},win:{window}:{seconds},rate:{PACE_PER_SECOND}:{seconds}"
    # From before it starts until it has ended: a process that was waited for is counted with its children.
    meter = Meter(database=os.getpid())
    with servers.served(machine.cores()[0], contestant.variables, contestant.command, contestant.is_ready) as server:
        told = load.run(server.port, server.pid, subscribers, phases, contestant.publish)
    usage = meter.stop()
    fast, paced = told["phases"]["win"], told["phases"]["rate"]
    return {
        "saturated_per_cpu_s": fast["deliveries_per_cpu_s"],
        # The client leaves the pace out when it is more than the server was just seen to manage.
        "paced_per_cpu_s": paced.get("deliveries_per_cpu_s"),
        "paced_p99_ms": paced.get("p99_ms"),
        "deliveries_per_second": fast["msgs_per_s"],
        "server_core": fast["server_util"],
        "client_core": fast["client_util"],
        "bytes_per_connection": told["rss_per_conn"],
        "missing": fast["missing"] + paced.get("missing", 0),
        "others_core": usage.others / usage.wall,
        "stolen_core": usage.stolen / usage.wall,
    }


def measure(found: Mapping[str, Contestant], number: int, options: Options) -> Round:
    """One turn of each contestant with each number of subscribers; who begins changes from round to round."""
    names = list(found)
    first = number % len(names)
    measured: Round = {}
    for subscribers in options.windows:
        turns = {}
        for name in names[first:] + names[:first]:
            turns[name] = turn(found[name], subscribers, options)
            rate = turns[name]["saturated_per_cpu_s"]
            print(f"  round {number + 1}  {subscribers:5}  {name:15} {rate:12,.0f} deliveries/CPU-s", flush=True)
        measured[subscribers] = {name: turns[name] for name in names}
    return measured


def medians(rounds: list[Round]) -> Round:
    """Of each figure over the rounds that have it."""
    return {
        subscribers: {
            name: {figure: _median([one[subscribers][name][figure] for one in rounds]) for figure in figures}
            for name, figures in by_name.items()
        }
        for subscribers, by_name in rounds[0].items()
    }


def _median(values: list[float | None]) -> float | None:
    taken = [value for value in values if value is not None]
    return statistics.median(taken) if taken else None


def targets(rounds: list[Round]) -> list[dict[str, Any]]:
    """Every target with what each round gave; those of a contestant that is not there are left out."""
    found = []
    for label, figure, under, floor, aim in RATIOS:
        for subscribers, by_name in rounds[0].items():
            if under not in by_name:
                continue
            pairs = [(one[subscribers]["ours"][figure], one[subscribers][under][figure]) for one in rounds]
            each = [ours / theirs for ours, theirs in pairs if ours and theirs]
            name = f"{label}, {subscribers:,} subscribers"
            # Nothing to compare means that somebody could not keep the pace, and is no target met.
            found.append(results.target(name, statistics.median(each or [0.0]), floor, aim, rounds=each))
    most = max(rounds[0])
    memory = [one[most]["ours"]["bytes_per_connection"] or 0 for one in rounds]
    name = f"memory of a connection at {most:,}, bytes"
    found.append(results.target(name, statistics.median(memory), CONNECTION_BYTES_MAX, at_most=True, rounds=memory))
    missing = [sum(by_name["ours"]["missing"] or 0 for by_name in one.values()) for one in rounds]
    found.append(results.target("messages missing", sum(missing), 0, at_most=True, rounds=missing))
    return found


def main() -> None:
    """Measure, check, write ``saturated.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each phase")
    given = parser.parse_args()
    options = Options(1, 0.3, WINDOWS_QUICK) if given.quick else Options(given.rounds, given.seconds, WINDOWS)
    described = results.described()
    load.allow_files(max(options.windows))
    with results.pinned():
        found, left_out = contestants.found()
        for name, why in left_out.items():
            print(f"  without {name}: {why}")
        rounds = [measure(found, number, options) for number in range(options.rounds)]
    middle = medians(rounds)
    results.warn_unless_quiet(one["others_core"] or 0 for by_name in middle.values() for one in by_name.values())
    results.write(
        given.out,
        "saturated",
        {
            "machine": described,
            "settings": {
                "rounds": options.rounds,
                "seconds": options.seconds,
                "message_bytes": load.MESSAGE_BYTES,
                "pace_per_second": PACE_PER_SECOND,
                "windows": options.windows,
            },
            "left_out": left_out,
            "targets": targets(rounds),
            "medians": middle,
            "rounds": rounds,
        },
    )


if __name__ == "__main__":
    main()
