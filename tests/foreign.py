"""Orders in other currencies than their event's, at random rates, and whatever comes back of them."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from app.journal.drafts import Fact
from app.sales import facts, rates
from app.sales.money import exponent_of, format_amount
from app.sales.remaining import Remaining, remaining_of
from tests import histories
from tests.book import Book, dispute_said, line, order, order_said, rates_said, refund, refund_said

EVENT = "CNY"
FOREIGN = ("EUR", "JPY", "KWD")
TABLE = {"EUR": "7.8123", "JPY": "0.0467", "KWD": "23.1"}


def text(minor: int, currency: str) -> str:
    return format_amount(minor, exponent_of(currency))


def opened(commission: dict[str, Any] | None = None, **table: str) -> Book:
    """A live event with its sessions and a table of rates."""
    book = histories.opened(currency=EVENT, rules={"commission": commission} if commission else {})
    book.say(rates_said("v1", EVENT, **(table or TABLE)))
    return book


def returned(id: str = "r1", **fields: Any) -> Fact:
    return refund_said(refund(id, **fields), EVENT)


def disputed(id: str, amount: str, currency: str, **fields: Any) -> Fact:
    return dispute_said(id, amount=amount, currency=currency, event_currency=EVENT, **fields)


tables = st.fixed_dictionaries(
    {name: st.tuples(st.integers(1, 9_999), st.integers(0, 5)).map(lambda pair: rates.shown(*pair)) for name in TABLE}
)


@st.composite
def orders(draw: st.DrawFn, id: str = "1001", currencies: Sequence[str] = FOREIGN) -> Fact:
    """Lines, discounts, shipping, tax in or on top; small amounts, where rounding hurts."""
    currency = draw(st.sampled_from(currencies))
    lines, worth = [], 0
    for number in range(draw(st.integers(1, 4))):
        quantity, price = draw(st.integers(1, 4)), draw(st.sampled_from((0, 1, 2, 3, 10, 333, 1_999)))
        discount = draw(st.just(0) | st.integers(0, quantity * price))
        seller: dict[str, Any] = draw(st.sampled_from(({}, {}, {"code": "CY5"}, {"session": "trio"})))
        prices = text(price, currency), quantity
        lines.append(line(str(number + 1), *prices, discount=text(discount, currency), sku=f"sku-{number}", **seller))
        worth += quantity * price - discount
    included = draw(st.booleans())
    tax = text(draw(st.integers(0, worth if included else 500)), currency)
    fields: dict[str, Any] = draw(st.sampled_from(({}, {"host": "ann"}, {"session": "trio"}, {"session": "duo"})))
    shipping = text(draw(st.sampled_from((0, 1, 299))), currency)
    given = order(id, lines=lines, tax=tax, tax_included=included, shipping=shipping, currency=currency, **fields)
    return order_said(given, currency)


@st.composite
def refunds(draw: st.DrawFn, currency: str, order: str = "1001", event: str = EVENT) -> Fact:
    """By amount, by line or both; beyond what there is; now and then in another currency."""
    fields: dict[str, Any] = {}
    currency = draw(st.sampled_from((*[currency] * 5, event, "EUR")))
    by = draw(st.sampled_from(("amount", "lines", "both")))
    if by != "lines":
        fields["amount"] = text(draw(st.integers(1, 4_000)), currency)
    if by != "amount":
        lines = []
        for identity in draw(st.lists(st.sampled_from("1234"), min_size=1, max_size=3, unique=True)):
            quantity = draw(st.integers(0, 3))
            amount = draw(st.integers(1, 2_500)) if not quantity or draw(st.booleans()) else 0
            lines.append(facts.RefundLine(identity, quantity, text(amount, currency) if amount else ""))
        fields["lines"] = lines
    return refund_said(refund(f"r{draw(st.integers(1, 12))}", order, currency=currency, **fields), event)


def disputes(currency: str) -> st.SearchStrategy[Fact]:
    amounts = st.integers(1, 4_000).map(lambda minor: text(minor, currency))
    fees = st.sampled_from((0, 1, 1_500)).map(lambda minor: text(minor, currency))
    return st.builds(disputed, st.sampled_from(("d1", "d2")), amounts, st.just(currency), fee=fees)


def among(event: str = "GBP") -> st.SearchStrategy[Fact]:
    """Tables, orders and refunds to put among the facts of ``histories``, with their ids."""
    changed = st.builds(lambda version, table: rates_said(version, event, **table), st.sampled_from("vwxyz"), tables)
    ids = st.sampled_from(histories.ORDER_IDS)
    sold = ids.flatmap(orders)
    back = st.tuples(st.sampled_from(FOREIGN), ids).flatmap(lambda pair: refunds(*pair, event))
    return changed | sold | sold | back | back


def remaining(book: Book) -> Remaining:
    about = [entry for entry in book.entries if "order:default:1001" in (entry.key, entry.about)]
    found = remaining_of((entry.kind, entry.key, entry.content) for entry in about)
    assert found is not None
    return found
