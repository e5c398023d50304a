"""``GET /v1/stream``: the WebSocket endpoint. Authenticates, and hands the connection over.

The protocol for those who write clients is ``docs/protocol.md``.
"""

import contextlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, WebSocket
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from app.api.problems import problem_response, told
from app.errors import AppError, BadRequest
from app.realtime import trouble
from app.realtime.asgi import AsgiTransport
from app.realtime.connections import Connections, Entrance, StillValid, StreamLimits
from app.realtime.door import Door
from app.realtime.hub import Hub
from app.realtime.messages import SUBPROTOCOL, CloseCode
from app.realtime.socket import EXTENSION, StreamProtocol
from app.realtime.subscriber import Principal

# Errors: Unauthorized if there is no valid token or key; any other AppError if that cannot be told now.
Authenticate = Callable[[HTTPConnection], Awaitable[Principal]]


class Stream:
    """The endpoint. ``router`` serves it; ``connections.watch`` runs beside the server."""

    def __init__(
        self,
        hub: Hub,
        authenticate: Authenticate,
        still_valid: StillValid,
        limits: StreamLimits | None = None,
        door: Door | None = None,
    ) -> None:
        self.router = APIRouter()
        self.router.add_websocket_route("/v1/stream", self._serve)
        self.connections = Connections(hub, still_valid, limits or StreamLimits(), told, door)
        self._authenticate = authenticate

    async def _serve(self, websocket: WebSocket) -> None:
        try:
            entrance = self.connections.enter(address_of(websocket), websocket.headers)
        except AppError as error:
            await _refuse(websocket, error)
            return
        with entrance:
            await self._welcome(websocket, entrance)

    async def _welcome(self, websocket: WebSocket, entrance: Entrance) -> None:
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
            served.hand_over(entrance, principal)
            return
        transport = AsgiTransport(websocket)
        await transport.serve(entrance.admit(transport, principal))


def address_of(connection: HTTPConnection) -> str:
    """The client's address, which a proxy that the server trusts may have told; empty if there is none."""
    return connection.client.host if connection.client is not None else ""


async def _refuse(websocket: WebSocket, error: AppError) -> None:
    """Answer the handshake with a problem document; servers without that extension answer 403."""
    trouble.refused(error.code)
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(problem_response(error))
    else:
        await websocket.close()
