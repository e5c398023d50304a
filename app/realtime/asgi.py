"""A subscriber behind any ASGI server: a transport whose writes go through the server's ``send``.

What `kos serve` does for tens of thousands of connections (``socket.py``), this does on servers that we know nothing
of, with two tasks for each. Pings, and how a connection that takes nothing is let go, are that server's then.
"""

import asyncio
from abc import abstractmethod
from collections import deque
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app.realtime import frames
from app.realtime.subscriber import Subscriber

_CLOSE_SECONDS_MAX = 2.0


class QueuedTransport(asyncio.Transport):
    """As much of a transport as a subscriber asks for: what is written waits for a task that sends it on."""

    def __init__(self) -> None:
        super().__init__()
        self._subscriber: Subscriber | None = None
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._high = 65_536
        self._is_closing = False
        self._wake = asyncio.Event()
        self._aborted = asyncio.Event()

    def join(self, subscriber: Subscriber) -> None:
        """Say whose transport it is; it is told from now on when it has written too much."""
        self._subscriber = subscriber

    async def serve(self, subscriber: Subscriber) -> None:
        """Until the connection has ended."""
        self._subscriber = subscriber
        work = (self._read(subscriber), self._write(subscriber), self._aborted.wait())
        tasks = [asyncio.create_task(one) for one in work]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            reading, writing, _ = await asyncio.gather(*tasks, return_exceptions=True)
            self._is_closing = True
            subscriber.connection_lost(None)
        # A send to a client that just left is no error. RuntimeError is the server's word for a connection that it has
        # ended itself, for a broken frame or a ping without an answer, and that is not gone yet.
        if isinstance(writing, RuntimeError | OSError):
            writing = None
        for outcome in (reading, writing):
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
                raise outcome

    async def _write(self, subscriber: Subscriber) -> None:
        while True:
            while not self._waiting:
                if self._is_closing:
                    return
                self._wake.clear()
                await self._idle()
            # Counted as waiting until it is sent: a frame that hangs in `send` is backlog too.
            joined = self._waiting[0]
            if not await self._send(joined, subscriber):
                return
            # `send` does not wait once the client is gone: what draining has us write next would have the loop for
            # itself, and nobody would ever hear that the client has left.
            await asyncio.sleep(0)
            self._waiting.popleft()
            self._size -= len(joined)
            if subscriber.is_full and self._size <= self._high // 4:
                subscriber.resume_writing()

    # What each kind of connection does in its way.

    @abstractmethod
    async def _read(self, subscriber: Subscriber) -> None:
        """Until the client is gone."""

    @abstractmethod
    async def _send(self, joined: bytes, subscriber: Subscriber) -> bool:
        """Send joined frames; False if they were the last."""

    async def _idle(self) -> None:
        """Until there is something to do; may end before that."""
        await self._wake.wait()

    # What the subscriber calls.

    def write(self, data: Any) -> None:
        self._waiting.append(data)
        self._size += len(data)
        self._wake.set()
        if self._subscriber is not None and not self._subscriber.is_full and self._size > self._high:
            self._subscriber.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = self._high if high is None else high

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True
        self._wake.set()

    def abort(self) -> None:
        self._is_closing = True
        self._aborted.set()


class AsgiTransport(QueuedTransport):
    """A WebSocket that stays with its server."""

    def __init__(self, websocket: WebSocket) -> None:
        super().__init__()
        self._websocket = websocket
        self._may_read = asyncio.Event()
        self._may_read.set()

    async def _read(self, subscriber: Subscriber) -> None:
        while True:
            await self._may_read.wait()
            event = await self._websocket.receive()
            if event["type"] == "websocket.disconnect":
                return
            subscriber.heard(event.get("text"))
            # `receive` does not wait while messages lie ready: a client that floods us would have the loop for itself.
            await asyncio.sleep(0)

    async def _send(self, joined: bytes, subscriber: Subscriber) -> bool:
        for opcode, payload in frames.server_frames(joined):
            if opcode == frames.CLOSE:
                await self._close(payload)
                return False
            if opcode == frames.TEXT:
                await self._websocket.send_text(payload.decode())
            elif opcode == frames.PING:
                # The server pings by itself and ends who does not answer.
                subscriber.is_live = True
        return True

    async def _close(self, payload: bytes) -> None:
        if self._websocket.client_state is not WebSocketState.CONNECTED:
            return
        code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS_MAX):
                await self._websocket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            # It cannot be told any more.
            return

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()
