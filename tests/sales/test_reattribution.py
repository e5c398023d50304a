"""Corrections of who earned an order: what is left moves, nothing is made or lost, a second person approves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.sales.facts import RefundLine
from app.sales.remaining import remaining_of
from tests import histories
from tests.book import (
    HOUR,
    START,
    Book,
    cancellation_said,
    correction_end_said,
    correction_said,
    dispute_said,
    line,
    move_said,
    order,
    order_said,
    outcome_said,
    refund,
    refund_said,
    roster_said,
)
from tests.recount import recount
from tests.sales.test_refund_histories import boards, one_order, played


def refusal(book: Book, said: Fact) -> str:
    head = book.head
    with pytest.raises(AppError) as refused:
        book.say(said)
    assert book.head == head
    return refused.value.code


def scores(book: Book, board: str = "hosts") -> dict[str, Any]:
    return {row["id"]: row["score"] for row in book.board(board)["rows"] if row["score"] not in ("0.00", 0)}


def as_recounted(book: Book) -> None:
    """Every board is what a slow recount of the entries says."""
    counted = recount(book.entries)
    for of in ("host", "team"):
        for measure in ("gross_sales", "net_sales", "orders", "units"):
            shown = book.board(f"{of}s.{measure}")
            rows = [(row["rank"], row["id"], int(str(row["score"]).replace(".", ""))) for row in shown["rows"]]
            assert rows == counted.board(of, measure)["rows"], (of, measure)


def test_order_moves_with_all_that_is_left_of_it():
    book = Book()
    book.sell(host="ann", price="10.00", quantity=3)
    book.give_back(lines=[RefundLine("1", 1)])

    book.say(correction_said(["1001"], {"cy": 1}))

    assert scores(book) == {"cy": "20.00"}
    assert scores(book, "hosts.gross_sales") == {"cy": "30.00"}
    assert scores(book, "hosts.units") == {"cy": 2}
    assert scores(book, "hosts.orders") == {"cy": 1}
    assert scores(book, "teams") == {"opal": "20.00"}
    assert book.balances() == {"Assets:Clearing:default": 2000, "Income:Sales:opal:cy": -2000}
    as_recounted(book)


def test_refund_after_a_correction_takes_from_the_host_who_has_the_order_now():
    book = Book()
    book.sell(host="ann", price="10.00", quantity=3)
    book.say(correction_said(["1001"], {"cy": 2, "bo": 1}))

    body = book.give_back(amount="30.00")

    assert [(share["host"], share["amount"]) for share in body["shares"]] == [("cy", 2000), ("bo", 1000)]
    assert body["closed"] == [{"host": "cy", "team": "opal"}, {"host": "bo", "team": "ruby"}]
    assert book.balances() == {}
    assert scores(book, "hosts.orders") == {}
    as_recounted(book)


def test_team_that_keeps_an_order_keeps_the_moment_it_got_there():
    book = Book()
    book.sell(host="ann", price="10.00")
    book.sell(id="1002", host="cy", price="10.00")

    book.say(correction_said(["1001"], {"bo": 1}))

    assert [row["id"] for row in book.board("teams")["rows"]] == ["ruby", "opal"]
    assert [row["id"] for row in book.board("hosts")["rows"][:2]] == ["cy", "bo"]
    as_recounted(book)


def test_order_of_nobody_can_be_given_to_somebody_and_back():
    book = Book()
    book.sell()
    book.say(correction_said(["1001"], {"ann": 1}))
    assert (scores(book), book.board()["house"]) == ({"ann": "10.00"}, "0.00")

    book.say(correction_said(["1001"], {"House": 1}, id="c2"))

    assert (scores(book), book.board()["house"]) == ({}, "10.00")
    as_recounted(book)


def test_membership_corrected_in_the_past_moves_the_orders_to_the_team_of_that_time():
    book = Book()
    book.batch(histories.sessions_said())
    book.sell(session="trio", lines=[line("a", "3.33", 3), line("b", "0.01")])
    before = scores(book)
    book.say(roster_said([{"id": "dee", "team": "opal", "from": START}]))
    assert scores(book, "teams").get("opal") is None

    body = book.say(correction_said(["1001"])).entries[1].content

    assert scores(book) == before
    assert scores(book, "teams")["opal"] == before["dee"]
    assert {part["host"] for part in body["taken"] + body["given"]} == {"dee"}
    as_recounted(book)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ([], "order_not_there"),
        ([order_said(order(host="ann")), cancellation_said()], "order_cancelled"),
        ([order_said(order(host="ann")), refund_said(refund(amount="10.00"))], "order_refunded"),
        ([order_said(order(host="ann")), dispute_said(amount="1.00")], "order_disputed"),
        ([order_said(order(host="cy"))], "nothing_to_correct"),
    ],
)
def test_order_that_cannot_be_moved_is_refused_with_the_reason(what, code):
    book = Book()
    book.batch(what)

    assert refusal(book, correction_said(["1001"], {"cy": 1})) == code


def test_correction_is_made_for_all_of_its_orders_or_for_none():
    book = Book()
    book.sell(host="ann")
    book.sell(id="1002", host="ann")
    book.say(cancellation_said("1002"))

    assert refusal(book, correction_said(["1001", "1002"], {"cy": 1})) == "order_cancelled"
    assert refusal(book, correction_said(["1001"], {"nobody": 1})) == "unknown_host"


def test_order_that_is_named_twice_moves_once():
    book = Book()
    book.sell(host="ann")

    accepted = book.say(correction_said(["1001", "1001"], {"cy": 1}))

    assert [entry.kind for entry in accepted.entries] == ["correction.opened", "order.reattributed"]


def test_same_correction_again_is_a_repeat_and_another_one_under_its_id_a_conflict():
    book = Book()
    book.sell(host="ann")
    book.say(correction_said(["1001"], {"cy": 1}))

    assert book.say(correction_said(["1001"], {"cy": 1})).replayed
    assert refusal(book, correction_said(["1001"], {"bo": 1})) == "correction_conflict"


def strict(**event: Any) -> Book:
    book = Book(rules={"approval_above": 999}, **event)
    book.sell(host="ann", price="10.00")
    return book


def test_correction_above_the_limit_waits_for_a_second_person():
    book = strict()
    body = book.say(correction_said(["1001"], {"cy": 1})).entries[0].content
    assert (body["waits"], body["amount"], scores(book)) == (True, 1000, {"ann": "10.00"})

    accepted = book.say(correction_end_said("approved"))

    assert [entry.kind for entry in accepted.entries] == ["correction.closed", "order.reattributed"]
    assert scores(book) == {"cy": "10.00"}
    assert book.state.corrections == {}
    as_recounted(book)


def test_correction_up_to_the_limit_is_made_at_once():
    book = Book(rules={"approval_above": 1000})
    book.sell(host="ann", price="10.00")

    accepted = book.say(correction_said(["1001"], {"cy": 1}))

    assert [entry.kind for entry in accepted.entries] == ["correction.opened", "order.reattributed"]


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ({"person": "ines", "actor": "key:ines"}, "own_correction"),
        ({"person": "ines", "actor": "key:other-one-of-hers"}, "own_correction"),
        ({"person": "joe", "actor": "key:ines"}, "own_correction"),
        ({"person": "joe", "actor": "key:admin"}, "admin_cannot_approve"),
    ],
)
def test_only_a_second_person_may_approve(who, code):
    book = strict()
    book.say(correction_said(["1001"], {"cy": 1}))

    assert refusal(book, correction_end_said("approved", **who)) == code
    assert refusal(book, correction_end_said("approved", id="c2")) == "correction_not_open"


def test_correction_withdrawn_is_not_made_and_cannot_be_approved_later():
    book = strict()
    book.say(correction_said(["1001"], {"cy": 1}))
    book.say(correction_end_said("withdrawn", person="ines", actor="key:ines"))

    assert scores(book) == {"ann": "10.00"}
    assert refusal(book, correction_end_said("approved")) == "correction_conflict"


def test_event_with_a_waiting_correction_does_not_become_final():
    book = strict(to="ended")
    book.say(correction_said(["1001"], {"cy": 1}))

    assert refusal(book, move_said("final", waive="no time")) == "corrections_open"
    book.say(correction_end_said("approved"))
    book.say(move_said("final"))


def test_approval_decides_on_what_is_left_by_then():
    book = strict()
    book.say(correction_said(["1001"], {"cy": 1}))
    book.give_back(amount="4.00")

    book.say(correction_end_said("approved"))

    assert (scores(book), scores(book, "hosts.gross_sales")) == ({"cy": "6.00"}, {"cy": "10.00"})


sellers = st.dictionaries(
    st.sampled_from(("ann", "bo", "cy", "dee", "House")), st.integers(1, 9), min_size=1, max_size=4
)
comes_back = st.lists(
    histories.refunds(st.just("1001")).map(refund_said) | histories.disputes(st.just("1001")) | histories.outcomes(),
    max_size=4,
)


@given(one_order, comes_back, sellers, comes_back, sellers)
def test_corrections_among_refunds_and_disputes_keep_every_sum(sold, before, first, after, second):
    book = played([sold, *before])
    for number, to in enumerate((first, second)):
        totals = {name: score["total"] for name, score in boards(book).items()}
        lines = per_line(book)
        book.batch([correction_said(["1001"], to, id=f"c{number}")])

        assert {name: score["total"] for name, score in boards(book).items()} == totals
        assert per_line(book) == lines
        assert sum(book.balances().values()) == 0
        for fact in after:
            book.batch([fact])
        as_recounted(book)
    book.batch([outcome_said("lost", id) for id in ("d1", "d2", "d3")])
    book.batch([refund_said(refund("everything", amount="1000.00"))])
    assert {account for account in book.balances() if account.startswith(("Income:", "Liabilities:"))} == set()


def is_about(entry: Entry) -> bool:
    return "order:default:1001" in (entry.key, entry.about)


def per_line(book: Book) -> dict[str, tuple[int, int, int]]:
    """What is left, gross and counted of each line, whoever has it."""
    remaining = remaining_of((entry.kind, entry.key, entry.content) for entry in book.entries if is_about(entry))
    assert remaining is not None
    sums: dict[str, tuple[int, int, int]] = {}
    for share in remaining.shares:
        if share.of == "sale":
            left, gross, units = sums.get(share.line, (0, 0, 0))
            sums[share.line] = (left + share.left, gross + share.gross, units + share.units)
    return sums


def test_late_correction_moves_the_ledger_and_no_board():
    book = Book("ended")
    book.sell(host="ann", paid_at=START + HOUR)
    book.say(move_said("final"))

    book.say(correction_said(["1001"], {"cy": 1}))

    assert scores(book) == {"ann": "10.00"}
    assert book.balances()["Income:Sales:opal:cy"] == -1000


def test_second_correction_to_the_teams_of_now_passes_over_who_lost_the_order_to_the_first():
    book = Book()
    book.sell(host="ann")
    book.say(correction_said(["1001"], {"bo": 1}, "c1"))
    book.say(roster_said([{"id": "bo", "team": "opal", "from": START}]))

    moved = book.say(correction_said(["1001"], None, "c2")).entries[1].content

    assert [(part["host"], part["team"]) for part in moved["taken"] + moved["given"]] == [
        ("bo", "ruby"),
        ("bo", "opal"),
    ]
