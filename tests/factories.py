"""Bodies of API calls for one small event, KOS101's month in 2021; a test names only the fields that matter to it."""

from datetime import UTC, datetime
from typing import Any

STARTS_AT = "2021-03-26T00:00:00+08:00"
# Ends after the test's own time, so that no clock of a real server ends it.
ENDS_AT = "2099-01-01T00:00:00+08:00"
# A day inside, and what the clock of an application in the test's process says.
NOW = datetime(2021, 4, 10, 12, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
PAID_AT = "2021-04-10T11:00:00Z"


def event_body(event: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": event,
        "name": "KOS101",
        "currency": "GBP",
        "timezone": "Asia/Shanghai",
        "starts_at": STARTS_AT,
        "ends_at": ENDS_AT,
        "rules": {},
        **fields,
    }


def roster_body(**fields: Any) -> dict[str, Any]:
    """Two teams of two; h7 and h8 have codes."""
    return {
        "teams": [{"id": "ruby", "name": "Ruby"}, {"id": "jade", "name": "Jade"}],
        "hosts": [
            {"id": "h7", "name": "Lin", "team": "ruby", "codes": ["LIN10"]},
            {"id": "h8", "name": "Mei", "team": "jade", "codes": ["MEI20"]},
            {"id": "h9", "name": "Yue", "team": "ruby"},
            {"id": "h10", "name": "Jia", "team": "jade"},
        ],
        **fields,
    }


def line(**fields: Any) -> dict[str, Any]:
    return {"quantity": 1, "unit_price": "10.00", **fields}


def order(identity: str = "1001", **fields: Any) -> dict[str, Any]:
    """Two lipsticks at 17.00 and 3.50 shipping, sold by nobody unless ``host``, ``code`` or ``session`` say so."""
    return {
        "id": identity,
        "source": "shop",
        "paid_at": PAID_AT,
        "currency": "GBP",
        "lines": [{"id": "1", "sku": "RUBY-WOO", "title": "Lipstick", "quantity": 2, "unit_price": "17.00"}],
        "shipping": "3.50",
        **fields,
    }


def simple_order(identity: str, host: str = "", price: str = "10.00", **fields: Any) -> dict[str, Any]:
    """One line, one piece, nothing else."""
    seller = {"host": host} if host else {}
    return {
        "id": identity,
        "source": "shop",
        "paid_at": PAID_AT,
        "currency": "GBP",
        "lines": [{"quantity": 1, "unit_price": price}],
        **seller,
        **fields,
    }


def refund(identity: str = "r-1", order: str = "1001", **fields: Any) -> dict[str, Any]:
    """Of an order of ``order``; give it an ``amount``, ``lines`` or both."""
    return {"id": identity, "source": "shop", "order": order, "refunded_at": "2021-04-10T11:30:00Z", **fields}


def cancellation(order: str = "1001", **fields: Any) -> dict[str, Any]:
    return {"source": "shop", "order": order, "cancelled_at": "2021-04-10T11:40:00Z", **fields}
