"""What a session sells by having it pinned: at which moments, against whom, and from the cart."""

from typing import Any

import pytest

from app.errors import AppError
from app.sales.nobody import HOUSE
from app.sales.times import rfc3339
from tests.book import (
    DAY,
    HOUR,
    SECOND,
    START,
    Book,
    line,
    move_said,
    pin_said,
    session_end_said,
    session_hosts_said,
    session_said,
    unpin_said,
)

ON_AIR = START + DAY


@pytest.fixture
def book() -> Book:
    """``duo`` on air from ``ON_AIR``, with ``ruby`` pinned an hour later; ``solo`` on air as well, nothing pinned."""
    made = Book()
    made.say(session_said("duo", {"ann": 2, "bo": 1}, ON_AIR))
    made.say(session_said("solo", {"cy": 1}, ON_AIR))
    made.say(pin_said("duo", "ruby", ON_AIR + HOUR))
    return made


def sold(book: Book, at: int, sku: str = "ruby", **fields: Any) -> tuple[list[str], str]:
    """Hosts and reason of an order of one line."""
    carted: dict[str, Any] = {"carted_at": rfc3339(fields.pop("carted_at"))} if "carted_at" in fields else {}
    lines = [line("1", sku=sku, **carted)]
    body = book.sell(id=f"o{book.state.position}", lines=lines, paid_at=at, **fields)
    return [credit["host"] for credit in body["credits"]], body["credits"][0]["reason"]


def test_pinned_product_is_sold_by_the_session_from_the_pin_until_it_is_taken_off(book):
    book.say(unpin_said("duo", "ruby", ON_AIR + 3 * HOUR))

    nobody = ([HOUSE], "unattributed")
    by_pin = (["ann", "bo"], "pin")
    times = [HOUR - 1, HOUR, 3 * HOUR - 1, 3 * HOUR]
    assert [sold(book, ON_AIR + time) for time in times] == [nobody, by_pin, by_pin, nobody]
    assert sold(book, ON_AIR + HOUR, sku="opal") == nobody


def test_pin_ends_with_its_session(book):
    book.say(session_end_said("duo", ON_AIR + 2 * HOUR))

    assert sold(book, ON_AIR + 2 * HOUR - 1) == (["ann", "bo"], "pin")
    assert sold(book, ON_AIR + 2 * HOUR) == ([HOUSE], "unattributed")
    assert book.state.pinned == {}


@pytest.mark.parametrize("named", [{"host": "dee"}, {"code": "CY5"}, {"session": "solo"}])
def test_whatever_an_order_names_goes_before_a_pin(book, named):
    lines = [line("1", sku="ruby"), line("2", sku="opal")]

    body = book.sell(lines=lines, paid_at=ON_AIR + 2 * HOUR, **named)

    assert [credit["reason"] for credit in body["credits"]] == [next(iter(named))] * 2
    assert [(c["line"], c["by"], c["outcome"]) for c in body["candidates"]] == [
        ("1", next(iter(named)), "won"),
        ("1", "pin", "outranked"),
        ("2", next(iter(named)), "won"),
    ]


def test_latest_of_several_pins_sells_and_the_others_are_told_so(book):
    book.say(pin_said("solo", "ruby", ON_AIR + 2 * HOUR))

    body = book.sell(lines=[line("1", sku="ruby")], paid_at=ON_AIR + 3 * HOUR)

    assert [credit["host"] for credit in body["credits"]] == ["cy"]
    assert body["candidates"] == [
        {"by": "pin", "id": "solo", "at": ON_AIR + 2 * HOUR, "outcome": "won"},
        {"by": "pin", "id": "duo", "at": ON_AIR + HOUR, "outcome": "earlier_pin"},
    ]


def test_pins_of_the_same_moment_sell_nothing(book):
    book.say(pin_said("solo", "ruby", ON_AIR + HOUR))

    body = book.sell(lines=[line("1", sku="ruby")], paid_at=ON_AIR + 3 * HOUR)

    assert [(credit["host"], credit["reason"]) for credit in body["credits"]] == [(HOUSE, "ambiguous")]
    assert [(c["id"], c["outcome"]) for c in body["candidates"]] == [("solo", "ambiguous"), ("duo", "ambiguous")]


