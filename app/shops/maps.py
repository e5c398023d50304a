"""A map says what the columns of a shop's order export mean, in TOML; it is checked before a row is read.

Every member is described in docs/replay.md. ``load_map`` is the one way in: what it returns is consistent, so
the reader of rows (``csv_orders``) only has to find the columns in the file.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

PACKAGED = Path(__file__).with_name("maps")
SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
HASH_RULE = re.compile(r"hash\((?P<column>.+)\) mod roster")
ISO = "iso"


class MapError(Exception):
    """The map cannot be used; the sentence names the file, the place in it and what to change."""

    def __init__(self, path: str, place: str, what: str) -> None:
        super().__init__(f"{path}: {place}: {what}" if place else f"{path}: {what}")
        self.path = path
        self.place = place
        self.what = what


class Cell(Struct, frozen=True, forbid_unknown_fields=True):
    """Where one value comes from: a column (of several the first filled), a sum of columns, or a constant.

    A plain string in the map is ``column``. The cuts are made in the order in which they stand here.
    """

    column: str | list[str] = ""
    sum: list[str] = []
    value: str = ""
    after: str = ""
    before: str = ""
    remove_prefix: str = ""
    remove_suffix: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of columns, in the order in which they are asked; empty for a constant."""
        if self.sum:
            return tuple(self.sum)
        if isinstance(self.column, str):
            return (self.column,) if self.column else ()
        return tuple(self.column)


Value = str | list[str] | Cell


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """A test of one column, made on the first row of an order that has the cell filled.

    Letter case is ignored.
    """

    column: str | list[str]
    starts_with: str = ""
    values: list[str] = []
    filled: bool | None = None
    not_zero: bool = False


class FileForm(Struct, frozen=True, forbid_unknown_fields=True):
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""


class TimeForm(Struct, frozen=True, forbid_unknown_fields=True):
    """How times are written: strptime formats, or ``iso``; ``zone`` is for those without an offset."""

    formats: list[str]
    zone: str = ""


class OrderColumns(Struct, frozen=True, forbid_unknown_fields=True):
    id: Value
    paid_at: Value
    currency: Value
    group: Value | None = None
    code: Value | None = None
    host: Value | None = None
    session: Value | None = None
    buyer: Value | None = None
    subtotal: Value | None = None
    shipping: Value | None = None
    tax: Value | None = None
    tax_included: bool | str = False
    total: Value | None = None
    rounding: int = 0


class LineColumns(Struct, frozen=True, forbid_unknown_fields=True):
    """A line costs ``unit_price`` each or ``gross`` in all, less ``discount`` or down to ``net``."""

    quantity: Value
    unit_price: Value | None = None
    gross: Value | None = None
    discount: Value | None = None
    net: Value | None = None
    id: Value | None = None
    sku: Value | None = None
    title: Value | None = None


class RefundColumns(Struct, frozen=True, forbid_unknown_fields=True):
    when: Condition
    instead_of_order: bool = False
    id: Value | None = None
    order: Value | None = None
    refunded_at: Value | None = None
    amount: Value | None = None
    line_quantity: Value | None = None
    line_amount: Value | None = None


class CancellationColumns(Struct, frozen=True, forbid_unknown_fields=True):
    when: Condition
    instead_of_order: bool = False
    cancelled_at: Value | None = None


class OrderMap(Struct, frozen=True, forbid_unknown_fields=True):
    """What the columns of one shop's export mean."""

    source: str
    time: TimeForm
    order: OrderColumns
    line: LineColumns
    about: str = ""
    file: FileForm = FileForm()
    only: list[Condition] = []
    refund: RefundColumns | None = None
    cancellation: CancellationColumns | None = None

    @property
    def hashed_column(self) -> str | None:
        """Column of ``host = "hash(COLUMN) mod roster"``; None if the map has no such rule."""
        rule = HASH_RULE.fullmatch(self.order.host) if isinstance(self.order.host, str) else None
        return rule["column"].strip() if rule else None


