"""What processes tell each other about events. A messenger: what is lost costs a little time, never a fact."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

# (event, payload); runs in the event loop's thread and must not wait.
Handler = Callable[[str, bytes], None]


@dataclass(slots=True)
class BusFigures:
    """Messages since the start. ``refused``: heard, and not one of ours or too large. ``losses``: of a server."""

    told: int = 0
    dropped: int = 0
    heard: int = 0
    refused: int = 0
    losses: int = 0


class Bus(Protocol):
    """A way to the other processes. Messages of one event and process arrive in order, or not at all.

    Nobody hears what it told itself.
    """

    def on(self, kind: str, handler: Handler) -> None:
        """Have messages of this kind handled; one handler per kind, set before the first event is followed."""
        ...

    def tell(self, event: str, kind: str, payload: bytes) -> None:
        """Tell every other process that follows this event. Never waits; dropped if nobody can be told now."""
        ...

    def follow(self, event: str) -> None:
        """Hear of this event from now on. Safe to repeat."""
        ...

    def unfollow(self, event: str) -> None:
        """Hear of it no more. Safe to repeat."""
        ...

    async def close(self) -> None:
        """End what was begun; what waits to be told is dropped."""
        ...


class WatchedBus(Bus, Protocol):
    """A bus that says how it is doing, for whoever must know what it may have missed."""

    figures: BusFigures

    @property
    def is_connected(self) -> bool:
        """Whether all that is followed is heard now."""
        ...

    def on_heal(self, handler: Callable[[str], None]) -> None:
        """Have this called with an event whenever messages about it may have been missed up to now.

        That is when it begins to be heard, for the first time or again, and when it is heard no more.
        """
        ...


class LocalBus:
    """The bus of a process that is alone, or that knows its like through the database only."""

    is_connected = False

    def __init__(self) -> None:
        self.figures = BusFigures()

    def on(self, kind: str, handler: Handler) -> None: ...

    def on_heal(self, handler: Callable[[str], None]) -> None: ...

    def tell(self, event: str, kind: str, payload: bytes) -> None: ...

    def follow(self, event: str) -> None: ...

    def unfollow(self, event: str) -> None: ...

    async def close(self) -> None: ...
