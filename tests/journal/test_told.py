"""What a process tells of a committed batch: whole if it is small, only a position if not, and checked when heard."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from app.journal.told import BATCH_BYTES_MAX, decode, encode
from tests import histories
from tests.book import Book

Spoil = Callable[[list], None]


def sold(count: int) -> Book:
    book = histories.opened()
    for number in range(count):
        book.sell(id=f"o{number}")
    return book


def test_batch_is_heard_as_it_was_committed():
    entries = sold(3).entries[2:]

    told = decode(entries[0].event, encode(entries))

    assert told.entries == entries
    assert told.position == entries[-1].position


def test_batch_above_the_limit_tells_only_how_far_the_journal_goes():
    entry = sold(1).entries[-1]
    small = replace(entry, body=bytes(BATCH_BYTES_MAX - 256))
    large = replace(entry, body=bytes(BATCH_BYTES_MAX - 255))

    assert len(encode([small])) > BATCH_BYTES_MAX - 256
    assert decode(entry.event, encode([large])).entries == []
    assert decode(entry.event, encode([large])).position == entry.position


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told[2][0].__setitem__(6, told[2][0][6].replace(b"o0", b"o9")),
        lambda told: told[2][0].__setitem__(0, told[2][0][0] + 1),
        lambda told: told[2][0].__setitem__(0, -1),
        lambda told: told[2][0].__setitem__(2, "order:shop:x"),
        lambda told: told[2][1].__setitem__(7, bytes(32)),
        lambda told: told[2].reverse(),
        lambda told: told[2].pop(0),
        lambda told: told.__setitem__(1, bytes(32)),
        lambda told: told.__setitem__(0, told[0] + 1),
        lambda told: told.__setitem__(0, "5"),
        lambda told: told.pop(),
    ],
)
def test_batch_that_was_changed_on_its_way_is_refused(spoil: Spoil):
    entries = sold(3).entries[-3:]
    told = msgspec.msgpack.decode(encode(entries))
    spoil(told)

    with pytest.raises(ValueError):  # noqa: PT011, which of its words is of no interest
        decode(entries[0].event, msgspec.msgpack.encode(told))


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x93\x01", b"{}", bytes(1_000)])
def test_garbage_is_refused(payload: bytes):
    with pytest.raises(ValueError):  # noqa: PT011
        decode("kos101", payload)


def test_batch_of_another_event_is_refused():
    entries = sold(1).entries

    with pytest.raises(ValueError, match="not what its hash says"):
        decode("another", encode(entries))
