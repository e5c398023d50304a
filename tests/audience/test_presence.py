"""Distinct viewers of each minute, the same number in every process, whatever is lost between them."""

import random
from collections import defaultdict
from functools import partial
from typing import Any

import msgspec
import pytest

from app.audience.presence import KEEP_US, MESSAGE_VIEWERS_MAX, SOURCES_MAX, Presence
from app.challenge.audience import MINUTE_US, minute_of

EVENT = "kos101"
SECOND = 1_000_000
START = 29_000_000 * MINUTE_US
SETTLE_US = 3 * SECOND


class Wire:
    """Processes joined by a bus that loses what a test says; nobody hears what it told itself."""

    def __init__(self, processes: int = 2, viewers_max: int = 100_000) -> None:
        self.now = START
        self.is_lost: Any = lambda: False
        self.messages: list[bytes] = []
        self._viewers_max = viewers_max
        self.processes = [self._process(number) for number in range(processes)]

    def _process(self, number: int) -> Presence:
        return Presence(partial(self._tell, number), self._viewers_max, lambda: self.now, SETTLE_US)

    def restart(self, number: int) -> None:
        """It is killed, another one takes its place, and the bus says that it may have missed something."""
        self.processes[number] = self._process(number)
        self.processes[number].missed(EVENT)

    def _tell(self, teller: int, event: str, payload: bytes) -> None:
        self.messages.append(payload)
        for number, process in enumerate(self.processes):
            if number != teller and not self.is_lost():
                process.receive(event, payload)

    def hear(self, process: int, number: int, session: str = "", event: str = EVENT) -> bool:
        return self.processes[process].heard(event, session, viewer(number), minute_of(self.now))

    def turn(self, seconds: float = 1.0) -> None:
        self.now += int(seconds * SECOND)
        for process in self.processes:
            process.sweep()

    def counts(self) -> list[tuple[int, int, dict[str, int]]]:
        found = [process.counts(EVENT) for process in self.processes]
        return [(counts.viewers, counts.highest, dict(counts.sessions)) for counts in found]

    def over(self, process: int = 0, wait_us: int = 0) -> list[tuple[int, dict[str, int]]]:
        """Minutes since the start that can be written down, with the viewers of what was watched in each."""
        return [
            ((start - START) // MINUTE_US, {session: minute.viewers(session) for session in minute.watched()})
            for _, start, minute in self.processes[process].over(wait_us)
        ]


def viewer(number: int) -> bytes:
    return number.to_bytes(8)


def test_viewer_counts_in_the_minute_of_its_signs_and_is_shown_until_the_next_has_ended():
    wire = Wire(1)
    wire.hear(0, 1)
    wire.turn(119.9)
    in_the_next = wire.counts()
    wire.turn(0.1)

    assert in_the_next == [(1, 1, {})]
    assert wire.counts() == [(0, 1, {})]
    assert wire.over() == [(0, {"": 1})]


def test_many_signs_of_few_viewers_are_few_viewers():
    wire = Wire(2)
    for number in range(10_000):
        wire.hear(number % 2, number % 3, "s1")
    wire.turn(60)

    assert wire.over(0) == wire.over(1) == [(0, {"": 3, "s1": 3})]


def test_shown_is_the_higher_of_this_minute_and_the_one_before():
    wire = Wire(1)
    for number in range(3):
        wire.hear(0, number)
    wire.turn(60)
    wire.hear(0, 1)
    at_its_beginning = wire.counts()
    for number in range(5):
        wire.hear(0, number)
    later = wire.counts()
    wire.turn(60)
    wire.hear(0, 1)

    assert [found[0][:2] for found in (at_its_beginning, later, wire.counts())] == [(3, 3), (5, 5), (5, 5)]


def test_viewer_of_a_session_is_one_of_its_event_and_may_move_to_another():
    wire = Wire(1)
    wire.hear(0, 1, "s2")
    wire.hear(0, 1, "s1")
    wire.hear(0, 2, "s1")
    wire.hear(0, 3)
    wire.hear(0, 4, "s1", "other")

    assert wire.counts() == [(3, 3, {"s1": 2, "s2": 1})]


def test_one_viewer_on_two_processes_counts_once_and_everybody_knows_all():
    wire = Wire()
    wire.hear(0, 1, "s1")
    wire.hear(1, 1, "s1")
    wire.hear(1, 2)
    wire.turn()

    assert wire.counts() == [(2, 2, {"s1": 1})] * 2


def test_of_what_a_source_counts_the_highest_holds_and_sources_and_sessions_add_up():
    wire = Wire()
    minute = minute_of(wire.now)
    for process, session, source, viewers in (
        *((0, "s1", "tiktok", 50), (0, "s1", "tiktok", 70), (1, "s1", "tiktok", 60)),
        *((1, "s1", "taobao", 5), (0, "s2", "", 2), (1, "", "site", 1)),
    ):
        assert wire.processes[process].counted(EVENT, session, source, viewers, minute)
    wire.hear(0, 1, "s1")
    wire.turn(60)

    assert wire.over(0) == wire.over(1) == [(0, {"": 79, "s1": 76, "s2": 2})]


def test_more_sources_of_a_session_than_can_be_are_refused():
    wire = Wire(1)
    minute = minute_of(wire.now)

    taken = [wire.processes[0].counted(EVENT, "s1", f"p{number}", 1, minute) for number in range(SOURCES_MAX + 2)]

    assert taken == [True] * SOURCES_MAX + [False] * 2
    assert wire.counts() == [(SOURCES_MAX, SOURCES_MAX, {"s1": SOURCES_MAX})]


def test_viewers_of_a_process_that_is_gone_are_counted_in_their_minute():
    wire = Wire()
    wire.hear(0, 1, "s1")
    wire.hear(1, 2)
    wire.turn()
    del wire.processes[0]
    wire.turn(59)
    wire.hear(0, 2)
    wire.turn(60)

    assert wire.over(0) == [(0, {"": 2, "s1": 1}), (1, {"": 1})]


def test_process_that_starts_is_told_all_and_only_then_writes_anything_down():
    wire = Wire()
    for number in (1, 2):
        wire.hear(number - 1, number, "s1")
    wire.turn(60)
    wire.restart(1)
    at_once = wire.over(1)
    wire.turn()
    told_but_perhaps_not_all = wire.over(1)
    wire.turn(2)

    assert (at_once, told_but_perhaps_not_all) == ([], [])
    assert wire.over(1) == wire.over(0) == [(0, {"": 2, "s1": 2})]


def test_what_was_lost_between_them_is_told_again_when_they_meet_again():
    wire = Wire()
    wire.is_lost = lambda: True
    for number in range(6):
        wire.hear(number % 2, number)
    wire.processes[1].counted(EVENT, "", "site", 100, minute_of(wire.now))
    wire.turn(60)
    apart = [wire.over(0), wire.over(1)]
    wire.is_lost = lambda: False
    for process in wire.processes:
        process.missed(EVENT)
    wire.turn(3)

    assert apart == [[(0, {"": 3})], [(0, {"": 103})]]
    assert wire.over(0) == wire.over(1) == [(0, {"": 106})]


def test_processes_agree_with_an_exact_count_though_much_is_lost():
    dice = random.Random(4)
    wire = Wire(3)
    wire.is_lost = lambda: dice.random() < 0.3
    watched: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    for second in range(480):
        for _ in range(5):
            who, session = dice.randrange(200), dice.choice(["", "s1", "s2"])
            wire.hear(dice.randrange(3), who, session)
            for scope in {"", session}:
                watched[second // 60, scope].add(who)
        wire.turn(1)
    wire.is_lost = lambda: False
    for process in wire.processes:
        process.missed(EVENT)
    wire.turn(3)

    exact = [(minute, {scope: len(watched[minute, scope]) for scope in ("", "s1", "s2")}) for minute in range(8)]
    assert [wire.over(process) for process in range(3)] == [exact] * 3


def test_minute_that_is_closed_takes_nothing_more_and_is_shown_on():
    wire = Wire()
    for number in range(3):
        wire.hear(0, number)
    wire.turn(61)
    for process in wire.processes:
        process.close(EVENT, START)
    wire.processes[0].heard(EVENT, "", viewer(9), START)
    wire.turn(1)

    assert wire.over(0) == wire.over(1) == []
    assert wire.counts()[1] == (3, 3, {})
    wire.turn(60)
    assert [process._audiences[EVENT].minutes for process in wire.processes] == [{}, {}]


def test_minute_of_a_far_clock_is_not_taken():
    wire = Wire()
    for minute in (START - KEEP_US - MINUTE_US, START + 10 * MINUTE_US, START + 1):
        wire.processes[0]._tell(EVENT, msgspec.msgpack.encode((minute, "", viewer(1), {})))

    assert wire.processes[1]._audiences[EVENT].minutes == {}


def test_nothing_is_told_if_nobody_was_heard():
    wire = Wire()
    wire.hear(0, 1)
    for _ in range(5):
        wire.turn()

    assert len(wire.messages) == 1


def test_messages_are_bounded_whatever_was_heard():
    wire = Wire()
    for number in range(MESSAGE_VIEWERS_MAX * 2 + 1):
        wire.hear(0, number)
    wire.turn()

    assert len(wire.messages) == 3
    assert max(map(len, wire.messages)) < MESSAGE_VIEWERS_MAX * 8 + 100
    assert [viewers for viewers, _, _ in wire.counts()] == [MESSAGE_VIEWERS_MAX * 2 + 1] * 2


def test_no_more_viewers_are_held_than_allowed_in_any_process():
    wire = Wire(viewers_max=10)
    for number in range(30):
        wire.hear(number % 2, number, f"s{number}")
        wire.turn(0)
    for viewers, _, sessions in wire.counts():
        assert viewers == 10
        assert sum(sessions.values()) <= 10

    # One who goes through all sessions takes the places there are in them, not more.
    for number in range(30):
        wire.hear(0, 0, f"t{number}")
    assert sum(wire.counts()[0][2].values()) == 10
    # Those it knows still count.
    assert wire.hear(0, 0)
    assert not wire.hear(0, 99)


def test_event_that_nobody_watches_is_forgotten():
    wire = Wire(1)
    wire.hear(0, 1)
    wire.turn(60)
    wire.processes[0].close(EVENT, START)
    wire.turn(60)
    for_late_messages = EVENT in wire.processes[0]._audiences
    wire.turn(KEEP_US / SECOND)

    assert for_late_messages
    assert wire.processes[0]._audiences == {}


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x90", b"not a message", b"\x92\x01\x81\xa0\xc4\x03abc"])
def test_message_that_is_none_changes_nothing(payload: bytes):
    wire = Wire(1)
    wire.processes[0].receive(EVENT, payload)

    assert wire.counts()[0][0] == 0
