"""Tokens for overlays and viewers, keys for people and programs."""

import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from app.access import Once, Principal, check_scopes
from app.api.documents import problem_responses
from app.api.events import IdempotencyKey
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.models import KeyBody, TokenBody
from app.api.paging import cursor_unknown, next_cursor, offset_of
from app.api.services import services_of
from app.errors import Forbidden
from app.sales.times import rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["keys and tokens"])

Asker = Annotated[Principal, Depends(principal_of)]


@router.post(
    "/v1/tokens",
    status_code=201,
    operation_id="create_token",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("ops")
async def create_token(
    given: TokenBody, request: Request, response: Response, principal: Asker, idempotency_key: IdempotencyKey = ""
) -> dict[str, Any]:
    """A token that fits into an overlay's URL: one event, the public view, revocable. Shown only once, but to a repeat
    of the call under its Idempotency-Key within ten minutes.
    """
    services = services_of(request)
    await services.event(principal, given.event)
    expires_at = None if given.expires_in_seconds is None else int(time.time()) + given.expires_in_seconds
    once = Once(principal.actor, idempotency_key)
    made = await services.access.create_token(
        principal.brand, given.event, given.kind, given.channels, expires_at, once
    )
    if made.is_repeat:
        response.headers["Idempotency-Replayed"] = "true"
    document: dict[str, Any] = {"id": made.id, "token": made.text, "event": given.event, "kind": given.kind}
    if made.expires_at is not None:
        document["expires_at"] = rfc3339(made.expires_at * 1_000_000)
    return document


@router.get("/v1/tokens", operation_id="list_tokens", responses=problem_responses(401, 403, 422, 503))
@needs("ops")
async def list_tokens(
    request: Request,
    principal: Asker,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> dict[str, Any]:
    """The brand's tokens, oldest first, revoked and expired ones too; never the tokens themselves."""
    tokens = await services_of(request).access.tokens(principal.brand, _token_behind(cursor), limit + 1)
    last = tokens[limit - 1] if len(tokens) > limit else None
    following = next_cursor(f"{last['created_at']} {last['id']}" if last else "")
    for token in tokens:
        for name, microseconds in (("created_at", 1), ("expires_at", 1_000_000), ("revoked_at", 1)):
            token[name] = rfc3339(token[name] * microseconds) if token[name] else None
    return {"tokens": tokens[:limit]} | following


def _token_behind(cursor: str) -> tuple[int, str]:
    """Errors: Invalid ``cursor_unknown``."""
    created_at, _, identity = offset_of(cursor).partition(" ")
    if not cursor:
        return 0, ""
    if not (re.fullmatch("[0-9]{1,18}", created_at) and re.fullmatch("[0-9a-f]{1,32}", identity)):
        raise cursor_unknown()
    return int(created_at), identity


@router.delete(
    "/v1/tokens/{token}",
    status_code=204,
    operation_id="revoke_token",
    responses=problem_responses(401, 403, 404, 503),
)
@needs("ops")
async def revoke_token(token: str, request: Request, principal: Asker) -> Response:
    """Revoke a token by its id. Connections that it opened end within seconds, in every process."""
    await services_of(request).access.revoke_token(principal.brand, token)
    return Response(status_code=204)


@router.post(
    "/v1/keys",
    status_code=201,
    operation_id="create_key",
    responses=problem_responses(400, 401, 403, 409, 413, 422, 503),
)
@needs("ops")
async def create_key(
    given: KeyBody, request: Request, response: Response, principal: Asker, idempotency_key: IdempotencyKey = ""
) -> dict[str, Any]:
    """A key of this brand; nobody can give a scope that the key at hand does not hold. Shown only once, but to a repeat
    of the call under its Idempotency-Key within ten minutes.
    """
    missing = {scope for scope in check_scopes(given.scopes) if not scope.startswith("host:")} - principal.scopes
    if missing:
        raise Forbidden("scope_missing", f"The key at hand lacks {', '.join(sorted(missing))} and cannot give it.")
    once = Once(principal.actor, idempotency_key)
    made = await services_of(request).access.create_key(principal.brand, given.person, given.scopes, once)
    if made.is_repeat:
        response.headers["Idempotency-Replayed"] = "true"
    return {"id": made.id, "key": made.text, "person": given.person, "scopes": sorted(set(given.scopes))}


@router.get("/v1/keys", operation_id="list_keys", responses=problem_responses(401, 403, 503))
@needs("ops")
async def list_keys(request: Request, principal: Asker) -> dict[str, Any]:
    """The brand's keys without their secrets."""
    keys = await services_of(request).access.keys(principal.brand)
    for key in keys:
        for name in ("created_at", "revoked_at"):
            key[name] = rfc3339(key[name]) if key[name] else None
    return {"keys": keys}


@router.delete(
    "/v1/keys/{key}",
    status_code=204,
    operation_id="revoke_key",
    responses=problem_responses(401, 403, 404, 503),
)
@needs("ops")
async def revoke_key(key: str, request: Request, principal: Asker) -> Response:
    """Revoke a key by its id; it is refused everywhere within seconds."""
    await services_of(request).access.revoke_key(principal.brand, key)
    return Response(status_code=204)
