"""The life of an event: which move may follow, what time does by itself, and when it does nothing."""

from dataclasses import dataclass
from itertools import product

import pytest

from app.challenge.lifecycle import STATUSES, check_move, due_move, next_due
from app.errors import Conflict, Invalid
from tests.book import (
    DAY,
    END,
    HOUR,
    START,
    Book,
    event_said,
    move_said,
    order_said,
    refund,
    refund_said,
    roster_said,
)
from tests.book import order as order_of

ALLOWED = {
    ("draft", "scheduled"),
    ("scheduled", "live"),
    ("live", "paused"),
    ("live", "ended"),
    ("paused", "live"),
    ("paused", "ended"),
    ("ended", "final"),
}


@dataclass
class Phase:
    """An event of times 100 to 200."""

    status: str
    entered_at: int
    starts_at: int = 100
    ends_at: int = 200


@pytest.mark.parametrize(("status", "to"), list(product(STATUSES, STATUSES)))
def test_only_the_declared_moves_are_allowed(status, to):
    if (status, to) in ALLOWED:
        check_move(status, to)
        return
    with pytest.raises(Conflict) as refused:
        check_move(status, to)
    assert (refused.value.code, refused.value.status) == ("transition_not_allowed", 409)


@pytest.mark.parametrize("to", ["", "LIVE", "over", "frozen"])
def test_status_that_does_not_exist_is_refused(to):
    with pytest.raises(Invalid) as refused:
        check_move("live", to)

    assert (refused.value.code, refused.value.field) == ("unknown_status", "to")


@pytest.mark.parametrize(
    ("phase", "now", "move"),
    [
        (Phase("scheduled", 50), 99, None),
        (Phase("scheduled", 50), 100, ("live", 100)),
        (Phase("scheduled", 50), 999, ("live", 100)),
        (Phase("scheduled", 100), 100, None),
        (Phase("scheduled", 150), 160, None),
        (Phase("live", 100), 199, None),
        (Phase("live", 100), 200, ("ended", 200)),
        (Phase("paused", 150), 200, ("ended", 200)),
        (Phase("live", 250), 300, None),
        (Phase("draft", 0), 300, None),
        (Phase("ended", 0), 300, None),
        (Phase("final", 0), 300, None),
    ],
)
def test_time_moves_what_became_due_since_the_status_was_entered(phase, now, move):
    assert due_move(phase, now) == move


@pytest.mark.parametrize(
    ("phase", "due"),
    [
        (Phase("scheduled", 50), 100),
        (Phase("scheduled", 100), None),
        (Phase("live", 100), 200),
        (Phase("paused", 150), 200),
        (Phase("live", 200), None),
        (Phase("draft", 0), None),
        (Phase("ended", 150), None),
    ],
)
def test_next_due_is_the_time_of_the_next_move(phase, due):
    assert next_due(phase) == due
    if due is not None:
        assert due_move(phase, due - 1) is None
        assert due_move(phase, due) is not None


def moves(book: Book) -> list[tuple[str, str, int, int]]:
    """(key, actor, occurred_at, recorded_at) of the moves that time made."""
    return [
        (entry.key, entry.actor, entry.occurred_at, entry.recorded_at)
        for entry in book.entries
        if entry.kind == "event.moved" and entry.actor == "schedule"
    ]


def test_due_moves_are_written_before_the_facts_that_come_after_them():
    book = Book("draft", now=START - HOUR)
    book.say(move_said("scheduled"))

    book.now = START + HOUR
    book.sell(host="ann", paid_at=START)

    assert [entry.kind for entry in book.entries[-2:]] == ["event.moved", "order.paid"]
    assert moves(book) == [(f"move:live:{START}", "schedule", START, START + HOUR)]
    assert book.state.status == "live"


def test_event_that_slept_through_its_life_goes_live_and_ends_in_one_batch():
    """No process was up from before the start to after the end: both moves are due, and both are made."""
    book = Book("draft", now=START - HOUR)
    book.say(move_said("scheduled"))

    book.now = END + DAY
    book.sell(host="ann", paid_at=END - 1)

    assert [move[0] for move in moves(book)] == [f"move:live:{START}", f"move:ended:{END}"]
    assert book.state.status == "ended"


def test_paused_event_ends_when_it_is_due():
    book = Book("draft", now=START - HOUR)
    book.say(move_said("scheduled"))
    book.now = START + HOUR
    book.say(move_said("paused"))

    book.now = END
    book.sell(paid_at=END - 1)

    assert [entry.content["to"] for entry in book.entries if entry.kind == "event.moved"] == [
        "scheduled",
        "live",
        "paused",
        "ended",
    ]


def test_past_event_opened_to_replay_its_orders_stays_open_until_it_is_ended():
    book = Book("draft", now=END + 100 * DAY)
    for to in ("scheduled", "live"):
        book.say(move_said(to))

    book.sell(host="ann", paid_at=START)

    assert moves(book) == []
    assert book.state.status == "live"


def test_ending_early_sets_the_end_and_ending_late_leaves_it():
    early, late = Book(now=END - HOUR), Book(now=END + HOUR)

    early.say(move_said("ended"))
    late.say(move_said("ended"))

    assert early.entries[-1].content == {"to": "ended", "from": "live", "ends_at": END - HOUR}
    assert (early.state.ends_at, late.state.ends_at) == (END - HOUR, END)


@pytest.mark.parametrize("order", ["", "gone"])
def test_list_of_what_is_open_is_bounded_and_its_count_is_not(order):
    book = Book("ended")
    book.batch([refund_said(refund(f"r{n}", order and f"{order}{n}", amount="0.01")) for n in range(102)])

    with pytest.raises(Conflict, match="open_items") as refused:
        book.say(move_said("final"))

    assert (refused.value.extra["count"], len(refused.value.extra["items"])) == (102, 100)
    assert refused.value.extra["items"][99]["id"] == "r99"


def test_move_to_the_present_status_changes_nothing():
    book = Book()
    head = book.head

    accepted = book.say(move_said("live"))

    assert (accepted.entries, accepted.replayed, book.head) == ([], False, head)


def test_reason_of_a_move_is_kept():
    book = Book()

    book.say(move_said("paused", "stream is down"))

    assert book.entries[-1].content == {"to": "paused", "from": "live", "reason": "stream is down"}
    assert book.entries[-1].key == "move:3"


def test_moves_by_hand_and_by_time_never_share_a_key():
    book = Book("draft", now=START - HOUR)
    book.say(move_said("scheduled"))
    book.now = START + HOUR
    for to in ("paused", "live", "paused", "live"):
        book.say(move_said(to))

    keys = [entry.key for entry in book.entries]
    assert len(set(keys)) == len(keys)


def test_facts_of_a_batch_see_the_moves_before_them():
    book = Book("draft", now=START - HOUR)

    outcomes = book.batch(
        [order_said(order_of(paid_at=START)), move_said("scheduled"), order_said(order_of(paid_at=START))]
    )

    assert [getattr(outcome, "code", "accepted") for outcome in outcomes] == [
        "event_not_open",
        "accepted",
        "paid_at_in_future",
    ]


def test_terms_of_a_new_event_are_its_first_entry():
    book = Book("draft")

    first = book.entries[0]

    assert (first.kind, first.key, first.position) == ("event.created", "created", 1)
    assert first.content == event_said().content
    assert book.say(roster_said()).entries == []
