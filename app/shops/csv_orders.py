"""Rows of a shop's export turned into the facts that the public API takes, as the map says.

``read_facts`` reads the whole file before it answers: rows of one order may lie anywhere, and a file with a
mistake on its last line must not be posted half. Amounts are Decimal and never rounded: what would lose a
digit raises.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, Inexact, localcontext
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from app.shops.columns import Columns
from app.shops.csv_file import Row, open_table
from app.shops.lines import ZERO, SoldLine, exponent_of, minor_units, money, sold_lines
from app.shops.maps import OrderMap

Kind = Literal["orders", "refunds", "cancellations"]

_EXACT = Context(prec=80, traps=[Inexact])


@dataclass(frozen=True, slots=True)
class Fact:
    """One item for ``POST /v1/events/{event}/{kind}/batch``. ``at`` is its business time, with an offset."""

    kind: Kind
    id: str
    at: datetime
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says.

    Shape: facts in the order in which their first rows stand in the file; an order comes before its own
    refund, the refund before the cancellation. ``skipped`` counts orders that the map's ``only`` leaves out,
    by reason.
    """

    facts: list[Fact]
    rows: int
    skipped: Counter[str]


def read_facts(path: Path, order_map: OrderMap, hosts: Sequence[str] = ()) -> Reading:
    """Everything the file says, as facts.

    ``hosts`` are the ids that ``hash(COLUMN) mod roster`` chooses from; at least one if the map has that
    rule.
    Errors: ReadingError.
    """
    with open_table(path, order_map.file) as table, localcontext(_EXACT):
        columns = Columns(table, order_map)
        ordered_hosts = sorted(hosts, key=str.encode)
        groups: dict[str, list[Row]] = {}
        rows = 0
        for row in table.rows():
            rows += 1
            groups.setdefault(_group_of(columns, row), []).append(row)
        facts: list[Fact] = []
        skipped: Counter[str] = Counter()
        for name in list(groups):
            group = groups.pop(name)  # a million rows are most of a gigabyte: give them back on the way
            failed = _failed_condition(columns, order_map, group)
            if failed:
                skipped[columns.reason(failed, group)] += 1
            else:
                facts += _facts_of(columns, order_map, group, ordered_hosts)
        return Reading(facts, rows, skipped)


def host_of(text: str, hosts: Sequence[str]) -> str:
    """The host that ``hash(COLUMN) mod roster`` gives to a cell; ``hosts`` sorted by their UTF-8 bytes.

    The first 8 bytes of SHA-256 of the cell's UTF-8 text, as a big-endian integer, modulo the number of
    hosts, is the index. The cell is taken as it stands, without outer spaces: ``17850.0`` and ``17850`` are
    two customers.
    """
    return hosts[int.from_bytes(sha256(text.encode()).digest()[:8], "big") % len(hosts)]


def _group_of(columns: Columns, row: Row) -> str:
    member = "order.group" if "order.group" in columns.members else "order.id"
    group = columns.text(member, [row])
    if not group:
        raise columns.error(member, row, "it is empty; every row must say which order it belongs to")
    return group


def _failed_condition(columns: Columns, order_map: OrderMap, rows: Sequence[Row]) -> str:
    members = (f"only[{number}]" for number in range(len(order_map.only)))
    return next((member for member in members if not columns.passes(member, rows)), "")


def _facts_of(columns: Columns, order_map: OrderMap, rows: Sequence[Row], hosts: Sequence[str]) -> list[Fact]:
    """One order with its refund and cancellation, or the one fact that the map puts in the order's place."""
    refund, cancellation = order_map.refund, order_map.cancellation
    refunded, cancelled = columns.passes("refund.when", rows), columns.passes("cancellation.when", rows)
    facts = _Facts(columns, order_map, rows)
    if refund is not None and refund.instead_of_order and refunded:
        return [facts.standalone_refund()]
    if cancellation is not None and cancellation.instead_of_order and cancelled:
        return [facts.cancellation()]
    made = [facts.order(hosts)]
    if refunded:
        made.append(facts.refund())
    if cancelled:
        made.append(facts.cancellation())
    return made


