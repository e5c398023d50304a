"""An event in which money moves in every way that there is, told through the API."""

from typing import Any

from tests import factories
from tests.event_client import EventClient

# Ids that are legal here and in few other places; the order's even ends a string of beancount.
ODD_HOST = "host_1.x-y"
ODD_ORDER = '"#7\\'
# A team that sorts and reads like a formula, and a host without one.
ROSTER: dict[str, Any] = factories.roster_body(
    teams=[{"id": team, "name": team.title()} for team in ("ruby", "jade", "team-2")],
    hosts=[
        *factories.roster_body()["hosts"],
        {"id": ODD_HOST, "name": "Odd", "team": "team-2"},
        {"id": "solo", "name": "Solo"},
    ],
)
OUTCOME = {"closed_at": "2021-04-10T11:55:00Z"}


def dispute(identity: str, order: str, amount: str, **fields: Any) -> dict[str, Any]:
    times = {"disputed_at": "2021-04-10T11:50:00Z"}
    return {"id": identity, "source": "shop", "order": order, "amount": amount, **times, **fields}


async def tell(event: EventClient) -> None:
    """Into an event opened with ``ROSTER``."""
    await event.ok("POST", "/sessions", {"id": "duo", "hosts": [{"id": "h7", "weight": 2}, {"id": "solo"}]})
    await _orders_and_refunds(event)
    await _disputes(event)
    await event.ok(
        "POST",
        "/reattributions",
        {
            "id": "fix-1",
            "orders": [{"source": "shop", "id": "1005"}],
            "to": [{"host": ODD_HOST}],
            "reason": "another code",
        },
    )


async def _orders_and_refunds(event: EventClient) -> None:
    await event.ok("POST", "/refunds", factories.refund("early", "1002", amount="2.00"))
    await event.ok("POST", "/refunds", factories.refund("nameless", "", amount="7.00"))
    await event.order(identity="1001", host="h7", tax="5.00", tax_included=True)
    await event.order(identity="1002", session="duo", tax="1.25")
    await event.order(identity=ODD_ORDER, host=ODD_HOST, source="pop_up.1-a")
    await event.sell("1003", price="9.99")
    await event.sell("1004", "h8")
    await event.sell("1005", "h8", "20.00")
    await event.sell("gift", "h8", "0.00")
    await event.ok("POST", "/refunds", factories.refund("=2+3", "1001", lines=[{"id": "1", "quantity": 1}]))
    await event.ok("POST", "/refunds", factories.refund("much", "1003", amount="12.00"))
    await event.ok("POST", "/cancellations", factories.cancellation("1004"))
    await event.ok("POST", "/refunds", factories.refund("after", "1004", amount="7.50"))


async def _disputes(event: EventClient) -> None:
    await event.ok("POST", "/disputes", dispute("d-lost", "1002", "3.00", fee="15.00"))
    await event.ok("POST", "/disputes", {"id": "d-lost", "source": "shop", "outcome": "lost", **OUTCOME})
    await event.ok("POST", "/disputes", dispute("d-won", "1005", "20.00"))
    await event.ok("POST", "/disputes", {"id": "d-won", "source": "shop", "outcome": "won", **OUTCOME})
    await event.ok("POST", "/disputes", dispute("d-open", "1001", "1.00"))
    await event.ok("POST", "/disputes", dispute("d-early", "1006", "4.00"))
    await event.sell("1006", "h9", "4.00")
