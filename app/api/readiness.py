"""What the server and the application of one process need to know of each other to start and to stop in good order."""

from collections.abc import Callable, Collection, Sequence

from app.errors import Unavailable
from app.realtime.goodbye import Leaving


class Readiness:
    """Whether the process should be sent requests, which is what ``/readyz`` answers with; and whom it has to tell.

    The server says when it stops; the application sets ``is_catching_up``, ``followers``, and ``quarantined``, which
    names events that take nothing more.
    """

    def __init__(self) -> None:
        self.is_stopping = False
        self.is_catching_up: Callable[[], bool] = lambda: False
        self.followers: Callable[[], Collection[Leaving]] = tuple
        self.quarantined: Callable[[], Sequence[str]] = tuple

    def require(self) -> None:
        """Errors: Unavailable ``server_stopping``, ``catching_up``."""
        if self.is_stopping:
            raise Unavailable("server_stopping", "This process is stopping.")
        if self.is_catching_up():
            raise Unavailable("catching_up", "This process reads what others wrote; it will answer soon.")
