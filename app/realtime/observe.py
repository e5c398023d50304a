"""One task that looks, from time to time, at what costs too much to be counted as it happens."""

import asyncio
from collections.abc import Callable, Mapping

from app import metrics
from app.realtime import trouble
from app.realtime.connections import Connections
from app.realtime.hub import Hub

_SAMPLE_SECONDS = 0.1
_GAUGES_EVERY = 10
_TELL_EVERY = 100

# What a bus counts, by the names of ``metrics.BUS_COUNTS`` and ``metrics.BUS_GAUGES``; counts only grow.
Figures = Callable[[], Mapping[str, int]]


async def watch(connections: Connections, hub: Hub, bus: Figures = dict) -> None:
    """Until cancelled; what is untold is told then."""
    clock = asyncio.get_running_loop().time
    counted: dict[str, int] = {}
    sample = 0
    try:
        while True:
            due = clock() + _SAMPLE_SECONDS
            await asyncio.sleep(_SAMPLE_SECONDS)
            metrics.LOOP_DELAY.observe(max(0.0, clock() - due))
            sample += 1
            if sample % _GAUGES_EVERY == 0:
                _set_gauges(connections, hub)
                counted = _count_bus(bus(), counted)
            if sample % _TELL_EVERY == 0:
                trouble.tell()
    finally:
        trouble.tell()


def _set_gauges(connections: Connections, hub: Hub) -> None:
    for kind, count in connections.by_kind().items():
        metrics.CONNECTIONS.labels(kind).set(count)
    metrics.SUBSCRIPTIONS.set(hub.subscriptions)


def _count_bus(figures: Mapping[str, int], counted: Mapping[str, int]) -> dict[str, int]:
    for name, counter in metrics.BUS_COUNTS.items():
        counter.inc(figures.get(name, 0) - counted.get(name, 0))
    for name, gauge in metrics.BUS_GAUGES.items():
        gauge.set(figures.get(name, 0))
    return dict(figures)
