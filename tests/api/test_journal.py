"""The journal over HTTP: pages, NDJSON, and that it can be recounted from what is sent."""

import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import factories
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


def microseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def hash_of(event: str, entry: dict[str, Any]) -> str:
    """The published rule, written down a second time."""
    body = json.dumps(entry["body"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    times = microseconds(entry["occurred_at"]), microseconds(entry["recorded_at"])
    hashed = b"kos.entry.1" + bytes.fromhex(entry["prev_hash"])
    hashed += struct.pack(">QqqI", entry["position"], *times, len(body)) + body
    for text in (event, entry["kind"], entry["key"], entry["actor"]):
        hashed += struct.pack(">I", len(text.encode())) + text.encode()
    return hashlib.sha256(hashed).hexdigest()


async def test_journal_holds_every_field_of_every_entry(event: EventClient):
    await event.sell("1", "h7")

    page = await event.ok("GET", "/journal", after=4)

    assert {name: page[name] for name in ("event", "head")} == {"event": event.id, "head": 5}
    (entry,) = page["entries"]
    assert entry == {
        "position": 5,
        "kind": "order.paid",
        "key": "order:shop:1",
        "occurred_at": "2021-04-10T11:00:00.000000Z",
        "recorded_at": entry["recorded_at"],
        "actor": "key:admin",
        "body": {
            "candidates": [{"by": "host", "id": "h7", "outcome": "won"}],
            "credits": [{"amount": 1000, "host": "h7", "line": "1", "reason": "host", "team": "ruby", "units": 1}],
            "fact": {
                "currency": "GBP",
                "host": "h7",
                "id": "1",
                "lines": [{"id": "1", "quantity": 1, "unit_price": 1000}],
                "paid_at": 1618052400000000,
                "source": "shop",
            },
            "rules": 1,
        },
        "prev_hash": entry["prev_hash"],
        "hash": (await event.head())[1],
    }


async def test_chain_can_be_recomputed_from_what_is_sent(event: EventClient):
    await event.order(host="h7", lines=[factories.line(title="Rouge à lèvres 口红")], buyer="ada")
    await event.ok("POST", "/refunds", factories.refund(amount="1.00"))
    await event.ok("POST", "/cancellations", factories.cancellation())

    entries = await event.entries()

    before = "00" * 32
    for entry in entries:
        assert entry["prev_hash"] == before
        assert entry["hash"] == hash_of(event.id, entry), entry
        before = entry["hash"]
    assert [entry["recorded_at"] for entry in entries] == sorted({entry["recorded_at"] for entry in entries})


async def test_pages_join_without_a_gap_and_end_empty(event: EventClient):
    for number in range(6):
        await event.sell(f"{number}", "h7")

    pages = [(await event.ok("GET", "/journal", after=after, limit=4))["entries"] for after in (0, 4, 8, 10)]

    assert [[entry["position"] for entry in page] for page in pages] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], []]


async def test_ndjson_is_the_same_entries_one_per_line(event: EventClient):
    await event.sell("1", "h7")
    headers = {"Accept": "application/x-ndjson"}

    response = await event.client.get(f"{event.path}/journal", headers=headers)

    assert response.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in response.text.splitlines()] == await event.entries()


@pytest.mark.parametrize(
    "params", [{"after": -1}, {"after": "x"}, {"limit": 0}, {"limit": 10_001}, {"after": 2**63}, {"after": ""}]
)
async def test_page_that_cannot_be_is_refused(event: EventClient, params):
    response = await event.get("/journal", **params)

    assert (response.status_code, response.json()["field"]) == (422, next(iter(params)))
