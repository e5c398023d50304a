"""What the rules of attribution and a line's own touches change: precedence, clicks, exclusions, receipts by line."""

from typing import Any

import pytest

from app.challenge.rules import Attribution
from app.errors import Invalid
from app.sales import facts
from app.sales.nobody import HOUSE
from tests.book import DAY, HOUR, START, line, order
from tests.sales.test_attribution import Roster, attributed

PAID = START + 3 * DAY
CLICKED: dict[str, Any] = {"c1": {"host": "bo", "at": PAID - 2 * DAY}}


def hosts(credits: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(credit["line"], credit["host"], credit["reason"]) for credit in credits]


def outcomes(candidates: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(candidate["by"], candidate["outcome"]) for candidate in candidates]


def test_declared_precedence_decides_and_what_it_leaves_out_never_wins():
    terms = Attribution(precedence=("session", "code"))

    credits, candidates = attributed(terms=terms, host="ann", code="BO5", session="duo")

    assert {credit["reason"] for credit in credits} == {"session"}
    assert outcomes(candidates) == [("session", "won"), ("code", "outranked"), ("host", "not_counted")]


def test_order_that_brings_only_what_does_not_count_is_nobodys():
    credits, candidates = attributed(terms=Attribution(precedence=("code",)), host="ann")

    assert hosts(credits) == [("1", HOUSE, "not_counted")]
    assert outcomes(candidates) == [("host", "not_counted")]


@pytest.mark.parametrize(
    ("touch", "outcome", "winner"),
    [
        ({"host": "bo", "at": PAID}, "won", "bo"),
        ({"host": "bo", "at": PAID - 14 * DAY}, "won", "bo"),
        ({"host": "bo", "at": PAID - 14 * DAY - 1}, "expired_click", HOUSE),
        ({"host": "bo", "at": PAID + 1}, "click_after_paid", HOUSE),
        ({"host": "gone", "at": PAID}, "unknown_host", HOUSE),
        ({"outcome": "click_of_another_event"}, "click_of_another_event", HOUSE),
    ],
)
def test_click_counts_inside_its_window_and_its_candidate_says_what_it_was(touch, outcome, winner):
    credits, candidates = attributed(touches={"c1": touch}, click="c1", paid_at=PAID)

    assert credits[0]["host"] == winner
    assert candidates == [{"by": "click", "id": "c1", "outcome": outcome} | touch]


def test_code_beats_a_click_and_a_click_beats_a_session():
    with_code, _ = attributed(touches=CLICKED, click="c1", code="ANN5", session="duo", paid_at=PAID)
    without, candidates = attributed(touches=CLICKED, click="c1", session="duo", paid_at=PAID)

    assert (hosts(with_code), hosts(without)) == ([("1", "ann", "code")], [("1", "bo", "click")])
    assert outcomes(candidates) == [("click", "won"), ("session", "outranked")]


@pytest.mark.parametrize(
    ("terms", "buyer", "reason"),
    [
        ({"self_purchase": "exclude"}, "person-ann", "self_purchase"),
        ({"self_purchase": "exclude"}, "person-bo", ""),
        ({"staff_purchase": "exclude"}, "person-bo", "staff_purchase"),
        ({"staff_purchase": "exclude"}, "person-ann", "staff_purchase"),
        ({"self_purchase": "exclude", "staff_purchase": "exclude"}, "person-ann", "self_purchase"),
        ({"self_purchase": "exclude", "staff_purchase": "exclude"}, "somebody", ""),
        ({}, "person-ann", ""),
    ],
)
def test_purchase_of_the_winner_or_of_staff_goes_to_house_if_the_rules_say_so(terms, buyer, reason):
    credits, candidates = attributed(terms=Attribution(**terms), buyer=buyer, host="ann", session="duo")

    assert hosts(credits) == [("1", HOUSE, reason) if reason else ("1", "ann", "host")]
    assert outcomes(candidates) == [("host", reason or "won"), ("session", "outranked")]


def test_purchase_of_one_co_host_excludes_the_line_of_all():
    credits, _ = attributed(terms=Attribution(self_purchase="exclude"), buyer="person-bo", session="duo")

    assert hosts(credits) == [("1", HOUSE, "self_purchase")]


def test_line_has_its_own_touches_in_place_of_the_orders_and_the_receipt_goes_by_line():
    lines = [line("a"), line("b", code="BO5"), line("c", host="bo"), line("d", session="duo")]

    credits, candidates = attributed(code="ANN5", lines=lines)

    assert hosts(credits) == [("a", "ann", "code"), ("b", "bo", "code"), ("c", "bo", "host"), ("d", "ann", "code")]
    assert [(c["line"], c["by"], c["id"], c["outcome"]) for c in candidates] == [
        ("a", "code", "ANN5", "won"),
        ("b", "code", "BO5", "won"),
        ("c", "host", "bo", "won"),
        ("c", "code", "ANN5", "outranked"),
        ("d", "code", "ANN5", "won"),
        ("d", "session", "duo", "outranked"),
    ]


def test_lines_that_bring_the_same_in_another_way_have_one_receipt():
    lines = [line("a", code="ANN5"), line("b", code="ANN5")]

    _, candidates = attributed(lines=lines)

    assert candidates == [{"by": "code", "id": "ANN5", "outcome": "won"}]


@pytest.mark.parametrize(
    ("own", "code", "field"),
    [
        ({"host": "nobody"}, "unknown_host", "lines[1].host"),
        ({"session": "none"}, "unknown_session", "lines[1].session"),
    ],
)
def test_host_or_session_of_a_line_that_is_not_there_is_refused(own, code, field):
    with pytest.raises(Invalid) as refused:
        attributed(host="ann", lines=[line("a"), line("b", **own)])

    assert (refused.value.code, refused.value.field) == (code, field)


def test_lines_of_different_sellers_add_up_to_the_limit_of_credits():
    quartet = Roster(hosts=("a", "b", "c", "d"), sessions={"four": [(host, 1) for host in "abcd"]})
    lines = [line(str(number), session="four") for number in range(999)] + [line(f"x{n}", host="a") for n in range(4)]

    credits, _ = attributed(quartet, lines=lines)
    with pytest.raises(Invalid) as refused:
        attributed(quartet, lines=[*lines, line("one-more", host="a")])

    assert (len(credits), refused.value.code) == (4_000, "too_many_credits")


def test_time_of_the_cart_is_kept_and_must_not_be_after_the_payment():
    kept = facts.order_fact(order(lines=[line("a", carted_at="2021-04-05T08:00:00+08:00")]), "GBP", 2, str)
    with pytest.raises(Invalid) as refused:
        facts.order_fact(order(lines=[line("a"), line("b", carted_at="2021-04-05T01:00:01Z")]), "GBP", 2, str)

    assert kept["lines"][0]["carted_at"] == START
    assert kept["paid_at"] == START + HOUR
    assert (refused.value.code, refused.value.field) == ("carted_after_paid", "lines[1].carted_at")
