"""Exchange rates: the declared table, the rate that an entry freezes, and an order in the event's currency. Pure.

A rate is a mantissa and its decimals, as integers: one unit of the currency is worth ``mantissa / 10**decimals`` of
the event's. What an entry freezes also has ``shift``: minor units times ``mantissa / 10**shift`` are the event's minor
units. Amounts are rounded half to even, each once (decision 0012).
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from msgspec import Struct

from app.errors import Invalid
from app.sales.currencies import EXPONENTS
from app.sales.money import AMOUNT_MINOR_MAX

CURRENCIES_MAX = 200
# Each is remembered by its name, so that it is used once.
VERSIONS_MAX = 1_000
DIGITS_MAX = 12
DECIMALS_MAX = 10
# In minor units for one minor unit: what a single refund gives back then fits into 64 bits whatever the rate.
WORTH_MAX = 1_000_000

_DECIMAL = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")

# ``version``, ``currency``, ``mantissa``, ``decimals``, ``shift``.
Rate = Mapping[str, Any]


class Rates(Struct, frozen=True):
    """The table in force, by currency (mantissa, decimals), and all versions: (name, position, recorded_at)."""

    version: str = ""
    table: dict[str, tuple[int, int]] = {}
    versions: tuple[tuple[str, int, int], ...] = ()


def rates_key(version: str) -> str:
    """The entry key of a table."""
    return f"rates:{version}"


def parse_rates(given: Mapping[str, str], currency: str) -> dict[str, dict[str, int]]:
    """A table in normal form from decimal strings; ``currency`` is the event's.

    Shape: by currency ``mantissa`` and ``decimals``, without zeros at the end of the decimals.
    Errors: Invalid ``currency_unknown``, ``rate_of_own_currency``, ``rate_not_possible``, ``too_many_rates``.
    """
    if len(given) > CURRENCIES_MAX:
        raise Invalid("too_many_rates", f"A table has at most {CURRENCIES_MAX} currencies.", "rates")
    table = {}
    for name, text in given.items():
        field = f"rates.{name[:10]}"
        if name not in EXPONENTS:
            raise Invalid("currency_unknown", f"{name[:10]!r} is not an ISO 4217 currency code.", field)
        if name == currency:
            raise Invalid("rate_of_own_currency", f"The event counts in {currency}, which needs no rate.", field)
        if not _DECIMAL.fullmatch(text):
            raise Invalid("rate_not_possible", 'Send a rate as a decimal string such as "0.8523".', field)
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        mantissa, decimals = int(whole + fraction), len(fraction)
        if not 0 < mantissa < 10**DIGITS_MAX or decimals > DECIMALS_MAX:
            raise Invalid(
                "rate_not_possible",
                f"A rate is above zero and has at most {DIGITS_MAX} digits, {DECIMALS_MAX} of them decimals.",
                field,
            )
        if mantissa > WORTH_MAX * Fraction(10) ** _shift(name, decimals, EXPONENTS[currency]):
            raise Invalid("rate_not_possible", f"A minor unit is worth at most {WORTH_MAX} of the event's.", field)
        table[name] = {"mantissa": mantissa, "decimals": decimals}
    return table


def shown(mantissa: int, decimals: int) -> str:
    """A rate as the decimal string that a call declares it by."""
    digits = str(mantissa).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


def frozen(rates: Rates, given: str, currency: str, exponent: int) -> dict[str, Any]:
    """The rate of a currency that is in force, as an entry keeps it; the event counts in ``currency``.

    Errors: Invalid ``currency_mismatch`` if there is none.
    """
    if given not in rates.table:
        raise mismatch(given, currency)
    mantissa, decimals = rates.table[given]
    return {
        "version": rates.version,
        "currency": given,
        "mantissa": mantissa,
        "decimals": decimals,
        "shift": _shift(given, decimals, exponent),
    }


def mismatch(given: str, currency: str) -> Invalid:
    """The refusal of a currency that the event has no rate for."""
    return Invalid("currency_mismatch", f"The event counts in {currency}, not in {given}.", "currency")


def _shift(currency: str, decimals: int, exponent: int) -> int:
    return decimals + EXPONENTS[currency] - exponent


def convert(amount: int, rate: Rate) -> int:
    """Minor units of the rate's currency as minor units of the event's, rounded half to even."""
    converted: int = round(amount * rate["mantissa"] / Fraction(10) ** rate["shift"])
    return converted


def checked(amount: int, field: str) -> int:
    """What a conversion gave. Errors: Invalid ``amount_too_large``."""
    if amount > AMOUNT_MINOR_MAX:
        raise Invalid("amount_too_large", f"It is at most {AMOUNT_MINOR_MAX} minor units of the event's.", field)
    return amount


def value_of(fact: Mapping[str, Any], rate: Rate, currency: str) -> dict[str, Any]:
    """An order as a fact in the event's currency: each line, shipping and tax converted by itself.

    Shape: a legal normal form. A line is worth exactly what its amount converts to: its price is that divided by its
    quantity and rounded up, its discount what is over. Tax that lines contain is at most what they are worth.
    Errors: Invalid ``amount_too_large``.
    """
    lines = [_line_value(line, rate) for line in fact["lines"]]
    amount = sum(line["quantity"] * line["unit_price"] - line.get("discount", 0) for line in lines)
    shipping, tax = convert(fact.get("shipping", 0), rate), convert(fact.get("tax", 0), rate)
    included = fact.get("tax_included", False)
    if included:
        tax = min(tax, amount)
    checked(amount + shipping + (0 if included else tax), "total")
    value = {**fact, "currency": currency, "lines": lines, "shipping": shipping, "tax": tax}
    if not shipping:
        del value["shipping"]
    if not tax:
        del value["tax"]
        value.pop("tax_included", None)
    return value


def _line_value(line: Mapping[str, Any], rate: Rate) -> dict[str, Any]:
    quantity = line["quantity"]
    amount = convert(quantity * line["unit_price"] - line.get("discount", 0), rate)
    price = -(-amount // quantity)
    value = {**line, "unit_price": price, "discount": quantity * price - amount}
    if not value["discount"]:
        del value["discount"]
    return value


def valued(content: Mapping[str, Any]) -> dict[str, Any]:
    """The order of an ``order.paid`` body in the event's currency: what all sums are made of."""
    fact: dict[str, Any] = content["value"] if "value" in content else content["fact"]
    return fact


def discounts(content: Mapping[str, Any]) -> list[int]:
    """What each line of an ``order.paid`` body was reduced by, in the event's currency.

    The discount of a converted line also holds what its price was rounded up by.
    """
    lines = content["fact"]["lines"]
    if "value" not in content:
        return [line.get("discount", 0) for line in lines]
    rate = content["rate"]
    gross = [convert(line["quantity"] * line["unit_price"], rate) for line in lines]
    net = [convert(line["quantity"] * line["unit_price"] - line.get("discount", 0), rate) for line in lines]
    return [before - after for before, after in zip(gross, net, strict=True)]
