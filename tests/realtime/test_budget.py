"""A burst at once, then so many a second, and what was not used is not saved up beyond the burst."""

import pytest

from app.realtime.budget import Budget


def taken(budget: Budget, now: float, count: int) -> int:
    return sum(budget.take(now) for _ in range(count))


def test_burst_is_taken_at_once_and_not_one_more():
    assert taken(Budget(50, 150, 10.0), 10.0, 200) == 150


def test_steady_messages_at_the_rate_never_run_out():
    budget = Budget(50, 50, 0.0)

    assert all(budget.take(number / 50) for number in range(10_000))


@pytest.mark.parametrize(("idle_seconds", "wanted"), [(0.1, 5), (1.0, 50), (3_600.0, 60)])
def test_idle_time_refills_up_to_the_burst(idle_seconds: float, wanted: int):
    budget = Budget(50, 60, 0.0)
    assert taken(budget, 0.0, 60) == 60

    assert taken(budget, idle_seconds, wanted + 1) == wanted


def test_what_is_refused_costs_nothing():
    budget = Budget(1, 2, 0.0)

    assert [budget.take(0.0) for _ in range(50)].count(True) == 2
    assert budget.take(1.0)
