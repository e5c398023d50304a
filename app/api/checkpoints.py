"""What an auditor takes along: signed checkpoints, the public keys that they are checked with, the whole package."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import PUBLIC, GuardedRoute, needs, principal_of
from app.api.services import services_of
from app.audit.package import package
from app.audit.signing import ALGORITHM, Checkpoint, fingerprint_of
from app.sales.times import rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["journal"])

Asker = Annotated[Principal, Depends(principal_of)]


@router.get(
    "/.well-known/kos-keys.json",
    operation_id="get_keys",
    responses=problem_responses(503),
    openapi_extra={"security": []},
)
@needs(PUBLIC)
async def get_keys(request: Request) -> dict[str, Any]:
    """The public keys of this installation's checkpoints and packages, oldest first."""
    checkpoints = services_of(request).checkpoints
    keys = [
        {
            "id": key.id,
            "fingerprint": fingerprint_of(key.public),
            "algorithm": ALGORITHM,
            "public": key.public.hex(),
            "made_at": rfc3339(key.made_at),
        }
        for key in await checkpoints.keys()
    ]
    return {"keys": keys}


@router.get(
    "/v1/events/{event}/checkpoints",
    operation_id="list_checkpoints",
    responses=problem_responses(401, 403, 404, 422, 503),
)
@needs("audit")
async def list_checkpoints(
    event: str,
    request: Request,
    principal: Asker,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> dict[str, Any]:
    """Signed hashes of the event's journal at positions above ``after``, ascending."""
    services = services_of(request)
    await services.event(principal, event)
    found = await services.checkpoints.of(event, after, limit)
    return {"event": event, "checkpoints": [checkpoint_document(one) for one in found]}


@router.get(
    "/v1/events/{event}/package",
    operation_id="get_package",
    response_class=StreamingResponse,
    responses=problem_responses(401, 403, 404, 503)
    | {200: {"description": "The package, line by line", "content": {"application/x-ndjson": {}}}},
)
@needs("audit")
async def get_package(event: str, request: Request, principal: Asker) -> StreamingResponse:
    """Everything that the result follows from, as one signed file: ``kos recount`` proves it without this server.

    One that breaks off lacks its last line, and every reader says so.
    """
    services = services_of(request)
    await services.event(principal, event)
    pieces = package(services.store, services.checkpoints, event)
    # What can be refused is refused before the answer has begun.
    first = await anext(pieces)
    name = f'attachment; filename="{event}.kos.ndjson"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return StreamingResponse(_all_of(first, pieces), media_type="application/x-ndjson", headers=headers)


async def _all_of(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


def checkpoint_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """One checkpoint as the API shows it."""
    return {
        "position": checkpoint.position,
        "hash": checkpoint.hash.hex(),
        "made_at": rfc3339(checkpoint.made_at),
        "key": checkpoint.key,
        "signature": checkpoint.signature.hex(),
    }