class _Facts:
    """The facts of one order's rows; what they share is read once."""

    def __init__(self, columns: Columns, order_map: OrderMap, rows: Sequence[Row]) -> None:
        self.columns = columns
        self.map = order_map
        self.rows = rows
        self.id = self._text("order.id")
        if not self.id:
            raise columns.error("order.id", rows[0], "the order has no id")
        moment = columns.earliest("order.paid_at", rows)
        if moment is None:
            raise columns.error(
                "order.paid_at", rows[0], "the order has no time; fill it in or leave it out with `only`"
            )
        self.paid_at = moment
        self.currency = self._text("order.currency")
        self.exponent = exponent_of(self.currency)

    def order(self, hosts: Sequence[str]) -> Fact:
        """The sale. Members of the body that say nothing are left out."""
        lines = sold_lines(self.columns, self.rows, self.currency)
        body: dict[str, Any] = self._named(self.id) | {
            "paid_at": self.paid_at.isoformat(),
            "currency": self.currency,
            "lines": [self._line(line) for line in lines],
        }
        body |= self._amounts(sum((line.net for line in lines), ZERO), len(lines))
        texts = {name: self._text(f"order.{name}") for name in ("code", "host", "session", "buyer")}
        if texts["host"] and self.map.hashed_column:
            texts["host"] = host_of(texts["host"], hosts)
        body |= {name: text for name, text in texts.items() if text}
        return Fact("orders", self.id, self.paid_at, body)

    def refund(self) -> Fact:
        """What the rows say was given back of their own order."""
        amount = self.columns.amount("refund.amount", self.rows) or ZERO
        body = {"order": self.id, "amount": self._money(abs(amount))}
        lines = self._refunded_lines()
        return self._refund(body | ({"lines": lines} if lines else {}))

    def standalone_refund(self) -> Fact:
        """Rows that are money given back: their amount, or else the sum of their lines, all without signs."""
        amount = self.columns.amount("refund.amount", self.rows)
        if amount is None:
            lines = sold_lines(self.columns, self.rows, self.currency)
            amount = sum((abs(line.net) for line in lines), ZERO)
        order = self._text("refund.order")
        return self._refund({"amount": self._money(abs(amount))} | ({"order": order} if order else {}))

    def cancellation(self) -> Fact:
        """That the order will not be carried out."""
        at = self.columns.earliest("cancellation.cancelled_at", self.rows) or self.paid_at
        body = self._named(self.id) | {"order": self.id, "cancelled_at": at.isoformat()}
        return Fact("cancellations", self.id, at, body)

    def _refund(self, body: dict[str, Any]) -> Fact:
        name = self._text("refund.id") or self.id
        at = self.columns.earliest("refund.refunded_at", self.rows) or self.paid_at
        return Fact("refunds", name, at, self._named(name) | {"refunded_at": at.isoformat()} | body)

    def _refunded_lines(self) -> list[dict[str, Any]]:
        """Lines of which something came back; ids as in the order."""
        lines: list[dict[str, Any]] = []
        if not {"refund.line_quantity", "refund.line_amount"} & self.columns.members.keys():
            return lines
        for line in sold_lines(self.columns, self.rows, self.currency):
            quantity = abs(self.columns.whole("refund.line_quantity", line.row) or 0)
            amount = abs(self.columns.amount("refund.line_amount", [line.row]) or ZERO)
            if quantity or amount:
                lines.append(
                    {"id": line.id}
                    | ({"quantity": quantity} if quantity else {})
                    | ({"amount": self._money(amount)} if amount else {})
                )
        return lines

    def _amounts(self, lines: Decimal, count: int) -> dict[str, Any]:
        """Shipping, tax and total as far as the map has them; zeros are left out."""
        shipping = self.columns.amount("order.shipping", self.rows) or ZERO
        tax = self.columns.amount("order.tax", self.rows) or ZERO
        total = self.columns.amount("order.total", self.rows)
        included = self.map.order.tax_included
        if included == "infer":
            included = tax > 0 and total == lines + shipping
        if total is not None and not included:
            tax = self._rounded_tax(lines + shipping, tax, total, count)
        body: dict[str, Any] = {}
        if shipping:
            body["shipping"] = self._money(shipping)
        if tax:
            body["tax"] = self._money(tax)
        if tax and included:
            body["tax_included"] = True
        if total is not None:
            body["total"] = self._money(total)
        return body

    def _rounded_tax(self, before_tax: Decimal, tax: Decimal, total: Decimal, count: int) -> Decimal:
        """The tax that meets the total, if no more is missing than the rounding of each line can explain."""
        missing = minor_units(total - before_tax - tax, self.exponent)
        allowed = self.map.order.rounding * count
        if not missing or abs(missing) > allowed or tax <= 0 or total < before_tax:
            return tax
        return total - before_tax

    def _line(self, line: SoldLine) -> dict[str, Any]:
        body = {"id": line.id, "quantity": line.quantity, "unit_price": self._money(line.unit_price)}
        texts = {"sku": line.sku, "title": line.title}
        discount = {"discount": self._money(line.discount)} if line.discount else {}
        return body | {name: text for name, text in texts.items() if text} | discount

    def _named(self, name: str) -> dict[str, Any]:
        return {"id": name, "source": self.map.source}

    def _money(self, amount: Decimal) -> str:
        return money(amount, self.exponent)

    def _text(self, member: str) -> str:
        return self.columns.text(member, self.rows)
