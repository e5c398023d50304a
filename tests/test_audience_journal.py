"""Minutes of an audience in the journal: once each, only when over, folded to peak, viewer minutes and a sketch."""

import pytest

from app.challenge import uniques
from app.challenge.audience import MINUTE_US, minute_of
from app.errors import AppError
from app.state.parts import Audience
from tests.book import HOUR, START, Book, move_said, sampled_said, session_end_said, session_said


def viewers(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(8) for number in numbers)


def told(*numbers: int) -> str:
    return uniques.written(viewers(*numbers))


def minute(book: Book, ago: int = 1) -> int:
    return minute_of(book.now) - ago * MINUTE_US


@pytest.fixture
def watched() -> Book:
    book = Book()
    book.say(session_said("duo", {"ann": 1, "cy": 1}, START))
    return book


def refused(book: Book, **said: object) -> str:
    before = book.head
    with pytest.raises(AppError) as error:
        book.say(sampled_said(**said))  # type: ignore[arg-type]
    assert book.head == before
    return error.value.code


def test_minutes_add_up_and_the_highest_is_the_peak(watched: Book):
    first, second, third = (minute(watched, ago) for ago in (3, 2, 1))
    watched.say(sampled_said(first, 3, "duo", sketch=told(1, 2, 3)))
    watched.say(sampled_said(first, 4, sketch=told(1, 2, 3, 4)))
    watched.say(sampled_said(third, 2, "duo", sketch=told(5)))
    # A minute that another process was late with.
    watched.say(sampled_said(second, 10, "duo", counted=9, sketch=told()))

    assert watched.state.audiences == {
        "duo": Audience(10, 15, third, viewers(1, 2, 3, 5)),
        "": Audience(4, 4, first, viewers(1, 2, 3, 4)),
    }


def test_minute_is_written_once_whoever_counts_it_again(watched: Book):
    at = minute(watched)
    said = sampled_said(at, 3, "duo")
    entry = watched.say(said).entries[0]

    assert (entry.key, entry.occurred_at) == (f"viewers:duo:{at}", at)
    assert watched.say(said).replayed
    assert refused(watched, minute=at, viewers=4, session="duo") == "sample_conflict"


def test_only_a_minute_that_is_over_is_taken(watched: Book):
    under_way = minute(watched, 0)
    watched.now = under_way + MINUTE_US - 1

    assert refused(watched, minute=under_way, viewers=1) == "minute_not_over"
    watched.now += 1
    assert watched.say(sampled_said(under_way, 1)).entries


def test_session_has_minutes_until_it_has_ended(watched: Book):
    at = minute(watched)
    watched.say(session_end_said("duo", at + 1))

    assert watched.say(sampled_said(at, 1, "duo")).entries
    watched.now += MINUTE_US
    assert refused(watched, minute=at + MINUTE_US, viewers=1, session="duo") == "session_ended"
    assert refused(watched, minute=at, viewers=1, session="none") == "unknown_session"


def test_final_event_takes_no_more(watched: Book):
    for status in ("ended", "final"):
        watched.say(move_said(status))

    assert refused(watched, minute=minute(watched), viewers=1) == "event_final"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"viewers": 1, "sketch": told(1, 2)}, "sample_not_readable"),
        ({"viewers": 3, "counted": 2, "sketch": told(1, 2)}, "sample_not_readable"),
        ({"viewers": 3, "sketch": "no sketch"}, "sample_not_readable"),
    ],
)
def test_sketch_is_one_and_not_of_more_than_were_there(watched: Book, more, code):
    assert refused(watched, minute=minute(watched), **more) == code


def test_audience_moves_no_board_and_the_public_view_follows_it(watched: Book):
    watched.now += HOUR
    watched.sell(id="1", host="ann")
    before = watched.board("hosts")["rows"]
    watched.say(sampled_said(minute(watched), 7))

    assert watched.board("hosts")["rows"] == before
    assert watched.scores.totals.changed_at == watched.head.position
