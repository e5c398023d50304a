"""Goodbyes are spread: a few at once, all in time, none twice."""

import asyncio

import pytest

from app.realtime import goodbye


class Connection:
    def __init__(self) -> None:
        self.told = 0

    def shutdown(self) -> None:
        self.told += 1


@pytest.mark.parametrize(
    ("waiting", "seconds", "size"),
    [
        (7, 4.0, 50),
        (2_000, 4.0, 50),
        (20_000, 4.0, 250),
        (20_000, 0.0, 20_000),
        (20_000, -1.0, 20_000),
    ],
)
def test_slice_is_as_small_as_the_time_allows(waiting: int, seconds: float, size: int):
    assert goodbye.slice_size(waiting, seconds) == size


async def test_everybody_is_told_once_and_others_run_in_between():
    everyone = [Connection() for _ in range(goodbye.SLICE * 3 + 1)]

    telling = asyncio.create_task(goodbye.tell_all(everyone, 10.0))
    await asyncio.sleep(0)

    assert sum(one.told for one in everyone) == goodbye.SLICE
    assert await telling == len(everyone)
    assert {one.told for one in everyone} == {1}


async def test_those_that_fit_into_one_slice_are_told_in_one_step():
    everyone = [Connection() for _ in range(goodbye.SLICE)]

    telling = asyncio.create_task(goodbye.tell_all(everyone, 10.0))
    await asyncio.sleep(0)

    assert telling.done()
    assert {one.told for one in everyone} == {1}
