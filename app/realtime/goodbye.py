"""Telling all connections that the server stops, a few at a time, so that they do not come back in the same moment."""

import asyncio
import math
from collections.abc import Iterable
from typing import Protocol

# A thousand a second, which one process elsewhere can let in again; more only if they would not all fit otherwise.
SLICE = 50
SLICE_SECONDS = 0.05


class Leaving(Protocol):
    """A connection that can be told; implemented by ``Subscriber`` and by uvicorn's protocols."""

    def shutdown(self) -> None: ...


async def tell_all(connections: Iterable[Leaving], seconds_max: float) -> int:
    """Tell each of them, in at most ``seconds_max`` and no longer than needed: a single slice takes no time at all.

    Returns how many were told.
    """
    clock = asyncio.get_running_loop().time
    waiting = list(connections)
    count, deadline = len(waiting), clock() + seconds_max
    while waiting:
        # Counted anew each time, so that a busy loop makes the slices larger and not the whole longer.
        size = slice_size(len(waiting), deadline - clock())
        for connection in waiting[:size]:
            connection.shutdown()
        del waiting[:size]
        if waiting:
            await asyncio.sleep(SLICE_SECONDS)
    return count


def slice_size(waiting: int, seconds_left: float) -> int:
    """How many of those that wait are told now, so that the last is told when the time is over."""
    return max(SLICE, math.ceil(waiting / max(1, math.floor(seconds_left / SLICE_SECONDS))))
