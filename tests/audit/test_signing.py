"""Signatures: the bytes that are documented, over everything that they are about."""

import struct

import pytest

from app.audit.signing import (
    SigningKey,
    checkpoint_bytes,
    fingerprint_of,
    is_signed,
    key_id,
    package_bytes,
)

KEY = SigningKey(bytes(range(32)))


def test_same_seed_is_the_same_key_and_another_seed_another():
    assert SigningKey(bytes(range(32))).public == KEY.public
    assert SigningKey(bytes(32)).public != KEY.public
    assert KEY.id == key_id(KEY.public) == fingerprint_of(KEY.public)[:16]
    assert len(fingerprint_of(KEY.public)) == 64


def test_signed_bytes_are_those_of_the_document():
    expected = b"kos.checkpoint.1" + struct.pack(">I", 4) + "kös".encode() + struct.pack(">Q", 7) + b"h" * 32
    expected += struct.pack(">q", -3)

    assert checkpoint_bytes("kös", 7, b"h" * 32, -3) == expected
    assert package_bytes("k", 9, b"d" * 32) == b"kos.package.1" + b"\0\0\0\1k" + struct.pack(">Q", 9) + b"d" * 32


@pytest.mark.parametrize("change", ["event", "position", "hash", "made_at"])
def test_signature_holds_for_nothing_but_what_was_signed(change: str):
    said = {"event": "kos101", "position": 7, "hash": b"h" * 32, "made_at": 5}
    signature = KEY.sign(checkpoint_bytes(*said.values()))  # type: ignore[arg-type]
    other = said | {change: {"event": "kos102", "position": 8, "hash": b"i" * 32, "made_at": 6}[change]}

    assert is_signed(KEY.public, signature, checkpoint_bytes(*said.values()))  # type: ignore[arg-type]
    assert not is_signed(KEY.public, signature, checkpoint_bytes(*other.values()))  # type: ignore[arg-type]
    assert not is_signed(SigningKey(bytes(32)).public, signature, checkpoint_bytes(*said.values()))  # type: ignore[arg-type]


def test_what_is_no_key_and_no_signature_is_not_signed():
    message = checkpoint_bytes("kos101", 7, b"h" * 32, 5)

    assert not is_signed(b"short", KEY.sign(message), message)
    assert not is_signed(KEY.public, b"short", message)
