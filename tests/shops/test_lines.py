"""Lines of an order: exact prices from whole amounts, discounts spread so that the subtotal is met."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.shops.lines import minor_units, money, spread_discount


@pytest.mark.parametrize(
    ("gross", "own", "whole", "shares"),
    [
        ([6980, 1990], [0, 0], 897, [698, 199]),
        ([6980, 1990], [100, 0], 100, [100, 0]),
        ([1000, 1000, 1000], [0, 0, 0], 1000, [334, 333, 333]),
        ([1000, 500], [500, 0], 1000, [750, 250]),
        ([1000, 500], [600, 400], 500, [300, 200]),
        ([1000, 0], [0, 0], 1000, [1000, 0]),
    ],
)
def test_discount_is_spread_over_what_remains(gross, own, whole, shares):
    assert spread_discount(gross, own, whole) == shares


@pytest.mark.parametrize(
    ("gross", "own", "whole"),
    [
        ([1000], [0], 1001),
        ([1000], [100], -1),
        ([-1000], [0], 10),
        ([1000], [-5], 10),
        ([1000], [1200], 10),
        ([], [], 0),
    ],
    ids=["above the lines", "negative", "negative line", "negative own", "own above its line", "no lines"],
)
def test_discount_that_cannot_be_spread_leaves_the_lines_as_they_are(gross, own, whole):
    assert spread_discount(gross, own, whole) == own


@given(st.data())
def test_shares_always_meet_the_whole_and_never_pass_their_line(data):
    lines = data.draw(st.lists(st.integers(0, 10_000), min_size=1, max_size=8))
    own = [data.draw(st.integers(0, line)) for line in lines]
    whole = data.draw(st.integers(0, sum(lines)))

    shares = spread_discount(lines, own, whole)

    assert sum(shares) == whole
    assert all(0 <= share <= line for share, line in zip(shares, lines, strict=True))


@pytest.mark.parametrize(
    ("amount", "exponent", "text"),
    [
        ("2.5", 2, "2.50"),
        ("2.000", 2, "2.00"),
        ("2.005", 2, "2.005"),
        ("12", 0, "12"),
        ("12.00", 0, "12"),
        ("12.50", 0, "12.5"),
    ],
)
def test_money_keeps_every_digit_that_says_something(amount, exponent, text):
    assert money(Decimal(amount), exponent) == text


def test_minor_units_of_more_decimals_than_the_currency_are_none():
    assert minor_units(Decimal("2.50"), 2) == 250
    assert minor_units(Decimal("2.505"), 2) is None
