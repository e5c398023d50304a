"""All connections of this process: takes their messages, and one sweep looks after them.

The sweep pings, ends who is dead, stalled or does not answer a close, and whose token ended. Nothing here costs a task
or a timer per connection.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from app import metrics
from app.errors import AppError, BadRequest, Conflict, Forbidden, NotFound
from app.realtime import frames, messages, trouble
from app.realtime.door import Door, DoorLimits, Place
from app.realtime.hub import Hub
from app.realtime.messages import CloseCode, Heartbeat, Ping, Subscribe, Unsubscribe
from app.realtime.subscriber import NOBODY, Principal, Subscriber

_log = logging.getLogger(__name__)

_FORBIDDEN = {False: "This token may not follow the channel.", True: "The channel is not public; bring a token."}

# A client that was told to close has so long to answer.
CLOSE_SECONDS_MAX = 2.0
_OVERDUE_CHECK_SECONDS = 1.0

# Which of these, let in before, may stay: those that are neither expired nor revoked.
StillValid = Callable[[Collection[Principal]], Awaitable[Collection[Principal]]]
# Whether this one may follow this channel now, also where ``Principal.may_follow`` cannot tell.
MayFollow = Callable[[Principal, str], Awaitable[bool]]
# What of an error its caller is told, in place of the words of a database.
Told = Callable[[AppError], AppError]


class Audience(Protocol):
    """Counts who watches."""

    def take_now(self, channel: str, viewer: bytes) -> bool:
        """Count a viewer; False, and nothing done, if that takes time. Errors: AppError if it cannot be counted."""
        ...

    async def take(self, channel: str, viewer: bytes) -> None:
        """As ``take_now``, with the time it takes."""
        ...


async def as_it_is_named(principal: Principal, channel: str) -> bool:
    """Denied unless the principal itself says otherwise."""
    return bool(principal.may_follow(channel))


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Limits of one connection, and how often connections and tokens are looked at again.

    Whoever comes back may subscribe to everything again at once, so as many messages more are taken then.
    """

    message_bytes_max: int = 4096
    messages_per_second_max: int = 50
    subscriptions_max: int = 64
    backlog_bytes_max: int = 65_536
    stall_seconds_max: float = 15.0
    token_check_seconds: float = 2.0
    ping_seconds: float = 20.0


