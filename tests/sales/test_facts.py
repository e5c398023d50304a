"""What a shop says becomes one normal form: whatever means the same is equal, whatever differs is not."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError, Invalid
from app.journal.entry import canonical_bytes
from app.sales import facts
from tests import histories
from tests.book import START, line, order, refund


def normal(given: facts.Order, exponent: int = 2) -> dict[str, Any]:
    return facts.order_fact(given, given.currency, exponent, lambda person: f"hidden-{person}")


def normal_refund(given: facts.Refund) -> dict[str, Any]:
    return facts.refund_fact(given, "GBP", 2)


def refused(given: facts.Order | facts.Refund, currency: str = "GBP") -> tuple[str, str]:
    try:
        if isinstance(given, facts.Order):
            facts.order_fact(given, currency, 2, str)
        else:
            facts.refund_fact(given, currency, 2)
    except AppError as error:
        return error.code, error.field
    return "accepted", ""


def test_order_keeps_what_was_said_in_minor_units_and_microseconds():
    said = order(
        lines=[line("a", "10.50", 2, discount="1.00", sku="s1", title="Tea"), facts.OrderLine(1, "3")],
        shipping="2.99",
        tax="1.20",
        code="ANN5",
        host="ann",
        session="duo",
        click="c1",
        buyer="x@example.org",
        total="27.19",
    )

    assert normal(said) == {
        "id": "1001",
        "source": "default",
        "paid_at": START + 3_600_000_000,
        "currency": "GBP",
        "lines": [
            {"id": "a", "quantity": 2, "unit_price": 1050, "discount": 100, "sku": "s1", "title": "Tea"},
            {"id": "2", "quantity": 1, "unit_price": 300},
        ],
        "shipping": 299,
        "tax": 120,
        "code": "ANN5",
        "host": "ann",
        "session": "duo",
        "click": "c1",
        "buyer": "hidden-x@example.org",
    }


def test_order_that_says_no_more_than_it_must_keeps_no_more():
    assert normal(order()).keys() == {"id", "source", "paid_at", "currency", "lines"}
    assert normal(order())["lines"] == [{"id": "1", "quantity": 1, "unit_price": 1000}]


@pytest.mark.parametrize(
    "said",
    [
        order(price="10"),
        order(price="10.0"),
        order(shipping="0.00"),
        order(tax="0.00"),
        order(tax="0", tax_included=True),
        order(total="10.00"),
        order(total="10"),
        order(source="default"),
        order(paid_at="2021-04-05T01:00:00Z"),
        order(paid_at="2021-04-05T01:00:00.000000+00:00"),
        order(paid_at="2021-04-05T09:00:00+08:00"),
        order(lines=[facts.OrderLine(1, "10.00")]),
        order(lines=[facts.OrderLine(1, "10.00", "1", "", "", "0.00")]),
        order(code="", host="", session="", click="", buyer=""),
    ],
)
def test_orders_that_mean_the_same_have_the_same_normal_form(said):
    assert normal(said) == normal(order())
    assert canonical_bytes(normal(said)) == canonical_bytes(normal(order()))


@pytest.mark.parametrize(
    "said",
    [
        order("1002"),
        order(source="shop"),
        order(price="10.01"),
        order(quantity=2, price="5.00"),
        order(paid_at="2021-04-05T01:00:00.000001Z"),
        order(shipping="0.01"),
        order(tax="0.01"),
        order(tax="0.01", tax_included=True),
        order(code="ANN5"),
        order(host="ann"),
        order(buyer="x"),
        order(lines=[line("2")]),
        order(lines=[line("1", sku="s")]),
        order(lines=[line("1", "11.00", discount="1.00")]),
    ],
)
def test_orders_that_differ_in_anything_have_different_normal_forms(said):
    assert normal(said) != normal(order())


def test_refunds_that_mean_the_same_have_the_same_normal_form():
    plain = normal_refund(refund(amount="3.00"))

    assert normal_refund(refund(amount="3")) == plain
    assert normal_refund(refund(amount="3.00", currency="GBP")) == plain
    assert normal_refund(refund(amount="3.00", lines=[])) == plain
    assert normal_refund(refund(amount="3.01")) != plain


def test_cancellation_without_an_id_takes_its_orders():
    given = facts.Cancellation("1001", "2021-04-05T01:00:00Z")

    fact = facts.cancellation_fact(given)

    assert fact == {"id": "1001", "source": "default", "order": "1001", "cancelled_at": START + 3_600_000_000}
    assert facts.cancellation_fact(facts.Cancellation("1001", "2021-04-05T01:00:00Z", id="1001")) == fact


@given(histories.orders())
def test_normal_form_of_any_order_is_canonical_and_its_lines_carry_the_tax(said):
    fact = normal(said)
    amounts = facts.line_amounts(fact)

    canonical_bytes(fact)
    gross = [item["quantity"] * item["unit_price"] - item.get("discount", 0) for item in fact["lines"]]
    included = fact.get("tax", 0) if fact.get("tax_included") else 0
    assert [net + tax for net, tax in amounts] == gross
    assert sum(tax for _, tax in amounts) == included
    assert all(net >= 0 and tax >= 0 for net, tax in amounts)


@given(histories.refunds())
def test_normal_form_of_any_refund_is_canonical(said):
    canonical_bytes(normal_refund(said))


def test_tax_on_top_of_the_lines_leaves_them_as_they_are():
    fact = normal(order(lines=[line("a", "1.00"), line("b", "2.00")], tax="0.60"))

    assert facts.line_amounts(fact) == [(100, 0), (200, 0)]


def test_tax_in_the_lines_is_taken_out_of_them_in_proportion():
    lines = [line("a", "1.00"), line("b", "2.00"), line("c", "0.00")]

    fact = normal(order(lines=lines, tax="0.61", tax_included=True, total="3.00"))

    assert facts.line_amounts(fact) == [(80, 20), (159, 41), (0, 0)]


@dataclass
class Bad:
    """An order that is refused, why, and where it says so."""

    said: facts.Order
    code: str
    field: str


HUGE = "9999999999.99"


@pytest.mark.parametrize(
    "bad",
    [
        Bad(order(currency="USD"), "currency_mismatch", "currency"),
        Bad(order(currency="gbp"), "currency_mismatch", "currency"),
        Bad(order(paid_at="2021-04-05T01:00:00"), "time_without_offset", "paid_at"),
        Bad(order(paid_at="soon"), "time_not_readable", "paid_at"),
        Bad(order(price="1.001"), "too_many_decimals", "lines[0].unit_price"),
        Bad(order(price="ten"), "amount_not_decimal", "lines[0].unit_price"),
        Bad(order(lines=[line("a"), line("b", "-0.01")]), "price_negative", "lines[1].unit_price"),
        Bad(order(lines=[line("a"), line("b", quantity=0)]), "quantity_not_positive", "lines[1].quantity"),
        Bad(order(quantity=-1), "quantity_not_positive", "lines[0].quantity"),
        Bad(order(price="0.00", quantity=facts.QUANTITY_MAX + 1), "quantity_too_large", "lines[0].quantity"),
        Bad(order(lines=[line("a", "5.00", discount="5.01")]), "discount_above_line", "lines[0].discount"),
        Bad(order(lines=[line("a", discount="-0.01")]), "amount_negative", "lines[0].discount"),
        Bad(order(lines=[line("a"), line("a")]), "line_id_repeated", "lines[1].id"),
        Bad(order(lines=[line("2"), line("")]), "line_id_repeated", "lines[1].id"),
        Bad(order(shipping="-0.01"), "amount_negative", "shipping"),
        Bad(order(tax="-0.01"), "amount_negative", "tax"),
        Bad(order(tax="10.01", tax_included=True), "tax_above_lines", "tax"),
        Bad(order(total="9.99"), "total_mismatch", "total"),
        Bad(order(tax="1.00", total="10.00"), "total_mismatch", "total"),
        Bad(order(tax="1.00", tax_included=True, total="11.00"), "total_mismatch", "total"),
        Bad(order(lines=[line("a", HUGE), line("b", "0.02")]), "amount_too_large", "total"),
        Bad(order(price=HUGE, shipping="0.02"), "amount_too_large", "total"),
        Bad(
            order(lines=[line("a", "10000000000.01", discount="10000000000.00")]),
            "amount_too_large",
            "lines[0].unit_price",
        ),
    ],
)
def test_order_that_cannot_be_is_refused_with_a_code_at_its_field(bad):
    assert refused(bad.said) == (bad.code, bad.field)


def test_largest_order_is_taken_and_one_unit_more_is_not():
    assert normal(order(price="10000000000.00"))["lines"][0]["unit_price"] == 10**12
    assert refused(order(price="10000000000.00", tax="0.01")) == ("amount_too_large", "total")


def test_price_beyond_64_bits_is_refused_though_its_discount_takes_it_back():
    price = "999999999999999.9999"

    with pytest.raises(Invalid, match="amount_too_large"):
        normal(order(currency="CLF", lines=[line("a", price, discount=price)]), exponent=4)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (refund(), "refund_empty", "amount"),
        (refund(order="", lines=[facts.RefundLine("1", 1)]), "refund_without_amount", "amount"),
        (refund(amount="0.00"), "amount_not_positive", "amount"),
        (refund(amount="-3.00"), "amount_not_positive", "amount"),
        (refund(amount="10000000000.01"), "amount_too_large", "amount"),
        (refund(amount="1.001"), "too_many_decimals", "amount"),
        (refund(amount="3.00", currency="USD"), "currency_mismatch", "currency"),
        (refund(lines=[facts.RefundLine("1")]), "refund_empty", "lines[0]"),
        (refund(lines=[facts.RefundLine("1", -1)]), "quantity_not_positive", "lines[0].quantity"),
        (refund(lines=[facts.RefundLine("1", 0, "0.00")]), "amount_not_positive", "lines[0].amount"),
        (refund(lines=[facts.RefundLine("1", 1), facts.RefundLine("1", 1)]), "line_id_repeated", "lines[1].id"),
    ],
)
def test_refund_that_cannot_be_is_refused_with_a_code_at_its_field(given, code, field):
    assert refused(given) == (code, field)


@pytest.mark.parametrize(
    ("struct", "document"),
    [
        (facts.Order, {"id": "1", "paid_at": "t", "currency": "GBP", "lines": []}),
        (facts.Order, {"id": "1 2", "paid_at": "t", "currency": "GBP", "lines": [{"quantity": 1, "unit_price": "1"}]}),
        (facts.Order, {"id": "1", "paid_at": "t", "currency": "GBP", "lines": [{"quantity": 1.0, "unit_price": "1"}]}),
        (facts.Order, {"id": "1", "paid_at": "t", "currency": "GBP", "lines": [{"quantity": 1, "unit_price": 1}]}),
        (facts.Order, {"id": "1", "paid_at": "t", "currency": "GBP", "lines": [{"quantity": 1, "price": "1"}]}),
        (facts.Refund, {"id": "r", "refunded_at": "t", "order": "a b"}),
        (facts.Refund, {"id": "r\n", "refunded_at": "t"}),
        (facts.Refund, {"id": "r", "refunded_at": "t", "source": "a:b"}),
        (facts.Cancellation, {"cancelled_at": "t"}),
    ],
)
def test_body_of_another_shape_is_not_decoded(struct, document):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(document), type=struct)


@given(st.text("abc:", min_size=1, max_size=3), st.text("abc:", min_size=1, max_size=3))
def test_keys_of_two_orders_are_never_the_same(order_id, other_id):
    """A source holds no colon, so the first colon after it ends it, whatever the order's id holds."""
    keys = {facts.order_key(source, identity) for source in ("a", "ab") for identity in (order_id, other_id)}

    assert len(keys) == 2 * len({order_id, other_id})
