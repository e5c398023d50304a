"""What must hold of an order through all entries about it, in their order. Pure.

What is left of an order is folded by the same function that refunds are decided with; the sums it is held against are
taken from the postings.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.audit.report import Report
from app.errors import InvariantError
from app.journal.entry import Entry
from app.sales.commission import targets
from app.sales.postings import postings_of
from app.sales.remaining import Remaining, opened

_BROKEN = (InvariantError, KeyError, TypeError, ValueError, AttributeError, LookupError)


def check_commission(report: Report, order: Remaining, position: int, capped: Mapping[str, Any]) -> None:
    """Commission booked up to an entry is what is left of the order makes it; less only by what a cap cut off.

    Shape: ``capped`` has the changes of ``commission`` that may have been cut off.
    """
    cut: Counter[str] = Counter()
    for change in capped.get("commission", ()):
        cut[change["host"]] += change.get("capped", 0)
    for host, wanted in targets(order).items():
        booked = order.commission.get(host, 0)
        if not booked <= wanted <= booked + cut[host]:
            detail = f"{host} has {booked} of {order.key}, and what is left of it makes {wanted}"
            report.find("commission_mismatch", position, detail)


class OrderRules:
    """One order at a time: ``check`` with everything about it."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def check(self, entries: Sequence[Entry], corrections: Mapping[str, int], after: int) -> None:
        """The order's own entry and all that are about it, by position; it need not be there. Or those of a payout.

        Shape: ``corrections`` has the positions of those that were looked up, by key. What was wrong up to ``after``
        is not told.
        """
        fold = _Order(self._report, corrections, after)
        for entry in entries:
            try:
                if not fold.take(entry):
                    return
            except _BROKEN as error:
                fold.find("order_overdrawn", entry.position, f"it does not fit what is left of the order: {error!r}")
                return
        fold.finish()


class _Order:
    def __init__(self, report: Report, corrections: Mapping[str, int], after: int) -> None:
        self._report = report
        self._corrections = corrections
        self._after = after
        self._order: Remaining | None = None
        self._worth: dict[str, int] = {}
        # Keys of what waits for the order.
        self._waits: set[str] = set()
        self._disputes: set[str] = set()
        self._is_paid_out = False
        self._booked: list[Mapping[str, Any]] = []
        # By account, what all entries have posted; of hosts only.
        self._left: Counter[str] = Counter()
        self._last = 0

    def find(self, code: str, position: int, detail: str) -> None:
        if position > self._after:
            self._report.find(code, position, detail)

    def take(self, entry: Entry) -> bool:
        """False if nothing that comes after it can be judged."""
        kind, content, self._last = entry.kind, entry.content, entry.position
        if not self._has_cause(entry):
            return False
        for account, amount in postings_of(kind, content):
            if account.startswith(("Income:Sales:", "Expenses:Commission:")):
                self._left[account] += amount
        if kind == "order.paid":
            self._order = opened(entry.key, content)
            self._worth = {line: self._order.left(line) for line in self._order.buckets}
        elif self._order is not None and not kind.startswith("claim."):
            if kind == "order.reattributed":
                self._is_balanced(entry)
            self._order.take(content, kind, entry.key)
            self._is_within(self._order, entry)
            if kind == "order.reattributed":
                self._is_fair(self._order, entry)
        if self._order is not None and not content.get("parked"):
            self._booked += content.get("commission", ())
            if self._after < entry.position:
                check_commission(self._report, self._order, entry.position, {"commission": self._booked})
        return True

    def _has_cause(self, entry: Entry) -> bool:
        """What it takes from, ends or brings is there, and nothing has done that before."""
        kind, content = entry.kind, entry.content
        if kind in ("order.paid", "payout.made"):
            self._is_paid_out = kind == "payout.made"
            return True
        of = content.get("of", "")
        if kind == "payout.failed":
            is_there = self._is_paid_out
        elif kind == "order.reattributed":
            is_there = self._order is not None and self._corrections.get(of, entry.position) < entry.position
        elif kind == "dispute.closed":
            is_there = of in self._disputes
            self._disputes.discard(of)
            if content.get("parked"):
                self._waits.discard(of)
        elif content.get("parked"):
            is_there = self._order is None
            self._waits.add(entry.key)
        elif of:
            is_there = self._order is not None and of in self._waits
            self._waits.discard(of)
        else:
            is_there = self._order is not None
        if kind == "order.disputed" and not of:
            self._disputes.add(entry.key)
        if not is_there:
            self.find("cause_missing", entry.position, f"what this {kind} follows from is not there before it")
        return is_there

    def _is_within(self, order: Remaining, entry: Entry) -> None:
        for line, worth in self._worth.items():
            if not 0 <= order.left(line) <= worth:
                detail = f"of {line.strip()!r} of {order.key} {order.left(line)} is left, and {worth} was paid"
                self.find("order_overdrawn", entry.position, detail)
        if any(quantity < 0 for quantity in order.quantity.values()):
            self.find("order_overdrawn", entry.position, f"more pieces of {order.key} came back than were sold")

    def _is_balanced(self, entry: Entry) -> None:
        sums: Counter[tuple[str, str]] = Counter()
        for name, sign in (("taken", -1), ("given", 1)):
            for part in entry.content[name]:
                for what in ("amount", "gross", "units"):
                    sums[part["line"], what] += sign * part[what]
        wrong = sorted({line for (line, _), amount in sums.items() if amount})
        if wrong:
            detail = f"line {wrong[0]!r} gives another sum than is taken from it"
            self.find("reattribution_unbalanced", entry.position, detail)

    def _is_fair(self, order: Remaining, entry: Entry) -> None:
        """What hosts got by weights is theirs to within one unit of each time that one is named."""
        weights: Counter[tuple[str, str]] = Counter()
        for seller in entry.content.get("to", ()):
            weights[seller["host"], seller["team"]] += seller["weight"]
        total = weights.total()
        named = len(entry.content.get("to", ()))
        for line, indexes in order.buckets.items() if total else ():
            lefts: Counter[tuple[str, str]] = Counter()
            for share in (order.shares[index] for index in indexes):
                if share.of == "sale":
                    lefts[share.host, share.team] += share.left
            whole = lefts.total()
            if any(abs(lefts[seller] * total - whole * weights[seller]) >= total * named for seller in lefts | weights):
                self.find("split_unfair", entry.position, f"line {line!r} is not shared by the weights")

    def finish(self) -> None:
        """An order that is over has left nobody anything."""
        if self._order is None or not (self._order.cancelled or self._order.closed):
            return
        for account, amount in sorted(self._left.items()):
            if amount:
                self.find(
                    "order_not_cleared", self._last, f"{self._order.key} is over, and {account} has {amount} of it"
                )


def keys_wanted(entries: Collection[Entry]) -> tuple[set[str], set[str]]:
    """Of these entries: the keys of what they are about, and those of the corrections that they follow from."""
    about = {entry.content["about"] for entry in entries if isinstance(entry.content.get("about"), str)}
    causes = {entry.content["of"] for entry in entries if entry.kind == "order.reattributed" and "of" in entry.content}
    return about, causes
