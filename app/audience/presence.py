"""How many watch an event and each of its sessions: distinct viewers heard of in the last minute, in all processes.

A viewer is eight bytes that say nothing of the person. Each process tells the others once a second whom it heard, and
everybody holds the union, so one viewer on two processes counts once. What is lost on the way is told again by the
viewer's next heartbeat.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import structlog

log = structlog.get_logger(__name__)

# A viewer counts while its last heartbeat is at most so old.
VIEWER_SECONDS = 60.0
VIEWER_BYTES = 8
# Viewers that one message between processes tells of.
MESSAGE_VIEWERS_MAX = 4_096
# Events of which the highest number is remembered though nobody watches.
EVENTS_MAX = 1_000

_message = msgspec.msgpack.Decoder(tuple[int, dict[str, bytes]])


class Counts(NamedTuple):
    """Concurrent viewers of an event, the most there were since somebody began to count, and those of its sessions."""

    viewers: int
    peak: int
    sessions: Mapping[str, int]


class _Audience:
    """Viewers of one event by session and last heartbeat, the one heard longest ago first; "" is the event itself."""

    __slots__ = ("heard", "in_sessions", "peak", "untold")

    def __init__(self) -> None:
        self.heard: dict[str, dict[bytes, float]] = {"": {}}
        self.in_sessions = 0
        self.peak = 0
        # What the other processes have not been told yet.
        self.untold: dict[str, dict[bytes, None]] = {}

    def note(self, session: str, viewer: bytes, now: float, viewers_max: int) -> bool:
        """Whether it counts: not if there are as many already, of the event or in its sessions together."""
        heard = self.heard.get(session)
        if heard is None:
            heard = self.heard[session] = {}
        if heard.pop(viewer, None) is None:
            if (self.in_sessions if session else len(heard)) >= viewers_max:
                return False
            self.in_sessions += bool(session)
        heard[viewer] = now
        return True

    def prune(self, now: float) -> None:
        """Forget those not heard of lately."""
        for session, heard in tuple(self.heard.items()):
            gone = []
            for viewer, at in heard.items():
                if now - at <= VIEWER_SECONDS:
                    break
                gone.append(viewer)
            for viewer in gone:
                del heard[viewer]
            if session:
                self.in_sessions -= len(gone)
                if not heard:
                    del self.heard[session]
        self.peak = max(self.peak, len(self.heard[""]))


class Presence:
    """The audiences of all events. ``tell`` sends a message about an event to the other processes; never waits.

    Units: ``clock`` in seconds. Memory: some 200 bytes a viewer, at most ``viewers_max`` of each event and as many more
    in its sessions.
    """

    def __init__(
        self, tell: Callable[[str, bytes], None], viewers_max: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._viewers_max = viewers_max
        self._clock = clock
        self._audiences: dict[str, _Audience] = {}

    def heard(self, event: str, session: str, viewer: bytes) -> None:
        """A heartbeat came here, for a session of the event or ("") for the event itself."""
        audience, now = self._audience(event), self._clock()
        # Whoever watches a session watches its event.
        for scope in ("", session) if session else ("",):
            if not audience.note(scope, viewer, now, self._viewers_max):
                return
            audience.untold.setdefault(scope, {})[viewer] = None

    def receive(self, event: str, payload: bytes) -> None:
        """What another process told: the peak it knows of, and viewers by session, eight bytes each."""
        try:
            peak, told = _message.decode(payload)
        except msgspec.MsgspecError:
            log.warning("viewers_not_understood", journal_event=event)
            return
        audience, now = self._audience(event), self._clock()
        audience.peak = max(audience.peak, peak)
        for session, viewers in told.items():
            for start in range(0, len(viewers) - VIEWER_BYTES + 1, VIEWER_BYTES):
                audience.note(session, viewers[start : start + VIEWER_BYTES], now, self._viewers_max)

    async def watch(self) -> None:
        """Sweep once a second, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.sweep()

    def sweep(self) -> None:
        """Tell the others who was heard, forget who was not."""
        now = self._clock()
        for event, audience in self._audiences.items():
            audience.prune(now)
            self._tell_others(event, audience)
        surplus = len(self._audiences) - EVENTS_MAX
        if surplus > 0:
            empty = [event for event, audience in self._audiences.items() if not audience.heard[""]]
            for event in empty[:surplus]:
                del self._audiences[event]

    def counts(self, event: str) -> Counts:
        """The numbers of now."""
        audience = self._audiences.get(event)
        if audience is None:
            return Counts(0, 0, {})
        audience.prune(self._clock())
        sessions = {session: len(heard) for session, heard in sorted(audience.heard.items()) if session}
        return Counts(len(audience.heard[""]), audience.peak, sessions)

    def _audience(self, event: str) -> _Audience:
        audience = self._audiences.get(event)
        if audience is None:
            audience = self._audiences[event] = _Audience()
        return audience

    def _tell_others(self, event: str, audience: _Audience) -> None:
        untold, audience.untold = audience.untold, {}
        for session, viewers in untold.items():
            everyone = b"".join(viewers)
            size = MESSAGE_VIEWERS_MAX * VIEWER_BYTES
            for start in range(0, len(everyone), size):
                message = (audience.peak, {session: everyone[start : start + size]})
                self._tell(event, msgspec.msgpack.encode(message))
