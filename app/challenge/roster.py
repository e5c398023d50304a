"""Teams, stores and hosts of an event, with memberships that hold from a time on. Pure.

A change is a whole host record; the roster keeps every membership, so the team in force at any time can be asked.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from msgspec import Struct, field

from app.errors import AppError, Conflict, Invalid
from app.sales.nobody import HOUSE

STATUSES = ("active", "hidden", "guest", "banned")
CHANGES_PER_ENTRY_MAX = 1_000


class Host(Struct, frozen=True):
    """One host. ``memberships`` are (from, team), ascending: each holds until the next one begins.

    Defaults are encoded too: left out, they are told from equal text by identity, and a stored state would
    depend on whether it was folded live or from the database.
    """

    id: str
    memberships: tuple[tuple[int, str], ...] = ()
    person: str = ""
    store: str = ""
    segment: str = ""
    status: str = "active"
    codes: tuple[str, ...] = ()
    commission_bps: int = 0

    def team_at(self, at: int) -> str:
        """Team in force at a time, "" if none was."""
        team = ""
        for since, name in self.memberships:
            if since > at:
                break
            team = name
        return team

    @property
    def team(self) -> str:
        """The team that was joined last."""
        return self.memberships[-1][1] if self.memberships else ""


class Roster(Struct):
    """All of an event's teams, stores and hosts by id; ``codes`` leads from a code, upper case, to its host."""

    version: int = 0
    teams: dict[str, None] = field(default_factory=dict)
    stores: dict[str, None] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    # Who the hosts are, of those of whom it was said.
    persons: dict[str, None] = field(default_factory=dict)


class Previewed(NamedTuple):
    """A host as it is and as it would be; the same if nothing changes; or why the change would be refused."""

    before: Host | None
    after: Host | None
    error: AppError | None


def changes(roster: Roster, given: dict[str, Any], starts_at: int, now: int) -> list[dict[str, Any]]:
    """Bodies of the ``roster.changed`` entries that turn this roster into the given one; [] if nothing changes.

    Shape: ``given`` has ``teams`` and ``stores`` (ids) and ``hosts`` (records with ``id`` and what to change; what
    a record leaves out stays); ``named_teams``, ``named_stores`` and ``named_hosts``, if there, are ids whose profile
    is another now. Bodies have the same members, at most 1,000 changes each.
    Errors: Invalid ``unknown_team``, ``unknown_store``, ``host_id_reserved``; Conflict ``code_taken``.
    """
    teams = [team for team in dict.fromkeys(given["teams"]) if team not in roster.teams]
    stores = [store for store in dict.fromkeys(given["stores"]) if store not in roster.stores]
    known_teams = roster.teams.keys() | set(teams)
    known_stores = roster.stores.keys() | set(stores)
    hosts = []
    for number, record in enumerate(given["hosts"]):
        _check_host(record, f"hosts[{number}]", known_teams, known_stores)
        change = _host_change(roster.hosts.get(record["id"]), record, starts_at, now)
        if change is not None:
            hosts.append(change)
    for error in _conflicts(roster, hosts).values():
        raise error
    return _bodies({"teams": teams, "stores": stores, "hosts": hosts} | _named(roster, given))


def preview(roster: Roster, given: dict[str, Any], starts_at: int, now: int) -> list[Previewed]:
    """What ``changes`` would do to each host, and why it would refuse one. Shape: one for each host given, in order."""
    known_teams = roster.teams.keys() | set(given["teams"])
    known_stores = roster.stores.keys() | set(given["stores"])
    errors: dict[int, AppError] = {}
    changed: dict[int, dict[str, Any]] = {}
    seen: set[str] = set()
    for number, record in enumerate(given["hosts"]):
        where = f"hosts[{number}]"
        try:
            _check_host(record, where, known_teams, known_stores)
            check_once(record["id"], seen, where)
        except AppError as error:
            errors[number] = error
            continue
        change = _host_change(roster.hosts.get(record["id"]), record, starts_at, now)
        if change is not None:
            changed[number] = change
    numbers = list(changed)
    errors |= {numbers[place]: taken for place, taken in _conflicts(roster, list(changed.values())).items()}
    befores = [roster.hosts.get(record["id"]) for record in given["hosts"]]
    return [
        Previewed(
            before,
            _with(before or Host(changed[number]["id"]), changed[number]) if number in changed else before,
            errors.get(number),
        )
        for number, before in enumerate(befores)
    ]


def check_once(host: str, seen: set[str], where: str) -> None:
    """Remember a host that came. Errors: Invalid ``host_repeated``."""
    if host in seen:
        raise Invalid("host_repeated", f"The host {host!r} is in the list twice.", f"{where}.id")
    seen.add(host)


