"""What a shop may say: orders and what comes back of them as they arrive, and the normal form that is kept. Pure.

The normal form is the fact's identity: two deliveries say the same when their normal forms are equal, so
everything that means the same ("0.00" or left out, ``Z`` or ``+00:00``) must become the same here.
Times become microseconds since the epoch, money minor units; what was left out stays out.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from app.errors import Invalid
from app.sales.money import AMOUNT_MINOR_MAX, format_amount, parse_amount, split
from app.sales.times import parse_time

QUANTITY_MAX = 1_000_000
LINES_MAX = 2_000

Identifier = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", description="1 to 64 of A-Z a-z 0-9 _ . -")
]
OrderId = Annotated[str, Meta(pattern=r"^[!-~]{1,100}\Z", description="1 to 100 printable ASCII characters, no space")]
Text = Annotated[str, Meta(max_length=200)]
Amount = Annotated[str, Meta(max_length=40, description='Decimal string in the order\'s currency, such as "170.00"')]
Time = Annotated[str, Meta(max_length=40, description="RFC 3339 with an offset, such as 2026-11-21T20:15:00+08:00")]


class OrderLine(Struct, forbid_unknown_fields=True):
    """One product of an order. ``discount`` is off the whole line, at most quantity x unit_price.

    Its own ``host``, ``code``, ``click`` and ``session`` stand in place of the order's. ``carted_at``, when it was put
    into the cart.
    """

    quantity: int
    unit_price: Amount
    id: Annotated[str, Meta(max_length=100, pattern=r"^[!-~]*\Z")] = ""
    sku: Annotated[str, Meta(max_length=100)] = ""
    title: Text = ""
    discount: Amount = "0"
    code: Text = ""
    host: Text = ""
    session: Text = ""
    click: Text = ""
    carted_at: Annotated[str, Meta(max_length=40)] = ""


class Order(Struct, forbid_unknown_fields=True):
    """A paid order of a shop."""

    id: OrderId
    paid_at: Time
    currency: Annotated[str, Meta(max_length=10, description="ISO 4217: the event's, or one that it has a rate for")]
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=LINES_MAX)]
    source: Identifier = "default"
    shipping: Amount = "0"
    tax: Amount = "0"
    tax_included: bool = False
    total: Amount = ""
    code: Text = ""
    host: Text = ""
    session: Text = ""
    click: Text = ""
    buyer: Text = ""


class RefundLine(Struct, forbid_unknown_fields=True):
    """What came back of one order line; without an amount it is the quantity's part of what remains."""

    id: Annotated[str, Meta(max_length=100, pattern=r"^[!-~]+\Z")]
    quantity: int = 0
    amount: Amount = ""


class Refund(Struct, forbid_unknown_fields=True):
    """Money given back: an amount, lines, or both. Without ``order`` it names no sale and stays unmatched."""

    id: OrderId
    refunded_at: Time
    source: Identifier = "default"
    order: Annotated[str, Meta(max_length=100, pattern=r"^[!-~]*\Z")] = ""
    currency: Annotated[str, Meta(max_length=10)] = ""
    amount: Amount = ""
    lines: Annotated[list[RefundLine], Meta(max_length=LINES_MAX)] = []


class Cancellation(Struct, forbid_unknown_fields=True):
    """An order that will not be carried out. It moves no money: the refund that follows does."""

    order: OrderId
    cancelled_at: Time
    source: Identifier = "default"
    id: Annotated[str, Meta(max_length=100, pattern=r"^[!-~]*\Z")] = ""


class Dispute(Struct, forbid_unknown_fields=True):
    """Money that a buyer's bank contests: opened with its order and amount, ended by the same id with an outcome."""

    id: OrderId
    source: Identifier = "default"
    order: Annotated[str, Meta(max_length=100, pattern=r"^[!-~]*\Z")] = ""
    disputed_at: Annotated[str, Meta(max_length=40)] = ""
    amount: Amount = ""
    currency: Annotated[str, Meta(max_length=10)] = ""
    fee: Amount = "0"
    outcome: Literal["", "won", "lost"] = ""
    closed_at: Annotated[str, Meta(max_length=40)] = ""


