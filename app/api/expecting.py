"""Two people act at once: the second, who says what the page showed, is told what has changed since instead."""

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import Query

from app.access import Principal
from app.api.services import Services
from app.errors import Conflict
from app.events import OpenEvent
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.journal.plan import Accepted
from app.sales.times import rfc3339
from app.state import changes_of

ExpectedPosition = Annotated[
    int | None,
    Query(
        ge=0,
        le=2**63 - 1,
        description="Refuse with `changed_meanwhile` if this matter has changed behind this position of the journal",
    ),
]

# A page that is further behind has to be loaded again, whatever has changed.
_BEHIND_MAX: Final = 100_000
_CHANGES: Final = 20
_NAMED: Final = 20


async def submit_expecting(
    services: Services, principal: Principal, opened: OpenEvent, fact: Fact, shown: int | None, kind: str = ""
) -> Accepted:
    """Have a fact decided unless an entry of its ``kind`` came behind the position that was ``shown``.

    A repeat of a call is answered as the first time, whatever came since.
    Errors: Conflict ``changed_meanwhile``, whose ``changes`` are told oldest first; else as ``OpenEvent.submit_one``.
    """
    if shown is None:
        return await opened.submit_one(fact)
    kind, name, head = kind or fact.kind, opened.head.event, opened.head.position
    # How often it had changed when the page was made: as of this head, less what came in between.
    count = changes_of(opened.state, kind)
    if head - shown <= _BEHIND_MAX:
        count -= len(await services.store.newest(name, kind, shown, head + 1, count))
    else:
        count = -1
    try:
        return await opened.submit_one(replace(fact, expected=count))
    except Conflict as error:
        if error.code == "changed_meanwhile":
            after = max(shown, opened.head.position - _BEHIND_MAX)
            entries = await services.store.newest(name, kind, after, 2**62, _CHANGES)
            persons = await services.access.persons(principal.brand, {entry.actor for entry in entries})
            error.extra["changes"] = [_told(entry, persons) for entry in reversed(entries)]
        raise


def _told(entry: Entry, persons: dict[str, str]) -> dict[str, Any]:
    content = entry.content
    told: dict[str, Any] = {
        "position": entry.position,
        "kind": entry.kind,
        "recorded_at": rfc3339(entry.recorded_at),
        "actor": entry.actor,
        "person": persons.get(entry.actor, ""),
    }
    match entry.kind:
        case "event.moved":
            told |= {"from": content["from"], "to": content["to"], "reason": content.get("reason", "")}
        case "rules.changed":
            told |= {"version": content["version"]}
        case "roster.changed":
            told |= {
                "hosts": [host["id"] for host in content.get("hosts", ())][:_NAMED],
                "hosts_total": len(content.get("hosts", ())),
                "teams": content.get("teams", [])[:_NAMED],
            }
    return told
