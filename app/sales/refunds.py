"""What is left of an order and what a refund or a cancellation takes from it, to the last minor unit. Pure.

An order is a list of shares: per line one for each credited host (or House) and one for the tax it contains, then
shipping and tax of the order. Every refund is split over *what remains* of them, so shares never go below zero and
end at zero together (decision 0004). A cancellation moves what is left to Cancelled-Pending; refunds that follow are
paid from there and no longer touch a host.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import Conflict, Invalid, InvariantError
from app.sales.facts import line_amounts, order_key
from app.sales.money import split

# Each refund folds all entries about its order again, so what one order can cost grows with their square.
REFUNDS_PER_ORDER_MAX = 200


@dataclass(slots=True)
class Share:
    """One part of an order: ``of`` is sale, tax or shipping; ``line`` is "" for a part of the whole order.

    Units: ``left`` in minor units is still refundable; ``units`` are still counted for the host.
    """

    of: str
    line: str
    host: str
    team: str
    left: int
    units: int


@dataclass(slots=True)
class Remaining:
    """What is left of one order after all entries about it; fold it with ``remaining_of``."""

    key: str
    source: str
    paid_at: int
    shares: list[Share]
    quantity: dict[str, int]
    worth: int
    cancelled: bool = False
    closed: bool = False
    _index: dict[tuple[str, str, str], Share] = field(default_factory=dict)
    # Places in ``shares`` by bucket, made once: a large order is refunded line by line.
    buckets: dict[str, list[int]] = field(default_factory=dict)

    def left(self, line: str | None = None) -> int:
        """Refundable minor units of one line, or of the order."""
        if line is None:
            return sum(share.left for share in self.shares)
        return sum(self.shares[index].left for index in self.buckets.get(line, ()))

    def take(self, content: Mapping[str, Any], kind: str) -> None:
        """Apply a decided refund, match or cancellation."""
        if content.get("parked"):
            return
        for taken in content["shares"]:
            share = self._index[taken["of"], taken["line"], taken.get("host", "")]
            share.units -= taken.get("units", 0)
            if kind != "order.cancelled":
                share.left -= taken["amount"]
            if share.left < 0 or share.units < 0:
                raise InvariantError(f"{self.key}: more taken from {share.of} {share.line} than was there")
        for line, quantity in content.get("returned", {}).items():
            self.quantity[line] -= quantity
        self.cancelled = self.cancelled or kind == "order.cancelled"
        self.closed = self.closed or "closed" in content


def remaining_of(entries: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Remaining | None:
    """Fold (kind, key, content) of the entries about one order, in journal order; None if it is not there yet."""
    remaining: Remaining | None = None
    for kind, key, content in entries:
        if kind == "order.paid":
            remaining = _opened(key, content)
        elif remaining is not None:
            remaining.take(content, kind)
    return remaining


def _opened(key: str, content: Mapping[str, Any]) -> Remaining:
    fact = content["fact"]
    shares = [
        Share("sale", credit["line"], credit["host"], credit["team"], credit["amount"], credit["units"])
        for credit in content["credits"]
    ]
    for line, (_, tax) in zip(fact["lines"], line_amounts(fact), strict=True):
        if tax:
            shares.append(Share("tax", line["id"], "", "", tax, 0))
    if fact.get("shipping"):
        shares.append(Share("shipping", "", "", "", fact["shipping"], 0))
    if fact.get("tax") and not fact.get("tax_included"):
        shares.append(Share("tax", "", "", "", fact["tax"], 0))
    buckets: dict[str, list[int]] = {}
    for index, share in enumerate(shares):
        buckets.setdefault(_bucket(share), []).append(index)
    return Remaining(
        key=key,
        source=fact["source"],
        paid_at=fact["paid_at"],
        shares=shares,
        quantity={line["id"]: line["quantity"] for line in fact["lines"]},
        worth=sum(share.left for share in shares),
        _index={(share.of, share.line, share.host): share for share in shares},
        buckets=buckets,
    )


def check_count(kinds: Iterable[str]) -> None:
    """Refuse another refund of an order about which there are entries of these kinds, parked ones included.

    Errors: Conflict ``too_many_refunds``.
    """
    if sum(kind == "order.refunded" for kind in kinds) >= REFUNDS_PER_ORDER_MAX:
        raise Conflict(
            "too_many_refunds",
            f"An order takes at most {REFUNDS_PER_ORDER_MAX} refunds; send the rest without naming the order.",
        )


def refund_body(order: Remaining | None, fact: dict[str, Any]) -> dict[str, Any]:
    """Body of the ``order.refunded`` entry: taken from the order, or parked while the order is not there.

    Errors: Invalid ``unknown_line``, ``refund_quantity_exceeded``.
    """
    body: dict[str, Any] = {"fact": fact}
    if "order" in fact:
        body["about"] = order_key(fact["source"], fact["order"])
    if order is None:
        return body | {"parked": True, "amount": stated_amount(fact)}
    for number, line in enumerate(fact.get("lines", ())):
        left = order.quantity.get(line["id"])
        if left is None:
            raise Invalid("unknown_line", f"The order has no line {line['id']!r}.", f"lines[{number}].id")
        if line.get("quantity", 0) > left:
            raise Invalid(
                "refund_quantity_exceeded",
                f"Of line {line['id']!r} {left} can still come back; the refund names more.",
                f"lines[{number}].quantity",
            )
    return body | _taken(order, fact)


def match_body(order: Remaining, refund_key: str, parked: Mapping[str, Any]) -> dict[str, Any]:
    """Body of the ``refund.matched`` entry: a parked refund taken from its order, which has now come.

    A match cannot be refused: lines that the order lacks, or more than it sold, count by their amount only. Those
    that it lacks are listed as ``unknown_lines``: without an amount of their own they give nothing back.
    """
    fact = dict(parked["fact"])
    unknown = [line["id"] for line in fact.get("lines", ()) if line["id"] not in order.quantity]
    lines = []
    for line in fact.get("lines", ()):
        left = order.quantity.get(line["id"], 0)
        lines.append({**line, "quantity": min(line.get("quantity", 0), left)})
    if lines:
        fact["lines"] = lines
    about: dict[str, Any] = {
        "about": order.key,
        "of": refund_key,
        "source": fact["source"],
        "parked_amount": parked["amount"],
    }
    if unknown:
        about["unknown_lines"] = unknown
    return about | _taken(order, fact)


def cancellation_body(order: Remaining | None, fact: dict[str, Any]) -> dict[str, Any]:
    """Body of the ``order.cancelled`` entry; parked while the order is not there.

    Errors: Conflict ``order_already_cancelled``.
    """
    body: dict[str, Any] = {"fact": fact, "about": order_key(fact["source"], fact["order"])}
    if order is None:
        return body | {"parked": True}
    if order.cancelled:
        raise Conflict("order_already_cancelled", f"The order {fact['order']!r} is cancelled already.")
    return body | cancelled_shares(order)


def cancelled_shares(order: Remaining) -> dict[str, Any]:
    """What a cancellation moves to Cancelled-Pending: everything that is left."""
    shares = [taken for share in order.shares if (taken := _share_document(share, share.left, share.units)) is not None]
    moved: dict[str, Any] = {"amount": order.left(), "paid_at": order.paid_at, "shares": shares}
    if not order.closed:
        moved["closed"] = _participants(order)
    return moved


def stated_amount(fact: Mapping[str, Any]) -> int:
    """What a refund says of its own worth; 0 if it leaves that to the order's lines."""
    if "amount" in fact:
        return int(fact["amount"])
    amounts = [line.get("amount") for line in fact["lines"]]
    return 0 if None in amounts else sum(amounts)


