"""Commission beside every fact that changes an order: what it books once the order stands as decided. Pure."""

from typing import Any

from app.sales import commission
from app.sales.rates import discounts, valued
from app.sales.remaining import Remaining, opened
from app.state import State


class Booking:
    """Commission of one decision about orders; several of its entries share what a cap leaves."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._booked: dict[str, int] = {}

    def sale(self, key: str, body: dict[str, Any]) -> None:
        """Give the credits of an ``order.paid`` their rates, and book what they earn."""
        fact = valued(body)
        _, rules = self._state.rules_at(fact["paid_at"])
        terms = rules.commission
        more = discounts(body) if terms.before_discount else ()
        rated = commission.rated(body["credits"], fact, terms, self._state, more)
        if rated is not body["credits"]:
            body["credits"] = rated
            self._book(opened(key, body), body, {})

    def change(self, order: Remaining, body: dict[str, Any], kind: str, key: str) -> None:
        """Apply what was decided to the order, and book what follows from it."""
        before = commission.targets(order)
        order.take(body, kind, key)
        self._book(order, body, before)

    def rates(self, order: Remaining, body: dict[str, Any]) -> None:
        """Give what an ``order.reattributed`` gives the rates of its new hosts, as of when the order was paid."""
        _, rules = self._state.rules_at(order.paid_at)
        for part in body["given"]:
            sku = order.skus.get(part["line"], "")
            bps = commission.rate(rules.commission, self._state, part["host"], part["team"], sku)
            if bps:
                part["bps"] = bps

    def _book(self, order: Remaining, body: dict[str, Any], before: dict[str, int]) -> None:
        _, rules = self._state.rules_at(order.paid_at)
        found = commission.changes(order, before, rules.commission.cap, self._accrued)
        if not found:
            return
        body["commission"] = found
        if order.paid_at < self._state.released_until:
            body["released"] = True
        order.book(body)
        for change in found:
            self._booked[change["host"]] = self._booked.get(change["host"], 0) + change["amount"]

    def _accrued(self, host: str) -> int:
        return self._state.accrued(host) + self._booked.get(host, 0)
