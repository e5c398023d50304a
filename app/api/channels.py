"""Channels over plain HTTP, for who can hold no connection: the document that the stream would send, if it changed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import BOARD_READER, GuardedRoute, needs, principal_of
from app.api.services import services_of
from app.api.tagged import UNCHANGED, tagged
from app.errors import Forbidden, Unauthorized
from app.realtime.channels import order_key
from app.realtime.subscriber import NOBODY

router = APIRouter(route_class=GuardedRoute, tags=["channels"])


@router.get(
    "/v1/channels/{channel:path}",
    operation_id="get_channel",
    responses=problem_responses(401, 403, 404, 422, 503) | UNCHANGED,
)
@needs(BOARD_READER)
async def get_channel(
    channel: Annotated[str, Path(max_length=250)],
    request: Request,
    principal: Annotated[Principal, Depends(principal_of)],
) -> Response:
    """A channel's snapshot, for who may follow it. Send the ETag back as If-None-Match: 304 while it stands."""
    services = services_of(request)
    if not await services.may_follow(principal, channel):
        if principal.actor == NOBODY:
            raise Unauthorized("key_missing", "This channel is not public; send a key or a token.")
        raise Forbidden("channel_forbidden", "This token may not follow the channel.")
    document = await services.feed.snapshot(channel, principal.view)
    if "rows" in document:
        document = {**document, "rows": sorted(document["rows"], key=order_key)}
    return tagged(request, document)
