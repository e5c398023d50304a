"""A subscriber as server-sent events: for where sockets are blocked. The same messages, named by their type.

``id:`` says where its client stands in each channel, so that ``Last-Event-ID`` brings it back by delta.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import orjson
from starlette.types import Receive, Send

from app.errors import Invalid
from app.realtime import frames, trouble
from app.realtime.asgi import QueuedTransport
from app.realtime.messages import CloseCode, Subscribe
from app.realtime.subscriber import Subscriber

# Proxies end a response that says nothing for a minute or less.
KEEPALIVE_SECONDS: Final = 15.0
_COMMENT: Final = b":\n\n"
_NOWHERE: Final = "-"
# One walk hands the same bytes to every follower of a channel; a few channels are walked at a time.
_WALKS_MAX: Final = 16


class _Head(msgspec.Struct):
    """As much of a message as its event is named and numbered by."""

    type: str
    channel: str = ""
    epoch: str | None = None
    position: int | None = None


class _Event(NamedTuple):
    """One frame as an event that lacks only its id; ``text`` is empty for what is no message."""

    opcode: int
    head: _Head
    text: bytes
    payload: bytes


class ServerConnection(Protocol):
    """The server's own connection under a response, where the server lets us reach it."""

    transport: asyncio.Transport

    def follow_shutdown(self, subscriber: Subscriber | None) -> None:
        """Have this one told when the server stops; nobody any more for None."""
        ...


_head = msgspec.json.Decoder(_Head)
_NO_HEAD = _Head("")


@lru_cache(maxsize=_WALKS_MAX)
def _events_of(joined: bytes) -> tuple[_Event, ...]:
    """The frames as events: made once for all that these very bytes are written to."""
    found = []
    for opcode, payload in frames.server_frames(joined):
        head, text = _NO_HEAD, b""
        if opcode == frames.TEXT:
            head = _head.decode(payload)
            text = b"event: " + head.type.encode() + b"\ndata: " + payload + b"\n"
        found.append(_Event(opcode, head, text, payload))
    return tuple(found)


def requests_of(channels: Sequence[str], last_event_id: str) -> list[Subscribe]:
    """What a client asks for by its URL and the id of the last event it saw; an id that is not of ours says nothing.

    Shape: one per channel, in order and numbered from 0. Errors: Invalid ``invalid_value``.
    """
    places = last_event_id.split(",")
    if len(places) != len(channels):
        places = [_NOWHERE] * len(channels)
    found = []
    for number, (channel, place) in enumerate(zip(channels, places, strict=True)):
        asked: dict[str, Any] = {"type": "subscribe", "id": number, "channel": channel}
        try:
            plain = msgspec.convert(asked, Subscribe)
        except msgspec.ValidationError:
            raise Invalid("invalid_value", f"{channel[:120]!r} cannot be a channel's name.", "channel") from None
        epoch, _, position = place.rpartition(":")
        # No other letters: what a client says here is said back to it in a line of its own.
        if epoch.isascii() and epoch.isalnum() and position.isascii() and position.isdecimal():
            with suppress(msgspec.ValidationError):
                plain = msgspec.convert(asked | {"epoch": epoch, "position": int(position[:20])}, Subscribe)
        found.append(plain)
    return found


class EventsTransport(QueuedTransport):
    """A response that never ends by itself. ``connection`` is what it runs on, None on any other server than ours."""

    def __init__(
        self, receive: Receive, send: Send, requests: Sequence[Subscribe], connection: ServerConnection | None
    ) -> None:
        super().__init__()
        self._receive = receive
        self._respond = send
        self._connection = connection
        # Where the client stands, as it will tell us; in the order in which it named the channels.
        self._places = {
            one.channel: _NOWHERE if one.position is None else f"{one.epoch}:{one.position}" for one in requests
        }
        self._epochs = {one.channel: one.epoch or "" for one in requests}
        self._said_at = 0.0

    async def begin(self, headers: Sequence[tuple[bytes, bytes]], retry_ms: int) -> None:
        """Answer that the events follow."""
        await self._respond({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await self._say(b"retry: %d\n\n" % retry_ms)

    async def serve(self, subscriber: Subscriber) -> None:
        if self._connection is not None:
            self._connection.follow_shutdown(subscriber)
        try:
            await super().serve(subscriber)
        finally:
            if self._connection is not None:
                self._connection.follow_shutdown(None)

    async def _read(self, subscriber: Subscriber) -> None:
        while True:
            # What it sends with its request, or after it, is nothing to us.
            event = await self._receive()
            if event["type"] == "http.disconnect":
                return

    async def _send(self, joined: bytes, subscriber: Subscriber) -> bool:
        said: list[bytes] = []
        for event in _events_of(joined):
            if event.opcode == frames.CLOSE:
                said.append(_close_event(event.payload))
                await self._say(b"".join(said), is_last=True)
                return False
            if event.opcode == frames.TEXT:
                said += [event.text, self._id_after(event.head), b"\n"]
                if event.head.type == "unsubscribed" and not subscriber.channels:
                    # It cannot ask for another channel, so nothing would ever come any more.
                    trouble.dropped("not_public")
                    subscriber.close(CloseCode.TOKEN_ENDED, "nothing that was followed is public any more")
            # Nobody can answer a ping here; that it got this far says that the client reads.
            subscriber.is_live = True
        if said:
            await self._say(b"".join(said))
        return True

    async def _idle(self) -> None:
        try:
            async with asyncio.timeout_at(self._said_at + KEEPALIVE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            await self._say(_COMMENT)

    async def _say(self, data: bytes, is_last: bool = False) -> None:
        await self._respond({"type": "http.response.body", "body": data, "more_body": not is_last})
        self._said_at = asyncio.get_running_loop().time()

    def _id_after(self, head: _Head) -> bytes:
        """The id of an event that leaves the client at a position; an error leaves it where it was."""
        if head.channel not in self._places:
            return b""
        if head.epoch is not None:
            self._epochs[head.channel] = head.epoch
        if head.position is not None:
            self._places[head.channel] = f"{self._epochs[head.channel]}:{head.position}"
        return f"id: {','.join(self._places.values())}\n".encode()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if self._connection is None:
            return default
        return self._connection.transport.get_extra_info(name, default)

    def abort(self) -> None:
        if self._connection is None:
            super().abort()
            return
        # The server tells that the client is gone, and by that `serve` ends.
        self._is_closing = True
        self._connection.transport.abort()


def _close_event(payload: bytes) -> bytes:
    told = {"code": int.from_bytes(payload[:2], "big"), "reason": payload[2:].decode()}
    return b"event: close\ndata: " + orjson.dumps(told) + b"\n\n"
