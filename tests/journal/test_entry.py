"""Canonical bytes and hashes, held to values that only the standard library computed."""

import hashlib
import json
import random
import struct
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvariantError
from app.journal.entry import (
    ZERO_HASH,
    Entry,
    canonical_bytes,
    content_digest,
    content_hash,
    entry_hash,
    epoch_of,
    fast_canonical_bytes,
    rehash,
)

FIRST = "31634848465f3aa2934a5e60ec98f4fae6e2a3a190fad5f53865ae5263072c5d"
SECOND = "22db6bf4982d14f365021c14529f72eb49aa57f2569097ad9b2387b0be164937"
EXTREME = "802445ca763879070c1eab2b1f9375ca3a98bbca2616f2dd7c1e9aef3e1644c8"

GOLDEN: list[tuple[str, dict[str, Any]]] = [
    (
        FIRST,
        {
            "event": "kos101",
            "position": 1,
            "kind": "event.created",
            "key": "event:kos101",
            "occurred_at": 1_616_716_800_000_000,
            "recorded_at": 1_616_716_800_000_001,
            "actor": "key:ops",
            "body": {"name": "KOS101", "currency": "GBP"},
            "prev_hash": ZERO_HASH,
        },
    ),
    (
        SECOND,
        {
            "event": "kos101",
            "position": 2,
            "kind": "order.paid",
            "key": "order:shop:1001",
            "occurred_at": -1,
            "recorded_at": 1_616_716_800_000_002,
            "actor": "key:shop",
            "body": {
                "z": [1, -2, True, False, [], {}],
                "a": {"é": "中文 \U0001f600", '\x00\n"\\/': "\x7f\u2028"},
                "n": -(2**63),
            },
            "prev_hash": bytes.fromhex(FIRST),
        },
    ),
    (
        EXTREME,
        {
            "event": "",
            "position": 2**64 - 1,
            "kind": "",
            "key": "",
            "occurred_at": -(2**63),
            "recorded_at": 2**63 - 1,
            "actor": "",
            "body": {},
            "prev_hash": b"\xff" * 32,
        },
    ),
]


def reference_bytes(body: Any) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def reference_hash(of: dict[str, Any]) -> str:
    """The definition once more, in the standard library's words."""
    body = reference_bytes(of["body"])
    hashed = b"kos.entry.1" + of["prev_hash"] + struct.pack(">Q", of["position"])
    hashed += struct.pack(">qqI", of["occurred_at"], of["recorded_at"], len(body)) + body
    for text in (of["event"], of["kind"], of["key"], of["actor"]):
        hashed += struct.pack(">I", len(text.encode())) + text.encode()
    return hashlib.sha256(hashed).hexdigest()


def entry_of(of: dict[str, Any]) -> Entry:
    body = canonical_bytes(of["body"])
    own = entry_hash(**(of | {"body": body}))
    return Entry(**(of | {"body": body}), hash=own, content=of["body"])


@pytest.mark.parametrize(("expected", "of"), GOLDEN, ids=["first", "second", "extreme"])
def test_hash_of_golden_entry_is_the_recorded_one(expected: str, of: dict[str, Any]):
    assert entry_of(of).hash.hex() == expected
    assert reference_hash(of) == expected


CHANGES: dict[str, Any] = {
    "event": "kos102",
    "position": 3,
    "kind": "order.refunded",
    "key": "order:shop:1002",
    "occurred_at": 0,
    "recorded_at": 1,
    "actor": "key:shoq",
    "body": b"{}",
    "prev_hash": bytes(32),
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_is_hashed(field: str):
    entry = entry_of(GOLDEN[1][1])

    changed = replace(entry, **{field: CHANGES[field]})

    assert rehash(entry) == entry.hash
    assert rehash(changed) != entry.hash
    assert {item.name for item in fields(Entry)} - {"hash", "content"} == set(CHANGES)


def test_text_moved_from_one_field_to_the_next_changes_the_hash():
    entry = entry_of(GOLDEN[1][1])

    assert rehash(replace(entry, kind=entry.kind + "o", key=entry.key[1:])) != entry.hash


texts = st.text(st.characters(exclude_categories=["Cs"]))
integers = st.integers(-(2**63), 2**63 - 1)
values = st.recursive(
    st.one_of(texts, integers, st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=5)),
    max_leaves=30,
)
bodies = st.dictionaries(texts, values, max_size=8)


@given(bodies)
def test_canonical_bytes_are_those_of_the_standard_library(body: dict[str, Any]):
    assert canonical_bytes(body) == reference_bytes(body)
    assert fast_canonical_bytes(body) == reference_bytes(body)


@given(bodies, st.randoms(use_true_random=False))
def test_canonical_bytes_do_not_depend_on_the_order_of_keys(body: dict[str, Any], chance: random.Random):
    items = list(body.items())
    chance.shuffle(items)

    assert canonical_bytes(dict(items)) == canonical_bytes(body)


@given(bodies)
def test_canonical_bytes_read_back_are_the_body(body: dict[str, Any]):
    assert json.loads(canonical_bytes(body)) == body


@given(
    st.fixed_dictionaries(
        {
            "event": texts,
            "position": st.integers(0, 2**64 - 1),
            "kind": texts,
            "key": texts,
            "occurred_at": integers,
            "recorded_at": integers,
            "actor": texts,
            "body": bodies,
            "prev_hash": st.binary(min_size=32, max_size=32),
        }
    )
)
def test_hash_of_any_entry_is_the_one_of_the_definition(of: dict[str, Any]):
    assert entry_of(of).hash.hex() == reference_hash(of)


@pytest.mark.parametrize(
    "bad",
    [1.0, float("nan"), None, 2**63, -(2**63) - 1, b"bytes", {1: "one"}, {None: 1}, {"deep": [{"er": None}]}],
    ids=repr,
)
def test_value_that_readers_disagree_about_is_refused(bad: Any):
    with pytest.raises(InvariantError):
        canonical_bytes({"value": bad})


def test_epoch_is_the_first_hash_in_eight_hex_digits():
    assert epoch_of(bytes.fromhex(FIRST)) == "31634848"


def test_about_is_read_from_the_content():
    entry = entry_of(GOLDEN[0][1])

    assert entry.about is None
    assert replace(entry, content={"about": "order:shop:1"}).about == "order:shop:1"


def test_content_digest_ignores_order_positions_and_clocks_only():
    first, second = entry_of(GOLDEN[0][1]), entry_of(GOLDEN[1][1])
    moved = replace(first, position=9, occurred_at=9, recorded_at=9, actor="x", prev_hash=b"", hash=b"")

    def digest(*entries: Entry) -> str:
        return content_digest(map(content_hash, entries))

    assert digest(first, second) == digest(second, moved)
    for changed in (replace(first, kind="x"), replace(first, key="x"), replace(first, body=b"{}")):
        assert digest(changed, second) != digest(first, second)
    assert digest(first) != digest(first, first)
    assert content_digest([]) == hashlib.sha256().hexdigest()
