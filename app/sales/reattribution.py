"""What a correction takes from the hosts of an order and gives to others: all that is left, to the last unit. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import Conflict
from app.sales.money import split
from app.sales.refunds import participants
from app.sales.remaining import Remaining

# All of them are in one transaction, and in one entry by name.
ORDERS_PER_CORRECTION_MAX = 500

Place = tuple[str, str, str]


# What is left, gross, units, and what commission is counted on.
_NOTHING = (0, 0, 0, 0)


def correction_key(identity: str) -> str:
    """The entry key of a correction."""
    return f"correction:{identity}"


def check_movable(order: Remaining | None, key: str) -> Remaining:
    """The order, if its credits can be moved.

    Errors: Conflict ``order_not_there``, ``order_cancelled``, ``order_refunded``, ``order_disputed``.
    """
    name = key.removeprefix("order:")
    if order is None:
        raise Conflict("order_not_there", f"The event holds no order {name!r}.")
    if order.cancelled:
        raise Conflict("order_cancelled", f"The order {name!r} is cancelled; there is nothing left to move.")
    if order.closed:
        raise Conflict("order_refunded", f"The order {name!r} is refunded in full; there is nothing left to move.")
    if order.is_disputed:
        raise Conflict("order_disputed", f"A dispute of the order {name!r} is open; correct it once it has ended.")
    return order


def moved(order: Remaining, wish: Mapping[str, Any]) -> dict[str, Any]:
    """What moving the order takes and gives: part of the body of an ``order.reattributed``.

    Shape: ``wish`` has ``to``, the sellers from now on as ``{host, team, weight}``; or ``teams``, the team of each
    host, and everybody keeps his share. ``taken`` and ``given`` have ``{line, host, team, amount, gross,
    units}`` and sum to the same by line; ``amount`` is what refunds have left of ``gross``. What stays with somebody
    is in neither. ``before`` and ``after`` are ``{host, team}`` of all for whom it counts as an order.
    """
    held: dict[Place, list[int]] = {}
    for share in order.shares:
        if share.of == "sale":
            held[share.line, share.host, share.team] = [share.left, share.gross, share.units, share.base]
    if "to" in wish:
        wanted = _split(held, wish["to"])
        after = list(dict.fromkeys((seller["host"], seller["team"]) for seller in wish["to"]))
    else:
        teams = wish["teams"]
        wanted = {}
        for (line, host, _), numbers in held.items():
            _add(wanted, (line, host, teams[host]), numbers)
        after = list(dict.fromkeys((host, teams[host]) for host, _ in order.sellers))
    taken, given = [], []
    for place in held | wanted:
        pairs = list(zip(held.get(place, _NOTHING), wanted.get(place, _NOTHING), strict=True))
        taken += _part(place, [max(0, before - after) for before, after in pairs])
        given += _part(place, [max(0, after - before) for before, after in pairs])
    documents = [{"host": host, "team": team} for host, team in after]
    return {"taken": taken, "given": given, "before": participants(order), "after": documents}


def _split(held: Mapping[Place, list[int]], to: Sequence[Mapping[str, Any]]) -> dict[Place, list[int]]:
    """All that is held of each line, by the weights."""
    by_line: dict[str, list[int]] = {}
    for (line, _, _), numbers in held.items():
        by_line[line] = [total + own for total, own in zip(by_line.get(line, _NOTHING), numbers, strict=True)]
    weights = [seller["weight"] for seller in to]
    wanted: dict[Place, list[int]] = {}
    for line, totals in by_line.items():
        parts = zip(*(split(total, weights) for total in totals), strict=True)
        for seller, part in zip(to, parts, strict=True):
            _add(wanted, (line, seller["host"], seller["team"]), list(part))
    return wanted


def _add(wanted: dict[Place, list[int]], place: Place, numbers: Sequence[int]) -> None:
    wanted[place] = [total + own for total, own in zip(wanted.get(place, _NOTHING), numbers, strict=True)]


def _part(place: Place, numbers: list[int]) -> list[dict[str, Any]]:
    if not any(numbers):
        return []
    line, host, team = place
    amount, gross, units, base = numbers
    part = {"line": line, "host": host, "team": team, "amount": amount, "gross": gross, "units": units}
    return [part | ({"base": base} if base != gross else {})]
