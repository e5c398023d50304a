"""Signs of viewers that others tell, many at once: heartbeats of a shop's own page, what a platform counted.

By the rule of the stream's heartbeats: a sign counts its viewer in the minute of its time. What is refused is refused
alone.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.audience.heartbeats import check_session, hidden
from app.audience.presence import Presence
from app.challenge.audience import MINUTE_US, minute_of
from app.errors import AppError, Conflict, Invalid
from app.events import OpenEvent
from app.sales.facts import Identifier
from app.sales.times import parse_time

FUTURE_US_MAX = 5 * MINUTE_US
_COUNTED_MAX = 100_000_000

Viewer = Annotated[str, Meta(min_length=1, max_length=64)]
Viewers = Annotated[int, Meta(ge=0, le=_COUNTED_MAX)]


class Sign(Struct, forbid_unknown_fields=True):
    """Something that a viewer did at a time, or how many a source counted in a minute.

    Shape: a ``count`` has ``viewers``, and perhaps ``minute`` and ``source``; every other type has a ``viewer``, and
    perhaps ``at``.
    """

    type: Literal["join", "heartbeat", "leave", "click", "cart", "like", "count"]
    viewer: Viewer | None = None
    session: str | None = None
    at: str | None = None
    minute: str | None = None
    viewers: Viewers | None = None
    source: Identifier | None = None


class Signs:
    """One call's signs, taken one after the other. Units: ``late_us`` is how long a minute stays open after its end."""

    def __init__(self, event: OpenEvent, secret: bytes, presence: Presence, now: int, late_us: int) -> None:
        self._event = event
        self._secret = secret
        self._presence = presence
        self._now = now
        self._late_us = late_us
        # Many signs have one time, and reading it is the longest part of taking them.
        self._times: dict[str, int] = {}

    def take(self, signs: Sequence[Sign | AppError]) -> list[tuple[int, AppError]]:
        """Count them. Shape: (place, why) of those that are refused, in order."""
        refused = []
        for place, sign in enumerate(signs):
            try:
                if isinstance(sign, AppError):
                    raise sign
                self._take(sign)
            except AppError as error:
                refused.append((place, error))
        return refused

    def _take(self, sign: Sign) -> None:
        if sign.type == "count":
            self._count(sign)
            return
        if sign.viewer is None:
            raise _missing("viewer")
        if sign.minute is not None or sign.viewers is not None or sign.source is not None:
            raise Invalid("unknown_field", "Only a count has minute, viewers and source.", "type")
        session = sign.session or ""
        at = self._time(sign.at, "at")
        check_session(self._event, session, at)
        if sign.type == "leave":
            # Who leaves was there by the signs before; that he is gone is seen when no more come.
            return
        # As the stream names viewers: whoever is on both is one.
        viewer = hidden(b"v" + sign.viewer.encode(), self._secret)
        if not self._presence.heard(self._event.head.event, session, viewer, minute_of(at)):
            raise Conflict("too_many_viewers", "As many viewers of the minute are counted as this server counts.")

    def _count(self, sign: Sign) -> None:
        if sign.viewers is None:
            raise _missing("viewers")
        if sign.viewer is not None or sign.at is not None:
            raise Invalid("unknown_field", "A count has a minute, and neither viewer nor at.", "type")
        session = sign.session or ""
        at = self._time(sign.minute, "minute")
        check_session(self._event, session, at)
        name = self._event.head.event
        if not self._presence.counted(name, session, sign.source or "", sign.viewers, minute_of(at)):
            raise Conflict("too_many_sources", "More sources count this session than one session can have.")

    def _time(self, text: str | None, field: str) -> int:
        """When it was; now for what is a little ahead. Errors: Invalid ``viewer_in_future``, ``minute_closed``."""
        if text is None:
            return self._now
        at = self._times.get(text)
        if at is None:
            at = self._times[text] = parse_time(text, field)
        if at > self._now + FUTURE_US_MAX:
            raise Invalid("viewer_in_future", f"{field} is more than five minutes ahead of this server.", field)
        if minute_of(at) + MINUTE_US + self._late_us <= self._now:
            raise Invalid("minute_closed", "Its minute is counted already; send what viewers do as they do it.", field)
        return min(at, self._now)


def _missing(name: str) -> Invalid:
    return Invalid("missing_field", f"The field {name!r} is missing.", name)
