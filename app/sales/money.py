"""Amounts as integers in minor units, their decimal strings, and the one rule that divides them. Pure."""

from collections.abc import Sequence

from app.errors import Invalid
from app.sales.currencies import EXPONENTS

# Above this an order is refused; every sum of a million such orders still fits into 64 bits.
AMOUNT_MINOR_MAX = 10**12


def exponent_of(currency: str, field: str = "currency") -> int:
    """Number of decimals of an ISO 4217 currency.

    Errors: Invalid ``currency_unknown``.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise Invalid("currency_unknown", f"{currency!r} is not an ISO 4217 currency code.", field) from None


def parse_amount(text: str, exponent: int, field: str) -> int:
    """A decimal string such as ``"170.00"`` as minor units; the sign is kept.

    Errors: Invalid ``amount_not_decimal``, ``too_many_decimals``, ``amount_too_large``.
    """
    whole, point, fraction = text.partition(".")
    digits = whole[1:] if whole[:1] == "-" else whole
    number = digits + fraction
    if not (digits and number.isascii() and number.isdigit()) or (point and not fraction):
        raise Invalid("amount_not_decimal", 'Send the amount as a decimal string such as "170.00".', field)
    if len(fraction) > exponent:
        raise Invalid("too_many_decimals", f"The currency has {exponent} decimals; {text[:40]!r} has more.", field)
    if len(digits) > 15:
        raise Invalid("amount_too_large", "The amount has more digits than any order may have.", field)
    minor = int(digits + fraction.ljust(exponent, "0"))
    return -minor if whole[0] == "-" else minor


def format_amount(minor: int, exponent: int) -> str:
    """Minor units as the decimal string that the API speaks: always all decimals of the currency."""
    if exponent == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount among weights without losing a cent.

    Shape: one share per weight, in the same order; the shares sum to the amount. An amount that is not
    above the sum of the weights never gives a share above its weight: that is what lets refunds be split
    over *what remains* of each share until nothing is left.
    Errors: ValueError if no weight is positive, or the amount or a weight is negative.
    Source: largest remainder; equal remainders go to the earlier weight (decision 0004).
    """
    total = sum(weights)
    if total <= 0 or amount < 0 or min(weights) < 0:
        raise ValueError("split needs a positive sum of weights and nothing negative")
    if len(weights) == 1:
        return [amount]
    shares = [amount * weight // total for weight in weights]
    left = amount - sum(shares)
    if left:
        by_remainder = sorted(range(len(weights)), key=lambda i: -(amount * weights[i] % total))
        for i in by_remainder[:left]:
            shares[i] += 1
    return shares
