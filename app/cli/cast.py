"""The seeded event of ``kos up``: its teams, hosts, products, and an endless, repeatable stream of orders. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

EVENT = "kos101"
SOURCE = "demo"
CURRENCY = "CNY"
ZONE = "Asia/Shanghai"
TEAMS = {
    "ruby": "Ruby",
    "coral": "Coral",
    "amber": "Amber",
    "jade": "Jade",
    "indigo": "Indigo",
    "violet": "Violet",
}
HOSTS_PER_TEAM = 10
_SURNAMES = ("Lin", "Chen", "Wang", "Zhao", "Liu", "Huang", "Zhou", "Wu", "Xu", "Sun")
_GIVEN = ("Yue", "Mei", "Anran", "Jia", "Xinyi", "Ting")
_PRODUCTS = (
    ("LIP-01", "Velvet lipstick, ruby", "170.00"),
    ("LIP-02", "Velvet lipstick, brick", "170.00"),
    ("PAL-07", "Nine-pan eye palette", "420.00"),
    ("FND-21", "Fluid foundation, 21N", "360.00"),
    ("BLU-03", "Powder blush, peach", "245.00"),
    ("MAS-11", "Lengthening mascara", "235.00"),
    ("SET-99", "Finale gift set", "680.00"),
)
# Products of a show that have an offer, with its price.
_OFFERS = {"LIP-01": "149.00", "SET-99": "599.00"}
_GOALS: dict[str, dict[str, Any]] = {
    "event": {"title": "Half a million together", "of": "event", "measure": "net_sales", "target": "500000.00"},
    "ruby": {"title": "Ruby: 150 orders", "of": "team", "target_id": "ruby", "measure": "orders", "target": 150},
}
_ANNOUNCEMENT = "Gift sets at a special price in the studio, for a quarter of an hour."
SHOW_MINUTES = 15
_REFUND_SHARE = 0.03
_CODE_SHARE = 0.85
_BUYER_COUNT = 5_000


@dataclass(frozen=True, slots=True)
class Action:
    """One call to make: ``path`` behind the event's address, and its body."""

    path: str
    body: dict[str, Any]


def event_body(now: datetime) -> dict[str, Any]:
    """A challenge of 32 days that began this morning."""
    starts_at = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "id": EVENT,
        "name": "KOS101",
        "currency": CURRENCY,
        "timezone": ZONE,
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(days=32)).isoformat(),
        "rules": {"public_channels": ["boards", "hosts", "orders", "sessions", "state", "viewers"]},
    }


def roster_body() -> dict[str, Any]:
    """Six teams of ten hosts, each with a discount code of their own."""
    hosts = []
    for number in range(len(TEAMS) * HOSTS_PER_TEAM):
        name = f"{_SURNAMES[number % len(_SURNAMES)]} {_GIVEN[number // len(_SURNAMES)]}"
        hosts.append(
            {
                "id": f"h{number + 1}",
                "name": name,
                "team": list(TEAMS)[number % len(TEAMS)],
                "codes": [_code(number)],
            }
        )
    return {"teams": [{"id": team, "name": name} for team, name in TEAMS.items()], "hosts": hosts}


def show(number: int, prefix: str, now: datetime) -> list[Action]:
    """Two sessions with what is pinned and offered in them for ``SHOW_MINUTES``; other hosts for each ``number``.

    And what the event is to reach, and what it says to everybody: the same for every show.
    """
    until = (now + timedelta(minutes=SHOW_MINUTES)).isoformat()
    found = [Action("goals", {"id": identity, **goal}) for identity, goal in _GOALS.items()]
    said = {"id": f"{prefix}-{number}", "text": _ANNOUNCEMENT, "until": until}
    found.append(Action("announcements", said))
    for place, name in enumerate(("studio", "counter")):
        session = f"{prefix}-{name}-{number}"
        first = (number * 14 + place * 7 + 6) % (len(TEAMS) * HOSTS_PER_TEAM)
        # A session of two, and one of one.
        hosts = [{"id": f"h{first + 1}"}, {"id": f"h{first + 2}"}][: 2 - place]
        found.append(Action("sessions", {"id": session, "hosts": hosts}))
        for sku, title, price in _PRODUCTS[place::2][:2] + _PRODUCTS[-1:] * (1 - place):
            pin = {"session": session, "sku": sku, "title": title, "price": price, "code": _code(first)}
            found.append(Action("pins", pin))
            if reduced := _OFFERS.get(sku):
                offer = {"id": f"{session}-{sku}", "session": session, "sku": sku, "price": reduced, "ends_at": until}
                found.append(Action("offers", offer))
    return found


def actions(seed: int, prefix: str) -> Iterator[Action]:
    """Orders without end, and now and then a refund of one of the last; ids begin with ``prefix``.

    Sales are heavy-tailed as they are on air: a few hosts sell most, and who is hot changes.
    """
    random = Random(seed)  # noqa: S311 (a demonstration, not a secret)
    count = len(TEAMS) * HOSTS_PER_TEAM
    heat = [random.paretovariate(1.2) for _ in range(count)]
    recent: list[str] = []
    number = 0
    while True:
        number += 1
        if number % 25 == 0:
            heat[random.randrange(count)] = random.paretovariate(1.0)
        if recent and random.random() < _REFUND_SHARE:
            yield _refund(recent.pop(random.randrange(len(recent))), f"{prefix}-r{number}")
            continue
        seller = random.choices(range(count), heat)[0]
        order = _order(random, f"{prefix}-{number}", seller)
        recent = [*recent[-50:], order.body["id"]]
        yield order


def _order(random: Random, identity: str, seller: int) -> Action:
    lines: list[dict[str, Any]] = []
    for number, (sku, title, price) in enumerate(random.sample(_PRODUCTS, random.choice((1, 1, 1, 2, 3))), 1):
        lines.append(
            {
                "id": str(number),
                "sku": sku,
                "title": title,
                "quantity": random.choice((1, 1, 1, 2, 3)),
                "unit_price": price,
            }
        )
    total = sum((Decimal(line["unit_price"]) * line["quantity"] for line in lines), Decimal(0))
    shipping = Decimal("12.00") if total < 300 else Decimal("0.00")
    body: dict[str, Any] = {
        "id": identity,
        "source": SOURCE,
        "currency": CURRENCY,
        "lines": lines,
        "shipping": str(shipping),
        "total": str(total + shipping),
        "buyer": f"buyer-{random.randrange(_BUYER_COUNT)}",
    }
    if random.random() < _CODE_SHARE:
        body["code"] = _code(seller)
    return Action("orders", body)


def _refund(order: str, identity: str) -> Action:
    return Action("refunds", {"id": identity, "source": SOURCE, "order": order, "lines": [{"id": "1", "quantity": 1}]})


def _code(number: int) -> str:
    return f"{_SURNAMES[number % len(_SURNAMES)].upper()}{number + 1}"


def now_text() -> str:
    """The present as the API takes it."""
    return datetime.now(UTC).isoformat()
