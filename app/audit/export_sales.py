"""The lists of orders and of what came back of them, each row as it stands at the end of the journal that was read."""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain
from typing import Any

from app.audit.cells import Cell
from app.audit.reading import Reading
from app.journal.entry import Entry
from app.sales.currencies import EXPONENTS
from app.sales.disputes import outcome_key
from app.sales.facts import total_of
from app.sales.money import format_amount
from app.sales.nobody import NO_TEAM
from app.sales.rates import shown, valued
from app.sales.refunds import stated_amount
from app.sales.remaining import remaining_of
from app.sales.times import rfc3339

ORDERS = (
    "position", "recorded_at", "paid_at", "source", "order", "status", "late", "currency", "total", "sales", "shipping",
    "tax", "remaining", "lines", "units", "hosts", "teams", "original_currency", "original_total", "rate",
    "rate_version",
)  # fmt: skip
REFUNDS = (
    "position", "recorded_at", "occurred_at", "what", "source", "id", "order", "state", "outcome", "currency", "amount",
    "over", "fee", "original_currency", "original_amount",
)  # fmt: skip
# Orders whose entries are looked up together: each may have some hundreds.
_AT_ONCE = 200
_BACK = {"order.refunded": "refund", "order.cancelled": "cancellation", "order.disputed": "dispute"}

Rows = AsyncIterator[Sequence[Cell]]


async def orders(read: Reading) -> Rows:
    """One row per order, in journal order, with what is left of it and who is credited with it by now."""
    async for page in read.pages():
        for some in _chunks([entry for entry in page if entry.kind == "order.paid"]):
            about: dict[str, list[Entry]] = {entry.key: [entry] for entry in some}
            for entry in await read.reader.lookup([], list(about)):
                about[str(entry.about)].append(entry)
            for paid in some:
                yield _order_row(read, paid, about[paid.key])


def _order_row(read: Reading, paid: Entry, entries: Sequence[Entry]) -> Sequence[Cell]:
    # What came before the order was folded when it met it, by an entry behind it.
    remaining = remaining_of((entry.kind, entry.key, entry.content) for entry in entries)
    assert remaining is not None
    fact, credits = valued(paid.content), paid.content["credits"]
    sellers = remaining.sellers
    return (
        paid.position,
        rfc3339(paid.recorded_at),
        rfc3339(paid.occurred_at),
        fact["source"],
        fact["id"],
        remaining.status,
        "yes" if paid.content.get("late") else "",
        read.currency,
        read.amount(remaining.worth),
        read.amount(sum(credit["amount"] for credit in credits)),
        read.amount(fact.get("shipping", 0)),
        read.amount(fact.get("tax", 0)),
        read.amount(remaining.left()),
        len(fact["lines"]),
        sum(line["quantity"] for line in fact["lines"]),
        " ".join(dict.fromkeys(host for host, _ in sellers)),
        " ".join(dict.fromkeys(team for _, team in sellers if team != NO_TEAM)),
        *_original_order(paid),
    )


def _original_order(paid: Entry) -> Sequence[Cell]:
    """An order in another currency as its shop sent it, and what it was booked at."""
    if "rate" not in paid.content:
        return "", "", "", ""
    fact, rate = paid.content["fact"], paid.content["rate"]
    total = format_amount(total_of(fact), EXPONENTS[fact["currency"]])
    return fact["currency"], total, shown(rate["mantissa"], rate["decimals"]), rate["version"]


async def refunds(read: Reading) -> Rows:
    """One row per refund, cancellation and dispute, in the order in which they came."""
    async for page in read.pages():
        # The second entry of one that came before its order says `of`.
        came = [entry for entry in page if entry.kind in _BACK and "of" not in entry.content]
        for some in _chunks(came):
            ends = await read.reader.lookup(list(chain.from_iterable(map(_keys_of_ends, some))), [])
            by_key = {entry.key: entry for entry in ends}
            for entry in some:
                yield _refund_row(read, entry, *(by_key.get(key) for key in _keys_of_ends(entry)))


def _keys_of_ends(entry: Entry) -> tuple[str, str]:
    """Keys of what follows if it waited for its order, and if it is a dispute that ended."""
    fact = entry.content["fact"]
    return f"match:{entry.key}", outcome_key(fact["source"], fact["id"])


def _refund_row(read: Reading, entry: Entry, match: Entry | None, outcome: Entry | None) -> Sequence[Cell]:
    fact, what = entry.content["fact"], _BACK[entry.kind]
    decided = (match or entry).content
    ended = outcome.content["outcome"] if outcome else "open"
    return (
        entry.position,
        rfc3339(entry.recorded_at),
        rfc3339(entry.occurred_at),
        what,
        fact["source"],
        fact["id"],
        fact.get("order", ""),
        "unmatched" if decided.get("parked") else "matched",
        ended if what == "dispute" else "",
        read.currency,
        read.amount(decided.get("amount", 0)),
        read.amount(decided.get("over", 0)),
        read.amount(entry.content.get("fee", fact.get("fee", 0))),
        *_original_amount(fact, decided),
    )


def _original_amount(fact: Mapping[str, Any], decided: Mapping[str, Any]) -> Sequence[Cell]:
    if "currency" not in fact and "own" not in decided:
        return "", ""
    own = decided.get("own") or {"currency": fact["currency"], "amount": stated_amount(fact)}
    return own["currency"], format_amount(own["amount"], EXPONENTS[own["currency"]])


def _chunks(entries: Sequence[Entry]) -> list[Sequence[Entry]]:
    return [entries[first : first + _AT_ONCE] for first in range(0, len(entries), _AT_ONCE)]
