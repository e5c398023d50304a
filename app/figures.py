"""The headline figures of an event, and the dictionary that says what each of them is. Pure.

Whoever reads two figures must be able to tell why they differ: each tile names its definition, and a definition says
its formula, what it includes, what it counts by, and how fresh it is.
"""

from collections.abc import Mapping
from typing import Any

from app.challenge.scores import EVENT, GROSS, NET, ORDERS, UNITS
from app.events import OpenEvent
from app.feed_documents import head, now_of
from app.sales.money import format_amount
from app.sales.times import rfc3339
from app.state.parts import NO_AUDIENCE

# Goes up whenever a formula or what it is counted by is another one; a new measure or a better sentence leaves it.
VERSION = 1
_RATIO_DIGITS = 4

_AT_ONCE = "With the entry that changes it: the position says which entries are in it."
_PAID = "Orders by when they were paid, inside the event; what comes back counts with its order."
_HEARD = "Heartbeats by the UTC minute of their time, from everywhere together."
_LEFT_OUT = "Tax and shipping; orders that came after the event was final."


def _measure(id: str, name: str, formula: str, unit: str, basis: str, **more: str) -> dict[str, str]:
    rest = {"freshness": _AT_ONCE, "includes": "", "excludes": ""} | more
    return {"id": id, "name": name, "formula": formula, "unit": unit, "basis": basis, **rest}


MEASURES: tuple[Mapping[str, str], ...] = (
    _measure(
        "gross_sales",
        "Gross sales",
        "sum over order lines of quantity x unit_price - discount - the tax in it",
        "money",
        _PAID,
        includes="Every line of every paid order, also those that were refunded, cancelled or disputed since, and what "
        "no host earned (House).",
        excludes=_LEFT_OUT,
    ),
    _measure(
        "net_sales",
        "Net sales",
        "gross_sales - refunds",
        "money",
        _PAID,
        includes="What is left of every order, also what no host earned (House).",
        excludes=f"Refunds, cancellations, open and lost disputes. {_LEFT_OUT}",
    ),
    _measure(
        "refunds",
        "Taken back",
        "gross_sales - net_sales",
        "money",
        _PAID,
        includes="Refunds, cancellations, open and lost disputes, as far as they took from order lines.",
        excludes="Shipping and tax that was given back; refunds whose order has not come.",
    ),
    _measure(
        "orders",
        "Orders",
        "number of paid orders of which something is left",
        "count",
        _PAID,
        includes="Orders that were refunded in part.",
        excludes="Orders that were refunded in full, cancelled, or are disputed as a whole.",
    ),
    _measure(
        "units",
        "Units",
        "sum over order lines of quantity - quantity that came back",
        "count",
        _PAID,
        includes="Units that were given away.",
        excludes="Refunds that name an amount only bring no unit back.",
    ),
    _measure(
        "aov",
        "Average order value",
        "net_sales / orders, rounded half up to the minor unit",
        "money",
        _PAID,
        includes="Sales of lines per order, not per buyer.",
        excludes=f"No value without orders. {_LEFT_OUT}",
    ),
    _measure(
        "refund_rate",
        "Refund rate",
        f"refunds / gross_sales, rounded half up to {_RATIO_DIGITS} decimals",
        "ratio",
        "By the orders that were paid (by value, not by number), whenever their refund came.",
        includes="Refunds, cancellations, open and lost disputes.",
        excludes="No value without gross sales.",
    ),
    _measure(
        "house",
        "House",
        "part of net_sales that no host earned",
        "money",
        _PAID,
        includes="Lines without a host, code, click, session or pin that counts, and what the rules exclude.",
        excludes=_LEFT_OUT,
    ),
    _measure(
        "viewers",
        "Viewers now",
        "number of different viewers of the minute under way or of the one before it, whichever is higher",
        "count",
        _HEARD,
        freshness="A second, counted over all processes; not in the journal.",
        includes="Everybody who watches the event or one of its sessions, once, and what platforms counted.",
        excludes="One person on two devices is two viewers.",
    ),
    _measure(
        "viewers_peak",
        "Most viewers",
        "highest number of different viewers of one minute",
        "count",
        _HEARD,
        freshness="A second; in the journal within a minute or so after the minute's end.",
        includes="The event as a whole; sessions have peaks of their own.",
        excludes="What came when its minute was counted already.",
    ),
    _measure(
        "viewer_minutes",
        "Viewer minutes",
        "sum over all minutes of their different viewers",
        "count",
        _HEARD,
        includes="Minutes that are in the journal. Whoever watches for an hour is counted sixty times.",
        excludes="The last minute or two, until they are written down.",
    ),
)

# What a desk shows first, in this order.
TILES = tuple(measure["id"] for measure in MEASURES)
_UNITS = {measure["id"]: measure["unit"] for measure in MEASURES}


def dictionary() -> dict[str, Any]:
    """Every measure, in the order of the tiles."""
    return {"version": VERSION, "measures": [dict(measure) for measure in MEASURES]}


def desk(event: OpenEvent, view: str) -> dict[str, Any]:
    """The document of the desk's channel. Shape: ratios and averages are ``null`` if there is nothing to divide by."""
    return head(event, view) | sales(event, view) | watched(event) | {"rows": []}


def sales(event: OpenEvent, view: str) -> dict[str, Any]:
    """What was sold up to the view's position, over the whole event."""
    exponent = event.state.exponent
    window = event.scores[view].totals.windows[EVENT]
    gross, net, orders, units = (window.all[measure] for measure in (GROSS, NET, ORDERS, UNITS))
    rate = None if gross <= 0 else format_amount(_divided((gross - net) * 10**_RATIO_DIGITS, gross), _RATIO_DIGITS)
    return {
        "gross_sales": format_amount(gross, exponent),
        "net_sales": format_amount(net, exponent),
        "refunds": format_amount(gross - net, exponent),
        "orders": orders,
        "units": units,
        "aov": None if orders <= 0 else format_amount(_divided(net, orders), exponent),
        "refund_rate": rate,
        "house": format_amount(window.house[NET], exponent),
    }


def watched(event: OpenEvent) -> dict[str, Any]:
    """Who watched, up to the last minute that is in the journal."""
    counted = event.state.audiences.get("", NO_AUDIENCE)
    return {"viewers_peak": counted.peak, "viewer_minutes": counted.viewer_minutes}


def tiles(event: OpenEvent, view: str, viewers: Mapping[str, int]) -> dict[str, Any]:
    """The same for who can hold no connection, with ``viewers`` and ``viewers_peak`` as they were counted."""
    told = head(event, view)
    values = {**sales(event, view), **watched(event), **viewers}
    return {
        "event": told["event"],
        "position": told["position"],
        "as_of": rfc3339(now_of(event, view)),
        "finality": told["finality"],
        "tiles": [
            {
                "id": identity,
                "value": values[identity],
                "unit": event.state.currency if _UNITS[identity] == "money" else _UNITS[identity],
                "definition": identity,
            }
            for identity in TILES
        ],
    }


def _divided(amount: int, by: int) -> int:
    """Rounded to a whole number, halves away from zero."""
    quotient, rest = divmod(abs(amount), by)
    rounded = quotient + (2 * rest >= by)
    return -rounded if amount < 0 else rounded
