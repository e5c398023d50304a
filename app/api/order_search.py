"""Orders of an event, found without an index of their own: by what every journal has, and so much of it at a time.

Three ways: the newest entries of their kind; what was booked on a host's accounts; and the keys of entries, which lie
in order, for the beginning of an id. Each reads a bounded part per call and says where the next one goes on.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from app.api.paging import cursor_unknown
from app.events import IDENTIFIER, OpenEvent
from app.feed_documents import Names
from app.journal.entry import Entry
from app.journal.store import Booked, Store
from app.sales.facts import order_key
from app.sales.money import format_amount
from app.sales.nobody import NO_TEAM
from app.sales.postings import sales
from app.sales.rates import valued
from app.sales.remaining import Remaining, remaining_of
from app.sales.times import rfc3339

# Positions that the first look of a call goes through at worst, and the later ones, and how many looks there are.
# Orders mostly lie close together, and of a table that was never analysed PostgreSQL sorts the whole range.
_SPAN_FIRST: Final = 500
_SPAN: Final = 20_000
_LOOKS_MAX: Final = 10
# Keys, of all events, that one look and one call go through.
_KEYS: Final = 2_000
_KEYS_MAX: Final = 20_000
_SOURCES_MAX: Final = 200
_ID = re.compile(r"[!-~]{1,100}")
# Ids are printable ASCII: what lies behind all that begin alike, and right behind one.
_LAST, _NEXT = "\x7f", "\x01"


@dataclass(frozen=True, slots=True)
class Found:
    """An order, and how it stands."""

    paid: Entry
    remaining: Remaining

    @property
    def hosts(self) -> list[str]:
        """Who is credited now, each once; House is nobody's id."""
        return list(dict.fromkeys(host for host, _ in self.remaining.sellers))

    def began_with(self, host: str) -> bool:
        return any(credit["host"] == host for credit in self.paid.content["credits"])


def row(found: Found, event: OpenEvent, names: Names) -> dict[str, Any]:
    """An order as a list shows it. Units: ``total`` in the event's currency."""
    fact = found.paid.content["fact"]
    _, source, order = found.paid.key.split(":", 2)
    first = fact["lines"][0]
    named = names.get("host", {})
    return {
        "order": order,
        "source": source,
        "position": found.paid.position,
        "paid_at": rfc3339(fact["paid_at"]),
        "total": format_amount(found.remaining.worth, event.state.exponent),
        "currency": valued(found.paid.content)["currency"],
        "status": found.remaining.status,
        "hosts": [{"id": host, "name": named.get(host, {}).get("name", host)} for host in found.hosts],
        "title": first.get("title") or first.get("sku", ""),
        "lines": len(fact["lines"]),
    }


async def page(
    store: Store, event: OpenEvent, query: str, host: str, after: str, limit: int
) -> tuple[list[Found], str]:
    """At most ``limit`` orders behind ``after``, and what the next page is behind, "" if there is none.

    Errors: Invalid ``cursor_unknown``; Unavailable if the database cannot be asked.
    """
    way, _, behind = after.partition(":")
    if after and way != ("key" if query else "position"):
        raise cursor_unknown()
    if (host and not IDENTIFIER.fullmatch(host)) or (query and not _ID.fullmatch(query)):
        return [], ""
    if query:
        if after and not re.fullmatch("[!-~]{1,200}", behind):
            raise cursor_unknown()
        return await _by_id(store, event, query, host, behind, limit)
    if after and not re.fullmatch("[0-9]{1,18}", behind):
        raise cursor_unknown()
    before = int(behind) if after else event.head.position + 1
    return await _newest(store, event, host, before, limit)


