"""What a refund or a cancellation takes from an order, to the last minor unit. Pure."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from app.errors import Conflict, Invalid
from app.sales.facts import order_key
from app.sales.money import split
from app.sales.rates import Rate, checked, convert
from app.sales.remaining import Own, Remaining, Share, bucket_of

# Each refund folds all entries about its order again, so what one order can cost grows with their square.
REFUNDS_PER_ORDER_MAX = 200


def check_count(kinds: Iterable[str]) -> None:
    """Refuse another refund of an order about which there are entries of these kinds, parked ones included.

    Errors: Conflict ``too_many_refunds``.
    """
    if sum(kind == "order.refunded" for kind in kinds) >= REFUNDS_PER_ORDER_MAX:
        raise Conflict(
            "too_many_refunds",
            f"An order takes at most {REFUNDS_PER_ORDER_MAX} refunds; send the rest without naming the order.",
        )


def refund_body(order: Remaining | None, fact: dict[str, Any], rate: Rate | None = None) -> dict[str, Any]:
    """Body of the ``order.refunded`` entry: taken from the order, or parked while the order is not there.

    ``rate``: what it is parked at, if it is in another currency than the event's.
    Errors: Invalid ``currency_mismatch``, ``unknown_line``, ``refund_quantity_exceeded``, ``amount_too_large``.
    """
    body: dict[str, Any] = {"fact": fact}
    if "order" in fact:
        body["about"] = order_key(fact["source"], fact["order"])
    if order is None:
        return body | {"parked": True} | at_rate(stated_amount(fact), rate)
    check_currency(order, fact)
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
    body |= taken(order, fact)
    if order.own:
        checked(body["amount"], "amount")
    return body


def at_rate(amount: int, rate: Rate | None) -> dict[str, Any]:
    """``amount`` in the event's currency, and the ``rate`` if it is in another one.

    Errors: Invalid ``amount_too_large``.
    """
    return {"amount": amount} if rate is None else {"amount": checked(convert(amount, rate), "amount"), "rate": rate}


def check_currency(order: Remaining, fact: Mapping[str, Any]) -> None:
    """Refuse what is in another currency than its order. Errors: Invalid ``currency_mismatch``."""
    if is_foreign_to(order, fact):
        has = f"in {order.own.currency}" if order.own else "in the event's currency"
        raise Invalid("currency_mismatch", f"The order is {has}; send what came back of it in the same.", "currency")


def is_foreign_to(order: Remaining, fact: Mapping[str, Any]) -> bool:
    return fact.get("currency") != (order.own.currency if order.own else None)


def unrelated(order: Remaining, amount: int) -> dict[str, Any]:
    """In place of ``taken``, of money in another currency than the order: none of it is the order's."""
    over = {"over": amount} if amount else {}
    return {"amount": amount, "paid_at": order.paid_at, "shares": [], "other_currency": True, **over}


def match_body(order: Remaining, refund_key: str, parked: Mapping[str, Any]) -> dict[str, Any]:
    """Body of the ``refund.matched`` entry: a parked refund taken from its order, which has now come.

    A match cannot be refused: lines that the order lacks, or more than it sold, count by their amount only. Those
    that it lacks are listed as ``unknown_lines``: without an amount of their own they give nothing back. Money in
    another currency than the order's takes nothing from it.
    """
    fact = parked["fact"]
    unknown = [line["id"] for line in fact.get("lines", ()) if line["id"] not in order.quantity]
    about: dict[str, Any] = {
        "about": order.key,
        "of": refund_key,
        "source": fact["source"],
        "parked_amount": parked["amount"],
    }
    if unknown:
        about["unknown_lines"] = unknown
    if is_foreign_to(order, fact) and states_money(fact):
        return about | unrelated(order, parked["amount"])
    return about | taken(order, of_known_lines(fact, order))


