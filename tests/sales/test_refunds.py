"""What a refund or a cancellation takes, case by case: to the minor unit, from whom, and what stays."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.errors import AppError, InvariantError
from app.sales import refunds
from app.sales.facts import RefundLine
from app.sales.remaining import remaining_of
from tests.book import Book, cancellation_said, line, order, order_said, refund_said, session_said
from tests.book import refund as refund_of


def taken(body: Mapping[str, Any]) -> dict[str, int]:
    """What an entry took, by line (by what it is for parts of the whole order) and host."""
    return {":".join(filter(None, (s["line"] or s["of"], s.get("host")))): s["amount"] for s in body["shares"]}


def two_lines(**fields: Any) -> Book:
    """One order of ann: line a 20.00 for two, line b 10.00 for one."""
    book = Book()
    book.sell(host="ann", lines=[line("a", "10.00", 2), line("b", "10.00")], **fields)
    return book


def refusal(book: Book, **fields: Any) -> tuple[str, int, str]:
    with pytest.raises(AppError) as refused:
        book.give_back(**fields)
    return refused.value.code, refused.value.status, refused.value.field


def test_amount_alone_spreads_over_lines_shipping_and_tax():
    book = two_lines(shipping="6.00", tax="4.00")

    body = book.give_back(amount="4.00")

    assert taken(body) == {"a:ann": 200, "b:ann": 100, "shipping": 60, "tax": 40}
    assert [share.get("units", 0) for share in body["shares"]] == [0, 0, 0, 0]


def test_line_without_amount_is_its_quantity_of_what_remains_per_unit():
    book = two_lines()

    first = book.give_back(id="r1", amount="15.00")
    one_of_a = book.give_back(id="r2", lines=[RefundLine("a", 1)])

    assert taken(first) == {"a:ann": 1000, "b:ann": 500}
    assert taken(one_of_a) == {"a:ann": 500}
    assert one_of_a["returned"] == {"a": 1}
    assert one_of_a["shares"][0]["units"] == 1


def test_line_with_amount_takes_that_amount_and_its_units():
    book = two_lines()

    body = book.give_back(lines=[RefundLine("a", 2, "7.01")])

    assert (taken(body), body["amount"], body["shares"][0]["units"]) == ({"a:ann": 701}, 701, 2)


def test_amount_below_its_lines_is_divided_among_them_alone():
    book = two_lines(shipping="5.00")

    body = book.give_back(amount="6.00", lines=[RefundLine("a", 1), RefundLine("b", 1)])

    assert taken(body) == {"a:ann": 300, "b:ann": 300}
    assert body["returned"] == {"a": 1, "b": 1}


def test_amount_above_its_lines_spreads_the_rest_over_what_remains():
    book = two_lines(shipping="10.00")

    body = book.give_back(amount="13.00", lines=[RefundLine("a", 1)])

    assert taken(body) == {"a:ann": 1000 + 100, "b:ann": 100, "shipping": 100}


def test_line_amount_above_what_its_line_has_left_spreads_over_the_others():
    book = two_lines(shipping="10.00")

    body = book.give_back(lines=[RefundLine("b", 1, "14.00")])

    assert taken(body) == {"a:ann": 267, "b:ann": 1000, "shipping": 133}


def test_amount_above_the_order_goes_to_over_refunds_and_never_to_a_host():
    book = two_lines()

    body = book.give_back(amount="30.01")

    assert (body["amount"], body["over"]) == (3001, 1)
    assert taken(body) == {"a:ann": 2000, "b:ann": 1000}
    assert book.balances() == {"Expenses:Over-Refunds": 1, "Assets:Clearing:default": -1}


def test_refund_of_an_order_that_has_nothing_left_is_all_over():
    book = two_lines()
    book.give_back(id="r1", amount="30.00")

    body = book.give_back(id="r2", amount="1.00")

    assert (body["shares"], body["over"]) == ([], 100)
    assert "closed" not in body
    assert book.board("hosts.orders")["total"] == 0


def test_full_refund_takes_back_every_unit_and_the_order_itself():
    book = two_lines()

    body = book.give_back(amount="30.00")

    assert {share["line"]: share["units"] for share in body["shares"]} == {"a": 2, "b": 1}
    assert body["closed"] == [{"host": "ann", "team": "ruby"}]
    assert [book.board(f"hosts.{m}")["total"] for m in ("gross_sales", "net_sales", "orders", "units")] == [
        "30.00",
        "0.00",
        0,
        0,
    ]


def test_order_stops_counting_when_shipping_comes_back_last():
    book = two_lines(shipping="5.00")
    book.give_back(id="r1", lines=[RefundLine("a", 2), RefundLine("b", 1)])
    assert [row["score"] for row in book.board("hosts.orders")["rows"] if row["id"] == "ann"] == [1]

    body = book.give_back(id="r2", amount="5.00")

    assert taken(body) == {"shipping": 500}
    assert body["closed"] == [{"host": "ann", "team": "ruby"}]
    assert [row["score"] for row in book.board("hosts.orders")["rows"] if row["id"] == "ann"] == [0]


def test_zero_priced_order_is_refunded_in_full_when_all_of_it_came_back():
    book = Book()
    book.sell(host="ann", lines=[line("a", "0.00", 2), line("b", "0.00")])

    part = book.give_back(id="r1", lines=[RefundLine("a", 2)])
    rest = book.give_back(id="r2", lines=[RefundLine("b", 1)])

    assert (part["amount"], "closed" in part) == (0, False)
    assert rest["closed"] == [{"host": "ann", "team": "ruby"}]
    assert book.board("hosts.units")["total"] == 0
    assert book.postings == []


def test_money_given_back_for_a_zero_priced_order_is_all_over():
    book = Book()
    book.sell(host="ann", price="0.00")

    body = book.give_back(amount="2.00")

    assert (body["shares"], body["over"], "closed" in body) == ([], 200, False)


def test_tax_in_the_lines_comes_back_with_its_line():
    book = Book()
    book.sell(host="ann", lines=[line("a", "12.00"), line("b", "6.00")], tax="3.00", tax_included=True)

    body = book.give_back(lines=[RefundLine("a", 1)])

    assert [(s["of"], s["line"], s["amount"]) for s in body["shares"]] == [("sale", "a", 1000), ("tax", "a", 200)]


def test_tax_that_a_line_gives_does_not_depend_on_the_steps_in_which_it_is_refunded():
    left = set()
    for amounts in (("0.01", "2.09"), ("2.09", "0.01"), ("2.10",), ("1.00", "0.09", "1.01"), ("0.01",) * 210):
        book = Book()
        price = [line("a", "3.33", 3, discount="0.07")]
        book.sell(host="ann", lines=price, tax="0.64", tax_included=True)
        for number, amount in enumerate(amounts[:199]):
            book.give_back(id=f"r{number}", lines=[RefundLine("a", 0, amount)])
        if len(amounts) > 199:
            book.give_back(id="rest", lines=[RefundLine("a", 0, "0.11")])
        left.add(book.board("hosts")["rows"][0]["score"])

    # Of 9.92 with 0.64 tax in it 2.10 came back: 1.9645 of the sale and 0.1355 of the tax.
    assert left == {"7.32"}


@pytest.mark.parametrize(
    ("lines", "refusal_of"),
    [
        ([RefundLine("c", 1)], ("unknown_line", 422, "lines[0].id")),
        ([RefundLine("a", 1), RefundLine("c", 0, "1.00")], ("unknown_line", 422, "lines[1].id")),
        ([RefundLine("a", 3)], ("refund_quantity_exceeded", 422, "lines[0].quantity")),
        ([RefundLine("a", 3, "1.00")], ("refund_quantity_exceeded", 422, "lines[0].quantity")),
    ],
)
def test_refund_of_what_the_order_does_not_have_is_refused_without_a_trace(lines, refusal_of):
    book = two_lines()
    before = book.head

    assert refusal(book, lines=lines) == refusal_of
    assert book.head == before


def test_quantity_that_came_back_cannot_come_back_again():
    book = two_lines()
    book.give_back(id="r1", lines=[RefundLine("a", 1)])

    assert refusal(book, id="r2", lines=[RefundLine("a", 2)])[0] == "refund_quantity_exceeded"
    book.give_back(id="r3", lines=[RefundLine("a", 1)])


def test_cancellation_takes_what_is_left_from_everybody_and_moves_no_money():
    book = two_lines(shipping="5.00")
    book.give_back(amount="7.00")

    book.say(cancellation_said())

    assert book.balances() == {"Assets:Clearing:default": 2800, "Income:Cancelled-Pending": -2800}
    assert [book.board(f"hosts.{m}")["total"] for m in ("net_sales", "orders", "units")] == ["0.00", 0, 0]


def test_refund_after_its_cancellation_is_paid_from_pending_and_touches_no_host():
    book = two_lines()
    book.say(cancellation_said())

    body = book.give_back(amount="30.00")

    assert body["pending"] is True
    assert "closed" not in body
    assert book.balances() == {}
    assert book.board("hosts.net_sales")["total"] == "0.00"


def test_second_cancellation_of_an_order_is_refused():
    book = two_lines()
    book.say(cancellation_said())

    with pytest.raises(AppError, match="order_already_cancelled"):
        book.say(cancellation_said(id="again"))


def test_second_cancellation_that_waits_for_the_same_order_is_refused():
    book = Book()
    book.say(cancellation_said())

    with pytest.raises(AppError, match="order_already_cancelled"):
        book.say(cancellation_said(id="again"))


def test_refund_before_its_order_is_parked_and_taken_when_the_order_comes():
    book = Book()
    parked = book.give_back(amount="4.00")
    assert (parked["parked"], book.state.unmatched_count, book.state.unmatched_amount) == (True, 1, 400)
    assert book.balances() == {"Assets:Unmatched-Refunds": 400, "Assets:Clearing:default": -400}

    entries = book.say(order_said(order(host="ann"))).entries

    assert [entry.kind for entry in entries] == ["order.paid", "refund.matched"]
    assert (book.state.unmatched_count, book.state.unmatched_amount, book.state.parked) == (0, 0, {})
    assert book.balances() == {"Income:Sales:ruby:ann": -600, "Assets:Clearing:default": 600}


def test_cancellation_before_its_order_takes_effect_right_behind_it():
    book = Book()
    book.say(cancellation_said())
    assert book.balances() == {}

    entries = book.say(order_said(order(host="ann"))).entries

    assert [entry.kind for entry in entries] == ["order.paid", "order.cancelled"]
    assert book.balances() == {"Assets:Clearing:default": 1000, "Income:Cancelled-Pending": -1000}
    assert book.board("hosts.orders")["total"] == 0


def test_what_came_before_its_order_takes_effect_in_the_order_in_which_it_came():
    book = Book()
    book.batch(
        [refund_said(refund_of("r1", amount="3.00")), cancellation_said(), refund_said(refund_of("r2", amount="4.00"))]
    )

    entries = book.say(order_said(order(host="ann"))).entries

    assert [entry.content.get("of") for entry in entries[1:]] == [
        "refund:default:r1",
        "cancellation:default:1001",
        "refund:default:r2",
    ]
    assert [entry.content.get("pending", False) for entry in entries[1:]] == [False, False, True]


def test_parked_refund_by_lines_is_worth_what_the_order_says():
    book = Book()
    parked = book.give_back(lines=[RefundLine("a", 1)])
    assert (parked["amount"], book.balances()) == (0, {})

    book.sell(host="ann", lines=[line("a", "10.00", 2)])

    assert book.balances() == {"Income:Sales:ruby:ann": -1000, "Assets:Clearing:default": 1000}
    assert book.board("hosts.units")["total"] == 1


def test_match_cannot_be_refused_so_lines_that_the_order_lacks_count_by_their_amount():
    book = Book()
    book.give_back(lines=[RefundLine("gone", 1, "2.00"), RefundLine("1", 5, "3.00")])

    book.sell(host="ann", quantity=2)

    match = book.entries[-1].content
    assert (match["amount"], match["returned"], match["unknown_lines"]) == (500, {"1": 2}, ["gone"])
    assert taken(match) == {"1:ann": 500}
    assert book.balances() == {"Income:Sales:ruby:ann": -1500, "Assets:Clearing:default": 1500}


def test_match_of_lines_that_the_order_has_tells_of_none_that_it_lacks():
    book = Book()
    book.give_back(lines=[RefundLine("1", 1)])

    book.sell(host="ann")

    assert "unknown_lines" not in book.entries[-1].content


@pytest.mark.parametrize("comes_first", ["order", "refunds"])
def test_order_takes_so_many_refunds_and_no_more(comes_first):
    book = Book()
    if comes_first == "order":
        book.sell(host="ann")
    said = [refund_said(refund_of(f"r{number}", amount="0.01")) for number in range(refunds.REFUNDS_PER_ORDER_MAX + 1)]

    outcomes = book.batch(said)

    assert [getattr(outcome, "code", "") for outcome in outcomes] == [""] * (len(said) - 1) + ["too_many_refunds"]
    if comes_first == "refunds":
        book.sell(host="ann")
    assert book.board()["total"] == "8.00"
    assert refusal(book, id="another", amount="0.01") == ("too_many_refunds", 409, "")
    assert book.say(said[0]).replayed
    book.give_back(id="another", order="", amount="0.01")


def test_refund_that_names_no_order_stays_unmatched():
    book = Book()

    body = book.give_back(order="", amount="4.00")
    book.sell(host="ann")

    assert body.keys() == {"fact", "parked", "amount"}
    assert book.balances()["Assets:Unmatched-Refunds"] == 400
    assert (book.state.unmatched_count, book.state.parked) == (1, {})


def test_refund_for_a_draft_is_refused():
    with pytest.raises(AppError, match="event_not_open"):
        Book("draft").give_back(amount="1.00")


def test_co_host_who_was_credited_nothing_loses_the_order_as_well():
    book = Book()
    book.say(session_said("duo", {"ann": 1, "cy": 1}))
    book.sell(session="duo", price="0.01")
    assert {row["id"]: row["score"] for row in book.board("hosts.orders")["rows"]} == {
        "ann": 1,
        "cy": 1,
        "bo": 0,
        "dee": 0,
    }

    book.give_back(amount="0.01")

    assert {row["score"] for row in book.board("hosts.orders")["rows"]} == {0}
    assert {row["score"] for row in book.board("teams.orders")["rows"]} == {0}


def test_more_taken_than_was_there_is_an_error_of_ours():
    book = two_lines()
    remaining = remaining_of([(e.kind, e.key, e.content) for e in book.entries])
    assert remaining is not None
    shares = [{"of": "sale", "line": "a", "host": "ann", "team": "ruby", "amount": 2001, "units": 0}]

    with pytest.raises(InvariantError, match="more taken"):
        remaining.take({"shares": shares}, "order.refunded")
