"""``kos serve``: one server process, or several on one port."""

import asyncio
import contextlib
import gc
import math
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import structlog
import typer
import uvicorn
from sqlalchemy.engine import make_url

from app.api.readiness import Readiness
from app.cli.database import load_settings
from app.cli.workers import CLOSE_SECONDS_MAX, Supervisor
from app.errors import AppError
from app.journal.lock import serving
from app.journal.migrate import upgrade_in_loop
from app.main import create_app
from app.realtime import goodbye
from app.realtime.http import HttpLimits, bounded_http
from app.realtime.socket import StreamProtocol
from app.realtime.subscriber import FRAME_FACTOR
from app.settings import Settings

log = structlog.get_logger(__name__)

# The kernel doubles it: a snapshot of a hundred rows fits.
_SEND_BUFFER_BYTES = 32_768
# The most that Linux takes unless it is told otherwise (net.core.somaxconn).
_BACKLOG = 4_096
# Of the time to drain; the rest is for the last of them to take what was written, and for calls under way.
_GOODBYE_SHARE = 0.8


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes behind that port; PostgreSQL only.", min=1, max=256)] = 1,
) -> None:
    """Serve the API, the stream and the overlays; the database is brought up to date first."""
    settings = load_settings()
    if workers > 1 and make_url(settings.database_url).get_backend_name() == "sqlite":
        typer.echo("An SQLite database is for one serving process: use PostgreSQL for --workers.", err=True)
        raise typer.Exit(1)
    prepare(settings)
    listener = listen(host, port)
    if workers > 1:
        # Nobody else has the port; now it is taken in the way in which the workers can share it.
        port = listener.getsockname()[1]
        listener.close()
        listener = listen(host, port, is_shared=True)
    typer.echo(f"KOS Live listens on http://{address(host, listener.getsockname()[1])}")
    if workers > 1:
        raise typer.Exit(Supervisor(host, port, workers, settings.drain_seconds).run())
    server(settings).run(sockets=[listener])


def prepare(settings: Settings) -> None:
    """Find out before anything starts whether this process may serve the database, and bring it up to date.

    Errors: typer.Exit 1 with one sentence.
    """
    url = settings.database_url
    try:
        with serving(url):
            asyncio.run(upgrade_in_loop(url))
    except AppError as error:
        typer.echo(f"{error.detail} [{error.code}]", err=True)
        raise typer.Exit(1) from None


def server(settings: Settings) -> "Server":
    """A uvicorn server of the application, with the choices that its speed and secrecy rest on."""
    readiness = Readiness()
    application = create_app(settings, readiness=readiness)
    calm_collector()
    raise_file_limit()
    return Server(
        uvicorn.Config(
            application,
            log_config=None,
            # Access logs would hold query strings, and tokens travel there.
            access_log=False,
            lifespan="on",
            http=bounded_http(
                HttpLimits(
                    settings.handshake_seconds_max,
                    settings.request_seconds_max,
                    settings.subscriber_stall_seconds_max,
                )
            ),
            ws=StreamProtocol,
            # Each would cost 30 kB a connection, and a frame that is shared by all cannot be compressed for one.
            ws_per_message_deflate=False,
            ws_max_size=settings.message_bytes_max * FRAME_FACTOR,
            server_header=False,
            # Thousands may come back in one moment; what the queue has no room for tries again a second later.
            backlog=_BACKLOG,
        ),
        readiness,
        settings.drain_seconds,
    )


def calm_collector() -> None:
    """Keep the cyclic collector from walking, again and again, through what lives as long as the process.

    A batch of 500 orders is 20,000 objects, hardly one of them in a cycle. Left as it is, the collector walks through
    all modules, routes and schemas for them: a third of the processor time of a batch, a tenth of that of a single
    order (measured). What is made from now on is looked through as before, only less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def raise_file_limit() -> None:
    """Let this process hold as many connections as the system lets it; the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS has a lower limit than the hard one that it tells
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Server(uvicorn.Server):
    """Stops in good order: not ready at once, streams told a few at a time, calls under way answered."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, drain_seconds: float) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._drain_seconds = drain_seconds
        # Called once, when it takes connections.
        self.on_started: Callable[[], object] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, and tells when it is done."""
        await super().startup(sockets)
        self.on_started()

    @property
    def stop_seconds_max(self) -> float:
        """What a stop takes at most, if nothing hangs."""
        return self._drain_seconds + CLOSE_SECONDS_MAX

    def stop(self) -> None:
        """As a signal does; from any thread."""
        self._readiness.is_stopping = True
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal stops it in good order, a second one at once: no acknowledged fact can be lost by that."""
        if self._captured_signals:
            os._exit(128 + sig)
        self._captured_signals.append(sig)
        self.stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """At most ``drain_seconds``, and what closing the database takes."""
        clock = asyncio.get_running_loop().time
        started = clock()
        self._readiness.is_stopping = True
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        streams = self._readiness.followers()
        told = await goodbye.tell_all(streams, self._drain_seconds * _GOODBYE_SHARE)
        told_seconds = clock() - started
        # uvicorn waits by this for what is left: the calls under way, and followers that have not taken the last bytes.
        self.config.timeout_graceful_shutdown = max(1, math.ceil(self._drain_seconds - told_seconds))
        await super().shutdown(sockets)
        log.info("stopped", streams_told=told, told_seconds=round(told_seconds, 3), seconds=round(clock() - started, 3))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's raises the signal that ended it once more, so that a stop in good order looked like a failure."""
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()


def address(host: str, port: int) -> str:
    """Both as a URL has them: an IPv6 address in brackets, which tell its colons from the port's."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int, is_shared: bool = False) -> socket.socket:
    """A socket to listen with, taken before anything else is done; ``is_shared``: other processes of ours do the same.

    Errors: typer.Exit 1 if the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # What a connection inherits on being accepted. Left to grow, the kernel takes megabytes for a client that has
    # stopped reading before anybody here notices.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    try:
        listener.bind((host, port))
    except OSError as error:
        typer.echo(f"Cannot listen on {address(host, port)}: {error.strerror}. Choose another with --port.", err=True)
        raise typer.Exit(1) from None
    return listener
