"""Declared rules: known names, known values, defaults left out, the rest kept."""

from typing import Any

import pytest

from app.challenge.rules import Rules, document, parse_rules
from app.errors import AppError, Invalid
from app.journal.drafts import Fact
from tests.book import HOUR, SECOND, Book, move_said, order, order_said, session_said


def test_what_is_left_out_stays_as_it_was():
    before = parse_rules({"ranks": "shared"}, 2)

    assert parse_rules({"public_boards": True}, 2, before) == Rules("shared", True)
    assert parse_rules({}, 2, before) == before


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {}),
        ({"ranks": "distinct", "public_boards": False}, {}),
        ({"ranks": "shared"}, {"ranks": "shared"}),
        ({"ranks": "distinct", "public_boards": True}, {"public_boards": True}),
        ({"public_channels": []}, {}),
        ({"public_channels": ["state", "orders", "state"]}, {"public_channels": ["orders", "state"]}),
    ],
)
def test_document_leaves_out_what_equals_the_default_however_it_was_said(given, kept):
    assert document(parse_rules(given, 2)) == kept
    assert document(parse_rules(document(parse_rules(given, 2)), 2)) == kept


@pytest.mark.parametrize(
    "given",
    [
        {"public_channels": ["ops"]},
        {"public_channels": "boards"},
        {"rank": "shared"},
        {"ranks": "none"},
        {"public_boards": 1},
        {"ranks": None},
    ],
)
def test_rule_that_does_not_exist_is_refused(given):
    with pytest.raises(AppError) as refused:
        parse_rules(given, 2)

    assert (refused.value.code, refused.value.field) == ("rules_invalid", "rules")


def test_boards_are_public_by_either_rule():
    assert parse_rules({}, 2).opened == set()
    assert parse_rules({"public_boards": True, "public_channels": ["viewers"]}, 2).opened == {"boards", "viewers"}
    assert parse_rules({"public_channels": ["boards"]}, 2).opened == {"boards"}


def test_rules_are_versioned_by_the_entries_that_change_them():
    book = Book()

    for rules in ({"ranks": "shared"}, {"ranks": "shared"}, {"public_boards": True}):
        book.say(Fact("rules.changed", "", {"rules": rules}, "key:ops"))

    changed = [(entry.key, entry.content) for entry in book.entries if entry.kind == "rules.changed"]
    assert changed == [
        ("rules:2", {"rules": {"ranks": "shared"}, "version": 2}),
        ("rules:3", {"rules": {"ranks": "shared", "public_boards": True}, "version": 3}),
    ]
    assert book.sell(paid_at=book.now + SECOND)["rules"] == 3
    assert book.sell(id="paid-before", paid_at=book.now - HOUR)["rules"] == 1


@pytest.mark.parametrize(
    "given",
    [
        {"precedence": []},
        {"precedence": ["code", "host", "code"]},
        {"precedence": ["coupon"]},
        {"precedence": "code"},
        {"click_days": -1},
        {"click_days": 366},
        {"cart_days": 1.5},
        {"split": "alphabet"},
        {"self_purchase": True},
        {"windows": 7},
        None,
        "code",
    ],
)
def test_attribution_that_no_rule_can_be_is_refused(given):
    with pytest.raises(Invalid) as refused:
        parse_rules({"attribution": given}, 2)

    assert refused.value.code == "rules_invalid"


def test_members_of_attribution_that_are_left_out_stay_and_defaults_are_not_kept():
    first = parse_rules({"attribution": {"click_days": 7, "precedence": ["click", "host"]}}, 2)
    then = parse_rules({"attribution": {"click_days": 14, "split": "equal"}, "ranks": "shared"}, 2, first)

    assert document(first) == {"attribution": {"click_days": 7, "precedence": ["click", "host"]}}
    assert document(then) == {"attribution": {"split": "equal", "precedence": ["click", "host"]}, "ranks": "shared"}
    default = {"precedence": ["host", "code", "click", "session", "pin"], "split": "weights"}
    assert document(parse_rules({"attribution": default}, 2, then)) == {"ranks": "shared"}


def attribution_said(**rules: Any) -> Fact:
    return Fact("rules.changed", "", {"rules": {"attribution": rules}}, "key:ops")


def test_attribution_changed_later_moves_nothing_that_was_decided_and_nothing_that_was_paid_before():
    book = Book()
    book.say(session_said("duo", {"ann": 1, "cy": 1}))
    decided = book.sell(id="first", code="BO5", session="duo")
    board = book.board()["rows"]
    book.say(attribution_said(precedence=["session", "code"], split="equal"))

    assert book.board()["rows"] == board
    repeated = book.say(order_said(order(id="first", code="BO5", session="duo")))
    paid_before = book.sell(id="late", code="BO5", session="duo", paid_at=book.now - HOUR)
    paid_after = book.sell(id="after", code="BO5", session="duo", paid_at=book.now + SECOND)

    assert repeated.replayed
    assert repeated.entries[0].content == decided
    shares = {
        name: [credit["host"] for credit in body["credits"]]
        for name, body in (("first", decided), ("late", paid_before), ("after", paid_after))
    }
    assert shares == {"first": ["bo"], "late": ["bo"], "after": ["ann", "cy"]}
    assert [decided["rules"], paid_before["rules"], paid_after["rules"]] == [1, 1, 2]


def test_attribution_declared_in_a_draft_holds_from_the_beginning():
    book = Book("draft")
    book.say(attribution_said(precedence=["session"]))
    for status in ("scheduled", "live"):
        book.say(move_said(status))

    assert book.sell(host="ann")["rules"] == 2
    assert book.state.attribution_at(0) == (2, book.state.rules.attribution)
