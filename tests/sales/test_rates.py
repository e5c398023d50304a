"""Rates as they are declared and frozen, and what an order is worth by them: exact, each part rounded once."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.sales import rates
from app.sales.currencies import EXPONENTS
from app.sales.facts import line_amounts, order_fact, total_of
from app.sales.money import AMOUNT_MINOR_MAX
from tests.book import line, order


def rate(text: str, currency: str = "EUR", event: str = "CNY") -> dict[str, Any]:
    """As an entry freezes it."""
    ((_, one),) = rates.parse_rates({currency: text}, event).items()
    table = rates.Rates("v1", {currency: (one["mantissa"], one["decimals"])})
    return rates.frozen(table, currency, event, EXPONENTS[event])


@pytest.mark.parametrize(
    ("text", "mantissa", "decimals"),
    [
        ("0.8523", 8523, 4),
        ("0.85230000", 8523, 4),
        ("7", 7, 0),
        ("007.10", 71, 1),
        ("100", 100, 0),
        ("0.0000000001", 1, 10),
        ("99999.9999999", 999_999_999_999, 7),
    ],
)
def test_rate_has_one_normal_form(text: str, mantissa: int, decimals: int):
    assert rates.parse_rates({"EUR": text}, "CNY") == {"EUR": {"mantissa": mantissa, "decimals": decimals}}
    shown = rates.shown(mantissa, decimals)
    assert Fraction(shown) == Fraction(text)
    assert rates.parse_rates({"EUR": shown}, "CNY") == rates.parse_rates({"EUR": text}, "CNY")


@pytest.mark.parametrize(
    "text",
    [
        *("0", "0.00", "-1", "+1", "1e3", "1,5", ".5", "5.", "", " 1", "1 ", "٣", "NaN", "1.2.3"),
        *("1234567890123", "0.00000000001", "1.234567890123", "1000000.01", "9" * 31),
    ],
)
def test_what_is_no_rate_is_refused(text: str):
    with pytest.raises(Invalid) as refused:
        rates.parse_rates({"EUR": text}, "CNY")

    assert (refused.value.code, refused.value.field) == ("rate_not_possible", "rates.EUR")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"CNY": "1"}, "rate_of_own_currency"),
        ({"eur": "1"}, "currency_unknown"),
        ({"XXX": "1"}, "currency_unknown"),
        ({f"X{number}": "1" for number in range(201)}, "too_many_rates"),
    ],
)
def test_table_that_cannot_be_is_refused(given: dict[str, str], code: str):
    with pytest.raises(Invalid) as refused:
        rates.parse_rates(given, "CNY")

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "currency", "event", "amount", "converted"),
    [
        ("7.8123", "EUR", "CNY", 10_000, 78_123),
        # No decimals, three decimals, and both ways.
        ("0.0467", "JPY", "CNY", 1_000, 4_670),
        ("23.1", "KWD", "CNY", 1_234, 2_851),
        ("480.25", "KWD", "JPY", 1_000, 480),
        ("0.002", "JPY", "KWD", 1_000, 2_000),
        # Half goes to the even one.
        ("0.5", "EUR", "CNY", 1, 0),
        ("0.5", "EUR", "CNY", 3, 2),
        ("0.5", "EUR", "CNY", 5, 2),
    ],
)
def test_amount_is_converted_by_the_decimals_of_both_currencies(
    text: str, currency: str, event: str, amount: int, converted: int
):
    assert rates.convert(amount, rate(text, currency, event)) == converted


CURRENCIES = st.sampled_from(("EUR", "JPY", "KWD", "IDR"))
RATES = st.tuples(st.integers(1, 999_999), st.integers(0, 10)).map(lambda pair: rates.shown(*pair))


@st.composite
def facts_with_rates(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    currency = draw(CURRENCIES)
    lines: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 5))):
        quantity, price = draw(st.integers(1, 1_000)), draw(st.sampled_from((0, 1, 7, 333, 19_999)))
        discount = draw(st.integers(0, quantity * price))
        lines.append({"id": str(number), "quantity": quantity, "unit_price": price, "discount": discount, "sku": "a"})
    worth = sum(each["quantity"] * each["unit_price"] - each["discount"] for each in lines)
    fact: dict[str, Any] = {"id": "1", "source": "shop", "currency": currency, "lines": lines}
    fact["shipping"] = draw(st.integers(0, 3_000))
    if draw(st.booleans()):
        fact |= {"tax": draw(st.integers(0, worth)), "tax_included": True}
    else:
        fact["tax"] = draw(st.integers(0, 3_000))
    # Times at most 10^8 minor units: that is never too much.
    return fact, rate(draw(RATES.filter(lambda text: Fraction(text) <= 100)), currency)


@given(facts_with_rates())
def test_value_is_a_legal_order_whose_parts_are_the_converted_parts(given: tuple[dict[str, Any], dict[str, Any]]):
    fact, one = given
    value = rates.value_of(fact, one, "CNY")

    exact = Fraction(one["mantissa"]) / Fraction(10) ** one["shift"]
    parts = [item["quantity"] * item["unit_price"] - item["discount"] for item in fact["lines"]]
    converted = [item["quantity"] * item["unit_price"] - item.get("discount", 0) for item in value["lines"]]
    assert converted == [round(part * exact) for part in parts]
    assert [net + tax for net, tax in line_amounts(value)] == converted
    assert value.get("shipping", 0) == round(fact["shipping"] * exact)
    for item in value["lines"]:
        assert item["quantity"] * item["unit_price"] >= item.get("discount", 0) >= 0
        assert "discount" not in item or item["discount"]
    assert value.get("tax", 0) <= sum(converted) or not value.get("tax_included")
    assert abs(total_of(value) - total_of(fact) * exact) <= len(parts) + 2
    kept = ("id", "quantity", "sku")
    assert [[item[name] for name in kept] for item in value["lines"]] == [
        [item[name] for name in kept] for item in fact["lines"]
    ]
    assert value["currency"] == "CNY"


def test_order_that_is_worth_too_much_in_the_events_currency_is_refused():
    fact = order_fact(order(price="9000000000.00", currency="EUR"), "EUR", 2, str)

    with pytest.raises(Invalid, match="amount_too_large"):
        rates.value_of(fact, rate("7.8"), "CNY")
    assert total_of(rates.value_of(fact, rate("1"), "CNY")) == 900_000_000_000 <= AMOUNT_MINOR_MAX


def test_discount_of_a_converted_line_is_the_discount_and_not_what_the_price_was_rounded_by():
    lines = [line("a", "0.33", 1_000, discount="30.00"), line("b", "0.33", 1_000)]
    fact = order_fact(order(lines=lines, currency="EUR"), "EUR", 2, str)
    one = rate("0.0467")
    content = {"fact": fact, "rate": one, "value": rates.value_of(fact, one, "CNY")}

    assert rates.discounts(content) == [140, 0]
    assert [item.get("discount", 0) for item in content["value"]["lines"]] == [599, 459]
    assert rates.discounts({"fact": fact}) == [3_000, 0]


def test_included_tax_is_at_most_what_the_lines_that_contain_it_are_worth():
    """Each line is worth less than half a unit, their tax more."""
    lines = [line("a", "0.01"), line("b", "0.01")]
    fact = order_fact(order(lines=lines, tax="0.02", tax_included=True, currency="EUR"), "EUR", 2, str)

    value = rates.value_of(fact, rate("0.4"), "CNY")

    assert rates.convert(fact["tax"], rate("0.4")) == 1
    assert "tax" not in value
    assert "tax_included" not in value
    assert line_amounts(value) == [(0, 0), (0, 0)]
