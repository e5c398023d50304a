"""Frames in and out: what the websockets library makes of the same bytes, and what breaks the protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from app.realtime import frames
from app.realtime.frames import BadFrame, read_frame

PAYLOADS = st.binary(max_size=300) | st.sampled_from([b"x" * size for size in (125, 126, 127, 65_535, 65_536)])


def client_frame(opcode: int, payload: bytes, fin: bool = True, mask: bytes = b"abcd") -> bytes:
    """As a client sends it."""
    size = len(payload)
    head = bytes((fin << 7 | opcode,))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 65_536:
        head += bytes((0x80 | 126,)) + size.to_bytes(2, "big")
    else:
        head += bytes((0x80 | 127,)) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


@given(PAYLOADS)
def test_server_frames_are_what_a_client_of_another_library_reads(payload: bytes):
    client = Protocol(CLIENT, state=OPEN)
    client.receive_data(
        frames.text_frame(payload) + frames.control_frame(frames.PONG, payload[:125]) + frames.PING_FRAME
    )
    client.receive_data(frames.close_frame(4502, "ended"))

    received = [event for event in client.events_received() if isinstance(event, Frame)]

    assert [(frame.opcode, bytes(frame.data)) for frame in received] == [
        (Opcode.TEXT, payload),
        (Opcode.PONG, payload[:125]),
        (Opcode.PING, b""),
        (Opcode.CLOSE, Close(4502, "ended").serialize()),
    ]


@given(st.lists(PAYLOADS, max_size=5))
def test_joined_frames_come_apart_again(payloads: list[bytes]):
    joined = b"".join(map(frames.text_frame, payloads)) + frames.PING_FRAME

    assert list(frames.server_frames(joined)) == [*((frames.TEXT, one) for one in payloads), (frames.PING, b"")]


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), PAYLOADS, st.booleans(), st.binary(min_size=4, max_size=4))))
def test_client_frames_are_read_back_one_after_the_other(sent):
    data = b"".join(client_frame(*one) for one in sent)

    read, at = [], 0
    while (frame := read_frame(data, at, 70_000)) is not None:
        read.append((frame.opcode, frame.payload, frame.is_last))
        at = frame.end

    assert read == [(opcode, payload, fin) for opcode, payload, fin, _ in sent]
    assert at == len(data)


@pytest.mark.parametrize("size", [0, 5, 125, 126, 65_535, 65_536])
def test_frame_that_is_not_all_there_is_none(size: int):
    data = client_frame(frames.TEXT, b"x" * size)

    for end in [*range(min(len(data), 20)), len(data) - 1]:
        assert read_frame(data[:end], 0, 70_000) is None
    assert read_frame(data, 0, 70_000) is not None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x05hello", 1002),
        (b"\xc1\x80abcd", 1002),
        (b"\x83\x80abcd", 1002),
        (b"\x8b\x80abcd", 1002),
        (b"\x09\x80abcd", 1002),
        (b"\x89\xfe\x00\x7eabcd", 1002),
        (b"\x81\xfe\x10\x01abcd", 1009),
        (b"\x81\xff\x00\x00\x00\x01\x00\x00\x00\x00abcd", 1009),
    ],
    ids=[
        "not-masked",
        "reserved-bit",
        "reserved-opcode",
        "reserved-control",
        "control-in-parts",
        "long-ping",
        "large",
        "huge",
    ],
)
def test_frame_that_breaks_the_protocol_is_refused_by_its_header(data: bytes, code: int):
    with pytest.raises(BadFrame) as refused:
        read_frame(data, 0, 4_096)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"\x03", 1002), (b"\x03\xe7", 1002), (b"\x03\xed", 1002), (b"\x13\x88", 1002), (b"\x03\xe8\xff", 1007)],
    ids=["one byte", "999", "1005", "5000", "reason not UTF-8"],
)
def test_close_that_may_not_be_sent_is_refused(payload: bytes, code: int):
    with pytest.raises(BadFrame) as refused:
        frames.check_close(payload)

    assert refused.value.code == code


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x0f\xa1", b"\x13\x87"])
def test_close_that_may_be_sent_is_taken(payload: bytes):
    frames.check_close(payload)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_frame_or_refused_or_not_all_there(data: bytes):
    try:
        frame = read_frame(data, 0, 4_096)
    except BadFrame:
        return
    assert frame is None or (0 < frame.end <= len(data) and len(frame.payload) <= frame.end)
