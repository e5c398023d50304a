"""``recount``: right for whatever the rules wrote, wrong for whatever they would not have written."""

from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import state
from app.audit import recount as recounting
from app.audit.kinds import KINDS, Uses
from app.audit.package_reader import Findings, entries_of
from app.journal.drafts import Fact
from app.journal.entry import Entry
from tests import foreign, histories
from tests.book import (
    DAY,
    END,
    HOUR,
    SECOND,
    START,
    Book,
    claim_end_said,
    claim_said,
    correction_end_said,
    correction_said,
    move_said,
    roster_said,
    session_said,
)
from tests.packages import assert_right, forged, found, full_book, package_of, recounted, standalone

CORRECTIONS = st.builds(
    correction_said,
    st.lists(st.sampled_from(histories.ORDER_IDS), min_size=1, max_size=3, unique=True),
    st.none() | st.sampled_from(({"ann": 1}, {"bo": 1, "cy": 2}, {"House": 1})),
    st.sampled_from(("c1", "c2", "c3")),
)
CORRECTION_ENDS = st.builds(
    correction_end_said, st.sampled_from(("approved", "withdrawn")), st.sampled_from(("c1", "c2", "c3"))
)
CLAIMS = st.builds(claim_said, st.sampled_from(histories.ORDER_IDS), histories.HOST_IDS, st.sampled_from(("k1", "k2")))
CLAIM_ENDS = st.builds(
    claim_end_said,
    st.sampled_from(("accepted", "rejected", "withdrawn")),
    st.sampled_from(("k1", "k2")),
    st.sampled_from(("", "c1", "c2")),
)
SETTLEMENTS = st.integers(1, 3).flatmap(histories.settlements)
FACTS = st.lists(
    st.one_of(
        *(histories.said(), histories.said(), CORRECTIONS, CORRECTION_ENDS, histories.rules_changed()),
        *(CLAIMS, CLAIM_ENDS, SETTLEMENTS, foreign.among()),
    ),
    max_size=25,
)


def test_every_kind_that_can_be_folded_can_be_decided_again():
    assert set(KINDS) == set(state._FOLDS)


@given(facts=FACTS, final=st.booleans())
def test_whatever_the_rules_write_is_right_and_gives_the_boards(
    tmp_path_factory: pytest.TempPathFactory, facts: list[Fact], final: bool
):
    book = histories.opened()
    for fact in facts:
        book.batch([fact])
    if final:
        book.batch([move_said("ended"), move_said("final", waive="late shops"), *facts[:5]])

    assert_right(tmp_path_factory.getbasetemp(), book)


@given(facts=FACTS, sizes=st.lists(st.integers(1, 8), min_size=1))
def test_facts_that_were_decided_together_are_right_too(
    tmp_path_factory: pytest.TempPathFactory, facts: list[Fact], sizes: list[int]
):
    book = histories.opened()
    while facts:
        size = sizes[len(facts) % len(sizes)]
        book.batch(facts[:size])
        book.now += SECOND
        facts = facts[size:]

    assert_right(tmp_path_factory.getbasetemp(), book)


def test_what_time_moved_is_right_and_a_move_that_is_missing_is_found(tmp_path: Path):
    book = Book("draft", now=START - DAY)
    book.say(move_said("scheduled"))
    book.now = START + HOUR
    book.sell(host="ann", paid_at=START)
    book.now = END + HOUR
    book.sell(id="2", host="bo", paid_at=END - HOUR)

    assert [entry.kind for entry in book.entries if entry.actor == "schedule"] == ["event.moved"] * 2
    assert_right(tmp_path, book)
    early = forged(book, 4, lambda entry: setattr(entry, "recorded_at", START - HOUR))
    assert ("decision_mismatch", 4) in found(recounted(tmp_path, package_of(early)))
    unmoved = renumbered([entry for entry in book.entries if entry.position != 4])
    assert found(recounted(tmp_path, package_of(unmoved)))[0] == ("decision_mismatch", 4)