def packaged_maps() -> list[str]:
    """Names of the maps that come with the program, such as ``shopify``."""
    return sorted(path.stem for path in PACKAGED.glob("*.toml"))


def load_map(name: str | Path) -> OrderMap:
    """The map in a file, or the packaged one of that name.

    Errors: MapError for a file that is not there, is no TOML, or says something that cannot be.
    """
    path = Path(name)
    if not path.exists() and str(name) in packaged_maps():
        path = PACKAGED / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"it cannot be read ({error.strerror}); packaged maps are {', '.join(packaged_maps())}"
        raise MapError(str(name), "", what) from None
    except UnicodeDecodeError:
        raise MapError(str(name), "", "it is not UTF-8; save it as UTF-8") from None
    return parse_map(text, str(name))


def parse_map(text: str, path: str = "map") -> OrderMap:
    """The map that a TOML text says, checked. Errors: MapError."""
    try:
        order_map = msgspec.toml.decode(text, type=OrderMap)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        place = place.rstrip("`").lstrip(".") or "top level"
        raise MapError(path, place, _in_words(what)) from None
    except msgspec.DecodeError as error:
        raise MapError(path, "", f"it is not TOML: {error}") from None
    for problem in _problems(order_map):
        raise MapError(path, problem.place, problem.what)
    return order_map


def _in_words(what: str) -> str:
    for found, better in (
        ("Object contains unknown field", "there is no member"),
        ("Object missing required field", "it lacks the member"),
        ("str | object | array", "a column name, a list of them or a table"),
        ("object", "table"),
    ):
        what = what.replace(found, better)
    return what


@dataclass(frozen=True, slots=True)
class _Problem:
    place: str
    what: str


def _problems(order_map: OrderMap) -> list[_Problem]:
    """Everything that the types cannot say, worst first; empty when the map is fine."""
    return [
        *_source_problems(order_map),
        *_form_problems(order_map.file),
        *_time_problems(order_map.time),
        *_cell_problems(order_map),
        *_order_problems(order_map.order),
        *_line_problems(order_map.line),
        *_follower_problems(order_map),
    ]


def _source_problems(order_map: OrderMap) -> list[_Problem]:
    if SOURCE.fullmatch(order_map.source):
        return []
    return [_Problem("source", "use 1 to 64 letters, digits, '_', '.' or '-', beginning with a letter or digit")]


def _form_problems(form: FileForm) -> list[_Problem]:
    problems = []
    try:
        "0".encode(form.encoding)
    except (LookupError, ValueError):
        problems.append(
            _Problem("file.encoding", f"there is no encoding {form.encoding!r}; utf-8 and cp1252 are usual")
        )
    if len(form.delimiter) != 1:
        problems.append(_Problem("file.delimiter", 'it is one character, such as ",", ";" or "\\t"'))
    if form.decimal not in (".", ","):
        problems.append(_Problem("file.decimal", 'it is "." or ","'))
    if form.thousands and (len(form.thousands) != 1 or form.thousands == form.decimal or form.thousands.isalnum()):
        problems.append(_Problem("file.thousands", "it is one character, not a digit and not the decimal sign"))
    return problems


def _time_problems(form: TimeForm) -> list[_Problem]:
    problems = []
    if not form.formats:
        problems.append(_Problem("time.formats", 'give at least one, such as "%Y-%m-%d %H:%M:%S"'))
    problems += [
        _Problem("time.formats", f"{text!r} does not give year, month and day back; see Python's strptime")
        for text in form.formats
        if text != ISO and not _is_complete(text)
    ]
    if form.zone:
        try:
            ZoneInfo(form.zone)
        except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            problems.append(_Problem("time.zone", f"{form.zone!r} is no IANA time zone, such as Europe/London"))
    elif any("%z" not in text for text in form.formats if text != ISO):
        problems.append(_Problem("time.zone", "name the shop's IANA time zone: a format has no %z, so no offset"))
    return problems


