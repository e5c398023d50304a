"""From a fact to entries: the rule for each kind of fact, and what it must know of the journal. Pure.

The writer holds the head's lock, calls ``decide`` for one fact after the other on a layer of the state, and appends
what comes back. A refusal is an AppError: it leaves no trace. The same business key again gives the first entry if the
content is the same, a 409 if it is not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.challenge import lifecycle, roster, rules
from app.decide import announced, claims, corrections, money, rates, settlement, show, viewers
from app.errors import Conflict, Invalid
from app.journal.drafts import Decision, Draft, Fact, Lookup
from app.journal.entry import Entry
from app.sales import disputes
from app.state import State, changes_of

SCHEDULE_ACTOR = "schedule"


def decide(state: State, fact: Fact, now: int, lookup: Lookup) -> Decision:
    """The pure step from state and fact to entries.

    Errors: AppError, the refusal that the caller gets.
    """
    if fact.read is not None:
        fact = _in_its_currency(state, fact, fact.read, lookup)
    if fact.key:
        first = lookup.by_key(fact.key)
        if first is not None:
            return _repeated(fact, first)
    if fact.expected is not None and fact.expected != changes_of(state, fact.kind):
        raise Conflict("changed_meanwhile", "Somebody else has changed this since you looked; look again.")
    return Decision(_RULES[fact.kind](state, fact, now, lookup))


def _in_its_currency(state: State, fact: Fact, read: Callable[[str], dict[str, Any]], lookup: Lookup) -> Fact:
    """A fact that named no currency, read in its order's; a repeat as it was read first."""
    known = lookup.by_key(fact.key) or lookup.by_key(fact.order)
    currency = known.content["fact"].get("currency", state.currency) if known else state.currency
    return fact if fact.content and currency == state.currency else replace(fact, content=read(currency))


def due(state: State, now: int) -> Draft | None:
    """The transition that the passing of time has made due, as the entry that the writer adds by itself."""
    move = lifecycle.due_move(state, now)
    if move is None:
        return None
    to, at = move
    return Draft("event.moved", f"move:{to}:{at}", {"to": to, "from": state.status, "due": at}, at, SCHEDULE_ACTOR)


def orders_needed(state: State, fact: Fact) -> Sequence[str]:
    """Keys of the orders whose entries must be looked up before this fact is decided."""
    if fact.kind == "order.paid" and fact.key not in state.parked and not fact.order:
        return ()
    if fact.kind == "correction.opened":
        orders: list[str] = fact.content.get("orders", [])
        return orders
    if fact.kind == "correction.closed":
        waiting = state.corrections.get(fact.content["id"])
        return waiting.fact.get("orders", ()) if waiting else ()
    if fact.kind in ("claim.opened", "claim.closed"):
        return claims.needed(fact)
    order = _order_needed(state, fact)
    return (order,) if order else ()


def _order_needed(state: State, fact: Fact) -> str:
    if fact.kind == "dispute.closed":
        dispute = state.disputes.get(disputes.key_of_outcome(fact.key))
        return dispute.order if dispute else ""
    return fact.key if fact.kind == "order.paid" and fact.key in state.parked else fact.order


def _repeated(fact: Fact, first: Entry) -> Decision:
    said = first.content.get("request") if fact.request else first.content.get("fact")
    if said == (fact.request or fact.content):
        return Decision(first=first)
    noun = _NOUNS.get(fact.kind, "request")
    remedy = _REMEDIES.get(fact.kind, "send the same content, or use another id or Idempotency-Key")
    raise Conflict(
        f"{noun}_conflict",
        f"{fact.key!r} is in the journal at position {first.position} with other content; {remedy}.",
        position=first.position,
    )


