"""What a client holds of one channel, and what a message makes of it. Pure.

The rule is that of docs/protocol.md, "The rule".
"""

from collections.abc import Mapping
from typing import Any, Literal

Document = dict[str, Any]
Outcome = Literal["changed", "same", "gap"]


def order_key(row: Mapping[str, Any]) -> tuple[int, int, str]:
    """Where a row belongs: by ``rank`` if it has one, else highest ``position`` first; then by id, by code points."""
    if "rank" in row:
        return 0, row["rank"], row["id"]
    if "position" in row:
        return 1, -row["position"], row["id"]
    return 2, 0, row["id"]


def apply(document: Mapping[str, Any], delta: Mapping[str, Any], position: int) -> Document:
    """The document at ``position``: a new one, the given one stays as it is.

    ``document`` is one that the delta may be applied to, see ``accept``.
    """
    rows = {row["id"]: row for row in document["rows"]}
    for identity in delta["gone"]:
        rows.pop(identity, None)
    rows |= {row["id"]: row for row in delta["rows"]}
    changed = {name: value for name, value in delta.items() if name not in ("rows", "gone")}
    return {**document, **changed, "position": position, "rows": sorted(rows.values(), key=order_key)}


def accept(mine: int, previous: int, position: int) -> Literal["apply", "ignore", "gap"]:
    """What to do at position ``mine`` with a delta from ``previous`` to ``position``."""
    if position <= mine:
        return "ignore"
    return "apply" if previous <= mine else "gap"


class Held:
    """The document of one channel as far as messages told it; None before the first."""

    def __init__(self) -> None:
        self.document: Document | None = None

    @property
    def standing(self) -> dict[str, Any]:
        """The members of a ``subscribe`` that say what is held: position and epoch, or none."""
        document = self.document
        if document is None or "position" not in document:
            return {}
        return {"position": document["position"], "epoch": document["epoch"]}

    def take(self, message: Mapping[str, Any]) -> Outcome:
        """Take a ``subscribed`` or a ``publication`` of this channel. After ``gap`` the client must subscribe again.

        A message of a live channel has a ``time`` in place of a position: the latest one wins.
        Errors: KeyError, TypeError for a message that the protocol does not know.
        """
        mine = self.document
        if "snapshot" in message:
            if "time" in message and mine is not None and message["time"] <= mine.get("time", ""):
                return "same"
            self.document = message["snapshot"]
            return "changed"
        if mine is None:
            return "gap"
        # The delta of an answer starts where this client said that it stands.
        previous = message["previous"] if message["type"] == "publication" else mine["position"]
        decision = accept(mine["position"], previous, message["position"])
        if decision == "apply":
            self.document = apply(mine, message["delta"], message["position"])
            return "changed"
        return "gap" if decision == "gap" else "same"