def _check_host(record: dict[str, Any], where: str, teams: Collection[str], stores: Collection[str]) -> None:
    if record["id"] == HOUSE:
        raise Invalid("host_id_reserved", f"{record['id']!r} stands for nobody; choose another id.", f"{where}.id")
    if record.get("team") and record["team"] not in teams:
        raise Invalid("unknown_team", f"There is no team {record['team']!r}; send it under teams.", f"{where}.team")
    if record.get("store") and record["store"] not in stores:
        raise Invalid(
            "unknown_store", f"There is no store {record['store']!r}; send it under stores.", f"{where}.store"
        )


def _named(roster: Roster, given: dict[str, Any]) -> dict[str, list[str]]:
    """Whose name, picture or link changed, of those that are in the roster: new ones tell of themselves."""
    known: dict[str, Collection[str]] = {"teams": roster.teams, "stores": roster.stores, "hosts": roster.hosts}
    return {f"named_{kind}": [i for i in given.get(f"named_{kind}", ()) if i in ids] for kind, ids in known.items()}


def _host_change(before: Host | None, record: dict[str, Any], starts_at: int, now: int) -> dict[str, Any] | None:
    kept = before or Host(record["id"])
    change: dict[str, Any] = {
        "id": kept.id,
        "person": record.get("person", kept.person),
        "store": record.get("store", kept.store),
        "segment": record.get("segment", kept.segment),
        "status": record.get("status", kept.status),
        "codes": list(record.get("codes", kept.codes)),
        "commission_bps": record.get("commission_bps", kept.commission_bps),
    }
    # Before the event starts a change holds from the start on: from now on, the old membership would take over there.
    since = record.get("from", starts_at if before is None else max(now, starts_at))
    if "team" in record and (before is None or record["team"] != kept.team_at(since)):
        change["team"] = record["team"]
        change["from"] = since
    elif before is not None and _with(before, change) == before:
        return None
    return change


def _conflicts(roster: Roster, hosts: list[dict[str, Any]]) -> dict[int, AppError]:
    """Each code has one owner after the change; what changing hosts give up is free for the others.

    Shape: Conflict ``code_taken`` by the place of a change, where it is not so.
    """
    changing = {change["id"] for change in hosts}
    owners = {code: owner for code, owner in roster.codes.items() if owner not in changing}
    errors: dict[int, AppError] = {}
    for place, change in enumerate(hosts):
        for code in change["codes"]:
            owner = owners.setdefault(code.upper(), change["id"])
            if owner != change["id"]:
                error = Conflict("code_taken", f"The code {code!r} belongs to the host {owner!r}.", "hosts")
                errors.setdefault(place, error)
    return errors


def _bodies(listed: dict[str, list[Any]]) -> list[dict[str, Any]]:
    everything = [(name, item) for name, items in listed.items() for item in items]
    bodies = []
    for start in range(0, len(everything), CHANGES_PER_ENTRY_MAX):
        body: dict[str, Any] = {}
        for name, item in everything[start : start + CHANGES_PER_ENTRY_MAX]:
            body.setdefault(name, []).append(item)
        bodies.append(body)
    return bodies


def _with(before: Host, change: dict[str, Any]) -> Host:
    memberships = before.memberships
    if "from" in change:
        since = change["from"]
        kept = tuple(membership for membership in memberships if membership[0] != since)
        memberships = tuple(sorted((*kept, (since, change["team"]))))
    return Host(
        id=before.id,
        memberships=memberships,
        person=change["person"],
        store=change["store"],
        segment=change["segment"],
        status=change["status"],
        codes=tuple(change["codes"]),
        commission_bps=change["commission_bps"],
    )


def changed(roster: Roster, body: Mapping[str, Any]) -> Roster:
    """The roster after a ``roster.changed`` entry; the one given is left as it is."""
    hosts, codes = dict(roster.hosts), dict(roster.codes)
    for change in body.get("hosts", ()):
        before = hosts.get(change["id"]) or Host(change["id"])
        for code in before.codes:
            if codes.get(code.upper()) == before.id:
                del codes[code.upper()]
        hosts[change["id"]] = _with(before, change)
        for code in change["codes"]:
            codes[code.upper()] = change["id"]
    return Roster(
        version=roster.version + 1,
        teams=roster.teams | dict.fromkeys(body.get("teams", ())),
        stores=roster.stores | dict.fromkeys(body.get("stores", ())),
        hosts=hosts,
        codes=codes,
        persons=dict.fromkeys(host.person for host in hosts.values() if host.person),
    )
