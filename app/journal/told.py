"""A committed batch as other processes are told of it: the entries themselves, or only how far the journal goes."""

from collections.abc import Sequence

import msgspec

from app.journal.entry import Entry, entry_hash, parsed

# Larger ones are read from the database: a message goes to every process, and each one waits behind it.
BATCH_BYTES_MAX = 256 << 10
# What an entry takes beside its body: hash, numbers, and texts that are bounded.
_FIELDS_BYTES = 256

# Position, kind, key, occurred_at, recorded_at, actor, body, hash: an entry without what all of the batch share.
_Fields = tuple[int, str, str, int, int, str, bytes, bytes]


class _Told(msgspec.Struct, array_like=True):
    position: int
    prev_hash: bytes
    entries: list[_Fields]


class Told(msgspec.Struct):
    """The journal goes up to ``position`` at least; ``entries`` are the last ones before that, or none."""

    position: int
    entries: list[Entry]


_decoder = msgspec.msgpack.Decoder(_Told)


def encode(entries: Sequence[Entry]) -> bytes:
    """Committed entries that follow each other, at least one; only the last position if they are too large."""
    size = sum(len(entry.body) + _FIELDS_BYTES for entry in entries)
    told = entries if size <= BATCH_BYTES_MAX else ()
    fields = [(e.position, e.kind, e.key, e.occurred_at, e.recorded_at, e.actor, e.body, e.hash) for e in told]
    return msgspec.msgpack.encode(_Told(entries[-1].position, entries[0].prev_hash, fields))


def decode(event: str, payload: bytes) -> Told:
    """What another process told of this event.

    Errors: ValueError if it cannot be read, or if its entries are not those that their hashes say, each after the
    one before.
    """
    told = _decoder.decode(payload)
    entries, prev_hash = [], told.prev_hash
    for number, (position, kind, key, occurred_at, recorded_at, actor, body, said) in enumerate(told.entries, 1):
        try:
            hashed = entry_hash(event, position, kind, key, occurred_at, recorded_at, actor, body, prev_hash)
        except Exception as error:
            raise ValueError(f"entry {position} cannot be hashed: {error}") from error
        if hashed != said or position != told.position - len(told.entries) + number:
            raise ValueError(f"entry {position} is not what its hash says")
        entries.append(
            Entry(event, position, kind, key, occurred_at, recorded_at, actor, body, prev_hash, said, parsed(body))
        )
        prev_hash = said
    return Told(told.position, entries)
