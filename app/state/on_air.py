"""How sessions, pins and offers follow from the entries that tell of them. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import convert
from msgspec.structs import replace

from app.challenge import show
from app.challenge.show import Offer, Pin, Session


class OnAir(Protocol):
    """The part of the state that these folds change."""

    sessions: dict[str, Session]
    pins: dict[str, tuple[Pin, ...]]
    pinned: dict[str, tuple[tuple[str, int], ...]]
    offers: dict[str, Offer]


def _session_started(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    hosts = tuple((host["id"], host["weight"]) for host in content["hosts"])
    session = Session(content["id"], hosts, content["started_at"])
    state.sessions = {**state.sessions, session.id: session}


def _session_ended(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    before = state.sessions[content["id"]]
    state.sessions = {**state.sessions, before.id: replace(before, ended_at=content["ended_at"])}
    for sku, _ in state.pinned.get(before.id, ()):
        state.pins = {**state.pins, sku: show.unpinned(state.pins[sku], before.id, content["ended_at"])}
    state.pinned = {session: pins for session, pins in state.pinned.items() if session != before.id}


def _session_changed(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    hosts = tuple((host["id"], host["weight"]) for host in content["hosts"])
    changed = state.sessions[content["id"]].changed(hosts, content["changed_at"])
    state.sessions = {**state.sessions, changed.id: changed}


def _pinned(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    session, sku, at = state.sessions[content["session"]], content["sku"], content["pinned_at"]
    state.pins = {**state.pins, sku: show.pinned(state.pins.get(sku, ()), session.id, at, session.ended_at)}
    if not session.ended_at:
        shown = (*state.pinned.get(session.id, ()), (sku, at))
        state.pinned = {**state.pinned, session.id: tuple(sorted(shown, key=lambda pin: pin[1]))}


def _unpinned(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    session, sku = content["session"], content["sku"]
    state.pins = {**state.pins, sku: show.unpinned(state.pins[sku], session, content["unpinned_at"])}
    state.pinned = {**state.pinned, session: tuple(pin for pin in state.pinned[session] if pin[0] != sku)}


def _offer_started(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    offer = convert({name: content.get(name, "") for name in Offer.__struct_fields__}, Offer)
    state.offers = {**state.offers, offer.id: offer}


def _offer_ended(state: OnAir, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    ended = replace(state.offers[content["id"]], ends_at=content["ended_at"])
    state.offers = {**state.offers, ended.id: ended}


FOLDS: Mapping[str, Callable[[OnAir, str, int, Mapping[str, Any]], None]] = {
    "session.started": _session_started,
    "session.ended": _session_ended,
    "session.changed": _session_changed,
    "product.pinned": _pinned,
    "product.unpinned": _unpinned,
    "offer.started": _offer_started,
    "offer.ended": _offer_ended,
}
