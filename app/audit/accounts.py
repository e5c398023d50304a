"""What the ledger's accounts come to in a walk, against what state and boards say. Pure.

Two folds that share no code: the accounts are sums of postings, state and boards are what the server serves from.
Memory is bounded by hosts, teams and what waits for its order.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app.audit.report import Report
from app.journal.entry import Entry
from app.opened import OpenEvent
from app.sales.nobody import HOUSE
from app.sales.postings import UNMATCHED_REFUNDS, sales

_SALES = "Income:Sales:"
_EXPENSES = "Expenses:Commission:"
_OWED = "Liabilities:Commission:"
# What is compared: what it is called, whose it is.
_Number = tuple[str, str]


class Accounts:
    """Balances of a walk that begins at ``opened``: what they are by then counts as right."""

    def __init__(self, report: Report, opened: OpenEvent, parked: Mapping[str, int]) -> None:
        self._report = report
        # By their keys, what waits for its order; minor units.
        self._parked = dict(parked)
        self._waited = sum(self._parked.values())
        self._is_suspense_right = True
        self._balances: Counter[str] = Counter()
        # Of the accounts of sales as the event became final: no board moves after that.
        self._at_final: Mapping[str, int] | None = None
        self._adjusted: Counter[str] = Counter()
        self._before = {} if opened.state.position == 0 else _said(opened)
        self.note_status(opened)

    def add(self, entry: Entry, derived: Sequence[tuple[str, int]]) -> None:
        """The postings that follow from an entry's body."""
        balances = self._balances
        for account, amount in derived:
            balances[account] += amount
        content = entry.content
        if entry.kind == "adjustment.made":
            self._adjusted[content["host"]] += content["available"]
        elif entry.kind in ("order.refunded", "refund.matched", "order.disputed", "dispute.closed"):
            self._suspense(entry)

    def _suspense(self, entry: Entry) -> None:
        content = entry.content
        if entry.kind == "dispute.closed":
            if not content.get("parked"):
                return
            self._parked.pop(content["of"], None)
        elif content.get("parked"):
            self._parked[entry.key] = content["amount"]
        elif "of" in content:
            self._matched(content)
        else:
            return
        held = self._balances[UNMATCHED_REFUNDS] + self._waited
        if self._is_suspense_right and held != sum(self._parked.values()):
            # Once: it stays wrong for the rest of the journal.
            self._is_suspense_right = False
            detail = f"the account holds {held}, and {sum(self._parked.values())} waits for orders"
            self._report.find("suspense_mismatch", entry.position, detail)

    def _matched(self, content: Mapping[str, Any]) -> None:
        if content["of"] in self._parked:
            del self._parked[content["of"]]
        else:
            # A walk may begin between an order and what had waited for it: then no state lists it any more. Whether
            # it ever waited is seen from the order.
            self._parked[""] = self._parked.get("", 0) - content.get("parked_amount", content["amount"])

    def note_status(self, opened: OpenEvent) -> None:
        """After an entry that moved the event."""
        if self._at_final is None and opened.state.status == "final":
            self._at_final = dict(self._balances)

    def compare(self, opened: OpenEvent) -> None:
        """At the end: numbers of state and boards that are not those of the accounts."""
        said, position = _said(opened), opened.state.position
        ledger = self._ledger()
        for number in sorted(said.keys() | ledger.keys() | self._before.keys()):
            moved = said.get(number, 0) - self._before.get(number, 0)
            if moved != ledger.get(number, 0):
                what, whose = number
                code = "board_mismatch" if what.startswith("board") else "payable_mismatch"
                detail = f"{what} {whose}: moved by {moved}, and the ledger by {ledger.get(number, 0)}"
                self._report.find(code, position, detail)
        for day, hosts in opened.state.held.items():
            for host in (host for host, amount in hosts.items() if amount < 0):
                self._report.find("payable_mismatch", position, f"less than nothing is held for {host} of day {day}")

    def _ledger(self) -> Counter[_Number]:
        found: Counter[_Number] = Counter()
        for account, amount in (self._balances if self._at_final is None else self._at_final).items():
            if account.startswith(_SALES):
                team, host = _seller(account)
                found["board of hosts", host] -= amount
                if host != HOUSE:
                    found["board of teams", team] -= amount
        for account, amount in self._balances.items():
            if account.startswith(_SALES):
                _, host = _seller(account)
                if host != HOUSE:
                    found["net sales of", host] -= amount
            elif account.startswith(_EXPENSES):
                found["commission accrued of", account.removeprefix(_EXPENSES)] += amount
            elif account.startswith(_OWED):
                host, _, bucket = account.removeprefix(_OWED).rpartition(":")
                if bucket != "Paid":
                    found[f"commission {bucket.lower()} of", host] -= amount
        for host, amount in self._adjusted.items():
            found["commission accrued of", host] -= amount
        return found


def _seller(account: str) -> tuple[str, str]:
    """Team and host of an account of sales."""
    if account == sales(HOUSE, ""):
        return "", HOUSE
    _, _, team, host = account.split(":", 3)
    return team, host


def _said(opened: OpenEvent) -> Counter[_Number]:
    """The same numbers as state and boards have them."""
    found: Counter[_Number] = Counter()
    window = opened.scores["full"].totals.windows["event"]
    found["board of hosts", HOUSE] = window.house[1]
    for what, tallies in (("board of hosts", window.hosts), ("board of teams", window.teams)):
        for identity, tally in tallies.items():
            found[what, identity] = tally[1]
    for host, (net, accrued, available) in opened.state.accounts.items():
        found["net sales of", host] = net
        found["commission accrued of", host] = accrued
        found["commission available of", host] = available
    for hosts in opened.state.held.values():
        for host, amount in hosts.items():
            found["commission held of", host] += amount
    return found
