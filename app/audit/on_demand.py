"""An event is verified because somebody asked for it: by a process of its own, one at a time, while everything goes on.

What was found last is kept for as long as this process runs. Finding something changes nothing here: an event is put
into quarantine by the verification at a server's start.
"""

import asyncio
import time
from contextlib import aclosing
from typing import Any, Final

import structlog

from app.audit.at_start import reports
from app.errors import Conflict

log = structlog.get_logger(__name__)

# Reports that are kept; the one that was asked for longest ago goes.
_KEPT_MAX: Final = 100
# So long an answer waits for a verification that is soon over.
_AT_ONCE_SECONDS: Final = 1.0
_RUNNING: Final[dict[str, Any]] = {"status": "running", "checked": 0, "position": 0, "findings": []}
_STATUS: Final = {"clean": "clean", "found": "findings", "incomplete": "incomplete"}


class OnDemand:
    """Of one process."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._running: tuple[str, asyncio.Task[None]] | None = None
        self._reports: dict[str, dict[str, Any]] = {}

    async def verify(self, event: str) -> dict[str, Any]:
        """Begin unless it runs, and tell how it stands a moment later.

        Errors: Conflict ``verification_running`` while another event is verified.
        """
        if self._running is not None and self._running[0] != event:
            raise Conflict("verification_running", "Another event is being verified here; ask again when that is over.")
        if self._running is None:
            self._reports.pop(event, None)
            self._running = (event, asyncio.create_task(self._run(event)))
        await asyncio.wait([self._running[1]], timeout=_AT_ONCE_SECONDS)
        return self.told(event) or _RUNNING

    def told(self, event: str) -> dict[str, Any] | None:
        """The last report of an event, ``running`` without findings while there is none yet; None if nobody asked."""
        if self._running is not None and self._running[0] == event:
            return _RUNNING
        return self._reports.get(event)

    async def close(self) -> None:
        """Leaves no process behind."""
        if self._running is not None:
            self._running[1].cancel()
            await asyncio.wait([self._running[1]])

    async def _run(self, event: str) -> None:
        document = {"status": "incomplete", "checked": 0, "position": 0, "findings": []}
        try:
            async with aclosing(reports(self._database_url, "--event", event)) as told:
                async for report in told:
                    document = {
                        "status": _STATUS[str(report["result"])],
                        "checked": report["entries"],
                        "position": report["head"],
                        "findings": report["findings"],
                    }
        except OSError as error:
            log.warning("event_not_verified", journal_event=event, reason=str(error))
        finally:
            self._running = None
        if len(self._reports) >= _KEPT_MAX:
            del self._reports[next(iter(self._reports))]
        self._reports[event] = document | {"at": time.time_ns() // 1000}
