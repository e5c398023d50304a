"""The rules for settling: commission is released from hold, paid out, adjusted; statements close a range. Pure."""

from typing import Any

from app.errors import Conflict, Invalid
from app.journal.drafts import Draft, Fact, Lookup
from app.sales.money import format_amount
from app.state import State
from app.state.parts import DAY_US

HOSTS_PER_ENTRY_MAX = 1_000


def released(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """Commission of whole days, UTC, that have been held for long enough can be paid out.

    Errors: Conflict ``nothing_to_release``, ``still_held``.
    """
    latest = (now - state.rules.commission.hold_days * DAY_US) // DAY_US * DAY_US
    until = fact.content.get("until", latest)
    if until > latest:
        raise Conflict("still_held", "Orders paid before that time are held for longer; leave it out for the latest.")
    if until % DAY_US:
        raise Invalid("not_a_day", "Commission is released by whole days; send the beginning of a day, UTC.", "until")
    if until <= state.released_until:
        raise Conflict("nothing_to_release", "Everything before that time is released already.")
    sums: dict[str, int] = {}
    for day, hosts in state.held.items():
        if day < until // DAY_US:
            for host, amount in hosts.items():
                sums[host] = sums.get(host, 0) + amount
    amounts = [{"host": host, "amount": amount} for host, amount in sorted(sums.items()) if amount]
    drafts = []
    for start in range(0, len(amounts) or 1, HOSTS_PER_ENTRY_MAX):
        key = fact.key if start == 0 else f"{fact.key}:{start // HOSTS_PER_ENTRY_MAX + 1}"
        body: dict[str, Any] = {"until": until, "amounts": amounts[start : start + HOSTS_PER_ENTRY_MAX]}
        if start == 0:
            # What a repeat is answered from.
            body |= {"fact": fact.content, "at": now, "hosts": len(amounts), "amount": sum(sums.values())}
        drafts.append(Draft("commission.released", key, body))
    return drafts


def payout_made(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """Money goes to a host. Errors: Conflict ``dispute_open``, ``payout_above_available``; Invalid ``unknown_host``."""
    content = fact.content
    host, amount = content["host"], content["amount"]
    _check_host(state, host)
    if host in state.disputed_hosts():
        raise Conflict("dispute_open", f"A dispute of an order of {host!r} is open; pay out once it has ended.")
    available = state.available(host)
    if amount > available:
        said = format_amount(available, state.exponent)
        raise Conflict("payout_above_available", f"{host!r} has {said} available; that is the most that can be paid.")
    return [Draft("payout.made", fact.key, {"fact": content, "host": host, "available": -amount})]


def payout_failed(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A payout came back. Errors: Conflict ``payout_unknown``."""
    made = lookup.by_key(fact.order)
    if made is None:
        raise Conflict("payout_unknown", "There is no payout of that id.")
    body = {"fact": fact.content, "about": fact.order, "host": made.content["host"]}
    return [Draft("payout.failed", fact.key, body | {"available": -made.content["available"]})]


def adjusted(state: State, host: str, amount: int, key: str, fact: dict[str, Any]) -> Draft:
    """An amount given to a host, or taken, by a correction. Errors: Invalid ``unknown_host``."""
    _check_host(state, host)
    return Draft("adjustment.made", key, {"fact": fact, "host": host, "available": amount})


def statement_closed(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """Everything up to a position is stated; what comes later is in the next statement.

    Errors: Conflict ``range_closed``; Invalid ``position_in_future``.
    """
    to = fact.content.get("to", state.position)
    if to > state.position:
        raise Invalid("position_in_future", f"The journal is at {state.position}.", "to")
    if to <= state.stated_until:
        raise Conflict("range_closed", f"Statements are closed up to position {state.stated_until} already.")
    return [Draft("statement.closed", fact.key, {"fact": fact.content, "from": state.stated_until, "to": to})]


def _check_host(state: State, host: str) -> None:
    if not state.has_host(host):
        raise Invalid("unknown_host", f"The roster has no host {host!r}.", "host")
