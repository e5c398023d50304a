"""What everybody may know of an event: where it stands, how it scores, and what its result can be checked against."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import BOARD_READER, GuardedRoute, needs, principal_of
from app.api.services import Services, services_of
from app.api.tagged import UNCHANGED, tagged
from app.audit.signing import Checkpoint, fingerprint_of
from app.challenge.boards import finality
from app.challenge.rules import Rules, shown_attribution
from app.errors import NotFound, Unauthorized
from app.events import OpenEvent
from app.journal.entry import Entry
from app.realtime.subscriber import NOBODY
from app.sales.times import rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["boards"])

# One channel for each word of the rule ``public_channels``: who may follow it may follow all of its kind.
_CHANNELS = {
    "boards": "/boards/hosts",
    "hosts": "/hosts/any",
    "orders": "/orders",
    "sessions": "/sessions/any",
    "state": "",
    "viewers": "/viewers",
}


@router.get(
    "/v1/events/{event}/public",
    operation_id="get_public_event",
    responses=problem_responses(401, 403, 404, 503) | UNCHANGED,
)
@needs(BOARD_READER)
async def get_public_event(
    event: str, request: Request, principal: Annotated[Principal, Depends(principal_of)]
) -> Response:
    """What everybody may know of an event that opened anything to the public, and a key or token of any event."""
    services = services_of(request)
    opened, asker = await _readable(services, event, principal)
    profiles = await services.profiles.of(event)
    checkpoints = services.checkpoints
    signed = await checkpoints.latest(event)
    keys = {key.id: fingerprint_of(key.public) for key in await checkpoints.keys()} if signed else {}
    terms = await services.store.terms([event]) if opened.state.status == "final" else []
    state = opened.state
    return tagged(
        request,
        {
            "event": event,
            "name": profiles.get("event", {}).get(event, {}).get("name", event),
            "epoch": opened.epoch,
            "unit": state.currency,
            "status": state.status,
            "finality": finality(state.status),
            "entered_at": rfc3339(state.entered_at),
            "timezone": state.timezone,
            "starts_at": rfc3339(state.starts_at),
            "ends_at": rfc3339(state.ends_at),
            "opened": [word for word, rest in _CHANNELS.items() if await services.may_follow(asker, event + rest)],
            "rules": _rules(state.rules, state.rules_version),
            "signed": _signed(signed, keys),
            "result": _result(terms),
            "package": f"/v1/events/{event}/package" if "audit" in asker.scopes else None,
        },
    )


async def _readable(services: Services, event: str, principal: Principal) -> tuple[OpenEvent, Principal]:
    """The event, and as whom it is read: a key of another brand may know what everybody may.

    Errors: Unauthorized ``key_missing``, whether the event opened nothing or is not there; NotFound ``event_unknown``.
    """
    if principal.actor != NOBODY:
        try:
            return await services.event(principal, event), principal
        except NotFound:
            if principal.is_token or not (await services.feed.rules_of(event)).opened:
                raise
    elif not (await services.feed.rules_of(event)).opened:
        raise Unauthorized("key_missing", "This event is not public; send a key or a token.")
    return await services.events.open(event), Principal("", "", NOBODY)


def _rules(rules: Rules, version: int) -> dict[str, Any]:
    """Those that say who earns a sale and who is ahead; what hosts are paid for it is nobody else's business."""
    return {
        "version": version,
        "ranks": rules.ranks,
        "attribution": shown_attribution(rules.attribution),
        "claim_days": rules.claim_days,
        "claim_answer_days": rules.claim_answer_days,
    }


def _signed(signed: Checkpoint | None, fingerprints: dict[str, str]) -> dict[str, str] | None:
    """The newest signed hash of the journal, without its position: it would tell how much has happened."""
    if signed is None:
        return None
    return {
        "hash": signed.hash.hex(),
        "made_at": rfc3339(signed.made_at),
        "key": signed.key,
        "fingerprint": fingerprints[signed.key],
        "signature": signed.signature.hex(),
    }


def _result(terms: Sequence[Entry]) -> dict[str, Any] | None:
    """The entry that made the event final: every board stops at it, and its hash covers all that came before."""
    final = [entry for entry in terms if entry.kind == "event.moved" and entry.content["to"] == "final"]
    if not final:
        return None
    entry = final[-1]
    return {"position": entry.position, "hash": entry.hash.hex(), "recorded_at": rfc3339(entry.recorded_at)}
