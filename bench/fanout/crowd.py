"""As many followers of one board as one process may have files for, an order a second for five minutes; none lost.

Every order is a publication, so every follower gets a frame a second. The server is a `kos serve`; its limit of open
files (20,000 on many machines, `ulimit -Hn`) is what bounds the crowd, not its processor.
"""

import argparse
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bench import client, machine, orders, results, servers
from bench.fanout import load
from bench.fanout.followers import Followers, followers, most_connections, open_doors, sqlite_in, tokens
from bench.machine import Meter
from bench.servers import BenchFailed
from bench.sockets import post_paced

ORDERS_PATH = f"/v1/events/{orders.EVENT}/orders"
CONNECTIONS_MAX = 20_000
CONNECTION_BYTES_MAX = 4_096
OPEN_SECONDS_MAX = 120.0
# The last of them may wait for this before its frame is late for good.
SETTLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    connections: int
    seconds: int
    idle_seconds: float


def measure(options: Options, folder: str) -> dict[str, Any]:
    """Errors: BenchFailed if a connection or a frame was lost."""
    channel = f"{orders.EVENT}/boards/teams"
    with servers.kos(sqlite_in(folder), machine.cores()[0], **open_doors()) as kos:
        kos.create_event()
        made = orders.Orders("c", kos.started_at())
        requests = [client.request(ORDERS_PATH, body, servers.ADMIN_KEY) for body in made.singles(options.seconds + 1)]
        with followers(kos, channel, tokens(kos, 1)) as crowd:
            # The first order and connection load what is loaded on first use; it is no part of a connection's memory.
            crowd.open(1)
            crowd.reach(uvloop.run(post_paced(kos.port, requests[:1], 1)).head)
            empty = machine.resident_bytes(kos.pid)
            opened = crowd.open(options.connections - 1, seconds=OPEN_SECONDS_MAX)
            full = machine.resident_bytes(kos.pid)
            idle = Meter(kos.pid)
            crowd.demand("run", options.idle_seconds, seconds=options.idle_seconds)
            rest = idle.stop()
            before = crowd.state()
            crowd.demand("record")
            meter = Meter(kos.pid, client=crowd.pid)
            latency = _published(kos, crowd, requests[1:], options)
            usage = meter.stop()
            after = crowd.state()
            end = machine.resident_bytes(kos.pid)
    frames, wanted = after["deltas"] - before["deltas"], options.seconds * options.connections
    return {
        "connections": options.connections,
        "opened_s": opened["seconds"],
        "idle_server_core": rest.server / rest.wall,
        "frames": frames,
        "missing": wanted - frames + after["gaps"] + after["lost"] + latency["missing"],
        "p50_ms": latency["p50_ms"],
        "p99_ms": latency["p99_ms"],
        "max_ms": latency["max_ms"],
        "bytes_per_connection": (full - empty) / (options.connections - 1),
        "mib_empty": empty / 2**20,
        "mib_full": full / 2**20,
        "mib_end": end / 2**20,
        "server_core": usage.server / usage.wall,
        "client_core": usage.client / usage.wall,
        "others_core": usage.others / usage.wall,
    }


def _published(kos: servers.Kos, crowd: Followers, requests: list[bytes], options: Options) -> dict[str, Any]:
    """Post an order a second while the crowd listens; the latency of each at each of them."""
    crowd.start("run", options.seconds)
    posted = uvloop.run(post_paced(kos.port, requests, 1))
    if not (told := crowd.answer(options.seconds))["ok"]:
        raise BenchFailed(f"the crowd lost connections: {told}")
    crowd.reach(posted.head, SETTLE_SECONDS)
    return crowd.latency(posted.orders)


def main() -> None:
    """Measure, check, write ``crowd.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--connections", type=int, help="as many as the limit of open files allows, 20,000 at most")
    given = parser.parse_args()
    most = min(CONNECTIONS_MAX, most_connections())
    options = Options(given.connections or most, given.seconds, 10.0)
    if given.quick:
        options = Options(50, 3, 0.5)
    described = results.described()
    load.allow_files(options.connections)
    with results.pinned(), TemporaryDirectory(prefix="kos-bench-") as folder:
        measured = measure(options, folder)
    results.warn_unless_quiet([measured["others_core"]])
    results.write(
        given.out,
        "crowd",
        {
            "about": f"One board, an order a second for {options.seconds} s, on SQLite. Open files allowed for a "
            f"process: {load.files_max():,}.",
            "machine": described,
            "targets": [
                results.target("frames missing or out of turn", measured["missing"], 0, at_most=True),
                results.target(
                    "memory of a connection, bytes",
                    measured["bytes_per_connection"],
                    CONNECTION_BYTES_MAX,
                    at_most=True,
                ),
                results.target("order to frame: p99, ms", measured["p99_ms"], None, at_most=True),
            ],
            "runs": [measured],
        },
    )


if __name__ == "__main__":
    main()
