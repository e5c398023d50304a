"""Orders per second and processor time per order, beside the peers, in rounds that take turns.

Contestants: our server with single orders (64 connections) and with batches of 500 (4 connections), on PostgreSQL and
SQLite; the ordinary peer; pgbench without HTTP. Server on one core, client and PostgreSQL on the other. Ratios are of
contestants in the same round; the figure is the median over the rounds.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import client, machine, orders, results, servers
from bench.client import Client, Load
from bench.machine import Meter, Usage
from tests.servers import Postgres, start_postgres

ORDERS_PATH = f"/v1/events/{orders.EVENT}/orders"
PGBENCH_CLIENTS = 16
# Made beforehand for each second of a turn; a turn that uses them up ends early, which is no harm.
SINGLES_PER_SECOND = 16_000
BATCHES_PER_SECOND = 60


@dataclass(frozen=True, slots=True)
class Options:
    """How long it takes. Units: seconds of each turn, of them ``warm_seconds`` before it, not counted."""

    rounds: int
    seconds: float
    warm_seconds: float


class Ingest:
    """The contestants with their databases, which live through all rounds."""

    def __init__(self, options: Options, postgres: Postgres, folder: Path) -> None:
        self._options = options
        self._postgres = postgres
        self._server_core, self._other_core = machine.cores()
        self._prepared: dict[str, Iterator[bytes]] = {}
        self._expected: dict[str, int] = {}
        self._urls = {
            "single_postgresql": postgres.create_database(),
            "batch_postgresql": postgres.create_database(),
            "single_sqlite": f"sqlite+aiosqlite:///{folder}/single.db",
            "batch_sqlite": f"sqlite+aiosqlite:///{folder}/batch.db",
            "naive": postgres.create_database(),
            "pgbench": postgres.create_database(),
        }
        for statement in (servers.PEERS / "pgbench_tables.sql").read_text().split(";"):
            if statement.strip():
                postgres.psql(statement, self._database("pgbench"))

    def round(self, number: int) -> dict[str, dict[str, float]]:
        """One turn of each contestant; who begins changes from round to round."""
        turns: list[tuple[str, Callable[[], dict[str, float]]]] = [
            ("single_postgresql", lambda: self._kos("single_postgresql", number, is_batch=False)),
            ("naive", lambda: self._naive(number)),
            ("pgbench", lambda: self._pgbench({self._server_core})),
            ("pgbench_both_cores", lambda: self._pgbench({self._server_core, self._other_core})),
            ("batch_postgresql", lambda: self._kos("batch_postgresql", number, is_batch=True)),
            ("single_sqlite", lambda: self._kos("single_sqlite", number, is_batch=False)),
            ("batch_sqlite", lambda: self._kos("batch_sqlite", number, is_batch=True)),
        ]
        first = number % len(turns)
        measured = {}
        for name, turn in turns[first:] + turns[:first]:
            # Nobody pays for the pages that the turn before left unwritten.
            self._postgres.psql("CHECKPOINT")
            measured[name] = turn()
            print(f"  round {number + 1}  {name:20} {measured[name]['orders_per_second']:10,.0f} orders/s", flush=True)
        return {name: measured[name] for name, _ in turns}

    def verify(self) -> dict[str, Any]:
        """What was acknowledged is there, and every journal verifies."""
        return {name: servers.verify(self._urls[name], position) for name, position in self._expected.items()}

    def _kos(self, name: str, number: int, is_batch: bool) -> dict[str, float]:
        with servers.kos(self._urls[name], self._server_core) as kos:
            if name not in self._expected:
                kos.create_event()
                self._expected[name] = kos.position()
            prefix = f"r{number}"
            made = orders.Orders(prefix, kos.started_at())
            path = f"{ORDERS_PATH}/batch" if is_batch else ORDERS_PATH
            bodies = made.batches if is_batch else made.singles
            count = self._count(BATCHES_PER_SECOND if is_batch else SINGLES_PER_SECOND)
            requests = [client.request(path, body, servers.ADMIN_KEY) for body in bodies(count)]
            took = client.batch_accepted if is_batch else client.created
            result, load, warm = self._load(kos.port, kos.pid, requests, 4 if is_batch else 64, took)
            self._expected[name] += load.acknowledged + warm
            if kos.position() != self._expected[name]:
                raise servers.BenchFailed(f"{name}: {self._expected[name]} acknowledged, head at {kos.position()}")
            return result

    def _naive(self, number: int) -> dict[str, float]:
        with servers.naive(self._urls["naive"], self._server_core) as server:
            made = orders.Orders(f"r{number}", datetime.now(UTC))
            requests = [client.request("/orders", body) for body in made.singles(self._count(SINGLES_PER_SECOND // 4))]
            before = self._rows("naive_orders", "naive") if number else 0
            result, load, warm = self._load(server.port, server.pid, requests, 64, client.created)
            if self._rows("naive_orders", "naive") != before + load.acknowledged + warm:
                raise servers.BenchFailed("the ordinary peer lost an order")
            return result

    def _pgbench(self, cores: set[int]) -> dict[str, float]:
        """On the server's core with PostgreSQL on its own, as our server has it; or both wherever there is room."""
        database, postgres = self._database("pgbench"), self._postgres
        is_spread = len(cores) > 1
        if is_spread:
            servers.spread_over(postgres, cores)
        try:
            if self._options.warm_seconds >= 1:
                servers.pgbench(postgres, database, cores, self._options.warm_seconds, PGBENCH_CLIENTS)
            before = self._rows("orders", "pgbench")
            meter = Meter(database=postgres.pid)
            count, rate, own = servers.pgbench(postgres, database, cores, self._options.seconds, PGBENCH_CLIENTS)
            usage = meter.stop()
        finally:
            if is_spread:
                servers.spread_over(postgres, {self._other_core})
        if self._rows("orders", "pgbench") != before + count:
            raise servers.BenchFailed("pgbench lost an order")
        return {
            "orders": count,
            "orders_per_second": rate,
            "database_us": usage.database / count * 1e6,
            "client_us": own / count * 1e6,
            "others_core": max(0.0, usage.others - own) / usage.wall,
            "stolen_core": usage.stolen / usage.wall,
        }

    def _load(
        self, port: int, pid: int, requests: list[bytes], connections: int, took: client.Acknowledged
    ) -> tuple[dict[str, float], Load, int]:
        """Result, load and how many orders were acknowledged while it warmed up."""
        remaining = iter(requests)
        sender = Client(port, connections)
        try:
            warm = sender.run(remaining, took, self._options.warm_seconds)
            meter = Meter(pid, self._postgres.pid)
            load = sender.run(remaining, took, self._options.seconds)
            usage = meter.stop()
        finally:
            sender.close()
        return _figures(load, usage), load, warm.acknowledged

    def _count(self, per_second: int) -> int:
        return int(per_second * (self._options.seconds + self._options.warm_seconds)) + 64

    def _database(self, name: str) -> str:
        return self._urls[name].rsplit("/", 1)[1]

    def _rows(self, table: str, name: str) -> int:
        return int(self._postgres.psql(f"SELECT count(*) FROM {table}", self._database(name)))


