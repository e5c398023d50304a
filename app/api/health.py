"""Whether this process lives, whether it can do its work, and what it counts.

Some load balancers ask by HEAD: no body, same answer.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app import metrics
from app.api.documents import problem_responses
from app.api.guard import PUBLIC, GuardedRoute, needs
from app.api.readiness import Readiness
from app.api.services import services_of

# Named by an answer that is asked for every few seconds.
_QUARANTINED_MAX = 100

router = APIRouter(route_class=GuardedRoute, tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", operation_id="healthz")
@needs(PUBLIC)
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", operation_id="readyz", responses=problem_responses(503))
@needs(PUBLIC)
async def readyz(request: Request) -> dict[str, Any]:
    """The database answers too, and the process neither stops nor has yet to catch up with others.

    Events in `quarantined` can be read and take nothing more, because their journals do not verify; everything else is
    served as ever, so the process is ready.
    """
    readiness: Readiness = request.app.state.readiness
    readiness.require()
    await services_of(request).store.ping()
    quarantined = readiness.quarantined()[:_QUARANTINED_MAX]
    return {"status": "ready"} | ({"quarantined": list(quarantined)} if quarantined else {})


@router.get(
    "/metrics", operation_id="metrics", response_class=PlainTextResponse, responses=problem_responses(401, 403, 503)
)
@needs(PUBLIC)
async def read_metrics(request: Request) -> Response:
    """What Prometheus reads; with a key of scope ops or audit, unless the setting says that anybody may."""
    services = services_of(request)
    if not services.settings.metrics_public:
        principal = await services.access.authenticate(request.headers.get("authorization"))
        principal.require("ops", "audit")
    # Of several workers, their files are read for it.
    return Response(await asyncio.to_thread(metrics.exposition), media_type=metrics.MEDIA_TYPE)