async def _newest(store: Store, event: OpenEvent, host: str, before: int, limit: int) -> tuple[list[Found], str]:
    accounts = _accounts(event, host) if host else []
    found: list[Found] = []
    for look in range(_LOOKS_MAX):
        after = max(0, before - 1 - min(_SPAN, _SPAN_FIRST * 4**look))
        wanted = limit - len(found)
        if host:
            booked = await store.booked(event.head.event, accounts, after, before, wanted)
            read, last = len(booked), booked[-1].position if booked else 0
            orders = await _brought(store, event, host, booked)
        else:
            entries = await store.newest(event.head.event, "order.paid", after, before, wanted)
            read, last = len(entries), entries[-1].position if entries else 0
            orders = await _found(store, event, [entry.key for entry in entries])
        found += orders
        # As many as were asked for: there may be more in the same range.
        before = last if read == wanted else after + 1
        if before <= 1:
            return found, ""
        if len(found) == limit:
            break
    return found, f"position:{before}"


async def _brought(store: Store, event: OpenEvent, host: str, booked: Sequence[Booked]) -> list[Found]:
    """Those of a host among the orders that were paid or corrected there."""
    paid = dict.fromkeys(one.key for one in booked if one.kind == "order.paid")
    corrected = [one.about for one in booked if one.kind == "order.reattributed" and one.about]
    return [
        found
        for found in await _found(store, event, [*paid, *(key for key in dict.fromkeys(corrected) if key not in paid)])
        # One that was the host's from the beginning is found where it was paid.
        if host in found.hosts and (found.paid.key in paid or not found.began_with(host))
    ]


def _batched(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """So many of them at a time, in their order."""
    left = iter(keys)
    while some := list(islice(left, size)):
        yield some


def _accounts(event: OpenEvent, host: str) -> list[str]:
    """Every account that sales of a host can be booked on: it may have been in any team."""
    return list(dict.fromkeys(sales(host, team) for team in (NO_TEAM, *event.state.roster.teams)))


async def _by_id(
    store: Store, event: OpenEvent, prefix: str, host: str, after: str, limit: int
) -> tuple[list[Found], str]:
    name, found = event.head.event, list[Found]()
    low, read = after + _NEXT if after else order_key("", "")[:-1], 0
    for _ in range(_SOURCES_MAX):
        # Whatever source comes next, of whatever event: what lies between is jumped over.
        probe = await store.keys(low, "order;", 1)
        if not probe:
            return found, ""
        source = probe[0][0].split(":", 2)[1]
        begin = order_key(source, prefix)
        low, end = max(low, begin), begin + _LAST
        while low < end:
            page = await store.keys(low, end, _KEYS)
            read += len(page)
            if not page:
                break
            # Of the last key other events' may have filled the page before ours.
            keys = dict.fromkeys(key for key, owner in page if owner == name)
            keys[page[-1][0]] = None
            for some in _batched(keys, limit):
                for one in await _found(store, event, some):
                    if len(found) == limit:
                        return found, f"key:{found[-1].paid.key}"
                    if not host or host in one.hosts:
                        found.append(one)
            low = page[-1][0] + _NEXT
            if read >= _KEYS_MAX:
                return found, f"key:{page[-1][0]}"
        low = f"order:{source};"
    return found, f"key:{low}"


async def _found(store: Store, event: OpenEvent, keys: Sequence[str]) -> list[Found]:
    """The orders of these keys that the event has, in this order, as they stand."""
    by_order: dict[str, list[Entry]] = {key: [] for key in keys}
    for entry in await store.lookup(event.head.event, keys, keys) if keys else ():
        about = entry.key if entry.key in by_order else entry.content.get("about", "")
        if about in by_order:
            by_order[about].append(entry)
    return [found for entries in by_order.values() if (found := _as_found(entries)) is not None]


def _as_found(entries: Sequence[Entry]) -> Found | None:
    paid = next((entry for entry in entries if entry.kind == "order.paid"), None)
    remaining = remaining_of((entry.kind, entry.key, entry.content) for entry in entries)
    return Found(paid, remaining) if paid is not None and remaining is not None else None