class Connections:
    """An ``Owner`` of subscribers. ``watch`` runs beside the server."""

    def __init__(
        self, hub: Hub, still_valid: StillValid, limits: StreamLimits, told: Told, door: Door | None = None
    ) -> None:
        self.limits = limits
        self.door = door or Door(DoorLimits(), time.monotonic)
        self.message_bytes_max = limits.message_bytes_max
        self.messages_per_second_max = limits.messages_per_second_max
        self.messages_burst_max = limits.messages_per_second_max + limits.subscriptions_max
        self._hub = hub
        self._still_valid = still_valid
        self._told = told
        self.may_follow: MayFollow = as_it_is_named
        self.audience: Audience | None = None
        # With the time at which each was let in, in seconds since the epoch.
        self._subscribers: dict[Subscriber, float] = {}
        # Since when, by the loop's clock.
        self._stalled: dict[Subscriber, float] = {}
        self._closing: dict[Subscriber, float] = {}

    def __len__(self) -> int:
        return len(self._subscribers)

    def everyone(self) -> tuple[Subscriber, ...]:
        """Whoever is connected now."""
        return tuple(self._subscribers)

    def connected(self) -> Iterable[tuple[Subscriber, float]]:
        """Whoever is connected now, with the time at which they were let in, in seconds since the epoch."""
        return self._subscribers.items()

    def by_kind(self) -> dict[str, int]:
        """How many there are: whose transport was handed over, and that stayed with the server."""
        handed_over = sum(1 for one in self._subscribers if one.connections is not None)
        return {"handed_over": handed_over, "attached": len(self._subscribers) - handed_over}

    def enter(self, address: str, headers: Mapping[str, str]) -> "Entrance":
        """Let a connection in as far as its handshake, which happens within this. Errors: those of ``Door.enter``."""
        return Entrance(self, self.door.enter(address, headers))

    def admit(self, transport: asyncio.Transport, principal: Principal, place: Place | None = None) -> Subscriber:
        """A new connection whose handshake is over; its place is left when it is."""
        transport.set_write_buffer_limits(high=self.limits.backlog_bytes_max)
        subscriber = Subscriber(transport, principal, self)
        subscriber.place = place
        self._subscribers[subscriber] = time.time()
        return subscriber

    # What subscribers tell.

    def take(self, subscriber: Subscriber, text: str) -> "asyncio.Task[None] | None":
        try:
            request = messages.decode(text)
        except AppError as error:
            identity = None if isinstance(error, BadRequest) else messages.id_of(text)
            subscriber.send(messages.failure(error, identity))
            return None
        view = subscriber.principal.view
        match request:
            case Ping():
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                subscriber.send(messages.pong(request.id, now))
            case Unsubscribe():
                self._hub.unsubscribe(subscriber, request.channel, view)
                subscriber.send(messages.unsubscribed(request.id, request.channel))
            case Subscribe():
                return self._subscribe(subscriber, request, view)
            case Heartbeat():
                return self._heartbeat(subscriber, request)
        return None

    def stalled(self, subscriber: Subscriber) -> None:
        if subscriber in self._subscribers:
            self._stalled[subscriber] = asyncio.get_running_loop().time()
            metrics.SLOW.inc()
            self._hub.stall(subscriber)

    def drained(self, subscriber: Subscriber) -> None:
        if self._stalled.pop(subscriber, None) is not None:
            self._hub.resume(subscriber)

    def left(self, subscriber: Subscriber) -> None:
        self._subscribers.pop(subscriber, None)
        self._stalled.pop(subscriber, None)
        self._closing.pop(subscriber, None)
        if subscriber.place is not None:
            self.door.leave(subscriber.place)
            subscriber.place = None
        self._hub.leave(subscriber)

    def closing(self, subscriber: Subscriber) -> None:
        self._closing[subscriber] = asyncio.get_running_loop().time()

    async def follow(self, subscriber: Subscriber, requests: Sequence[Subscribe]) -> None:
        """Subscribe it to all of these, for a client that cannot ask one by one.

        Errors: what a socket would be told of the first that is refused; none is followed then that may not be.
        """
        for request in requests:
            self._check(subscriber, request.channel, await self.may_follow(subscriber.principal, request.channel))
        for request in requests:
            if not self._hub.subscribe_now(subscriber, request, subscriber.principal.view):
                await self._hub.subscribe(subscriber, request, subscriber.principal.view)

    def _subscribe(self, subscriber: Subscriber, request: Subscribe, view: str) -> "asyncio.Task[None] | None":
        try:
            is_allowed = subscriber.principal.may_follow(request.channel)
            if is_allowed is not None:
                self._check(subscriber, request.channel, is_allowed)
                if self._hub.subscribe_now(subscriber, request, view):
                    return None
        except AppError as error:
            self._refuse(subscriber, request, error)
            return None
        return asyncio.get_running_loop().create_task(self._subscribe_later(subscriber, request, view))

    async def _subscribe_later(self, subscriber: Subscriber, request: Subscribe, view: str) -> None:
        try:
            self._check(subscriber, request.channel, await self.may_follow(subscriber.principal, request.channel))
            await self._hub.subscribe(subscriber, request, view)
        except AppError as error:
            self._refuse(subscriber, request, error)
        except Exception:
            _fail(subscriber, "subscribe")

    def _heartbeat(self, subscriber: Subscriber, request: Heartbeat) -> "asyncio.Task[None] | None":
        principal, channel, viewer = subscriber.principal, request.channel, _viewer_of(subscriber, request)
        try:
            if self.audience is None:
                raise NotFound("channel_unknown", "Nobody counts viewers here.")
            is_allowed = principal.may_follow(channel)
            if is_allowed is not None:
                _check_allowed(principal, is_allowed)
                if self.audience.take_now(channel, viewer):
                    subscriber.viewer = viewer
                    subscriber.send(messages.pong(request.id))
                    return None
        except AppError as error:
            self._refuse(subscriber, request, error)
            return None
        return asyncio.get_running_loop().create_task(self._heartbeat_later(self.audience, subscriber, request, viewer))

    async def _heartbeat_later(
        self, audience: Audience, subscriber: Subscriber, request: Heartbeat, viewer: bytes
    ) -> None:
        try:
            _check_allowed(subscriber.principal, await self.may_follow(subscriber.principal, request.channel))
            await audience.take(request.channel, viewer)
            subscriber.viewer = viewer
            subscriber.send(messages.pong(request.id))
        except AppError as error:
            self._refuse(subscriber, request, error)
        except Exception:
            _fail(subscriber, "heartbeat")

    def _refuse(self, subscriber: Subscriber, request: Subscribe | Heartbeat, error: AppError) -> None:
        subscriber.send(messages.failure(self._told(error), request.id))

    def _check(self, subscriber: Subscriber, channel: str, is_allowed: bool) -> None:
        _check_allowed(subscriber.principal, is_allowed)
        followed = {opened.name for opened in subscriber.channels}
        if channel not in followed and len(followed) >= self.limits.subscriptions_max:
            detail = f"A connection follows at most {self.limits.subscriptions_max} channels."
            raise Conflict("too_many_subscriptions", detail)

    # The sweep.

    async def watch(self) -> None:
        """End connections that may not or cannot stay, until cancelled."""
        await asyncio.gather(self._watch_tokens(), self._watch_overdue(), self._watch_pings())

    async def _watch_tokens(self) -> None:
        while True:
            await asyncio.sleep(self.limits.token_check_seconds)
            with _going_on():
                await self.check_tokens()

    async def _watch_overdue(self) -> None:
        seconds = min(self.limits.stall_seconds_max / 4, _OVERDUE_CHECK_SECONDS)
        while True:
            await asyncio.sleep(seconds)
            with _going_on():
                self.end_overdue()

    async def _watch_pings(self) -> None:
        while True:
            # A round always takes the whole interval, so that the writes of many are spread over it.
            everyone, steps = list(self._subscribers), max(1, round(self.limits.ping_seconds))
            for step in range(steps):
                for subscriber in everyone[step * len(everyone) // steps : (step + 1) * len(everyone) // steps]:
                    with _going_on():
                        self._ping(subscriber)
                await asyncio.sleep(self.limits.ping_seconds / steps)

    def _ping(self, subscriber: Subscriber) -> None:
        if subscriber not in self._subscribers or subscriber.is_waited_for:
            return
        if subscriber.is_live:
            subscriber.is_live = False
            subscriber.send(frames.PING_FRAME)
        else:
            trouble.dropped("dead")
            subscriber.cut()

    def end_overdue(self) -> None:
        """End connections that have taken nothing for ``stall_seconds_max``, or do not answer a close."""
        now = asyncio.get_running_loop().time()
        for subscriber, since in list(self._stalled.items()):
            if now - since > self.limits.stall_seconds_max:
                trouble.dropped("stalled")
                subscriber.cut()
        for subscriber, since in list(self._closing.items()):
            if now - since > CLOSE_SECONDS_MAX:
                trouble.dropped("no_goodbye")
                del self._closing[subscriber]
                subscriber.cut()

    async def check_tokens(self) -> None:
        """End connections whose token expired or was revoked, and what is public no longer for those without one.

        A check that fails (no database) leaves them alone.
        """
        await self._check_public()
        asked = {one.principal.actor: one.principal for one in self._subscribers if one.principal.actor != NOBODY}
        if not asked:
            return
        try:
            valid = {one.actor for one in await self._still_valid(asked.values())}
        except Exception:
            _log.warning("the stream's tokens could not be checked", exc_info=True)
            return
        gone = asked.keys() - valid
        if gone:
            for subscriber in [one for one in self._subscribers if one.principal.actor in gone]:
                trouble.dropped("token")
                subscriber.close(CloseCode.TOKEN_ENDED, "the token expired or was revoked")

    async def _check_public(self) -> None:
        """Have those without a token follow no more what its event has closed."""
        followed: dict[str, list[Subscriber]] = {}
        for one in self._subscribers:
            for opened in one.channels if one.principal.actor == NOBODY else ():
                followed.setdefault(opened.name, []).append(one)
        for channel, subscribers in followed.items():
            try:
                if await self.may_follow(subscribers[0].principal, channel):
                    continue
            except Exception:
                _log.warning("whether a channel is public could not be checked", exc_info=True)
                continue
            for subscriber in subscribers:
                self._hub.unsubscribe(subscriber, channel, subscriber.principal.view)
                subscriber.send(messages.unsubscribed(None, channel))


class Entrance:
    """A connection during its handshake. At the end of the block it is gone, or admitted and counted on."""

    def __init__(self, connections: Connections, place: Place) -> None:
        self._connections = connections
        self._place: Place | None = place

    def __enter__(self) -> "Entrance":
        return self

    def __exit__(self, *error: object) -> None:
        if self._place is not None:
            self._connections.door.leave(self._place)

    def admit(self, transport: asyncio.Transport, principal: Principal) -> Subscriber:
        place, self._place = self._place, None
        return self._connections.admit(transport, principal, place)


def _check_allowed(principal: Principal, is_allowed: bool) -> None:
    if not is_allowed:
        # The same words whether it exists or not.
        raise Forbidden("channel_forbidden", _FORBIDDEN[principal.actor == NOBODY])


def _fail(subscriber: Subscriber, message: str) -> None:
    """A fault of ours, in an except block: the client may come back at once."""
    _log.exception("a %s failed", message)
    trouble.dropped("failed")
    subscriber.close(frames.INTERNAL_ERROR)


@contextmanager
def _going_on() -> Iterator[None]:
    """Whatever a look at one connection or one token comes upon, the next look comes: revocation rests on it."""
    try:
        yield
    except Exception:
        _log.exception("a look at the stream's connections failed")


def _viewer_of(subscriber: Subscriber, request: Heartbeat) -> bytes:
    """A connection is one viewer: the one its first heartbeat named, or one of its own. Never equal by accident."""
    if subscriber.viewer is not None:
        return subscriber.viewer
    return b"v" + request.viewer.encode() if request.viewer else b"c" + secrets.token_bytes(8)
