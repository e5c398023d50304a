"""The rules for goals and announcements. Pure.

What is so already changes nothing and writes nothing.
"""

from app.challenge.goals import SESSION_MEASURES
from app.errors import Conflict, Invalid
from app.journal.drafts import Draft, Fact, Lookup
from app.state import State

# All that are open are in the document of the event, and every order is held against them.
GOALS_OPEN_MAX = 20
GOALS_MAX = 500
ANNOUNCEMENTS_MAX = 2_000


def goal_set(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """A goal is set, changed or ended.

    Errors: Conflict ``event_final``, ``goal_not_set``, ``goal_ended``, ``goal_conflict``, ``too_many_goals``; Invalid
    ``unknown_team``, ``unknown_host``, ``unknown_session``, ``goal_has_no_target_id``, ``session_without_net_sales``.
    """
    given = fact.content
    known = state.goals.get(given["id"])
    if given.get("ended"):
        if known is None:
            raise Conflict("goal_not_set", f"The event has no goal {given['id']!r}.")
        if known.is_ended:
            return []
        body = {"fact": given, "id": known.id, "ended": True}
        return [Draft("goal.set", f"goal:{known.id}:ended", body)]
    wanted = {"target_id": "", **given}
    if known is not None:
        if not known.is_ended and all(getattr(known, name) == value for name, value in wanted.items()):
            return []
        if known.is_ended:
            raise Conflict("goal_ended", f"The goal {known.id!r} has ended; take another id.")
        if any(getattr(known, name) != wanted[name] for name in ("of", "target_id", "measure")):
            raise Conflict("goal_conflict", f"The goal {known.id!r} counts something else; end it, or take another id.")
    if state.status == "final":
        raise Conflict("event_final", "The event is final; nothing can be reached any more.")
    if known is None:
        _check_target(state, wanted["of"], wanted["target_id"], wanted["measure"])
        open_goals = sum(not goal.is_ended for goal in state.goals.values())
        if open_goals >= GOALS_OPEN_MAX or len(state.goals) >= GOALS_MAX:
            text = f"An event has at most {GOALS_OPEN_MAX} goals at once and {GOALS_MAX} in all. End some."
            raise Conflict("too_many_goals", text)
    number = known.changes + 1 if known else 1
    return [Draft("goal.set", f"goal:{given['id']}:{number}", {"fact": given, **wanted})]


def announced(state: State, fact: Fact, now: int, lookup: Lookup) -> list[Draft]:
    """Something is announced to those who watch, or an announcement is withdrawn.

    Errors: Conflict ``announcement_not_made``, ``too_many_announcements``; Invalid ``until_passed``.
    """
    given = fact.content
    known = state.announcements.get(given["id"])
    if given.get("withdrawn"):
        if known is None:
            raise Conflict("announcement_not_made", f"The event has no announcement {given['id']!r}.")
        body = {"fact": given, "id": known.id, "withdrawn": True}
        return [Draft("announcement.made", fact.key, body)]
    if len(state.announcements) >= ANNOUNCEMENTS_MAX:
        raise Conflict("too_many_announcements", f"An event makes at most {ANNOUNCEMENTS_MAX} announcements.")
    if given.get("until", now + 1) <= now:
        raise Invalid("until_passed", "The announcement would end before it is made.", "until")
    return [Draft("announcement.made", fact.key, {"fact": given, **given, "made_at": now})]


def _check_target(state: State, of: str, target: str, measure: str) -> None:
    if of == "event" and target:
        raise Invalid("goal_has_no_target_id", "A goal of the whole event has no target_id.", "target_id")
    if of == "team" and target not in state.roster.teams:
        raise Invalid("unknown_team", f"There is no team {target!r}.", "target_id")
    if of == "host" and not state.has_host(target):
        raise Invalid("unknown_host", f"The roster has no host {target!r}.", "target_id")
    if of == "session" and not state.has_session(target):
        raise Invalid("unknown_session", f"The event has no session {target!r}; start it first.", "target_id")
    if of == "session" and measure not in SESSION_MEASURES:
        raise Invalid(
            "session_without_net_sales",
            "Refunds do not say which session sold, so a session has gross_sales, orders and units.",
            "measure",
        )
