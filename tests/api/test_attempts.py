"""How often an address may try: at once, each minute, and by which part of it."""

import pytest

from app.api import attempts
from app.api.attempts import Attempts
from app.errors import TooMany


def tries(counted: Attempts, address: str, now: float, most: int = 100) -> int:
    """How many attempts are let through at this time."""
    for number in range(most):
        try:
            counted.begin(address, now)
        except TooMany:
            return number
    return most


def test_so_many_at_once_and_then_as_many_a_minute():
    counted = Attempts(6)

    assert [tries(counted, "10.0.0.1", now) for now in (0.0, 5.0, 10.0, 40.0, 1_000.0)] == [6, 0, 1, 3, 6]


def test_addresses_do_not_share_and_those_of_one_ipv6_network_do():
    counted = Attempts(2)

    assert [tries(counted, address, 0.0) for address in ("10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2")] == [
        2,
        2,
        2,
        0,
    ]


def test_attempt_that_succeeds_is_not_counted():
    counted = Attempts(2)
    for _ in range(10):
        counted.begin("10.0.0.1", 0.0)
        counted.succeeded("10.0.0.1")

    assert tries(counted, "10.0.0.1", 0.0) == 2


def test_no_more_addresses_are_remembered_than_the_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attempts, "_ADDRESSES_MAX", 3)
    counted = Attempts(1)
    for number in range(10):
        counted.begin(f"10.0.0.{number}", 0.0)
    counted.succeeded("10.0.0.0")

    assert len(counted._budgets) == 3
