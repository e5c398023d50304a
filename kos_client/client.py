"""One connection to the stream that is kept up: reconnects, subscribes again, notices when nothing is heard.

Every wait has a limit (``Timing``), and nothing is queued: a follower that is slow sees the newest document only.
"""

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from kos_client.errors import ChannelRefused, KosError, StreamClosed, StreamEnded
from kos_client.followed import Followed

SUBPROTOCOL: Final = Subprotocol("kos.v1")
STREAM_PATH: Final = "/v1/stream"
_MESSAGE_BYTES_MAX: Final = 16 * 2**20
_CLOSE_SECONDS_MAX: Final = 2.0

_log = logging.getLogger(__name__)

# Sees each message as it came, UTF-8 JSON; True keeps it from the client, which then neither reads nor applies it.
Tap = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait for what; the defaults are those of docs/protocol.md, "Staying right". Units: seconds."""

    backoff_seconds_first: float = 0.5
    backoff_seconds_max: float = 30.0
    open_seconds_max: float = 10.0
    # Nothing heard for so long: ask. Nothing heard for so long after that: the connection is dead.
    quiet_seconds: float = 10.0
    answer_seconds_max: float = 8.0
    # After an error that may pass.
    retry_seconds: float = 15.0
    heartbeat_seconds: float = 25.0
    sweep_seconds: float = 1.0


class KosClient:
    """A client of one server, made for ``async with``; ``follow`` as many channels as the server allows (100).

    ``url``: ``https://live.example.org``, or the stream's own address (``wss://…/v1/stream``). ``token``: a token or a
    key; empty for what an event shows to everybody. It travels in a header, never in the address.
    ``tap`` is for programs that measure: see ``Tap``.
    """

    def __init__(self, url: str, token: str = "", *, tap: Tap | None = None, timing: Timing | None = None) -> None:
        self.url = stream_url(url)
        # For the log, where no token belongs.
        self._where = urlsplit(self.url).netloc
        self.error: KosError | None = None
        self.is_live = False
        """Whether a connection is up and was heard of lately."""
        self.connections_made = 0
        """How often a handshake was over; the first one counts."""
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._tap = tap
        self._timing = timing or Timing()
        self._followed: dict[str, Followed] = {}
        self._number = 0
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._heard_at = 0.0
        self._was_heard = False
        self._ping_sent_at: float | None = None
        self._heartbeat: dict[str, str] | None = None
        self._heartbeat_id: int | None = None
        self._heartbeat_at = 0.0

    async def __aenter__(self) -> "KosClient":
        """Starts to connect and does not wait for it: ``follow`` does."""
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave; everything that was followed ends with StreamClosed.

        Errors: what made the client fail, if it has a bug or the server sent what the protocol does not know.
        """
        self._end(StreamClosed("the client was closed"))
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def follow(self, channel: str) -> Followed:
        """The channel with its first document, which stays right from here on; the same object for the same channel.

        Waits as long as the server cannot be reached or answers that it cannot read the channel now: bound it with
        ``asyncio.timeout`` if that is too long. A wait that is given up leaves the channel followed.
        Errors: ChannelRefused, and StreamEnded or StreamClosed for the whole client.
        """
        if self.error is not None:
            raise self.error
        followed = self._followed.get(channel)
        if followed is None:
            followed = self._followed[channel] = Followed(channel, self)
            await self._subscribe(followed)
        await followed.until(lambda one: one.has_document)
        return followed

    async def unfollow(self, channel: str) -> None:
        """Stop following; whoever iterates over its changes comes to their end. No error if it is not followed."""
        followed = self._followed.pop(channel, None)
        if followed is not None:
            followed.fail(StreamClosed(f"{channel} was unfollowed"))
            await self._send("unsubscribe", channel=channel)

    def count_as_viewer(self, channel: str, viewer: str = "") -> None:
        """Be counted as somebody who watches, from the next second on, until the client is closed.

        ``channel``: ``{event}`` or ``{event}/sessions/{session}``. ``viewer``: what makes several connections one
        viewer, at most 64 characters. A server that refuses is not asked again, and that is logged.
        """
        self._heartbeat = {"channel": channel} | ({"viewer": viewer} if viewer else {})
        self._heartbeat_at = 0.0

    # The connection.

    async def _run(self) -> None:
        failures = 0
        try:
            while self.error is None:
                wait = await self._connect_once()
                failures = 1 if self._was_heard else failures + 1
                if self.error is None:
                    await asyncio.sleep(max(wait, self._backoff(failures)))
        except Exception as error:
            self._end(KosError(f"the client failed: {error!r}"))
            raise

    async def _connect_once(self) -> float:
        """Connect, and serve the connection to its end. Returns how long the server asked to be left alone; seconds."""
        self._was_heard = False
        try:
            async with connect(
                self.url,
                subprotocols=[SUBPROTOCOL],
                additional_headers=self._headers,
                compression=None,
                max_size=_MESSAGE_BYTES_MAX,
                open_timeout=self._timing.open_seconds_max,
                close_timeout=_CLOSE_SECONDS_MAX,
                # The protocol has its own, which also tells when a document may be old.
                ping_interval=None,
            ) as socket:
                await self._serve(socket)
        except InvalidStatus as refusal:
            _log.info("%s refused the handshake: %s", self._where, refusal)
            return self._refused(refusal)
        except (OSError, InvalidHandshake, TimeoutError) as error:
            _log.info("%s cannot be reached: %r", self._where, error)
        return 0.0

    def _refused(self, refusal: InvalidStatus) -> float:
        """End for good if the server itself says that the request is wrong; proxies say much that passes."""
        response = refusal.response
        is_told = response.headers.get("Content-Type", "").startswith("application/problem+json")
        if is_told and 400 <= response.status_code < 500 and response.status_code not in (408, 429):
            self._end(StreamEnded(response.status_code, (response.body or b"").decode(errors="replace")))
        asked = response.headers.get("Retry-After", "")
        return min(float(asked), self._timing.backoff_seconds_max) if asked.isdigit() else 0.0

    async def _serve(self, socket: ClientConnection) -> None:
        self.connections_made += 1
        self._socket, self._ping_sent_at = socket, None
        self._heard_at = asyncio.get_running_loop().time()
        self._heartbeat_at = 0.0
        self._set_live(True)
        sweep = asyncio.create_task(self._sweep(socket))
        try:
            for followed in list(self._followed.values()):
                await self._subscribe(followed)
            while True:
                await self._take(await socket.recv(decode=False))
        except ConnectionClosed:
            _log.info("the stream was closed with %s %s", socket.close_code, socket.close_reason)
            if socket.close_code is not None and 4500 <= socket.close_code <= 4999:
                self._end(StreamEnded(socket.close_code, socket.close_reason or ""))
        finally:
            self._socket = None
            sweep.cancel()
            self._set_live(False)

    async def _take(self, data: bytes) -> None:
        self._was_heard = True
        self._heard_at, self._ping_sent_at = asyncio.get_running_loop().time(), None
        if not self.is_live:
            self._set_live(True)
        if self._tap is not None and self._tap(data):
            return
        message = json.loads(data)
        followed = self._followed.get(message.get("channel", ""))
        if message.get("type") == "error":
            self._take_error(message)
        elif followed is None:
            return
        elif message.get("type") == "unsubscribed" and "id" not in message:
            self._refuse(followed, "channel_forbidden", "it is public no longer")
        elif message.get("type") not in ("subscribed", "publication"):
            return
        elif followed.take(message) == "gap":
            await self._subscribe(followed)

    def _take_error(self, message: Mapping[str, Any]) -> None:
        identity, is_retryable = message.get("id"), message.get("retryable", False)
        if identity is not None and identity == self._heartbeat_id and not is_retryable:
            _log.warning("not counted as a viewer: %s", message["message"])
            self._heartbeat = None
        for followed in list(self._followed.values()):
            if identity is None or followed.awaiting != identity:
                continue
            if is_retryable:
                followed.awaiting = None
                followed.retry_at = asyncio.get_running_loop().time() + self._timing.retry_seconds
            else:
                self._refuse(followed, message["code"], message["message"])

    def _refuse(self, followed: Followed, code: str, why: str) -> None:
        del self._followed[followed.name]
        followed.fail(ChannelRefused(followed.name, code, why))

    # What is sent.

    async def _subscribe(self, followed: Followed) -> None:
        """Ask for the channel from where this client stands; without a connection that is done when there is one."""
        followed.retry_at = None
        followed.awaiting = self._number + 1
        await self._send("subscribe", channel=followed.name, **followed.standing)

    async def _send(self, kind: str, **members: Any) -> int:
        """The message's id. What is sent into a connection that ends is lost, and the next one starts over."""
        self._number += 1
        identity = self._number
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(json.dumps({"type": kind, "id": identity, **members}))
        return identity

    async def _sweep(self, socket: ClientConnection) -> None:
        """Beside the reader: heartbeats, second tries, and the end of a connection that is dead."""
        timing, loop = self._timing, asyncio.get_running_loop()
        while True:
            now = loop.time()
            if self._ping_sent_at is None and now - self._heard_at >= timing.quiet_seconds:
                self._ping_sent_at = now
                self._set_live(False)
                await self._send("ping")
            elif self._ping_sent_at is not None and now - self._ping_sent_at >= timing.answer_seconds_max:
                _log.info("nothing is heard of %s", self._where)
                socket.transport.abort()
            for followed in list(self._followed.values()):
                if followed.retry_at is not None and now >= followed.retry_at:
                    await self._subscribe(followed)
            if self._heartbeat is not None and now >= self._heartbeat_at:
                self._heartbeat_at = now + timing.heartbeat_seconds
                self._heartbeat_id = await self._send("heartbeat", **self._heartbeat)
            await asyncio.sleep(timing.sweep_seconds)

    # Small things.

    def _backoff(self, failures: int) -> float:
        """Between half and all of a time that doubles with each failure, so that clients do not come back together."""
        timing = self._timing
        whole = min(timing.backoff_seconds_first * 2.0 ** min(failures - 1, 20), timing.backoff_seconds_max)
        return random.uniform(whole / 2, whole)  # noqa: S311, nothing depends on its being a secret

    def _set_live(self, is_live: bool) -> None:
        self.is_live = is_live
        for followed in self._followed.values():
            followed.wake()

    def _end(self, error: KosError) -> None:
        self.error = self.error or error
        followed, self._followed = self._followed, {}
        for one in followed.values():
            one.fail(error)


def stream_url(url: str) -> str:
    """The stream's address, of a server's or of its own. Errors: ValueError for one that is neither."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ValueError(f"{url!r} is no address of a server; it starts with https:// or wss://")
    path = parts.path.rstrip("/")
    return parts._replace(scheme=scheme, path=path if path.endswith(STREAM_PATH) else path + STREAM_PATH).geturl()
