"""The event that is measured and its orders: the same in every run, made from numbers alone.

60 hosts in 6 teams, sales heavy-tailed as they are on air. An order has two lines and a code, 330 bytes; ids ascend
as those of a shop do. It leads to one entry and two postings.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

from app.shops.csv_orders import read_facts
from app.shops.maps import load_map

EVENT = "bench"
HOSTS = 60
TEAMS = 6
BATCH = 500
_RETAIL = Path(__file__).parent.parent / "tests" / "data" / "online-retail-2010-12.csv.gz"
_PRODUCTS = (
    ("LIP-01", "170.00"),
    ("PAL-07", "420.00"),
    ("FND-21", "360.00"),
    ("BLU-03", "245.00"),
    ("MAS-11", "235.00"),
    ("SET-99", "680.00"),
)


def event_body(now: datetime) -> dict[str, Any]:
    """An event that began yesterday, so that no order is paid in the future."""
    starts_at = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    return {
        "id": EVENT,
        "name": "Measured",
        "currency": "CNY",
        "timezone": "Asia/Shanghai",
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(days=32)).isoformat(),
        "rules": {},
    }


def roster_body() -> dict[str, Any]:
    return {
        "teams": [{"id": f"t{number}", "name": f"Team {number}"} for number in range(TEAMS)],
        "hosts": [
            {"id": f"h{number}", "name": f"Host {number}", "team": f"t{number % TEAMS}", "codes": [f"KOS{number:02}"]}
            for number in range(HOSTS)
        ],
    }


class Orders:
    """An endless sequence of orders; two with the same prefix are the same sequence."""

    def __init__(self, prefix: str, started_at: datetime) -> None:
        self._prefix = prefix
        self._next = 0
        chance = Random(prefix)
        weights = [1 / (rank + 1) for rank in range(HOSTS)]
        self._codes = [f"KOS{host:02}" for host in chance.choices(range(HOSTS), weights, k=4096)]
        self._minutes = [
            (started_at.astimezone(UTC) + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M") for minute in range(600)
        ]

    def one(self) -> bytes:
        """The next order as JSON."""
        number = self._next
        self._next += 1
        sku, price = _PRODUCTS[number % 6]
        other, other_price = _PRODUCTS[(number // 6 + 1) % 6]
        minute = self._minutes[number // 60_000 % 600]
        return (
            f'{{"id":"{self._prefix}-{number:09}","source":"shop",'
            f'"paid_at":"{minute}:{number // 1000 % 60:02}.{number % 1000:03}Z","currency":"CNY","lines":['
            f'{{"id":"1","sku":"{sku}","quantity":{number % 3 + 1},"unit_price":"{price}"}},'
            f'{{"id":"2","sku":"{other}","quantity":1,"unit_price":"{other_price}","discount":"20.00"}}],'
            f'"code":"{self._codes[number % 4096]}"}}'
        ).encode()

    def singles(self, count: int) -> Iterator[bytes]:
        return (self.one() for _ in range(count))

    def batches(self, count: int) -> Iterator[bytes]:
        """Bodies of ``BATCH`` orders, as JSON arrays."""
        return (b"[" + b",".join(self.singles(BATCH)) + b"]" for _ in range(count))


class RealOrders:
    """The orders of a real shop that can be taken, again and again, each time with other ids; 26 lines on average.

    Not those of nothing but gifts: they change no board, so no follower is told of them.
    """

    def __init__(self, prefix: str, started_at: datetime) -> None:
        hosts = [f"h{number}" for number in range(HOSTS)]
        reading = read_facts(_RETAIL, load_map("online-retail"), hosts)
        bodies = (fact.body for fact in reading.facts if fact.kind == "orders")
        self._bodies = [body for body in bodies if _is_sale(body["lines"])]
        self._prefix = prefix
        self._started_at = started_at.astimezone(UTC)
        self._next = 0

    def one(self) -> bytes:
        number = self._next
        self._next += 1
        body = self._bodies[number % len(self._bodies)]
        paid_at = (self._started_at + timedelta(milliseconds=number)).isoformat(timespec="milliseconds")
        return orjson.dumps({**body, "id": f"{self._prefix}-{number:09}", "paid_at": paid_at})

    def singles(self, count: int) -> Iterator[bytes]:
        return (self.one() for _ in range(count))


def _is_sale(lines: list[dict[str, Any]]) -> bool:
    return all(line["quantity"] > 0 for line in lines) and any(float(line["unit_price"]) > 0 for line in lines)
