"""How an audience follows from the minutes that were sampled of it. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from app.challenge import uniques
from app.state.parts import NO_AUDIENCE, Audience


class Watched(Protocol):
    """The part of the state that this fold changes."""

    audiences: dict[str, Audience]


def _sampled(state: Watched, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    fact = content["fact"]
    session, viewers = fact.get("session", ""), fact["viewers"]
    before = state.audiences.get(session, NO_AUDIENCE)
    after = Audience(
        max(before.peak, viewers),
        before.viewer_minutes + viewers,
        max(before.sampled_until, fact["minute"]),
        uniques.merged(before.sketch, uniques.hashes_of(fact.get("sketch", ""))),
    )
    state.audiences = {**state.audiences, session: after}


FOLDS: Mapping[str, Callable[[Watched, str, int, Mapping[str, Any]], None]] = {"viewers.sampled": _sampled}
