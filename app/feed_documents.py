"""What each journal channel shows of an event, with the names of its rows. Nothing here waits.

So a document, its names and its position belong together. Every document has the same members every time, and the
position of the last entry that changed its view.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from app.challenge.boards import BoardSpec, Frame, board_document, finality
from app.challenge.goals import MONEY, Announcement, Goal
from app.challenge.scores import EVENT, MEASURES, ORDERS, SessionSales, Tally, new_tally
from app.challenge.show import Offer, Shown
from app.challenge.uniques import estimate
from app.errors import NotFound
from app.events import OpenEvent
from app.journal.entry import Entry
from app.sales.money import format_amount
from app.sales.nobody import NO_TEAM
from app.sales.times import rfc3339
from app.state.parts import NO_AUDIENCE

# Rows of a host's channel: the host and those around it.
NEIGHBOUR_ROWS = 5
# Entries, and refunds and cancellations without their order, that the channel of ops lists.
OPS_ROWS = 20
_OPEN_ITEMS = 20
_OFFERS = 50
_ANNOUNCEMENTS = 5

# Kind (event, host, team, store), then id, then what is known of name, picture and link.
Names = Mapping[str, Mapping[str, Mapping[str, str]]]


def board(event: OpenEvent, view: str, names: Names, spec: BoardSpec, limit: int, around: str = "") -> dict[str, Any]:
    """A board with names; ``event`` may be one folded for an earlier position. Errors: NotFound ``board_unknown``."""
    _check_day(event, view, spec)
    now = now_of(event, view)
    document = board_document(event.scores[view], spec, _frame(event), now, position_of(event, view), limit, around)
    document["event_name"] = _name(names, "event", event.head.event)
    named, teams = names.get(spec.of, {}), names.get("team", {})
    for row in document["rows"]:
        row.update(named.get(row["id"], {}))
        if spec.of == "host" and (host := event.state.roster.hosts.get(row["id"])) is not None:
            row["team"] = host.team_at(now) or host.team
            if team_name := teams.get(row["team"], {}).get("name"):
                row["team_name"] = team_name
    return document


def ticker(event: OpenEvent, view: str, names: Names) -> dict[str, Any]:
    """The last orders, newest first. Shape: one row per order and host that was credited."""
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
        name = names.get("host", {}).get(sale["host"], {}).get("name")
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


def state(event: OpenEvent, view: str, names: Names) -> dict[str, Any]:
    """What the event is and where it stands. Shape: one row per session on air."""
    now = event.state
    on_air = [session for session in now.sessions.values() if not session.ended_at]
    offers = _offers(event, view, {"", *(session.id for session in on_air)})
    return head(event, view) | {
        "event_name": _name(names, "event", event.head.event),
        "status": now.status,
        "entered_at": rfc3339(now.entered_at),
        "timezone": now.timezone,
        "starts_at": rfc3339(now.starts_at),
        "ends_at": rfc3339(now.ends_at),
        **audience(event),
        "offers": offers,
        "goals": _goals(event, view),
        "announcements": _announcements(event, view),
        "rows": [
            {
                "id": session.id,
                "hosts": [
                    {"id": host, "name": _name(names, "host", host)}
                    for host, _ in session.hosts
                    if not _is_hidden(event, view, host)
                ],
                "started_at": rfc3339(session.started_at),
                "pins": pin_documents(event, session.id),
            }
            for session in on_air
        ],
    }


def host(event: OpenEvent, view: str, names: Names, identity: str) -> dict[str, Any]:
    """A host's own numbers, and its rank among its neighbours; without a rank and rows if it has no row on boards.

    Errors: NotFound ``host_unknown``.
    """
    found = event.state.roster.hosts.get(identity)
    if found is None:
        raise NotFound("host_unknown", f"The event has no host {identity[:80]!r}.")
    scores, now = event.scores[view], now_of(event, view)
    windows, day, nothing = scores.totals.windows, scores.day_of(now), new_tally()
    today = windows[day].hosts.get(identity, nothing) if day in windows else nothing
    direct, indirect = scores.totals.credited.get(identity, (0, 0))
    team = found.team_at(now) or found.team
    neighbours = _around(event, view, names, "host", identity, NEIGHBOUR_ROWS)
    mine = next((row for row in neighbours if row["id"] == identity), None)
    teams = _around(event, view, names, "team", team, 1) if team else []
    return (
        head(event, view)
        | {"host": identity, "name": _name(names, "host", identity)}
        | _numbers(event, windows[EVENT].hosts.get(identity, nothing))
        | {
            "direct_sales": format_amount(direct, event.state.exponent),
            "indirect_sales": format_amount(indirect, event.state.exponent),
            "today": {"day": day} | _numbers(event, today),
            "rank": mine["rank"] if mine else None,
            "gap": mine["gap"] if mine else None,
            "team": team,
            "team_name": _name(names, "team", team) if team else "",
            "team_rank": teams[0]["rank"] if teams else None,
            "rows": neighbours,
        }
    )


def session(event: OpenEvent, view: str, names: Names, identity: str) -> dict[str, Any]:
    """What was sold in a session, refunds not taken off, and what is shown in it.

    Shape: a row per host of it, or that sold in it.
    Errors: NotFound ``session_unknown``.
    """
    found = event.state.sessions.get(identity)
    if found is None:
        raise NotFound("session_unknown", f"The event has no session {identity[:80]!r}.")
    sales = event.scores[view].totals.sessions.get(identity) or SessionSales()
    show = partial(format_amount, exponent=event.state.exponent)
    weights = dict(found.hosts)
    hosts = [host for host in {**weights, **sales.hosts} if not _is_hidden(event, view, host)]
    rows = []
    for host in hosts:
        gross, orders, units = sales.hosts.get(host, (0, 0, 0))
        row = {"id": host, "weight": weights.get(host, 0), "gross_sales": show(gross), "orders": orders, "units": units}
        rows.append(row | {"name": _name(names, "host", host)})
    return head(event, view) | {
        "session": identity,
        "started_at": rfc3339(found.started_at),
        "ended_at": rfc3339(found.ended_at) if found.ended_at else None,
        "gross_sales": show(sales.all[0]),
        "orders": sales.all[1],
        "units": sales.all[2],
        **audience(event, identity),
        "pins": pin_documents(event, identity),
        "offers": [] if found.ended_at else _offers(event, view, {"", identity}),
        "rows": rows,
    }


def audience(event: OpenEvent, session: str = "") -> dict[str, Any]:
    """Who watched, the event or one of its sessions, up to the last minute that is in the journal."""
    found = event.state.audiences.get(session, NO_AUDIENCE)
    different = estimate(found.sketch)
    return {
        "viewers_peak": found.peak,
        "viewer_minutes": found.viewer_minutes,
        "viewers_different": {"estimate": different.viewers, "low": different.low, "high": different.high},
    }


def pin_documents(event: OpenEvent, session: str) -> list[dict[str, Any]]:
    """What is pinned in a session now, the latest first."""
    return [_pin(event, pin) for pin in reversed(event.state.pinned.get(session, ()))]


def _pin(event: OpenEvent, pin: Shown) -> dict[str, Any]:
    said = {name: text for name in ("title", "image", "code") if (text := getattr(pin, name))}
    price = {} if pin.price is None else {"price": format_amount(pin.price, event.state.exponent)}
    return {"sku": pin.sku, "pinned_at": rfc3339(pin.pinned_at)} | said | price


def _offers(event: OpenEvent, view: str, sessions: Collection[str]) -> list[dict[str, Any]]:
    """Offers of these sessions ("": of the event) that have not ended by the view's now, the first to end first."""
    now = now_of(event, view)
    current = [offer for offer in event.state.offers.values() if offer.ends_at > now and offer.session in sessions]
    current.sort(key=lambda offer: (offer.ends_at, offer.id))
    return [offer_document(event, offer) for offer in current[:_OFFERS]]


