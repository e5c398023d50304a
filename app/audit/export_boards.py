"""The list of all boards: every row of every measure, over the whole event and over each of its local days."""

from collections.abc import AsyncIterator, Sequence

from app.audit.cells import Cell
from app.audit.reading import Reading
from app.challenge.boards import BoardSpec, Frame, all_boards, board_document
from app.challenge.scores import EVENT
from app.events import OpenEvent, new_scores
from app.journal.store import Head
from app.state import State

BOARDS = (
    "board", "of", "measure", "window", "row", "rank", "id", "team", "score", "unit", "gap", "position", "finality",
)  # fmt: skip
_ROWS_MAX = 2**31

Rows = AsyncIterator[Sequence[Cell]]


async def boards(read: Reading) -> Rows:
    """Rows in rank order, then the board's house, excluded and total; of those who see everything.

    Folded from the first entry: what the journal says, whatever a stored state holds.
    """
    opened: OpenEvent | None = None
    async for page in read.pages():
        if opened is None:
            head = Head(read.head.event, read.head.brand, 0, page[0].prev_hash, 0)
            opened = OpenEvent(head, "", State(head.event), new_scores(read.timezone))
        opened.extend(page)
    assert opened is not None
    days = sorted(window for window in opened.scores["full"].totals.windows if window != EVENT)
    for of, measure in dict.fromkeys((spec.of, spec.measure) for spec in all_boards()):
        for window in (EVENT, *(f"day:{day}" for day in days)):
            for row in _board(read, opened, BoardSpec(of, measure, window)):
                yield row


def _board(read: Reading, opened: OpenEvent, spec: BoardSpec) -> list[Sequence[Cell]]:
    state = opened.state
    frame = Frame(
        read.head.event, opened.epoch, read.currency, state.status, state.rules.ranks == "shared", read.amount
    )
    # A final event's boards stand still, however long its ledger goes on.
    now = state.entered_at if state.status == "final" else state.recorded_at
    found = board_document(opened.scores["full"], spec, frame, now, read.head.position, _ROWS_MAX)
    before = (spec.id, spec.of, spec.measure, found["window"])
    after = (found["position"], found["finality"])
    rows: list[Sequence[Cell]] = [
        (
            *before,
            "row",
            row["rank"],
            row["id"],
            _team(opened, spec, row["id"], now),
            row["score"],
            found["unit"],
            row["gap"],
            *after,
        )
        for row in found["rows"]
    ]
    return rows + [(*before, name, "", "", "", found[name], found["unit"], "", *after) for name in _SUMS]


_SUMS = ("house", "excluded", "total")


def _team(opened: OpenEvent, spec: BoardSpec, identity: str, now: int) -> str:
    if spec.of != "host":
        return ""
    host = opened.state.roster.hosts[identity]
    return host.team_at(now) or host.team
