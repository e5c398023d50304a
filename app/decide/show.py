"""The rules for what happens on air: products pinned and taken off, offers, hosts who join and leave. Pure.

What is so already changes nothing and writes nothing.
"""

from typing import Any

from app.challenge.show import OPEN, Session
from app.errors import Conflict, Invalid
from app.journal.drafts import Draft, Fact, Lookup
from app.state import State

# All of them are in the documents of the session and of the event.
PINS_PER_SESSION_MAX = 50
# Each order of the product looks among them.
PINS_PER_PRODUCT_MAX = 10_000
CHANGES_PER_SESSION_MAX = 1_000


def pinned(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A product is shown in a session.

    Errors: Conflict ``event_final``, ``session_ended``, ``too_many_pins``; Invalid ``unknown_session``,
    ``pinned_before_session``.
    """
    given = fact.content
    session, sku = _session(state, given["session"]), given["sku"]
    pinned_at = given.get("pinned_at", now)
    own = [pin for pin in state.pins.get(sku, ()) if pin.session == session.id]
    if any(pin.until == OPEN or pin.pinned_at == pinned_at for pin in own):
        return []
    _check_not_final(state)
    if session.ended_at and pinned_at >= session.ended_at:
        raise Conflict("session_ended", f"The session {session.id!r} has ended.")
    if pinned_at < session.started_at:
        raise Invalid("pinned_before_session", "The product was pinned before its session started.", "pinned_at")
    if (
        len(state.pinned.get(session.id, ())) >= PINS_PER_SESSION_MAX
        or len(state.pins.get(sku, ())) >= PINS_PER_PRODUCT_MAX
    ):
        raise Conflict(
            "too_many_pins",
            f"A session pins at most {PINS_PER_SESSION_MAX} products at once, and a product is pinned at most "
            f"{PINS_PER_PRODUCT_MAX} times. Take some off.",
        )
    body = {"fact": given, **given, "pinned_at": pinned_at}
    return [Draft("product.pinned", f"pin:{session.id}:{len(own) + 1}:{sku}", body, pinned_at)]


def unpinned(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A product is shown no more.

    Errors: Conflict ``product_not_pinned`` if it never was in this session; Invalid ``unknown_session``,
    ``unpinned_before_pinned``.
    """
    given = fact.content
    session, sku = _session(state, given["session"]), given["sku"]
    own = [pin for pin in state.pins.get(sku, ()) if pin.session == session.id]
    if not own:
        raise Conflict("product_not_pinned", f"The session {session.id!r} has not pinned {sku!r}.")
    held = next((pin for pin in own if pin.until == OPEN), None)
    if held is None:
        return []
    unpinned_at = given.get("unpinned_at", now)
    if unpinned_at < held.pinned_at:
        raise Invalid("unpinned_before_pinned", "A product is not taken off before it was pinned.", "unpinned_at")
    body = {"fact": given, "session": session.id, "sku": sku, "unpinned_at": unpinned_at}
    return [Draft("product.unpinned", f"unpin:{session.id}:{len(own)}:{sku}", body, unpinned_at)]


def offer_started(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A price for a product, in a session or in the event.

    Errors: Conflict ``event_final``, ``session_ended``; Invalid ``unknown_session``, ``offer_ends_before_start``.
    """
    _check_not_final(state)
    given = fact.content
    if "session" in given and _session(state, given["session"]).ended_at:
        raise Conflict("session_ended", f"The session {given['session']!r} has ended.")
    starts_at = given.get("starts_at", now)
    if given["ends_at"] <= starts_at:
        raise Invalid("offer_ends_before_start", "An offer ends after it starts.", "ends_at")
    body = {"fact": given, **given, "starts_at": starts_at}
    return [Draft("offer.started", fact.key, body, starts_at)]


def offer_ended(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """An offer ends before its time. Errors: Conflict ``offer_not_started``, ``offer_ended``."""
    given = fact.content
    offer = state.offers.get(given["id"])
    if offer is None:
        raise Conflict("offer_not_started", f"The event has no offer {given['id']!r}.")
    ended_at = max(given.get("ended_at", now), offer.starts_at)
    if ended_at >= offer.ends_at:
        raise Conflict("offer_ended", f"The offer {given['id']!r} has ended by itself.")
    return [Draft("offer.ended", fact.key, {"fact": given, "id": offer.id, "ended_at": ended_at}, ended_at)]


def session_changed(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """Hosts join or leave a session: the whole list of those who are in it from a time on.

    Errors: Conflict ``event_final``, ``session_not_started``, ``session_ended``, ``session_changed_later``,
    ``too_many_changes``; Invalid ``unknown_host``, ``changed_before_session``.
    """
    given = fact.content
    session = state.sessions.get(given["id"])
    if session is None:
        raise Conflict("session_not_started", f"The event has no session {given['id']!r}.")
    changed_at = given.get("changed_at", now)
    hosts = tuple((host["id"], host["weight"]) for host in given["hosts"])
    if session.hosts_at(changed_at) == hosts:
        return []
    _check_not_final(state)
    for number, (host, _) in enumerate(hosts):
        if not state.has_host(host):
            raise Invalid("unknown_host", f"The roster has no host {host!r}.", f"hosts[{number}].id")
    _check_change(session, changed_at)
    body: dict[str, Any] = {"fact": given, "id": session.id, "hosts": given["hosts"], "changed_at": changed_at}
    return [Draft("session.changed", f"session:{session.id}:hosts:{len(session.earlier) + 1}", body, changed_at)]


def _check_change(session: Session, at: int) -> None:
    if session.ended_at and at >= session.ended_at:
        raise Conflict("session_ended", f"The session {session.id!r} has ended.")
    if at <= session.started_at:
        raise Invalid("changed_before_session", "Hosts join and leave after the session started.", "changed_at")
    if session.earlier and at <= session.earlier[-1][0]:
        # Orders were split by what was known of these times.
        raise Conflict("session_changed_later", "The hosts of this session have changed at a later time already.")
    if len(session.earlier) >= CHANGES_PER_SESSION_MAX:
        raise Conflict("too_many_changes", f"The hosts of a session change at most {CHANGES_PER_SESSION_MAX} times.")


def _session(state: State, identity: str) -> Session:
    session = state.sessions.get(identity)
    if session is None:
        raise Invalid("unknown_session", f"The event has no session {identity!r}; start it first.", "session")
    return session


def _check_not_final(state: State) -> None:
    if state.status == "final":
        raise Conflict("event_final", "The event is final; its result stays as it is.")
