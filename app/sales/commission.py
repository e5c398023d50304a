"""What hosts earn on what they sell: rates, and the change of it whenever an order changes. Pure.

Commission of an order and host is a target that follows from what is left of the order: the sum over its credits of
base x rate, rounded once, half to even. Each entry books the target less what was booked before, so refunds never have
a rate of their own and a full refund ends at zero. The rate stands on the credit: what was sold keeps it.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

from app.sales.facts import line_amounts
from app.sales.money import split
from app.sales.nobody import HOUSE
from app.sales.remaining import Remaining

BPS = 10_000


class Terms(Protocol):
    """The declared commission of an event at a time; implemented by ``app.challenge.rules.Commission``."""

    @property
    def bps(self) -> int: ...

    @property
    def teams(self) -> Mapping[str, int]: ...

    @property
    def products(self) -> Mapping[str, int]: ...

    @property
    def tiers(self) -> Sequence[tuple[int, int]]: ...

    @property
    def cap(self) -> int | None: ...

    @property
    def with_tax(self) -> bool: ...

    @property
    def with_shipping(self) -> bool: ...

    @property
    def before_discount(self) -> bool: ...


class Earners(Protocol):
    """What commission asks of an event's state; implemented by ``app.state.State``."""

    def host_bps(self, host: str) -> int: ...

    def net_sales(self, host: str) -> int: ...

    def accrued(self, host: str) -> int: ...


def rate(terms: Terms, earners: Earners, host: str, team: str, sku: str) -> int:
    """Basis points for one credit: the product's, else the host's, the team's, its tier's, everybody's.

    A tier holds for a host whose net sales before the order have reached its amount.
    """
    if host == HOUSE:
        return 0
    if sku in terms.products:
        return terms.products[sku]
    if own := earners.host_bps(host):
        return own
    if team in terms.teams:
        return terms.teams[team]
    if terms.tiers:
        sold = earners.net_sales(host)
        reached = [bps for amount, bps in terms.tiers if sold >= amount]
        if reached:
            return reached[-1]
    return terms.bps


def rated(
    credits: list[dict[str, Any]],
    fact: dict[str, Any],
    terms: Terms,
    earners: Earners,
    discounts: Sequence[int] = (),
) -> list[dict[str, Any]]:
    """The credits with ``bps`` where there is commission, and ``base`` where that is not counted on ``amount``.

    The list itself if there is none at all. ``discounts``: of each line, if terms count before them; none of them
    otherwise.
    """
    skus = {line["id"]: line.get("sku", "") for line in fact["lines"]} if terms.products else {}
    rates = [rate(terms, earners, credit["host"], credit["team"], skus.get(credit["line"], "")) for credit in credits]
    if not any(rates):
        return credits
    found = []
    for credit, bps, base in zip(credits, rates, _bases(credits, fact, terms, discounts), strict=True):
        more = {"bps": bps} if bps else {}
        if bps and base != credit["amount"]:
            more["base"] = base
        found.append({**credit, **more})
    return found


def _bases(
    credits: Sequence[Mapping[str, Any]], fact: dict[str, Any], terms: Terms, discounts: Sequence[int]
) -> list[int]:
    """What commission is counted on, by credit: its amount, with its part of what the terms add."""
    bases = [credit["amount"] for credit in credits]
    by_line: dict[str, list[int]] = {}
    for index, credit in enumerate(credits):
        by_line.setdefault(credit["line"], []).append(index)
    for number, (line, (_, tax)) in enumerate(zip(fact["lines"], line_amounts(fact), strict=True)):
        extra = (tax if terms.with_tax else 0) + (discounts[number] if discounts else 0)
        _add(bases, credits, by_line[line["id"]], extra)
    whole = fact.get("shipping", 0) if terms.with_shipping else 0
    if terms.with_tax and not fact.get("tax_included"):
        whole += fact.get("tax", 0)
    _add(bases, credits, list(range(len(credits))), whole)
    return bases


def _add(bases: list[int], credits: Sequence[Mapping[str, Any]], indexes: Sequence[int], extra: int) -> None:
    weights = [credits[index]["amount"] for index in indexes]
    # What was given away has no base: its tax and shipping are nobody's.
    if extra and any(weights):
        for index, part in zip(indexes, split(extra, weights), strict=True):
            bases[index] += part


def target(order: Remaining, host: str) -> int:
    """What a host is to have of an order, from what is left of it. Units: minor units."""
    if order.cancelled:
        return 0
    whole, parts = 0, Fraction(0)
    for share in order.shares:
        if share.host != host or not share.bps:
            continue
        if share.base == share.gross:
            whole += share.left * share.bps
        elif share.gross:
            parts += Fraction(share.base * share.left * share.bps, share.gross)
    return round(Fraction(whole + parts, BPS)) if whole or parts else 0


def targets(order: Remaining) -> dict[str, int]:
    """The target of everybody who has commission on the order, or had."""
    hosts = dict.fromkeys([share.host for share in order.shares if share.bps] + list(order.commission))
    return {host: target(order, host) for host in hosts}


def changes(
    order: Remaining, before: Mapping[str, int], cap: int | None, accrued: Callable[[str], int]
) -> list[dict[str, Any]]:
    """What is to be booked now that the order stands like this: ``{host, amount}`` for whom something changes.

    ``before`` are the targets before it did. ``cap`` is the most that a host may have over the event; what it cuts off
    is ``capped``, and does not come back when there is room again.
    """
    found = []
    for host, wanted in targets(order).items():
        booked = order.commission.get(host, 0)
        if wanted <= booked:
            change: dict[str, Any] = {"host": host, "amount": wanted - booked}
        else:
            change = _rise(host, wanted - max(before.get(host, 0), booked), cap, accrued)
        if change["amount"] or "capped" in change:
            found.append(change)
    return found


def _rise(host: str, amount: int, cap: int | None, accrued: Callable[[str], int]) -> dict[str, Any]:
    amount = max(0, amount)
    room = amount if cap is None else max(0, cap - accrued(host))
    if amount <= room:
        return {"host": host, "amount": amount}
    return {"host": host, "amount": room, "capped": amount - room}
