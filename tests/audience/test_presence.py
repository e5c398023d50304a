"""Distinct viewers of the last minute, the same number in every process, whatever is lost between them."""

import random
from functools import partial
from typing import Any

import pytest

from app.audience import presence as presence_module
from app.audience.presence import MESSAGE_VIEWERS_MAX, Presence

EVENT = "kos101"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Wire:
    """Processes joined by a bus that loses what a test says; nobody hears what it told itself."""

    def __init__(self, processes: int = 2, viewers_max: int = 100_000) -> None:
        self.clock = Clock()
        self.is_lost: Any = lambda: False
        self.messages: list[bytes] = []
        self._viewers_max = viewers_max
        self.processes = [self._process(number) for number in range(processes)]

    def _process(self, number: int) -> Presence:
        return Presence(partial(self._tell, number), self._viewers_max, self.clock)

    def restart(self, number: int) -> None:
        """It is killed, and another one takes its place."""
        self.processes[number] = self._process(number)

    def _tell(self, teller: int, event: str, payload: bytes) -> None:
        self.messages.append(payload)
        for number, process in enumerate(self.processes):
            if number != teller and not self.is_lost():
                process.receive(event, payload)

    def turn(self, seconds: float = 1.0) -> None:
        self.clock.now += seconds
        for process in self.processes:
            process.sweep()

    def counts(self) -> list[tuple[int, int, dict[str, int]]]:
        found = [process.counts(EVENT) for process in self.processes]
        return [(counts.viewers, counts.peak, dict(counts.sessions)) for counts in found]


def viewer(number: int) -> bytes:
    return number.to_bytes(8)


def test_viewer_counts_for_a_minute_after_its_last_heartbeat():
    wire = Wire(1)
    (process,) = wire.processes
    process.heard(EVENT, "", viewer(1))
    wire.turn(60)
    at_the_end = wire.counts()
    wire.turn(0.001)
    after = wire.counts()
    process.heard(EVENT, "", viewer(1))
    wire.turn(40)
    process.heard(EVENT, "", viewer(1))
    wire.turn(40)

    assert at_the_end == [(1, 1, {})]
    assert after == [(0, 1, {})]
    assert wire.counts() == [(1, 1, {})]


def test_viewer_that_stays_keeps_no_other_in_the_count():
    wire = Wire(1)
    (process,) = wire.processes
    for number in (1, 2):
        process.heard(EVENT, "", viewer(number))
    wire.turn(40)
    process.heard(EVENT, "", viewer(1))
    wire.turn(30)

    assert wire.counts() == [(1, 2, {})]


def test_peak_is_told_with_the_viewers():
    wire = Wire()
    wire.is_lost = lambda: True
    for number in range(3):
        wire.processes[0].heard(EVENT, "", viewer(number))
    wire.turn()
    wire.is_lost = lambda: False
    wire.turn(61)
    wire.processes[0].heard(EVENT, "", viewer(0))
    wire.turn()

    assert wire.counts() == [(1, 3, {})] * 2


def test_viewer_of_a_session_is_one_of_its_event_and_may_move_to_another():
    wire = Wire(1)
    (process,) = wire.processes
    process.heard(EVENT, "s2", viewer(1))
    process.heard(EVENT, "s1", viewer(1))
    process.heard(EVENT, "s1", viewer(2))
    process.heard(EVENT, "", viewer(3))
    process.heard("other", "s1", viewer(4))

    assert wire.counts() == [(3, 3, {"s1": 2, "s2": 1})]
    wire.turn(61)
    assert wire.counts() == [(0, 3, {})]


def test_one_viewer_on_two_processes_counts_once_and_everybody_knows_all():
    wire = Wire()
    first, second = wire.processes
    first.heard(EVENT, "s1", viewer(1))
    second.heard(EVENT, "s1", viewer(1))
    second.heard(EVENT, "", viewer(2))
    wire.turn()

    assert wire.counts() == [(2, 2, {"s1": 1})] * 2


def test_viewer_that_moves_to_another_process_stays_one():
    wire = Wire()
    for step in range(6):
        wire.processes[step % 2].heard(EVENT, "", viewer(1))
        wire.turn(25)
        assert [viewers for viewers, _, _ in wire.counts()] == [1, 1]


def test_viewers_of_a_process_that_is_gone_leave_after_a_minute():
    wire = Wire()
    wire.processes[0].heard(EVENT, "s1", viewer(1))
    wire.processes[1].heard(EVENT, "", viewer(2))
    wire.turn()
    del wire.processes[0]
    wire.processes[0].heard(EVENT, "", viewer(2))
    wire.turn(60)
    at_the_end = wire.counts()
    wire.turn(0.001)

    assert at_the_end == [(2, 2, {"s1": 1})]
    assert wire.counts() == [(1, 2, {})]


