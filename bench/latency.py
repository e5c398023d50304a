"""From an order sent to the overlay frame received: 200 single orders a second, 100 subscribers on one board.

A frame carries the position it brings a board to, an order's answer the position it was given; an order has reached
a subscriber with the first frame at or behind its position. The clock runs from before the order is written to the
socket until the frame was read, in one process on the other core, so it holds the client's own waiting too.
"""

import argparse
import asyncio
import statistics
from bisect import bisect_left
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bench import client, machine, orders, results, servers
from bench.machine import Meter
from bench.sockets import WAIT_SECONDS_MAX, Subscriber, post_paced
from tests.servers import start_postgres

ORDERS_PATH = f"/v1/events/{orders.EVENT}/orders"
CHANNEL = f"{orders.EVENT}/boards/hosts"
INTERVALS_MS = (50, 0)


@dataclass(frozen=True, slots=True)
class Options:
    """Units: orders a second, seconds; those sent in ``warm_seconds`` are not counted.

    ``settle_seconds``: how long after the last order its frame may come.
    """

    rate: int
    subscribers: int
    seconds: float
    warm_seconds: float
    settle_seconds: float


async def measure(kos: servers.Kos, token: str, options: Options) -> tuple[list[float], list[float], int]:
    """Latencies of each order at each subscriber, of each order's answer, and the frames received. Units: seconds."""
    loop = asyncio.get_running_loop()
    subscribers = []
    for _ in range(options.subscribers):
        _, subscriber = await loop.create_connection(
            lambda: Subscriber(kos.port, token, CHANNEL), "127.0.0.1", kos.port
        )
        subscribers.append(subscriber)
    await asyncio.wait_for(asyncio.gather(*(one.subscribed for one in subscribers)), WAIT_SECONDS_MAX)
    made = orders.Orders("l", kos.started_at())
    count = int(options.rate * (options.seconds + options.warm_seconds))
    requests = [client.request(ORDERS_PATH, body, servers.ADMIN_KEY) for body in made.singles(count)]
    posted = await post_paced(kos.port, requests, options.rate)
    await asyncio.sleep(options.settle_seconds)
    for subscriber in subscribers:
        if subscriber.error is not None:
            raise servers.BenchFailed(f"a subscriber was not served: {subscriber.error}")
    counted = sorted(posted.orders)[int(options.rate * options.warm_seconds) :]
    latencies = [_latency(subscriber, *order) for order in counted for subscriber in subscribers]
    frames = sum(len(subscriber.positions) for subscriber in subscribers)
    for subscriber in subscribers:
        subscriber.close()
    return latencies, posted.answered, frames


def _latency(subscriber: Subscriber, sent_at: float, position: int) -> float:
    index = bisect_left(subscriber.positions, position)
    if index == len(subscriber.positions):
        raise servers.BenchFailed(f"a subscriber never saw position {position}")
    return subscriber.times[index] - sent_at


def run(url: str, database_pid: int, interval_ms: int, options: Options) -> dict[str, Any]:
    """One server with one publish interval."""
    with servers.kos(url, machine.cores()[0], publish_interval_ms=str(interval_ms)) as kos:
        kos.create_event()
        before = kos.position()
        token = kos.call("POST", "/v1/tokens", {"event": orders.EVENT, "kind": "overlay"})["token"]
        meter = Meter(kos.pid, database_pid)
        latencies, answered, frames = uvloop.run(measure(kos, token, options))
        usage = meter.stop()
        expected = before + len(answered)
        if kos.position() != expected:
            raise servers.BenchFailed(f"{len(answered)} orders acknowledged, the head is at {kos.position()}")
    servers.verify(url, expected)
    latencies.sort()
    return {
        "interval_ms": interval_ms,
        "orders": len(answered),
        "frames": frames,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
        "max_ms": latencies[-1] * 1000,
        "answer_p50_ms": statistics.median(answered) * 1000,
        "server_core": usage.server / usage.wall,
        "client_core": usage.client / usage.wall,
        "others_core": usage.others / usage.wall,
    }


def targets(name: str, measured: dict[str, Any]) -> list[dict[str, Any]]:
    """Pacing is most of the latency: half an interval in the middle, a whole one at the end."""
    interval = measured["interval_ms"]
    label = f"{name}, interval {interval} ms"
    return [
        results.target(f"{label}: p50, ms", measured["p50_ms"], interval / 2 + 10, at_most=True),
        results.target(f"{label}: p99, ms", measured["p99_ms"], interval + 30, at_most=True),
    ]


def main() -> None:
    """Measure, check, write ``latency.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    options = Options(50, 10, 1.0, 0.2, 0.5) if given.quick else Options(200, 100, given.seconds, 2.0, 2.0)
    described = results.described()
    measured: dict[str, list[dict[str, Any]]] = {"PostgreSQL": [], "SQLite": []}
    with ExitStack() as stack, results.pinned():
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kos-bench-")))
        postgres = start_postgres()
        stack.callback(postgres.close)
        described["postgresql"] = postgres.psql("SHOW server_version")
        for interval in INTERVALS_MS[: 1 if given.quick else None]:
            measured["PostgreSQL"].append(run(postgres.create_database(), postgres.pid, interval, options))
        for interval in INTERVALS_MS[1 if given.quick else 0 :]:
            measured["SQLite"].append(run(f"sqlite+aiosqlite:///{folder}/{interval}.db", 0, interval, options))
    results.write(
        given.out,
        "latency",
        {
            "machine": described,
            "settings": {
                "orders_per_second": options.rate,
                "subscribers": options.subscribers,
                "seconds": options.seconds,
            },
            "targets": [one for name, runs in measured.items() for each in runs for one in targets(name, each)],
            "runs": measured,
        },
    )


if __name__ == "__main__":
    main()
