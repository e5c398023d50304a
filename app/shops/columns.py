"""The members of a map found in one file: their cells as text, amounts, whole numbers and times.

Members are called as in the map: ``order.paid_at``, ``line.sku``, ``refund.when``, ``only[0]``. One that the
map does not have reads as empty.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.shops.csv_file import ReadingError, Row, Table
from app.shops.maps import HASH_RULE, ISO, Cell, Condition, FileForm, OrderMap, Value

# More digits than any amount or quantity may have; a longer number is a mistake in the file or in the map.
NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class Bound:
    """A member whose columns were found: ``slots`` and ``names`` go together, both empty for a constant."""

    cell: Cell
    slots: tuple[int, ...]
    names: tuple[str, ...]

    def text(self, row: Row) -> str:
        """The first filled column, cut as the map says; "" if all are empty."""
        if self.cell.value:
            return self.cell.value
        for slot in self.slots:
            if row.cells[slot]:
                return _cut(row.cells[slot], self.cell)
        return ""

    def column(self, row: Row) -> str:
        """Name of the column that ``text`` took, for a message."""
        filled = (name for slot, name in zip(self.slots, self.names, strict=True) if row.cells[slot])
        return next(filled, self.names[0] if self.names else "")


class Columns:
    """Every member of one map, bound to the columns of one file.

    Errors: ReadingError for a column that is missing.
    """

    def __init__(self, table: Table, order_map: OrderMap) -> None:
        self.table = table
        self.form = order_map.file
        self.formats = order_map.time.formats
        self.zone = ZoneInfo(order_map.time.zone) if order_map.time.zone else None
        self.members: dict[str, Bound] = {}
        self.conditions: dict[str, Condition] = {}
        # The rows of an order repeat its time, and strptime takes longer than all the rest of a row.
        self._moment = lru_cache(maxsize=4096)(self._parsed_time)
        for name in ("order", "line", "refund", "cancellation"):
            part = getattr(order_map, name)
            for member in part.__struct_fields__ if part is not None else ():
                self._add(f"{name}.{member}", getattr(part, member))
        for number, condition in enumerate(order_map.only):
            self._add(f"only[{number}]", condition)
        if order_map.hashed_column:
            self.members["order.host"] = self._bind("order.host", order_map.hashed_column)

    def text(self, member: str, rows: Sequence[Row]) -> str:
        """Text of the first row that has one, "" if none has.

        Exports repeat what belongs to the order on each of its rows, or leave all but the first empty.
        """
        bound = self.members.get(member)
        if bound is None:
            return ""
        return next((text for row in rows if (text := bound.text(row))), "")

    def amount(self, member: str, rows: Sequence[Row]) -> Decimal | None:
        """The amount of the first row that has one; None if none has. Columns of a ``sum`` count together.

        Errors: ReadingError.
        """
        bound = self.members.get(member)
        if bound is None:
            return None
        read = self._sum if bound.cell.sum else self._number
        return next((number for row in rows if (number := read(bound, row)) is not None), None)

    def whole(self, member: str, row: Row) -> int | None:
        """A whole number; ``6.0`` is one, ``1.5`` is not. None if empty. Errors: ReadingError."""
        number = self.amount(member, [row])
        if number is None:
            return None
        if number != number.to_integral_value():
            raise self.error(member, row, f"{number} is not a whole number; correct the cell or map another column")
        return int(number)

    def earliest(self, member: str, rows: Sequence[Row]) -> datetime | None:
        """The earliest time on an order's rows, with an offset; None if all are empty.

        Errors: ReadingError.
        """
        bound = self.members.get(member)
        if bound is None:
            return None
        return min((self._time(member, bound, row) for row in rows if bound.text(row)), default=None)

    def passes(self, member: str, rows: Sequence[Row]) -> bool:
        """True if the condition holds for the order; False if the map has no such condition.

        Errors: ReadingError.
        """
        condition = self.conditions.get(member)
        if condition is None:
            return False
        text = self.text(member, rows).casefold()
        if condition.starts_with:
            return text.startswith(condition.starts_with.casefold())
        if condition.values:
            return text in {value.casefold() for value in condition.values}
        if condition.filled is not None:
            return bool(text) == condition.filled
        return bool(self.amount(member, rows))

    def reason(self, member: str, rows: Sequence[Row]) -> str:
        """What the condition's column says, to tell why an order was left out."""
        text = self.text(member, rows)
        return (
            f"{self.members[member].names[0]} is {text[:60]!r}" if text else f"{self.members[member].names[0]} is empty"
        )

    def error(self, member: str, row: Row, what: str) -> ReadingError:
        """The error for a member's cell on one row."""
        return ReadingError(self.table.path, row.line, self.members[member].column(row), what)

    def _add(self, member: str, value: object) -> None:
        if isinstance(value, Condition):
            self.conditions[member] = value
            self.members[member] = self._bind(member, value.column)
        elif isinstance(value, (str, list, Cell)) and not _is_rule(member, value):
            self.members[member] = self._bind(member, value)

    def _bind(self, member: str, value: Value) -> Bound:
        cell = value if isinstance(value, Cell) else Cell(column=value)
        found = [(name, slot) for name in cell.columns if (slot := self.table.slot(name)) is not None]
        if cell.columns and not found:
            wanted = " or ".join(repr(name) for name in cell.columns)
            has = ", ".join(self.table.header)
            what = f"the file has no column {wanted}, which the map names as {member}; it has {has}"
            raise ReadingError(self.table.path, 1, "", what)
        return Bound(cell, tuple(slot for _, slot in found), tuple(name for name, _ in found))

    def _number(self, bound: Bound, row: Row) -> Decimal | None:
        text = bound.text(row)
        return self._read(text, bound.column(row), row) if text else None

    def _sum(self, bound: Bound, row: Row) -> Decimal | None:
        filled = [
            (row.cells[slot], name) for slot, name in zip(bound.slots, bound.names, strict=True) if row.cells[slot]
        ]
        return sum((self._read(text, name, row) for text, name in filled), Decimal(0)) if filled else None

    def _read(self, text: str, column: str, row: Row) -> Decimal:
        number = number_of(text, self.form)
        if number is None:
            what = (
                f"{text[:60]!r} is not a number with the decimal sign {self.form.decimal!r}; "
                "correct the cell, or file.decimal and file.thousands in the map"
            )
            raise ReadingError(self.table.path, row.line, column, what)
        return number

    def _time(self, member: str, bound: Bound, row: Row) -> datetime:
        text = bound.text(row)
        moment = self._moment(text)
        if moment is None:
            forms = ", ".join(repr(form) for form in self.formats)
            what = f"{text[:60]!r} is not a time like {forms}; correct the cell, or time.formats in the map"
            raise self.error(member, row, what)
        if moment.tzinfo is None:
            what = f"{text[:60]!r} has no offset; name the shop's time zone as time.zone in the map"
            raise self.error(member, row, what)
        return moment

    def _parsed_time(self, text: str) -> datetime | None:
        """None if no format fits.

        A local time that the clocks show twice is the first of the two; one that they skip is taken with the
        offset that was in force before they did. Both are what fold=0 means.
        """
        for form in self.formats:
            try:
                moment = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)  # noqa: DTZ007
            except ValueError:
                continue
            if moment.tzinfo is None and self.zone is not None:
                moment = moment.replace(tzinfo=self.zone)
                # A fixed offset: two times of one ZoneInfo compare by the clock on the wall, not by the
                # instant.
                return moment.replace(tzinfo=timezone(moment.utcoffset() or timedelta(0)))
            return moment
        return None


def number_of(text: str, form: FileForm) -> Decimal | None:
    """A number as the file writes it; None if it is none.

    A leading ``'`` is dropped: exporters put it before a sign.
    """
    text = text.removeprefix("'")
    if form.thousands:
        text = text.replace(form.thousands, "")
    if form.decimal == ",":
        text = text.replace(".", "?").replace(",", ".")
    return Decimal(text) if NUMBER.fullmatch(text) else None


def _is_rule(member: str, value: object) -> bool:
    """True for the texts of a map that name no column."""
    return member == "order.tax_included" or (
        member == "order.host" and isinstance(value, str) and HASH_RULE.fullmatch(value) is not None
    )


def _cut(text: str, cell: Cell) -> str:
    if cell.after:
        text = text.partition(cell.after)[2]
    if cell.before:
        text = text.partition(cell.before)[0]
    return text.removeprefix(cell.remove_prefix).removesuffix(cell.remove_suffix).strip()
