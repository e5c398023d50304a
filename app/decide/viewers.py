"""The rule for what the journal takes of an audience: one number of a session, or of the event, and a minute. Pure."""

from app.challenge import uniques
from app.challenge.audience import MINUTE_US
from app.errors import Conflict, Invalid
from app.journal.drafts import Draft, Fact, Lookup
from app.state import State


def sampled(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """How many watched in a minute that is over.

    Errors: Conflict ``event_final``, ``minute_not_over``, ``session_ended``; Invalid ``unknown_session``,
    ``sample_not_readable``.
    """
    given = fact.content
    minute, name = given["minute"], given.get("session", "")
    if state.status == "final":
        raise Conflict("event_final", "The event is final; its result stays as it is.")
    if minute + MINUTE_US > now:
        raise Conflict("minute_not_over", "A minute is counted when it is over.")
    session = state.sessions.get(name)
    if name and session is None:
        raise Invalid("unknown_session", f"The event has no session {name!r}.", "session")
    if session is not None and session.ended_at and minute >= session.ended_at:
        raise Conflict("session_ended", f"The session {name!r} had ended.")
    try:
        different = len(uniques.hashes_of(given.get("sketch", "")))
    except ValueError:
        different = -1
    if not 0 <= different <= given["viewers"] - given.get("counted", 0):
        raise Invalid("sample_not_readable", "The sketch is of more viewers than were there, or no sketch.", "sketch")
    return [Draft("viewers.sampled", fact.key, {"fact": given}, minute)]
