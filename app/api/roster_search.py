"""Hosts, teams and stores of a roster, found by any part of what they are called, in pages.

Texts are compared as people type them: case does not count, nor do the accents of Latin, Greek and Cyrillic letters or
the width of letters and digits. Every word of a query has to be in one of a row's texts.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from app.api.paging import cursor_unknown, next_cursor, offset_of
from app.challenge.roster import Host, Roster
from app.errors import Invalid
from app.feed_documents import Names
from app.sales.times import rfc3339

Kind = Literal["hosts", "teams", "stores"]
LIMIT_MAX: Final = 200
# Events whose texts are kept: 10,000 hosts are some 5 MB.
_EVENTS_MAX: Final = 20
# What a row is ordered by is cut there, so that a cursor stays short; those that begin alike are ordered by id.
_ORDERED_BY: Final = 40
_ACCENTS = re.compile("[\u0300-\u036f]+")


@dataclass(frozen=True, slots=True)
class _Row:
    """What is asked of one host, team or store. ``said`` are all its texts, folded; ``hosts`` is 0 for a host."""

    id: str
    name: str
    said: str
    team: str = ""
    store: str = ""
    status: str = ""
    commission_bps: int = 0
    hosts: int = 0


@dataclass(frozen=True, slots=True)
class _Texts:
    """An event's rows, and of what they were made."""

    roster: Roster
    names: Names
    rows: Mapping[Kind, Sequence[_Row]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page of which list. ``sort`` is a column, behind a ``-`` downwards; "" has what fits best come first."""

    list: Kind
    query: str
    sort: str
    limit: int
    cursor: str
    sees_pay: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Ids in their order, how many were found in all, and the cursor's member if more follow."""

    ids: list[str]
    found: int
    cursor: dict[str, str]


_Key = tuple[int | str, str, str]
_SORTS: Final[dict[str, Callable[[_Row], int | str]]] = {
    "name": lambda row: "",
    "id": lambda row: row.id,
    "team": lambda row: row.team,
    "store": lambda row: row.store,
    "status": lambda row: row.status,
    "commission_bps": lambda row: row.commission_bps,
    "hosts": lambda row: row.hosts,
}
_OF_HOSTS: Final = ("name", "id", "team", "store", "status")
_OF_GROUPS: Final = ("name", "id", "hosts")


class RosterSearch:
    """Answers pages of rosters; keeps the texts of those asked for last, as long as they are the same."""

    def __init__(self) -> None:
        self._events: dict[str, _Texts] = {}

    def page(self, event: str, roster: Roster, names: Names, asked: Asked) -> Page:
        """Errors: Invalid ``sort_unknown``, ``cursor_unknown``."""
        column, is_down = asked.sort.removeprefix("-"), asked.sort.startswith("-")
        _check(column, asked)
        words = folded(asked.query).split()
        rows = [row for row in self._rows(event, roster, names)[asked.list] if all(word in row.said for word in words)]
        of = _SORTS[column] if column else _fit(asked.query.strip(), words)
        keyed = sorted(((of(row), row.name, row.id) for row in rows), reverse=is_down)
        if asked.cursor:
            after = _key(asked.cursor, keyed)
            keyed = [key for key in keyed if (key < after if is_down else key > after)]
        shown = keyed[: asked.limit]
        last = orjson.dumps(shown[-1]).decode() if len(keyed) > asked.limit else ""
        return Page([key[2] for key in shown], len(rows), next_cursor(last))

    def _rows(self, event: str, roster: Roster, names: Names) -> Mapping[Kind, Sequence[_Row]]:
        held = self._events.pop(event, None)
        # Names are read again every few seconds, and mostly are what they were.
        if held is None or held.roster is not roster or (held.names is not names and held.names != names):
            held = _Texts(roster, names, _rows(roster, names))
        self._events[event] = held
        while len(self._events) > _EVENTS_MAX:
            del self._events[next(iter(self._events))]
        return held.rows


def folded(text: str) -> str:
    """A text as it is compared: "JOSÉ" and "jose" are the same."""
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", bare.casefold())


def host_document(host: Host, names: Names, sees_pay: bool) -> dict[str, Any]:
    """A host as it stands, with every membership."""
    return {
        "id": host.id,
        **names.get("host", {}).get(host.id, {}),
        "team": host.team,
        "store": host.store,
        "segment": host.segment,
        "status": host.status,
        "codes": list(host.codes),
        **({"commission_bps": host.commission_bps} if sees_pay else {}),
        "memberships": [{"from": rfc3339(since), "team": team} for since, team in host.memberships],
    }


def group_documents(kind: str, ids: Iterable[str], names: Names) -> list[dict[str, Any]]:
    """Teams or stores, each with what it is called."""
    called = names.get(kind, {})
    return [{"id": identity, **called.get(identity, {})} for identity in ids]


def document(roster: Roster, names: Names, asked: Asked, page: Page) -> dict[str, Any]:
    """A page: hosts with the teams and stores that they name; teams or stores with how many hosts they have."""
    listed: dict[str, list[dict[str, Any]]] = {"hosts": [], "teams": [], "stores": []}
    if asked.list == "hosts":
        hosts = [roster.hosts[host] for host in page.ids]
        teams = dict.fromkeys(team for host in hosts for _, team in host.memberships if team)
        stores = dict.fromkeys(host.store for host in hosts if host.store)
        listed["hosts"] = [host_document(host, names, asked.sees_pay) for host in hosts]
        listed["teams"] = group_documents("team", teams, names)
        listed["stores"] = group_documents("store", stores, names)
    else:
        kind = asked.list[:-1]
        sizes = Counter(getattr(host, kind) for host in roster.hosts.values())
        listed[asked.list] = [group | {"hosts": sizes[group["id"]]} for group in group_documents(kind, page.ids, names)]
    totals = {"hosts": len(roster.hosts), "teams": len(roster.teams), "stores": len(roster.stores)}
    return {"totals": totals, "found": page.found, **listed, **page.cursor}


def _check(column: str, asked: Asked) -> None:
    known = _OF_GROUPS if asked.list != "hosts" else (*_OF_HOSTS, *(("commission_bps",) if asked.sees_pay else ()))
    if column not in known and asked.sort:
        raise Invalid("sort_unknown", f"The {asked.list} can be sorted by {', '.join(known)}.", "sort")


def _rows(roster: Roster, names: Names) -> dict[Kind, Sequence[_Row]]:
    teams = {team: _named(names, "team", team) for team in roster.teams}
    stores = {store: _named(names, "store", store) for store in roster.stores}
    hosts = []
    for host in roster.hosts.values():
        name, team, store = _named(names, "host", host.id), teams.get(host.team, ""), stores.get(host.store, "")
        texts = (host.id, name, host.team, team, host.store, store, host.segment, host.status, *host.codes)
        at = (_cut(name), folded("\n".join(texts)), _cut(team), _cut(host.store), host.status, host.commission_bps)
        hosts.append(_Row(host.id, *at))
    return {
        "hosts": hosts,
        "teams": _group_rows(teams, Counter(host.team for host in roster.hosts.values())),
        "stores": _group_rows(stores, Counter(host.store for host in roster.hosts.values())),
    }


def _group_rows(named: Mapping[str, str], sizes: Mapping[str, int]) -> list[_Row]:
    return [_Row(i, _cut(name), folded(f"{i}\n{name}"), hosts=sizes.get(i, 0)) for i, name in named.items()]


def _named(names: Names, kind: str, identity: str) -> str:
    return names.get(kind, {}).get(identity, {}).get("name", identity)


def _cut(text: str) -> str:
    return folded(text)[:_ORDERED_BY]


def _fit(query: str, words: Sequence[str]) -> Callable[[_Row], int]:
    """The one with this very id, then those whose id or name begins so, then the others."""

    def fit(row: _Row) -> int:
        if row.id == query:
            return 0
        begins = words and (row.name.startswith(words[0]) or row.id.lower().startswith(words[0]))
        return 1 if begins else 2

    return fit


def _key(cursor: str, keyed: Sequence[_Key]) -> _Key:
    try:
        read = orjson.loads(offset_of(cursor))
        first, name, identity = read
    except (ValueError, TypeError):
        raise cursor_unknown() from None
    kind = type(keyed[0][0]) if keyed else type(first)
    if not isinstance(first, kind) or not isinstance(name, str) or not isinstance(identity, str):
        raise cursor_unknown()
    return first, name, identity
