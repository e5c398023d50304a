"""Who follows an event is told of this process and of all that answer, by actor."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.realtime import roll
from app.realtime.bus import LocalBus, WatchedBus
from app.realtime.roll import Roll


class Ether:
    """A bus for each process; what one tells the others hear in the next turn of the loop."""

    def __init__(self) -> None:
        self.ears: list[dict[str, Callable[[str, bytes], None]]] = []

    def bus(self) -> WatchedBus:
        mine: dict[str, Callable[[str, bytes], None]] = {}
        self.ears.append(mine)

        def tell(event: str, kind: str, payload: bytes) -> None:
            for ears in self.ears:
                if ears is not mine:
                    asyncio.get_running_loop().call_soon(ears[kind], event, payload)

        return cast(WatchedBus, SimpleNamespace(is_connected=True, on=mine.__setitem__, tell=tell))


def connection(actor: str, *channels: str) -> Any:
    return SimpleNamespace(
        principal=SimpleNamespace(actor=actor), channels=tuple(SimpleNamespace(name=name) for name in channels)
    )


def of(bus: WatchedBus, *connections: tuple[Any, float]) -> Roll:
    made = Roll(bus)
    made.connected = lambda: connections
    return made


async def test_connections_that_follow_the_event_are_counted_by_actor():
    alone = of(
        LocalBus(),
        (connection("token:a", "e/orders", "e"), 20.0),
        (connection("token:a", "e/boards/hosts"), 10.0),
        (connection("nobody", "e", "f"), 5.0),
        (connection("token:b", "f/orders"), 1.0),
        (connection("token:b", "ee"), 1.0),
        (connection("key:c"), 1.0),
    )

    assert await alone.of("e") == {"token:a": (2, 10.0), "nobody": (1, 5.0)}
    assert list(await alone.of("f")) == ["nobody", "token:b"]
    assert await alone.of("g") == {}


async def test_processes_are_summed_also_when_two_ask_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(roll, "_ANSWER_SECONDS", 0.02)
    ether = Ether()
    first = of(ether.bus(), (connection("token:a", "e"), 20.0))
    second = of(ether.bus(), (connection("token:a", "e"), 10.0), (connection("key:k", "e/ops"), 3.0))
    of(ether.bus())

    answers = list(await asyncio.gather(first.of("e"), second.of("e")))

    assert answers == [{"token:a": (2, 10.0), "key:k": (1, 3.0)}] * 2
    assert first._answers == {}


async def test_list_is_bounded_and_keeps_those_with_the_most(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(roll, "ACTORS_MAX", 2)
    many = [(connection(f"token:{name}", "e"), 1.0) for name in "aabbbc"]

    assert list(await of(LocalBus(), *many).of("e")) == ["token:b", "token:a"]


async def test_what_is_no_answer_and_what_comes_late_is_passed_over():
    ears: dict[str, Callable[[str, bytes], None]] = {}
    bus = SimpleNamespace(is_connected=False, on=ears.__setitem__, tell=lambda *told: None)
    made = of(cast(WatchedBus, bus))

    ears["roll"]("e", b"junk")
    ears["roll"]("e", b"\x92\xc4\x01x\x80")

    assert await made.of("e") == {}