def test_process_that_starts_knows_all_after_one_heartbeat_of_each():
    wire = Wire()
    for number in (1, 2):
        wire.processes[number - 1].heard(EVENT, "s1", viewer(number))
    wire.turn()
    wire.restart(1)
    at_once = wire.counts()
    # One that stayed where it was, and one that came back.
    wire.processes[0].heard(EVENT, "s1", viewer(1))
    wire.processes[1].heard(EVENT, "s1", viewer(2))
    wire.turn()

    assert at_once == [(2, 2, {"s1": 2}), (0, 0, {})]
    assert wire.counts() == [(2, 2, {"s1": 2})] * 2


def test_what_is_lost_is_told_by_the_next_heartbeat():
    wire = Wire()
    first, _ = wire.processes
    wire.is_lost = lambda: True
    first.heard(EVENT, "s1", viewer(1))
    wire.turn()
    alone = wire.counts()
    wire.is_lost = lambda: False
    wire.turn(25)
    first.heard(EVENT, "s1", viewer(1))
    wire.turn()

    assert alone == [(1, 1, {"s1": 1}), (0, 0, {})]
    assert wire.counts() == [(1, 1, {"s1": 1})] * 2


def test_counts_are_those_of_a_recount_though_messages_are_lost():
    """Many viewers over three processes with a bus that loses a third: once quiet for a heartbeat, all agree."""
    dice = random.Random(7)
    wire = Wire(3)
    wire.is_lost = lambda: dice.random() < 1 / 3
    last: dict[tuple[str, bytes], float] = {}
    for _ in range(200):
        who, session = viewer(dice.randrange(50)), dice.choice(["", "s1", "s2"])
        dice.choice(wire.processes).heard(EVENT, session, who)
        for scope in {"", session}:
            last[scope, who] = wire.clock.now
        wire.turn(1)
    wire.is_lost = lambda: False
    for number in range(50):
        dice.choice(wire.processes).heard(EVENT, "s1", viewer(number))
        last["", viewer(number)] = last["s1", viewer(number)] = wire.clock.now
    wire.turn(0)

    # Of s2 some heard more than others; of what was told since, everybody the same.
    assert {(viewers, sessions["s1"]) for viewers, _, sessions in wire.counts()} == {(50, 50)}
    wire.turn(61)
    assert [viewers for viewers, _, _ in wire.counts()] == [0, 0, 0]


def test_nothing_is_told_if_nobody_was_heard():
    wire = Wire()
    wire.processes[0].heard(EVENT, "", viewer(1))
    for _ in range(5):
        wire.turn()

    assert len(wire.messages) == 1


def test_messages_are_bounded_whatever_was_heard():
    wire = Wire()
    for number in range(MESSAGE_VIEWERS_MAX * 2 + 1):
        wire.processes[0].heard(EVENT, "", viewer(number))
    wire.turn()

    assert len(wire.messages) == 3
    assert max(map(len, wire.messages)) < MESSAGE_VIEWERS_MAX * 8 + 100
    assert [viewers for viewers, _, _ in wire.counts()] == [MESSAGE_VIEWERS_MAX * 2 + 1] * 2


def test_no_more_viewers_are_held_than_allowed_in_any_process():
    wire = Wire(viewers_max=10)
    for number in range(30):
        wire.processes[number % 2].heard(EVENT, f"s{number}", viewer(number))
        wire.turn(0)
    for viewers, _, sessions in wire.counts():
        assert viewers == 10
        assert sum(sessions.values()) <= 10

    # Those it knows still count, and room is made for others.
    wire.processes[0].heard(EVENT, "", viewer(0))
    wire.turn(61)
    wire.processes[0].heard(EVENT, "late", viewer(99))
    assert wire.counts()[0] == (1, 10, {"late": 1})


def test_events_that_nobody_watches_are_forgotten_above_a_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(presence_module, "EVENTS_MAX", 3)
    wire = Wire(1)
    (process,) = wire.processes
    for number in range(5):
        process.heard(f"e{number}", "", viewer(number))
    wire.turn()
    kept_while_watched = len(process._audiences)
    wire.turn(61)

    assert kept_while_watched == 5
    assert list(process._audiences) == ["e2", "e3", "e4"]


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x90", b"not a message", b"\x92\x01\x81\xa0\xc4\x03abc"])
def test_message_that_is_none_changes_nothing(payload: bytes):
    wire = Wire(1)
    wire.processes[0].receive(EVENT, payload)

    assert wire.counts()[0][0] == 0
