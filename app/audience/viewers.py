"""The viewers of all events in one process: heard here, told to the other processes, shown, and written down."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.audience.heartbeats import Heartbeats
from app.audience.presence import Presence
from app.audience.sampler import Sampler
from app.audience.signs import Sign, Signs
from app.errors import AppError, Conflict
from app.events import Events, OpenEvent
from app.realtime.bus import LocalBus, WatchedBus
from app.sales.times import rfc3339
from app.state.parts import NO_AUDIENCE

# How long what one process hears may be on its way to the others: a sweep, and a slow Redis.
SETTLE_US = 3_000_000
# Another version's messages are not understood as these.
_KIND = "audience"


class Viewers:
    """Units: ``clock`` in microseconds since the epoch; ``late_seconds`` that a minute stays open after its end."""

    def __init__(
        self,
        events: Events,
        secret_of: Callable[[str], Awaitable[bytes]],
        bus: WatchedBus,
        clock: Callable[[], int],
        viewers_max: int,
        late_seconds: int,
    ) -> None:
        self._events = events
        self._bus = bus
        self._clock = clock
        self._late_us = late_seconds * 1_000_000
        # Whoever is alone waits for nobody.
        settle_us = 0 if isinstance(bus, LocalBus) else SETTLE_US
        self.presence = Presence(
            lambda event, payload: bus.tell(event, _KIND, payload),
            viewers_max,
            clock,
            settle_us,
        )
        self.heartbeats = Heartbeats(events, self.presence, secret_of, clock)
        self.sampler = Sampler(events, self.presence, clock, self._late_us + settle_us)
        bus.on(_KIND, self.presence.receive)
        bus.on_heal(self.presence.missed)

    async def take(self, event: OpenEvent, signs: Sequence[Sign | AppError]) -> list[tuple[int, AppError]]:
        """Count what was told of viewers. Shape: (place, why) of what is refused.

        Errors: Conflict ``event_final``; Unavailable.
        """
        if event.state.status == "final":
            raise Conflict("event_final", "The event is final; its result stays as it is.")
        secret = await self.heartbeats.secret(event.head.event)
        return Signs(event, secret, self.presence, self._clock(), self._late_us).take(signs)

    async def document(self, event: str) -> dict[str, Any]:
        """What the viewers' channel shows. The peak is that of the journal, or of a minute that comes into it."""
        counts, opened = self.presence.counts(event), await self._events.open(event)
        peak = opened.state.audiences.get("", NO_AUDIENCE).peak
        if opened.state.status != "final":
            peak = max(peak, counts.highest)
        rows = [{"id": session, "viewers": number} for session, number in counts.sessions.items()]
        return {"time": rfc3339(self._clock()), "viewers": counts.viewers, "peak": peak, "rows": rows}

    def watches(self) -> list[asyncio.Task[None]]:
        """What runs for as long as the process does."""
        return [asyncio.create_task(self.presence.watch()), asyncio.create_task(self.sampler.watch())]

    async def close(self) -> None:
        """Hand over what is not written down: to the other processes, or if there are none to the journal."""
        self.presence.sweep()
        if not self._bus.is_connected:
            await self.sampler.sample(wait_us=0)
