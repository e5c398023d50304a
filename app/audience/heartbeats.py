"""Heartbeats of the stream's clients become viewers: of events and sessions that are there, under names of nobody."""

import hashlib
from collections.abc import Awaitable, Callable

from app.audience.presence import VIEWER_BYTES, Presence
from app.challenge.audience import minute_of
from app.errors import Conflict, Invalid, NotFound
from app.events import Events, OpenEvent

_SECRETS_MAX = 1_000


class Heartbeats:
    """The ``Audience`` of the stream's connections. ``secret_of``: an event's secret, the same everywhere."""

    def __init__(
        self,
        events: Events,
        presence: Presence,
        secret_of: Callable[[str], Awaitable[bytes]],
        clock: Callable[[], int],
    ) -> None:
        self._events = events
        self._presence = presence
        self._secret_of = secret_of
        self._clock = clock
        self._secrets: dict[str, bytes] = {}

    def take_now(self, channel: str, viewer: bytes) -> bool:
        """Count a heartbeat; False, and nothing done, if the event must be asked for first.

        Errors: Invalid ``heartbeat_channel``; NotFound ``session_unknown``; Conflict ``session_ended``.
        """
        name, session = _place(channel)
        event, secret = self._events.known(name), self._secrets.get(name)
        if event is None or secret is None:
            return False
        self._count(event, session, secret, viewer)
        return True

    async def take(self, channel: str, viewer: bytes) -> None:
        """As ``take_now``, for an event that was not heard of yet. Errors: also NotFound ``event_unknown``."""
        name, session = _place(channel)
        event = await self._events.open(name)
        self._count(event, session, await self.secret(name), viewer)

    async def secret(self, event: str) -> bytes:
        """What the viewers of an event are hidden with. Errors: Unavailable."""
        known = self._secrets.get(event)
        if known is None:
            if len(self._secrets) >= _SECRETS_MAX:
                self._secrets.clear()
            known = self._secrets[event] = await self._secret_of(event)
        return known

    def _count(self, event: OpenEvent, session: str, secret: bytes, viewer: bytes) -> None:
        now = self._clock()
        check_session(event, session, now)
        self._presence.heard(event.head.event, session, hidden(viewer, secret), minute_of(now))


def hidden(viewer: bytes, secret: bytes) -> bytes:
    """A viewer as it is counted."""
    # `person` keeps them apart from buyers, who are hidden under the same secret.
    return hashlib.blake2b(viewer, digest_size=VIEWER_BYTES, key=secret, person=b"kos.viewer").digest()


def check_session(event: OpenEvent, session: str, at: int) -> None:
    """Whether somebody can have watched it then. Errors: NotFound ``session_unknown``; Conflict ``session_ended``."""
    if session:
        found = event.state.sessions.get(session)
        if found is None:
            raise NotFound("session_unknown", f"The event has no session {session[:80]!r}.")
        if found.ended_at and at >= found.ended_at:
            raise Conflict("session_ended", f"The session {session!r} has ended.")


def _place(channel: str) -> tuple[str, str]:
    """Event and session ("" for the event itself) of a channel."""
    name, *rest = channel.split("/")
    if rest and (len(rest) != 2 or rest[0] != "sessions" or not rest[1]):
        raise Invalid("heartbeat_channel", "A heartbeat is for {event} or {event}/sessions/{session}.", "channel")
    return name, rest[1] if rest else ""