def order_fact(given: Order, currency: str, exponent: int, pseudonym: Callable[[str], str]) -> dict[str, Any]:
    """Normal form of an order in ``currency``; ``pseudonym`` hides who the buyer is.

    Errors: Invalid with the field that must change.
    """
    check_currency(given.currency, currency)
    paid_at = parse_time(given.paid_at, "paid_at")
    lines, amount = _order_lines(given.lines, exponent, paid_at)
    fact: dict[str, Any] = {
        "id": given.id,
        "source": given.source,
        "paid_at": paid_at,
        "currency": currency,
        "lines": lines,
    }
    shipping = _not_negative(given.shipping, exponent, "shipping")
    tax = _not_negative(given.tax, exponent, "tax")
    if shipping:
        fact["shipping"] = shipping
    if tax:
        fact["tax"] = tax
        if given.tax_included:
            fact["tax_included"] = True
    total = amount + shipping + (0 if given.tax_included else tax)
    if given.tax_included and tax > amount:
        raise Invalid("tax_above_lines", "The tax included in the lines is above their sum.", "tax")
    if total > AMOUNT_MINOR_MAX:
        raise Invalid("amount_too_large", f"An order is at most {AMOUNT_MINOR_MAX} minor units.", "total")
    if given.total and parse_amount(given.total, exponent, "total") != total:
        raise Invalid(
            "total_mismatch",
            f"Lines, shipping and tax add up to {format_amount(total, exponent)}; correct them or the total.",
            "total",
        )
    _keep_touches(fact, given)
    if given.buyer:
        fact["buyer"] = pseudonym(given.buyer)
    return fact


def _keep_touches(kept: dict[str, Any], given: "Order | OrderLine") -> None:
    if given.host:
        kept["host"] = given.host
    if given.code:
        kept["code"] = given.code
    if given.session:
        kept["session"] = given.session
    if given.click:
        kept["click"] = given.click


def check_currency(given: str, currency: str) -> None:
    """Refuse any currency but the one that the amounts are read in, with ``currency_mismatch``."""
    if given != currency:
        raise Invalid("currency_mismatch", f"The event counts in {currency}, not in {given}.", "currency")


def _order_lines(given: list[OrderLine], exponent: int, paid_at: int) -> tuple[list[dict[str, Any]], int]:
    lines: list[dict[str, Any]] = []
    seen = set()
    total = 0
    for number, line in enumerate(given):
        identity = line.id or str(number + 1)
        try:
            if identity in seen:
                raise Invalid("line_id_repeated", f"Two lines have the id {identity!r}.", "id")
            kept = _order_line(line, identity, exponent, paid_at)
        except Invalid as error:
            error.field = f"lines[{number}].{error.field}"
            raise
        seen.add(identity)
        lines.append(kept)
        total += kept["quantity"] * kept["unit_price"] - kept.get("discount", 0)
    return lines, total


def _order_line(line: OrderLine, identity: str, exponent: int, paid_at: int) -> dict[str, Any]:
    """Normal form of one line. Errors: Invalid, with the field within the line."""
    _check_quantity(line.quantity, "quantity")
    price = parse_amount(line.unit_price, exponent, "unit_price")
    if price < 0:
        raise Invalid("price_negative", "A price is zero or more; send money given back as a refund.", "unit_price")
    if price > AMOUNT_MINOR_MAX:
        raise Invalid("amount_too_large", f"A price is at most {AMOUNT_MINOR_MAX} minor units.", "unit_price")
    kept = {"id": identity, "quantity": line.quantity, "unit_price": price}
    discount = _not_negative(line.discount, exponent, "discount")
    if discount:
        if discount > line.quantity * price:
            raise Invalid("discount_above_line", "The discount is above quantity x unit_price.", "discount")
        kept["discount"] = discount
    if line.sku:
        kept["sku"] = line.sku
    if line.title:
        kept["title"] = line.title
    if line.code or line.host or line.session or line.click:
        _keep_touches(kept, line)
    if line.carted_at:
        carted_at = kept["carted_at"] = parse_time(line.carted_at, "carted_at")
        if carted_at > paid_at:
            raise Invalid("carted_after_paid", "The line was put into the cart after it was paid.", "carted_at")
    return kept


def _check_quantity(quantity: int, field: str) -> None:
    if quantity <= 0:
        raise Invalid("quantity_not_positive", "A quantity is at least 1; send what came back as a refund.", field)
    if quantity > QUANTITY_MAX:
        raise Invalid("quantity_too_large", f"A quantity is at most {QUANTITY_MAX}.", field)


def _not_negative(text: str, exponent: int, field: str) -> int:
    if text == "0":
        return 0
    amount = parse_amount(text, exponent, field)
    if amount < 0:
        raise Invalid("amount_negative", f"{field} is zero or more.", field)
    return amount


def line_amounts(fact: dict[str, Any]) -> list[tuple[int, int]]:
    """What each line of a normal order sells for and how much of that is tax: (net, tax), in line order.

    Tax that the lines contain is taken out of them in proportion to their amounts (decision 0004).
    """
    gross = [line["quantity"] * line["unit_price"] - line.get("discount", 0) for line in fact["lines"]]
    tax = fact.get("tax", 0) if fact.get("tax_included") else 0
    if not tax:
        return [(amount, 0) for amount in gross]
    return [(amount - part, part) for amount, part in zip(gross, split(tax, gross), strict=True)]


