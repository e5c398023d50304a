"""The postings of an entry: derived from its body alone, summing to zero. Pure.

Debit is positive, credit negative. The accounts are beancount-shaped so that an export is the ledger itself.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from app.errors import InvariantError
from app.sales.nobody import HOUSE
from app.sales.rates import valued

UNMATCHED_REFUNDS = "Assets:Unmatched-Refunds"
OVER_REFUNDS = "Expenses:Over-Refunds"
CANCELLED_PENDING = "Income:Cancelled-Pending"
DISPUTES = "Assets:Disputes"
DISPUTE_FEES = "Expenses:Dispute-Fees"
SHIPPING = "Income:Shipping"
TAX = "Liabilities:Tax"


def clearing(source: str) -> str:
    """Account of the money that one shop took and has not handed over."""
    return f"Assets:Clearing:{source}"


def sales(host: str, team: str) -> str:
    """Account of one host's sales in one team, or of House."""
    return "Income:Sales:House" if host == HOUSE else f"Income:Sales:{team}:{host}"


def postings_of(kind: str, content: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Postings of a money entry: (account, amount), each account once, zero amounts left out; [] for other kinds.

    Units: minor units of the event's currency.
    Errors: InvariantError if they do not sum to zero.
    """
    derive = _RULES.get(kind)
    if derive is None or (content.get("parked") and kind == "order.cancelled"):
        return []
    amounts: defaultdict[str, int] = defaultdict(int)
    derive(content, amounts)
    _commission(content, amounts)
    postings = [(account, amount) for account, amount in amounts.items() if amount]
    if sum(amounts.values()):
        raise InvariantError(f"postings of a {kind} entry do not sum to zero: {postings}")
    return postings


def _paid(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    fact = valued(content)
    for credit in content["credits"]:
        amounts[sales(credit["host"], credit["team"])] -= credit["amount"]
    shipping, tax = fact.get("shipping", 0), fact.get("tax", 0)
    amounts[SHIPPING] -= shipping
    amounts[TAX] -= tax
    gross = sum([line["quantity"] * line["unit_price"] - line.get("discount", 0) for line in fact["lines"]])
    amounts[clearing(fact["source"])] += gross + shipping + (0 if fact.get("tax_included") else tax)


def _refunded(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    if content.get("parked"):
        amounts[UNMATCHED_REFUNDS] += content["amount"]
    else:
        _debit_shares(content, amounts)
    amounts[clearing(content["fact"]["source"])] -= content["amount"]


def _matched(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    _debit_shares(content, amounts)
    amounts[UNMATCHED_REFUNDS] -= content["parked_amount"]
    # A refund that left its worth to the order's lines was parked as nothing: its money moves now.
    amounts[clearing(content["source"])] -= content["amount"] - content["parked_amount"]


def _cancelled(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    _debit_shares(content, amounts)
    amounts[CANCELLED_PENDING] -= content["amount"]


def _disputed(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    if content.get("parked"):
        amounts[UNMATCHED_REFUNDS] += content["amount"]
    else:
        _debit_shares(content, amounts)
    source = clearing(content["fact"]["source"])
    if "of" in content:
        # What came before its order has been contested since then, at the rate of that time.
        waited = content.get("parked_amount", content["amount"])
        amounts[UNMATCHED_REFUNDS] -= waited
        amounts[source if content.get("lost") else DISPUTES] -= content["amount"] - waited
        return
    amounts[DISPUTES] -= content["amount"]
    fee = content["fee"] if "fee" in content else content["fact"].get("fee", 0)
    amounts[DISPUTE_FEES] += fee
    amounts[source] -= fee


def _dispute_closed(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    amounts[DISPUTES] += content["amount"]
    if content["outcome"] == "lost":
        amounts[clearing(content["source"])] -= content["amount"]
    elif content.get("parked"):
        amounts[UNMATCHED_REFUNDS] -= content["amount"]
    else:
        _debit_shares(content, amounts, -1)
        amounts[clearing(content["source"])] += content.get("rounding", 0)


def _reattributed(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    for name, sign in (("taken", 1), ("given", -1)):
        for part in content[name]:
            amounts[sales(part["host"], part["team"])] += sign * part["amount"]


def commission(host: str, bucket: str) -> str:
    """Account of what a host is owed: ``Held``, ``Available`` or ``Paid``."""
    return f"Liabilities:Commission:{host}:{bucket}"


def _commission(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    bucket = "Available" if content.get("released") else "Held"
    for change in content.get("commission", ()):
        amounts[f"Expenses:Commission:{change['host']}"] += change["amount"]
        amounts[commission(change["host"], bucket)] -= change["amount"]


def _released(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    for item in content["amounts"]:
        amounts[commission(item["host"], "Held")] += item["amount"]
        amounts[commission(item["host"], "Available")] -= item["amount"]


def _payout(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    amounts[commission(content["host"], "Available")] -= content["available"]
    amounts[commission(content["host"], "Paid")] += content["available"]


def _adjusted(content: Mapping[str, Any], amounts: defaultdict[str, int]) -> None:
    amounts[f"Expenses:Commission:{content['host']}"] += content["available"]
    amounts[commission(content["host"], "Available")] -= content["available"]


def _debit_shares(content: Mapping[str, Any], amounts: defaultdict[str, int], sign: int = 1) -> None:
    amounts[OVER_REFUNDS] += sign * content.get("over", 0)
    for share in content["shares"]:
        if content.get("pending"):
            account = CANCELLED_PENDING
        elif share["of"] == "sale":
            account = sales(share["host"], share["team"])
        else:
            account = TAX if share["of"] == "tax" else SHIPPING
        amounts[account] += sign * share["amount"]


_RULES = {
    "order.paid": _paid,
    "order.refunded": _refunded,
    "refund.matched": _matched,
    "order.cancelled": _cancelled,
    "order.disputed": _disputed,
    "dispute.closed": _dispute_closed,
    "order.reattributed": _reattributed,
    "commission.released": _released,
    "payout.made": _payout,
    "payout.failed": _payout,
    "adjustment.made": _adjusted,
}
