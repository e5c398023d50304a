"""The lines of one order as sold: exact prices, and discounts so that lines, subtotal and total agree."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from app.sales.currencies import EXPONENTS
from app.sales.money import split
from app.shops.columns import Columns
from app.shops.csv_file import Row

ZERO = Decimal(0)
# Decimals of a currency that the API will refuse anyway.
EXPONENT_UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One line of an order. ``discount`` is off the whole line; ``id`` is unique within the order."""

    id: str
    sku: str
    title: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    row: Row

    @property
    def gross(self) -> Decimal:
        """Before the discount."""
        return self.quantity * self.unit_price

    @property
    def net(self) -> Decimal:
        """After the discount."""
        return self.gross - self.discount


def sold_lines(columns: Columns, rows: Sequence[Row], currency: str) -> list[SoldLine]:
    """The lines that an order's rows say, in row order; a row with neither quantity nor price is no line.

    Without a column for it a line's id is its number within the order, from 1. Errors: ReadingError.
    """
    exponent = exponent_of(currency)
    lines: list[SoldLine] = []
    for row in rows:
        line = _line(columns, row, exponent, number=len(lines) + 1)
        if line is not None:
            lines.append(line)
    subtotal = columns.amount("order.subtotal", rows)
    return lines if subtotal is None else _down_to(lines, subtotal, exponent)


def spread_discount(gross: Sequence[int], own: Sequence[int], whole: int) -> list[int]:
    """Discount of each line when ``whole`` is what the lines of an order lost together.

    Shape: one share per line, none above its line, summing to ``whole``; ``own`` unchanged if that cannot be.
    Units: minor units.
    Source: lines keep their own discount and the rest is split over what remains of them; if their own are
    together above the whole, the whole is split in their proportion. Largest remainder in both (decision
    0004).
    """
    remaining = [line - discount for line, discount in zip(gross, own, strict=True)]
    missing = whole - sum(own)
    if whole < 0 or min(own, default=-1) < 0 or min(remaining) < 0 or missing > sum(remaining) or missing == 0:
        return list(own)
    if missing < 0:
        return split(whole, own)
    return [had + more for had, more in zip(own, split(missing, remaining), strict=True)]


def exponent_of(currency: str) -> int:
    """Decimals of a currency; 2 for an unknown one, which is left to the API to refuse."""
    return EXPONENTS.get(currency, EXPONENT_UNKNOWN)


def money(amount: Decimal, exponent: int) -> str:
    """The amount as a decimal string, without zeros beyond the currency's decimals; other digits stay."""
    whole, _, fraction = f"{amount:f}".partition(".")
    fraction = fraction[:exponent].ljust(exponent, "0") + fraction[exponent:].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def minor_units(amount: Decimal, exponent: int) -> int | None:
    """The amount in minor units; None if it has more decimals than the currency."""
    scaled = amount.scaleb(exponent)
    return int(scaled) if scaled == scaled.to_integral_value() else None


def _line(columns: Columns, row: Row, exponent: int, number: int) -> SoldLine | None:
    quantity = columns.whole("line.quantity", row)
    price = columns.amount("line.unit_price", [row])
    gross = columns.amount("line.gross", [row])
    if quantity is None and price is None and gross is None:
        return None
    if quantity is None:
        raise columns.error("line.quantity", row, "the quantity is empty; fill it in or remove the row")
    if price is None:
        if gross is None:
            member = "line.gross" if "line.gross" in columns.members else "line.unit_price"
            raise columns.error(member, row, "the price is empty; write 0 for a free item")
        price = _price_of_one(gross, quantity, exponent)
    net = columns.amount("line.net", [row])
    if net is None:
        net = (quantity * price if gross is None else gross) - (columns.amount("line.discount", [row]) or ZERO)
    return SoldLine(
        id=columns.text("line.id", [row]) or str(number),
        sku=columns.text("line.sku", [row]),
        title=columns.text("line.title", [row]),
        quantity=quantity,
        unit_price=price,
        discount=quantity * price - net,
        row=row,
    )


def _price_of_one(gross: Decimal, quantity: int, exponent: int) -> Decimal:
    """The line's amount by its quantity, rounded up to a minor unit; the surplus becomes its discount.

    So 3 pieces for 10.00 are 3 x 3.34 less 0.02: the line is exact and its units are right.
    """
    minor = minor_units(gross, exponent)
    if quantity <= 0 or minor is None or minor < 0:
        return gross
    return Decimal(-(-minor // quantity)).scaleb(-exponent)


def _down_to(lines: list[SoldLine], subtotal: Decimal, exponent: int) -> list[SoldLine]:
    """The lines with discounts that make them sum to the order's subtotal, where that can be."""
    gross = [minor_units(line.gross, exponent) for line in lines]
    own = [minor_units(line.discount, exponent) for line in lines]
    wanted = minor_units(subtotal, exponent)
    if wanted is None or None in gross or None in own:
        return lines
    exact_gross = [amount for amount in gross if amount is not None]
    exact_own = [amount for amount in own if amount is not None]
    shares = spread_discount(exact_gross, exact_own, sum(exact_gross) - wanted)
    return [replace(line, discount=Decimal(share).scaleb(-exponent)) for line, share in zip(lines, shares, strict=True)]
