"""The words of the stream: what clients may send, what they are sent, and the codes a connection closes
with. Pure.

Whoever changes a message changes ``docs/protocol.md`` with it.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Final

import msgspec
import orjson

from app.errors import AppError, BadRequest, Invalid
from app.realtime.frames import text_frame

SUBPROTOCOL: Final = "kos.v1"

# Integers that JavaScript holds exactly.
_INTEGER_MAX: Final = 2**53 - 1

Id = Annotated[int, msgspec.Meta(ge=0, le=_INTEGER_MAX)] | Annotated[str, msgspec.Meta(max_length=64)]
ChannelName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:#/-]{0,249}\Z")]
Position = Annotated[int, msgspec.Meta(ge=0, le=_INTEGER_MAX)]
Epoch = Annotated[str, msgspec.Meta(max_length=64)]


class CloseCode(IntEnum):
    """Why the server closed. 4000-4499: come back with your positions. 4500-4999: do not."""

    UNAVAILABLE = 4001
    TOO_MANY_MESSAGES = 4003
    UNAUTHORIZED = 4501
    # Or there was none, and nothing that was followed is public any more.
    TOKEN_ENDED = 4502


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe", frozen=True):
    """Follow a channel. ``position`` and ``epoch`` say what the client already holds, if anything."""

    channel: ChannelName
    id: Id | None = None
    position: Position | None = None
    epoch: Epoch | None = None


class Unsubscribe(msgspec.Struct, tag_field="type", tag="unsubscribe", frozen=True):
    channel: ChannelName
    id: Id | None = None


class Ping(msgspec.Struct, tag_field="type", tag="ping", frozen=True):
    id: Id | None = None


class Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat", frozen=True):
    """Somebody watches. ``viewer`` makes several connections one viewer."""

    channel: ChannelName
    id: Id | None = None
    viewer: Annotated[str, msgspec.Meta(max_length=64)] | None = None


Inbound = Subscribe | Unsubscribe | Ping | Heartbeat
_INBOUND_TYPES: Final = ("subscribe", "unsubscribe", "ping", "heartbeat")


class _Outline(msgspec.Struct):
    """As much of a message as an error can be hung on."""

    type: Any = None
    id: Any = None


_inbound: msgspec.json.Decoder[Inbound] = msgspec.json.Decoder(Inbound)
_outline = msgspec.json.Decoder(_Outline)
_id: msgspec.json.Decoder[int | str] = msgspec.json.Decoder(Id)


def decode(text: str) -> Inbound:
    """One message of a client. Members it does not know are left alone, so that newer clients may send them.

    Errors: BadRequest ``message_not_json``; Invalid ``message_type_unknown`` and ``message_invalid``.
    """
    try:
        return _inbound.decode(text)
    except msgspec.ValidationError as error:
        raise _why_invalid(text, error) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise BadRequest("message_not_json", "Send one JSON object per text message.") from None


def id_of(text: str) -> int | str | None:
    """The ``id`` of a message that could not be taken, so that its sender knows which one it was."""
    try:
        return _id.decode(msgspec.json.encode(_outline.decode(text).id))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def _why_invalid(text: str, error: msgspec.ValidationError) -> AppError:
    try:
        kind = _outline.decode(text).type
    except msgspec.MsgspecError:
        return Invalid("message_invalid", "A message is a JSON object.")
    if kind not in _INBOUND_TYPES:
        return Invalid("message_type_unknown", f"`type` is one of {', '.join(_INBOUND_TYPES)}.", "type")
    return Invalid("message_invalid", f"{error}.")


# A message as it is sent, framed and encoded once and shared by everyone it goes to.
Frame = bytes


def _frame(message: dict[str, Any]) -> Frame:
    return text_frame(orjson.dumps(message))


def encoded(document: dict[str, Any]) -> orjson.Fragment:
    """A snapshot or delta as JSON that any number of messages can hold without encoding it again."""
    return orjson.Fragment(orjson.dumps(document))


@dataclass(frozen=True, slots=True)
class Body:
    """What brings a client to ``position``: a snapshot, or a delta for a client at ``previous``.

    ``reset`` says that the client's position belongs to another epoch or lies beyond the journal's head.
    """

    epoch: str
    position: int
    content: orjson.Fragment
    previous: int | None = None
    reset: bool = False

    @property
    def is_delta(self) -> bool:
        return self.previous is not None

    @property
    def kind(self) -> str:
        return "delta" if self.is_delta else "reset" if self.reset else "snapshot"


@dataclass(frozen=True, slots=True)
class LiveBody:
    """What a live channel shows: always the whole, as of ``time``."""

    time: str
    content: orjson.Fragment
    kind: ClassVar = "snapshot"


def subscribed(identity: int | str | None, channel: str, body: Body | LiveBody) -> Frame:
    """The answer to a subscribe."""
    message = _with_id({"type": "subscribed"}, identity) | {"channel": channel}
    if isinstance(body, LiveBody):
        return _frame(message | _live(body))
    message |= {"epoch": body.epoch, "position": body.position}
    return _frame(message | _content(body))


def publication(channel: str, body: Body | LiveBody) -> Frame:
    """One step of a followed channel: a delta that names where it starts; seldom, or of a live one, a snapshot."""
    message: dict[str, Any] = {"type": "publication", "channel": channel}
    if isinstance(body, LiveBody):
        return _frame(message | _live(body))
    if body.is_delta:
        message["previous"] = body.previous
    else:
        message["epoch"] = body.epoch
    message["position"] = body.position
    return _frame(message | _content(body))


def _content(body: Body) -> dict[str, Any]:
    if body.is_delta:
        return {"delta": body.content}
    return {"reset": True, "snapshot": body.content} if body.reset else {"snapshot": body.content}


def _live(body: LiveBody) -> dict[str, Any]:
    return {"time": body.time, "snapshot": body.content}


def unsubscribed(identity: int | str | None, channel: str) -> Frame:
    return _frame(_with_id({"type": "unsubscribed"}, identity) | {"channel": channel})


def pong(identity: int | str | None, time: str | None = None) -> Frame:
    """``time`` is the server's, for clients whose own clock is wrong: RFC 3339, UTC, six digits after the second."""
    message = _with_id({"type": "pong"}, identity)
    return _frame(message if time is None else message | {"time": time})


def failure(error: AppError, identity: int | str | None) -> Frame:
    """An error message. The connection stays; ``retryable`` says that the same message may succeed later."""
    message = _with_id({"type": "error"}, identity) | {"code": error.code, "message": error.detail}
    if error.retryable:
        message["retryable"] = True
    return _frame(message)


def _with_id(message: dict[str, Any], identity: int | str | None) -> dict[str, Any]:
    return message if identity is None else message | {"id": identity}
