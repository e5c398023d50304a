"""Two processes whose clocks disagree, step back and leap: positions and times go on, and orders are decided alike."""

import pytest

from app.audit.verify import verify
from tests.book import HOUR, SECOND
from tests.live import Clock, create, entries_of, orders, running, store_of, told

# Steps of the two clocks after each batch.
STEPS = {
    "an hour apart": (SECOND, SECOND),
    "one steps back": (SECOND, -HOUR),
    "both step back": (-HOUR, -2 * HOUR),
    "one leaps": (6 * HOUR, SECOND),
    "one stands still": (0, SECOND),
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
async def test_processes_whose_clocks_disagree_write_one_journal_in_order(shared_url: str, steps: tuple[int, int]):
    fast = Clock()
    slow = Clock(fast.now - HOUR)
    async with (
        running(shared_url, fast, faulty=True, tail_interval_ms=60_000) as ours,
        running(shared_url, slow, tail_interval_ms=60_000) as theirs,
    ):
        event = await create(ours)
        other = await theirs.open(event.head.event)
        answers = []

        for number in range(1, 6):
            answers += await event.submit(orders(3, 10 * number))
            answers += await other.submit(orders(3, 10 * number + 3))
            fast.now += steps[0]
            slow.now += steps[1]

        entries = await entries_of(ours, event)
        assert told(answers) == ["new"] * 30
        assert [entry.position for entry in entries] == list(range(1, 35))
        times = [entry.recorded_at for entry in entries]
        assert times == sorted(set(times))
        assert (await verify(store_of(ours).store, event.head.event)).exit_code == 0


async def test_order_of_this_moment_is_none_of_the_future_to_a_process_that_is_behind(shared_url: str):
    """What another process has recorded has happened, whatever one's own clock says."""
    fast = Clock()
    slow = Clock(fast.now - HOUR)
    async with (
        running(shared_url, fast, tail_interval_ms=60_000) as ours,
        running(shared_url, slow, tail_interval_ms=60_000) as theirs,
    ):
        event = await create(ours)
        other = await theirs.open(event.head.event)

        assert told(await event.submit(orders(1, 1, paid_at=fast.now))) == ["new"]
        assert told(await other.submit(orders(1, 2, paid_at=fast.now))) == ["new"]
        assert told(await other.submit(orders(1, 1, paid_at=fast.now))) == ["again"]
        assert told(await other.submit(orders(1, 3, paid_at=fast.now + HOUR))) == ["paid_at_in_future"]
