"""The decision on a paid order: when it counts, who earned it, and what is written down. Pure."""

from typing import Any, Protocol

from app.errors import Conflict, Invalid
from app.sales.attribution import Standing, Terms, Touches, attribute
from app.sales.rates import value_of

# A shop's clock may run ahead of ours by this much (design section 4).
FUTURE_TOLERANCE_US = 5 * 60 * 1_000_000


class OrderBook(Standing, Protocol):
    """What the decision on an order asks of an event's state."""

    @property
    def currency(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def starts_at(self) -> int: ...

    @property
    def ends_at(self) -> int: ...

    def attribution_at(self, at: int) -> tuple[int, Terms]:
        """The rules that held at a time, and their version."""
        ...

    def rate_of(self, currency: str) -> dict[str, Any]:
        """The rate in force, as an entry freezes it. Errors: Invalid ``currency_mismatch``."""
        ...


def order_body(state: OrderBook, fact: dict[str, Any], now: int, touches: Touches) -> dict[str, Any]:
    """Body of the ``order.paid`` entry for this fact; ``touches`` as in ``attribute``.

    Shape: ``fact``, ``credits`` and ``candidates`` of attribution, ``rules`` (version they were decided under: the one
    that held at ``paid_at``), ``late`` only if the event is final: then no board moves. An order in another currency
    also has the ``rate`` now in force, and its ``value``: the same fact in the event's currency.
    Errors: Conflict ``event_not_open``; Invalid ``currency_mismatch``, ``paid_at_outside_event``,
    ``paid_at_in_future``, ``unknown_host``, ``unknown_session``, ``too_many_credits``, ``amount_too_large``.
    """
    value, rate = fact, None
    if fact["currency"] != state.currency:
        rate = state.rate_of(fact["currency"])
        value = value_of(fact, rate, state.currency)
    paid_at = fact["paid_at"]
    if state.status == "draft":
        raise Conflict("event_not_open", "The event is a draft; move it to scheduled before orders are posted.")
    if not state.starts_at <= paid_at < state.ends_at:
        raise Invalid(
            "paid_at_outside_event", "The order was paid before the event starts or after it ends.", "paid_at"
        )
    if paid_at > now + FUTURE_TOLERANCE_US:
        raise Invalid("paid_at_in_future", "paid_at is more than five minutes ahead of this server.", "paid_at")
    version, terms = state.attribution_at(paid_at)
    credits, candidates = attribute(state, value, terms, touches)
    body: dict[str, Any] = {"fact": fact, "credits": credits, "rules": version}
    if rate is not None:
        body |= {"rate": rate, "value": value}
    if candidates:
        body["candidates"] = candidates
    if state.status == "final":
        body["late"] = True
    return body
