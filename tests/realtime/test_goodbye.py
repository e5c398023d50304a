"""Goodbyes are spread: a few at once, all in time, none twice."""

import asyncio

import pytest

from app.realtime import goodbye
from tests.realtime.served import serving


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


@pytest.mark.parametrize("is_attached", [False, True], ids=["handed-over", "attached"])
async def test_connection_is_told_to_come_back_however_it_is_served(is_attached: bool):
    async with serving(is_attached=is_attached) as served, served.client() as client:
        await client.send('{"type":"ping","id":1}')
        await client.recv()

        told = await goodbye.tell_all(served.stream.connections.everyone(), 1.0)
        await asyncio.wait_for(client.wait_closed(), 10)

    assert (told, client.close_code) == (1, 1012)
