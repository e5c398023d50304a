"""What holds of an event at every moment, whatever happened to it: checked on a book, the event in memory."""

from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

from app.challenge.scores import MEASURES
from app.journal.store import Store
from tests import histories
from tests.book import Book
from tests.recount import recount

TAKING = ("order.refunded", "refund.matched", "order.disputed", "dispute.closed")
BUCKETS = ("Held", "Available", "Paid")
BOARDS = list(product(("host", "team"), MEASURES))


async def stored(store: Store, event: str) -> tuple[Any, ...]:
    """Head, entries and postings of an event, as the database has them."""
    return await store.heads([event]), await store.read(event, 0, 100_000), await store.postings(event, 0, 100_000)


def money_holds(book: Book) -> None:
    """Zero sums; of no order and no line more taken than was there; no account on its wrong side."""
    balances = book.balances()
    assert sum(balances.values()) == 0
    # Disputes whose order has not come; those that were won before it wait for nothing.
    disputes = {key for keys in book.state.parked.values() for key in keys if key.startswith("dispute:")}
    disputed = sum(entry.content["amount"] for entry in book.entries if entry.key in disputes)
    assert balances.get("Assets:Unmatched-Refunds", 0) == book.state.unmatched_amount + disputed
    for account, amount in balances.items():
        # A host who was paid more than is his by now owes it.
        if not account.endswith(":Available"):
            assert amount < 0 or not account.startswith(("Income:", "Liabilities:")), account
    _commission_holds(book, balances)
    paid: dict[str, Counter[Any]] = {}
    for entry in book.entries:
        content = entry.content
        if entry.kind == "order.paid":
            paid[entry.key] = histories.worth_of(content.get("value", content["fact"]))
        elif entry.kind in TAKING and not content.get("parked"):
            sign = 1 if entry.kind == "dispute.closed" else -1
            for share in content.get("shares", ()):
                paid[content["about"]][share["line"], share["of"]] += sign * share["amount"]
    assert all(left >= 0 for order in paid.values() for left in order.values())


def _commission_holds(book: Book, balances: dict[str, int]) -> None:
    """What was earned is held, available or paid; what the state knows of it is what the ledger says."""
    for host in book.state.roster.hosts:
        buckets = [-balances.get(f"Liabilities:Commission:{host}:{name}", 0) for name in BUCKETS]
        assert sum(buckets) == balances.get(f"Expenses:Commission:{host}", 0)
        held = sum(of_day.get(host, 0) for of_day in book.state.held.values())
        assert (held, book.state.available(host)) == (buckets[0], buckets[1])


def claims_hold(book: Book) -> None:
    """Open is what was opened and not closed; nobody decided his own; what one led to was made; none moves money."""
    claimed: dict[str, str] = {}
    made: set[str] = set()
    for entry in book.entries:
        fact = entry.content.get("fact", {})
        if entry.kind == "correction.opened" and not entry.content.get("waits"):
            made.add(entry.key)
        elif entry.kind == "correction.closed":
            made.add(entry.key.removesuffix(":closed"))
        elif entry.kind == "claim.opened":
            claimed[fact["id"]] = fact["person"]
        elif entry.kind == "claim.closed":
            assert claimed.pop(fact["id"]) != fact["person"] or fact["outcome"] == "withdrawn"
            assert fact.get("correction", "") in {"", *made}
    assert claimed == {identity: claim.person for identity, claim in book.state.claims.items()}
    positions = {entry.position for entry in book.entries if entry.kind.startswith("claim.")}
    assert not any(posting.position in positions for posting in book.postings)
    assert not (claimed and book.state.status == "final")


def boards_hold(book: Book, boards: Sequence[tuple[str, str]]) -> None:
    """Boards are those of a recount; totals tie out; nothing is below zero."""
    counted = recount(book.entries)
    shared = book.state.rules.ranks == "shared"
    for of, measure in boards:
        expected = counted.board(of, measure, shared=shared)
        shown = book.board(f"{of}s.{measure}")
        rows = [(row["rank"], row["id"], _number(row["score"])) for row in shown["rows"]]
        sums = {name: _number(shown[name]) for name in ("house", "excluded", "total")}
        assert {"rows": rows, **sums} == expected, shown["board"]
        assert all(score >= 0 for *_, score in rows)


def _number(shown: str | int) -> int:
    return int(shown.replace(".", "")) if isinstance(shown, str) else shown
