"""The rules for claims: a host says that a sale is theirs, and somebody else decides. Pure."""

from typing import Any

from app.errors import Conflict, Invalid
from app.journal.drafts import Draft, Fact, Lookup
from app.state import State
from app.state.parts import DAY_US

OPEN_PER_HOST_MAX = 50


def opened(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A claim to an order that is there, or for a sale that is missing.

    Errors: Invalid ``unknown_host``; Conflict ``claim_too_late``, ``order_not_there``, ``too_many_claims``.
    """
    content = fact.content
    host = content["host"]
    if not state.has_host(host):
        raise Invalid("unknown_host", f"The roster has no host {host!r}.", "host")
    if state.status == "final":
        raise Conflict("event_final", "The event is final; its result stays as it is.")
    if sum(claim.host == host for claim in state.claims.values()) >= OPEN_PER_HOST_MAX:
        raise Conflict("too_many_claims", f"A host has at most {OPEN_PER_HOST_MAX} open claims.")
    paid_at = content.get("paid_at", 0)
    if "order" in content:
        entry = lookup.by_key(content["order"])
        if entry is None:
            raise Conflict("order_not_there", "The event does not hold that order; claim it as missing, with paid_at.")
        paid_at = entry.content["fact"]["paid_at"]
    days = state.rules.claim_days
    if now > paid_at + days * DAY_US:
        raise Conflict("claim_too_late", f"A sale is claimed within {days} days after it was paid.")
    body: dict[str, Any] = {"fact": content, "host": host, "at": now}
    if "order" in content:
        body["about"] = content["order"]
    return [Draft("claim.opened", fact.key, body)]


def closed(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A claim is accepted, rejected, or withdrawn by its host.

    Errors: Conflict ``claim_not_open``, ``correction_not_made``, ``own_claim``.
    """
    content = fact.content
    claim = state.claims.get(content["id"])
    if claim is None:
        raise Conflict("claim_not_open", f"No claim {content['id']!r} is open.")
    if content["outcome"] != "withdrawn" and content["person"] == claim.person:
        raise Conflict("own_claim", "Who made a claim cannot decide it.")
    body: dict[str, Any] = {"fact": content, "host": claim.host}
    if claim.order:
        body["about"] = claim.order
    if "correction" in content:
        made = lookup.by_key(content["correction"])
        if made is None or content["correction"].removeprefix("correction:") in state.corrections:
            raise Conflict("correction_not_made", "There is no such correction, or it waits for a second person.")
    return [Draft("claim.closed", fact.key, body)]


def needed(fact: Fact) -> tuple[str, ...]:
    """Keys that must be looked up: the order that is claimed, the correction that a claim led to."""
    wanted = fact.content.get("order" if fact.kind == "claim.opened" else "correction")
    return (wanted,) if wanted else ()
