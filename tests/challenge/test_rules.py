"""Declared rules: known names, known values, defaults left out, the rest kept."""

import pytest

from app.challenge.rules import Rules, document, parse_rules
from app.errors import AppError
from app.journal.drafts import Fact
from tests.book import Book


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
    assert book.sell()["rules"] == 3
