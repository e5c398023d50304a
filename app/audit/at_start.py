"""What was committed since the last signed checkpoint is verified whenever a server starts, beside its work.

By a process of its own, with less claim to the processor than the server: a fold of thousands of entries would hold up
everything that runs in the loop. An event in which something is found is put into quarantine.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable

import orjson
import structlog

from app.errors import Unavailable

log = structlog.get_logger(__name__)

Found = Callable[[str, str, int, str], Awaitable[None]]
"""Hears event, code, position and detail of the first thing that was found in an event."""

_COMMAND = ("-P", "-c", "from app.cli import cli; cli()", "verify", "--json")
_NICENESS = 10
# A report lists so many findings at most that it stays far below this.
_LINE_BYTES_MAX = 1 << 20
_AGAIN_SECONDS = 5.0
# In a container without its own registry of processes, that variable would have it write figures beside the server's.
_NOT_INHERITED = ("PROMETHEUS_MULTIPROC_DIR",)


async def verify_at_start(database_url: str, found: Found) -> None:
    """All events, those that moved last first. Cancelled, it leaves no process behind."""
    async with contextlib.aclosing(reports(database_url, "--from-checkpoint")) as told:
        async for report in told:
            await _judge(report, found)


async def reports(database_url: str, *options: str) -> AsyncGenerator[dict[str, object]]:
    """What `kos verify` with these options prints, event by event. Closed, it leaves no process behind."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *_COMMAND,
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**inherited, "KOS_DATABASE_URL": database_url, "KOS_LOG_FORMAT": "json"},
        limit=_LINE_BYTES_MAX,
    )
    try:
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        assert process.stdout is not None
        async for line in process.stdout:
            yield orjson.loads(line)
        code = await process.wait()
        if code not in (0, 1, 2):
            log.warning("events_not_verified", exit_code=code)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _judge(report: dict[str, object], found: Found) -> None:
    event, findings = str(report["event"]), report["findings"]
    if not isinstance(findings, list) or not findings:
        if report["result"] != "clean":
            log.warning("event_not_verified", journal_event=event)
        return
    first = findings[0]
    while True:
        try:
            await found(event, first["code"], first["position"], first["detail"])
            return
        except Unavailable as error:
            log.warning("event_not_quarantined", journal_event=event, reason=str(error))
            await asyncio.sleep(_AGAIN_SECONDS)
