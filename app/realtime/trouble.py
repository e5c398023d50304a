"""Connections that the server ended or did not let in: counted at once, told in the log once in a while.

One line per cause and interval, with how many: ten thousand bad clients are as many lines as one.
"""

from collections import Counter

import structlog

from app import metrics

log = structlog.get_logger(__name__)

_untold: Counter[tuple[str, str]] = Counter()


def dropped(cause: str) -> None:
    """A connection was ended for this reason: one of few words, never what a client said."""
    metrics.DROPPED.labels(cause).inc()
    _untold["connections_dropped", cause] += 1


def refused(code: str) -> None:
    """A connection was not let in; the code of the error that its client got."""
    metrics.REFUSED.labels(code).inc()
    _untold["connections_refused", code] += 1


def tell() -> None:
    """Log what has come together since the last time."""
    for (event, cause), count in _untold.items():
        log.info(event, cause=cause, count=count)
    _untold.clear()