def _taken(order: Remaining, fact: Mapping[str, Any]) -> dict[str, Any]:
    wanted = _wanted_per_line(order, fact)
    total = fact.get("amount", sum(wanted.values()))
    if total < sum(wanted.values()):
        # The amount is the money that moved; the lines only say where it belongs.
        wanted = dict(zip(wanted, split(total, list(wanted.values())), strict=True))
    parts = _spread(order, wanted, total)
    returned = {line["id"]: line["quantity"] for line in fact.get("lines", ()) if line.get("quantity")}
    units = _returned_units(order, returned)
    money_left = order.left() - sum(parts.values())
    # An order that was worth nothing is refunded in full when all of it came back.
    ends = money_left == 0 if order.worth else order.quantity == {**dict.fromkeys(order.quantity, 0), **returned}
    if ends:
        units = {index: share.units for index, share in enumerate(order.shares)}
    shares = []
    for index, share in enumerate(order.shares):
        taken = _share_document(share, parts.get(index, 0), units.get(index, 0))
        if taken is not None:
            shares.append(taken)
    body: dict[str, Any] = {"amount": total, "paid_at": order.paid_at, "shares": shares}
    if returned:
        body["returned"] = returned
    if total > sum(parts.values()):
        body["over"] = total - sum(parts.values())
    if order.cancelled:
        body["pending"] = True
    if ends and not order.closed:
        body["closed"] = _participants(order)
    return body


