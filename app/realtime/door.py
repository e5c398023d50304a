"""Who may open a connection of the stream at all: asked before its token is looked at.

Counts connections by address, and handshakes by a budget per address. What is remembered is bounded: the addresses that
have a connection, and a number of those that had one last.
"""

import ipaddress
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from app.errors import Forbidden, TooMany, Unavailable
from app.realtime.budget import Budget

ANY_ORIGIN: Final = "*"
# Files left for everything that is no connection of the stream: database, listener, logs, calls of the API.
FILES_RESERVED: Final = 256
# Addresses without a connection that are remembered for their budget: some 300 bytes each.
_IDLE_ADDRESSES_MAX: Final = 20_000
# Whoever has one IPv6 address has all those that begin like it.
_IPV6_PREFIX_BITS: Final = 64
_RETRY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """``connections_max`` 0: as many as the process may open files, less a reserve.

    ``origins``: as a browser sends them (`https://example.com`), in small letters; `*` lets in any.
    """

    connections_max: int = 0
    connections_per_address_max: int = 25_000
    handshakes_per_second_max: int = 2_500
    origins: frozenset[str] = frozenset({ANY_ORIGIN})


class Place:
    """What is known of an address. ``open`` counts its connections."""

    __slots__ = ("address", "budget", "open")

    def __init__(self, address: str, budget: Budget) -> None:
        self.address = address
        self.budget = budget
        self.open = 0


class Door:
    """Of one process. ``clock`` in seconds; only rises."""

    def __init__(self, limits: DoorLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._connections_max = limits.connections_max or _files_max()
        self._clock = clock
        self._open: dict[str, Place] = {}
        # Those without a connection, longest first.
        self._idle: dict[str, Place] = {}
        self.connections = 0

    def enter(self, address: str, headers: Mapping[str, str]) -> Place:
        """Count one more connection; ``leave`` takes it back. An empty address is bounded only with all others.

        Errors: Forbidden ``origin_forbidden``; TooMany ``too_many_handshakes`` and ``too_many_connections``;
        Unavailable ``connections_full``.
        """
        self._check_origin(headers.get("origin"))
        now, limits = self._clock(), self._limits
        place = self._place(address_group(address), now)
        if place.address:
            if not place.budget.take(now):
                self._keep(place)
                raise TooMany("too_many_handshakes", "Your address connects too often; wait before you try again.")
            if place.open >= limits.connections_per_address_max:
                raise TooMany("too_many_connections", "Your address has too many connections open.", _RETRY_SECONDS)
        if self.connections >= self._connections_max:
            self._keep(place)
            raise Unavailable("connections_full", "This server holds as many connections as it can.", _RETRY_SECONDS)
        self.connections += 1
        place.open += 1
        self._idle.pop(place.address, None)
        self._open[place.address] = place
        return place

    def leave(self, place: Place) -> None:
        """A connection that entered has ended."""
        self.connections -= 1
        place.open -= 1
        self._keep(place)

    def cross_origin_headers(self, origin: str | None) -> dict[str, str]:
        """What lets a page of another origin read a response; that it may ask at all was decided before."""
        if origin is None:
            return {}
        if ANY_ORIGIN in self._limits.origins:
            return {"Access-Control-Allow-Origin": ANY_ORIGIN}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

    @property
    def addresses(self) -> int:
        """How many are remembered."""
        return len(self._open) + len(self._idle)

    def _check_origin(self, origin: str | None) -> None:
        # Programs send none; browsers cannot leave it out.
        if origin is None or ANY_ORIGIN in self._limits.origins or origin.lower() in self._limits.origins:
            return
        raise Forbidden("origin_forbidden", "Pages of this origin may not connect; KOS_ORIGINS_ALLOWED names those.")

    def _place(self, address: str, now: float) -> Place:
        place = self._open.get(address) or self._idle.get(address)
        if place is None:
            rate = self._limits.handshakes_per_second_max
            place = Place(address, Budget(rate, rate * 2, now))
        return place

    def _keep(self, place: Place) -> None:
        """Remember an address that has no connection, and forget who had none for longest."""
        if place.open:
            return
        self._open.pop(place.address, None)
        self._idle.pop(place.address, None)
        self._idle[place.address] = place
        if len(self._idle) > _IDLE_ADDRESSES_MAX:
            del self._idle[next(iter(self._idle))]


def address_group(address: str) -> str:
    """The address as it is counted: an IPv6 one by its network, one that is none by its first letters."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), _IPV6_PREFIX_BITS), strict=False).network_address)
    return address


def _files_max() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else max(soft - FILES_RESERVED, soft // 2)
