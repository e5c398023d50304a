"""The journal as it is, for whoever wants to recount it."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from app.access import Principal
from app.api.documents import problem_responses
from app.api.entries import entry_document
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.services import services_of

router = APIRouter(route_class=GuardedRoute, tags=["journal"])

Asker = Annotated[Principal, Depends(principal_of)]


@router.get(
    "/v1/events/{event}/journal",
    operation_id="get_journal",
    responses=problem_responses(401, 403, 404, 422, 503)
    | {
        200: {
            "description": "Entries by position",
            "content": {"application/json": {}, "application/x-ndjson": {}},
        }
    },
)
@needs("audit")
async def get_journal(
    event: str,
    request: Request,
    principal: Asker,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """Entries with a position above ``after``. ``Accept: application/x-ndjson`` gives one entry per line."""
    services = services_of(request)
    opened = await services.event(principal, event)
    entries = await services.store.read(event, after, limit)
    documents = [entry_document(entry) for entry in entries]
    if "ndjson" in request.headers.get("accept", ""):
        lines = b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents)
        return Response(lines, media_type="application/x-ndjson")
    # Another process may have written what this one has not folded yet.
    head = max(opened.head.position, entries[-1].position if entries else 0)
    body = orjson.dumps({"event": event, "head": head, "entries": documents})
    return Response(body, media_type="application/json")
