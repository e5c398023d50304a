"""Memberships that are set to begin in the past: which orders of that time stand under another team.

Credits that are there stay where they are; whoever changes the past must be told how much of it has happened already.
"""

from collections.abc import Mapping

from app.challenge.roster import Roster
from app.challenge.scores import EVENT
from app.events import OpenEvent
from app.journal.entry import Entry
from app.journal.store import Store
from app.sales.nobody import NO_TEAM
from app.sales.orders import FUTURE_TOLERANCE_US

_PAGE = 2_000


async def orders_affected(store: Store, event: OpenEvent, since: Mapping[str, int], change: Entry) -> int:
    """How many orders before the entry ``change``, paid since a host's time in ``since``, credit it under another team.

    Shape: ``since`` leads from host ids to microseconds; ``event`` stands after the change. Reads the journal from
    the first entry that could be of that time: an order is paid before it comes, or at most five minutes later.
    """
    sold = event.scores["full"].totals.windows[EVENT].hosts
    since = {host: at for host, at in since.items() if at < change.recorded_at and any(sold.get(host, ()))}
    if not since:
        return 0
    first = min(since.values())
    after = await _last_before(store, first - FUTURE_TOLERANCE_US, change)
    names = [host.encode() for host in since]
    affected = 0
    while after < change.position - 1:
        page = await store.read(change.event, after, min(_PAGE, change.position - 1 - after))
        for entry in page:
            if entry.kind == "order.paid" and entry.occurred_at >= first and any(name in entry.body for name in names):
                affected += _is_affected(entry, event.state.roster, since)
        after = page[-1].position
    return affected


def _is_affected(entry: Entry, roster: Roster, since: Mapping[str, int]) -> bool:
    paid_at = entry.occurred_at
    return any(
        paid_at >= since.get(credit["host"], paid_at + 1)
        and credit["team"] != (roster.hosts[credit["host"]].team_at(paid_at) or NO_TEAM)
        for credit in entry.content["credits"]
    )


async def _last_before(store: Store, at: int, change: Entry) -> int:
    """Position of the last entry recorded before a time, 0 if none was."""
    low, high = 0, change.position - 1
    while low < high:
        middle = (low + high + 1) // 2
        if (await store.read(change.event, middle - 1, 1))[0].recorded_at < at:
            low = middle
        else:
            high = middle - 1
    return low
