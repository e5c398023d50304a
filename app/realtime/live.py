"""Channels of what is so now and in no journal: a time instead of a position, always whole, the last value wins."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from app.realtime import messages
from app.realtime.messages import Frame, LiveBody

# The last segment of their names, behind the event's.
LIVE: Final = frozenset({"overlays", "viewers"})


def is_live(name: str) -> bool:
    """Whether a channel of this name is one of these."""
    _, _, rest = name.partition("/")
    return rest in LIVE


class LiveChannel:
    """The present document of one (name, view); the live counterpart of ``Channel``.

    Shape: a document has ``time``, RFC 3339 in UTC with six decimals, and members of its own.
    """

    is_live: Final = True

    def __init__(self, name: str, view: str) -> None:
        self.name = name
        self.view = view
        self._document: Mapping[str, Any] = {}
        self._body: LiveBody | None = None

    @property
    def is_empty(self) -> bool:
        """No document yet."""
        return not self._document

    def update(self, document: Mapping[str, Any]) -> Frame | None:
        """Take the newest document; the publication that follows from it, None if only its time is another.

        Followers take only what is newer than what they hold. So its time is moved on where two documents differ
        within one: a document may be read while what it shows is being changed.
        """
        first, before = self.is_empty, self._document
        is_same = first or {**before, "time": ""} == {**document, "time": ""}
        if not first:
            held = before["time"]
            document = {**document, "time": max(document["time"], held if is_same else _just_after(held))}
        self._document, self._body = document, None
        return None if is_same else messages.publication(self.name, self.since(None, None))

    def since(self, position: int | None, epoch: str | None) -> LiveBody:
        """What a client needs, whatever it holds."""
        if self._body is None:
            self._body = LiveBody(self._document["time"], messages.encoded(dict(self._document)))
        return self._body

    def knows(self, position: int | None, epoch: str | None) -> bool:
        """True: there is nothing that another process could know more of."""
        return True


def _just_after(time: str) -> str:
    return f"{datetime.fromisoformat(time) + timedelta(microseconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"
