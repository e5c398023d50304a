"""What this process counts, in Prometheus's form; each is described in ``docs/operations.md``.

Added to once per walk, batch, call or event of its kind, never per delivery: one of them costs a microsecond or two.
With ``PROMETHEUS_MULTIPROC_DIR`` in the environment, which ``kos serve --workers`` sees to, any process tells the
figures of all that share it.
"""

import os

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

MEDIA_TYPE = CONTENT_TYPE_LATEST

disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# The stream.
CONNECTIONS = Gauge("kos_stream_connections", "Open connections", ["kind"], multiprocess_mode="livesum")
SUBSCRIPTIONS = Gauge("kos_stream_subscriptions", "Channels followed, of all connections", multiprocess_mode="livesum")
PUBLICATIONS = Counter("kos_stream_publications", "Publications of channels, before they are written to anybody")
FRAMES = Counter("kos_stream_frames", "Publications written, one for each follower")
BYTES = Counter("kos_stream_bytes", "Bytes of publications written to followers")
JOINED = Histogram("kos_stream_joined_frames", "Publications joined in one write", buckets=(1, 2, 4, 8, 16, 32, 64))
WALK = Histogram("kos_stream_walk_seconds", "Writing to all followers of a channel", buckets=_SECONDS)
SLOW = Counter("kos_stream_slow", "Times that a connection was full and written to no more")
DROPPED = Counter("kos_stream_dropped", "Connections ended by the server", ["cause"])
REFUSED = Counter("kos_stream_refused", "Connections that were not let in", ["code"])
RECOVERIES = Counter("kos_stream_recoveries", "Subscribes that named a position, by their answer", ["kind"])

# The journal.
BATCH = Histogram(
    "kos_journal_batch_facts", "Facts decided together", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)
)
COMMIT = Histogram("kos_journal_commit_seconds", "Transactions that append entries", buckets=_SECONDS)

QUARANTINED = Gauge("kos_events_quarantined", "Events that take nothing more", multiprocess_mode="livemax")

# The process.
REQUESTS = Counter("kos_http_requests", "HTTP calls answered", ["route", "status"])
LOOP_DELAY = Histogram("kos_loop_delay_seconds", "How late the event loop runs what is due", buckets=_SECONDS)

# The bus between processes.
BUS_COUNTS = {
    "told": Counter("kos_bus_told", "Messages told to other processes"),
    "heard": Counter("kos_bus_heard", "Messages heard of other processes"),
    "dropped": Counter("kos_bus_dropped", "Messages that could not be told"),
    "healed": Counter("kos_bus_healed", "Gaps that were filled from the database"),
}
BUS_GAUGES = {
    "lag": Gauge("kos_bus_lag_positions", "Positions that are known to be missing here", multiprocess_mode="livemax"),
    "connected": Gauge("kos_bus_connected", "1 while the bus is connected", multiprocess_mode="livemin"),
}


def walked(frames: int, size: int, followers: int, seconds: float) -> None:
    """A walk has written this many frames, of this size together, to so many."""
    FRAMES.inc(frames * followers)
    BYTES.inc(size * followers)
    JOINED.observe(frames)
    WALK.observe(seconds)


def exposition() -> bytes:
    """The text that Prometheus reads."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    # Whatever processes write there: read anew each time.
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
