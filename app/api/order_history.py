"""The entries about one order as its page tells them: who wrote each, why, and what it moved. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.api.entries import entry_head
from app.journal.entry import Entry
from app.sales.money import format_amount
from app.sales.postings import postings_of


def corrections_of(entries: Iterable[Entry]) -> list[str]:
    """Keys of the entries that say why something about an order was corrected."""
    return sorted({entry.content["of"] for entry in entries if entry.kind == "order.reattributed"})


def history(
    entries: Sequence[Entry], exponent: int, reasons: Mapping[str, str], persons: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One row per entry, the oldest first.

    Shape: ``changes`` sums what the entry moved by host and team, without those for whom it moved nothing; ``postings``
    are what it booked, debit positive; what is unknown or does not apply is left out. ``reasons`` are by key of
    correction, ``persons`` by actor.
    """
    return [_row(entry, exponent, reasons, persons) for entry in entries]


def _row(entry: Entry, exponent: int, reasons: Mapping[str, str], persons: Mapping[str, str]) -> dict[str, Any]:
    content = entry.content
    fact = content.get("fact", {})
    known = {
        "person": persons.get(entry.actor),
        "reason": fact.get("reason") or reasons.get(content.get("of", "")),
        "outcome": content.get("outcome") or fact.get("outcome"),
        "amount": format_amount(content["amount"], exponent) if "amount" in content else None,
        # It came before its order, and took nothing yet.
        "waits": content.get("parked"),
        # What a refund named and the order lacks: the reason why it took less than its sender may expect.
        "unknown_lines": content.get("unknown_lines"),
    }
    moved: dict[tuple[str, str], int] = {}
    for host, team, amount in _moved(entry.kind, content):
        moved[host, team] = moved.get((host, team), 0) + amount
    changes = [
        {"host": host, "team": team, "amount": format_amount(amount, exponent)}
        for (host, team), amount in moved.items()
        if amount
    ]
    booked = [
        {"account": account, "amount": format_amount(amount, exponent)}
        for account, amount in postings_of(entry.kind, content)
    ]
    told = {**known, "changes": changes, "postings": booked}
    return entry_head(entry) | {name: value for name, value in told.items() if value}


def _moved(kind: str, content: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Host, team and amount of sales that an entry gave or, below zero, took."""
    if content.get("parked"):
        return
    if kind == "order.paid":
        yield from ((credit["host"], credit["team"], credit["amount"]) for credit in content["credits"])
    elif kind == "order.reattributed":
        for part, sign in (("taken", -1), ("given", 1)):
            yield from ((one["host"], one["team"], sign * one["amount"]) for one in content[part])
    else:
        sign = 1 if kind == "dispute.closed" else -1
        shares = content.get("shares", ())
        yield from ((one["host"], one["team"], sign * one["amount"]) for one in shares if one["of"] == "sale")