def _wanted_per_line(order: Remaining, fact: Mapping[str, Any]) -> dict[str, int]:
    """What the refund asks of each of its lines; a line without amount asks its quantity's part of what remains."""
    wanted: dict[str, int] = {}
    for line in fact.get("lines", ()):
        identity, quantity = line["id"], line.get("quantity", 0)
        if "amount" in line:
            wanted[identity] = line["amount"]
        elif quantity:
            left = order.quantity[identity]
            wanted[identity] = split(order.left(identity), [quantity, left - quantity])[0]
    return wanted


def _spread(order: Remaining, wanted: Mapping[str, int], total: int) -> dict[int, int]:
    """How much each share gives, by its index: lines first, then the rest over all that remains."""
    parts: dict[int, int] = {}
    rest = total
    for line, amount in wanted.items():
        rest -= _spread_bucket(order, line, amount, parts)
    lefts = [
        sum(order.shares[index].left - parts.get(index, 0) for index in indexes) for indexes in order.buckets.values()
    ]
    rest = min(rest, sum(lefts))
    if rest > 0:
        for bucket, amount in zip(order.buckets, split(rest, lefts), strict=True):
            _spread_bucket(order, bucket, amount, parts)
    return parts


def _bucket(share: Share) -> str:
    """A line is one bucket with all its shares, so that co-hosts never change what their line gives."""
    return share.line or f" {share.of}"


def _spread_bucket(order: Remaining, bucket: str, amount: int, parts: dict[int, int]) -> int:
    """Take up to ``amount`` from the shares of one bucket; what was taken.

    First divided into sale and tax, then the sale among its hosts: who shared it does not change what is tax.
    """
    lefts: dict[str, dict[int, int]] = {}
    for index in order.buckets.get(bucket, ()):
        share = order.shares[index]
        lefts.setdefault(share.of, {})[index] = share.left - parts.get(index, 0)
    sums = [sum(group.values()) for group in lefts.values()]
    amount = min(amount, sum(sums))
    if amount > 0:
        for group, part in zip(lefts.values(), split(amount, sums), strict=True):
            if part:
                for index, own in zip(group, split(part, list(group.values())), strict=True):
                    parts[index] = parts.get(index, 0) + own
    return amount


def _returned_units(order: Remaining, returned: Mapping[str, int]) -> dict[int, int]:
    units: dict[int, int] = {}
    for line, quantity in returned.items():
        indexes = [index for index in order.buckets.get(line, ()) if order.shares[index].of == "sale"]
        counted = [order.shares[index].units for index in indexes]
        quantity = min(quantity, sum(counted))
        if quantity:
            units.update(zip(indexes, split(quantity, counted), strict=True))
    return units


def _share_document(share: Share, amount: int, units: int) -> dict[str, Any] | None:
    if not amount and not units:
        return None
    document: dict[str, Any] = {"of": share.of, "line": share.line, "amount": amount}
    if share.of == "sale":
        document |= {"host": share.host, "team": share.team, "units": units}
    return document


def _participants(order: Remaining) -> list[dict[str, str]]:
    """Who loses one order in the count of orders: every host and team once."""
    pairs = dict.fromkeys((share.host, share.team) for share in order.shares if share.of == "sale")
    return [{"host": host, "team": team} for host, team in pairs]
