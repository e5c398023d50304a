"""Thousands of followers of one channel of a real `kos serve`: the program in C, and what it is told to do."""

import json
import os
import select
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.settings import Settings
from bench import machine, orders
from bench.fanout import load
from bench.servers import BenchFailed, Kos

# Besides what a command says that it takes at most.
_GRACE_SECONDS = 20.0
# What a server has open that is no connection of the stream, with room to spare.
_OTHER_FILES = 300
# Limits by address, where there are some.
_DOORS = ("connections_per_address_max", "handshakes_per_second_max")
_TOKEN_CHANNELS = {"event": orders.EVENT, "kind": "overlay"}


def open_doors() -> dict[str, str]:
    """Settings for a load that comes from few addresses: limits by address are not what is measured."""
    return {name: "1000000" for name in _DOORS if name in Settings.model_fields}


def most_connections() -> int:
    """What one process may have open here, less what it needs for itself."""
    return load.files_max() - _OTHER_FILES


def tokens(kos: Kos, count: int) -> list[str]:
    """Of overlays, each its own."""
    return [kos.call("POST", "/v1/tokens", _TOKEN_CHANNELS)["token"] for _ in range(count)]


class Followers:
    """One client process. Commands and answers: see the top of ``followers.c``."""

    def __init__(self, port: int, channel: str, with_tokens: Sequence[str]) -> None:
        program = load.compiled("followers")
        with tempfile.NamedTemporaryFile("w", suffix=".paths") as paths:
            paths.write("".join(f"/v1/stream?token={token}\n" for token in with_tokens))
            paths.flush()
            self._process = subprocess.Popen(
                [str(program), str(port), channel, paths.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            # It has read the paths once it answers.
            self.tell("state")

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, *words: Any) -> None:
        """Give a command and do not wait for it; ``answer`` does."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self, seconds: float = 0.0) -> dict[str, Any]:
        """What came of the command. Errors: BenchFailed if there is no answer in time."""
        assert self._process.stdout is not None
        told = b""
        while not told.endswith(b"\n"):
            if not select.select([self._process.stdout], [], [], seconds + _GRACE_SECONDS)[0]:
                raise BenchFailed("the followers do not answer")
            some = os.read(self._process.stdout.fileno(), 65_536)
            if not some:
                raise BenchFailed(f"the followers ended with {self._process.wait()}")
            told += some
        document: dict[str, Any] = json.loads(told)
        return document

    def tell(self, *words: Any, seconds: float = 0.0) -> dict[str, Any]:
        """``seconds``: what the command may take."""
        self.start(*words)
        return self.answer(seconds)

    def demand(self, *words: Any, seconds: float = 0.0) -> dict[str, Any]:
        """As ``tell``. Errors: BenchFailed unless all went well."""
        told = self.tell(*words, seconds=seconds)
        if not told["ok"]:
            raise BenchFailed(f"followers: {' '.join(map(str, words))}: {told}")
        return told

    def open(self, count: int, at_once: int = 200, seconds: float = 120.0) -> dict[str, Any]:
        """That many more, all of them live."""
        return self.demand("open", count, at_once, seconds, seconds=seconds)

    def reach(self, position: int, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until every one of them is there."""
        return self.demand("reach", position, seconds, seconds=seconds)

    def state(self) -> dict[str, Any]:
        return self.tell("state")

    def latency(self, posted: Sequence[tuple[float, int]]) -> dict[str, Any]:
        """Of each order at each follower since ``record``. Shape: (when it was sent, its position)."""
        with tempfile.NamedTemporaryFile("w", suffix=".orders") as file:
            for sent_at, position in sorted(posted, key=lambda one: one[1]):
                file.write(f"{int(sent_at * 1e9)} {position}\n")
            file.flush()
            return self.demand("latency", file.name, seconds=60.0)

    def cpu_seconds(self) -> float:
        return machine.cpu_seconds(self.pid)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def followers(kos: Kos, channel: str, with_tokens: Sequence[str]) -> Iterator[Followers]:
    """Ended, with all of its connections, at the end of the block."""
    client = Followers(kos.port, channel, with_tokens)
    try:
        yield client
    finally:
        client.close()


def sqlite_in(folder: str | Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/kos.db"
