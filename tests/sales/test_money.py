"""Amounts are exact: every decimal string has one integer, every split gives all and takes nothing."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.sales.currencies import EXPONENTS
from app.sales.money import exponent_of, format_amount, parse_amount, split

MINOR = st.integers(1 - 10**15, 10**15 - 1)
DECIMALS = st.sampled_from(sorted(set(EXPONENTS.values())))
# Small amounts over many weights: where shares of nothing and remainders that are equal are common.
WEIGHTS = st.lists(st.integers(0, 12), min_size=1, max_size=8).filter(any)


def test_currencies_are_those_of_the_iso_list():
    listed = {currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None}

    assert listed == EXPONENTS


@pytest.mark.parametrize("currency", ["", "gbp", "GB", "GBPX", "XXX", "XAU", "££", "GBP\n"])
def test_currency_that_iso_does_not_count_in_decimals_is_refused(currency):
    with pytest.raises(Invalid) as refused:
        exponent_of(currency)

    assert (refused.value.code, refused.value.field) == ("currency_unknown", "currency")


@given(MINOR, DECIMALS)
def test_amount_written_and_read_again_is_the_same(minor, exponent):
    assert parse_amount(format_amount(minor, exponent), exponent, "amount") == minor


@given(MINOR, DECIMALS)
def test_written_amount_is_the_decimal_number_with_all_its_decimals(minor, exponent):
    text = format_amount(minor, exponent)

    assert Decimal(text) == Decimal(minor).scaleb(-exponent)
    assert len(text.partition(".")[2]) == exponent


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [
        ("170.00", 2, 17_000),
        ("170", 2, 17_000),
        ("170.5", 2, 17_050),
        ("0.01", 2, 1),
        ("-0.01", 2, -1),
        ("-3", 2, -300),
        ("-0", 2, 0),
        ("007.10", 2, 710),
        ("170", 0, 170),
        ("1.234", 3, 1_234),
        ("999999999999999.9999", 4, 9_999_999_999_999_999_999),
    ],
)
def test_decimal_string_is_read_exactly(text, exponent, minor):
    assert parse_amount(text, exponent, "amount") == minor


@pytest.mark.parametrize(
    ("text", "exponent", "code"),
    [
        *((text, 2, "amount_not_decimal") for text in ("", "-", ".", "1.", ".5", "-.5", "+1", "--1", "1-", " 1", "1 ")),
        *((text, 2, "amount_not_decimal") for text in ("1,00", "1_000", "1e3", "0x1", "NaN", "inf", "1.0.0", "1.-5")),
        *((text, 2, "amount_not_decimal") for text in ("\u0661", "1.\u0665", "²", "1\n", "1\x00", "½", "one", "£1")),
        ("1.005", 2, "too_many_decimals"),
        ("1.000", 2, "too_many_decimals"),
        ("1.0", 0, "too_many_decimals"),
        ("1" + 15 * "0", 2, "amount_too_large"),
        ("-1" + 15 * "0", 2, "amount_too_large"),
    ],
)
def test_text_that_is_no_amount_of_the_currency_is_refused_at_its_field(text, exponent, code):
    with pytest.raises(Invalid) as refused:
        parse_amount(text, exponent, "lines[2].unit_price")

    assert (refused.value.code, refused.value.field) == (code, "lines[2].unit_price")


@given(st.text(max_size=12), DECIMALS)
def test_whatever_is_read_as_an_amount_is_that_decimal_number(text, exponent):
    try:
        minor = parse_amount(text, exponent, "amount")
    except Invalid:
        return

    assert Decimal(text) == Decimal(minor).scaleb(-exponent)


@given(st.integers(0, 200), WEIGHTS)
def test_split_gives_everything_and_each_within_one_unit_of_its_exact_share(amount, weights):
    shares = split(amount, weights)

    assert sum(shares) == amount
    assert len(shares) == len(weights)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(amount * weight, sum(weights))) < 1


@given(WEIGHTS, st.data())
def test_split_of_no_more_than_the_weights_takes_no_more_than_any_of_them(weights, data):
    amount = data.draw(st.integers(0, sum(weights)))

    assert all(0 <= share <= weight for share, weight in zip(split(amount, weights), weights, strict=True))


@given(WEIGHTS, st.data())
def test_splitting_what_remains_again_and_again_ends_at_zero_everywhere(weights, data):
    remaining = list(weights)
    while sum(remaining):
        amount = data.draw(st.integers(1, sum(remaining)))
        remaining = [left - part for left, part in zip(remaining, split(amount, remaining), strict=True)]

    assert remaining == [0] * len(weights)


@given(st.integers(0, 200), WEIGHTS)
def test_larger_weight_never_gets_less(amount, weights):
    by_weight = sorted(zip(weights, split(amount, weights), strict=True), key=lambda pair: pair[0])

    for (lighter, less), (heavier, more) in pairwise(by_weight):
        assert less <= more or lighter == heavier


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (1, [1, 1, 1], [1, 0, 0]),
        (2, [1, 1, 1], [1, 1, 0]),
        (100, [1, 1, 1], [34, 33, 33]),
        (5, [3, 3], [3, 2]),
        (1, [0, 5, 5], [0, 1, 0]),
        (10, [1, 2], [3, 7]),
        (10**12, [1, 1, 1], [333_333_333_334, 333_333_333_333, 333_333_333_333]),
        (7, [9], [7]),
        (0, [3, 4], [0, 0]),
    ],
)
def test_left_over_units_go_to_the_largest_remainders_and_ties_to_the_earlier(amount, weights, shares):
    assert split(amount, weights) == shares


@given(st.integers(0, 100), st.integers(1, 9), st.integers(2, 8))
def test_equal_weights_differ_by_one_unit_at_most_and_the_earlier_have_it(amount, weight, count):
    shares = split(amount, [weight] * count)

    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


@pytest.mark.parametrize(("amount", "weights"), [(1, []), (1, [0, 0]), (-1, [1]), (1, [2, -1]), (0, [0])])
def test_split_without_a_positive_weight_or_with_anything_negative_is_an_error(amount, weights):
    with pytest.raises(ValueError, match="split needs"):
        split(amount, weights)
