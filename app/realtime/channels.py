"""What one channel shows, and the step from where any client stands to where the channel stands. Pure.

A client's state is the document of some position. Tested property: for every position that this channel has
published and still answers with a delta, ``apply(document there, delta) == document now``.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson

from app.errors import InvariantError
from app.realtime import messages
from app.realtime.messages import Body, Frame

# Top-level members that say what a document is. They never travel in a delta: if one changes, a snapshot
# does.
IDENTITY_FIELDS: Final = frozenset({"event", "board", "of", "measure", "window", "unit"})
# Members that every delta repeats when the document has them: small, and a reader of deltas wants them.
REPEATED_FIELDS: Final = frozenset({"rows_total", "total", "house", "excluded"})
_NOT_FIELDS: Final = IDENTITY_FIELDS | {"epoch", "position", "rows"}

# A position costs some 60 bytes; at a publication every 50 ms this is 100 s of recovery by delta.
POSITIONS_MAX: Final = 2048
# Encoded answers kept until the next change. Clients that come back together stand at few positions.
_ANSWERS_MAX: Final = 64

Row = Mapping[str, Any]


def order_key(row: Row) -> tuple[int, int, str]:
    """Where a row belongs: by ``rank`` if it has one, else newest ``position`` first; then by id.

    Every client sorts by the same rule after a delta, so a delta needs to carry no order.
    """
    if "rank" in row:
        return 0, row["rank"], row["id"]
    if "position" in row:
        return 1, -row["position"], row["id"]
    return 2, 0, row["id"]


def apply(document: Mapping[str, Any], delta: Mapping[str, Any], position: int) -> dict[str, Any]:
    """The document at ``position``, from one at the delta's start or anywhere later before ``position``."""
    rows = {row["id"]: row for row in document["rows"]}
    for identity in delta["gone"]:
        rows.pop(identity, None)
    for row in delta["rows"]:
        rows[row["id"]] = row
    fields = {name: value for name, value in delta.items() if name not in ("rows", "gone")}
    return {**document, **fields, "position": position, "rows": sorted(rows.values(), key=order_key)}


def accept(mine: int, previous: int, position: int) -> Literal["apply", "ignore", "gap"]:
    """What a client that stands at ``mine`` does with a delta. After a gap it subscribes again, naming
    ``mine``.
    """
    if position <= mine:
        return "ignore"
    return "apply" if previous <= mine else "gap"


