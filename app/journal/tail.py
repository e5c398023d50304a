"""Follows what other processes append: heads are compared on a beat, and what is new is read and folded.

On SQLite one process writes, so there is nothing to follow and no beat.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from app.errors import InvariantError, Unavailable
from app.journal.store import Head, Store

if TYPE_CHECKING:
    from app.journal.writer import Journal

log = structlog.get_logger(__name__)

_READ_PAGE = 2_000
_RETRY_SECONDS = 1.0


class Tail:
    """Keeps the given journals current. ``journals`` is read at each beat, so it may change at any time."""

    def __init__(self, store: Store, journals: "Mapping[str, Journal]", interval_seconds: float) -> None:
        self._store = store
        self._journals = journals
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin following; does nothing if it has begun, or on a store with a single writing process."""
        if self._task is None and self._store.dialect != "sqlite":
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop following."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_seconds)
            try:
                await self.catch_up()
            except Unavailable as error:
                log.warning("tail_waits", reason=error.detail)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                # Whatever it is: a tail that ended would leave this process behind for ever, and silently.
                log.exception("tail_found_a_broken_journal")
                await asyncio.sleep(_RETRY_SECONDS)

    async def catch_up(self, events: Sequence[str] | None = None) -> None:
        """Read and fold what lies between these journals, or all, as known here and their heads in the database.

        Errors: Unavailable; what is wrong with a journal is raised once the others are current.
        """
        broken: Exception | None = None
        for head in await self._store.heads(list(self._journals) if events is None else events):
            try:
                await self._follow(head)
            except Unavailable:
                raise
            except Exception as error:
                broken = error
                if (journal := self._journals.get(head.event)) is not None:
                    journal.give_up()
        if broken is not None:
            raise broken

    async def _follow(self, head: Head) -> None:
        while (journal := self._journals.get(head.event)) is not None and journal.head.position < head.position:
            entries = await self._store.read(head.event, journal.head.position, _READ_PAGE)
            if not entries:
                raise InvariantError(f"{head.event}: the head is at {head.position}, the entries end before")
            journal.extend(entries)
