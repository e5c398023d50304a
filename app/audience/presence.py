"""Who watched in which minute: the distinct viewers of an event and of each of its sessions, in all processes.

A viewer is eight bytes that say nothing of the person; it is one of a minute, by the UTC clock, however many signs of
it came in that minute, to however many processes. Each process tells the others once a second what came to it, and
everybody holds the union. Unions and highest counts do not depend on the order in which they are made, nor on what is
told twice, so whatever may have been missed is simply told again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec
import structlog

from app.challenge.audience import MINUTE_US, minute_of

log = structlog.get_logger(__name__)

VIEWER_BYTES = 8
# Viewers that one message between processes tells of.
MESSAGE_VIEWERS_MAX = 4_096
# Platforms and the like that each count the viewers of one session.
SOURCES_MAX = 20
# A minute that nobody could write down for so long is given up.
KEEP_US = 10 * MINUTE_US
# How far the clock of another process may be ahead.
_AHEAD_US = 5 * MINUTE_US
# Asks the others for all that they hold.
_ASK = 0

# Minute, session, viewers joined, and what sources count there.
_message = msgspec.msgpack.Decoder(tuple[int, str, bytes, dict[str, int]])


class Counts(NamedTuple):
    """Viewers of an event now, of the highest minute that is still open, and of the sessions that somebody watches."""

    viewers: int
    highest: int
    sessions: Mapping[str, int]


class Minute:
    """One minute of an event. By session, "" for the event: who was heard, and what each source counted."""

    __slots__ = ("counted", "heard", "in_sessions")

    def __init__(self) -> None:
        self.heard: dict[str, set[bytes]] = {"": set()}
        self.counted: dict[str, dict[str, int]] = {}
        self.in_sessions = 0

    def note(self, session: str, viewer: bytes, viewers_max: int) -> bool:
        """Whether it counts: not if there are as many already, of the event or in its sessions together."""
        heard = self.heard.get(session)
        if heard is None:
            heard = self.heard[session] = set()
        if viewer not in heard:
            if (self.in_sessions if session else len(heard)) >= viewers_max:
                return False
            self.in_sessions += bool(session)
            heard.add(viewer)
        return True

    def count(self, session: str, source: str, viewers: int) -> bool:
        """Take what a source says; of several numbers the highest holds. False if it is a source too many."""
        counted = self.counted.setdefault(session, {})
        if source not in counted and len(counted) >= SOURCES_MAX:
            return False
        counted[source] = max(viewers, counted.get(source, 0))
        return True

    def counted_in(self, session: str) -> int:
        """What sources counted; those of all sessions are of the event too."""
        if session:
            return sum(self.counted.get(session, {}).values())
        return sum(sum(counted.values()) for counted in self.counted.values())

    def viewers(self, session: str) -> int:
        return len(self.heard.get(session, ())) + self.counted_in(session)

    def watched(self) -> list[str]:
        """What somebody watched: "" for the event, then its sessions."""
        return [session for session in sorted({"", *self.heard, *self.counted}) if self.viewers(session)]


class _Audience:
    """The open minutes of one event, and what the other processes have not been told of them."""

    __slots__ = ("closed_until", "complete_at", "minutes", "untold", "untold_counts")

    def __init__(self, complete_at: int) -> None:
        self.minutes: dict[int, Minute] = {}
        self.closed_until = -1
        # When all that the others hold has had the time to come.
        self.complete_at = complete_at
        self.untold: defaultdict[tuple[int, str], set[bytes]] = defaultdict(set)
        self.untold_counts: defaultdict[tuple[int, str], dict[str, int]] = defaultdict(dict)

    def minute(self, start: int) -> Minute:
        minute = self.minutes.get(start)
        if minute is None:
            minute = self.minutes[start] = Minute()
        return minute

    def forget(self, until: int) -> None:
        """Closed minutes before this one; what is closed later is still shown."""
        for start in [start for start in self.minutes if start < until and start <= self.closed_until]:
            del self.minutes[start]

    def tell_all_again(self) -> None:
        for start, minute in self.minutes.items():
            for session, heard in minute.heard.items():
                self.untold[start, session] = set(heard)
            for session, counted in minute.counted.items():
                self.untold_counts[start, session] = dict(counted)


class Presence:
    """The audiences of all events. ``tell`` sends a message about an event to the other processes; never waits.

    Units: ``clock`` and minutes in microseconds since the epoch; ``settle_us`` is how long what was told is on its way.
    Memory: some 120 bytes a viewer and open minute, at most ``viewers_max`` of each event and as many more in its
    sessions.
    """

    def __init__(
        self, tell: Callable[[str, bytes], None], viewers_max: int, clock: Callable[[], int], settle_us: int
    ) -> None:
        self._tell = tell
        self._viewers_max = viewers_max
        self._clock = clock
        self._settle_us = settle_us
        self._audiences: dict[str, _Audience] = {}

    def heard(self, event: str, session: str, viewer: bytes, minute: int) -> bool:
        """A sign of a viewer came here, in a session of the event or ("") in the event; whether it is counted."""
        audience = self._audience(event)
        held = audience.minute(minute)
        # Whoever watches a session watches its event.
        for scope in ("", session) if session else ("",):
            if not held.note(scope, viewer, self._viewers_max):
                return False
            # Also if it is known: what was lost on its way is told with the viewer's next sign.
            audience.untold[minute, scope].add(viewer)
        return True

    def counted(self, event: str, session: str, source: str, viewers: int, minute: int) -> bool:
        """A source counted viewers, of whom nothing else is known; whether the number is taken."""
        audience = self._audience(event)
        held = audience.minute(minute)
        if not held.count(session, source, viewers):
            return False
        audience.untold_counts[minute, session][source] = held.counted[session][source]
        return True

    def missed(self, event: str) -> None:
        """Messages about an event may have been missed, in both directions: ask for them, and tell all again."""
        audience = self._audience(event)
        audience.complete_at = self._clock() + self._settle_us
        audience.tell_all_again()
        self._tell(event, msgspec.msgpack.encode((_ASK, "", b"", {})))

    def receive(self, event: str, payload: bytes) -> None:
        """What another process told."""
        try:
            start, session, viewers, counted = _message.decode(payload)
        except msgspec.MsgspecError:
            log.warning("viewers_not_understood", journal_event=event)
            return
        audience, now = self._audience(event), self._clock()
        if start == _ASK:
            audience.tell_all_again()
            return
        is_near = now - KEEP_US <= start <= now + _AHEAD_US and start % MINUTE_US == 0
        if not is_near or start <= audience.closed_until:
            return
        minute = audience.minute(start)
        for place in range(0, len(viewers) - VIEWER_BYTES + 1, VIEWER_BYTES):
            minute.note(session, viewers[place : place + VIEWER_BYTES], self._viewers_max)
        for source, number in counted.items():
            minute.count(session, source, number)

    async def watch(self) -> None:
        """Sweep once a second, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.sweep()

    def sweep(self) -> None:
        """Tell the others what came here; forget minutes that are written down, and events that nobody watches."""
        now = self._clock()
        for event, audience in tuple(self._audiences.items()):
            self._tell_others(event, audience)
            audience.forget(minute_of(now) - MINUTE_US)
            if not audience.minutes and audience.closed_until < now - KEEP_US:
                del self._audiences[event]

    def counts(self, event: str) -> Counts:
        """The numbers of now: of the minute under way or of the one before, whichever is higher."""
        audience = self._audiences.get(event)
        if audience is None:
            return Counts(0, 0, {})
        now = minute_of(self._clock())
        latest = [minute for at in (now - MINUTE_US, now) if (minute := audience.minutes.get(at)) is not None]
        sessions = sorted({session for minute in latest for session in minute.watched() if session})
        return Counts(
            max((minute.viewers("") for minute in latest), default=0),
            max((minute.viewers("") for minute in audience.minutes.values()), default=0),
            {session: max(minute.viewers(session) for minute in latest) for session in sessions},
        )

    def over(self, wait_us: int) -> Iterator[tuple[str, int, Minute]]:
        """Minutes not closed that ended so long ago and that this process knows all of, an event's oldest first."""
        now = self._clock()
        for event, audience in tuple(self._audiences.items()):
            for start in sorted(audience.minutes):
                is_over = start > audience.closed_until and start + MINUTE_US + wait_us <= now
                if is_over and audience.complete_at <= now:
                    yield event, start, audience.minutes[start]

    def close(self, event: str, minute: int) -> None:
        """A minute is written down, here or elsewhere: nothing more is taken for it."""
        audience = self._audience(event)
        audience.closed_until = max(audience.closed_until, minute)

    def _audience(self, event: str) -> _Audience:
        audience = self._audiences.get(event)
        if audience is None:
            audience = self._audiences[event] = _Audience(self._clock() + self._settle_us)
        return audience

    def _tell_others(self, event: str, audience: _Audience) -> None:
        untold, audience.untold = audience.untold, defaultdict(set)
        for (minute, session), viewers in untold.items():
            everyone = b"".join(viewers)
            size = MESSAGE_VIEWERS_MAX * VIEWER_BYTES
            for start in range(0, len(everyone), size):
                self._tell(event, msgspec.msgpack.encode((minute, session, everyone[start : start + size], {})))
        counts, audience.untold_counts = audience.untold_counts, defaultdict(dict)
        for (minute, session), counted in counts.items():
            self._tell(event, msgspec.msgpack.encode((minute, session, b"", counted)))