def states_money(fact: Mapping[str, Any]) -> bool:
    """Whether a refund says an amount anywhere; else it is quantities of lines, worth the same in any currency."""
    return "amount" in fact or any("amount" in line for line in fact["lines"])


def of_known_lines(fact: Mapping[str, Any], order: Remaining) -> dict[str, Any]:
    """A refund's fact whose lines name no more than can still come back of them."""
    lines = [
        {**line, "quantity": min(line.get("quantity", 0), order.quantity.get(line["id"], 0))}
        for line in fact.get("lines", ())
    ]
    return {**fact, "lines": lines} if lines else dict(fact)


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
    shares = [part for share in order.shares if (part := share_document(share, share.left, share.units)) is not None]
    moved: dict[str, Any] = {"amount": order.left(), "paid_at": order.paid_at, "shares": shares}
    if not order.closed:
        moved["closed"] = participants(order)
    return moved


def stated_amount(fact: Mapping[str, Any]) -> int:
    """What a refund says of its own worth; 0 if it leaves that to the order's lines."""
    if "amount" in fact:
        return int(fact["amount"])
    amounts = [line.get("amount") for line in fact["lines"]]
    return 0 if None in amounts else sum(amounts)


def taken(order: Remaining, fact: Mapping[str, Any]) -> dict[str, Any]:
    """What money that goes away takes from the order: the part of a body that a refund, its match and a dispute share.

    Shape: ``fact`` has ``amount``, ``lines`` or both, in the order's own currency. ``amount``, ``paid_at``, ``shares``;
    where they apply ``returned``, ``over``, ``pending``, ``closed``; ``own`` of an order in another currency.
    """
    own: dict[str, Any] = {}
    if order.own is None:
        parts, total = _parts(order, fact)
        money_left, worth = order.left() - sum(parts.values()), order.worth
    else:
        parts, total, own = _converted(order, order.own, fact)
        money_left, worth = order.own.left.left() - _sum_of(own), order.own.left.worth
    returned = {line["id"]: line["quantity"] for line in fact.get("lines", ()) if line.get("quantity")}
    units = _returned_units(order, returned)
    # An order that was worth nothing is refunded in full when all of it came back.
    ends = money_left == 0 if worth else order.quantity == {**dict.fromkeys(order.quantity, 0), **returned}
    if ends:
        units = {index: share.units for index, share in enumerate(order.shares)}
    shares = []
    for index, share in enumerate(order.shares):
        document = share_document(share, parts.get(index, 0), units.get(index, 0))
        if document is not None:
            shares.append(document)
    body: dict[str, Any] = {"amount": total, "paid_at": order.paid_at, "shares": shares}
    if own:
        body["own"] = own
    if returned:
        body["returned"] = returned
    if total > sum(parts.values()):
        body["over"] = total - sum(parts.values())
    if order.cancelled:
        body["pending"] = True
    if ends and not order.closed:
        body["closed"] = participants(order)
    return body


def _parts(order: Remaining, fact: Mapping[str, Any]) -> tuple[dict[int, int], int]:
    """How much each share gives, by its index, and the money that moves."""
    wanted = _wanted_per_line(order, fact)
    total = fact.get("amount", sum(wanted.values()))
    if total < sum(wanted.values()):
        # The amount is the money that moved; the lines only say where it belongs.
        wanted = dict(zip(wanted, split(total, list(wanted.values())), strict=True))
    return _spread(order, wanted, total), total


