"""Running totals of every host and team in every window: the fold that all boards of one view are read from. Pure.

Called for each entry in journal order. A sale, refund or cancellation counts in the windows of its order's
``paid_at``. After the entry that makes the event final nothing moves any more.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from app.challenge.goals import SESSION_MEASURES, Aim, Goal, aimed, reach
from app.challenge.ranking import Ranking
from app.sales.nobody import HOUSE, NO_TEAM

EVENT = "event"
# One tally: the four measures, then the position at which each got its present value.
MEASURES = ("gross_sales", "net_sales", "orders", "units")
GROSS, NET, ORDERS, UNITS = range(4)
TICKER_ROWS_MAX = 50

_TAKEN = frozenset({"order.refunded", "order.cancelled", "refund.matched", "order.disputed", "dispute.closed"})
# Reasons of credits by which it is only known who was on air.
INDIRECT = frozenset({"session", "pin"})
# The kinds that can change what a board, the ticker or a host's numbers show.
_SHOWN = _TAKEN | {
    "order.paid",
    "order.reattributed",
    "roster.changed",
    "event.created",
    "event.moved",
    "rules.changed",
}
# Shown beside the boards, also of an event that is final: what is on air then still ends.
_ON_AIR = frozenset(
    {
        *("session.started", "session.ended", "session.changed"),
        *("product.pinned", "product.unpinned", "offer.started", "offer.ended"),
        *("goal.set", "announcement.made", "viewers.sampled"),
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_US = 60 * 1_000_000

Tally = list[int]
# Amount and units by host and team.
_Sold = dict[tuple[str, str], tuple[int, int]]
# What one entry does to tallies, by their identity and measure.
_Changes = dict[int, tuple[Tally, list[int]]]
# Amount and units of who has sold nothing yet; direct and indirect sales as well.
_NOTHING = (0, 0)


def new_tally() -> Tally:
    """Zeroes: four measures, then the positions of their last change."""
    return [0] * 8


class SessionSales(Struct):
    """What was sold in a session: by orders and lines that name it, and of products that it had pinned. Gross sales,
    orders, units. Refunds do not lower it: they do not say which session sold.

    Shape: ``hosts`` has the same three of each host that was credited.
    """

    all: list[int] = field(default_factory=lambda: [0, 0, 0])
    hosts: dict[str, list[int]] = field(default_factory=dict)


class Window(Struct):
    """Totals of one window. Shape: tallies by host and team id; ``house`` and ``all`` for the event as a whole.

    ``rankings`` are views of the tallies that somebody has asked for; they are rebuilt when missing.
    """

    hosts: dict[str, Tally] = field(default_factory=dict)
    teams: dict[str, Tally] = field(default_factory=dict)
    house: Tally = field(default_factory=new_tally)
    all: Tally = field(default_factory=new_tally)


class Totals(Struct):
    """What a scoreboard stores: everything that cannot be rebuilt from less.

    ``changed_at`` is the position of the last entry that changed what is shown, ``changed_time`` its ``recorded_at``:
    the view's own now. A view that told the time of other entries would tell that there are some.
    """

    timezone: str
    position: int = 0
    changed_at: int = 0
    changed_time: int = 0
    is_final: bool = False
    excluded: dict[str, None] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=lambda: {EVENT: Window()})
    ticker: list[dict[str, Any]] = field(default_factory=list)
    sessions: dict[str, SessionSales] = field(default_factory=dict)
    # By host, gross sales that were credited directly and indirectly; refunds and corrections do not move them.
    credited: dict[str, tuple[int, int]] = field(default_factory=dict)
    # By id, goals that are wanted or were reached.
    aims: dict[str, Aim] = field(default_factory=dict)


class Scoreboard:
    """The totals of one view and the rankings that are kept in step with them."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        # Sales whose rows of the ticker are not made yet: of a batch only the last ones would be kept (measured: a
        # quarter of the fold).
        self._unticked: deque[tuple[int, Mapping[str, Any]]] = deque(maxlen=TICKER_ROWS_MAX)
        self._zone = ZoneInfo(totals.timezone)
        self._has_aims = bool(totals.aims)
        # Minute since the epoch and the local day it belongs to: the next sale is nearly always in the same one.
        self._day: tuple[int | None, str] = (None, "")
        # By window, then by what is ranked, measure and whether ranks are shared: a sale touches its two windows' only.
        self._rankings: dict[str, dict[tuple[str, int, bool], Ranking]] = {}

    @property
    def totals(self) -> Totals:
        """Everything that was folded up to now."""
        while self._unticked:
            self._tick(*self._unticked.popleft())
        return self._totals

    def apply(self, position: int, kind: str, recorded_at: int, content: Mapping[str, Any]) -> None:
        """Fold one entry. Entries must come in order and without a gap."""
        totals = self._totals
        totals.position = position
        if kind in _ON_AIR:
            totals.changed_at, totals.changed_time = position, recorded_at
            if kind == "goal.set":
                aimed(totals.aims, content)
                self._has_aims = reach(totals.aims, self.value_of, recorded_at)
            return
        if totals.is_final or kind not in _SHOWN or content.get("parked"):
            return
        if kind == "order.paid":
            self._paid(position, content)
        elif kind in _TAKEN:
            self._taken(position, content)
        elif kind == "order.reattributed":
            self._reattributed(position, content)
        elif kind == "roster.changed":
            self._roster(content)
        elif kind == "event.moved":
            totals.is_final = content["to"] == "final"
        totals.changed_at, totals.changed_time = position, recorded_at
        if self._has_aims:
            self._has_aims = reach(totals.aims, self.value_of, recorded_at)

    def ranking(self, window: str, of: str, measure: int, shared: bool = False) -> Ranking | None:
        """The hosts or teams (``of``) of a window by one measure; None if nothing happened in the window.

        ``shared``: equals share a rank, and stand in the order of their ids.
        """
        totals = self._totals.windows.get(window)
        if totals is None:
            return None
        rankings = self._rankings.setdefault(window, {})
        key = (of, measure, shared)
        if key not in rankings:
            tallies = totals.hosts if of == "host" else totals.teams
            rankings[key] = Ranking(tallies, measure, self.excluded(of), shared)
        return rankings[key]

    def value_of(self, goal: Aim | Goal) -> int:
        """How far a goal has come, over the whole event. Units: as its ``target``."""
        measure = MEASURES.index(goal.measure)
        if goal.of == "session":
            sales = self._totals.sessions.get(goal.target_id)
            return sales.all[SESSION_MEASURES.index(goal.measure)] if sales else 0
        window = self._totals.windows[EVENT]
        if goal.of == "event":
            return window.all[measure]
        tally = (window.hosts if goal.of == "host" else window.teams).get(goal.target_id)
        return tally[measure] if tally else 0

    def excluded(self, of: str) -> Collection[str]:
        """Who sells without a row: hosts that are not active; on team boards what was sold outside any team."""
        return self._totals.excluded if of == "host" else (NO_TEAM,)

    def day_of(self, at: int) -> str:
        """Local day of a time as ``YYYY-MM-DD``."""
        # No zone has changed its offset within a minute since 1972. A local day itself may come in two pieces
        # (St John's, until 2011), so its first and last moment would not do.
        minute, name = self._day
        if at // _MINUTE_US != minute:
            name = (_EPOCH + timedelta(microseconds=at)).astimezone(self._zone).date().isoformat()
            self._day = (at // _MINUTE_US, name)
        return name

    def _windows(self, at: int) -> list[tuple[str, Window]]:
        windows = self._totals.windows
        day = self.day_of(at)
        if day not in windows:
            event = windows[EVENT]
            # A window opens with everybody in it: who has sold nothing has a row as well.
            windows[day] = Window(
                hosts={host: new_tally() for host in event.hosts},
                teams={team: new_tally() for team in event.teams},
            )
        return [(EVENT, windows[EVENT]), (day, windows[day])]

    def _paid(self, position: int, content: Mapping[str, Any]) -> None:
        if content.get("late"):
            return
        # The lines of an order mostly have one seller: added up first, each tally is moved once.
        sold: _Sold = {}
        credited = self._totals.credited
        for credit in content["credits"]:
            host, amount = credit["host"], credit["amount"]
            before = sold.get((host, credit["team"]), _NOTHING)
            sold[host, credit["team"]] = before[0] + amount, before[1] + credit["units"]
            if host != HOUSE:
                direct, indirect = credited.get(host, _NOTHING)
                is_indirect = credit["reason"] in INDIRECT
                credited[host] = (direct, indirect + amount) if is_indirect else (direct + amount, indirect)
        for name, window in self._windows(content["fact"]["paid_at"]):
            moved: dict[int, Tally] = {}
            for (host, team), (amount, units) in sold.items():
                for tally in self._tallies(name, window, host, team):
                    moved[id(tally)] = tally
                    # What was given away changes no score, so it does not change when the score was reached.
                    if amount:
                        tally[GROSS] += amount
                        tally[NET] += amount
                        tally[4 + GROSS] = tally[4 + NET] = position
                    if units:
                        tally[UNITS] += units
                        tally[4 + UNITS] = position
            _count(position, moved.values(), 1)
        for session, part in _by_session(content, sold).items():
            self._sold_in(session, part)
        self._unticked.append((position, content))

    def _sold_in(self, session: str, sold: _Sold) -> None:
        sales = self._totals.sessions.get(session)
        if sales is None:
            sales = self._totals.sessions[session] = SessionSales()
        sales.all[1] += 1
        for (host, _), (amount, units) in sold.items():
            mine = sales.hosts.setdefault(host, [0, 0, 0])
            # A host has one team at a time, so an order counts once for each.
            mine[1] += 1
            for numbers in (mine, sales.all):
                numbers[0] += amount
                numbers[2] += units

    def _taken(self, position: int, content: Mapping[str, Any]) -> None:
        """A refund, its match, a cancellation, a dispute or the end of one, which gives back what it took.

        What is paid from Cancelled-Pending left the boards before, and what a lost dispute took is gone already.
        """
        if content.get("outcome") == "lost":
            return
        step = 1 if "outcome" in content else -1
        for name, window in self._windows(content["paid_at"]):
            changes: _Changes = {}
            for share in () if content.get("pending") else content["shares"]:
                if share["of"] == "sale":
                    for tally in self._tallies(name, window, share["host"], share["team"]):
                        _, change = changes.setdefault(id(tally), (tally, [0, 0, 0, 0]))
                        change[NET] += step * share["amount"]
                        change[UNITS] += step * share["units"]
            _move(position, changes)
            ends = content.get("closed") or content.get("reopened", ())
            closed = {(item["host"], item["team"]) for item in ends}
            moved = {id(tally): tally for seller in closed for tally in self._tallies(name, window, *seller)}
            _count(position, moved.values(), step)

    def _reattributed(self, position: int, content: Mapping[str, Any]) -> None:
        """What one host loses another one gets; a team or an event that holds as much as before has not moved."""
        for name, window in self._windows(content["paid_at"]):
            changes: _Changes = {}
            for part_name, sign in (("taken", -1), ("given", 1)):
                for part in content[part_name]:
                    for tally in self._tallies(name, window, part["host"], part["team"]):
                        _, change = changes.setdefault(id(tally), (tally, [0, 0, 0, 0]))
                        change[GROSS] += sign * part["gross"]
                        change[NET] += sign * part["amount"]
                        change[UNITS] += sign * part["units"]
            for part_name, sign in (("before", -1), ("after", 1)):
                sellers = [(seller["host"], seller["team"]) for seller in content[part_name]]
                tallies = {id(tally): tally for seller in sellers for tally in self._tallies(name, window, *seller)}
                for tally in tallies.values():
                    changes.setdefault(id(tally), (tally, [0, 0, 0, 0]))[1][ORDERS] += sign
            _move(position, changes)

    def _tallies(self, name: str, window: Window, host: str, team: str) -> tuple[Tally, ...]:
        """The tallies that a credit moves; their rankings are told."""
        if host == HOUSE:
            return (window.all, window.house)
        by_host = window.hosts.get(host)
        if by_host is None:
            by_host = window.hosts[host] = new_tally()
        by_team = window.teams.get(team)
        if by_team is None:
            by_team = window.teams[team] = new_tally()
        for (of, _, _), ranking in self._rankings.get(name, {}).items():
            ranking.touch(host if of == "host" else team)
        return (window.all, by_host, by_team)

    def _roster(self, content: Mapping[str, Any]) -> None:
        for window in self._totals.windows.values():
            for team in content.get("teams", ()):
                window.teams.setdefault(team, new_tally())
            for host in content.get("hosts", ()):
                window.hosts.setdefault(host["id"], new_tally())
        for host in content.get("hosts", ()):
            if host["status"] == "active":
                self._totals.excluded.pop(host["id"], None)
            else:
                self._totals.excluded[host["id"]] = None
        self._rankings.clear()

    def _tick(self, position: int, content: Mapping[str, Any]) -> None:
        """The ticker: one row per order and host, newest last, bounded."""
        rows: dict[str, dict[str, Any]] = {}
        fact = content["fact"]
        for credit in content["credits"]:
            row = rows.get(credit["host"])
            if row is not None:
                row["amount"] += credit["amount"]
                row["units"] += credit["units"]
                continue
            line = next(line for line in fact["lines"] if line["id"] == credit["line"])
            rows[credit["host"]] = {
                "id": f"{position}.{len(rows)}",
                "position": position,
                "at": fact["paid_at"],
                "host": credit["host"],
                "team": credit["team"],
                "amount": credit["amount"],
                "units": credit["units"],
                "title": line.get("title") or line.get("sku", ""),
            }
        ticker = self._totals.ticker
        ticker.extend(rows.values())
        del ticker[:-TICKER_ROWS_MAX]


def _by_session(content: Mapping[str, Any], sold: _Sold) -> Mapping[str, _Sold]:
    """What an order sold, by the session that it names, that its lines name, or that had their products pinned."""
    fact = content["fact"]
    named = fact.get("session", "")
    candidates = content.get("candidates", ())
    if (
        not named
        and len(fact["lines"]) == 1
        and len(candidates) < 2
        and not any(c["by"] in INDIRECT for c in candidates)
    ):
        # Nearly every order.
        return {}
    pinned = {c.get("line", ""): c["id"] for c in candidates if c["by"] == "pin" and c["outcome"] == "won"}
    if not pinned and not any("session" in line for line in fact["lines"]):
        return {named: sold} if named else {}
    session_of = {
        line["id"]: line.get("session") or named or pinned.get(line["id"], pinned.get("", "")) for line in fact["lines"]
    }
    parts: dict[str, _Sold] = {}
    for credit in content["credits"]:
        if session := session_of[credit["line"]]:
            part, seller = parts.setdefault(session, {}), (credit["host"], credit["team"])
            amount, units = part.get(seller, (0, 0))
            part[seller] = amount + credit["amount"], units + credit["units"]
    return parts


def _move(position: int, changes: _Changes) -> None:
    """Add up first, then move: who loses on one line what the same entry gives on another has reached nothing anew."""
    for tally, change in changes.values():
        for measure, amount in enumerate(change):
            if amount:
                tally[measure] += amount
                tally[4 + measure] = position


def _count(position: int, moved: Iterable[Tally], step: int) -> None:
    """An order counts once per event, host and team, however many lines of it they sold: each tally once."""
    for tally in moved:
        tally[ORDERS] += step
        tally[4 + ORDERS] = position
