"""Boards over HTTP: the same documents that the stream sends, with a window around one row and a look into the past."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import BOARD_READER, GuardedRoute, needs, principal_of
from app.api.services import services_of
from app.api.tagged import UNCHANGED, tagged
from app.challenge.boards import all_boards, parse_board
from app.errors import Forbidden, Invalid, NotFound, Unauthorized
from app.events import OpenEvent
from app.realtime.subscriber import NOBODY

router = APIRouter(route_class=GuardedRoute, tags=["boards"])

Asker = Annotated[Principal, Depends(principal_of)]


async def readable_event(event: str, request: Request, principal: Principal) -> OpenEvent:
    """The event, for who may read its boards: its brand's keys, its tokens, everybody if it opened them.

    Errors: NotFound ``event_unknown``; Unauthorized ``key_missing``.
    """
    services = services_of(request)
    if principal.actor != NOBODY:
        return await services.event(principal, event)
    try:
        opened = await services.events.open(event)
    except NotFound:
        opened = None
    if opened is None or "boards" not in opened.state.rules.opened:
        raise Unauthorized("key_missing", "This event's boards are not public; send a key or a token.")
    return opened


@router.get("/v1/events/{event}/boards", operation_id="list_boards", responses=problem_responses(401, 403, 404, 503))
@needs(BOARD_READER)
async def list_boards(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """The boards that the event has, of a token those that it may follow."""
    await readable_event(event, request, principal)
    may_follow = services_of(request).may_follow
    boards = [
        {"board": spec.id, "of": spec.of, "measure": spec.measure, "window": spec.window}
        for spec in all_boards()
        if await may_follow(principal, f"{event}/boards/{spec.id}")
    ]
    return {"event": event, "boards": boards}


@router.get(
    "/v1/events/{event}/boards/{board}",
    operation_id="get_board",
    responses=problem_responses(401, 403, 404, 422, 503) | UNCHANGED,
)
@needs(BOARD_READER)
async def get_board(
    event: str,
    board: str,
    request: Request,
    principal: Asker,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    around: Annotated[str, Query(max_length=64)] = "",
    window: Annotated[str, Query(max_length=20)] = "",
    at: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Response:
    """One board. ``around`` puts a row in the middle, ``at`` shows it as it was at a position (ops and audit)."""
    services = services_of(request)
    opened = await readable_event(event, request, principal)
    spec = parse_board(board, window)
    # By the id that was asked for, as on the stream; a window makes it the id of another board.
    if not await services.may_follow(principal, f"{event}/boards/{spec.id if window else board}"):
        raise Forbidden("channel_forbidden", "This token may not follow the board.")
    if at is not None:
        if principal.view != "full":
            raise Forbidden("scope_missing", "The past is open to the scopes ops and audit.")
        if at > opened.head.position:
            raise Invalid("position_ahead", f"The journal ends at position {opened.head.position}.", "at")
        opened = await services.events.at(event, at)
    document = await services.feed.board(opened, principal.view, spec, limit, around)
    return tagged(request, document)
