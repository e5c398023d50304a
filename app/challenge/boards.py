"""Boards: which one an id means, and its document at the scoreboard's position. Pure.

A board id is ``{of}[.{measure}][.{window}]``: ``hosts`` is ``hosts.net_sales.event``. Windows are ``event``, ``day``
(the local day of the last entry) and ``day:YYYY-MM-DD``.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from app.challenge.ranking import Ranking
from app.challenge.scores import EVENT, MEASURES, Scoreboard, new_tally
from app.errors import Invalid, NotFound

_OF = {"hosts": "host", "teams": "team"}
_MONEY_MEASURES = frozenset({"gross_sales", "net_sales"})
_DAY = re.compile(r"day(:\d{4}-\d{2}-\d{2})?")


class BoardSpec(NamedTuple):
    """What a board ranks, by which measure, in which window."""

    of: str
    measure: str
    window: str

    @property
    def id(self) -> str:
        """Shortest id that means this board."""
        parts = [f"{self.of}s"]
        if self.window != EVENT or self.measure != "net_sales":
            parts.append(self.measure)
        if self.window != EVENT:
            parts.append(self.window)
        return ".".join(parts)


class Frame(NamedTuple):
    """What a board document says besides its rows. ``amount`` writes minor units as a decimal string."""

    event: str
    epoch: str
    currency: str
    status: str
    shared_ranks: bool
    amount: Callable[[int], str]


def all_boards() -> list[BoardSpec]:
    """The boards every event has, over the whole event and over the current day."""
    return [BoardSpec(of, measure, window) for of in _OF.values() for measure in MEASURES for window in (EVENT, "day")]


def parse_board(board: str, window: str = "") -> BoardSpec:
    """The board that an id means; ``window`` (from a query) replaces the id's own.

    Errors: NotFound ``board_unknown``; Invalid ``window_unknown``.
    """
    of, *words = board.split(".")
    measure, own_window = "net_sales", EVENT
    if words and words[0] in MEASURES:
        measure = words.pop(0)
    if words and (words[0] == EVENT or _is_day(words[0])):
        own_window = words.pop(0)
    if of not in _OF or words:
        raise NotFound(
            "board_unknown", f"There is no board {board[:80]!r}; an id is hosts or teams[.measure][.window]."
        )
    window = window or own_window
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", window):
        window = f"day:{window}"
    if window != EVENT and not _is_day(window):
        raise Invalid("window_unknown", "A window is event, day or day:YYYY-MM-DD.", "window")
    return BoardSpec(_OF[of], measure, window)


def finality(status: str) -> str:
    """Whether numbers of an event with this status may still change: live, provisional, final."""
    return {"final": "final", "ended": "provisional"}.get(status, "live")


def _is_day(window: str) -> bool:
    found = _DAY.fullmatch(window)
    if found is None or not found[1]:
        return found is not None
    try:
        date.fromisoformat(found[1].removeprefix(":"))
    except ValueError:
        return False
    return True


def board_document(
    scores: Scoreboard, spec: BoardSpec, frame: Frame, now: int, position: int, limit: int, around: str = ""
) -> dict[str, Any]:
    """One board with its first ``limit`` rows, or ``limit`` rows with ``around`` in their middle.

    Shape: rows ``{rank, id, team?, score, gap}`` in rank order; scores of money are decimal strings, counts integers;
    ``total`` = all rows + ``house`` + ``excluded`` for money and units, the event's orders for ``orders``.
    Errors: NotFound ``row_unknown`` if ``around`` has no row.
    """
    measure = MEASURES.index(spec.measure)
    is_money = spec.measure in _MONEY_MEASURES
    show = frame.amount if is_money else int
    name = f"day:{scores.day_of(now)}" if spec.window == "day" else spec.window
    window = scores.totals.windows.get(name.removeprefix("day:"))
    document: dict[str, Any] = {
        "event": frame.event,
        "board": spec.id,
        "of": spec.of,
        "measure": spec.measure,
        "window": name,
        "unit": frame.currency if is_money else spec.measure,
        "epoch": frame.epoch,
        "position": position,
        "finality": finality(frame.status),
        "frozen": False,
    }
    if window is None:
        zero = show(0)
        return document | {"rows_total": 0, "total": zero, "house": zero, "excluded": zero, "rows": []}
    ranking = scores.ranking(name.removeprefix("day:"), spec.of, measure, frame.shared_ranks)
    if ranking is None:
        raise NotFound("board_unknown", "The board has no ranking.")
    tallies = window.hosts if spec.of == "host" else window.teams
    excluded = sum(tallies.get(identity, new_tally())[measure] for identity in scores.excluded(spec.of))
    return document | {
        "rows_total": len(ranking.keys()),
        "total": show(window.all[measure]),
        "house": show(window.house[measure]),
        "excluded": show(excluded),
        "rows": _rows(ranking, _first_row(ranking, limit, around), limit, frame, show),
    }


def _first_row(ranking: Ranking, limit: int, around: str) -> int:
    if not around:
        return 0
    index = ranking.index_of(around)
    if index is None:
        raise NotFound("row_unknown", f"The board has no row {around[:80]!r}.")
    last_start = max(0, len(ranking.keys()) - limit)
    return min(max(0, index - limit // 2), last_start)


def _rows(ranking: Ranking, first: int, limit: int, frame: Frame, show: Callable[[int], Any]) -> list[dict[str, Any]]:
    keys = ranking.keys()
    rows = []
    for index in range(first, min(first + limit, len(keys))):
        negative_score, _, identity = keys[index]
        # Who shares a rank is as far behind the rank above as all who do.
        place = ranking.shared_index(index) if frame.shared_ranks else index
        ahead = -keys[place - 1][0] if place else -negative_score
        rows.append(
            {
                "rank": place + 1,
                "id": identity,
                "score": show(-negative_score),
                "gap": show(ahead + negative_score),
            }
        )
    return rows
