"""Goals: how far each has come, when it was reached, what may be wanted; announcements and how long they hold."""

import pytest

from app.challenge.goals import Announcement
from app.errors import AppError
from tests.book import (
    HOUR,
    START,
    Book,
    announced_said,
    goal_end_said,
    goal_said,
    move_said,
    session_said,
    withdrawn_said,
)


def value(book: Book, id: str = "g1") -> int:
    return book.scores.value_of(book.state.goals[id])


def reached_at(book: Book, id: str = "g1") -> int:
    aim = book.scores.totals.aims.get(id)
    return aim.reached_at if aim else 0


def test_goal_counts_what_its_target_sold():
    book = Book()
    book.say(session_said("duo", {"ann": 1, "cy": 1}))
    book.sell(id="1", host="ann", price="10.00", quantity=2)
    book.sell(id="2", host="cy", price="5.00", session="duo")
    book.sell(id="3", price="1.00")
    book.give_back(id="r", order="1", amount="4.00")
    goals = {
        "all": ({}, 2200),
        "gross": ({"measure": "gross_sales"}, 2600),
        "ruby": ({"of": "team", "target_id": "ruby"}, 1600),
        "ann": ({"of": "host", "target_id": "ann", "measure": "units"}, 2),
        "duo": ({"of": "session", "target_id": "duo", "measure": "orders"}, 1),
        "dee": ({"of": "host", "target_id": "dee", "measure": "orders"}, 0),
    }

    for id, (terms, _) in goals.items():
        book.say(goal_said(id, 90_000, **terms))

    assert {id: value(book, id) for id in goals} == {id: expected for id, (_, expected) in goals.items()}


def test_goal_is_reached_by_the_entry_that_reaches_it_and_stays_so():
    book = Book()
    book.say(goal_said(target=1500))
    book.sell(id="1", host="ann", price="14.99")
    before = reached_at(book)
    book.sell(id="2", host="bo", price="0.01")
    at = book.state.recorded_at
    book.sell(id="3", host="bo", price="5.00")
    book.give_back(id="r", order="1", amount="14.99")

    assert (before, reached_at(book), value(book)) == (0, at, 501)


def test_goal_that_is_reached_when_it_is_set_is_reached_then():
    book = Book()
    book.sell(id="1", host="ann", price="14.99")

    book.say(goal_said(target=1499))

    assert reached_at(book) == book.state.recorded_at


def test_other_target_has_to_be_reached_anew_and_another_title_has_not():
    book = Book()
    book.say(goal_said(target=1000))
    book.sell(id="1", host="ann", price="10.00")
    at = book.state.recorded_at
    book.say(goal_said(target=1000, title="Ten pounds"))
    renamed = reached_at(book)
    book.say(goal_said(target=2000, title="Twenty"))
    raised = reached_at(book)
    book.sell(id="2", host="ann", price="10.00")

    assert (renamed, raised, reached_at(book)) == (at, 0, book.state.recorded_at)
    assert book.state.goals["g1"].title == "Twenty"
    assert [entry.key for entry in book.entries if entry.kind == "goal.set"] == ["goal:g1:1", "goal:g1:2", "goal:g1:3"]


def test_goal_that_is_so_already_and_one_that_has_ended_write_nothing():
    book = Book()
    book.say(goal_said())
    again = book.say(goal_said())
    book.say(goal_end_said())
    ended = book.say(goal_end_said())

    assert (again.entries, ended.entries) == ([], [])


def test_ended_goal_is_not_reached_any_more():
    book = Book()
    book.say(goal_said(target=1000))
    book.say(goal_end_said())

    book.sell(id="1", host="ann", price="10.00")

    assert reached_at(book) == 0


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (goal_said("new", of="team", target_id="jade"), "unknown_team"),
        (goal_said("new", of="host", target_id="zoe"), "unknown_host"),
        (goal_said("new", of="session", target_id="solo"), "unknown_session"),
        (goal_said("new", of="session", target_id="duo"), "session_without_net_sales"),
        (goal_said("new", target_id="ruby"), "goal_has_no_target_id"),
        (goal_said("held", measure="orders"), "goal_conflict"),
        (goal_said("over", 1), "goal_ended"),
        (goal_end_said("never"), "goal_not_set"),
        (withdrawn_said("never"), "announcement_not_made"),
        (announced_said("late", until=START), "until_passed"),
        (announced_said("a1", "Other words"), "announcement_conflict"),
    ],
)
def test_what_cannot_be_wanted_or_announced_is_refused(said, code):
    book = Book()
    book.say(session_said("duo", {"ann": 1}))
    book.batch([goal_said("held"), goal_said("over"), goal_end_said("over"), announced_said()])
    head = book.head

    with pytest.raises(AppError) as refused:
        book.say(said)

    assert (refused.value.code, book.head) == (code, head)


def test_twenty_goals_are_open_at_once():
    book = Book()
    book.batch(goal_said(f"g{number}") for number in range(20))

    with pytest.raises(AppError) as refused:
        book.say(goal_said("more"))
    book.say(goal_end_said("g0"))
    book.say(goal_said("more"))

    assert refused.value.code == "too_many_goals"
    assert sum(not goal.is_ended for goal in book.state.goals.values()) == 20


def test_final_event_takes_no_goal_but_ends_one_and_says_thank_you():
    book = Book()
    book.say(goal_said())
    book.batch([move_said("ended"), move_said("final")])

    with pytest.raises(AppError) as refused:
        book.say(goal_said("late"))
    book.say(goal_end_said())
    book.say(announced_said("thanks"))

    assert refused.value.code == "event_final"
    assert book.state.goals["g1"].is_ended
    assert "thanks" in book.state.announcements


def test_announcement_is_shown_until_its_time_or_until_it_is_withdrawn():
    told = Announcement("a1", "Hello", START, START + HOUR)

    assert [told.is_shown_at(at) for at in (START, START + HOUR - 1, START + HOUR)] == [True, True, False]
    assert Announcement("a1", "Hello", START).is_shown_at(1 << 62)
    assert not Announcement("a1", "Hello", START, is_withdrawn=True).is_shown_at(START)
