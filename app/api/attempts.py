"""How often an address may try a key in vain: a guess is hopeless anyway, and each one asks the database."""

from typing import Final

from app.errors import TooMany
from app.realtime.budget import Budget
from app.realtime.door import address_group

# Addresses that are remembered; whoever tried longest ago is forgotten first.
_ADDRESSES_MAX: Final = 10_000


class Attempts:
    """Of one process: ``per_minute_max`` at once, then as many each minute. Units: ``now`` in seconds."""

    def __init__(self, per_minute_max: int) -> None:
        self._per_minute_max = per_minute_max
        self._budgets: dict[str, Budget] = {}

    def begin(self, address: str, now: float) -> None:
        """Count an attempt; ``succeeded`` takes it back. Errors: TooMany ``too_many_attempts``."""
        group = address_group(address)
        budget = self._budgets.pop(group, None)
        if budget is None:
            budget = Budget(self._per_minute_max / 60, self._per_minute_max, now)
        self._budgets[group] = budget
        if len(self._budgets) > _ADDRESSES_MAX:
            del self._budgets[next(iter(self._budgets))]
        if not budget.take(now):
            seconds = 60 // self._per_minute_max + 1
            raise TooMany("too_many_attempts", "Your address tried too many keys; wait a minute.", seconds)

    def succeeded(self, address: str) -> None:
        """The last attempt was none in vain."""
        budget = self._budgets.get(address_group(address))
        if budget is not None:
            budget.give_back()
