"""Whether this process should be sent requests; what ``/readyz`` answers with."""

from collections.abc import Callable

from app.errors import Unavailable


class Readiness:
    """One per process. The server says when it stops; ``is_catching_up`` is set by who knows it."""

    def __init__(self) -> None:
        self.is_stopping = False
        self.is_catching_up: Callable[[], bool] = lambda: False

    def require(self) -> None:
        """Errors: Unavailable ``server_stopping``, ``catching_up``."""
        if self.is_stopping:
            raise Unavailable("server_stopping", "This process is stopping.")
        if self.is_catching_up():
            raise Unavailable("catching_up", "This process reads what others wrote; it will answer soon.")
