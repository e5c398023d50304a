"""What processes tell each other about events. A messenger: what is lost costs a little time, never a fact."""

from collections.abc import Callable
from typing import Protocol

# (event, payload); runs in the event loop's thread and must not wait.
Handler = Callable[[str, bytes], None]


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


class LocalBus:
    """The bus of a process that is alone, or that knows its like through the database only."""

    def on(self, kind: str, handler: Handler) -> None: ...

    def tell(self, event: str, kind: str, payload: bytes) -> None: ...

    def follow(self, event: str) -> None: ...

    def unfollow(self, event: str) -> None: ...
