"""Disputes: open they take what they are about, lost it stays gone, won it is as if they had never been."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.journal.drafts import Fact
from app.sales import disputes, facts
from app.sales.remaining import remaining_of
from app.state.parts import OpenDispute
from tests import histories
from tests.book import (
    Book,
    cancellation_said,
    dispute_said,
    line,
    move_said,
    order,
    order_said,
    outcome_said,
    refund,
    refund_said,
)
from tests.sales.test_refund_histories import boards, one_order, per_line, played

ORDER = order_said(order(session="trio", lines=[line("a", "3.33", 3), line("b", "10.00", 2)], shipping="2.99"))
BY_LINE = refund_said(refund("r1", lines=[facts.RefundLine("b", 1, "10.00")]))
BY_AMOUNT = refund_said(refund("r2", amount="5.00"))
DISPUTED = dispute_said(amount="12.00")
CANCELLED = cancellation_said()
SALES = ("Income:Sales:ruby:ann", "Income:Sales:ruby:bo", "Income:Sales:-:dee")


def refusal(book: Book, said: Fact) -> tuple[str, int]:
    with pytest.raises(AppError) as refused:
        book.say(said)
    return refused.value.code, refused.value.status


def test_open_dispute_takes_its_amount_from_hosts_and_boards_and_holds_it():
    book = Book()
    book.sell(host="ann", price="10.00", quantity=3)

    body = book.say(dispute_said(amount="12.00", fee="1.50")).entries[0].content

    assert [(share["host"], share["amount"], share["units"]) for share in body["shares"]] == [("ann", 1200, 0)]
    assert book.board()["rows"][0]["score"] == "18.00"
    assert book.board("hosts.orders")["total"] == 1
    assert book.balances() == {
        "Assets:Clearing:default": 2850,
        "Assets:Disputes": -1200,
        "Expenses:Dispute-Fees": 150,
        "Income:Sales:ruby:ann": -1800,
    }
    assert book.state.disputes == {"dispute:default:d1": OpenDispute("order:default:1001", ("ann",))}


def test_lost_dispute_leaves_the_boards_and_pays_from_clearing():
    book = Book()
    book.sell(host="ann", price="30.00")
    book.say(dispute_said(amount="12.00"))
    board = book.board()["rows"]

    book.say(outcome_said("lost"))

    assert book.board()["rows"] == board
    assert book.balances() == {"Assets:Clearing:default": 1800, "Income:Sales:ruby:ann": -1800}
    assert book.state.disputes == {}


def test_won_dispute_gives_back_the_money_the_units_and_the_order():
    book = Book()
    book.sell(host="ann", price="10.00", quantity=3)
    sold = boards(book)
    book.say(dispute_said(amount="30.00"))
    assert (book.board("hosts.orders")["total"], book.board("hosts.units")["total"]) == (0, 0)

    body = book.say(outcome_said("won")).entries[0].content

    assert body["reopened"] == [{"host": "ann", "team": "ruby"}]
    assert boards(book) == sold
    assert book.balances() == {"Assets:Clearing:default": 3000, "Income:Sales:ruby:ann": -3000}


def test_refund_beyond_what_a_dispute_left_comes_off_what_winning_gives_back():
    """The order was 30.00; 10.00 went back for good, whenever the dispute was won."""
    book = Book()
    book.sell(host="ann", price="10.00", quantity=3)
    book.say(dispute_said(amount="30.00"))
    book.give_back(lines=[facts.RefundLine("1", 1)])
    assert book.balances()["Expenses:Over-Refunds"] == 1000

    book.say(outcome_said("won"))

    assert book.balances() == {"Assets:Clearing:default": 2000, "Income:Sales:ruby:ann": -2000}
    assert book.board("hosts.units")["total"] == 2


def test_dispute_of_a_cancelled_order_is_paid_from_what_is_pending_and_goes_back_there():
    book = Book()
    book.sell(host="ann", price="30.00")
    book.say(dispute_said(amount="12.00"))
    book.say(cancellation_said())
    assert book.balances() == {
        "Assets:Clearing:default": 3000,
        "Assets:Disputes": -1200,
        "Income:Cancelled-Pending": -1800,
    }

    book.say(outcome_said("won"))

    assert book.balances() == {"Assets:Clearing:default": 3000, "Income:Cancelled-Pending": -3000}
    assert book.board()["total"] == "0.00"


def test_dispute_before_its_order_waits_and_takes_effect_with_it():
    book = Book()

    body = book.say(dispute_said(amount="12.00")).entries[0].content
    assert body["parked"] is True
    assert book.balances() == {"Assets:Unmatched-Refunds": 1200, "Assets:Disputes": -1200}
    book.sell(host="ann", price="30.00")

    assert [entry.kind for entry in book.entries[-2:]] == ["order.paid", "order.disputed"]
    assert book.balances() == {
        "Assets:Clearing:default": 3000,
        "Assets:Disputes": -1200,
        "Income:Sales:ruby:ann": -1800,
    }


@pytest.mark.parametrize(("outcome", "left"), [("won", "30.00"), ("lost", "18.00")])
def test_dispute_that_ended_before_its_order_came_has_ended_all_the_same(outcome, left):
    book = Book()
    book.say(dispute_said(amount="12.00"))
    book.say(outcome_said(outcome))

    book.sell(host="ann", price="30.00")

    assert book.board()["total"] == left
    assert (book.state.parked, book.state.disputes) == ({}, {})
    assert {account for account in book.balances() if account.startswith("Assets:")} == {"Assets:Clearing:default"}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"order": ""}, "dispute_incomplete", "order"),
        ({"amount": ""}, "dispute_incomplete", "amount"),
        ({"disputed_at": ""}, "dispute_incomplete", "disputed_at"),
        ({"amount": "0.00"}, "amount_not_positive", "amount"),
        ({"amount": "-1.00"}, "amount_not_positive", "amount"),
        ({"currency": "USD"}, "currency_mismatch", "currency"),
        ({"fee": "-1.00"}, "amount_negative", "fee"),
        ({"fee": "10000000000.01"}, "amount_too_large", "fee"),
        ({"closed_at": "2021-04-05T01:00:00Z"}, "dispute_incomplete", "outcome"),
        ({"outcome": "won"}, "dispute_repeated", "order"),
        ({"outcome": "won", "order": "", "amount": "", "disputed_at": ""}, "dispute_incomplete", "closed_at"),
    ],
)
def test_dispute_that_cannot_be_is_refused_with_a_code_at_its_field(fields, code, field):
    said = {"id": "d1", "order": "1001", "amount": "1.00", "disputed_at": "2021-04-05T01:00:00Z"} | fields

    with pytest.raises(AppError) as refused:
        facts.dispute_fact(facts.Dispute(**said), "GBP", 2)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_end_of_a_dispute_that_is_not_open_is_refused_and_a_repeated_one_is_a_repeat():
    book = Book()
    book.sell(host="ann")

    assert refusal(book, outcome_said("won")) == ("dispute_unknown", 409)
    book.say(dispute_said())
    assert refusal(book, dispute_said(amount="9.99")) == ("dispute_conflict", 409)
    book.say(outcome_said("won"))
    assert book.say(outcome_said("won")).replayed
    assert refusal(book, outcome_said("lost")) == ("dispute_conflict", 409)


def test_order_takes_so_many_disputes_and_no_more():
    book = Book()
    book.sell(host="ann", price="100.00")
    most = [dispute_said(f"d{number}", amount="0.01") for number in range(disputes.DISPUTES_PER_ORDER_MAX)]
    book.batch(most)

    assert len(book.state.disputes) == len(most)
    assert refusal(book, dispute_said("one-more", amount="0.01")) == ("too_many_disputes", 409)


def test_event_with_an_open_dispute_becomes_final_only_with_a_reason():
    book = Book("ended")
    book.sell(host="ann")
    book.say(dispute_said())

    with pytest.raises(AppError) as refused:
        book.say(move_said("final"))
    assert refused.value.code == "open_items"
    assert refused.value.extra["items"] == [{"kind": "dispute", "source": "default", "id": "d1", "order": "1001"}]
    body = book.say(move_said("final", waive="the bank takes months")).entries[0].content
    assert body["waived"]["disputes"] == 1
    book.say(outcome_said("won"))
    assert book.balances()["Income:Sales:ruby:ann"] == -1000
    assert book.board()["total"] == "0.00"


@given(one_order, st.lists(histories.refunds(st.just("1001")), max_size=4), st.integers(1, 4_000), st.data())
def test_won_dispute_leaves_no_trace_whatever_came_meanwhile(sold, returned, amount, data):
    """Refunds that say their amount: what one by quantity is worth is estimated once, when it comes."""
    others = [sold, *(refund_said(given) for given in returned if given.amount)]
    if data.draw(st.booleans()):
        others.insert(data.draw(st.integers(1, len(others))), CANCELLED)
    opened = data.draw(st.integers(1, len(others)))
    with_it = [*others[:opened], dispute_said(amount=histories.pounds(amount)), *others[opened:], outcome_said("won")]

    without, book = played(others), played(with_it)

    assert book.balances() == without.balances()
    assert boards(book) == boards(without)
    order_of = [remaining_of((e.kind, e.key, e.content) for e in own.entries[3:]) for own in (book, without)]
    assert order_of[0] == order_of[1] or "disputes" in str(order_of[0])


def arrivals(*said: Fact) -> list[Book]:
    return [played(arrival) for arrival in permutations([ORDER, *said])]


def test_every_order_of_arrival_of_a_dispute_and_a_line_refund_moves_the_same_money():
    """What comes back by amount spreads over what is left of the lines, so which line it takes from may differ."""
    books = arrivals(BY_LINE, BY_AMOUNT, DISPUTED, ORDER)

    assert len({book.board()["total"] for book in arrivals_of_one_line(BY_AMOUNT, DISPUTED)}) == 1
    for prefix in ("Assets:", "Expenses:"):
        totals = [{k: v for k, v in book.balances().items() if k.startswith(prefix)} for book in books]
        assert all(total == totals[0] for total in totals)
    assert len({sum(v for k, v in book.balances().items() if k.startswith("Income:")) for book in books}) == 1


def arrivals_of_one_line(*said: Fact) -> list[Book]:
    sold = order_said(order(host="ann", lines=[line("b", "10.00", 2)]))
    by_line = refund_said(refund("r1", lines=[facts.RefundLine("b", 1, "3.00")]))
    return [played(arrival) for arrival in permutations([sold, by_line, *said])]


def test_every_order_of_arrival_with_a_dispute_gives_the_same_books():
    books = arrivals(refund_said(refund("r3", amount="0.07")), BY_AMOUNT, DISPUTED, ORDER)

    assert len(books) == 120
    totals = [{k: v for k, v in book.balances().items() if not k.startswith("Income:")} for book in books]
    assert all(total == totals[0] for total in totals)
    for account in (*SALES, "Income:Shipping"):
        sums = [book.balances().get(account, 0) for book in books]
        # A unit for each of the three that is split.
        assert max(sums) - min(sums) <= 3
    for key in per_line(books[0]):
        sums = [per_line(book)[key] for book in books]
        assert max(sums) - min(sums) <= 3


def test_every_order_of_arrival_with_a_dispute_and_a_cancellation_gives_the_same_books_and_boards():
    books = arrivals(BY_LINE, DISPUTED, CANCELLED, ORDER)

    assert len({tuple(sorted(book.balances().items())) for book in books}) == 1
    assert len({str(boards(book)) for book in books}) == 1
    assert not any(account in SALES for account in books[0].balances())
