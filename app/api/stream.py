"""``GET /v1/stream``: the WebSocket endpoint. Authenticates, and hands the connection over.

The protocol for those who write clients is ``docs/protocol.md``.
"""

import contextlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, WebSocket
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect

from app.api.problems import told
from app.errors import AppError, BadRequest
from app.realtime import trouble
from app.realtime.asgi import AsgiTransport
from app.realtime.connections import Connections, StillValid, StreamLimits
from app.realtime.hub import Hub
from app.realtime.messages import SUBPROTOCOL, CloseCode
from app.realtime.socket import EXTENSION, StreamProtocol
from app.realtime.subscriber import Principal

# Errors: Unauthorized if there is no valid token or key; any other AppError if that cannot be told now.
Authenticate = Callable[[WebSocket], Awaitable[Principal]]


class Stream:
    """The endpoint. ``router`` serves it; ``connections.watch`` runs beside the server."""

    def __init__(
        self, hub: Hub, authenticate: Authenticate, still_valid: StillValid, limits: StreamLimits | None = None
    ) -> None:
        self.router = APIRouter()
        self.router.add_api_websocket_route("/v1/stream", self._serve)
        self.connections = Connections(hub, still_valid, limits or StreamLimits(), told)
        self._authenticate = authenticate

    async def _serve(self, websocket: WebSocket) -> None:
        if SUBPROTOCOL not in websocket.scope["subprotocols"]:
            await _refuse(websocket, BadRequest("subprotocol_required", f"Offer the subprotocol {SUBPROTOCOL}."))
            return
        # A browser cannot read a refused handshake, so a bad token is told by a close code.
        try:
            principal = await self._authenticate(websocket)
        except AppError as error:
            trouble.refused(error.code)
            await websocket.accept(SUBPROTOCOL)
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                if error.retryable:
                    await websocket.close(CloseCode.UNAVAILABLE, "the token cannot be checked now")
                else:
                    await websocket.close(CloseCode.UNAUTHORIZED, "the token is not valid")
            return
        await websocket.accept(SUBPROTOCOL)
        served = websocket.scope["extensions"].get(EXTENSION)
        if isinstance(served, StreamProtocol):
            served.hand_over(self.connections, principal)
            return
        transport = AsgiTransport(websocket)
        await transport.serve(self.connections.admit(transport, principal))


async def _refuse(websocket: WebSocket, error: AppError) -> None:
    """Answer the handshake with a problem document; servers without that extension answer 403."""
    trouble.refused(error.code)
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        response = JSONResponse(error.problem(), error.status, media_type="application/problem+json")
        await websocket.send_denial_response(response)
    else:
        await websocket.close()
