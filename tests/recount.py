"""The boards of an event counted again from its entries, the slow way: write every change down, sum, sort.

Shares no code with ``app.challenge``. What was decided (credits, shares) is taken as it is; when an order stops
counting is worked out here from its money, not read from the entries.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.journal.entry import Entry

HOUSE, NO_TEAM = "House", "-"
TAKEN = ("order.refunded", "refund.matched", "order.cancelled", "order.disputed", "dispute.closed")


class Change(NamedTuple):
    """What one entry did to one seller in one measure, on the day of the order; ``host`` is "" for the event itself."""

    position: int
    day: str
    measure: str
    host: str
    team: str
    amount: int


@dataclass
class Sold:
    """One order as the recount knows it."""

    day: str
    worth: int
    sellers: list[tuple[str, str]]
    quantities: dict[str, int]
    taken: int = 0
    ended: bool = False
    cancelled: bool = False


@dataclass
class Recount:
    """Every change of every score up to the entry that made the event final."""

    changes: list[Change] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    status_of: dict[str, str] = field(default_factory=dict)

    def days(self) -> set[str]:
        return {change.day for change in self.changes}

    def scores(self, of: str, measure: str, day: str = "") -> dict[str, tuple[int, int]]:
        """Score of every host or team, House and NO_TEAM included, and the position at which it was reached."""
        steps: dict[str, Counter[int]] = {identity: Counter() for identity in self._everybody(of)}
        for change in [*self._of(measure, day), *self._of(f"{measure} of {of}", day)]:
            if change.host:
                identity = change.host if of == "host" or change.host == HOUSE else change.team
                own = steps.setdefault(identity, Counter())
                # An order counts once for a team, whoever of it sold.
                own[change.position] = change.amount + (0 if change.measure == "orders" else own[change.position])
        return {
            identity: (own.total(), max((at for at, amount in own.items() if amount), default=0))
            for identity, own in steps.items()
        }

    def board(self, of: str, measure: str, day: str = "", shared: bool = False) -> dict[str, Any]:
        """Rows ``(rank, id, score)`` and the sums of a board, as integers."""
        scores = self.scores(of, measure, day)
        hidden = [NO_TEAM] if of == "team" else [h for h, status in self.status_of.items() if status != "active"]
        ranked = [identity for identity in scores if identity not in hidden and identity != HOUSE]
        ranked.sort(key=lambda name: (-scores[name][0], 0 if shared else scores[name][1], name.encode()))
        points = [scores[identity][0] for identity in ranked]
        ranks = [points.index(point) + 1 if shared else place for place, point in enumerate(points, 1)]
        all_of_it = [change for change in self._of(measure, day) if measure != "orders" or not change.host]
        return {
            "rows": list(zip(ranks, ranked, points, strict=True)),
            "house": scores.get(HOUSE, (0, 0))[0],
            "excluded": sum(scores.get(identity, (0, 0))[0] for identity in hidden),
            "total": sum(change.amount for change in all_of_it),
        }

    def _everybody(self, of: str) -> Iterable[str]:
        return self.status_of if of == "host" else self.teams

    def _of(self, measure: str, day: str) -> Iterable[Change]:
        return (change for change in self.changes if change.measure == measure and day in ("", change.day))

    def count(self, position: int, sold: "Sold", amount: int) -> None:
        """An order that counts, or counts no more: once for the event and for each of its sellers."""
        for host, team in [("", ""), *sold.sellers]:
            self.changes.append(Change(position, sold.day, "orders", host, team, amount))


def local_day(at: int, timezone: str) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return moment.astimezone(ZoneInfo(timezone)).date().isoformat()


def recount(entries: Iterable[Entry], timezone: str = "UTC") -> Recount:
    """Walk the entries once and write down what each of them changed."""
    counted = Recount()
    orders: dict[str, Sold] = {}
    for entry in entries:
        content = entry.content
        if entry.kind == "roster.changed":
            counted.teams += [team for team in content.get("teams", ()) if team not in counted.teams]
            counted.status_of |= {host["id"]: host["status"] for host in content.get("hosts", ())}
        elif entry.kind == "event.moved" and content["to"] == "final":
            break
        elif entry.kind == "order.paid":
            orders[entry.key] = paid(counted, entry.position, content, timezone)
        elif entry.kind == "order.reattributed":
            reattributed(counted, entry, orders[content["about"]])
        elif entry.kind in TAKEN and not content.get("parked") and content.get("outcome") != "lost":
            taken(counted, entry, orders[content["about"]])
    return counted


def paid(counted: Recount, position: int, content: dict[str, Any], timezone: str) -> Sold:
    fact, credits = content["fact"], content["credits"]
    gross = sum(item["quantity"] * item["unit_price"] - item.get("discount", 0) for item in fact["lines"])
    tax = 0 if fact.get("tax_included") else fact.get("tax", 0)
    sold = Sold(
        local_day(fact["paid_at"], timezone),
        gross + fact.get("shipping", 0) + tax,
        sorted({(credit["host"], credit["team"]) for credit in credits}),
        {item["id"]: item["quantity"] for item in fact["lines"]},
    )
    for credit in credits:
        for measure, name in (("gross_sales", "amount"), ("net_sales", "amount"), ("units", "units")):
            change = Change(position, sold.day, measure, credit["host"], credit["team"], credit[name])
            counted.changes.append(change)
    counted.count(position, sold, 1)
    return sold


def reattributed(counted: Recount, entry: Entry, sold: Sold) -> None:
    content = entry.content
    measures = (("gross_sales", "gross"), ("net_sales", "amount"), ("units", "units"))
    for part_name, sign in (("taken", -1), ("given", 1)):
        for part in content[part_name]:
            for measure, name in measures:
                change = Change(entry.position, sold.day, measure, part["host"], part["team"], sign * part[name])
                counted.changes.append(change)
    sellers = sorted((seller["host"], seller["team"]) for seller in content["after"])
    for of, place in (("host", 0), ("team", 1)):
        before, after = (
            {HOUSE if seller[0] == HOUSE else seller[place] for seller in s} for s in (sold.sellers, sellers)
        )
        for identity, step in [*((left, -1) for left in before - after), *((new, 1) for new in after - before)]:
            host = HOUSE if identity == HOUSE else identity if of == "host" else "*"
            counted.changes.append(Change(entry.position, sold.day, f"orders of {of}", host, identity, step))
    sold.sellers = sellers


def taken(counted: Recount, entry: Entry, sold: Sold) -> None:
    content = entry.content
    step = 1 if entry.kind == "dispute.closed" else -1
    for share in content.get("shares", ()):
        if share["of"] == "sale" and not content.get("pending"):
            for measure, name in (("net_sales", "amount"), ("units", "units")):
                change = Change(entry.position, sold.day, measure, share["host"], share["team"], step * share[name])
                counted.changes.append(change)
    # Whether anything is left is counted in the order's own currency.
    own = content.get("own", content)
    if entry.kind == "dispute.closed":
        sold.taken -= sum(share["amount"] for share in own.get("shares", ()))
    elif entry.kind != "order.cancelled":
        sold.taken += own["amount"] - own.get("over", 0)
    for line, quantity in content.get("returned", {}).items():
        sold.quantities[line] -= quantity
    gone = sold.taken == sold.worth if sold.worth else not any(sold.quantities.values())
    sold.cancelled = sold.cancelled or entry.kind == "order.cancelled"
    if sold.ended != (sold.cancelled or gone):
        sold.ended = not sold.ended
        counted.count(entry.position, sold, -1 if sold.ended else 1)
