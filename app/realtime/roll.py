"""Who follows an event now, in this process and in those that answer when they are asked."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
import structlog

from app.realtime.bus import WatchedBus
from app.realtime.hub import event_of
from app.realtime.subscriber import Subscriber

log = structlog.get_logger(__name__)

# How long the others have to answer; one that does not is left out.
_ANSWER_SECONDS: Final = 0.3
# Of an event; who has fewer connections is left out.
ACTORS_MAX: Final = 1_000
_ASKED, _TOLD = "roll.asked", "roll"

# By actor, how many connections, and since when the first of them, in seconds since the epoch.
Counts = Mapping[str, tuple[int, float]]

_message = msgspec.msgpack.Decoder(tuple[bytes, dict[str, tuple[int, float]]])


class Roll:
    """Of one process. ``connected`` gives its connections with the time at which each was let in."""

    def __init__(self, bus: WatchedBus) -> None:
        self._bus = bus
        self.connected: Callable[[], Iterable[tuple[Subscriber, float]]] = tuple
        # What was answered so far, by the question.
        self._answers: dict[bytes, list[Counts]] = {}
        bus.on(_ASKED, self._asked)
        bus.on(_TOLD, self._heard)

    async def of(self, event: str) -> dict[str, tuple[int, float]]:
        """By actor, those with the most connections first."""
        counts = [self._here(event)]
        if self._bus.is_connected:
            question = secrets.token_bytes(8)
            self._answers[question] = counts
            try:
                self._bus.tell(event, _ASKED, question)
                await asyncio.sleep(_ANSWER_SECONDS)
            finally:
                del self._answers[question]
        return _most(counts)

    def _here(self, event: str) -> Counts:
        found: dict[str, tuple[int, float]] = {}
        for subscriber, since in self.connected():
            if any(event_of(channel.name) == event for channel in subscriber.channels):
                count, first = found.get(subscriber.principal.actor, (0, since))
                found[subscriber.principal.actor] = count + 1, min(first, since)
        return found

    def _asked(self, event: str, question: bytes) -> None:
        self._bus.tell(event, _TOLD, msgspec.msgpack.encode((question, _most([self._here(event)]))))

    def _heard(self, event: str, payload: bytes) -> None:
        try:
            question, counts = _message.decode(payload)
        except msgspec.MsgspecError:
            log.warning("roll_not_understood", journal_event=event)
            return
        if (answers := self._answers.get(question)) is not None:
            answers.append(counts)


def _most(counts: Iterable[Counts]) -> dict[str, tuple[int, float]]:
    summed: dict[str, tuple[int, float]] = {}
    for one in counts:
        for actor, (count, since) in one.items():
            before, first = summed.get(actor, (0, since))
            summed[actor] = before + count, min(first, since)
    most = sorted(summed.items(), key=lambda item: (-item[1][0], item[0]))
    return dict(most[:ACTORS_MAX])