def total_of(fact: dict[str, Any]) -> int:
    """What the buyer paid: lines, shipping, and tax unless the lines contain it."""
    total: int = sum(line["quantity"] * line["unit_price"] - line.get("discount", 0) for line in fact["lines"])
    total += fact.get("shipping", 0)
    return total + (0 if fact.get("tax_included") else fact.get("tax", 0))


def refund_fact(given: Refund, currency: str, exponent: int) -> dict[str, Any]:
    """Normal form of a refund in ``currency``, if it names one. Shape: has ``amount``, ``lines`` or both.

    Errors: Invalid with the field that must change.
    """
    if given.currency:
        check_currency(given.currency, currency)
    fact: dict[str, Any] = {
        "id": given.id,
        "source": given.source,
        "refunded_at": parse_time(given.refunded_at, "refunded_at"),
    }
    if given.order:
        fact["order"] = given.order
    if given.amount:
        amount = parse_amount(given.amount, exponent, "amount")
        _check_refund_amount(amount, "amount")
        fact["amount"] = amount
    lines = _refund_lines(given.lines, exponent)
    if lines:
        fact["lines"] = lines
    elif not given.amount:
        raise Invalid("refund_empty", "Send the amount that was refunded, its lines, or both.", "amount")
    if not given.order and not given.amount:
        raise Invalid("refund_without_amount", "A refund that names no order needs an amount.", "amount")
    return fact


def _refund_lines(given: list[RefundLine], exponent: int) -> list[dict[str, Any]]:
    lines = []
    seen = set()
    for number, line in enumerate(given):
        if line.id in seen:
            raise Invalid("line_id_repeated", f"Two lines have the id {line.id!r}.", f"lines[{number}].id")
        seen.add(line.id)
        kept: dict[str, Any] = {"id": line.id}
        if line.quantity:
            _check_quantity(line.quantity, f"lines[{number}].quantity")
            kept["quantity"] = line.quantity
        if line.amount:
            amount = parse_amount(line.amount, exponent, f"lines[{number}].amount")
            _check_refund_amount(amount, f"lines[{number}].amount")
            kept["amount"] = amount
        elif not line.quantity:
            raise Invalid("refund_empty", "Send a quantity or an amount for the line.", f"lines[{number}]")
        lines.append(kept)
    return lines


def _check_refund_amount(amount: int, field: str) -> None:
    if amount <= 0:
        raise Invalid("amount_not_positive", "What is given back is above zero; leave the sign away.", field)
    if amount > AMOUNT_MINOR_MAX:
        raise Invalid("amount_too_large", f"It is at most {AMOUNT_MINOR_MAX} minor units.", field)


def cancellation_fact(given: Cancellation) -> dict[str, Any]:
    """Normal form of a cancellation; without an id of its own it takes the order's."""
    fact: dict[str, Any] = {
        "id": given.id or given.order,
        "source": given.source,
        "order": given.order,
        "cancelled_at": parse_time(given.cancelled_at, "cancelled_at"),
    }
    return fact


def dispute_fact(given: Dispute, currency: str, exponent: int) -> dict[str, Any]:
    """Normal form of a dispute in ``currency`` that opens, or of its end if it has an outcome.

    Errors: Invalid with the field that must change.
    """
    if given.outcome:
        for name in ("order", "amount", "disputed_at"):
            if getattr(given, name):
                raise Invalid("dispute_repeated", "The end of a dispute says only its id, outcome and closed_at.", name)
        if not given.closed_at:
            raise Invalid("dispute_incomplete", "Send closed_at, when the dispute ended.", "closed_at")
        closed_at = parse_time(given.closed_at, "closed_at")
        return {"id": given.id, "source": given.source, "outcome": given.outcome, "closed_at": closed_at}
    for name in ("order", "amount", "disputed_at"):
        if not getattr(given, name):
            raise Invalid("dispute_incomplete", f"A dispute that opens needs {name}; one that ends, its outcome.", name)
    if given.closed_at:
        raise Invalid("dispute_incomplete", "Send the outcome, won or lost, with closed_at.", "outcome")
    if given.currency:
        check_currency(given.currency, currency)
    amount = parse_amount(given.amount, exponent, "amount")
    _check_refund_amount(amount, "amount")
    fact: dict[str, Any] = {
        "id": given.id,
        "source": given.source,
        "order": given.order,
        "disputed_at": parse_time(given.disputed_at, "disputed_at"),
        "amount": amount,
    }
    fee = _not_negative(given.fee, exponent, "fee")
    if fee > AMOUNT_MINOR_MAX:
        raise Invalid("amount_too_large", f"A fee is at most {AMOUNT_MINOR_MAX} minor units.", "fee")
    return fact | ({"fee": fee} if fee else {})


def order_key(source: str, order: str) -> str:
    """The entry key of an order: unique per event, because a source id holds no colon."""
    return f"order:{source}:{order}"
