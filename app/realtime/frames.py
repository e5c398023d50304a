"""WebSocket frames (RFC 6455) as this server needs them: unmasked out, masked in, without extensions. Pure."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from websockets.speedups import apply_mask

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

PROTOCOL_ERROR: Final = 1002
NOT_UTF8: Final = 1007
TOO_LARGE: Final = 1009
INTERNAL_ERROR: Final = 1011

# A ping without a payload: any byte that comes back is an answer.
PING_FRAME: Final = b"\x89\x00"

_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


class BadFrame(Exception):
    """What the peer sent breaks the protocol; the connection ends with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ClientFrame(NamedTuple):
    """One frame of a client, unmasked; ``end`` is where the next one begins."""

    end: int
    is_last: bool
    opcode: int
    payload: bytes


def text_frame(payload: bytes) -> bytes:
    """A whole text message of the server."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def control_frame(opcode: int, payload: bytes) -> bytes:
    """A close, ping or pong of the server. Shape: ``payload`` has at most 125 bytes."""
    return bytes((0x80 | opcode, len(payload))) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Shape: ``reason`` has at most 123 bytes."""
    return control_frame(CLOSE, code.to_bytes(2, "big") + reason.encode())


def server_frames(joined: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of each of our own joined frames, for a server that frames by itself."""
    at = 0
    while at < len(joined):
        size, head = joined[at + 1], 2
        if size == 126:
            size, head = int.from_bytes(joined[at + 2 : at + 4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(joined[at + 2 : at + 10], "big"), 10
        yield joined[at] & 15, joined[at + head : at + head + size]
        at += head + size


def read_frame(data: bytes, at: int, payload_bytes_max: int) -> ClientFrame | None:
    """The frame that begins at ``at``, None while it is not all there.

    Errors: BadFrame: not masked, reserved bits or opcodes, a control frame in parts or over 125 bytes (1002), a payload
    over its limit (1009), told from the header alone.
    """
    available = len(data) - at
    if available < 2:
        return None
    first, second = data[at], data[at + 1]
    opcode, size, head = first & 15, second & 127, 6
    is_control = opcode > 7
    if second < 128 or first & 0x70 or 2 < opcode < 8 or opcode > 10 or (is_control and (size > 125 or first < 128)):
        raise BadFrame(PROTOCOL_ERROR)
    if size == 126:
        if available < 4:
            return None
        size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 8
    elif size == 127:
        if available < 10:
            return None
        size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 14
    if size > payload_bytes_max:
        raise BadFrame(TOO_LARGE)
    if available < head + size:
        return None
    body = at + head
    return ClientFrame(body + size, first > 127, opcode, apply_mask(data[body : body + size], data[body - 4 : body]))


def check_close(payload: bytes) -> None:
    """Errors: BadFrame for a close whose code or reason may not be sent."""
    if not payload:
        return
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in _CLOSE_CODES or 3000 <= code < 5000):
        raise BadFrame(PROTOCOL_ERROR)
    decoded(payload[2:])


def decoded(payload: bytes) -> str:
    """Errors: BadFrame 1007."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise BadFrame(NOT_UTF8) from None
