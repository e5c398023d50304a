"""A writer's link to the database: taken when there is something to write, and passed on so that events take turns.

There are fewer links than events. A link that rests goes back after a moment; one that is never at rest goes back
now and then all the same, and whoever has waited longest is next.
"""

import asyncio
import time

from app.journal.store import Session, Store

# Long enough that a lone client's next order finds the link; a new one costs a round trip.
_REST_SECONDS_MAX = 0.05
_HELD_SECONDS_MAX = 0.25


class Link:
    """At most one session of ``store``, for one writer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._session: Session | None = None
        self._taken_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._giving: asyncio.Task[None] | None = None

    async def take(self) -> Session:
        """The session at hand, or a new one. Errors: Unavailable if none is to be had in time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._session is None:
            self._session = await self._store.session()
            self._taken_at = time.monotonic()
        return self._session

    def rest(self) -> None:
        """Nothing is to be written now."""
        if self._session is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_REST_SECONDS_MAX, self._give_back_soon)

    async def pass_on(self) -> None:
        """Between two transactions: let others have a turn if this one had its own."""
        if self._session is not None and time.monotonic() - self._taken_at > _HELD_SECONDS_MAX:
            await self.give_back()

    async def give_back(self) -> None:
        """Safe at any time; what is open in the session is rolled back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def close(self) -> None:
        """Give back, and wait for what is being given back."""
        await self.give_back()
        if self._giving is not None:
            await asyncio.wait([self._giving])

    def _give_back_soon(self) -> None:
        # Out of reach at once: a writer that wakes before the task runs must not take what is being closed.
        self._timer = None
        session, self._session = self._session, None
        if session is not None:
            self._giving = asyncio.get_running_loop().create_task(session.close())
