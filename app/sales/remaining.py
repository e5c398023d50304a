"""What is left of one order: its shares, and every entry about it folded onto them. Pure.

An order is a list of shares: per line one for each credited host (or House) and one for the tax it contains, then
shipping and tax of the order. Every refund and dispute is split over *what remains* of them, so shares never go below
zero and end at zero together (decision 0004). A cancellation moves what is left to Cancelled-Pending; what follows is
paid from there and no longer touches a host. A dispute that is won gives back what it took. An order in another
currency than its event's is kept twice: what is left of it in its own says what is left in the event's (decision 0012).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import InvariantError
from app.sales.facts import line_amounts
from app.sales.rates import Rate, valued


@dataclass(slots=True)
class Share:
    """One part of an order: ``of`` is sale, tax or shipping, or line; ``line`` is "" for a part of the whole order.

    A share of line is one line whole, with the tax it contains: as the order's own currency has it.

    Units: ``left`` in minor units is still refundable; ``units`` are still counted for the host; ``gross`` is what it
    was credited with; ``disputed`` is what open disputes hold of it. Commission is
    ``bps`` basis points of ``base``, in proportion to what is left of ``gross``.
    """

    of: str
    line: str
    host: str
    team: str
    left: int
    units: int
    gross: int = 0
    disputed: int = 0
    bps: int = 0
    base: int = 0


@dataclass(slots=True)
class Own:
    """An order in its own currency: ``left`` of its lines, shipping and tax, and the ``rate`` it was booked at.

    ``worth``: of each bucket at the beginning, in its own currency and in the event's.
    """

    currency: str
    rate: Rate
    left: "Remaining"
    worth: dict[str, tuple[int, int]]


@dataclass(slots=True)
class Remaining:
    """What is left of one order after all entries about it; fold it with ``remaining_of``."""

    key: str
    source: str
    paid_at: int
    shares: list[Share]
    quantity: dict[str, int]
    skus: dict[str, str]
    worth: int
    over: int = 0
    cancelled: bool = False
    closed: bool = False
    # Commission booked up to now, by host.
    commission: dict[str, int] = field(default_factory=dict)
    # Of each open dispute, by its key, what it took of which share.
    _disputes: dict[str, list[tuple[Share, int]]] = field(default_factory=dict)
    # (host, team) of all for whom it counts as an order while it is one.
    sellers: list[tuple[str, str]] = field(default_factory=list)
    # By kind of share, line, host and team.
    index: dict[tuple[str, str, str, str], Share] = field(default_factory=dict)
    # Places in ``shares`` by bucket, made once: a large order is refunded line by line.
    buckets: dict[str, list[int]] = field(default_factory=dict)
    # Of each line that contains tax, at the beginning: what was sold and the tax.
    taxed: dict[str, tuple[int, int]] = field(default_factory=dict)
    # Only if it is not in the event's currency.
    own: Own | None = None

    def left(self, line: str | None = None) -> int:
        """Refundable minor units of one line, or of the order."""
        if line is None:
            return sum(share.left for share in self.shares)
        return sum(self.shares[index].left for index in self.buckets.get(line, ()))

    @property
    def status(self) -> str:
        """``paid``, ``partly_refunded``, ``refunded`` or ``cancelled``."""
        if self.cancelled:
            return "cancelled"
        if self.closed:
            return "refunded"
        return "paid" if self.left() == self.worth else "partly_refunded"

    @property
    def is_disputed(self) -> bool:
        """Whether a dispute of it is open."""
        return bool(self._disputes)

    def contestable(self, line: str) -> int:
        """What one line is worth to a refund by quantity: what is left of it, and what is only disputed."""
        return sum(self.shares[index].left + self.shares[index].disputed for index in self.buckets.get(line, ()))

    def take(self, content: Mapping[str, Any], kind: str, key: str = "") -> None:
        """Apply what was decided about the order: a refund, match, cancellation, dispute, or the end of one."""
        if content.get("parked"):
            return
        self.book(content)
        if self.own is not None:
            self._take_own(self.own, content, kind, key)
        if kind == "dispute.closed":
            self._end_dispute(content)
            return
        if kind == "order.reattributed":
            self._reattribute(content)
            return
        taken_by_share = []
        is_open_dispute = kind == "order.disputed" and not content.get("lost")
        for taken in content["shares"]:
            share = self._share(taken)
            share.units -= taken.get("units", 0)
            if kind != "order.cancelled":
                share.left -= taken["amount"]
            if is_open_dispute:
                share.disputed += taken["amount"]
                taken_by_share.append((share, taken["amount"]))
            self._check(share)
        for line, quantity in content.get("returned", {}).items():
            self.quantity[line] -= quantity
        if is_open_dispute:
            self._disputes[content.get("of", key)] = taken_by_share
        self.over += content.get("over", 0)
        self.cancelled = self.cancelled or kind == "order.cancelled"
        self.closed = self.closed or "closed" in content

    def _take_own(self, own: Own, content: Mapping[str, Any], kind: str, key: str) -> None:
        """The same of the order in its own currency. Who sold it and whether it is cancelled is nothing to that."""
        if kind in ("order.reattributed", "order.cancelled"):
            return
        said = {name: content[name] for name in ("of", "lost") if name in content}
        own.left.take({"shares": (), **content.get("own", {}), **said}, kind, key)

    def book(self, content: Mapping[str, Any]) -> None:
        """Note the commission that an entry booked."""
        for change in content.get("commission", ()):
            self.commission[change["host"]] = self.commission.get(change["host"], 0) + change["amount"]

    def _end_dispute(self, content: Mapping[str, Any]) -> None:
        for share, amount in self._disputes.pop(content["of"], ()):
            share.disputed -= amount
        for given in content.get("shares", ()):
            share = self._share(given)
            share.left += given["amount"]
            share.units += given.get("units", 0)
            self._check(share)
        self.over -= content.get("over", 0)
        self.closed = self.closed and "reopened" not in content

    def _reattribute(self, content: Mapping[str, Any]) -> None:
        for name, sign in (("taken", -1), ("given", 1)):
            for part in content[name]:
                key = ("sale", part["line"], part["host"], part["team"])
                if key not in self.index:
                    self._add(Share(*key, 0, 0, bps=part.get("bps", 0)))
                share = self.index[key]
                share.left += sign * part["amount"]
                share.units += sign * part["units"]
                share.gross += sign * part["gross"]
                share.base += sign * part.get("base", part["gross"])
        for share in self.shares:
            self._check(share)
        self.sellers = [(seller["host"], seller["team"]) for seller in content["after"]]

    def _add(self, share: Share) -> None:
        self.buckets.setdefault(bucket_of(share), []).append(len(self.shares))
        self.shares.append(share)
        self.index[share.of, share.line, share.host, share.team] = share

    def _share(self, document: Mapping[str, Any]) -> Share:
        return self.index[document["of"], document["line"], document.get("host", ""), document.get("team", "")]

    def _check(self, share: Share) -> None:
        if share.left < 0 or share.units < 0:
            raise InvariantError(f"{self.key}: more taken from {share.of} {share.line} than was there")


def remaining_of(entries: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Remaining | None:
    """Fold (kind, key, content) of the entries about one order, in journal order; None if it is not there yet."""
    remaining: Remaining | None = None
    for kind, key, content in entries:
        if kind == "order.paid":
            remaining = opened(key, content)
        elif remaining is not None and not kind.startswith("claim."):
            remaining.take(content, kind, key)
    return remaining


def opened(key: str, content: Mapping[str, Any]) -> Remaining:
    """An order of which nothing was taken yet, from its ``order.paid``."""
    fact = valued(content)
    order = Remaining(
        key=key,
        source=fact["source"],
        paid_at=fact["paid_at"],
        shares=[],
        quantity={line["id"]: line["quantity"] for line in fact["lines"]},
        skus={line["id"]: line["sku"] for line in fact["lines"] if "sku" in line},
        worth=0,
        sellers=list(dict.fromkeys((credit["host"], credit["team"]) for credit in content["credits"])),
    )
    for credit in content["credits"]:
        amount = credit["amount"]
        share = Share("sale", credit["line"], credit["host"], credit["team"], amount, credit["units"], amount)
        share.bps, share.base = credit.get("bps", 0), credit.get("base", amount)
        order._add(share)
    for line, (net, tax) in zip(fact["lines"], line_amounts(fact), strict=True):
        if tax:
            order.taxed[line["id"]] = net, tax
            order._add(Share("tax", line["id"], "", "", tax, 0))
    if fact.get("shipping"):
        order._add(Share("shipping", "", "", "", fact["shipping"], 0))
    if fact.get("tax") and not fact.get("tax_included"):
        order._add(Share("tax", "", "", "", fact["tax"], 0))
    order.worth = order.left()
    order.book(content)
    if "value" in content:
        order.own = _own(order, content)
    return order


def _own(order: Remaining, content: Mapping[str, Any]) -> Own:
    fact = content["fact"]
    # What came back of each line is the same in every currency, and counted once.
    left = Remaining(order.key, order.source, order.paid_at, [], order.quantity, {}, 0)
    for line in fact["lines"]:
        amount = line["quantity"] * line["unit_price"] - line.get("discount", 0)
        left._add(Share("line", line["id"], "", "", amount, 0))
    left._add(Share("shipping", "", "", "", fact.get("shipping", 0), 0))
    left._add(Share("tax", "", "", "", 0 if fact.get("tax_included") else fact.get("tax", 0), 0))
    left.worth = left.left()
    worth = {bucket: (left.left(bucket), order.left(bucket)) for bucket in left.buckets}
    return Own(fact["currency"], content["rate"], left, worth)


def bucket_of(share: Share) -> str:
    """A line is one bucket with all its shares, so that co-hosts never change what their line gives."""
    return share.line or f" {share.of}"
