"""The facts of the worked examples in docs/ledger.md, posted to a server as a shop and finance would."""

from typing import Any

from tests.event_client import EventClient

TEAMS = [{"id": "ruby", "name": "Ruby"}, {"id": "jade", "name": "Jade"}]
HOSTS = [
    {"id": "lin", "name": "Lin", "team": "ruby"},
    {"id": "yue", "name": "Yue", "team": "ruby"},
    {"id": "bo", "name": "Bo", "team": "jade"},
]
ROSTER: dict[str, Any] = {"teams": TEAMS, "hosts": HOSTS}
BACK_AT = "2021-04-12T09:00:00Z"


def order(identity: str, price: str, host: str = "", quantity: int = 1, **fields: Any) -> dict[str, Any]:
    seller = {"host": host} if host else {}
    lines = [{"id": "1", "quantity": quantity, "unit_price": price}]
    about = {"source": "shop", "paid_at": "2021-04-10T11:00:00Z", "currency": "GBP"}
    return {"id": identity, **about, "lines": lines, **seller, **fields}


def refund(identity: str, order: str, **fields: Any) -> dict[str, Any]:
    return {"id": identity, "source": "shop", "order": order, "refunded_at": BACK_AT, **fields}


def dispute(identity: str, order: str, amount: str) -> dict[str, Any]:
    about = {"source": "shop", "order": order, "disputed_at": BACK_AT}
    return {"id": identity, **about, "amount": amount, "fee": "15.00"}


def outcome(identity: str, outcome: str) -> dict[str, Any]:
    return {"id": identity, "source": "shop", "outcome": outcome, "closed_at": "2021-05-20T09:00:00Z"}


SPRING: list[tuple[str, dict[str, Any]]] = [
    ("/sessions", {"id": "night", "hosts": [{"id": "lin", "weight": 2}, {"id": "bo", "weight": 1}]}),
    ("/orders", order("1001", "25.00", quantity=2, session="night", shipping="3.99", tax="1.00")),
    ("/refunds", refund("r-1", "1001", lines=[{"id": "1", "quantity": 1}])),
    ("/refunds", refund("r-2", "1001", amount="10.00")),
    ("/refunds", refund("r-3", "1002", amount="5.00")),
    ("/orders", order("1002", "20.00", "yue")),
    ("/orders", order("1003", "12.00", "yue")),
    ("/refunds", refund("r-4", "1003", amount="15.00")),
    ("/orders", order("1004", "30.00", "bo")),
    ("/cancellations", {"source": "shop", "order": "1004", "cancelled_at": BACK_AT}),
    ("/refunds", refund("r-5", "1004", amount="30.00")),
    ("/orders", order("1005", "40.00", "lin")),
    ("/disputes", dispute("d-1", "1005", "40.00")),
    ("/disputes", outcome("d-1", "won")),
    ("/orders", order("1006", "25.00", "bo")),
    ("/disputes", dispute("d-2", "1006", "25.00")),
    ("/disputes", outcome("d-2", "lost")),
    ("/orders", order("1007", "18.00", "yue")),
    (
        "/reattributions",
        {
            "id": "fix-1",
            "orders": [{"source": "shop", "id": "1007"}],
            "to": [{"host": "bo"}],
            "reason": "the poster had the wrong code",
        },
    ),
]
SUMMER: list[tuple[str, dict[str, Any]]] = [
    ("/orders", order("2001", "80.00", "lin")),
    ("/orders", order("2002", "33.35", "yue")),
    ("/refunds", refund("r-6", "2001", amount="20.00")),
    ("/releases", {"id": "week-1"}),
    ("/payouts", {"id": "p-1", "host": "lin", "amount": "6.00"}),
    ("/payouts/p-1/fail", {"reason": "the account was closed"}),
    ("/payouts", {"id": "p-2", "host": "lin", "amount": "6.00"}),
    ("/statements", {"id": "july"}),
    ("/refunds", refund("r-7", "2001", amount="60.00")),
    ("/adjustments", {"id": "bonus", "host": "lin", "amount": "50.00", "reason": "the best newcomer"}),
    ("/statements", {"id": "august"}),
]


async def tell(spring: EventClient, summer: EventClient) -> None:
    """``spring`` pays no commission, ``summer`` a tenth."""
    await spring.open(ROSTER)
    await summer.open(ROSTER, rules={"commission": {"bps": 1000, "hold_days": 14}})
    for event, said in ((spring, SPRING), (summer, SUMMER)):
        for path, body in said:
            await event.ok("POST", path, body)
