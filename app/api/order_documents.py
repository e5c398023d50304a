"""One order as a document: its state now from the entries about it, and its receipt. Pure."""

from collections.abc import Sequence
from typing import Any

from app.api.intake import order_answer, original
from app.errors import NotFound
from app.journal.entry import Entry
from app.sales.attribution import DIRECT
from app.sales.money import format_amount
from app.sales.nobody import HOUSE
from app.sales.rates import valued
from app.sales.remaining import remaining_of
from app.sales.times import rfc3339


def order_document(
    event: str, key: str, entries: Sequence[Entry], exponent: int, told: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Shape: ``status`` is paid, partly_refunded, refunded, cancelled or unmatched (only a refund has come yet);
    ``entries`` is ``told``, their history.

    Errors: NotFound ``order_unknown``.
    """
    if not entries:
        raise _unknown(key)
    _, source, order = key.split(":", 2)
    document: dict[str, Any] = {
        "event": event,
        "order": order,
        "source": source,
        "position": entries[-1].position,
    }
    remaining = remaining_of((entry.kind, entry.key, entry.content) for entry in entries)
    paid = next((entry for entry in entries if entry.kind == "order.paid"), None)
    if remaining is None or paid is None:
        return document | {"status": "unmatched", "entries": told}
    fact = valued(paid.content)
    answer = order_answer(paid, exponent)
    if remaining.own is not None:
        left = original(remaining.own.currency, remaining.own.left.left())["amount"]
        document |= {"original": answer["original"] | {"remaining": left}}
    return document | {
        "status": remaining.status,
        "paid_at": rfc3339(fact["paid_at"]),
        "currency": fact["currency"],
        "total": format_amount(remaining.worth, exponent),
        "remaining": format_amount(remaining.left(), exponent),
        "credits": answer["credits"],
        "lines": [
            {
                "id": line,
                "quantity_left": quantity,
                "amount_left": format_amount(remaining.left(line), exponent),
            }
            for line, quantity in remaining.quantity.items()
        ],
        "entries": told,
    }


def receipt_document(event: str, key: str, entries: Sequence[Entry], exponent: int) -> dict[str, Any]:
    """Why an order was credited as it was. Errors: NotFound ``order_unknown``."""
    if not entries:
        raise _unknown(key)
    paid = entries[0]
    sums = {"direct": 0, "indirect": 0, "house": 0}
    for credit in paid.content["credits"]:
        basis = "direct" if credit["reason"] in DIRECT else "indirect"
        sums["house" if credit["host"] == HOUSE else basis] += credit["amount"]
    return {
        "event": event,
        **order_answer(paid, exponent),
        **{name: format_amount(amount, exponent) for name, amount in sums.items()},
        "paid_at": rfc3339(paid.content["fact"]["paid_at"]),
        "rules": paid.content["rules"],
        "candidates": [_candidate(candidate) for candidate in paid.content.get("candidates", ())],
        "hash": paid.hash.hex(),
    }


def _candidate(candidate: dict[str, Any]) -> dict[str, Any]:
    times = {name: rfc3339(candidate[name]) for name in ("at", "carted_at") if name in candidate}
    return candidate | times


def _unknown(key: str) -> NotFound:
    return NotFound("order_unknown", f"The event holds no order {key.removeprefix('order:')[:170]!r}.")
