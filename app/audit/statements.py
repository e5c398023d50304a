"""Statements: what a host sold, earned and was paid between two positions of the journal, from the ledger alone.

A closed range never changes: the same statement comes out of it for ever, and its hash with it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.challenge.roster import Roster
from app.journal.entry import canonical_bytes
from app.journal.store import KindSum, Store
from app.sales.money import format_amount
from app.sales.nobody import NO_TEAM
from app.sales.postings import commission, sales

BUCKETS = ("Held", "Available", "Paid")
# What each kind of entry is called in a statement, in the order of its lines.
LINES = {
    "order.paid": "sales",
    "order.refunded": "refunds",
    "refund.matched": "refunds",
    "order.cancelled": "cancellations",
    "order.disputed": "disputes",
    "dispute.closed": "disputes_ended",
    "order.reattributed": "corrections",
    "adjustment.made": "adjustments",
    "commission.released": "released",
    "payout.made": "payouts",
    "payout.failed": "payouts_failed",
}


@dataclass(slots=True)
class Line:
    """One kind of thing that happened. Units: minor units; ``buckets`` are held, available and paid.

    ``entries`` of the journal, ``sales`` of them that moved net sales.
    """

    entries: int = 0
    sales: int = 0
    net_sales: int = 0
    commission: int = 0
    buckets: list[int] = field(default_factory=lambda: [0, 0, 0])


@dataclass(slots=True)
class Statement:
    """One host between two positions. ``opening`` and ``closing`` are what is held, available and paid, minor units."""

    host: str
    opening: list[int]
    lines: dict[str, Line]

    @property
    def closing(self) -> list[int]:
        sums = zip(self.opening, *(line.buckets for line in self.lines.values()), strict=True)
        return [sum(each) for each in sums]


async def statements(
    store: Store, event: str, roster: Roster, hosts: Sequence[str], after: int, at: int
) -> list[Statement]:
    """Of these hosts, over the positions ``(after, at]``. Errors: Unavailable."""
    accounts = {account: host for host in hosts for account in _accounts(roster, host)}
    owed = [account for account in accounts if account.startswith("Liabilities:")]
    opening = await store.sums_by_kind(event, owed, 0, after) if after else []
    booked = await store.sums_by_kind(event, list(accounts), after, at)
    found = {host: Statement(host, [0, 0, 0], {}) for host in hosts}
    for each in opening:
        found[accounts[each.account]].opening[_bucket(each.account)] -= each.amount
    for each in booked:
        _take(found[accounts[each.account]], each)
    for statement in found.values():
        names = list(dict.fromkeys(LINES.values()))
        statement.lines = {name: statement.lines[name] for name in names if name in statement.lines}
    return list(found.values())


def _accounts(roster: Roster, host: str) -> Iterable[str]:
    yield f"Expenses:Commission:{host}"
    yield from (commission(host, bucket) for bucket in BUCKETS)
    # A correction may give a host orders under any team that there is.
    yield from (sales(host, team) for team in (*roster.teams, NO_TEAM))


def _bucket(account: str) -> int:
    return BUCKETS.index(account.rpartition(":")[2])


def _take(statement: Statement, booked: KindSum) -> None:
    line = statement.lines.setdefault(LINES[booked.kind], Line())
    if booked.account.startswith("Liabilities:"):
        line.buckets[_bucket(booked.account)] -= booked.amount
    elif booked.account.startswith("Expenses:"):
        line.commission += booked.amount
    else:
        line.net_sales -= booked.amount
        # An entry is about one team.
        line.sales += booked.entries
    line.entries = max(line.entries, line.sales, booked.entries)


def document(statement: Statement, about: Mapping[str, Any], exponent: int) -> dict[str, Any]:
    """A statement as the API shows it, with the hash of everything else in it.

    Shape: ``about`` says of which event and range it is.
    """

    def amount(minor: int) -> str:
        return format_amount(minor, exponent)

    def buckets(numbers: Sequence[int]) -> dict[str, str]:
        return {name.lower(): amount(minor) for name, minor in zip(BUCKETS, numbers, strict=True)}

    found = {
        **about,
        "host": statement.host,
        "opening": buckets(statement.opening),
        "lines": [
            {
                "line": name,
                "entries": line.entries,
                "net_sales": amount(line.net_sales),
                "commission": amount(line.commission),
                **buckets(line.buckets),
            }
            for name, line in statement.lines.items()
        ],
        "closing": buckets(statement.closing),
    }
    return found | {"hash": hashlib.sha256(canonical_bytes(found)).hexdigest()}
