"""What came in minute by minute, and what was done meanwhile: read from the journal once, then kept up to date.

Minutes are those in which the journal took the entries (``recorded_at``), so none changes any more once it is over: a
refund counts in its own minute, not in that of its order.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from app.events import OpenEvent
from app.journal.entry import Entry
from app.journal.store import Store
from app.sales.money import format_amount
from app.sales.times import rfc3339

MINUTES_MAX: Final = 1_440
# Read at most when an event is first asked for: a second or two. An evening has less; of a rush older minutes are left
# out rather than shown too small.
ENTRIES_MAX: Final = 100_000
_MARKERS_MAX: Final = 500
_PAGE: Final = 2_000
_MINUTE_US: Final = 60_000_000
_TAKEN: Final = frozenset({"order.refunded", "order.cancelled", "refund.matched", "order.disputed", "dispute.closed"})


class Minute:
    """Money in minor units."""

    __slots__ = ("gross", "orders", "taken", "units", "viewers")

    def __init__(self) -> None:
        self.gross = self.orders = self.units = self.taken = 0
        self.viewers: int | None = None


class Minutes:
    """The fold: from the minute ``since`` on, at ``position``. Times in microseconds since the epoch."""

    def __init__(self, position: int, since: int, is_cut: bool, is_final: bool) -> None:
        self.position = position
        self.since = since
        # Older minutes hold more entries than are read.
        self.is_cut = is_cut
        self.minutes: dict[int, Minute] = {}
        self.markers: deque[dict[str, Any]] = deque(maxlen=_MARKERS_MAX)
        self._is_final = is_final

    def extend(self, entries: Sequence[Entry]) -> None:
        """Fold entries in their order; those already known are passed over."""
        for entry in entries:
            if entry.position > self.position:
                self.position = entry.position
                self._apply(entry)
        if len(self.minutes) > 2 * MINUTES_MAX:
            first = max(self.minutes) - MINUTES_MAX * _MINUTE_US
            self.minutes = {at: minute for at, minute in self.minutes.items() if at > first}
            self.since = max(self.since, first)

    def _apply(self, entry: Entry) -> None:
        content = entry.content
        if (label := label_of(entry.kind, content)) is not None:
            kind, text = label
            self.markers.append({"at": entry.recorded_at, "kind": kind, "label": text, "position": entry.position})
        if entry.kind == "event.moved":
            self._is_final = content["to"] == "final"
        elif entry.kind == "viewers.sampled" and not content["fact"].get("session"):
            self._minute(content["fact"]["minute"]).viewers = content["fact"]["viewers"]
        elif self._is_final or content.get("parked") or content.get("late"):
            return
        elif entry.kind == "order.paid":
            minute = self._minute(entry.recorded_at)
            minute.orders += 1
            minute.gross += sum(credit["amount"] for credit in content["credits"])
            minute.units += sum(credit["units"] for credit in content["credits"])
        elif entry.kind in _TAKEN and content.get("outcome") != "lost" and not content.get("pending"):
            # A dispute that is won gives back.
            step = -1 if "outcome" in content else 1
            sales = (share["amount"] for share in content["shares"] if share["of"] == "sale")
            self._minute(entry.recorded_at).taken += step * sum(sales)

    def _minute(self, at: int) -> Minute:
        begin = at - at % _MINUTE_US
        minute = self.minutes.get(begin)
        if minute is None:
            minute = self.minutes[begin] = Minute()
        return minute


def label_of(kind: str, content: Mapping[str, Any]) -> tuple[str, str] | None:
    """Kind and text of the marker that an entry leaves on a chart, if it leaves one."""
    match kind:
        case "product.pinned":
            return "pin", content["sku"]
        case "product.unpinned":
            return "unpin", content["sku"]
        case "offer.started":
            return "offer", content["sku"]
        case "offer.ended":
            return "offer", f"{content['id']} ended"
        case "event.moved":
            return "transition", content["to"]
        case "announcement.made" if not content.get("withdrawn"):
            return "announcement", content["text"]
        case "goal.set" if not content.get("ended"):
            return "goal", content["title"]
    return None


class Timeline:
    """The minutes of all open events that somebody asked for. ``clock`` in microseconds since the epoch."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        # Gone with the event.
        self._known: WeakKeyDictionary[OpenEvent, Minutes] = WeakKeyDictionary()
        # Of many who ask at once one reads.
        self._reading: WeakKeyDictionary[OpenEvent, asyncio.Lock] = WeakKeyDictionary()

    def extend(self, event: OpenEvent, entries: Sequence[Entry]) -> None:
        """Entries were folded into an event."""
        if (minutes := self._known.get(event)) is not None:
            minutes.extend(entries)

    async def of(self, event: OpenEvent, last: int) -> dict[str, Any]:
        """The last so many minutes, the one that runs included; of an event that is over those before its end.

        Shape: every minute from the first that is known whole, also those in which nothing came; ``viewers`` is
        ``null`` for a minute of which nobody has counted any.
        Errors: Unavailable if the database cannot be asked.
        """
        state = event.state
        is_over = state.status in ("ended", "final")
        now = state.entered_at if is_over else max(self._clock(), event.head.recorded_at)
        until = now - now % _MINUTE_US
        since = until - (last - 1) * _MINUTE_US
        minutes = await self._minutes(event, since)
        first = max(since, minutes.since)
        nothing = Minute()
        return {
            "event": event.head.event,
            "unit": state.currency,
            "position": event.head.position,
            "minutes": [
                _document(at, minutes.minutes.get(at, nothing), state.exponent)
                for at in range(first, until + 1, _MINUTE_US)
            ],
            "markers": [
                marker | {"at": rfc3339(marker["at"])}
                for marker in minutes.markers
                if first <= marker["at"] < until + _MINUTE_US
            ],
        }

    async def _minutes(self, event: OpenEvent, since: int) -> Minutes:
        """Those of an event from a minute on, at its head."""
        async with self._reading.setdefault(event, asyncio.Lock()):
            known = self._known.get(event)
            if known is None or (since < known.since and not known.is_cut):
                known = self._known[event] = await self._read(event, since)
            return known

    async def _read(self, event: OpenEvent, since: int) -> Minutes:
        """Nothing waits between its last look at the head and its end, so that no entry is missed."""
        position, begins_at = await self._first(event, since)
        is_cut = begins_at > since
        # The rest of the minute in which it begins is not read.
        begin = begins_at - begins_at % _MINUTE_US + _MINUTE_US if is_cut else since
        is_final = event.state.status == "final" and event.state.entered_at < begins_at
        minutes = Minutes(position, begin, is_cut, is_final)
        while minutes.position < event.head.position:
            page = await self._store.read(event.head.event, minutes.position, _PAGE)
            # Not what other processes appended that is not folded here yet: it is told when it is.
            minutes.extend([entry for entry in page if entry.position <= event.head.position])
        return minutes

    async def _first(self, event: OpenEvent, since: int) -> tuple[int, int]:
        """Behind which position to read, and from which time on everything is there then."""
        name, high = event.head.event, event.head.position
        low = max(0, high - ENTRIES_MAX)
        if low and (entry := (await self._store.read(name, low, 1))[0]).recorded_at >= since:
            return low, entry.recorded_at
        # Positions and times rise together.
        while low < high:
            middle = (low + high) // 2
            if (await self._store.read(name, middle, 1))[0].recorded_at < since:
                low = middle + 1
            else:
                high = middle
        return low, since


def _document(at: int, minute: Minute, exponent: int) -> dict[str, Any]:
    return {
        "at": rfc3339(at),
        "gross_sales": format_amount(minute.gross, exponent),
        "orders": minute.orders,
        "units": minute.units,
        "refunds": format_amount(minute.taken, exponent),
        "viewers": minute.viewers,
    }


def now() -> int:
    """Microseconds since the epoch, of this machine."""
    return time.time_ns() // 1000