def renumbered(entries: list[Entry]) -> list[Entry]:
    """A chain of these entries as if they were all."""
    book = Book.__new__(Book)
    book.entries = entries
    for position, entry in enumerate(entries, 1):
        entry.position = position
    return forged(book, 0, lambda entry: None)


def test_clock_that_was_set_back_leaves_a_right_journal(tmp_path: Path):
    book = Book()
    for number, back in enumerate((0, SECOND // 2, HOUR)):
        book.now -= back
        book.say(session_said(f"s{number}", {"ann": 1}))
        book.say(Fact("session.ended", f"session:s{number}:ended", {"id": f"s{number}"}, "key:ops"))
    book.say(move_said("paused"))
    book.say(move_said("ended"))

    assert_right(tmp_path, book)


def test_roster_of_thousands_is_decided_as_the_one_call_that_it_was(tmp_path: Path):
    """Codes wander from hosts of a later entry to those of an earlier one: one by one they would be refused."""
    hosts = [{"id": f"h{number}", "team": "ruby", "codes": [f"c{number}"]} for number in range(1_500)]
    for key in ("", "op:roster"):
        book = Book("live", hosts=())
        book.say(roster_said(hosts, key=key))
        moved = [{"id": f"h{number}", "codes": [f"c{1_499 - number}"]} for number in range(1_500)]
        book.say(roster_said(moved, key=key and "op:second"))

        assert [entry.kind for entry in book.entries[-4:]] == ["roster.changed"] * 4
        assert_right(tmp_path, book)


def test_calls_that_brought_a_key_of_their_own_are_decided_with_it(tmp_path: Path):
    book = Book()
    request = "ab" * 32
    book.say(Fact("rules.changed", "op:1", {"rules": {"ranks": "shared"}}, "key:ops", request=request))
    book.say(Fact("event.moved", "op:2", {"to": "ended", "reason": "over"}, "key:ops", request=request))

    assert_right(tmp_path, book)
    unasked = forged(book, at(book, "rules.changed"), gone("request"))
    assert found(recounted(tmp_path, package_of(unasked))) == [("decision_mismatch", at(book, "rules.changed"))]


def test_nothing_is_kept_of_an_order_when_its_last_entry_has_passed():
    book = full_book()
    package = package_of(book.entries)
    uses = Uses()
    for entry in book.entries:
        uses.hear(entry.kind, entry.position, entry.body)  # type: ignore[arg-type]
    lookup = recounting._Lookup(uses)
    most = 0
    for _, entry in entries_of(package.splitlines(keepends=True), book.head.event):
        lookup.passed(entry)
        most = max(most, len(lookup._kept))

    assert 0 < most < len(uses.last) < len(book.entries)
    assert lookup._kept == {}


def at(book: Book, kind: str, number: int = 0) -> int:
    """Position of an entry of this kind."""
    return [entry.position for entry in book.entries if entry.kind == kind][number]


def test_book_of_every_kind_is_right(tmp_path: Path):
    book = full_book()

    assert {entry.kind for entry in book.entries} == set(KINDS)
    assert_right(tmp_path, book)


def test_what_comes_after_final_is_decided_and_moves_no_board(tmp_path: Path):
    book = full_book()
    before = book.board("hosts"), book.board("hosts.orders")
    book.sell(id="late", host="ann")
    book.give_back(id="late", order="3", amount="1.00")

    assert_right(tmp_path, book)
    after = book.board("hosts"), book.board("hosts.orders")
    assert [board["rows"] for board in after] == [board["rows"] for board in before]


def put(*path: Any, value: Any) -> Callable[[Entry], bytes | None]:
    """Set one member of the body."""

    def change(entry: Entry) -> None:
        place: Any = entry.content
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


def gone(name: str) -> Callable[[Entry], bytes | None]:
    def change(entry: Entry) -> None:
        del entry.content[name]

    return change


def of_entry(name: str, value: Any) -> Callable[[Entry], bytes | None]:
    return lambda entry: setattr(entry, name, value)


def began_earlier(entry: Entry) -> None:
    """As if the call had said nothing of the time, and it had been an hour ago."""
    del entry.content["fact"]["started_at"]
    entry.content["started_at"] = entry.occurred_at = entry.recorded_at - HOUR


FORGERIES: list[tuple[str, Callable[[Entry], bytes | None], str]] = [
    ("event.created", put("exponent", value=3), "fact_malformed"),
    ("event.created", put("rules", value={"ranks": "distinct"}), "fact_malformed"),
    ("rules.changed", put("version", value=7), "decision_mismatch"),
    ("rules.changed", put("rules", "ranks", value="distinct"), "decision_mismatch"),
    ("roster.changed", put("hosts", 0, "team", value="unheard"), "decision_mismatch"),
    ("event.moved", put("to", value="ended"), "decision_mismatch"),
    ("session.started", put("started_at", value=START + 1), "decision_mismatch"),
    ("session.started", began_earlier, "decision_mismatch"),
    ("session.ended", put("ended_at", value=START + HOUR), "decision_mismatch"),
    ("order.paid", put("credits", 0, "host", value="cy"), "decision_mismatch"),
    ("order.paid", put("credits", 0, "amount", value=999), "decision_mismatch"),
    ("order.paid", put("credits", 0, "amount", value=999), "postings_unbalanced"),
    ("order.paid", lambda entry: entry.body.replace(b'"rules":1', b'"rules":1.0'), "body_not_canonical"),
    ("order.paid", lambda entry: entry.body.replace(b'"rules":1', b'"rules":null'), "body_not_canonical"),
    ("order.paid", lambda entry: entry.body.replace(b',"rules":1', b', "rules":1'), "body_not_canonical"),
    ("order.paid", of_entry("recorded_at", START), "time_not_increasing"),
    ("order.paid", put("fact", "lines", 0, "unit_price", value=-5), "fact_malformed"),
    ("order.paid", put("fact", "lines", 0, "discount", value=0), "fact_malformed"),
    ("order.paid", put("fact", "currency", value="EUR"), "fact_malformed"),
    ("order.paid", put("fact", "paid_at", value=END), "decision_mismatch"),
    ("order.paid", put("late", value=True), "decision_mismatch"),
    ("order.paid", of_entry("actor", "schedule"), "decision_mismatch"),
    ("order.paid", of_entry("key", "order:default:other"), "decision_mismatch"),
    ("order.paid", of_entry("occurred_at", START), "decision_mismatch"),
    ("order.refunded", put("amount", value=1), "decision_mismatch"),
    ("refund.matched", put("shares", value=[]), "decision_mismatch"),
    ("order.cancelled", gone("closed"), "decision_mismatch"),
    ("order.disputed", put("fact", "amount", value=1), "decision_mismatch"),
    ("dispute.closed", put("outcome", value="lost"), "decision_mismatch"),
    ("correction.opened", put("amount", value=1), "decision_mismatch"),
    ("correction.opened", put("waits", value=True), "decision_mismatch"),
    ("correction.closed", put("fact", "person", value="ines"), "decision_mismatch"),
    ("order.reattributed", put("given", 0, "host", value="dee"), "decision_mismatch"),
    ("claim.opened", put("at", value=START), "decision_mismatch"),
    ("claim.opened", put("fact", "amount", value=-1), "fact_malformed"),
    ("claim.closed", put("fact", "correction", value="correction:none"), "decision_mismatch"),
    ("adjustment.made", put("available", value=501), "decision_mismatch"),
    ("payout.made", put("fact", "amount", value=100_000), "decision_mismatch"),
    ("payout.made", put("available", value=-1), "decision_mismatch"),
    ("payout.failed", put("available", value=301), "decision_mismatch"),
    ("commission.released", put("amounts", 0, "amount", value=1), "decision_mismatch"),
    ("commission.released", put("at", value=START), "decision_mismatch"),
    ("statement.closed", put("from", value=3), "decision_mismatch"),
    ("statement.closed", put("fact", "to", value=0), "fact_malformed"),
]


@pytest.mark.parametrize(
    ("kind", "change", "code"), FORGERIES, ids=[f"{number}-{kind}" for number, (kind, _, _) in enumerate(FORGERIES)]
)
def test_entry_that_the_rules_would_not_have_written_is_found_though_everything_is_signed(
    tmp_path: Path, kind: str, change: Callable[[Entry], bytes | None], code: str
):
    book = full_book()
    position = at(book, kind)

    report = recounted(tmp_path, package_of(forged(book, position, change)))

    assert report.exit_code == 1
    assert (code, position) in found(report), report.findings.listed
    assert min(where for _, where in found(report)) == position
    assert report.boards == {}


@pytest.mark.parametrize("value", [b"1.0", b"null", b"9223372036854775808"])
def test_body_that_is_not_canonical_and_was_hashed_all_the_same_is_found_by_the_standalone_scorer_too(
    tmp_path: Path, value: bytes
):
    book = full_book()
    position = at(book, "order.paid")
    entries = forged(book, position, lambda entry: entry.body.replace(b'"rules":1', b'"rules":' + value))

    assert standalone(tmp_path, package_of(entries))["wrong"]["code"] == "line_unreadable"


def test_time_that_goes_back_is_found_by_the_standalone_scorer_too(tmp_path: Path):
    entries = forged(full_book(), 20, of_entry("recorded_at", START))

    assert standalone(tmp_path, package_of(entries))["wrong"] == {
        "code": "time_not_increasing",
        "line": 23,
        "detail": "entry 20 was not recorded after the entry before",
    }


def test_journal_that_goes_on_with_the_entries_of_another_one_is_found(tmp_path: Path):
    """Each half is whole, hashes and all."""
    one, other = full_book(), Book(now=START + 4 * DAY - HOUR)
    spliced = [*other.entries[:4], *one.entries[4:]]

    package = package_of(spliced)

    assert found(recounted(tmp_path, package)) == [("chain_broken", 5)]
    assert standalone(tmp_path, package)["wrong"]["code"] == "chain_broken"


def test_order_that_a_correction_looked_at_and_did_not_move_is_remembered_until_then(tmp_path: Path):
    book = Book()
    book.say(Fact("rules.changed", "", {"rules": {"approval_above": "0.00"}}, "key:ops"))
    for number in ("1", "2"):
        book.sell(id=number, host="bo")
    book.say(correction_said(["1", "2"], {"ann": 1}, id="both"))
    book.say(correction_said(["2"], {"ann": 1}, id="one"))
    book.say(correction_end_said("approved", "one"))
    book.say(correction_end_said("approved", "both"))

    assert_right(tmp_path, book)


def test_roster_calls_that_came_together_are_told_apart(tmp_path: Path):
    hosts = [{"id": f"h{number}", "team": "ruby", "codes": []} for number in range(998)]
    for key in ("", "op:first"):
        for number in (0, 2_000):
            book = Book("live", hosts=())
            book.batch([roster_said(hosts, key=key), roster_said([{"id": f"h{number}", "status": "hidden"}])])

            assert [len(entry.content["hosts"]) for entry in book.entries if entry.kind == "roster.changed"] == [998, 1]
            assert_right(tmp_path, book)


def test_key_that_occurs_twice_is_found(tmp_path: Path):
    book = full_book()
    again = copy(book.entries[10])
    again.recorded_at = book.head.recorded_at + 1

    report = recounted(tmp_path, package_of(renumbered([*book.entries, again])))

    assert ("key_repeated", book.head.position + 1) in found(report)


def test_kind_that_is_not_known_makes_a_recount_incomplete_and_is_named(tmp_path: Path):
    book = full_book()
    unknown = forged(book, at(book, "session.ended"), of_entry("kind", "draw.held"))
    package = package_of(unknown)

    report, alone = recounted(tmp_path, package), standalone(tmp_path, package)

    assert (report.exit_code, report.unknown_kinds, report.boards) == (2, {"draw.held": 1}, {})
    assert (alone["result"], alone["unknown_kinds"]) == ("incomplete", {"draw.held": 1})


def test_findings_are_bounded():
    findings = Findings()
    for number in range(250):
        findings.add("key_repeated", number, number, "")

    assert (len(findings.listed), findings.more) == (100, 150)