def _is_complete(time_format: str) -> bool:
    probe = datetime.fromisoformat("2001-12-23T17:45:56+00:00")
    try:
        return datetime.strptime(probe.strftime(time_format), time_format).date() == probe.date()  # noqa: DTZ007
    except ValueError:
        return False


def _cell_problems(order_map: OrderMap) -> list[_Problem]:
    problems = []
    parts = (("order", order_map.order), ("line", order_map.line), ("refund", order_map.refund))
    for name, part in (*parts, ("cancellation", order_map.cancellation)):
        for member in part.__struct_fields__ if part is not None else ():
            value = getattr(part, member)
            if isinstance(value, Condition):
                problems += _condition_problems(f"{name}.{member}", value)
            elif isinstance(value, (list, Cell)) or (isinstance(value, str) and member != "tax_included"):
                problems += _value_problems(f"{name}.{member}", value)
    for number, condition in enumerate(order_map.only):
        problems += _condition_problems(f"only[{number}]", condition)
    return problems


def _value_problems(place: str, value: Value) -> list[_Problem]:
    cell = value if isinstance(value, Cell) else Cell(column=value)
    kinds = [kind for kind in ("column", "sum", "value") if getattr(cell, kind)]
    if len(kinds) != 1:
        return [_Problem(place, "give exactly one of column, sum and value")]
    if not all(cell.columns) and kinds != ["value"]:
        return [_Problem(place, "a column name is empty")]
    if kinds == ["sum"] and (cell.after or cell.before or cell.remove_prefix or cell.remove_suffix):
        return [_Problem(place, "a sum is of whole cells; nothing can be cut from them")]
    return []


def _condition_problems(place: str, condition: Condition) -> list[_Problem]:
    columns = [condition.column] if isinstance(condition.column, str) else condition.column
    if not columns or not all(columns):
        return [_Problem(place, "name the column that is tested")]
    tests = (condition.starts_with, condition.values, condition.filled is not None, condition.not_zero)
    if sum(map(bool, tests)) != 1:
        return [_Problem(place, "give exactly one of starts_with, values, filled and not_zero")]
    return []


def _order_problems(order: OrderColumns) -> list[_Problem]:
    problems = []
    host = order.host if isinstance(order.host, str) else ""
    if host.startswith("hash(") and not HASH_RULE.fullmatch(host):
        problems.append(_Problem("order.host", 'the rule is written "hash(COLUMN) mod roster"'))
    if isinstance(order.tax_included, str) and order.tax_included != "infer":
        problems.append(_Problem("order.tax_included", 'it is true, false or "infer"'))
    if order.tax_included == "infer" and (order.tax is None or order.total is None):
        problems.append(_Problem("order.tax_included", '"infer" compares with the total: map tax and total too'))
    if order.rounding < 0:
        problems.append(_Problem("order.rounding", "it counts minor units per line and is zero or more"))
    if order.rounding and (order.tax is None or order.total is None):
        problems.append(_Problem("order.rounding", "it moves the tax to meet the total: map tax and total too"))
    return problems


def _line_problems(line: LineColumns) -> list[_Problem]:
    if (line.unit_price is None) == (line.gross is None):
        return [_Problem("line", "give exactly one of unit_price (of one piece) and gross (of the whole line)")]
    if line.discount is not None and line.net is not None:
        return [_Problem("line", "give discount or net, not both: each follows from the other")]
    return []


def _follower_problems(order_map: OrderMap) -> list[_Problem]:
    refund = order_map.refund
    if refund is None:
        return []
    if not refund.instead_of_order:
        if refund.amount is None:
            return [_Problem("refund.amount", "name the column: the lines of an order say what was sold, not returned")]
        if refund.order is not None:
            return [_Problem("refund.order", "the refund follows its own order; leave the member away")]
        return []
    if refund.line_quantity is not None or refund.line_amount is not None:
        return [_Problem("refund", "line_quantity and line_amount are for refunds of an order in the same rows")]
    return []
