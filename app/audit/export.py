"""``kos export --format csv``: an event's lists for spreadsheets and scripts, each from one read snapshot.

Every list has a header; amounts are decimal strings, times RFC 3339 in UTC. Names are not in them: they are not in the
journal, and an export must not say another thing tomorrow.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import IO

from app.audit import export_boards, export_sales
from app.audit.beancount_names import account_name
from app.audit.cells import Cell, row_writer
from app.audit.reading import Reading, reading
from app.journal.store import Store
from app.sales.times import rfc3339

POSTINGS = (
    "position", "leg", "recorded_at", "occurred_at", "kind", "key", "about", "account", "currency", "amount",
)  # fmt: skip
ENTRIES = ("position", "recorded_at", "occurred_at", "kind", "key", "about", "actor", "hash")
ACCOUNTS = ("account", "currency", "balance", "postings", "first_position", "last_position", "beancount")

Rows = AsyncIterator[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class CsvList:
    """One kind of list: its header, and the rows that an event gives."""

    columns: Sequence[str]
    rows: Callable[[Reading], Rows]


async def export_csv(store: Store, event: str, out: IO[str], name: str = "postings") -> int:
    """Write one of ``LISTS`` with its header; returns how many rows. One consistent read snapshot.

    Errors: NotFound ``event_unknown``.
    """
    wanted = LISTS[name]
    written = 0
    async with reading(store, event) as read:
        write = row_writer(out)
        write(wanted.columns)
        async for row in wanted.rows(read):
            write(row)
            written += 1
    return written


async def _postings(read: Reading) -> Rows:
    async for entry, postings in read.booked():
        for posting in postings:
            yield (
                posting.position,
                posting.leg,
                rfc3339(entry.recorded_at),
                rfc3339(entry.occurred_at),
                entry.kind,
                entry.key,
                entry.about or "",
                posting.account,
                posting.currency,
                read.amount(posting.amount),
            )


async def _entries(read: Reading) -> Rows:
    async for page in read.pages():
        for entry in page:
            yield (
                entry.position,
                rfc3339(entry.recorded_at),
                rfc3339(entry.occurred_at),
                entry.kind,
                entry.key,
                entry.about or "",
                entry.actor,
                entry.hash.hex(),
            )


@dataclass(slots=True)
class _Account:
    first: int
    last: int = 0
    balance: int = 0
    postings: int = 0


async def _accounts(read: Reading) -> Rows:
    accounts: dict[str, _Account] = {}
    async for _, postings in read.booked():
        for posting in postings:
            account = accounts.setdefault(posting.account, _Account(posting.position))
            account.last = posting.position
            account.balance += posting.amount
            account.postings += 1
    for name, account in sorted(accounts.items()):
        yield (
            name,
            read.currency,
            read.amount(account.balance),
            account.postings,
            account.first,
            account.last,
            account_name(name),
        )


LISTS = {
    "postings": CsvList(POSTINGS, _postings),
    "orders": CsvList(export_sales.ORDERS, export_sales.orders),
    "refunds": CsvList(export_sales.REFUNDS, export_sales.refunds),
    "entries": CsvList(ENTRIES, _entries),
    "accounts": CsvList(ACCOUNTS, _accounts),
    "boards": CsvList(export_boards.BOARDS, export_boards.boards),
}
