"""Double entry: every kind of entry by example, zero sums for all of them, and nothing that is not money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvariantError
from app.sales.facts import RefundLine
from app.sales.postings import clearing, postings_of, sales
from tests import histories
from tests.book import Book, cancellation_said, line, roster_said, session_said


def booked(book: Book) -> dict[str, int]:
    """The postings of the last entry."""
    entry = book.entries[-1]
    return dict(postings_of(entry.kind, entry.content))


def test_order_credits_each_host_shipping_and_tax_against_its_shops_clearing():
    book = Book()
    book.say(session_said("duo", {"ann": 1, "dee": 1}))
    lines = [line("a", "10.00"), line("b", "5.01")]

    book.sell(session="duo", lines=lines, shipping="3.00", tax="2.00", source="shop")

    assert booked(book) == {
        "Income:Sales:ruby:ann": -751,
        "Income:Sales:-:dee": -750,
        "Income:Shipping": -300,
        "Liabilities:Tax": -200,
        "Assets:Clearing:shop": 2001,
    }


def test_tax_in_the_lines_is_owed_and_no_sale():
    book = Book()

    book.sell(host="ann", price="12.00", tax="2.00", tax_included=True)

    assert booked(book) == {"Income:Sales:ruby:ann": -1000, "Liabilities:Tax": -200, "Assets:Clearing:default": 1200}


def test_what_nobody_sold_goes_to_house():
    book = Book()

    book.sell()

    assert booked(book) == {"Income:Sales:House": -1000, "Assets:Clearing:default": 1000}


def test_free_order_has_no_postings():
    book = Book()

    book.sell(host="ann", price="0.00")

    assert booked(book) == {}


def test_refund_takes_from_where_the_order_put_it():
    book = Book()
    book.sell(host="ann", shipping="10.00")

    book.give_back(amount="5.00")

    assert booked(book) == {"Income:Sales:ruby:ann": 250, "Income:Shipping": 250, "Assets:Clearing:default": -500}


def test_refund_of_the_team_that_was_credited_though_the_host_has_moved_since():
    book = Book()
    book.sell(host="ann")
    book.say(roster_said([{"id": "ann", "team": "opal"}]))

    book.give_back(amount="10.00")

    assert booked(book) == {"Income:Sales:ruby:ann": 1000, "Assets:Clearing:default": -1000}


def test_parked_refund_waits_in_a_suspense_account_and_its_match_clears_it():
    book = Book()
    book.give_back(amount="4.00")
    assert booked(book) == {"Assets:Unmatched-Refunds": 400, "Assets:Clearing:default": -400}

    book.sell(host="ann")

    assert booked(book) == {"Assets:Unmatched-Refunds": -400, "Income:Sales:ruby:ann": 400}


def test_match_moves_the_money_that_a_parked_refund_by_lines_left_open():
    book = Book()
    book.give_back(lines=[RefundLine("1", 1)])
    assert booked(book) == {}

    book.sell(host="ann")

    assert booked(book) == {"Income:Sales:ruby:ann": 1000, "Assets:Clearing:default": -1000}


def test_cancellation_moves_everything_left_to_pending():
    book = Book()
    book.sell(host="ann", shipping="1.00", tax="0.50")

    book.say(cancellation_said())

    assert booked(book) == {
        "Income:Sales:ruby:ann": 1000,
        "Income:Shipping": 100,
        "Liabilities:Tax": 50,
        "Income:Cancelled-Pending": -1150,
    }


def test_refund_after_a_cancellation_is_paid_from_pending_and_the_rest_is_over():
    book = Book()
    book.sell(host="ann")
    book.say(cancellation_said())

    book.give_back(amount="12.00")

    assert booked(book) == {
        "Income:Cancelled-Pending": 1000,
        "Expenses:Over-Refunds": 200,
        "Assets:Clearing:default": -1200,
    }


def test_entries_that_are_not_money_have_no_postings():
    book = Book("final")
    book.say(cancellation_said())

    kinds = {entry.kind for entry in book.entries if not postings_of(entry.kind, entry.content)}

    assert kinds == {"event.created", "roster.changed", "event.moved", "order.cancelled"}


def test_body_that_does_not_add_up_is_an_error_of_ours():
    book = Book()
    body = book.sell(host="ann")
    body["credits"][0]["amount"] += 1

    with pytest.raises(InvariantError, match="do not sum to zero"):
        postings_of("order.paid", body)


def test_accounts_are_named_for_a_ledger():
    assert clearing("shop") == "Assets:Clearing:shop"
    assert sales("ann", "ruby") == "Income:Sales:ruby:ann"
    assert sales("House", "-") == "Income:Sales:House"


@given(st.lists(histories.said(), min_size=10, max_size=30))
def test_postings_of_any_history_sum_to_zero_entry_by_entry(said):
    book = histories.opened()
    for fact in said:
        book.batch([fact])

    for entry in book.entries:
        postings = postings_of(entry.kind, entry.content)
        assert sum(amount for _, amount in postings) == 0
        assert all(amount for _, amount in postings)
        assert len({account for account, _ in postings}) == len(postings)
    legs = [(posting.position, posting.leg) for posting in book.postings]
    assert legs == sorted(set(legs))
