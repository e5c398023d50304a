"""Bodies that were damaged on their way, and batches in which some items are poison: the rest is not touched."""

import gzip
import json
from random import Random
from typing import Any

import pytest

from tests import factories
from tests.event_client import EventClient
from tests.servers import LONG

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEED = 20_210_418
ITEMS = 500
# One line of NDJSON each, and what is wrong with it.
POISON = {
    "nul in an id": b'{"id":"a\\u0000b","source":"shop"}',
    "nul byte": b'{"id":"p1","code":"a\x00b"}',
    "lone surrogate": b'{"id":"p2","code":"\\ud800"}',
    "surrogate as UTF-8": b'{"id":"p3","code":"\xed\xa0\x80"}',
    "not UTF-8": b'{"id":"p4","code":"\xff"}',
    "2^63 pieces": b'{"id":"p5","lines":[{"quantity":9223372036854775808,"unit_price":"1.00"}]}',
    "2^63 minor units": b'{"id":"p6","total":"92233720368547758.08"}',
    "1e400": b'{"id":"p7","tax":1e400}',
    "NaN": b'{"id":"p8","tax":NaN}',
    "cut off": b'{"id":"p9","source":',
    "time of a shop": b'{"id":"p10","paid_at":"2021-04-10 11: 28: 07"}',
    "no object": b"[]",
}  # fmt: skip


def ndjson(order: dict[str, Any]) -> bytes:
    return json.dumps(order).encode()


async def refused_without_a_trace(event: EventClient, content: bytes, **headers: str) -> int:
    """Its status; whatever it is, no entry was written."""
    head = await event.head()
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    response = await event.client.post(f"{event.path}/orders", content=content, headers=named)

    assert 400 <= response.status_code < 500, f"{content[:80]!r}: {response.status_code} {response.text[:200]}"
    assert response.json()["code"]
    assert await event.head() == head
    return response.status_code


async def test_poison_in_a_batch_of_500_fails_alone(event: EventClient):
    random = Random(SEED)
    good = [ndjson(factories.simple_order(f"{number}", "h7", "1.00")) for number in range(ITEMS - len(POISON))]
    lines = [(line, True) for line in good] + [(line, False) for line in POISON.values()]
    random.shuffle(lines)

    response = await event.client.post(
        f"{event.path}/orders/batch",
        content=b"\n".join(line for line, _ in lines),
        headers={"Content-Type": "application/x-ndjson"},
    )

    results = response.json()["results"]
    assert [result["status"] == 201 for result in results] == [is_good for _, is_good in lines]
    assert all(result["code"] for result in results if result["status"] != 201)
    assert {result["status"] for result in results} <= {201, 400, 422}
    assert await event.scores() == {"h7": f"{len(good)}.00"}
    assert await event.scores("hosts.orders") == {"h7": len(good)}


async def test_body_cut_off_anywhere_is_refused_without_a_trace(event: EventClient):
    body = ndjson(factories.order(host="h7", code="MEI20", buyer="ann"))

    for size in range(0, len(body), 1 if LONG else 7):
        assert await refused_without_a_trace(event, body[:size]) in (400, 422)


async def test_body_with_a_flipped_bit_is_taken_as_it_reads_or_refused(event: EventClient):
    """A flip may make another order that is sound: then it says so. It is never an error of the server."""
    body = ndjson(factories.order("flip", host="h7"))

    for at in range(0, len(body), 1 if LONG else 3):
        flipped = body[:at] + bytes([body[at] ^ 4]) + body[at + 1 :]
        response = await event.client.post(f"{event.path}/orders", content=flipped)

        assert response.status_code in (200, 201, 400, 409, 422), f"{flipped!r}: {response.text}"
        if response.is_success:
            said = json.loads(flipped)
            order = (await event.ok("GET", f"/orders/{said['source']}/{said['id']}"))["order"]
            assert order == said["id"]


async def test_compressed_body_is_not_unpacked(event: EventClient):
    """50 kB that would be 50 MB."""
    bomb = gzip.compress(b"[" + b" " * 50_000_000, compresslevel=9)

    assert await refused_without_a_trace(event, bomb, content_encoding="gzip") in (400, 413, 415, 422)


async def test_body_of_ten_megabytes_is_too_large(event: EventClient):
    large = ndjson(factories.order(host="h7", code="x" * 10_000_000))

    assert await refused_without_a_trace(event, large) == 413
