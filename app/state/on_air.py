"""How sessions, pins, offers, goals and announcements follow from the entries that tell of them. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import convert
from msgspec.structs import replace

from app.challenge import show
from app.challenge.goals import Announcement, Goal
from app.challenge.show import Offer, Pin, Session, Shown


class OnAir(Protocol):
    """The part of the state that these folds change."""

    sessions: dict[str, Session]
    pins: dict[str, tuple[Pin, ...]]
    pinned: dict[str, tuple[Shown, ...]]
    offers: dict[str, Offer]
    goals: dict[str, Goal]
    announcements: dict[str, Announcement]


def _session_started(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    hosts = tuple((host["id"], host["weight"]) for host in content["hosts"])
    session = Session(content["id"], hosts, content["started_at"])
    state.sessions = {**state.sessions, session.id: session}


def _session_ended(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    before = state.sessions[content["id"]]
    state.sessions = {**state.sessions, before.id: replace(before, ended_at=content["ended_at"])}
    for pin in state.pinned.get(before.id, ()):
        ended = show.unpinned(state.pins[pin.sku], before.id, content["ended_at"])
        state.pins = {**state.pins, pin.sku: ended}
    state.pinned = {session: pins for session, pins in state.pinned.items() if session != before.id}


def _session_changed(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    hosts = tuple((host["id"], host["weight"]) for host in content["hosts"])
    changed = state.sessions[content["id"]].changed(hosts, content["changed_at"])
    state.sessions = {**state.sessions, changed.id: changed}


def _pinned(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    session, sku, at = state.sessions[content["session"]], content["sku"], content["pinned_at"]
    state.pins = {**state.pins, sku: show.pinned(state.pins.get(sku, ()), session.id, at, session.ended_at)}
    if not session.ended_at:
        details = {name: content[name] for name in ("title", "price", "image", "code") if name in content}
        shown = (*state.pinned.get(session.id, ()), Shown(sku, at, **details))
        state.pinned = {**state.pinned, session.id: tuple(sorted(shown, key=lambda pin: pin.pinned_at))}


def _unpinned(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    session, sku = content["session"], content["sku"]
    state.pins = {**state.pins, sku: show.unpinned(state.pins[sku], session, content["unpinned_at"])}
    state.pinned = {**state.pinned, session: tuple(pin for pin in state.pinned[session] if pin.sku != sku)}


def _offer_started(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    offer = convert({name: content.get(name, "") for name in Offer.__struct_fields__}, Offer)
    state.offers = {**state.offers, offer.id: offer}


def _offer_ended(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    ended = replace(state.offers[content["id"]], ends_at=content["ended_at"])
    state.offers = {**state.offers, ended.id: ended}


def _goal_set(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    known = state.goals.get(content["id"])
    if content.get("ended"):
        goal = replace(state.goals[content["id"]], is_ended=True)
    else:
        terms = {name: content[name] for name in ("id", "title", "of", "target_id", "measure", "target")}
        goal = Goal(**terms, changes=known.changes + 1 if known else 1)
    state.goals = {**state.goals, goal.id: goal}


def _announced(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    if content.get("withdrawn"):
        told = replace(state.announcements[content["id"]], is_withdrawn=True)
    else:
        told = Announcement(content["id"], content["text"], content["made_at"], content.get("until", 0))
    state.announcements = {**state.announcements, told.id: told}


FOLDS: Mapping[str, Callable[[OnAir, str, int, Mapping[str, Any]], None]] = {
    "session.started": _session_started,
    "session.ended": _session_ended,
    "session.changed": _session_changed,
    "product.pinned": _pinned,
    "product.unpinned": _unpinned,
    "offer.started": _offer_started,
    "offer.ended": _offer_ended,
    "goal.set": _goal_set,
    "announcement.made": _announced,
}
