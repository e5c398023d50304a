"""Committed entries become publications: marks the hub after each fold and reads documents when it asks.

Also the one place where a board document gets the names of its rows, for the stream and for HTTP alike.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from app.challenge.boards import BoardSpec, Frame, board_document, parse_board
from app.errors import NotFound
from app.events import Events, OpenEvent
from app.journal.entry import Entry
from app.profiles import Profiles
from app.realtime.hub import Hub
from app.sales.money import format_amount
from app.sales.nobody import NO_TEAM
from app.sales.times import rfc3339

# Rows of a board's channel; more are for GET with limit and around.
CHANNEL_ROWS = 100


class Feed:
    """The source of every channel's documents; ``hub`` is set by ``main``."""

    def __init__(self, events: Events, profiles: Profiles) -> None:
        self._events = events
        self._profiles = profiles
        self.hub: Hub | None = None
        events.on_change = self._changed

    def _changed(self, event: OpenEvent, entries: Sequence[Entry]) -> None:
        if any(entry.kind == "roster.changed" for entry in entries):
            # Names are written before the entry that tells of them, by this process or by another one.
            self._profiles.forget(event.head.event)
        if self.hub is not None:
            self.hub.mark(event.head.event, event.head.position)

    async def snapshot(self, channel: str, view: str) -> dict[str, Any]:
        """The document of a channel now. Errors: NotFound ``channel_unknown``, ``event_unknown``, ``board_unknown``."""
        name, _, rest = channel.partition("/")
        event = await self._events.open(name)
        if rest == "orders":
            return await self.ticker(event, view)
        kind, _, board = rest.partition("/")
        if kind != "boards" or not board:
            raise NotFound("channel_unknown", f"There is no channel {channel[:120]!r}.")
        return await self.board(event, view, parse_board(board), CHANNEL_ROWS)

    async def catch_up(self, event: str) -> None:
        """Fold what other processes committed. Errors: Unavailable if the database cannot be asked."""
        await self._events.catch_up(event)

    async def board(self, event: OpenEvent, view: str, spec: BoardSpec, limit: int, around: str = "") -> dict[str, Any]:
        """A board's document with names; ``event`` may be one folded for an earlier position."""
        profiles = await self._profiles.of(event.head.event)
        # From here on nothing waits, so document, names and position belong together.
        state = event.state
        _check_day(event, view, spec)
        # A final event's day is the one on which it became final, however long its ledger goes on.
        now = state.entered_at if state.status == "final" else _now_of(event, view)
        document = board_document(
            event.scores[view],
            spec,
            _frame(event),
            now,
            position_of(event, view),
            limit,
            around,
        )
        document["event_name"] = profiles.get("event", {}).get(event.head.event, {}).get("name", event.head.event)
        named, teams = profiles.get(spec.of, {}), profiles.get("team", {})
        for row in document["rows"]:
            row.update(named.get(row["id"], {}))
            if spec.of == "host" and (host := state.roster.hosts.get(row["id"])) is not None:
                row["team"] = host.team_at(now) or host.team
                if team_name := teams.get(row["team"], {}).get("name"):
                    row["team_name"] = team_name
        return document

    async def ticker(self, event: OpenEvent, view: str) -> dict[str, Any]:
        """The last orders, newest first. Shape: one row per order and host that was credited."""
        profiles = (await self._profiles.of(event.head.event)).get("host", {})
        show = partial(format_amount, exponent=event.state.exponent)
        rows = []
        totals = event.scores[view].totals
        for sale in reversed(totals.ticker):
            if view == "public" and sale["host"] in totals.excluded:
                # Who has no row on a board is not shown here either.
                continue
            row = {
                **sale,
                "at": rfc3339(sale["at"]),
                "amount": show(sale["amount"]),
                "team": "" if sale["team"] == NO_TEAM else sale["team"],
            }
            name = profiles.get(sale["host"], {}).get("name")
            if name:
                row["name"] = name
            rows.append(row)
        # The order that every client sorts by.
        rows.sort(key=lambda row: (-row["position"], row["id"]))
        return {
            "event": event.head.event,
            "unit": event.state.currency,
            "epoch": event.epoch,
            "position": position_of(event, view),
            "rows": rows,
        }


def _check_day(event: OpenEvent, view: str, spec: BoardSpec) -> None:
    """Every board is a channel that each commit reads again, so only days that the event has are boards.

    Errors: NotFound ``board_unknown``.
    """
    day = spec.window.removeprefix("day:")
    scores = event.scores[view]
    if day not in scores.totals.windows and day != "day":
        first, last = scores.day_of(event.state.starts_at), scores.day_of(event.state.ends_at - 1)
        if not first <= day <= last:
            raise NotFound("board_unknown", f"The event runs from {first} to {last}; it has no board of {day}.")


def position_of(event: OpenEvent, view: str) -> int:
    """Where a view stands: the public one never tells the head, only the last entry that changed it."""
    return event.head.position if view == "full" else event.scores[view].totals.changed_at


def _now_of(event: OpenEvent, view: str) -> int:
    """The view's now, in microseconds: when the entry at its position was recorded."""
    return event.state.recorded_at if view == "full" else event.scores[view].totals.changed_time


def _frame(event: OpenEvent) -> Frame:
    state = event.state
    return Frame(
        event.head.event,
        event.epoch,
        state.currency,
        state.status,
        state.rules.ranks == "shared",
        partial(format_amount, exponent=state.exponent),
    )
