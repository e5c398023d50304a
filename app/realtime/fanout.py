"""Who follows one channel, and the walk that writes to all of them.

A frame is encoded once and written once per follower through its bound write method: no task, queue, timer or test
per follower. Frames that come while a walk is under way are joined and are the next walk. What must always hold,
however followers come, go and stall in the middle of a walk: who was added after n frames gets those from n + 1 on,
each once, and who was removed gets nothing more.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from app import metrics

_log = logging.getLogger(__name__)

# Followers written to between two looks at everything else: some 3 ms.
SLICE = 256
# A walk writes no more than this to each, so that a transport holds at most its high-water mark and as much again.
BATCH_BYTES_MAX = 65_536

Write = Callable[[bytes], object]


class Follower(Protocol):
    """Anything with a write that never waits. Whoever cannot take more removes itself from the fan-out."""

    @property
    def write(self) -> Write: ...


class Fanout:
    """The followers of one channel. Only from the event loop's thread."""

    __slots__ = ("_fresh", "_pending", "_removals", "_task", "members")

    def __init__(self) -> None:
        self.members: dict[Follower, Write] = {}
        # Those that came while frames were waiting, and how many of the frames they need not get.
        self._fresh: dict[Follower, int] = {}
        self._pending: list[bytes] = []
        self._removals = 0
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self.members) + len(self._fresh)

    def __contains__(self, follower: Follower) -> bool:
        return follower in self.members or follower in self._fresh

    def add(self, follower: Follower) -> None:
        """Have it get every frame that is published from now on."""
        if follower in self.members:
            return
        if self._pending:
            self._fresh[follower] = len(self._pending)
        else:
            self.members[follower] = follower.write

    def remove(self, follower: Follower) -> None:
        """Have it get nothing more, not even of a walk under way. Safe at any time, also twice."""
        if self.members.pop(follower, None) is not None:
            self._removals += 1
        self._fresh.pop(follower, None)

    def publish(self, frame: bytes) -> None:
        """Write a frame to all followers, soon."""
        self._pending.append(frame)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._walk())

    @property
    def is_settled(self) -> bool:
        """Whether everything that was published has been written."""
        return self._task is None

    async def settled(self) -> None:
        """Wait until everything that was published has been written."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def close(self) -> None:
        """Write nothing more."""
        self._pending.clear()
        if self._task is not None:
            self._task.cancel()

    async def _walk(self) -> None:
        try:
            while self._pending:
                try:
                    await self._round()
                except Exception:
                    # Those it did not reach find a gap and ask again.
                    _log.exception("a walk was broken off")
        finally:
            # In the same step as the last look at what is pending: the next publish starts another walk.
            self._task = None

    async def _round(self) -> None:
        frames, self._pending = _split(self._pending)
        # Copies: a write may find its transport full, and the follower then leaves in the middle of this.
        followers, writes = list(self.members), list(self.members.values())
        self._let_in(frames)
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        removals = self._removals
        started, written = time.perf_counter(), 0
        for start in range(0, len(followers), SLICE):
            some = writes[start : start + SLICE]
            if removals != self._removals:
                # Whoever left and came back has another write, and what it was sent on coming holds these frames.
                now = self.members.get
                some = [w for f, w in zip(followers[start : start + SLICE], some, strict=True) if now(f) is w]
            for write in some:
                write(data)
            written += len(some)
            await asyncio.sleep(0)
        metrics.walked(len(frames), len(data), written, time.perf_counter() - started)

    def _let_in(self, frames: list[bytes]) -> None:
        """Those that came while these frames waited get the ones published after that, and are members."""
        fresh, self._fresh = self._fresh, {}
        for follower, behind in fresh.items():
            if behind > len(frames):
                self._fresh[follower] = behind - len(frames)
                continue
            self.members[follower] = follower.write
            if rest := frames[behind:]:
                follower.write(b"".join(rest))


def _split(pending: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """What one walk takes of it, at least one frame, and what is left for the next."""
    size = 0
    for number, frame in enumerate(pending):
        size += len(frame)
        if number and size > BATCH_BYTES_MAX:
            return pending[:number], pending[number:]
    return pending, []
