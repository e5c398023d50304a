"""What is signed about a journal, and the one Ed25519 key of an installation that signs it.

A signature ties a position of a journal to its hash for whoever kept it: a database that says something else later has
been rewritten.
"""

import hashlib
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

CHECKPOINT_TAG = b"kos.checkpoint.1"
PACKAGE_TAG = b"kos.package.1"
ALGORITHM = "Ed25519"

_LENGTH = struct.Struct(">I")
_POSITION = struct.Struct(">Q")
_TIME = struct.Struct(">q")


class Checkpoint(NamedTuple):
    """That the journal of ``event`` had this hash at this position, signed. ``made_at`` in microseconds."""

    event: str
    position: int
    hash: bytes
    made_at: int
    key: str
    signature: bytes


class PublicKey(NamedTuple):
    """The public half of a key that signs or has signed, 32 bytes. ``made_at`` in microseconds."""

    id: str
    public: bytes
    made_at: int


class SigningKey:
    """The key that a seed of 32 bytes gives; the same seed is the same key in every process."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same each time."""
        return self._private.sign(message)


def fingerprint_of(public: bytes) -> str:
    """What people compare: the whole SHA-256 of a public key, 64 hex digits."""
    return hashlib.sha256(public).hexdigest()


def key_id(public: bytes) -> str:
    """The name of a key in checkpoints: the first 16 hex digits of its fingerprint."""
    return fingerprint_of(public)[:16]


def checkpoint_bytes(event: str, position: int, digest: bytes, made_at: int) -> bytes:
    """The bytes that a checkpoint's signature is over, ``digest`` being the hash of the entry. See docs/journal.md."""
    name = event.encode()
    numbers = _POSITION.pack(position), digest, _TIME.pack(made_at)
    return b"".join((CHECKPOINT_TAG, _LENGTH.pack(len(name)), name, *numbers))


def package_bytes(event: str, lines: int, digest: bytes) -> bytes:
    """The bytes that a trailer's signature is over: how many lines stand before it, and their SHA-256."""
    name = event.encode()
    return b"".join((PACKAGE_TAG, _LENGTH.pack(len(name)), name, _POSITION.pack(lines), digest))


def is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature over these bytes was made by the key with this public half."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
