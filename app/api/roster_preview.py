"""What a roster would change, and what is wrong with it line by line; nothing is written."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.api.models import RosterBody
from app.api.roster_reading import Given, LineError, column_of
from app.challenge.roster import Host, Previewed
from app.sales.times import rfc3339

_MEMBERS = ("store", "segment", "status", "commission_bps")
_PROFILE = ("name", "picture", "link")


def preview(given: Given, hosts: Sequence[Previewed], profiles: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The answer. ``hosts`` says of each of the body's hosts what it becomes.

    Shape: a change names each member that becomes another one with its value before and after, ``null`` where there is
    none. Errors by line.
    """
    found = list(given.errors)
    changes = []
    counts = {"added": 0, "changed": 0, "unchanged": 0}
    for record, line, one in zip(given.body.hosts, given.lines, hosts, strict=True):
        if one.error is not None:
            # A code that is taken is refused as a matter of all hosts.
            column = "codes" if one.error.code == "code_taken" else column_of(one.error.field)
            found.append(LineError(line, column, one.error))
            continue
        fields = _fields(one, record.model_dump(include=set(_PROFILE), exclude_none=True), profiles.get(record.id, {}))
        what = "added" if one.before is None else "changed" if fields else "unchanged"
        counts[what] += 1
        if fields or what == "added":
            changes.append({"id": record.id, "line": line, "what": what, "fields": fields})
    found.sort(key=lambda one: one.line)
    return {
        "changes": changes,
        "counts": counts,
        "errors": [
            {"line": line, "field": field, "code": error.code, "detail": error.detail} for line, field, error in found
        ],
    }


def new_groups(body: RosterBody, teams: Mapping[str, Any], stores: Mapping[str, Any]) -> dict[str, list[str]]:
    """Teams and stores that come into being."""
    return {
        "new_teams": [team for team in dict.fromkeys(team.id for team in body.teams) if team not in teams],
        "new_stores": [store for store in dict.fromkeys(store.id for store in body.stores) if store not in stores],
    }


def _fields(one: Previewed, said: Mapping[str, str], profile: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    before, after = one.before, one.after
    fields: dict[str, dict[str, Any]] = {
        name: {"before": profile.get(name) or None, "after": text or None}
        for name, text in said.items()
        if text != profile.get(name, "")
    }
    if after is None:
        return fields
    nobody = before or Host(after.id, status="")
    for name in _MEMBERS:
        _note(fields, name, getattr(nobody, name), getattr(after, name))
    _note(fields, "codes", list(nobody.codes), list(after.codes))
    _note(fields, "team", nobody.team, after.team)
    added = sorted(set(after.memberships) - set(nobody.memberships))
    if added and before is not None:
        fields.setdefault("team", {"before": nobody.team or None, "after": after.team or None})
        fields["from"] = {"before": None, "after": rfc3339(added[0][0])}
    if after.person != nobody.person:
        # Only a keyed hash is known.
        fields["person"] = {"before": None, "after": None}
    return fields


def _note(fields: dict[str, dict[str, Any]], name: str, before: Any, after: Any) -> None:
    if before != after:
        fields[name] = {"before": before or None, "after": after or None}
