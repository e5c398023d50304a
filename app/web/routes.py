"""Pages and static files over HTTP. They hold no data: a page asks the stream for it with the token in its
URL.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Depends, Request, Response

from app.errors import NotFound
from app.web import COMPONENTS_FOLDER, File, Files

# Inline styles are allowed for one reason: OBS puts a source's custom CSS into the page as a <style>
# element, and would drop it otherwise. Nothing here writes a style or markup from data.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
# Where no broadcaster's own CSS is to be let in.
_STRICT_POLICY: Final = _POLICY.replace(" 'unsafe-inline'", "")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_EVERY_TIME: Final = "no-cache"
_METHODS: Final = ["GET", "HEAD"]
_PAGE: Final = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
# The console shows overlays in frames of its own site, and is itself in nobody's: a click in it does things. Its
# stylesheets are files; nothing needs a style in a page.
_CONSOLE: Final = _PAGE | {
    "Content-Security-Policy": _POLICY.replace("frame-ancestors 'self'", "frame-ancestors 'none'").replace(
        "style-src 'self' 'unsafe-inline'", "style-src 'self'"
    )
    + "; frame-src 'self'"
}
# Any site may embed the components: they are the same for everybody, and what they show takes a token.
_FOR_ALL_SITES: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
# What an overlay page can show; "scene" is several of them.
OVERLAYS: Final = (
    *("board", "ticker", "team-bar", "host-card", "goal", "viewers", "countdown", "product", "announcement"),
    "scene",
)


def web_routes(may_read_docs: Callable[..., Awaitable[None]] | None = None, folder: Path | None = None) -> APIRouter:
    """``/overlay/{event}/{component}``, ``/e/{event}``, ``/console``, ``/docs``, ``/static/...`` and
    ``/components/v1/...``.

    ``may_read_docs`` guards the reference.

    Errors: NotFound ``file_unknown``.
    """
    files = Files(folder or Path(__file__).parent, {_script_of(name): modules_of(name) for name in OVERLAYS})
    overlays = {name: files.page("overlays/overlay.html", "../../", _script_of(name)) for name in OVERLAYS}
    public = files.page("public/public.html", root="../")
    docs = files.page("docs/docs.html", root="")
    console = files.page("console/console.html", root="")
    router = APIRouter(include_in_schema=False)

    @router.api_route("/docs", methods=_METHODS, dependencies=[Depends(may_read_docs)] if may_read_docs else [])
    async def api_reference(request: Request) -> Response:
        return _response(request, docs, _ASK_EVERY_TIME, _PAGE)

    @router.api_route("/console", methods=_METHODS)
    async def console_page(request: Request) -> Response:
        # Nobody's: it signs in, or goes on with the cookie of a session.
        return _response(request, console, _ASK_EVERY_TIME, _CONSOLE)

    @router.api_route("/overlay/{event}/{component}", methods=_METHODS)
    async def overlay_page(request: Request, event: str, component: str) -> Response:
        # The same bytes for every event, known or not: the page reads the event from its own address.
        if component not in overlays:
            raise NotFound("file_unknown", f"There is no such overlay; there are {', '.join(overlays)}.")
        return _response(request, overlays[component], _ASK_EVERY_TIME, _PAGE)

    @router.api_route("/e/{event}", methods=_METHODS)
    async def public_event(request: Request, event: str) -> Response:
        headers = {"Content-Security-Policy": _STRICT_POLICY, "Referrer-Policy": "no-referrer"}
        return _response(request, public, _ASK_EVERY_TIME, headers)

    @router.api_route("/static/{digest}/{name:path}", methods=_METHODS)
    async def static(request: Request, digest: str, name: str) -> Response:
        return _static(request, files.static(name), digest == files.digest, {})

    @router.api_route("/components/v1/{name}", methods=_METHODS)
    async def component_of_today(request: Request, name: str) -> Response:
        # Modules import each other by relative paths: behind one digest they are of one version.
        if files.component(name) is None:
            raise NotFound("file_unknown", "There is no such file.")
        headers = {"Location": f"{files.digest}/{name}", "Cache-Control": _ASK_EVERY_TIME, **_FOR_ALL_SITES}
        return Response(status_code=307, headers=headers)

    @router.api_route("/components/v1/{digest}/{name:path}", methods=_METHODS)
    async def component(request: Request, digest: str, name: str) -> Response:
        return _static(request, files.component(name), digest == files.digest, _FOR_ALL_SITES)

    return router


def _script_of(overlay: str) -> str:
    # In the folder of the components: what they load only when somebody wants it is beside them.
    return f"{COMPONENTS_FOLDER}/overlay-{overlay}.js"


def modules_of(overlay: str) -> list[str]:
    """What the page of an overlay is made of. A scene may be switched to any other, so its page has all components."""
    components = [name for name in OVERLAYS if name != "scene"] if overlay == "scene" else [overlay]
    return [*(f"{COMPONENTS_FOLDER}/kos-{name}.js" for name in components), "overlays/overlay.js"]


def _static(request: Request, file: File | None, is_this_version: bool, headers: dict[str, str]) -> Response:
    if file is None:
        raise NotFound("file_unknown", "There is no such file.")
    # Another version's address (servers are being replaced) gets this version, but may not keep it.
    return _response(request, file, _FOR_EVER if is_this_version else _ASK_EVERY_TIME, headers)


def _response(request: Request, file: File, caching: str, headers: dict[str, str]) -> Response:
    takes_packed = "gzip" in request.headers.get("accept-encoding", "")
    # Two representations, so two tags.
    etag = f'{file.etag[:-1]}-gzip"' if takes_packed else file.etag
    headers = {
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "Cache-Control": caching,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        **headers,
    }
    held = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if etag in held or "*" in held:
        return Response(status_code=304, headers=headers)
    if takes_packed:
        return Response(file.packed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)