class Channel:
    """The present document of one (name, view), and enough of its past to bring others up to it.

    It may skip positions: several entries can lie between two documents. A client at a position that was
    never published here gets a snapshot, because a row may have changed and changed back around it.
    Memory: the document, ``removed_rows_max`` ids of rows that left, ``positions_max`` positions.
    """

    is_live: Final = False

    def __init__(self, name: str, view: str, removed_rows_max: int, positions_max: int = POSITIONS_MAX) -> None:
        self.name = name
        self.view = view
        self.epoch = ""
        self.position = -1
        # Of the last publication or, before the first one, of the first document. Positions that changed nothing
        # lie behind it.
        self._told = -1
        self.document: dict[str, Any] = {}
        self._rows: dict[str, Row] = {}
        self._row_changed: dict[str, int] = {}
        self._field_changed: dict[str, int] = {}
        self._removed: deque[tuple[int, str]] = deque()
        self._removed_max = removed_rows_max
        self._published: deque[int] = deque()
        self._published_max = positions_max
        self._answers: dict[int | None, orjson.Fragment] = {}

    @property
    def is_empty(self) -> bool:
        """No document yet."""
        return self.position < 0

    def update(self, document: Mapping[str, Any]) -> Frame | None:
        """Take the newest document; the publication that follows from it, None when it holds no news.

        The caller never changes a document or a row of it afterwards: rows are kept, not copied.
        """
        epoch, position = document["epoch"], document["position"]
        rows = {row["id"]: row for row in sorted(document.get("rows", ()), key=order_key)}
        if "gone" in document or len(rows) != len(document.get("rows", ())):
            raise InvariantError(f"document of {self.name}: a row id twice, or a member named `gone`")
        whole = {**document, "rows": list(rows.values())}
        first, before, previous = self.is_empty, self.position, self._told
        if epoch == self.epoch and position == before:
            return self._renamed(whole, rows)
        went_back = epoch != self.epoch or position < before
        if first or went_back or not self._is_step_to(whole):
            self._start_over(whole, rows)
            return None if first else messages.publication(self.name, self._snapshot(reset=went_back))
        if not self._note_changes(whole, rows):
            return None
        self._told = position
        # More rows may have left at once than are remembered. Between `previous` and `before` nothing changed.
        body = self._delta(before, previous) if self._published[0] <= before else self._snapshot()
        return messages.publication(self.name, body)

    def _renamed(self, document: dict[str, Any], rows: dict[str, Row]) -> Frame | None:
        """Names, which are in no journal, may be others at the same position.

        The document replaces what followers hold. Who stands here is answered with it too: theirs may be from before.
        """
        if document == self.document:
            return None
        self._start_over(document, rows)
        self._published.clear()
        return messages.publication(self.name, self._snapshot())

    def since(self, position: int | None, epoch: str | None) -> Body:
        """What a client needs that holds the document of this position and epoch, or holds nothing."""
        if position is None or epoch is None:
            return self._snapshot()
        if epoch != self.epoch or position > self.position:
            return self._snapshot(reset=True)
        if position in self._answers or position in self._published:
            return self._delta(position, position)
        return self._snapshot()

    def knows(self, position: int | None, epoch: str | None) -> bool:
        """False if somebody has seen more of this journal than was read here."""
        return epoch != self.epoch or (position or 0) <= self.position

    def _is_step_to(self, document: Mapping[str, Any]) -> bool:
        """Whether a delta can express it: the same members, and the same identity."""
        before = self.document
        return before.keys() == document.keys() and all(
            before.get(name) == document.get(name) for name in IDENTITY_FIELDS
        )

    def _start_over(self, document: dict[str, Any], rows: dict[str, Row]) -> None:
        self.epoch, self.position = document["epoch"], document["position"]
        self._told = self.position
        self.document, self._rows = document, rows
        self._row_changed = dict.fromkeys(rows, self.position)
        self._field_changed = dict.fromkeys(document.keys() - _NOT_FIELDS, self.position)
        self._removed.clear()
        self._published = deque([self.position])
        self._answers.clear()

    def _note_changes(self, document: dict[str, Any], rows: dict[str, Row]) -> bool:
        """Whether anything but the position is another."""
        position = document["position"]
        gone = self._rows.keys() - rows.keys()
        for identity in gone:
            del self._row_changed[identity]
            self._removed.append((position, identity))
        changed = [identity for identity, row in rows.items() if self._rows.get(identity) != row]
        self._row_changed.update(dict.fromkeys(changed, position))
        fields = [name for name in self._field_changed if self.document[name] != document[name]]
        self._field_changed.update(dict.fromkeys(fields, position))
        self.document, self._rows, self.position = document, rows, position
        self._published.append(position)
        self._answers.clear()
        self._forget()
        return bool(gone or changed or fields)

    def _forget(self) -> None:
        """Keep within bounds. Whoever stands before a removal that is forgotten can no longer be told of it."""
        while len(self._removed) > self._removed_max:
            forgotten, _ = self._removed.popleft()
            while self._published[0] < forgotten:
                self._published.popleft()
        while len(self._published) > self._published_max:
            self._published.popleft()
        while self._removed and self._removed[0][0] <= self._published[0]:
            self._removed.popleft()

    def _snapshot(self, reset: bool = False) -> Body:
        return Body(self.epoch, self.position, self._answer(None), reset=reset)

    def _delta(self, since: int, previous: int) -> Body:
        return Body(self.epoch, self.position, self._answer(since), previous)

    def _answer(self, since: int | None) -> orjson.Fragment:
        if (known := self._answers.get(since)) is not None:
            return known
        fragment = messages.encoded(self.document if since is None else self._delta_since(since))
        if len(self._answers) < _ANSWERS_MAX:
            self._answers[since] = fragment
        return fragment

    def _delta_since(self, position: int) -> dict[str, Any]:
        changed, rows = self._row_changed, self._rows
        gone = (identity for at, identity in self._removed if at > position and identity not in rows)
        delta: dict[str, Any] = {
            "rows": [row for identity, row in rows.items() if changed[identity] > position],
            "gone": list(dict.fromkeys(gone)),
        }
        for name, at in self._field_changed.items():
            if at > position or name in REPEATED_FIELDS:
                delta[name] = self.document[name]
        return delta
