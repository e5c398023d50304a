"""``GET /v1/stream``: the WebSocket endpoint. Authenticates, takes requests, and ends a connection with the
right code.

The protocol for those who write clients is ``docs/protocol.md``.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import APIRouter, WebSocket
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect, WebSocketState

from app.api.problems import told
from app.errors import AppError, BadRequest, Conflict, Forbidden, TooLarge
from app.realtime import messages
from app.realtime.budget import Budget
from app.realtime.hub import Hub
from app.realtime.messages import SUBPROTOCOL, CloseCode, Ping, Subscribe, Unsubscribe
from app.realtime.subscriber import Subscriber

_log = logging.getLogger(__name__)

_REASONS = {
    CloseCode.UNAVAILABLE: "the token cannot be checked now",
    CloseCode.TOO_SLOW: "the connection does not keep up",
    CloseCode.TOO_MANY_MESSAGES: "more messages than a client may send",
    CloseCode.UNAUTHORIZED: "the token is not valid",
    CloseCode.TOKEN_ENDED: "the token expired or was revoked",
}
_CLOSE_SECONDS_MAX = 2.0
_STALL_CHECK_SECONDS_MAX = 1.0


class Principal(Protocol):
    """What this endpoint needs to know of whoever connected. Hashable: equal ones are checked once."""

    @property
    def view(self) -> str: ...

    def may_follow(self, channel: str) -> bool:
        """Denied unless the token or key says otherwise."""
        ...


# Errors: Unauthorized if there is no valid token or key; any other AppError if that cannot be told now.
Authenticate = Callable[[WebSocket], Awaitable[Principal]]
# Which of these, let in before, may stay: those that are neither expired nor revoked.
StillValid = Callable[[Collection[Principal]], Awaitable[Collection[Principal]]]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Limits of one connection, and how often tokens are looked at again."""

    message_bytes_max: int = 4096
    messages_per_second_max: int = 50
    subscriptions_max: int = 64
    backlog_bytes_max: int = 262_144
    stall_seconds_max: float = 15.0
    token_check_seconds: float = 2.0


class Stream:
    """The stream's connections in this process. ``router`` serves them; ``watch`` runs beside the server."""

    def __init__(
        self, hub: Hub, authenticate: Authenticate, still_valid: StillValid, limits: StreamLimits | None = None
    ) -> None:
        self.router = APIRouter()
        self.router.add_api_websocket_route("/v1/stream", self._serve)
        self._hub = hub
        self._authenticate = authenticate
        self._still_valid = still_valid
        self._limits = limits or StreamLimits()
        self._connected: dict[Subscriber, Principal] = {}

    @property
    def connections(self) -> int:
        return len(self._connected)

    async def watch(self) -> None:
        """End connections that may not or cannot stay, until cancelled."""
        await asyncio.gather(self._watch_tokens(), self._watch_stalls())

    async def _watch_tokens(self) -> None:
        while True:
            await asyncio.sleep(self._limits.token_check_seconds)
            await self.check_tokens()

    async def _watch_stalls(self) -> None:
        seconds = min(self._limits.stall_seconds_max / 4, _STALL_CHECK_SECONDS_MAX)
        while True:
            await asyncio.sleep(seconds)
            self.check_stalls()

    def check_stalls(self) -> None:
        """End connections that have not taken a frame for ``stall_seconds_max``."""
        for subscriber in self._connected:
            subscriber.end_if_stalled(self._limits.stall_seconds_max)

    async def check_tokens(self) -> None:
        """End connections whose token expired or was revoked. A check that fails (no database) leaves them alone."""
        asked = set(self._connected.values())
        if not asked:
            return
        try:
            gone = asked.difference(await self._still_valid(asked))
        except Exception:
            _log.warning("the stream's tokens could not be checked", exc_info=True)
            return
        for subscriber, held in self._connected.items():
            if held in gone:
                subscriber.stop(CloseCode.TOKEN_ENDED)

    async def _serve(self, websocket: WebSocket) -> None:
        if SUBPROTOCOL not in websocket.scope["subprotocols"]:
            await _refuse(websocket, BadRequest("subprotocol_required", f"Offer the subprotocol {SUBPROTOCOL}."))
            return
        # A browser cannot read a refused handshake, so a bad token is told by a close code.
        try:
            principal = await self._authenticate(websocket)
        except AppError as error:
            await websocket.accept(SUBPROTOCOL)
            await _close(websocket, CloseCode.UNAVAILABLE if error.retryable else CloseCode.UNAUTHORIZED)
            return
        await websocket.accept(SUBPROTOCOL)
        limits = self._limits
        subscriber = Subscriber(websocket.send_text, limits.backlog_bytes_max)
        self._connected[subscriber] = principal
        try:
            code = await _Connection(websocket, subscriber, principal, self._hub, limits).run()
        finally:
            del self._connected[subscriber]
            self._hub.leave(subscriber)
        if code is not None:
            await _close(websocket, code)


