"""Structured logs: one line per happening, no token, no key, no query string in any of them."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog

# Of one kind of line in one interval; the rest is counted, and told with the first one after it.
LINES_MAX = 20
_INTERVAL_SECONDS = 10.0
# Kinds are few: the messages are constants of the code. More at once are all let go.
_KINDS_MAX = 1_000


def configure_logging(log_format: str) -> None:
    """Send our logs and the libraries' to standard error, all as ``console`` lines or all as ``json``."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    is_json = log_format == "json"
    # Plain tracebacks: the colourful ones show local variables, and keys and tokens are among them.
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = structlog.processors.JSONRenderer() if is_json else console
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    rendered = [structlog.processors.format_exc_info, renderer] if is_json else [renderer]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    # uvicorn writes the query string of each WebSocket at INFO, and tokens travel there.
    handler.addFilter(Bounded())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("app").setLevel(logging.INFO)


class Bounded(logging.Filter):
    """Lets a line through that is not the same, but for its values, as many just before it.

    Some are written by libraries for each bad request, and nobody but their clients bounds how many those are.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        # Since when, and how many since then, by logger, level and message.
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """As ``logging`` asks it; adds to the first line after an interval how many were held back."""
        # Of our own lines `msg` is all there is to say, and `event` names the happening.
        said = record.msg
        kind = record.name, record.levelno, str(said.get("event") if isinstance(said, dict) else said)
        now = self._clock()
        since, count = self._seen.get(kind, (now, 0))
        if now - since < _INTERVAL_SECONDS:
            if len(self._seen) > _KINDS_MAX:
                self._seen.clear()
            self._seen[kind] = since, count + 1
            return count < LINES_MAX
        self._seen[kind] = now, 1
        if count > LINES_MAX:
            _add(record, count - LINES_MAX)
        return True


def _add(record: logging.LogRecord, suppressed: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "suppressed": suppressed}
    else:
        record.msg = f"{record.msg} (and {suppressed} more like it)"
