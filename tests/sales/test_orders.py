"""When an order counts: the states of an event, its half-open window, and how far ahead a shop's clock may be."""

from typing import Any

import pytest

from app.errors import AppError
from app.sales.orders import FUTURE_TOLERANCE_US
from tests.book import END, HOUR, START, Book, move_said


def refusal(book: Book, **fields: Any) -> tuple[str, int]:
    with pytest.raises(AppError) as refused:
        book.sell(**fields)
    return refused.value.code, refused.value.status


def test_order_for_a_draft_is_refused_until_it_is_scheduled():
    book = Book("draft")

    assert refusal(book) == ("event_not_open", 409)
    book.say(move_said("scheduled"))
    assert "late" not in book.sell()


@pytest.mark.parametrize("status", ["scheduled", "live", "ended"])
def test_order_counts_while_the_event_is_not_final(status):
    book = Book(status)

    book.sell(host="ann")

    assert book.board()["total"] == "10.00"


def test_order_counts_while_the_event_is_paused():
    book = Book()
    book.say(move_said("paused"))

    book.sell(host="ann")

    assert book.board()["total"] == "10.00"


def test_order_for_a_final_event_is_late_and_moves_the_ledger_but_no_board():
    book = Book("final")

    body = book.sell(host="ann")

    assert body["late"] is True
    assert book.board()["total"] == "0.00"
    assert book.balances()["Income:Sales:ruby:ann"] == -1000


def test_window_of_the_event_is_half_open():
    book = Book()
    book.now = END

    assert refusal(book, paid_at=START - 1) == ("paid_at_outside_event", 422)
    book.sell(id="first", paid_at=START)
    book.sell(id="last", paid_at=END - 1)
    assert refusal(book, paid_at=END) == ("paid_at_outside_event", 422)


def test_order_from_the_future_is_refused_beyond_the_tolerance():
    book = Book()

    book.sell(id="ahead", paid_at=book.now + FUTURE_TOLERANCE_US)
    assert refusal(book, paid_at=book.now + FUTURE_TOLERANCE_US + 1) == ("paid_at_in_future", 422)


def test_event_that_ended_early_takes_what_was_paid_before_and_nothing_after():
    book = Book()
    book.say(move_said("ended"))
    ended_at = book.state.ends_at

    book.now += HOUR
    book.sell(id="before", paid_at=ended_at - 1)

    assert refusal(book, id="after", paid_at=ended_at) == ("paid_at_outside_event", 422)


def test_body_says_what_was_decided_and_by_which_rules():
    book = Book()

    body = book.sell(code="NOBODY")

    assert body.keys() == {"fact", "credits", "rules", "candidates"}
    assert body["rules"] == 1
    assert body["candidates"] == [{"by": "code", "id": "NOBODY", "outcome": "unknown_code"}]