class _Connection:
    """One accepted connection: a task that reads requests beside one that sends."""

    def __init__(
        self,
        websocket: WebSocket,
        subscriber: Subscriber,
        principal: Principal,
        hub: Hub,
        limits: StreamLimits,
    ) -> None:
        self._websocket = websocket
        self._subscriber = subscriber
        self._principal = principal
        self._hub = hub
        self._limits = limits

    async def run(self) -> CloseCode | None:
        """Serve until the client left (None) or has to (why)."""
        ended = self._subscriber.ended
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._subscriber.run())]
        watched: list[asyncio.Future[Any]] = [*tasks, ended]
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        reading, sending = outcomes
        # A send to a client that just left is no error. RuntimeError is the server's word for a connection that it
        # has ended itself, for a broken frame or a ping without an answer, and that is not gone yet.
        if isinstance(sending, RuntimeError):
            sending = None
        for outcome in (reading, sending):
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
                raise outcome
        return ended.result() if ended.done() else None

    async def _read(self) -> None:
        clock, rate = asyncio.get_running_loop().time, self._limits.messages_per_second_max
        # Whoever comes back may subscribe to everything again at once.
        budget = Budget(rate, rate + self._limits.subscriptions_max, clock())
        while True:
            # Who does not take our answers is not asked for more requests.
            await self._subscriber.room()
            event = await self._websocket.receive()
            if event["type"] == "websocket.disconnect":
                return
            if not budget.take(clock()):
                self._subscriber.stop(CloseCode.TOO_MANY_MESSAGES)
                return
            await self._answer(event)
            # Neither of the two waits while messages lie ready: a client that floods us would have the loop for itself.
            await asyncio.sleep(0)

    async def _answer(self, event: Mapping[str, Any]) -> None:
        text: str | None = event.get("text")
        try:
            if text is None:
                raise BadRequest("message_not_text", "Send JSON as text messages, not binary ones.")
            if len(text) > self._limits.message_bytes_max or len(text.encode()) > self._limits.message_bytes_max:
                raise TooLarge("message_too_large", f"A message has at most {self._limits.message_bytes_max} bytes.")
            await self._take(messages.decode(text))
        except (BadRequest, TooLarge) as error:
            self._subscriber.reply(messages.failure(error, None))
        except AppError as error:
            self._subscriber.reply(messages.failure(told(error), messages.id_of(text or "")))

    async def _take(self, request: messages.Inbound) -> None:
        view = self._principal.view
        match request:
            case Ping():
                self._subscriber.reply(messages.pong(request.id))
            case Unsubscribe():
                self._hub.unsubscribe(self._subscriber, request.channel, view)
                self._subscriber.reply(messages.unsubscribed(request.id, request.channel))
            case Subscribe():
                self._check(request.channel)
                await self._hub.subscribe(self._subscriber, request, view)

    def _check(self, channel: str) -> None:
        if not self._principal.may_follow(channel):
            raise Forbidden("channel_forbidden", "This token may not follow the channel.")
        followed = {known.name for known in self._subscriber.channels}
        if channel not in followed and len(followed) >= self._limits.subscriptions_max:
            detail = f"A connection follows at most {self._limits.subscriptions_max} channels."
            raise Conflict("too_many_subscriptions", detail)


async def _refuse(websocket: WebSocket, error: AppError) -> None:
    """Answer the handshake with a problem document; servers without that extension answer 403."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        response = JSONResponse(error.problem(), error.status, media_type="application/problem+json")
        await websocket.send_denial_response(response)
    else:
        await websocket.close()


async def _close(websocket: WebSocket, code: CloseCode) -> None:
    """Say why, if the client still listens; a stalled one cannot be told and is not waited for."""
    if websocket.client_state is not WebSocketState.CONNECTED:
        return
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(_CLOSE_SECONDS_MAX):
            await websocket.close(code, _REASONS[code])
