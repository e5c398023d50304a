"""Minutes that are over are written into the journal, by whichever process comes first.

All processes hold the same numbers (``presence``), and the key of an entry names its session and minute: the second
one is refused, and that is as it should be.
"""

import asyncio
from collections.abc import Callable, Collection

import structlog

from app.audience.presence import KEEP_US, Minute, Presence
from app.challenge import uniques
from app.challenge.audience import sample_key
from app.errors import AppError, InvariantError, NotFound
from app.events import Events
from app.journal.drafts import Fact
from app.state.parts import NO_AUDIENCE

log = structlog.get_logger(__name__)

ACTOR = "audience"


class Sampler:
    """Writes down the minutes of all events. Units: ``wait_us`` after its end everything of a minute has come."""

    def __init__(self, events: Events, presence: Presence, clock: Callable[[], int], wait_us: int) -> None:
        self._events = events
        self._presence = presence
        self._clock = clock
        self._wait_us = wait_us

    async def watch(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            try:
                await self.sample()
            except Exception:
                # A bug in one event must not end the figures of all.
                log.exception("sampling_failed")

    async def sample(self, wait_us: int | None = None) -> None:
        """Write down what is over, or ended ``wait_us`` ago; what cannot be written now stays for the next time."""
        failing = set()
        for event, start, minute in tuple(self._presence.over(self._wait_us if wait_us is None else wait_us)):
            # One after the other: a minute behind one that waits would close it.
            if event in failing:
                continue
            if await self._write(event, start, minute):
                self._presence.close(event, start)
            else:
                failing.add(event)

    async def _write(self, event: str, start: int, minute: Minute) -> bool:
        """Whether the minute is settled: written here or elsewhere, or given up."""
        try:
            opened = await self._events.open(event)
            state = opened.state
            if state.status == "final" or state.audiences.get("", NO_AUDIENCE).sampled_until >= start:
                return True
            facts = []
            for session in minute.watched():
                # As they are now: in the thread nothing may be added to them.
                heard, counted = frozenset(minute.heard.get(session, ())), minute.counted_in(session)
                sketch = state.audiences.get(session, NO_AUDIENCE).sketch
                # A hundred thousand viewers take up to a tenth of a second, in which every socket would wait.
                facts.append(await asyncio.to_thread(_fact, session, start, heard, counted, sketch))
            outcomes = await opened.submit(facts)
        except NotFound:
            return True
        except (AppError, InvariantError) as error:
            return self._is_given_up(event, start, str(error))
        refusals = {outcome.code for outcome in outcomes if isinstance(outcome, AppError)}
        if refusals & {"minute_not_over", "internal"}:
            return self._is_given_up(event, start, ", ".join(sorted(refusals)))
        return True

    def _is_given_up(self, event: str, start: int, reason: str) -> bool:
        is_too_old = start + KEEP_US < self._clock()
        if is_too_old:
            log.warning("viewers_not_sampled", journal_event=event, minute=start, reason=reason)
        return is_too_old


def _fact(session: str, start: int, heard: Collection[bytes], counted: int, sketch: bytes) -> Fact:
    content: dict[str, object] = {"minute": start, "viewers": len(heard) + counted}
    if session:
        content["session"] = session
    if counted:
        content["counted"] = counted
    if new := uniques.news(sketch, heard):
        content["sketch"] = uniques.written(new)
    return Fact("viewers.sampled", sample_key(session, start), content, ACTOR)