@pytest.mark.parametrize(
    ("carted_at", "paid_at", "expected"),
    [
        (ON_AIR + 2 * HOUR, ON_AIR + 2 * DAY, (["ann", "bo"], "pin")),
        (ON_AIR + HOUR - 1, ON_AIR + 2 * DAY, ([HOUSE], "unattributed")),
        # Put into the cart before anybody showed it, and bought when somebody did.
        (ON_AIR - HOUR, ON_AIR + 2 * HOUR, (["ann", "bo"], "pin")),
    ],
)
def test_product_put_into_the_cart_while_it_was_pinned_still_counts_when_paid(book, carted_at, paid_at, expected):
    book.say(session_end_said("duo", ON_AIR + 4 * HOUR))

    assert sold(book, paid_at, carted_at=carted_at) == expected


def test_cart_counts_for_as_many_days_as_the_rules_say():
    book = Book(rules={"attribution": {"cart_days": 1}})
    book.say(session_said("duo", {"ann": 1}, START))
    book.say(pin_said("duo", "ruby", START))
    book.say(session_end_said("duo", START + HOUR))

    assert sold(book, START + DAY, carted_at=START) == (["ann"], "pin")
    assert sold(book, START + DAY + 1, carted_at=START) == ([HOUSE], "unattributed")
    assert book.entries[-2].content["candidates"] == [
        {"by": "pin", "id": "duo", "at": START, "carted_at": START, "outcome": "won"}
    ]


def test_rules_without_pins_do_not_look_at_them():
    book = Book(rules={"attribution": {"precedence": ["host", "code"]}})
    book.say(session_said("duo", {"ann": 1}, START))
    book.say(pin_said("duo", "ruby", START))

    assert sold(book, START + HOUR) == ([HOUSE], "unattributed")
    assert "candidates" not in book.entries[-1].content


def test_sales_of_a_pin_and_of_lines_are_among_those_of_their_session(book):
    sold(book, ON_AIR + 2 * HOUR)
    book.sell(id="both", paid_at=ON_AIR + 2 * HOUR, lines=[line("1", sku="ruby"), line("2", "3.00", session="solo")])

    sessions = book.scores.totals.sessions
    assert (sessions["duo"].all, sessions["solo"].all) == ([2000, 2, 2], [300, 1, 1])
    assert sessions["duo"].hosts == {"ann": [1334, 2, 2], "bo": [666, 2, 0]}


def test_who_shares_is_who_was_in_the_session_at_that_moment(book):
    book.say(session_hosts_said("duo", {"ann": 1, "dee": 1}, ON_AIR + 2 * HOUR))

    assert sold(book, ON_AIR + 2 * HOUR - 1)[0] == ["ann", "bo"]
    assert sold(book, ON_AIR + 2 * HOUR)[0] == ["ann", "dee"]
    assert sold(book, ON_AIR + 3 * HOUR, carted_at=ON_AIR + HOUR)[0] == ["ann", "bo"]
    assert sold(book, ON_AIR + 3 * HOUR, sku="opal", session="duo") == (["ann", "dee"], "session")


def test_air_time_shares_by_seconds_up_to_the_payment_also_with_who_has_left():
    book = Book(rules={"attribution": {"split": "air_time"}})
    book.say(session_said("duo", {"ann": 9, "bo": 1}, ON_AIR))
    book.say(session_hosts_said("duo", {"ann": 1, "cy": 1}, ON_AIR + HOUR))
    book.say(session_end_said("duo", ON_AIR + 3 * HOUR))

    body = book.sell(price="70.00", session="duo", paid_at=ON_AIR + 5 * HOUR)
    early = book.sell(id="early", price="10.00", session="duo", paid_at=ON_AIR + SECOND - 1)

    assert [(c["host"], c["amount"]) for c in body["credits"]] == [("ann", 3500), ("bo", 1167), ("cy", 2333)]
    assert body["candidates"][0]["shares"] == {"ann": 10_800, "bo": 3_600, "cy": 7_200}
    # Nobody was on air for a second, so weights decide.
    assert [(c["host"], c["amount"]) for c in early["credits"]] == [("ann", 900), ("bo", 100)]


