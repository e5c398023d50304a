"""The rule for exchange rates: a table is declared under a version, once. Pure."""

from app.errors import Conflict
from app.journal.drafts import Draft, Fact, Lookup
from app.sales.rates import VERSIONS_MAX
from app.state import State


def changed(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A table that holds for whatever is recorded after it, also of a final event, whose ledger goes on.

    Errors: Conflict ``too_many_versions``.
    """
    if len(state.rates.versions) >= VERSIONS_MAX:
        raise Conflict("too_many_versions", f"An event has at most {VERSIONS_MAX} tables of rates.")
    return [Draft("rates.changed", fact.key, {"fact": fact.content})]
