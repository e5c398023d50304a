"""10,000 followers, of which one in twenty never reads and one in a hundred reads a byte a second.

Two turns, each with a new server: the same number of ordinary followers without and with the slow ones. Orders come in
at a steady rate, then as fast as 16 connections can post them. Whoever is cut off for taking nothing comes back at
once, so there are slow ones all the time. The kernel's buffers are small: 4 kB at a slow client.
"""

import argparse
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bench import client, machine, orders, results, servers
from bench.client import Client
from bench.fanout import load
from bench.fanout.followers import Followers, followers, most_connections, open_doors, sqlite_in, tokens
from bench.machine import Meter
from bench.sockets import post_paced

ORDERS_PATH = f"/v1/events/{orders.EVENT}/orders"
# Long deltas: nearly every host sells between two publications, so that a client that reads nothing is soon full.
CHANNEL = f"{orders.EVENT}/boards/hosts"
PUBLISH_INTERVAL_MS = 1_000
STALL_SECONDS = 5
MUTE_SHARE, SIP_SHARE = 0.05, 0.01
SENDERS = 16
SETTLE_SECONDS = 60.0
# What the slow ones may cost the others, as a ratio of the turn without them, and the server, per slow connection.
P99_RATIO_MAX = 1.5
INGEST_RATIO_MIN = 0.8
SLOW_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """Units: orders a second; seconds of the steady rate, and of posting as fast as it goes."""

    connections: int
    rate: int
    seconds: float
    burst_seconds: float

    @property
    def mute(self) -> int:
        return round(self.connections * MUTE_SHARE)

    @property
    def sip(self) -> int:
        return round(self.connections * SIP_SHARE)


def turn(with_slow: bool, options: Options) -> dict[str, Any]:
    """Errors: BenchFailed if an ordinary follower was lost or did not get there."""
    settings = open_doors() | {
        "publish_interval_ms": str(PUBLISH_INTERVAL_MS),
        "subscriber_stall_seconds_max": str(STALL_SECONDS),
    }
    with (
        TemporaryDirectory(prefix="kos-bench-") as folder,
        servers.kos(sqlite_in(folder), machine.cores()[0], **settings) as kos,
    ):
        kos.create_event()
        token = tokens(kos, 1)
        with followers(kos, CHANNEL, token) as ordinary, followers(kos, CHANNEL, token) as slow:
            ordinary.open(options.connections - options.mute - options.sip)
            if with_slow:
                slow.demand("mute", options.mute, seconds=30)
                slow.demand("sip", options.sip, seconds=30)
            before = machine.resident_bytes(kos.pid)
            measured = _posted(kos, ordinary, options)
            measured |= {"cut_off": slow.state()["cut"], "slow_there": slow.state()["slow"]}
            measured |= {"mib_before": before / 2**20, "mib_most": machine.resident_bytes(kos.pid, peak=True) / 2**20}
    return {"turn": "with slow ones" if with_slow else "without", **measured}


def _posted(kos: servers.Kos, ordinary: Followers, options: Options) -> dict[str, Any]:
    made = orders.Orders("s", kos.started_at())
    requests = [
        client.request(ORDERS_PATH, body, servers.ADMIN_KEY)
        for body in made.singles(int(options.rate * options.seconds))
    ]
    ordinary.demand("record")
    meter = Meter(kos.pid, client=ordinary.pid)
    posted = uvloop.run(post_paced(kos.port, requests, options.rate))
    usage = meter.stop()
    ordinary.reach(posted.head, SETTLE_SECONDS)
    latency = ordinary.latency(posted.orders)
    burst = Client(kos.port, SENDERS)
    endless = (client.request(ORDERS_PATH, body, servers.ADMIN_KEY) for body in made.singles(1 << 40))
    taken = burst.run(endless, client.created, options.burst_seconds)
    burst.close()
    ordinary.reach(kos.position(), SETTLE_SECONDS)
    state = ordinary.state()
    answered = sorted(posted.answered)
    return {
        "followers": state["live"],
        "p50_ms": latency["p50_ms"],
        "p99_ms": latency["p99_ms"],
        "max_ms": latency["max_ms"],
        "answer_p99_ms": answered[int(len(answered) * 0.99)] * 1000,
        "orders_per_second": taken.rate,
        "missing": latency["missing"] + state["gaps"] + state["lost"],
        "server_core": usage.server / usage.wall,
        "others_core": usage.others / usage.wall,
    }


def targets(without: dict[str, Any], with_slow: dict[str, Any], options: Options) -> list[dict[str, Any]]:
    grown = (with_slow["mib_most"] - without["mib_most"]) * 2**20 / (options.mute + options.sip)
    return [
        results.target(
            "p99 of the others, with / without", with_slow["p99_ms"] / without["p99_ms"], P99_RATIO_MAX, at_most=True
        ),
        results.target("p99 of the others, ms", with_slow["p99_ms"], None, at_most=True),
        results.target(
            "orders per second, with / without",
            with_slow["orders_per_second"] / without["orders_per_second"],
            INGEST_RATIO_MIN,
        ),
        results.target("most memory of a slow one, bytes", grown, SLOW_BYTES_MAX, at_most=True),
        results.target("missing at the others", without["missing"] + with_slow["missing"], 0, at_most=True),
    ]


def main() -> None:
    """Measure, check, write ``slow.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--connections", type=int, default=10_000, help="the slow ones among them")
    parser.add_argument("--rate", type=int, default=300, help="orders a second")
    parser.add_argument("--seconds", type=float, default=40.0, help="of the steady rate")
    given = parser.parse_args()
    options = Options(min(given.connections, most_connections()), given.rate, given.seconds, 5.0)
    if given.quick:
        options = Options(100, 50, 2.0, 0.5)
    described = results.described()
    load.allow_files(options.connections)
    with results.pinned():
        runs = [turn(with_slow, options) for with_slow in (False, True)]
    results.warn_unless_quiet(run["others_core"] for run in runs)
    results.write(
        given.out,
        "slow",
        {
            "about": f"{options.connections:,} followers of the board of hosts, {options.mute} that never read and "
            f"{options.sip} that read a byte a second; {options.rate} orders a second for {options.seconds:g} s, then "
            f"as fast as {SENDERS} connections post for {options.burst_seconds:g} s. A publication a second at most, "
            f"cut off after {STALL_SECONDS} s; on SQLite.",
            "machine": described,
            "targets": targets(runs[0], runs[1], options),
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
