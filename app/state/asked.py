"""How claims, and corrections that wait for a second person, follow from the entries that tell of them. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from app.challenge.rules import Rules
from app.state.parts import DAY_US, Claim, Correction, in_order


class Asked(Protocol):
    """The part of the state that these folds change, and the rules that say until when."""

    rules: Rules
    claims: dict[str, Claim]
    corrections: dict[str, Correction]


def _claim_opened(state: Asked, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    fact = content["fact"]
    due = content["at"] + state.rules.claim_answer_days * DAY_US
    claim = Claim(content["host"], fact.get("order", ""), fact["person"], content["at"], due)
    state.claims = {**state.claims, fact["id"]: claim}


def _claim_closed(state: Asked, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    closed = content["fact"]["id"]
    state.claims = {other: claim for other, claim in state.claims.items() if other != closed}


def _correction_opened(state: Asked, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    if not content.get("waits"):
        return
    fact = content["fact"]
    waiting = Correction(in_order(fact), content["amount"], content["by"])
    state.corrections = {**state.corrections, fact["id"]: waiting}


def _correction_closed(state: Asked, key: str, recorded_at: int, content: Mapping[str, Any]) -> None:
    closed = content["fact"]["id"]
    state.corrections = {other: waiting for other, waiting in state.corrections.items() if other != closed}


FOLDS: Mapping[str, Callable[[Asked, str, int, Mapping[str, Any]], None]] = {
    "claim.opened": _claim_opened,
    "claim.closed": _claim_closed,
    "correction.opened": _correction_opened,
    "correction.closed": _correction_closed,
}
