"""5,000 followers are cut off and all come back in the same moment, each with its position.

They are cut off in groups while orders come in, so that they stand at several positions; then, at once, everybody
connects and subscribes. Measured: until the last of them was answered, and until everybody has what was sold while
they came. One answer is encoded for each position that somebody stands at, however many stand there.
"""

import argparse
import os
import statistics
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bench import client, machine, orders, results, servers
from bench.fanout import load
from bench.fanout.followers import Followers, followers, open_doors, sqlite_in, tokens
from bench.machine import Meter
from bench.sockets import post_paced

ORDERS_PATH = f"/v1/events/{orders.EVENT}/orders"
SECONDS_MAX = 5.0
GROUPS = 5
# Orders between two groups that leave, and while everybody is back.
STEP_ORDERS = 3
WAIT_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    connections: int


class Shop:
    """Orders for one server, one after the other."""

    def __init__(self, kos: servers.Kos) -> None:
        self._port = kos.port
        self._made = orders.Orders("r", kos.started_at())

    def sell(self, count: int) -> int:
        """Position of the last one."""
        bodies = self._made.singles(count)
        requests = [client.request(ORDERS_PATH, body, servers.ADMIN_KEY) for body in bodies]
        return uvloop.run(post_paced(self._port, requests, 50)).head


def turn(kos: servers.Kos, shop: Shop, crowd: Followers, options: Options, counts: Path) -> dict[str, Any]:
    """Everybody leaves and comes back."""
    for _ in range(GROUPS):
        crowd.demand("drop", options.connections // GROUPS)
        shop.sell(STEP_ORDERS)
        crowd.demand("run", 0.3, seconds=1)
    before, encoded = crowd.state(), int(counts.read_text())
    meter = Meter(kos.pid, client=crowd.pid)
    back = crowd.demand("back", WAIT_SECONDS_MAX, seconds=WAIT_SECONDS_MAX)
    answers_encoded = int(counts.read_text()) - encoded
    head = shop.sell(1)
    correct = crowd.reach(head, WAIT_SECONDS_MAX)
    usage = meter.stop()
    after = crowd.state()
    return {
        "connections": options.connections,
        "live_s": back["seconds"],
        "correct_s": back["seconds"] + correct["seconds"],
        "positions": before["positions"],
        "answers_encoded": answers_encoded,
        "snapshots": after["snapshots"] - before["snapshots"],
        "deltas": after["deltas"] - before["deltas"],
        "gaps": after["gaps"] - before["gaps"],
        "lost": after["lost"] - before["lost"],
        "server_core": usage.server / usage.wall,
        "client_core": usage.client / usage.wall,
        "others_core": usage.others / usage.wall,
    }


def measure(options: Options, folder: str) -> list[dict[str, Any]]:
    """Turns of the same followers with the same server."""
    counts = Path(folder, "encoded")
    os.environ["BENCH_ENCODED"] = str(counts)
    program = (servers.PYTHON, "-m", "bench.fanout.counting")
    runs = []
    with servers.kos(sqlite_in(folder), machine.cores()[0], program, **open_doors()) as kos:
        kos.create_event()
        shop = Shop(kos)
        with followers(kos, f"{orders.EVENT}/boards/teams", tokens(kos, 1)) as crowd:
            crowd.open(options.connections)
            for number in range(options.rounds):
                crowd.reach(shop.sell(STEP_ORDERS))
                runs.append(turn(kos, shop, crowd, options, counts))
                print(f"  round {number + 1}  everybody is right after {runs[-1]['correct_s']:.2f} s", flush=True)
    return runs


def main() -> None:
    """Measure, check, write ``reconnect.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=5_000)
    given = parser.parse_args()
    options = Options(1, 50) if given.quick else Options(given.rounds, given.connections)
    described = results.described()
    load.allow_files(options.connections)
    with results.pinned(), TemporaryDirectory(prefix="kos-bench-") as folder:
        runs = measure(options, folder)
    seconds = [run["correct_s"] for run in runs]
    more = [run["answers_encoded"] - run["positions"] for run in runs]
    unsound = [run["gaps"] + run["lost"] for run in runs]
    results.warn_unless_quiet(run["others_core"] for run in runs)
    results.write(
        given.out,
        "reconnect",
        {
            "about": f"{options.connections:,} followers of one board, cut off in {GROUPS} groups between orders, back "
            "at once; on SQLite.",
            "machine": described,
            "targets": [
                results.target(
                    "all live and right, seconds", statistics.median(seconds), SECONDS_MAX, at_most=True, rounds=seconds
                ),
                results.target("answers encoded beyond one a position", max(more), 0, at_most=True, rounds=more),
                results.target("gaps and connections lost", sum(unsound), 0, at_most=True, rounds=unsound),
            ],
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