def _create(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    return [Draft("event.created", "created", fact.content)]


def _check_not_final(state: State) -> None:
    if state.status == "final":
        raise Conflict("event_final", "The event is final; its result stays as it is.")


def _rules(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    changed = rules.parse_rules(fact.content["rules"], state.exponent, state.rules)
    if changed == state.rules:
        return []
    _check_not_final(state)
    version = state.rules_version + 1
    body = {"rules": rules.document(changed), "version": version, **_request(fact)}
    return [Draft("rules.changed", fact.key or f"rules:{version}", body)]


def _roster(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    given = fact.content
    if state.status == "final":
        # Names are no part of the result: they change, and the journal keeps silent about it.
        given = {name: listed for name, listed in given.items() if not name.startswith("named_")}
    bodies = roster.changes(state.roster, given, state.starts_at, now)
    if bodies:
        _check_not_final(state)
    drafts = []
    for number, body in enumerate(bodies):
        key = fact.key if fact.key and number == 0 else f"roster:{state.roster.version + 1 + number}"
        if number == 0:
            body |= _request(fact)
            if fact.request and len(bodies) > 1:
                # A repeat finds this entry by its key, and by this number the others.
                body["entries"] = len(bodies)
        drafts.append(Draft("roster.changed", key, body))
    return drafts


def _roster_check(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """Refuses what ``roster.changed`` would refuse, and writes nothing."""
    _roster(state, fact, now, lookup)
    return []


def _move(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    to = fact.content["to"]
    if to == state.status:
        return []
    lifecycle.check_move(state.status, to)
    body = {"to": to, "from": state.status, **_request(fact)}
    if fact.content.get("reason"):
        body["reason"] = fact.content["reason"]
    if to == "ended" and now < state.ends_at:
        body["ends_at"] = now
    if to == "final":
        _check_nothing_undecided(state)
        body |= _waived(state, fact.content.get("waive", ""))
    return [Draft("event.moved", fact.key or f"move:{state.moves + 1}", body)]


def _check_nothing_undecided(state: State) -> None:
    """What somebody still has to decide cannot be waived: it could change the result."""
    if state.corrections:
        raise Conflict(
            "corrections_open",
            "Corrections wait for a second person; approve or withdraw them first.",
            count=len(state.corrections),
            items=[{"kind": "correction", "id": identity} for identity in state.corrections],
        )
    if state.claims:
        raise Conflict(
            "claims_open",
            "Claims are open; accept or reject them first.",
            count=len(state.claims),
            items=[{"kind": "claim", "id": identity, "host": claim.host} for identity, claim in state.claims.items()],
        )


def _waived(state: State, reason: str) -> dict[str, Any]:
    """What stays open when the event becomes final, with the reason why it may.

    Errors: Conflict ``open_items`` if something is open and no reason is given.
    """
    cancellations = state.waiting_cancellations()
    count = state.unmatched_count + cancellations + len(state.disputes)
    if not count:
        return {}
    if not reason:
        raise Conflict(
            "open_items",
            f"{count} refunds, cancellations and disputes are open: they wait for their orders, or for their end. Post "
            "these first, or send a reason as waive.",
            count=count,
            items=[_open_item(key, order) for key, order in state.open_items()],
        )
    waived = {"refunds": state.unmatched_count, "amount": state.unmatched_amount, "cancellations": cancellations}
    if state.disputes:
        waived["disputes"] = len(state.disputes)
    return {"waived": {"reason": reason, **waived}}


def _open_item(key: str, order: str) -> dict[str, str]:
    """An open item in the words of the call that posted it. A source holds no colon, an id may."""
    kind, source, identity = key.split(":", 2)
    return {"kind": kind, "source": source, "id": identity} | ({"order": order.split(":", 2)[2]} if order else {})


def _session_start(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    _check_not_final(state)
    given = fact.content
    for number, host in enumerate(given["hosts"]):
        if not state.has_host(host["id"]):
            raise Invalid("unknown_host", f"The roster has no host {host['id']!r}.", f"hosts[{number}].id")
    body = {
        "fact": given,
        "id": given["id"],
        "hosts": given["hosts"],
        "started_at": given.get("started_at", now),
    }
    return [Draft("session.started", fact.key, body, body["started_at"])]


def _session_end(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    given = fact.content
    session = state.sessions.get(given["id"])
    if session is None:
        raise Conflict("session_not_started", f"The event has no session {given['id']!r}.")
    ended_at = given.get("ended_at", now)
    if session.ended_at:
        raise Conflict("session_ended", f"The session {given['id']!r} has ended already.")
    if ended_at <= session.started_at:
        raise Invalid("session_ends_before_start", "A session ends after it started.", "ended_at")
    return [Draft("session.ended", fact.key, {"fact": given, "id": session.id, "ended_at": ended_at}, ended_at)]


def _schedule(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A nudge: whatever is due is added by the writer before any fact of a batch."""
    return []


def _request(fact: Fact) -> dict[str, Any]:
    return {"request": fact.request} if fact.request else {}


_NOUNS = {
    "order.paid": "order",
    "order.refunded": "refund",
    "order.cancelled": "cancellation",
    "order.disputed": "dispute",
    "dispute.closed": "dispute",
    "correction.opened": "correction",
    "correction.closed": "correction",
    "claim.opened": "claim",
    "claim.closed": "claim",
    "commission.released": "release",
    "payout.made": "payout",
    "payout.failed": "payout",
    "statement.closed": "statement",
    "rates.changed": "rates",
    "announcement.made": "announcement",
    "viewers.sampled": "sample",
}
_REMEDIES = {
    "order.disputed": "use another id for another dispute",
    "dispute.closed": "it stays as it ended first",
    "correction.opened": "use another id for another correction",
    "correction.closed": "it stays as it was closed first",
    "viewers.sampled": "a minute is counted once",
    "order.paid": "correct it by a refund, or use another id",
    "order.refunded": "use another id for another refund",
    "order.cancelled": "it stays as it was first said",
    "rates.changed": "use another version for another table",
    "announcement.made": "use another id for another announcement",
}

_RULES: Mapping[str, Callable[[State, Fact, int, Lookup], list[Draft]]] = {
    "order.paid": money.paid,
    "order.refunded": money.refunded,
    "order.cancelled": money.cancelled,
    "order.disputed": money.disputed,
    "dispute.closed": money.dispute_closed,
    "event.created": _create,
    "rules.changed": _rules,
    "rates.changed": rates.changed,
    "roster.changed": _roster,
    "roster.checked": _roster_check,
    "event.moved": _move,
    "session.started": _session_start,
    "session.ended": _session_end,
    "session.changed": show.session_changed,
    "product.pinned": show.pinned,
    "product.unpinned": show.unpinned,
    "offer.started": show.offer_started,
    "offer.ended": show.offer_ended,
    "goal.set": announced.goal_set,
    "announcement.made": announced.announced,
    "viewers.sampled": viewers.sampled,
    "claim.opened": claims.opened,
    "claim.closed": claims.closed,
    "correction.opened": corrections.opened,
    "correction.closed": corrections.closed,
    "commission.released": settlement.released,
    "payout.made": settlement.payout_made,
    "payout.failed": settlement.payout_failed,
    "statement.closed": settlement.statement_closed,
    "schedule": _schedule,
}
