"""``kos export --format beancount``: an event's ledger as a file that ``bean-check`` accepts and Fava opens.

One transaction for each entry that has postings, exact to the minor unit, and at the end a balance of every account.
The balances are not those of the transactions written but what the database sums up, so that a file that lacks anything
is refused, whoever lost it. The rules for names are in ``docs/ledger.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import IO
from zoneinfo import ZoneInfo

from app.audit.beancount_names import account_name, order_link
from app.audit.reading import Reading, reading
from app.journal.entry import Entry
from app.journal.store import AccountSum, Posting, Store
from app.sales.times import rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Book:
    """What has to be known of all transactions that were written; its size is that of the list of accounts."""

    read: Reading
    zone: ZoneInfo
    opened: set[str] = field(default_factory=set)
    last_day: date = date.min
    transactions: int = 0

    def day_of(self, recorded_at: int) -> date:
        """The local day, never one before that of the entry before.

        Where summer time ends just after midnight the clock goes back into yesterday, and an account must not be used
        before the day on which it is opened.
        """
        local = (_EPOCH + timedelta(microseconds=recorded_at)).astimezone(self.zone).date()
        self.last_day = max(self.last_day, local)
        return self.last_day

    def take(self, entry: Entry, postings: Sequence[Posting]) -> str:
        """The transaction of an entry, behind an ``open`` for each account that it is the first to use."""
        day = self.day_of(entry.recorded_at)
        legs = [(account_name(posting.account), posting) for posting in postings]
        lines = [f"{day} open {name} {leg.currency}" for name, leg in legs if name not in self.opened]
        self.opened.update(name for name, _ in legs)
        about = entry.key if entry.kind == "order.paid" else entry.about
        links = f" ^{order_link(about)}" if about else ""
        lines += [
            f"{day} * {_quoted(narration(entry))}{links} ^pos-{entry.position}",
            f"  position: {entry.position}",
            f"  hash: {_quoted(entry.hash.hex())}",
            f"  key: {_quoted(entry.key)}",
            f"  occurred: {_quoted(rfc3339(entry.occurred_at))}",
        ]
        lines += [f"  {name}  {self.read.amount(leg.amount)} {leg.currency}" for name, leg in legs]
        self.transactions += 1
        return "\n".join(lines) + "\n\n"

    def balance(self, account: AccountSum) -> str:
        """The balance of an account on the morning after the last transaction."""
        day = self.last_day + timedelta(days=1)
        return (
            f"{day} balance {account_name(account.account)}  {self.read.amount(account.balance)} {account.currency}\n"
        )


async def export_beancount(store: Store, event: str, out: IO[str]) -> int:
    """Write the ledger; returns how many transactions it has. One consistent read snapshot.

    Units: amounts are decimals of the event's currency, debit positive, credit negative, as beancount has them; a
    transaction is dated by the event's local day on which its entry was recorded.
    Errors: NotFound ``event_unknown``.
    """
    async with reading(store, event) as read:
        book = _Book(read, ZoneInfo(read.timezone))
        out.write(_opening(read))
        async for entry, postings in read.booked():
            out.write(book.take(entry, postings))
        out.write(f"; Balances at position {read.head.position}.\n")
        async for account in read.accounts():
            out.write(book.balance(account))
    return book.transactions


def narration(entry: Entry) -> str:
    """What happened, for a person."""
    content = entry.content
    order = f"order {_name(entry.about)}" if entry.about else "no known order"
    waited, meets = content.get("parked"), "of" in content
    match entry.kind:
        case "order.paid":
            return f"Order {_name(entry.key)}"
        case "order.refunded":
            is_early = waited and entry.about
            return f"Refund {_name(entry.key)}{', which waits for' if is_early else ' of'} {order}"
        case "refund.matched":
            return f"Refund {_name(content['of'])} meets {order}"
        case "order.cancelled":
            return f"Cancellation of {order}"
        case "order.disputed" if meets:
            return f"Dispute {_name(content['of'])} meets {order}"
        case "order.disputed":
            return f"Dispute {_name(entry.key)}{', which waits for' if waited else ' of'} {order}"
        case "dispute.closed":
            return f"Dispute {_name(content['of'])} of {order} is {content['outcome']}"
        case "order.reattributed":
            return f"Correction {content['of'].partition(':')[2]} of {order}"
    return f"{entry.kind} {entry.key}"


def _opening(read: Reading) -> str:
    head = read.head
    return (
        f"; The ledger of the event {head.event} at position {head.position} of its journal, recorded at"
        f" {rfc3339(head.recorded_at)}.\n"
        f"; Hash of that entry: {head.hash.hex()}\n"
        f"; Days are those of {read.timezone}. Debit is positive, credit negative.\n\n"
        f'option "title" {_quoted(f"KOS Live: {head.event}")}\n'
        f'option "operating_currency" "{read.currency}"\n'
        # Every amount is exact, so nothing may be off by half a cent either.
        'option "tolerance_multiplier" "0"\n\n'
    )


def _name(key: str | None) -> str:
    """Source and id of a business key: ``refund:shop:r-7`` is ``shop:r-7``."""
    return (key or "").partition(":")[2]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