def _figures(load: Load, usage: Usage) -> dict[str, float]:
    return {
        "orders": load.acknowledged,
        "orders_per_second": load.rate,
        "server_us": usage.server / load.acknowledged * 1e6,
        "database_us": usage.database / load.acknowledged * 1e6,
        "client_us": usage.client / load.acknowledged * 1e6,
        "server_core": usage.server / usage.wall,
        "others_core": usage.others / usage.wall,
        "stolen_core": usage.stolen / usage.wall,
        "p50_ms": load.latency(0.5) * 1000,
        "p99_ms": load.latency(0.99) * 1000,
    }


# (name, its contestant, the one it is divided by, floor, aim)
RATIOS = (
    ("single orders / ordinary peer", "single_postgresql", "naive", 8.0, None),
    ("single orders / pgbench", "single_postgresql", "pgbench", 0.6, 1.0),
    ("batches / pgbench", "batch_postgresql", "pgbench", 2.0, 3.0),
    ("single orders / pgbench on both cores", "single_postgresql", "pgbench_both_cores", None, None),
    ("batches / pgbench on both cores", "batch_postgresql", "pgbench_both_cores", None, None),
)

# The same in processor time of program and database, which other work on the machine hardly moves.
PROCESSOR_RATIOS = (
    ("processor time, ordinary peer / single orders", "naive", "single_postgresql"),
    ("processor time, pgbench / single orders", "pgbench", "single_postgresql"),
    ("processor time, pgbench / batches", "pgbench", "batch_postgresql"),
)


def _processor_us(figures: dict[str, float]) -> float:
    """Of the database, and of the program before it: our server, the peer's, or pgbench itself."""
    return figures["database_us"] + figures.get("server_us", figures["client_us"])


def summary(rounds: list[dict[str, dict[str, float]]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Medians by contestant, and every target with the ratio of each round."""
    medians = {
        name: {figure: statistics.median(turn[name][figure] for turn in rounds) for figure in rounds[0][name]}
        for name in rounds[0]
    }
    targets = []
    for label, over, under, floor, aim in RATIOS:
        each = [turn[over]["orders_per_second"] / turn[under]["orders_per_second"] for turn in rounds]
        targets.append(results.target(label, statistics.median(each), floor, aim, rounds=each))
    for label, over, under in PROCESSOR_RATIOS:
        each = [_processor_us(turn[over]) / _processor_us(turn[under]) for turn in rounds]
        targets.append(results.target(label, statistics.median(each), None, rounds=each))
    each = [turn["batch_sqlite"]["orders_per_second"] for turn in rounds]
    targets.append(results.target("batches on SQLite, orders/s", statistics.median(each), 10_000, 15_000, rounds=each))
    return medians, targets


def main() -> None:
    """Measure, check, write ``ingest.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each turn")
    given = parser.parse_args()
    options = Options(1, 0.15, 0.05) if given.quick else Options(given.rounds, given.seconds, 1.0)
    described = results.described()
    with ExitStack() as stack, results.pinned():
        postgres = start_postgres()
        stack.callback(postgres.close)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kos-bench-")))
        ingest = Ingest(options, postgres, folder)
        rounds = [ingest.round(number) for number in range(options.rounds)]
        verified = ingest.verify()
        described["postgresql"] = postgres.psql("SHOW server_version")
    medians, targets = summary(rounds)
    results.warn_unless_quiet(figures["others_core"] for figures in medians.values())
    settings = {"rounds": options.rounds, "seconds": options.seconds, "warm_seconds": options.warm_seconds}
    results.write(
        given.out,
        "ingest",
        {
            "machine": described,
            "settings": settings,
            "targets": targets,
            "medians": medians,
            "rounds": rounds,
            "verify": verified,
        },
    )


if __name__ == "__main__":
    main()
