"""A million orders into one event, by batches of 500: does an order cost at the end what it cost at the beginning?

In steps, each made before it is measured: processor time of server and database per order, the server's memory, the
size of what is stored. Ids ascend, as those of a shop do. Afterwards ``kos verify`` reads everything back.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import client, machine, orders, results, servers
from bench.client import Client
from bench.machine import Meter
from tests.servers import Postgres, start_postgres

ORDERS = 1_000_000
STEP = 100_000
CONNECTIONS = 4
PATH = f"/v1/events/{orders.EVENT}/orders/batch"
TABLES = ("entry", "posting", "state")
MIB = 2**20
# Memory may grow with what is cached, not with what was sold: between the second step and the last.
GROWTH_MIB_MAX = 64


def fill(url: str, postgres: Postgres | None, count: int, step: int) -> dict[str, Any]:
    """Post ``count`` orders in steps. Errors: BenchFailed if the journal does not hold exactly them."""
    steps = []
    with servers.kos(url, machine.cores()[0]) as kos:
        kos.create_event()
        before = kos.position()
        made = orders.Orders("m", kos.started_at())
        for _ in range(count // step):
            steps.append(_step(kos, postgres, made, step))
            print(f"  {len(steps) * step:9,}  {steps[-1]}", flush=True)
        if kos.position() != before + count:
            raise servers.BenchFailed(f"{count} orders acknowledged, the head is at {kos.position()}")
        peak = machine.resident_bytes(kos.pid, peak=True)
    return {"steps": steps, "peak_mib": peak / MIB, "position": before + count}


def _step(kos: servers.Kos, postgres: Postgres | None, made: orders.Orders, step: int) -> dict[str, float]:
    requests = [client.request(PATH, body, servers.ADMIN_KEY) for body in made.batches(step // orders.BATCH)]
    sender = Client(kos.port, CONNECTIONS)
    try:
        meter = Meter(kos.pid, postgres.pid if postgres else 0)
        load = sender.run(iter(requests), client.batch_accepted)
        if postgres:
            # Within the measurement: what it put off belongs to the orders that caused it.
            postgres.psql("CHECKPOINT")
        usage = meter.stop()
    finally:
        sender.close()
    return {
        "orders_per_second": round(load.rate),
        "server_us": round(usage.server / step * 1e6, 1),
        "database_us": round(usage.database / step * 1e6, 1),
        "server_mib": round(machine.resident_bytes(kos.pid) / MIB, 1),
        "p99_ms": round(load.latency(0.99) * 1000, 1),
        "others_core": round(usage.others / usage.wall, 2),
    }


def sizes(url: str, postgres: Postgres | None) -> dict[str, float]:
    """MiB on disk: the file, or each table with its indexes."""
    if postgres is None:
        path = Path(url.partition("///")[2])
        return {"file": path.stat().st_size / MIB}
    database = url.rsplit("/", 1)[1]
    found = {}
    for table in TABLES:
        found[table] = int(postgres.psql(f"SELECT pg_table_size('{table}')", database)) / MIB
        found[f"{table} indexes"] = int(postgres.psql(f"SELECT pg_indexes_size('{table}')", database)) / MIB
    return found


def measure(url: str, postgres: Postgres | None, count: int, step: int) -> dict[str, Any]:
    """One database filled, weighed and verified."""
    filled = fill(url, postgres, count, step)
    position = filled.pop("position")
    return {**filled, "mib": sizes(url, postgres), "verify": servers.verify(url, position)}


def targets(name: str, measured: dict[str, Any]) -> list[dict[str, Any]]:
    """Last step against first, and how far the server's memory grew after its caches had filled."""
    steps = measured["steps"]
    first, last = (step["server_us"] + step["database_us"] for step in (steps[0], steps[-1]))
    growth = steps[-1]["server_mib"] - steps[min(1, len(steps) - 1)]["server_mib"]
    return [
        results.target(f"{name}: processor time, last step / first", last / first, 1.35, 1.2, at_most=True),
        results.target(f"{name}: server memory grown, MiB", growth, GROWTH_MIB_MAX, at_most=True),
    ]


def main() -> None:
    """Measure, check, write ``million.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--orders", type=int, default=ORDERS)
    given = parser.parse_args()
    count = 2_000 if given.quick else given.orders
    step = min(STEP, count // 2)
    described = results.described()
    with ExitStack() as stack, results.pinned():
        folder = stack.enter_context(TemporaryDirectory(prefix="kos-bench-"))
        print("SQLite")
        sqlite = measure(f"sqlite+aiosqlite:///{folder}/million.db", None, count, step)
        print("PostgreSQL")
        postgres = start_postgres()
        stack.callback(postgres.close)
        postgresql = measure(postgres.create_database(), postgres, count, step)
        described["postgresql"] = postgres.psql("SHOW server_version")
    results.write(
        given.out,
        "million",
        {
            "machine": described,
            "settings": {"orders": count, "step": step, "batch": orders.BATCH, "connections": CONNECTIONS},
            "targets": targets("PostgreSQL", postgresql) + targets("SQLite", sqlite),
            "postgresql": postgresql,
            "sqlite": sqlite,
        },
    )


if __name__ == "__main__":
    main()
