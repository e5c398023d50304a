"""Estimates of different viewers: exact while few, within their bounds when many, the same however they are merged."""

import hashlib
import random
from collections.abc import Sequence

import pytest

from app.challenge import uniques
from app.challenge.uniques import ERROR_PERMILLE, SKETCH_HASHES, estimate, merged, news


def hashes(count: int, seed: int = 0) -> list[bytes]:
    return [hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest() for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 10, SKETCH_HASHES - 1])
def test_few_viewers_are_counted_exactly(count):
    assert estimate(merged(b"", hashes(count))) == (count, count, count)


@pytest.mark.parametrize("count", [SKETCH_HASHES, 10_000, 100_000])
def test_many_viewers_lie_within_the_bounds_that_are_told(count):
    found = [estimate(merged(b"", hashes(count, seed))) for seed in range(5)]

    assert all(one.low <= count <= one.high for one in found)
    assert all(abs(one.viewers - count) * 1_000 <= ERROR_PERMILLE * count for one in found)
    # Not as wide as to be always right.
    assert all((one.high - one.low) * 1_000 <= 2 * ERROR_PERMILLE * one.viewers + 2_000 for one in found)


def test_of_a_hundred_audiences_ninety_or_more_lie_within_the_bounds():
    found = [estimate(merged(b"", hashes(3_000, seed))) for seed in range(100)]

    assert sum(one.low <= 3_000 <= one.high for one in found) >= 90


def test_parts_merge_to_the_sketch_of_the_whole_in_any_order_and_however_often():
    viewers = hashes(20_000)
    whole = merged(b"", viewers)
    parts: list[Sequence[bytes]] = [viewers[:9_000], viewers[5_000:], viewers[100:200], viewers[:9_000]]
    random.Random(1).shuffle(parts)
    sketch = b""
    for part in parts:
        sketch = merged(sketch, part)

    assert sketch == whole


def test_what_each_minute_adds_is_all_that_is_needed_and_becomes_little():
    viewers, chance = hashes(50_000), random.Random(2)
    sketch, added = b"", []
    for _ in range(100):
        minute = chance.sample(viewers, 5_000)
        new = news(sketch, minute)
        assert merged(sketch, minute) == merged(sketch, uniques.hashes_of(uniques.written(new)))
        sketch = merged(sketch, minute)
        added.append(len(new) // 8)

    assert sketch == merged(b"", {one for one in viewers if one <= sketch[-8:]})
    assert added[0] == SKETCH_HASHES
    assert sum(added[50:]) < 10


@pytest.mark.parametrize(
    "text",
    [
        *("x", "####", "AAAA", "AAAAAAAAAA"),
        uniques.written(b"\x02" * 8 + b"\x01" * 8),
        uniques.written(b"\x01" * 8 + b"\x01" * 8),
        uniques.written(b"".join(number.to_bytes(8) for number in range(SKETCH_HASHES + 1))),
        uniques.written(b"\x01" * 8) + "\n",
        "AAAAAAAAAAB=",
    ],
)
def test_what_is_no_sketch_is_refused(text):
    with pytest.raises(ValueError, match="not"):
        uniques.hashes_of(text)
