"""The walk: whoever comes, goes or stalls in the middle of it gets every frame once, or none."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from app.realtime import fanout
from app.realtime.fanout import Fanout
from tests.realtime.doubles import turns


class Client:
    """Notes what is written to it; ``on_write`` is called in the middle of a write, as a full transport does."""

    def __init__(self, on_write: Callable[["Client"], None] | None = None) -> None:
        self.got = b""
        self._on_write = on_write

    @property
    def write(self) -> Callable[[bytes], None]:
        return self._write

    def _write(self, data: bytes) -> None:
        self.got += data
        if self._on_write is not None:
            self._on_write(self)


def members(walk: Fanout, count: int) -> list[Client]:
    clients = [Client() for _ in range(count)]
    for client in clients:
        walk.add(client)
    return clients


async def test_every_follower_gets_every_frame_once_and_in_order():
    walk = Fanout()
    clients = members(walk, 1_000)

    for frame in (b"a", b"b", b"c"):
        walk.publish(frame)
        await asyncio.sleep(0)
    await walk.settled()

    assert {client.got for client in clients} == {b"abc"}


async def test_frames_that_come_during_a_walk_are_one_write():
    walk = Fanout()
    clients = members(walk, 3 * fanout.SLICE)
    written: list[bytes] = []
    walk.add(Client(lambda client: written.append(client.got)))

    for frame in (b"a", b"b", b"c", b"d"):
        walk.publish(frame)
        await asyncio.sleep(0)
    await walk.settled()

    assert len(written) == 2
    assert {client.got for client in clients} == {b"abcd"}


async def test_walk_lets_others_run_after_each_slice():
    walk = Fanout()
    clients = members(walk, 4 * fanout.SLICE)
    walk.publish(b"a")

    progress = []
    while True:
        progress.append(sum(client.got == b"a" for client in clients))
        if progress[-1] == len(clients):
            break
        await asyncio.sleep(0)

    assert [one // fanout.SLICE for one in progress[1:]] == [1, 2, 3, 4]


async def test_follower_that_leaves_during_a_walk_gets_nothing_more():
    walk = Fanout()
    clients = members(walk, 4 * fanout.SLICE)
    walk.publish(b"a")
    await turns(2)

    walk.remove(clients[0])
    walk.remove(clients[-1])
    await walk.settled()
    walk.publish(b"b")
    await walk.settled()

    assert (clients[0].got, clients[-1].got, clients[1].got) == (b"a", b"", b"ab")


async def test_follower_that_comes_gets_what_is_published_after_that_and_nothing_twice():
    walk = Fanout()
    early = members(walk, 4 * fanout.SLICE)
    walk.publish(b"a")
    before_the_walk = members(walk, 1)[0]
    await turns(2)
    during = members(walk, 1)[0]
    walk.publish(b"b")
    after = members(walk, 1)[0]
    walk.publish(b"c")
    await walk.settled()

    assert {client.got for client in early} == {b"abc"}
    assert (before_the_walk.got, during.got, after.got) == (b"bc", b"bc", b"c")


async def test_follower_that_leaves_and_comes_back_gets_nothing_older_than_its_return():
    walk = Fanout()
    clients = members(walk, 4 * fanout.SLICE)
    walk.publish(b"a")
    await turns(2)
    back = clients[-1]

    walk.remove(back)
    walk.add(back)
    await walk.settled()
    walk.publish(b"b")
    await walk.settled()

    assert back.got == b"b"


async def test_follower_that_removes_itself_while_it_is_written_to_holds_up_nobody():
    walk = Fanout()
    full = [Client(walk.remove) for _ in range(3)]
    for client in full:
        walk.add(client)
    clients = members(walk, 2 * fanout.SLICE)

    for frame in (b"a", b"b"):
        walk.publish(frame)
        await walk.settled()

    assert {client.got for client in full} == {b"a"}
    assert {client.got for client in clients} == {b"ab"}


async def test_batches_are_bounded_and_nothing_is_lost_between_them(monkeypatch):
    monkeypatch.setattr(fanout, "BATCH_BYTES_MAX", 4)
    walk = Fanout()
    sizes: list[int] = []
    seen = 0

    def note(client: Client) -> None:
        nonlocal seen
        sizes.append(len(client.got) - seen)
        seen = len(client.got)

    walk.add(Client(note))
    late = Client()
    for frame in (b"aa", b"bb", b"cc", b"ddddddd", b"e"):
        walk.publish(frame)
    walk.add(late)
    walk.publish(b"f")
    await walk.settled()

    assert sizes == [4, 2, 7, 2]
    assert late.got == b"f"


async def test_write_that_fails_breaks_one_walk_and_not_the_next(caplog):
    def fail(client: Client) -> None:
        raise RuntimeError("a bug")

    walk = Fanout()
    bad = Client(fail)
    walk.add(bad)
    walk.publish(b"a")
    await walk.settled()
    walk.remove(bad)
    (good,) = members(walk, 1)
    walk.publish(b"b")
    await walk.settled()

    assert good.got == b"b"
    assert "broken off" in caplog.text


@pytest.mark.parametrize("seed", range(30))
async def test_any_coming_and_going_gives_each_an_unbroken_sequence(seed: int, monkeypatch: Any):
    monkeypatch.setattr(fanout, "SLICE", 3)
    chance = random.Random(seed)
    walk = Fanout()
    published = 0
    joined: dict[Client, int] = {}
    gone: list[tuple[Client, int]] = []

    def full(client: Client) -> None:
        if chance.random() < 0.02:
            walk.remove(client)
            gone.append((client, joined.pop(client)))

    for _ in range(400):
        step = chance.random()
        if step < 0.35:
            client = Client(full)
            joined[client] = published
            walk.add(client)
        elif step < 0.5 and joined:
            client = chance.choice(list(joined))
            walk.remove(client)
            gone.append((client, joined.pop(client)))
        elif step < 0.75:
            walk.publish(bytes((published % 256,)))
            published += 1
        else:
            await asyncio.sleep(0)
    staying = dict(joined)
    await walk.settled()

    for client, since in gone:
        assert client.got == bytes(number % 256 for number in range(since, since + len(client.got)))
    for client in joined:
        assert client.got == bytes(number % 256 for number in range(staying[client], published))