def offer_document(event: OpenEvent, offer: Offer) -> dict[str, Any]:
    """One offer, whether it holds now or not."""
    return {
        "id": offer.id,
        "session": offer.session,
        "sku": offer.sku,
        "price": format_amount(offer.price, event.state.exponent),
        "starts_at": rfc3339(offer.starts_at),
        "ends_at": rfc3339(offer.ends_at),
    }


def _goals(event: OpenEvent, view: str) -> list[dict[str, Any]]:
    """Open goals by id, but of hosts without a row."""
    goals = [goal for goal in event.state.goals.values() if not goal.is_ended]
    shown = [goal for goal in goals if not (goal.of == "host" and _is_hidden(event, view, goal.target_id))]
    return [goal_document(event, view, goal) for goal in sorted(shown, key=lambda goal: goal.id)]


def goal_document(event: OpenEvent, view: str, goal: Goal) -> dict[str, Any]:
    """One goal and how far it has come, whether it is open or not."""
    show = partial(format_amount, exponent=event.state.exponent) if goal.measure in MONEY else int
    aim = event.scores[view].totals.aims.get(goal.id)
    return {
        "id": goal.id,
        "title": goal.title,
        "of": goal.of,
        "target_id": goal.target_id,
        "measure": goal.measure,
        "target": show(goal.target),
        "value": show(event.scores[view].value_of(goal)),
        "reached_at": rfc3339(aim.reached_at) if aim and aim.reached_at else None,
    }


