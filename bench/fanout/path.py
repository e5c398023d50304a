"""The whole path: 500 orders a second over HTTP, 2,000 followers of the board of teams, one process or more.

The clock runs from before an order is written to the socket until a follower has the first frame at or behind the
position that its answer told. With more processes than one, orders go to the first and followers are spread over all
of them; what ties them together is PostgreSQL and, if asked for, a Redis (Valkey) or a cluster of three. The processes
take the first core, or share all but the last one; clients and databases have the last one.

Orders are those of a real shop (`tests/data`), with ids and times of their own so that they never repeat.
"""

import argparse
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

from bench import client, machine, orders, results, servers
from bench.fanout import load
from bench.fanout.followers import Followers, followers, open_doors, tokens
from bench.machine import Meter
from bench.sockets import Posted, post_paced
from tests.servers import start_postgres, start_valkey
from tests.valkey_cluster import start_cluster

ORDERS_PATH = f"/v1/events/{orders.EVENT}/orders"
CHANNEL = f"{orders.EVENT}/boards/teams"
P50_MS_MAX = 60.0
P99_MS_MAX = 250.0
SETTLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """Units: orders a second, seconds; those sent in ``warm_seconds`` are not counted."""

    processes: int
    redis: str
    rate: int
    followers: int
    seconds: float
    warm_seconds: float
    is_real: bool

    @property
    def name(self) -> str:
        return f"{self.processes} {'process' if self.processes == 1 else 'processes'}, redis {self.redis}"


@contextmanager
def redis(kind: str) -> Iterator[dict[str, str]]:
    """The setting that names it; {} without one."""
    if kind == "none":
        yield {}
        return
    server = start_valkey() if kind == "single" else start_cluster()
    try:
        yield {"redis_url": server.url}
    finally:
        server.close()


def measure(options: Options) -> dict[str, Any]:
    """Errors: BenchFailed if an order or a connection was lost."""
    with ExitStack() as stack:
        postgres = stack.enter_context(_postgres())
        settings = stack.enter_context(redis(options.redis)) | open_doors()
        url = postgres.create_database()
        last = machine.cores()[1]
        cores = [core for core in range(last) if core >= machine.cores()[0]] or [last]
        kos = [
            stack.enter_context(servers.kos(url, cores[number % len(cores)], **settings))
            for number in range(options.processes)
        ]
        kos[0].create_event(currency="GBP" if options.is_real else "CNY")
        before = kos[0].position()
        token = tokens(kos[0], 1)
        crowds = [stack.enter_context(followers(one, CHANNEL, token)) for one in kos]
        for number, crowd in enumerate(crowds):
            crowd.open(options.followers * (number + 1) // len(kos) - options.followers * number // len(kos))
            crowd.demand("record")
        meters = [Meter(one.pid, postgres.pid, crowd.pid) for one, crowd in zip(kos, crowds, strict=True)]
        posted = _post(kos[0], crowds, options)
        usages = [meter.stop() for meter in meters]
        for crowd in crowds:
            crowd.reach(posted.head, SETTLE_SECONDS)
        measured = _figures(crowds, posted, options)
        expected = before + len(posted.orders)
        if kos[0].position() != expected:
            raise servers.BenchFailed(f"{len(posted.orders)} orders acknowledged, head {kos[0].position()}")
        measured |= {f"server_{number + 1}_core": usage.server / usage.wall for number, usage in enumerate(usages)}
        first = usages[0]
        measured |= {
            "followers_core": sum(usage.client / usage.wall for usage in usages),
            "database_core": first.database / first.wall,
        }
        servers.verify(url, expected)
    return measured


@contextmanager
def _postgres() -> Iterator[Any]:
    server = start_postgres()
    try:
        yield server
    finally:
        server.close()


def _post(kos: servers.Kos, crowds: list[Followers], options: Options) -> Posted:
    made = (orders.RealOrders if options.is_real else orders.Orders)("p", kos.started_at())
    count = int(options.rate * (options.seconds + options.warm_seconds))
    requests = [client.request(ORDERS_PATH, body, servers.ADMIN_KEY) for body in made.singles(count)]
    # The followers look after themselves: between commands they take what comes.
    return uvloop.run(post_paced(kos.port, requests, options.rate))


def _figures(crowds: list[Followers], posted: Posted, options: Options) -> dict[str, Any]:
    counted = sorted(posted.orders)[int(options.rate * options.warm_seconds) :]
    told = [crowd.latency(counted) for crowd in crowds]
    states = [crowd.state() for crowd in crowds]
    posted.answered.sort()
    sent = [at for at, _ in posted.orders]
    return {
        "run": options.name,
        "orders": len(posted.orders),
        "orders_per_second": (len(sent) - 1) / (max(sent) - min(sent)),
        "followers": options.followers,
        # The worst of the processes: each has half of the followers, or all.
        "p50_ms": max(one["p50_ms"] for one in told),
        "p99_ms": max(one["p99_ms"] for one in told),
        "max_ms": max(one["max_ms"] for one in told),
        "answer_p50_ms": posted.answered[len(posted.answered) // 2] * 1000,
        "answer_p99_ms": posted.answered[int(len(posted.answered) * 0.99)] * 1000,
        "frames": sum(one["frames"] for one in states),
        "missing": sum(one["missing"] for one in told),
        "gaps": sum(one["gaps"] for one in states),
        "lost": sum(one["lost"] for one in states),
    }


def targets(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Medians over the rounds."""
    name, found = runs[0]["run"], []
    for figure, most in (("p50_ms", P50_MS_MAX), ("p99_ms", P99_MS_MAX)):
        each = [run[figure] for run in runs]
        told = f"{name}: {figure.removesuffix('_ms')}, ms"
        found.append(results.target(told, statistics.median(each), most, at_most=True, rounds=each))
    unsound = sum(run["missing"] + run["gaps"] + run["lost"] for run in runs)
    found.append(results.target(f"{name}: frames missing, gaps, connections lost", unsound, 0, at_most=True))
    return found


def main() -> None:
    """Measure, check, write ``path-PROCESSES-REDIS.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--redis", choices=("none", "single", "cluster"), default="none")
    parser.add_argument(
        "--orders", choices=("real", "made"), default="real", help="made: two lines each, see orders.py"
    )
    parser.add_argument("--rate", type=int, default=500, help="orders a second")
    parser.add_argument("--followers", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    is_real = given.orders == "real"
    options = Options(given.processes, given.redis, given.rate, given.followers, given.seconds, 3.0, is_real)
    if given.quick:
        options = Options(given.processes, given.redis, 50, 20, 1.0, 0.2, is_real)
    described = results.described()
    load.allow_files(options.followers)
    with results.pinned():
        runs = [measure(options) for _ in range(1 if given.quick else given.rounds)]
    results.write(
        given.out,
        f"path-{options.processes}-{options.redis}",
        {
            "about": f"{options.rate} {given.orders} orders a second for {options.seconds:g} s, {options.followers:,} "
            "followers of the board of teams, on PostgreSQL.",
            "machine": described,
            "targets": targets(runs),
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