def test_equal_split_forgets_the_weights():
    book = Book(rules={"attribution": {"split": "equal"}})
    book.say(session_said("duo", {"ann": 9, "bo": 1}, START))

    assert [credit["amount"] for credit in book.sell(session="duo")["credits"]] == [500, 500]


def test_pin_that_comes_late_or_again_changes_nothing_that_is_there(book):
    head = book.head

    for said in (pin_said("duo", "ruby", ON_AIR + HOUR), pin_said("duo", "ruby", ON_AIR + 2 * HOUR)):
        assert not book.say(said).entries
    book.say(unpin_said("duo", "ruby", ON_AIR + 3 * HOUR))
    assert not book.say(unpin_said("duo", "ruby", ON_AIR + 4 * HOUR)).entries
    assert not book.say(pin_said("duo", "ruby", ON_AIR + HOUR)).entries

    assert book.head.position == head.position + 1
    again = book.say(pin_said("duo", "ruby", ON_AIR + 5 * HOUR))
    assert again.entries[0].key == "pin:duo:2:ruby"


def test_pin_that_is_reported_late_can_be_taken_off(book):
    book.say(unpin_said("duo", "ruby", ON_AIR + 2 * HOUR))
    book.say(pin_said("duo", "ruby", ON_AIR))

    assert sold(book, ON_AIR + 3 * HOUR) == (["ann", "bo"], "pin")
    assert book.say(unpin_said("duo", "ruby", ON_AIR + 3 * HOUR)).entries
    assert sold(book, ON_AIR + 3 * HOUR) == ([HOUSE], "unattributed")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (pin_said("none", "ruby", ON_AIR), "unknown_session"),
        (pin_said("solo", "ruby", ON_AIR - 1), "pinned_before_session"),
        (pin_said("ended", "ruby", ON_AIR + HOUR), "session_ended"),
        (unpin_said("none", "ruby", ON_AIR), "unknown_session"),
        (unpin_said("solo", "ruby", ON_AIR), "product_not_pinned"),
        (unpin_said("duo", "ruby", ON_AIR + HOUR - 1), "unpinned_before_pinned"),
        (session_hosts_said("none", {"ann": 1}, ON_AIR), "session_not_started"),
        (session_hosts_said("solo", {"eve": 1}, ON_AIR + HOUR), "unknown_host"),
        (session_hosts_said("solo", {"ann": 1}, ON_AIR), "changed_before_session"),
        (session_hosts_said("ended", {"ann": 1}, ON_AIR + HOUR), "session_ended"),
        (session_hosts_said("changed", {"cy": 1}, ON_AIR + HOUR), "session_changed_later"),
    ],
)
def test_what_cannot_have_been_on_air_is_refused(book, said, code):
    book.say(session_said("ended", {"ann": 1, "dee": 3}, ON_AIR))
    book.say(session_end_said("ended", ON_AIR + HOUR))
    book.say(session_said("changed", {"ann": 1}, ON_AIR))
    book.say(session_hosts_said("changed", {"bo": 1}, ON_AIR + HOUR))

    with pytest.raises(AppError) as refused:
        book.say(said)

    assert refused.value.code == code


def test_final_event_pins_nothing_and_changes_no_session_but_things_still_end(book):
    for status in ("ended", "final"):
        book.say(move_said(status))

    for said in (pin_said("solo", "ruby", ON_AIR + HOUR), session_hosts_said("solo", {"ann": 1}, ON_AIR + HOUR)):
        with pytest.raises(AppError) as refused:
            book.say(said)
        assert refused.value.code == "event_final"
    assert book.say(unpin_said("duo", "ruby", ON_AIR + 2 * HOUR)).entries
    assert book.say(session_end_said("duo", ON_AIR + 2 * HOUR)).entries
