"""The life of an event: which state may follow which, and what the passing of time changes. Pure.

``draft -> scheduled -> live <-> paused -> ended -> final``. Times are half-open: the event holds
``[starts_at, ends_at)``.
"""

from typing import Protocol

from app.errors import Conflict, Invalid

STATUSES = ("draft", "scheduled", "live", "paused", "ended", "final")

_NEXT = {
    "draft": ("scheduled",),
    "scheduled": ("live",),
    "live": ("paused", "ended"),
    "paused": ("live", "ended"),
    "ended": ("final",),
    "final": (),
}


class Phase(Protocol):
    """Where an event stands; ``entered_at`` is when it got its present status: a due move's when it was due."""

    status: str
    starts_at: int
    ends_at: int
    entered_at: int


def check_move(status: str, to: str) -> None:
    """Refuse a status that does not exist or may not follow.

    Errors: Invalid ``unknown_status``; Conflict ``transition_not_allowed``.
    """
    if to not in STATUSES:
        raise Invalid("unknown_status", f"An event can be {', '.join(STATUSES)}; not {to!r}.", "to")
    if to not in _NEXT[status]:
        allowed = ", ".join(_NEXT[status]) or "nothing"
        raise Conflict("transition_not_allowed", f"A {status} event can become {allowed}; not {to}.")


def due_move(phase: Phase, now: int) -> tuple[str, int] | None:
    """The transition that time has made due, as (to, due); None if none is.

    A time that had passed before the event got its present status moves nothing: whoever moved it there did so
    knowing it. That is what lets a past event be opened to replay its orders (decision 0005).
    """
    if phase.status == "scheduled":
        to, due = "live", phase.starts_at
    elif phase.status in ("live", "paused"):
        to, due = "ended", phase.ends_at
    else:
        return None
    return (to, due) if phase.entered_at < due <= now else None


def next_due(phase: Phase) -> int | None:
    """When ``due_move`` will next have something to say, in microseconds; None if time changes nothing."""
    due = {"scheduled": phase.starts_at, "live": phase.ends_at, "paused": phase.ends_at}.get(phase.status)
    return due if due is not None and due > phase.entered_at else None
