"""Whether this process lives, and whether it can do its work. Some load balancers ask by HEAD: no body, same answer."""

from fastapi import APIRouter, Request

from app.api.documents import problem_responses
from app.api.guard import PUBLIC, GuardedRoute, needs
from app.api.readiness import Readiness
from app.api.services import services_of

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
async def readyz(request: Request) -> dict[str, str]:
    """The database answers too, and the process neither stops nor has yet to catch up with others."""
    readiness: Readiness = request.app.state.readiness
    readiness.require()
    await services_of(request).store.ping()
    return {"status": "ready"}
