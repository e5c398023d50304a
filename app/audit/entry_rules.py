"""What must hold of an entry, seen from the state that it found; for what needs no other entries of its order. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.audit.order_rules import check_commission
from app.audit.report import Report
from app.journal.entry import Entry
from app.sales.attribution import INDIRECT, with_stores
from app.sales.facts import line_amounts
from app.sales.nobody import HOUSE, NO_TEAM
from app.sales.rates import value_of, valued
from app.sales.remaining import opened
from app.state import State

# What changes who is ranked, by what and how; all else that comes after final moves the ledger alone.
CHANGES_RESULT = frozenset(
    {
        *("event.created", "event.moved", "rules.changed", "roster.changed"),
        *("session.started", "session.changed", "product.pinned", "offer.started", "claim.opened"),
        "viewers.sampled",
    }
)


class EntryRules:
    """Asked about each entry before the state takes it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._checks = {
            "order.paid": self._paid,
            "order.reattributed": self._reattributed,
            "dispute.closed": self._dispute_closed,
            "claim.closed": self._claim_closed,
            "correction.closed": self._correction_closed,
            "payout.made": self._payout,
            "statement.closed": self._statement,
        }

    def check(self, state: State, entry: Entry) -> None:
        """Errors: KeyError and its like for a body that the state cannot fold either."""
        if state.status == "final" and entry.kind in CHANGES_RESULT:
            self._report.find("final_changed", entry.position, f"the event is final, and this is a {entry.kind}")
        check = self._checks.get(entry.kind)
        if check is not None:
            check(state, entry)

    def _paid(self, state: State, entry: Entry) -> None:
        content = entry.content
        fact, credits = content["fact"], content["credits"]
        if content.get("late", False) != (state.status == "final"):
            detail = f"an order that comes while the event is {state.status}: late is {content.get('late', False)}"
            self._report.find("final_changed", entry.position, detail)
        self._credits(entry, state.currency)
        self._teams(state, entry, credits, fact["paid_at"])
        if len(credits) > len(fact["lines"]):
            self._split(state, entry)
        if any("bps" in credit for credit in credits) or "commission" in content:
            check_commission(self._report, opened(entry.key, content), entry.position, entry.content)

    def _credits(self, entry: Entry, currency: str) -> None:
        content = entry.content
        fact = valued(content)
        if "value" in content and value_of(content["fact"], content["rate"], currency) != fact:
            self._report.find(
                "credits_mismatch", entry.position, "the value is not what the order is worth at its rate"
            )
        amounts: dict[str, int] = {}
        units: dict[str, int] = {}
        for credit in entry.content["credits"]:
            line, amount, counted = credit["line"], credit["amount"], credit["units"]
            amounts[line] = amounts.get(line, 0) + amount
            units[line] = units.get(line, 0) + counted
            if amount < 0 or counted < 0:
                self._report.find("credits_mismatch", entry.position, "a credit is below zero")
        if units != {line["id"]: line["quantity"] for line in fact["lines"]}:
            self._report.find("credits_mismatch", entry.position, "the units credited are not those sold")
        nets = [net for net, _ in line_amounts(fact)]
        if [amounts.get(line["id"], 0) for line in fact["lines"]] != nets:
            self._report.find("credits_mismatch", entry.position, "the money credited is not what the lines sold for")

    def _teams(self, state: State, entry: Entry, parts: Any, paid_at: int) -> None:
        for part in parts:
            host = part["host"]
            if part["team"] != (NO_TEAM if host == HOUSE else state.team_of(host, paid_at)):
                self._report.find("team_mismatch", entry.position, f"{host} was not in the team {part['team']!r}")

    def _split(self, state: State, entry: Entry) -> None:
        """Lines that several hosts share, against the weights that sessions and rules give them."""
        content = entry.content
        fact = valued(content)
        by_line: dict[str, dict[str, Mapping[str, Any]]] = {}
        for credit in content["credits"]:
            by_line.setdefault(credit["line"], {})[credit["host"]] = credit
        for line, (net, _) in zip(fact["lines"], line_amounts(fact), strict=True):
            shares = by_line.get(line["id"], {})
            if len(shares) < 2:
                continue
            weights = _weights(state, content, line["id"])
            total = sum(weights.values())
            is_fair = shares.keys() == weights.keys() and all(
                abs(share[what] * total - whole * weights[host]) < total
                for host, share in shares.items()
                for what, whole in (("amount", net), ("units", line["quantity"]))
            )
            if not is_fair:
                self._report.find("split_unfair", entry.position, f"line {line['id']!r} is not shared by the weights")

    def _reattributed(self, state: State, entry: Entry) -> None:
        self._teams(state, entry, entry.content["given"], entry.content["paid_at"])

    def _dispute_closed(self, state: State, entry: Entry) -> None:
        self._is_there(entry, entry.content["of"] in state.disputes, "no such dispute is open")

    def _claim_closed(self, state: State, entry: Entry) -> None:
        self._is_there(entry, entry.content["fact"]["id"] in state.claims, "no such claim is open")

    def _correction_closed(self, state: State, entry: Entry) -> None:
        self._is_there(entry, entry.content["fact"]["id"] in state.corrections, "no such correction waits")

    def _is_there(self, entry: Entry, is_there: bool, detail: str) -> None:
        if not is_there:
            self._report.find("cause_missing", entry.position, detail)

    def _payout(self, state: State, entry: Entry) -> None:
        host, moved = entry.content["host"], entry.content["available"]
        if moved >= 0 or state.available(host) + moved < 0:
            detail = f"{-moved} is paid to {host}, of {state.available(host)} available"
            self._report.find("payable_mismatch", entry.position, detail)

    def _statement(self, state: State, entry: Entry) -> None:
        after, to = entry.content["from"], entry.content["to"]
        if after != state.stated_until or not after < to <= state.position:
            detail = f"positions {after} to {to} are stated, after {state.stated_until} of {state.position}"
            self._report.find("statement_gap", entry.position, detail)


def _weights(state: State, content: Mapping[str, Any], line: str) -> dict[str, int]:
    """Of the hosts who won a line, and of their stores; {} if nobody did."""
    paid_at = content["fact"]["paid_at"]
    for candidate in content.get("candidates", ()):
        if candidate["outcome"] == "won" and candidate.get("line", line) == line:
            _, terms = state.attribution_at(paid_at)
            winners = _winners(state, candidate, candidate.get("carted_at", paid_at), terms.split)
            return dict(with_stores(state, winners, terms.store_bps) if terms.store_bps else winners)
    return {}


def _winners(state: State, candidate: Mapping[str, Any], at: int, split: str) -> Sequence[tuple[str, int]]:
    by, name = candidate["by"], candidate["id"]
    if by in INDIRECT:
        return state.shares_in(name, at, split) if state.has_session(name) else ()
    host = state.host_of_code(name) if by == "code" else candidate.get("host", name)
    return [(host, 1)] if host is not None and state.has_host(host) else ()
