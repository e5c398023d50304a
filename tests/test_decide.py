"""Deciding: the same fact again is a repeat, another under its key a conflict; batches, ops calls and due moves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import decide
from app.errors import AppError
from app.journal.drafts import Fact
from app.journal.plan import Accepted
from app.sales.facts import RefundLine
from tests import foreign, histories
from tests.book import (
    HOUR,
    START,
    Book,
    cancellation_said,
    line,
    move_said,
    order_said,
    refund_said,
    roster_said,
    session_said,
)
from tests.book import order as order_of
from tests.book import refund as refund_of


def ended_said(session: str, ended_at: int = 0) -> Fact:
    content: dict[str, Any] = {"id": session} | ({"ended_at": ended_at} if ended_at else {})
    return Fact("session.ended", f"session:{session}:ended", content, "key:ops")


def refusal(book: Book, said: Fact) -> AppError:
    with pytest.raises(AppError) as refused:
        book.say(said)
    return refused.value


FACTS = {
    "order": (order_said(order_of()), order_said(order_of(price="10.01"))),
    "refund": (refund_said(refund_of(amount="1.00")), refund_said(refund_of(amount="1.01"))),
    "cancellation": (cancellation_said(id="c1"), cancellation_said(id="c1", at=START)),
    "request": (session_said("duo", {"ann": 1}), session_said("duo", {"ann": 2})),
}


@pytest.mark.parametrize("noun", FACTS)
def test_same_fact_again_gives_the_first_answer_and_another_under_its_key_a_conflict(noun):
    book = Book()
    same, other = FACTS[noun]
    first = book.say(same)
    head = book.head

    again = book.say(same)
    conflict = refusal(book, other)

    assert (again.replayed, again.entries) == (True, first.entries[:1])
    assert (conflict.code, conflict.status) == (f"{noun}_conflict", 409)
    assert conflict.extra == {"position": first.entries[0].position}
    assert book.head == head


@pytest.mark.parametrize("noun", FACTS)
def test_fact_of_another_sender_with_the_same_content_is_a_repeat(noun):
    book = Book()
    said = FACTS[noun][0]
    book.say(said)

    assert book.say(Fact(said.kind, said.key, said.content, "key:other", said.order)).replayed


def test_repeat_is_told_before_anything_is_decided_anew():
    """What was accepted stays accepted, though the same fact would be refused by now."""
    book = Book()
    ahead = order_said(order_of(paid_at=book.now + HOUR // 20))
    first = book.say(ahead)
    book.say(move_said("ended"))

    assert book.say(ahead) == Accepted(first.entries, True)
    assert refusal(book, order_said(order_of("other", paid_at=book.now + HOUR // 20))).code == "paid_at_outside_event"


def test_refused_fact_takes_no_key_and_is_decided_afresh():
    book = Book()
    of_eve = order_said(order_of(host="eve"))

    assert refusal(book, of_eve).code == "unknown_host"
    book.say(roster_said([{"id": "eve"}]))

    assert book.say(of_eve).replayed is False


def test_order_of_one_source_is_not_that_of_another():
    book = Book()

    for source in ("a", "b"):
        book.sell(source=source)

    assert book.board()["total"] == "20.00"


def test_bad_fact_of_a_batch_fails_alone():
    book = Book()

    outcomes = book.batch(
        [
            order_said(order_of("o1", host="ann")),
            order_said(order_of("o2", host="nobody")),
            order_said(order_of("o1", host="ann")),
            refund_said(refund_of("r1", "o1", lines=[RefundLine("9", 1)])),
            refund_said(refund_of("r1", "o1", amount="1.00")),
        ]
    )

    assert [o.code if isinstance(o, AppError) else o.replayed for o in outcomes] == [
        False,
        "unknown_host",
        True,
        "unknown_line",
        False,
    ]
    assert [entry.kind for entry in book.entries[-2:]] == ["order.paid", "order.refunded"]


@given(st.lists(histories.said() | foreign.among(), max_size=25), st.integers(1, 5))
def test_facts_decided_together_are_those_decided_one_by_one(said, size):
    one_by_one, together = histories.opened(), histories.opened()

    outcomes = [one_by_one.batch([fact])[0] for fact in said]
    batched = []
    for start in range(0, len(said), size):
        batched += together.batch(said[start : start + size])

    assert [getattr(o, "code", "accepted") for o in outcomes] == [getattr(o, "code", "accepted") for o in batched]
    assert [entry.body for entry in one_by_one.entries] == [entry.body for entry in together.entries]
    assert one_by_one.digest() == together.digest()


@given(st.lists(histories.said(), min_size=5, max_size=25))
def test_keys_are_unique_times_increase_and_a_refusal_leaves_no_trace(said):
    book = histories.opened()
    for fact in said:
        before = (book.head, book.state, len(book.postings))
        if isinstance(book.batch([fact])[0], AppError):
            assert (book.head, book.state, len(book.postings)) == before

    entries = book.entries
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert len({entry.key for entry in entries}) == len(entries)
    times = [entry.recorded_at for entry in entries]
    assert times == sorted(set(times))


def test_entry_of_a_fact_carries_its_sender_and_its_own_time():
    book = Book()

    book.sell(paid_at=START + HOUR)

    entry = book.entries[-1]
    assert (entry.kind, entry.key, entry.actor) == ("order.paid", "order:default:1001", "key:shop")
    assert (entry.occurred_at, entry.recorded_at >= book.now) == (START + HOUR, True)


def test_ops_call_with_a_key_is_a_repeat_only_if_it_says_the_same():
    book = Book()
    said = roster_said([{"id": "eve"}], key="op:1")
    book.say(said)

    assert book.say(said).replayed
    conflict = refusal(book, roster_said([{"id": "fay"}], key="op:1"))
    assert (conflict.code, conflict.status) == ("request_conflict", 409)


def test_ops_call_that_changes_nothing_takes_no_key():
    book = Book()

    assert book.say(roster_said(key="op:1")).entries == []
    assert book.say(roster_said([{"id": "eve"}], key="op:1")).entries[0].key == "op:1"


def test_large_roster_call_with_a_key_says_what_was_asked_in_its_first_entry():
    book = Book()
    said = roster_said([{"id": f"h{number}"} for number in range(1_500)], key="op:1")

    entries = book.say(said).entries

    assert [entry.key for entry in entries] == ["op:1", "roster:3"]
    assert ["request" in entry.content for entry in entries] == [True, False]
    assert book.say(said) == Accepted(entries[:1], True)


def test_session_holds_until_it_is_ended():
    book = Book()
    book.say(session_said("duo", {"ann": 1, "cy": 1}, START))

    book.say(ended_said("duo", START + HOUR))

    assert book.state.sessions["duo"].ended_at == START + HOUR
    assert book.say(ended_said("duo", START + HOUR)).replayed


@pytest.mark.parametrize(
    ("said", "code", "status"),
    [
        (session_said("trio", {"ann": 1, "nobody": 1}), "unknown_host", 422),
        (ended_said("none"), "session_not_started", 409),
        (ended_said("solo", START), "session_ends_before_start", 422),
        (ended_said("solo", START - 1), "session_ends_before_start", 422),
        (cancellation_said("gone", id="second"), "order_already_cancelled", 409),
        (move_said("final"), "transition_not_allowed", 409),
        (move_said("over"), "unknown_status", 422),
    ],
)
def test_call_that_the_state_does_not_allow_is_refused(said, code, status):
    book = Book()
    book.say(session_said("solo", {"ann": 1}, START))
    book.sell(id="gone")
    book.say(cancellation_said("gone"))

    error = refusal(book, said)

    assert (error.code, error.status) == (code, status)


def test_session_without_a_time_starts_now_and_its_repeat_is_one():
    book = Book()
    said = Fact(
        "session.started", "session:duo:started", {"id": "duo", "hosts": [{"id": "ann", "weight": 1}]}, "key:ops"
    )
    book.say(said)
    started_at = book.state.sessions["duo"].started_at

    book.now += HOUR

    assert book.say(said).replayed
    assert started_at == book.now - HOUR


def test_orders_needed_are_those_of_a_refund_and_of_what_waits_for_an_order():
    book = Book()
    refund = refund_said(refund_of(amount="1.00"))
    order = order_said(order_of())

    assert list(decide.orders_needed(book.state, refund)) == ["order:default:1001"]
    assert not decide.orders_needed(book.state, order)
    book.say(refund)
    assert list(decide.orders_needed(book.state, order)) == ["order:default:1001"]
    assert not decide.orders_needed(book.state, roster_said())


def test_refund_that_names_another_shops_order_does_not_find_it():
    book = Book()
    book.sell(source="a", lines=[line("1")])

    body = book.give_back(source="b", amount="1.00")

    assert body["parked"] is True
