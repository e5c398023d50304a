"""What a dispute takes from an order while it is open, and what becomes of that when it ends. Pure.

An open dispute takes what it is about from the order as a refund would. Lost, that stays so. Won, the order stands as
if the dispute had never been: everything else about it is decided again without it, so what a host has in the end does
not depend on whether a refund came before the dispute or while it was open.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.errors import Conflict
from app.sales.facts import order_key
from app.sales.rates import Rate, checked, convert
from app.sales.reattribution import moved
from app.sales.refunds import (
    at_rate,
    cancelled_shares,
    check_currency,
    is_foreign_to,
    of_known_lines,
    participants,
    share_document,
    taken,
    unrelated,
)
from app.sales.remaining import Remaining, Share, opened, remaining_of

DISPUTES_PER_ORDER_MAX = 50

# (kind, key, content) of an entry about an order.
About = tuple[str, str, Mapping[str, Any]]


def dispute_key(source: str, dispute: str) -> str:
    """The entry key of a dispute."""
    return f"dispute:{source}:{dispute}"


def outcome_key(source: str, dispute: str) -> str:
    """The entry key of its end."""
    return f"outcome:{source}:{dispute}"


def key_of_outcome(key: str) -> str:
    """The key of the dispute whose end has this key."""
    return "dispute" + key.removeprefix("outcome")


def dispute_body(order: Remaining | None, fact: dict[str, Any], rate: Rate | None = None) -> dict[str, Any]:
    """Body of the ``order.disputed`` entry: taken from the order, or parked while the order is not there.

    ``rate``: what it is parked at, if it is in another currency than the event's.
    Errors: Invalid ``currency_mismatch``, ``amount_too_large``.
    """
    body: dict[str, Any] = {"fact": fact, "about": order_key(fact["source"], fact["order"])}
    if order is None:
        body |= {"parked": True} | at_rate(fact["amount"], rate)
    else:
        check_currency(order, fact)
        body |= taken(order, {"amount": fact["amount"]})
        rate = order.own.rate if order.own else None
        checked(body["amount"], "amount")
    if rate is not None and "fee" in fact:
        body["fee"] = checked(convert(fact["fee"], rate), "fee")
    return body


def dispute_match_body(order: Remaining, dispute: str, parked: Mapping[str, Any], is_open: bool) -> dict[str, Any]:
    """Body of the second ``order.disputed`` entry of a dispute that came before its order, which has now come."""
    fact = parked["fact"]
    body: dict[str, Any] = {"fact": fact, "about": order.key, "of": dispute}
    if is_foreign_to(order, fact):
        body |= unrelated(order, parked["amount"])
    else:
        body |= taken(order, {"amount": fact["amount"]})
    if body["amount"] != parked["amount"]:
        body["parked_amount"] = parked["amount"]
    return body if is_open else body | {"lost": True}


def check_disputes(kinds: Iterable[str]) -> None:
    """Refuse another dispute of an order about which there are entries of these kinds.

    Errors: Conflict ``too_many_disputes``.
    """
    if sum(kind == "order.disputed" for kind in kinds) >= DISPUTES_PER_ORDER_MAX:
        raise Conflict("too_many_disputes", f"An order takes at most {DISPUTES_PER_ORDER_MAX} disputes.")


def closing_body(entries: Iterable[About], dispute: str, fact: dict[str, Any]) -> dict[str, Any]:
    """Body of the ``dispute.closed`` entry. Shape: ``entries`` are all about the order, the dispute's own among them.

    Lost: ``fact``, ``about``, ``of``, ``source``, ``amount``, ``outcome``. Won also ``shares``, what the order gets
    back (a share of it may lose a unit to another), ``paid_at``, and where they apply ``over``, what Over-Refunds give
    back, ``pending`` and ``reopened``; ``parked`` if the order has not come: then none of these. Of an order in another
    currency ``own``, what it gets back in that, and ``rounding``: by how much both differ from ``amount``.
    """
    known = list(entries)
    # What waited for its order is worth what it was then matched with.
    entry = next(content for _, key, content in reversed(known) if content.get("of", key) == dispute)
    body = {
        "fact": fact,
        "about": entry["about"],
        "of": dispute,
        "source": fact["source"],
        "amount": entry["amount"],
        "outcome": fact["outcome"],
    }
    if fact["outcome"] == "lost":
        return body
    now = remaining_of(known)
    if now is None:
        return body | {"parked": True}
    before = _decided_without(known, dispute)
    body |= {"paid_at": now.paid_at, "shares": _differences(now, before)}
    if now.over != before.over:
        body["over"] = now.over - before.over
    if now.own and before.own:
        body["own"] = {"shares": _differences(now.own.left, before.own.left)}
        back = sum(share["amount"] for share in body["shares"]) + body.get("over", 0)
        if back != body["amount"]:
            # Without the dispute the refunds beside it would have been rounded otherwise.
            body["rounding"] = back - body["amount"]
    if now.cancelled:
        body["pending"] = True
    if now.closed and not before.closed:
        body["reopened"] = participants(now)
    return body


def _differences(now: Remaining, wanted: Remaining) -> list[dict[str, Any]]:
    nothing = Share("", "", "", "", 0, 0)
    documents = []
    for place in now.index | wanted.index:
        held, share = now.index.get(place, nothing), wanted.index.get(place, nothing)
        of = now.index.get(place, share)
        document = share_document(of, share.left - held.left, share.units - held.units)
        if document is not None:
            documents.append(document)
    return documents


def _own_amount(content: Mapping[str, Any]) -> int:
    """The money that moved, in the order's own currency."""
    return int(content.get("own", content)["amount"])


def _decided_without(entries: Iterable[About], dispute: str) -> Remaining:
    """The order as it would stand if neither this dispute nor those won before it had ever been."""
    known = list(entries)
    gone = {content["of"] for kind, _, content in known if kind == "dispute.closed" and content["outcome"] == "won"}
    gone.add(dispute)
    facts = {key: content["fact"] for kind, key, content in known if kind == "order.refunded"}
    order: Remaining | None = None
    for kind, key, content in known:
        if kind == "order.paid":
            order = opened(key, content)
            continue
        if order is None or content.get("parked") or content.get("of", key) in gone:
            continue
        if content.get("other_currency"):
            order.take(content, kind, key)
        elif kind in ("order.refunded", "refund.matched"):
            # The money that moved is known by now, whatever its lines would be worth.
            fact = facts[content.get("of", key)] | {"amount": _own_amount(content)}
            order.take(taken(order, of_known_lines(fact, order)), kind, key)
        elif kind == "order.cancelled":
            order.take(cancelled_shares(order), kind, key)
        elif kind == "order.disputed":
            order.take({"of": content.get("of", key)} | taken(order, {"amount": _own_amount(content)}), kind, key)
        elif kind == "dispute.closed":
            order.take({"of": content["of"]}, kind, key)
        elif kind == "order.reattributed":
            order.take(moved(order, content), kind, key)
    assert order is not None
    return order
