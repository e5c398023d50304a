"""Follows what other processes append: heads are compared on a beat, and what is new is read and folded.

The beat may be slow where something else says when to look (``wake``). On SQLite one process writes, so there is
nothing to follow and no beat.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
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
    """Keeps the given journals current. ``journals`` is read at each beat, so it may change at any time.

    ``interval_seconds`` is asked before each wait. ``healed`` counts the entries that came this way.
    """

    def __init__(self, store: Store, journals: "Mapping[str, Journal]", interval_seconds: Callable[[], float]) -> None:
        self._store = store
        self._journals = journals
        self._interval_seconds = interval_seconds
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._suspects: set[str] = set()
        self._looked_at = 0.0
        # Since when a journal is known to lack entries, by time.monotonic().
        self._behind: dict[str, float] = {}
        self.healed = 0

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

    def wake(self, event: str, is_behind: bool = False) -> None:
        """Look at this journal at once, with all others that are named meanwhile, and choose the next wait anew.

        ``is_behind``: it is known to lack entries.
        """
        self._suspects.add(event)
        if is_behind:
            self._behind.setdefault(event, time.monotonic())
        self._woken.set()

    def forget(self, event: str) -> None:
        """The journal is not followed any longer."""
        self._behind.pop(event, None)

    def behind_seconds(self) -> float:
        """How long some journal has been known to lack entries; 0 if none is."""
        return max((time.monotonic() - since for since in self._behind.values()), default=0.0)

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._interval_seconds()):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self._look()
            except Unavailable as error:
                log.warning("tail_waits", reason=error.detail)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                # Whatever it is: a tail that ended would leave this process behind for ever, and silently.
                log.exception("tail_found_a_broken_journal")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _look(self) -> None:
        now = time.monotonic()
        suspects, self._suspects = self._suspects & self._journals.keys(), set()
        if now >= self._looked_at + self._interval_seconds():
            # However often somebody wakes it, the others are looked at too.
            await self.catch_up()
            self._looked_at = now
        elif suspects:
            await self.catch_up(sorted(suspects))

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
            self._behind.pop(head.event, None)
        if broken is not None:
            raise broken

    async def _follow(self, head: Head) -> None:
        while (journal := self._journals.get(head.event)) is not None and journal.head.position < head.position:
            self._behind.setdefault(head.event, time.monotonic())
            entries = await self._store.read(head.event, journal.head.position, _READ_PAGE)
            if not entries:
                raise InvariantError(f"{head.event}: the head is at {head.position}, the entries end before")
            known = journal.head.position
            journal.extend(entries)
            self.healed += journal.head.position - known