def _converted(order: Remaining, own: Own, fact: Mapping[str, Any]) -> tuple[dict[int, int], int, dict[str, Any]]:
    """The same of an order in another currency, and what it takes in that.

    First taken in the order's own currency; then each bucket is brought down to what its rest there is worth, by the
    proportion of its beginning: so it depends on nothing but the rest, and both come to zero together.
    """
    given, total = _parts(own.left, fact)
    parts: dict[int, int] = {}
    shares = []
    for index, amount in given.items():
        share = own.left.shares[index]
        if not amount:
            continue
        bucket = bucket_of(share)
        of, worth = own.worth[bucket]
        rest = round(Fraction((share.left - amount) * worth, of))
        _spread_bucket(order, bucket, order.left(bucket) - rest, parts)
        shares.append({"of": share.of, "line": share.line, "amount": amount})
    taken_own: dict[str, Any] = {"currency": own.currency, "amount": total, "shares": shares}
    over = total - sum(given.values())
    if over:
        taken_own["over"] = over
    return parts, sum(parts.values()) + convert(over, own.rate), taken_own


def _sum_of(own: Mapping[str, Any]) -> int:
    return int(sum(share["amount"] for share in own["shares"]))


def _wanted_per_line(order: Remaining, fact: Mapping[str, Any]) -> dict[str, int]:
    """What the refund asks of each of its lines; a line without amount asks its quantity's part of what remains."""
    wanted: dict[str, int] = {}
    for line in fact.get("lines", ()):
        identity, quantity = line["id"], line.get("quantity", 0)
        if "amount" in line:
            wanted[identity] = line["amount"]
        elif quantity:
            left = order.quantity[identity]
            # Worth the same before and after a dispute took the line's money: they may come in either order.
            wanted[identity] = split(order.contestable(identity), [quantity, left - quantity])[0]
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


def _spread_bucket(order: Remaining, bucket: str, amount: int, parts: dict[int, int]) -> int:
    """Take up to ``amount`` from the shares of one bucket; what was taken.

    First divided into sale and tax, then the sale among its hosts: who shared it does not change what is tax.
    """
    lefts: dict[str, dict[int, int]] = {}
    for index in order.buckets.get(bucket, ()):
        share = order.shares[index]
        lefts.setdefault(share.of, {})[index] = share.left - parts.get(index, 0)
    sums = {of: sum(group.values()) for of, group in lefts.items()}
    amount = min(amount, sum(sums.values()))
    if amount > 0:
        given = dict.fromkeys(sums, amount)
        if bucket in order.taxed:
            given = _sale_and_tax(order.taxed[bucket], sums, amount)
        for of, group in lefts.items():
            if given[of]:
                for index, own in zip(group, split(given[of], list(group.values())), strict=True):
                    parts[index] = parts.get(index, 0) + own
    return amount


def _sale_and_tax(worth: tuple[int, int], lefts: Mapping[str, int], amount: int) -> dict[str, int]:
    """How much sale and tax of a line give: all that the line gave by now is divided like the line was.

    So what both have left follows from what their line has left, in whatever steps it went. Of two parts neither gets
    less when more is divided, as a part of three may (decision 0004).
    """
    sale, tax = split(sum(worth) - sum(lefts.values()) + amount, worth)
    return {"sale": sale - worth[0] + lefts["sale"], "tax": tax - worth[1] + lefts["tax"]}


def _returned_units(order: Remaining, returned: Mapping[str, int]) -> dict[int, int]:
    units: dict[int, int] = {}
    for line, quantity in returned.items():
        indexes = [index for index in order.buckets.get(line, ()) if order.shares[index].of == "sale"]
        counted = [order.shares[index].units for index in indexes]
        quantity = min(quantity, sum(counted))
        if quantity:
            units.update(zip(indexes, split(quantity, counted), strict=True))
    return units


def share_document(share: Share, amount: int, units: int) -> dict[str, Any] | None:
    """What is taken of one share, or given back to it, as bodies hold it; None if that is nothing."""
    if not amount and not units:
        return None
    document: dict[str, Any] = {"of": share.of, "line": share.line, "amount": amount}
    if share.of == "sale":
        document |= {"host": share.host, "team": share.team, "units": units}
    return document


def participants(order: Remaining) -> list[dict[str, str]]:
    """Who loses one order in the count of orders, or gets it back: every seller once."""
    return [{"host": host, "team": team} for host, team in order.sellers]