def _announcements(event: OpenEvent, view: str) -> list[dict[str, Any]]:
    """The newest that are shown at the view's now."""
    now = now_of(event, view)
    shown = (told for told in reversed(event.state.announcements.values()) if told.is_shown_at(now))
    return [announcement_document(told) for told in islice(shown, _ANNOUNCEMENTS)]


def announcement_document(told: Announcement) -> dict[str, Any]:
    """One announcement, whether it is shown now or not."""
    until = rfc3339(told.until) if told.until else None
    return {"id": told.id, "text": told.text, "made_at": rfc3339(told.made_at), "until": until}


def ops(event: OpenEvent, view: str, names: Names, newest: Sequence[Entry]) -> dict[str, Any]:
    """What those who run the event watch. Shape: one row per entry of ``newest``, the newest first,
    without its body."""
    now = event.state
    amount = format_amount(now.unmatched_amount, now.exponent)
    return head(event, view) | {
        "event_name": _name(names, "event", event.head.event),
        "status": now.status,
        "entered_at": rfc3339(now.entered_at),
        "rules_version": now.rules_version,
        "orders": event.scores[view].totals.windows[EVENT].all[ORDERS],
        "hosts": len(now.roster.hosts),
        "teams": len(now.roster.teams),
        "sessions_on_air": sum(not session.ended_at for session in now.sessions.values()),
        "unmatched_refunds": {"count": now.unmatched_count, "amount": amount},
        "orders_awaited": len(now.parked),
        "open_items": [{"key": key, "order": order} for key, order in now.open_items()[:_OPEN_ITEMS]],
        "rows": [
            {
                "id": str(entry.position),
                "position": entry.position,
                "kind": entry.kind,
                "key": entry.key,
                "actor": entry.actor,
                "recorded_at": rfc3339(entry.recorded_at),
            }
            for entry in reversed(newest)
        ],
    }


def position_of(event: OpenEvent, view: str) -> int:
    """Where a view stands: the public one never tells the head, only the last entry that changed it."""
    return event.head.position if view == "full" else event.scores[view].totals.changed_at


def head(event: OpenEvent, view: str) -> dict[str, Any]:
    """What documents other than boards begin with."""
    return {
        "event": event.head.event,
        "unit": event.state.currency,
        "epoch": event.epoch,
        "position": position_of(event, view),
        "finality": finality(event.state.status),
        "frozen": False,
    }


def _around(event: OpenEvent, view: str, names: Names, of: str, identity: str, limit: int) -> list[dict[str, Any]]:
    """Rows of the board of net sales with this one among them; [] if it has none."""
    try:
        rows: list[dict[str, Any]] = board(event, view, names, BoardSpec(of, "net_sales", EVENT), limit, identity)[
            "rows"
        ]
    except NotFound:
        return []
    return rows


def _numbers(event: OpenEvent, tally: Tally) -> dict[str, Any]:
    gross, net, orders, units = tally[: len(MEASURES)]
    show = partial(format_amount, exponent=event.state.exponent)
    return {"gross_sales": show(gross), "net_sales": show(net), "orders": orders, "units": units}


def _name(names: Names, kind: str, identity: str) -> str:
    return names.get(kind, {}).get(identity, {}).get("name", identity)


def _is_hidden(event: OpenEvent, view: str, host: str) -> bool:
    return view == "public" and host in event.scores[view].totals.excluded


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


def now_of(event: OpenEvent, view: str) -> int:
    """The view's now, in microseconds: when the entry at its position was recorded.

    A final event's is the one at which it became final, however long its ledger goes on.
    """
    if event.state.status == "final":
        return event.state.entered_at
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
