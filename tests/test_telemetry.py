"""The log is short: what repeats is held back, and counted."""

import logging

from app.telemetry import LINES_MAX, Bounded


def record(name: str, message: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, message, None, None)


def test_line_that_repeats_is_held_back_and_counted_until_a_while_has_passed():
    now = 100.0
    bounded = Bounded(lambda: now)

    passed = [bounded.filter(record("lib", "same %s")) for _ in range(LINES_MAX + 5)]
    other = bounded.filter(record("lib", "other"))
    error = bounded.filter(record("lib", "same %s", logging.ERROR))
    now += 60
    again = record("lib", "same %s")

    assert passed == [True] * LINES_MAX + [False] * 5
    assert (other, error) == (True, True)
    assert bounded.filter(again)
    assert again.getMessage() == "same %s (and 5 more like it)"
