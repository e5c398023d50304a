"""The deciding state: a fold that moves on layers, refuses gaps and unknown kinds, and forgets nothing that waits."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvariantError
from app.journal.drafts import Fact
from app.journal.plan import Known, plan_batch
from app.main import RULES
from app.state import State
from app.state.parts import decoded, encodable
from tests import foreign, histories
from tests.book import (
    END,
    EVENT,
    HOUR,
    START,
    Book,
    adjustment_said,
    cancellation_said,
    correction_said,
    move_said,
    order_said,
    rates_said,
    refund_said,
    roster_said,
    session_said,
)
from tests.book import order as order_of
from tests.book import refund as refund_of

CREATED: dict[str, Any] = Book("draft").entries[0].content


def test_entry_that_does_not_follow_is_an_error_of_ours():
    state = State(EVENT)

    for position in (0, 2):
        with pytest.raises(InvariantError, match="does not follow 0"):
            state.apply(position, "event.created", "created", 1, CREATED)
    state.apply(1, "event.created", "created", 1, CREATED)
    with pytest.raises(InvariantError, match="does not follow 1"):
        state.apply(1, "event.created", "created", 1, CREATED)


def test_unknown_kind_is_an_error_and_not_passed_over():
    state = State(EVENT)

    with pytest.raises(InvariantError, match=r"unknown kind 'vote\.cast'"):
        state.apply(1, "vote.cast", "vote:1", 1, {})

    assert state == State(EVENT)


@pytest.mark.parametrize(
    "said",
    [
        roster_said([{"id": "ann", "team": "opal", "codes": ["NEW"]}, {"id": "eve"}], ("jade",)),
        session_said("duo", {"ann": 1, "cy": 2}),
        move_said("paused"),
        refund_said(refund_of(amount="1.00")),
        cancellation_said(),
        order_said(order_of()),
        order_said(order_of("waited-for")),
    ],
)
def test_state_that_a_layer_was_taken_of_stays_as_it_is(said):
    book = Book()
    book.say(refund_said(refund_of("r0", "waited-for", amount="1.00")))
    before = msgspec.msgpack.encode(book.state, enc_hook=encodable)
    kept = book.state

    book.say(said)

    assert msgspec.msgpack.encode(kept, enc_hook=encodable) == before
    assert book.state.position > kept.position


def test_what_waits_for_its_order_is_kept_in_the_order_in_which_it_came():
    book = Book()
    for said in (
        refund_said(refund_of("r1", amount="1.00")),
        cancellation_said(),
        refund_said(refund_of("r2", amount="2.00")),
    ):
        book.say(said)

    assert book.state.parked == {
        "order:default:1001": ("refund:default:r1", "cancellation:default:1001", "refund:default:r2")
    }
    assert (book.state.unmatched_count, book.state.unmatched_amount) == (2, 300)
    book.sell()
    assert (book.state.parked, book.state.unmatched_count, book.state.unmatched_amount) == ({}, 0, 0)


def test_session_is_known_with_its_weights_after_it_ended():
    book = Book()
    book.say(session_said("duo", {"cy": 2, "ann": 1}))

    assert book.state.shares_in("duo", END, "weights") == (("ann", 1), ("cy", 2))
    assert (book.state.has_session("duo"), book.state.has_session("trio")) == (True, False)


def test_team_is_asked_for_a_time_and_none_has_a_name_of_its_own():
    book = Book()
    book.say(roster_said([{"id": "ann", "team": "opal", "from": START + HOUR}]))

    assert [book.state.team_of("ann", START + step) for step in (-1, 0, HOUR)] == ["-", "ruby", "opal"]
    assert book.state.team_of("dee", START) == "-"


@given(st.lists(histories.said() | foreign.among(), min_size=10, max_size=30))
def test_state_of_any_history_survives_being_stored(said):
    book = histories.opened()
    for fact in said:
        book.batch([fact])

    packed = msgspec.msgpack.encode(book.state, enc_hook=encodable)

    again = msgspec.msgpack.decode(packed, type=State, dec_hook=decoded)
    assert again == book.state
    assert msgspec.msgpack.encode(again, enc_hook=encodable) == packed


COMMISSION = {"teams": {"ruby": 900, "opal": 800}, "products": {"sku-9": 1, "sku-1": 2}}
UNSORTED = (
    adjustment_said(500),
    correction_said(["1001"], {"bo": 2, "cy": 1}),
    Fact("rules.changed", "", {"rules": {"commission": COMMISSION}}, "key:ops"),
    rates_said("v1", USD="0.76", EUR="0.85"),
)


@pytest.mark.parametrize("said", UNSORTED, ids=lambda fact: fact.kind)
def test_state_is_stored_alike_by_the_process_that_decided_and_by_one_that_read(said: Fact):
    """Who decided holds members in the order in which they were said, who read in that of canonical bodies."""
    book = Book(rules={"approval_above": 0})
    book.sell(host="ann")
    plan = plan_batch(RULES, book.head, book.state.layer(), [said], book.now, Known(book.entries))

    book.say(said)

    decided, read = (msgspec.msgpack.encode(state, enc_hook=encodable) for state in (plan.layer, book.state))
    assert decided == read
