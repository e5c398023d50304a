"""Sessions, pins and offers as values: who was on air how long, and which pins hold at a time."""

from hypothesis import given
from hypothesis import strategies as st

from app.challenge.show import OPEN, Pin, Session, pinned, pins_at, unpinned

SECOND = 1_000_000
TIMES = st.integers(0, 30)


def test_seconds_on_air_are_counted_until_the_session_ends_and_whole():
    session = Session("s", (("ann", 1),), 10 * SECOND).changed((("ann", 1), ("bo", 1)), 20 * SECOND)
    ended = Session("s", session.hosts, session.started_at, 30 * SECOND, session.earlier)

    assert session.air_seconds(10 * SECOND + 999_999) == []
    assert session.air_seconds(20 * SECOND) == [("ann", 10)]
    assert session.air_seconds(21 * SECOND + 500_000) == [("ann", 11), ("bo", 1)]
    assert ended.air_seconds(99 * SECOND) == [("ann", 20), ("bo", 10)]


def test_hosts_of_a_time_are_those_of_the_last_change_before_it():
    session = Session("s", (("a", 1),), 10).changed((("b", 1),), 20).changed((("c", 1),), 30)

    assert [session.hosts_at(at)[0][0] for at in (0, 10, 19, 20, 29, 30, 99)] == list("aaabbcc")


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), TIMES, TIMES | st.just(OPEN)), max_size=12),
    st.dictionaries(st.sampled_from("xyz"), st.tuples(TIMES, st.just(0) | TIMES), min_size=3, max_size=3),
    TIMES,
)
def test_pins_of_a_time_are_what_a_look_at_each_of_them_finds(said, on_air, at):
    sessions = {name: Session(name, (("ann", 1),), *times) for name, times in on_air.items()}
    pins: tuple[Pin, ...] = ()
    for session, since, until in said:
        if any(pin.session == session and pin.until == OPEN for pin in pins):
            pins = unpinned(pins, session, since)
        pins = pinned(pins, session, since, 0 if until == OPEN else until)

    expected: dict[str, int] = {}
    for pin in pins:
        session = sessions[pin.session]
        is_on_air = session.started_at <= at and (not session.ended_at or at < session.ended_at)
        if is_on_air and pin.pinned_at <= at < pin.until:
            expected[pin.session] = max(pin.pinned_at, expected.get(pin.session, 0))
    latest_first = sorted(expected.items(), key=lambda item: (item[1], item[0]), reverse=True)

    assert [(pin.session, pin.pinned_at) for pin in pins_at(pins, sessions, at, 99)] == latest_first
    for most in (1, 2):
        found = [(pin.session, pin.pinned_at) for pin in pins_at(pins, sessions, at, most)]
        tied = [item for item in latest_first if item[1] == latest_first[0][1]]
        assert found == latest_first[: max(most, len(tied))]
