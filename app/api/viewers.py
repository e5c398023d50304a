"""The route for signs of viewers, many at once: what a shop's page heard, what a platform counted."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import orjson
from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.decoding import decode
from app.api.documents import problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.intake import JSON, check_items, is_ndjson, items_of
from app.api.services import services_of
from app.audience.signs import Sign
from app.errors import AppError

router = APIRouter(route_class=GuardedRoute, tags=["viewers"])

Asker = Annotated[Principal, Depends(principal_of)]

_SIGN = msgspec.json.Decoder(Sign)
_SIGNS = msgspec.json.Decoder(list[Sign])


@router.post(
    "/v1/events/{event}/viewers",
    operation_id="post_viewers",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("orders", limit="batch_body_bytes_max")
async def post_viewers(event: str, request: Request, principal: Asker) -> Response:
    """Tell who watches, many signs at once; each counts its viewer in its minute, and only the bad ones are refused."""
    services = services_of(request)
    opened = await services.event(principal, event)
    raw = await request.body()
    is_lines = is_ndjson(request.headers.get("content-type", ""), raw)
    signs = _decoded(raw, is_lines, services.settings.batch_items_max)
    refused = await services.viewers.take(opened, signs)
    document = {
        "accepted": len(signs) - len(refused),
        "refused": len(refused),
        "refusals": [_refusal(place, error) for place, error in refused],
    }
    return Response(orjson.dumps(document), media_type=JSON)


def _decoded(raw: bytes, is_lines: bool, items_max: int) -> Sequence[Sign | AppError]:
    """Each sign, or why it is none. Errors: AppError for the whole."""
    try:
        # Nearly always all are well-formed, and read together in a quarter of the time.
        signs = _SIGN.decode_lines(raw) if is_lines else _SIGNS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [_one(item) for item in items_of(raw, is_lines, items_max)]
    check_items(len(signs), items_max)
    return signs


def _one(item: bytes | msgspec.Raw) -> Sign | AppError:
    try:
        return decode(_SIGN, item)
    except AppError as error:
        return error


def _refusal(place: int, error: AppError) -> dict[str, Any]:
    document = {"index": place, "status": error.status, "code": error.code, "detail": error.detail}
    return document | ({"field": error.field} if error.field else {})
