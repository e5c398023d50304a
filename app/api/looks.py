"""How an event's pages look: theme, colours, logos, font; and the assets that these name."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field, StringConstraints

from app.access import Principal
from app.api.boards import readable_event
from app.api.documents import problem_responses
from app.api.guard import BOARD_READER, PUBLIC, GuardedRoute, needs, principal_of
from app.api.models import Body, Id
from app.api.services import services_of
from app.errors import Conflict, NotFound
from app.looks import MEDIA_TYPES, PICTURES, names_of

router = APIRouter(route_class=GuardedRoute, tags=["overlays"])

Asker = Annotated[Principal, Depends(principal_of)]

Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", max_length=7)]
ColorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,30}$", max_length=31)]
Picture = Annotated[str, StringConstraints(pattern=names_of(PICTURES), max_length=80)]
Font = Annotated[str, StringConstraints(pattern=names_of({"woff2"}), max_length=80)]

# What is opened by itself may do nothing, and a picture may hold its own styles.
_ASSET_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class LookBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "theme": "dark",
                "colors": {"accent": "#e0115f", "text": "#ffffff"},
                "team_colors": {"ruby": "#e0115f"},
            }
        }
    )

    theme: Literal["", "dark", "light", "clear", "gala"] = ""
    colors: dict[ColorName, Color] = Field(default={}, max_length=30)
    team_colors: dict[Id, Color] = Field(default={}, max_length=500)
    logo: Picture | None = None
    team_logos: dict[Id, Picture] = Field(default={}, max_length=500)
    font: Font | None = None


@router.put(
    "/v1/events/{event}/look",
    operation_id="put_look",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
)
@needs("ops")
async def put_look(
    event: str,
    given: LookBody,
    request: Request,
    principal: Asker,
    expected_version: Annotated[str | None, Query(max_length=40)] = None,
) -> dict[str, Any]:
    """Have all pages of the event look like this, in place of how they looked before. It is in no journal.

    With ``expected_version``, the ``version`` of what was read, only if nobody has changed it since.
    """
    services = services_of(request)
    name = (await services.event(principal, event)).head.event
    try:
        await services.looks.put(name, given.model_dump(), expected_version)
    except Conflict as error:
        error.extra["now"] = await _look(request, name)
        raise
    # Its version is in what overlays are told.
    await services.overlays.touch(name)
    services.overlays_changed(name)
    return await _look(request, name)


@router.get(
    "/v1/events/{event}/look",
    operation_id="get_look",
    responses=problem_responses(401, 403, 404, 503),
)
@needs(BOARD_READER)
async def get_look(event: str, request: Request, response: Response, principal: Asker) -> dict[str, Any]:
    """How the event looks, for whoever may read its boards. ``version`` is "" if nothing was ever given."""
    opened = await readable_event(event, request, principal)
    # Components on other sites ask for it with a token of their own, never with a cookie.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return await _look(request, opened.head.event)


@router.post(
    "/v1/events/{event}/assets",
    status_code=201,
    operation_id="add_asset",
    responses=problem_responses(400, 401, 403, 404, 409, 413, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "image/svg+xml": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": '<svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>',
                },
            },
        }
    },
)
@needs("ops", limit="asset_bytes_max")
async def add_asset(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """A PNG, JPEG, WebP, SVG or WOFF2 as the body, said so by its Content-Type. The same again is the same asset."""
    services = services_of(request)
    opened = await services.event(principal, event)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    name = await services.looks.add(opened.head.event, await request.body(), media_type)
    return {"asset": name, "url": f"/assets/{name}"}


@router.api_route("/assets/{name}", methods=["GET", "HEAD"], include_in_schema=False)
@needs(PUBLIC)
async def get_asset(name: str, request: Request) -> Response:
    """A logo, a picture or a font. Its name is its hash, so what was fetched once is never asked for again."""
    content = await services_of(request).looks.asset(name[:80])
    if content is None:
        raise NotFound("asset_unknown", "There is no such asset.")
    return Response(content, media_type=MEDIA_TYPES[name.rpartition(".")[2]], headers=_ASSET_HEADERS)


async def _look(request: Request, event: str) -> dict[str, Any]:
    look, version = await services_of(request).looks.of(event)
    return {"event": event, "version": version} | look
