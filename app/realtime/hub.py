"""The channels that somebody in this process follows: read when something was committed, told to every
follower.

A channel is opened by its first subscriber and closed a while after its last one left. What must always
hold: a client is registered in the same step in which its answer is made, so nothing falls between the two;
and a channel is read only after the mark that asked for it, so no commit is missed.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from app import metrics
from app.errors import AppError, Unavailable
from app.realtime import messages
from app.realtime.channels import Channel
from app.realtime.fanout import Fanout
from app.realtime.live import LiveChannel, is_live
from app.realtime.messages import Subscribe
from app.realtime.subscriber import NOBODY, Subscriber

_log = logging.getLogger(__name__)

_RETRY_SECONDS_FIRST = 0.1
_RETRY_SECONDS_MAX = 5.0

Sleep = Callable[[float], Awaitable[None]]


class Source(Protocol):
    """Where documents come from."""

    async def snapshot(self, channel: str, view: str) -> dict[str, Any]:
        """The whole document as of everything that was marked before this call.

        Shape: ``{"epoch", "position", "rows": [{"id", ...}, ...], ...}``; ids are unique; the same members
        every time; never changed after it was returned. ``position`` is that of the last entry that changed
        this view. Of a live channel: ``{"time", ...}``.
        Errors: NotFound ``channel_unknown``; any AppError, and anything else is tried again.
        """
        ...

    async def catch_up(self, event: str) -> None:
        """Have everything in the documents that was committed before this call, by whatever process.

        Errors: any AppError if that cannot be told now.
        """
        ...


def event_of(channel: str) -> str:
    """The event a channel belongs to: its first segment."""
    return channel.partition("/")[0]


class OpenChannel:
    """A channel that is followed, and the state of its reading."""

    __slots__ = (
        "_whole",
        "channel",
        "closing",
        "fanout",
        "is_due",
        "publications",
        "reading",
        "stalled",
        "task",
        "waiters",
    )

    def __init__(self, channel: Channel | LiveChannel) -> None:
        self.channel = channel
        self.fanout = Fanout()
        # Followers whose transports are full: nothing is written to them until they have drained. With the number of
        # publications that were written to them, None if a walk was under way.
        self.stalled: dict[Subscriber, int | None] = {}
        self.publications = 0
        # What brings a follower that has drained to the present: the same for all, until the next publication.
        self._whole: messages.Frame | None = None
        self.is_due = False
        self.task: asyncio.Task[None] | None = None
        # Ends with the next read that starts after it was asked for.
        self.reading: asyncio.Future[None] | None = None
        self.waiters = 0
        self.closing: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        return self.channel.name

    @property
    def is_followed(self) -> bool:
        return bool(len(self.fanout) or self.stalled or self.waiters)

    @property
    def whole(self) -> messages.Frame:
        if self._whole is None:
            self._whole = messages.publication(self.name, self.channel.since(None, None))
        return self._whole

    def publish(self, frame: messages.Frame) -> None:
        self.publications += 1
        self._whole = None
        self.fanout.publish(frame)

    def send_and_follow(self, subscriber: Subscriber, frame: messages.Frame) -> None:
        """Write what brings a client to the present, and every publication after it."""
        self.stalled.pop(subscriber, None)
        # First: that very frame may fill its transport, or end it, and it then leaves from here.
        self.fanout.add(subscriber)
        subscriber.send(frame)
        if subscriber.is_full:
            # It was so before: nothing tells of it a second time.
            self.stall(subscriber)

    def stall(self, subscriber: Subscriber) -> None:
        """Write nothing more to a follower."""
        if subscriber in self.fanout:
            self.fanout.remove(subscriber)
            self.stalled[subscriber] = self.publications if self.fanout.is_settled else None


class Hub:
    """Every open channel by (name, view).

    Units: ``publish_interval_ms`` is the least time between two publications of one channel; 0 publishes
    every mark, those of one turn of the event loop together. ``channels_per_event_max`` bounds what one commit costs:
    each open channel of its event is read again for it. So many of each view; without a token half of it can be opened.
    """

    def __init__(
        self,
        source: Source,
        publish_interval_ms: int,
        removed_rows_max: int,
        *,
        channels_per_event_max: int = 200,
        read_seconds_max: float = 10.0,
        linger_seconds: float = 5.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._source = source
        self._interval_seconds = publish_interval_ms / 1000
        self._removed_rows_max = removed_rows_max
        self._channels_per_event_max = channels_per_event_max
        self._read_seconds_max = read_seconds_max
        self._linger_seconds = linger_seconds
        self._sleep = sleep
        self._open: dict[tuple[str, str], OpenChannel] = {}
        self._by_event: dict[str, dict[OpenChannel, None]] = {}

    def mark(self, event: str, position: int) -> None:
        """Something was committed in this event. Returns at once; the first mark of a quiet channel reads
        at once.

        Only from the event loop's thread.
        """
        for opened in self._by_event.get(event, ()):
            if not opened.channel.is_live:
                self._wake(opened)

    def mark_live(self, channel: str) -> None:
        """What a live channel shows may be another now."""
        for opened in self._by_event.get(event_of(channel), ()):
            if opened.name == channel:
                self._wake(opened)

    async def refresh_live(self, kind: str, seconds: float) -> None:
        """Mark each open live channel of this kind every so often, until cancelled: no news of it need be told."""
        while True:
            await asyncio.sleep(seconds)
            for opened in tuple(self._open.values()):
                if opened.name == f"{event_of(opened.name)}/{kind}":
                    self._wake(opened)

    def is_followed(self, event: str) -> bool:
        """Whether a channel of this event is open: then the event must stay current though nobody asks for it."""
        return bool(self._by_event.get(event))

    def subscribe_now(self, subscriber: Subscriber, request: Subscribe, view: str) -> bool:
        """As ``subscribe`` if the channel need not be read for it; False, and nothing done, if it must be.

        Errors: Unavailable ``too_many_channels``.
        """
        opened = self._opened(request.channel, view, subscriber)
        if opened.channel.is_empty or not opened.channel.knows(request.position, request.epoch):
            self._close_if_left(opened)
            return False
        self._follow(subscriber, opened, request)
        return True

    async def subscribe(self, subscriber: Subscriber, request: Subscribe, view: str) -> None:
        """Answer with what brings the client from where it stands to the present, and publish to it from
        there on.

        A second subscribe to the same channel answers again: that is how a client recovers from a gap.
        Errors: the source's AppErrors; Unavailable ``channel_unavailable`` for any other trouble it has, ``behind``
        if the client's position cannot be confirmed, and ``too_many_channels`` if others follow as many channels of
        the event as one process keeps open.
        """
        opened = self._opened(request.channel, view, subscriber)
        opened.waiters += 1
        try:
            if opened.channel.is_empty:
                await self._read_anew(opened)
            if not opened.channel.knows(request.position, request.epoch):
                await self._catch_up(opened)
            # No await from here on.
            if not subscriber.is_closing:
                self._follow(subscriber, opened, request)
        finally:
            opened.waiters -= 1
            self._close_if_left(opened)

    def unsubscribe(self, subscriber: Subscriber, name: str, view: str) -> None:
        """Stop following; nothing of the channel is written after this."""
        if (opened := self._open.get((name, view))) and opened in subscriber.channels:
            subscriber.channels = tuple(one for one in subscriber.channels if one is not opened)
            self._forget(subscriber, opened)

    def leave(self, subscriber: Subscriber) -> None:
        """The connection is gone."""
        channels, subscriber.channels = subscriber.channels, ()
        for opened in channels:
            self._forget(subscriber, opened)

    def stall(self, subscriber: Subscriber) -> None:
        """It cannot take more now; what it follows goes on without it."""
        for opened in subscriber.channels:
            opened.stall(subscriber)

    def resume(self, subscriber: Subscriber) -> None:
        """It can take more: one snapshot of each channel that has changed brings it to the present."""
        channels = subscriber.channels
        for number, opened in enumerate(channels):
            if subscriber.is_closing:
                return
            if subscriber.is_full:
                # Those that wait longest are first when it has drained again.
                subscriber.channels = (*channels[number:], *channels[:number])
                return
            if subscriber not in opened.stalled:
                continue
            if opened.stalled[subscriber] == opened.publications:
                del opened.stalled[subscriber]
                opened.fanout.add(subscriber)
            else:
                opened.send_and_follow(subscriber, opened.whole)

    @property
    def subscriptions(self) -> int:
        """How many channels are followed, of all connections together."""
        return sum(len(opened.fanout) + len(opened.stalled) for opened in self._open.values())

    async def close(self) -> None:
        """Stop every reader; for the end of the process."""
        tasks = [opened.task for opened in self._open.values() if opened.task]
        for opened in tuple(self._open.values()):
            self._drop(opened)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _follow(self, subscriber: Subscriber, opened: OpenChannel, request: Subscribe) -> None:
        channel = opened.channel
        if opened not in subscriber.channels:
            subscriber.channels = (*subscriber.channels, opened)
        body = channel.since(request.position, request.epoch)
        if request.position is not None:
            metrics.RECOVERIES.labels(body.kind).inc()
        opened.send_and_follow(subscriber, messages.subscribed(request.id, channel.name, body))

    def _forget(self, subscriber: Subscriber, opened: OpenChannel) -> None:
        opened.fanout.remove(subscriber)
        opened.stalled.pop(subscriber, None)
        self._close_if_left(opened)

    def _opened(self, name: str, view: str, subscriber: Subscriber) -> OpenChannel:
        opened = self._open.get((name, view))
        if opened is None:
            places = self._channels_per_event_max
            if subscriber.principal.actor == NOBODY:
                # Whoever wants to name all of an event's boards keeps nobody out who has a token.
                places = max(1, places // 2)
            # Counted by view: those who run the event are never kept out by those who watch it.
            taken = sum(one.channel.view == view for one in self._by_event.get(event_of(name), ()))
            if taken >= places:
                detail = f"{places} channels of this event are followed; try again later."
                raise Unavailable("too_many_channels", detail)
            channel = LiveChannel(name, view) if is_live(name) else Channel(name, view, self._removed_rows_max)
            opened = OpenChannel(channel)
            self._open[name, view] = opened
            self._by_event.setdefault(event_of(name), {})[opened] = None
        if opened.closing:
            opened.closing.cancel()
            opened.closing = None
        return opened

    async def _read_anew(self, opened: OpenChannel) -> None:
        """Wait for a read that starts from now on. Paced like every read, and shared by all who wait for it."""
        if opened.reading is None:
            opened.reading = asyncio.get_running_loop().create_future()
        reading = opened.reading
        self._wake(opened)
        try:
            await asyncio.shield(reading)
        except AppError:
            raise
        except Exception:
            raise Unavailable("channel_unavailable", "The channel cannot be read now; try again.") from None

    async def _catch_up(self, opened: OpenChannel) -> None:
        """Some client has seen more than this process: read what others committed. Beyond that is beyond the journal.

        Errors: Unavailable ``behind``.
        """
        try:
            await self._source.catch_up(event_of(opened.name))
        except AppError:
            raise Unavailable("behind", "The position named cannot be confirmed here yet; try again.") from None
        await self._read_anew(opened)

    def _wake(self, opened: OpenChannel) -> None:
        opened.is_due = True
        if opened.task is None:
            opened.task = asyncio.create_task(self._publish(opened))

    async def _publish(self, opened: OpenChannel) -> None:
        """Read and publish until nothing is due. One of these per channel, so publications never overlap."""
        failures = 0
        while opened.is_due:
            opened.is_due = False
            started = time.monotonic()
            reading, opened.reading = opened.reading, None
            try:
                await self._publish_once(opened)
            except asyncio.CancelledError:
                # The hub closes: nobody may wait for this for ever.
                if reading is not None:
                    reading.cancel()
                raise
            except Exception as error:
                failures += 1
                opened.is_due = True
                _settle(reading, error)
                if not isinstance(error, AppError):
                    _log.exception("channel %s (%s) could not be read", opened.name, opened.channel.view)
                await self._sleep(min(_RETRY_SECONDS_FIRST * 2 ** min(failures - 1, 10), _RETRY_SECONDS_MAX))
            else:
                failures = 0
                _settle(reading, None)
                # Never faster than the followers can be written to.
                await opened.fanout.settled()
                # From start to start: what the work took is not added to the interval.
                await self._sleep(max(0.0, self._interval_seconds - (time.monotonic() - started)))
        opened.task = None

    async def _publish_once(self, opened: OpenChannel) -> None:
        channel = opened.channel
        async with asyncio.timeout(self._read_seconds_max):
            document = await self._source.snapshot(channel.name, channel.view)
        frame = channel.update(document)
        if frame is not None:
            metrics.PUBLICATIONS.inc()
            opened.publish(frame)

    def _close_if_left(self, opened: OpenChannel) -> None:
        if opened.is_followed or opened.closing:
            return
        loop = asyncio.get_running_loop()
        # A channel that was never read (an unknown name) is not kept: names are the caller's to invent.
        linger = 0.0 if opened.channel.is_empty else self._linger_seconds
        opened.closing = loop.call_later(linger, self._drop, opened)

    def _drop(self, opened: OpenChannel) -> None:
        if opened.closing:
            opened.closing.cancel()
        if opened.task:
            opened.task.cancel()
        opened.fanout.close()
        if opened.reading and not opened.reading.done():
            opened.reading.cancel()
        name, view = opened.name, opened.channel.view
        self._open.pop((name, view), None)
        siblings = self._by_event.get(event_of(name), {})
        siblings.pop(opened, None)
        if not siblings:
            self._by_event.pop(event_of(name), None)


def _settle(reading: "asyncio.Future[None] | None", error: Exception | None) -> None:
    if reading is None or reading.done():
        return
    if error is None:
        reading.set_result(None)
    else:
        reading.set_exception(error)
        reading.exception()  # seen: those who waited may all be gone
