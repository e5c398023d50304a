"""What a connection that follows one board costs in memory, and that nothing is left of it when it has gone.

Rounds of as many connections, opened, left alone and dropped. The memory of a connection is what the server grew by in
the first round; whether it stays flat is told by the last round, compared with the first: an allocator keeps pages.
"""

import argparse
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from bench import machine, orders, results, servers
from bench.fanout import load
from bench.fanout.followers import followers, open_doors, sqlite_in, tokens

CONNECTION_BYTES_MAX = 4_096
# Of the memory with everybody there, from the first round to the last.
GROWTH_MAX = 0.05
SECONDS_MAX = 60.0
# Handshakes under way: what thousands at the same moment cost is `reconnect`'s to tell.
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Options:
    connections: int
    rounds: int
    rest_seconds: float


def measure(options: Options, folder: str) -> list[dict[str, Any]]:
    """The server's memory before, with and after everybody, by round."""
    runs = []
    with servers.kos(sqlite_in(folder), machine.cores()[0], **open_doors()) as kos:
        kos.create_event()
        with followers(kos, f"{orders.EVENT}/boards/teams", tokens(kos, 1)) as client:
            client.demand("churn", 200, 20, 1, SECONDS_MAX, seconds=SECONDS_MAX)
            for number in range(options.rounds):
                client.demand("run", options.rest_seconds, seconds=options.rest_seconds)
                before = machine.resident_bytes(kos.pid)
                if number == 0:
                    client.open(options.connections, AT_ONCE)
                else:
                    client.demand("back", SECONDS_MAX, AT_ONCE, seconds=SECONDS_MAX)
                client.demand("run", options.rest_seconds, seconds=options.rest_seconds)
                full = machine.resident_bytes(kos.pid)
                client.demand("drop", options.connections)
                client.demand("run", options.rest_seconds, seconds=options.rest_seconds)
                runs.append(
                    {
                        "round": number + 1,
                        "mib_before": before / 2**20,
                        "mib_with_all": full / 2**20,
                        "mib_after": machine.resident_bytes(kos.pid) / 2**20,
                        "bytes_per_connection": (full - before) / options.connections,
                    }
                )
                print(f"  round {number + 1}  {full / 2**20:8.1f} MiB with everybody there", flush=True)
    return runs


def main() -> None:
    """Measure, check, write ``memory.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=5_000)
    given = parser.parse_args()
    options = Options(50, 2, 0.2) if given.quick else Options(given.connections, given.rounds, 6.0)
    described = results.described()
    load.allow_files(options.connections)
    with results.pinned(), TemporaryDirectory(prefix="kos-bench-") as folder:
        runs = measure(options, folder)
    growth = runs[-1]["mib_with_all"] / runs[0]["mib_with_all"] - 1
    results.write(
        given.out,
        "memory",
        {
            "about": f"{options.connections:,} connections that follow one board and are left alone, on SQLite.",
            "machine": described,
            "targets": [
                results.target(
                    "memory of a connection, bytes", runs[0]["bytes_per_connection"], CONNECTION_BYTES_MAX, at_most=True
                ),
                results.target("growth from the first round to the last", growth, GROWTH_MAX, at_most=True),
            ],
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
