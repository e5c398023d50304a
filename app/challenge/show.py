"""What is on air: sessions with the hosts who join and leave them, products pinned in them, offers. Pure.

Everything here holds ``[from, until)`` in microseconds. What is given is never edited: each change is another value.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

# Until it is said when a thing ends: later than any time.
OPEN = 1 << 62
_SECOND_US = 1_000_000

Hosts = tuple[tuple[str, int], ...]


class Session(Struct, frozen=True, omit_defaults=True):
    """One stretch on air, ``[started_at, ended_at)``; ``ended_at`` 0 while it lasts.

    Shape: ``hosts`` are (id, weight) of those who are in it by now; ``earlier`` the lists that held before, each
    with the time until which it did, ascending.
    """

    id: str
    hosts: Hosts
    started_at: int
    ended_at: int = 0
    earlier: tuple[tuple[int, Hosts], ...] = ()

    def hosts_at(self, at: int) -> Hosts:
        """Who is in it at a time; before it began the first, after it ended the last."""
        for until, hosts in self.earlier:
            if at < until:
                return hosts
        return self.hosts

    def air_seconds(self, at: int) -> list[tuple[str, int]]:
        """How long each host was on air up to a time, whole seconds, by id; nobody with nothing."""
        since, on_air = self.started_at, dict[str, int]()
        end = min(at, self.ended_at or at)
        for until, hosts in (*self.earlier, (end, self.hosts)):
            for host, _ in hosts:
                on_air[host] = on_air.get(host, 0) + max(0, min(until, end) - since)
            since = until
        return [(host, passed // _SECOND_US) for host, passed in sorted(on_air.items()) if passed >= _SECOND_US]

    def changed(self, hosts: Hosts, at: int) -> "Session":
        """The same session with other hosts from a time on."""
        return replace(self, hosts=hosts, earlier=(*self.earlier, (at, self.hosts)))


class Pin(Struct, frozen=True):
    """A product shown in a session. ``reach`` is the latest ``until`` of it and of the pins before it in its list."""

    session: str
    pinned_at: int
    until: int
    reach: int


class Shown(Struct, frozen=True, omit_defaults=True):
    """A product that is pinned now, with what is said of it beside its ``sku``. Units: ``price`` in minor units."""

    sku: str
    pinned_at: int
    title: str = ""
    price: int | None = None
    image: str = ""
    code: str = ""


class Offer(Struct, frozen=True):
    """A price for a product, in one session or (``session`` "") in the event. Units: ``price`` in minor units."""

    id: str
    session: str
    sku: str
    price: int
    starts_at: int
    ends_at: int


def shares_in(session: Session, at: int, split: str) -> Hosts | list[tuple[str, int]]:
    """Hosts and weights by which they share what the session sells at a time.

    ``weights``: those who are in it then, by their weights; ``equal``: the same people, equally; ``air_time``: all who
    were on air up to then, by seconds, or by weights if nobody was for a second.
    """
    if split == "air_time" and (seconds := session.air_seconds(at)):
        return seconds
    hosts = session.hosts_at(at)
    return [(host, 1) for host, _ in hosts] if split == "equal" else hosts


def pinned(pins: tuple[Pin, ...], session: str, at: int, ended_at: int) -> tuple[Pin, ...]:
    """A product's pins with one more, which holds until it is taken off; or its session's end, if that is known."""
    return _ordered((*pins, Pin(session, at, ended_at or OPEN, 0)))


def unpinned(pins: tuple[Pin, ...], session: str, at: int) -> tuple[Pin, ...]:
    """A product's pins after a session took it off."""
    return _ordered(replace(pin, until=at) if pin.session == session and pin.until == OPEN else pin for pin in pins)


def pins_at(pins: tuple[Pin, ...], sessions: Mapping[str, Session], at: int, most: int) -> list[Pin]:
    """The pins of a product that hold at a time in sessions that are on air then: the latest first, one a session.

    Shape: at most ``most``, and besides them all that are as late as the first.
    """
    found: dict[str, Pin] = {}
    latest = 0
    for place in range(bisect_right(pins, at, key=_pinned_at) - 1, -1, -1):
        pin = pins[place]
        # Earlier ones ended as well: a product that was pinned every night for a month is not gone through.
        if pin.reach <= at:
            break
        session = sessions[pin.session]
        if at >= pin.until or at < session.started_at or (session.ended_at and at >= session.ended_at):
            continue
        if len(found) >= most and pin.pinned_at != latest:
            break
        latest = max(latest, pin.pinned_at)
        found.setdefault(pin.session, pin)
    return list(found.values())


def _ordered(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    reach, ordered = 0, []
    for pin in sorted(pins, key=lambda pin: (pin.pinned_at, pin.session)):
        reach = max(reach, pin.until)
        ordered.append(replace(pin, reach=reach))
    return tuple(ordered)


def _pinned_at(pin: Pin) -> int:
    return pin.pinned_at
