"""The only place where things are built and joined: from settings to an application that serves."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import structlog
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __version__, decide
from app.access import Access, Principal
from app.api import documents, problems
from app.api.attempts import Attempts
from app.api.guard import may_read_docs
from app.api.hot import HotOrders
from app.api.readiness import Readiness
from app.api.roster_search import RosterSearch
from app.api.routers import ROUTERS
from app.api.services import Services
from app.api.sse import sse_router
from app.api.stream import Stream
from app.audience.viewers import Viewers
from app.audit.at_start import verify_at_start
from app.audit.checkpoints import PURPOSE, Checkpoints, Watch, clock_us
from app.audit.on_demand import OnDemand
from app.audit.signing import SigningKey
from app.console import Sessions
from app.database import create_engine
from app.errors import AppError
from app.events import Events, OpenEvent
from app.feed import Feed
from app.journal.lock import serving
from app.journal.migrate import upgrade_in_loop
from app.journal.open import open_store
from app.journal.plan import Rules
from app.journal.store import Store
from app.links import Links
from app.looks import Looks
from app.overlays import Overlays
from app.profiles import Profiles
from app.quarantine import Quarantine
from app.realtime import observe
from app.realtime.bus import Bus, LocalBus, WatchedBus
from app.realtime.connections import MayFollow, StreamLimits
from app.realtime.door import Door, DoorLimits
from app.realtime.hub import Hub
from app.realtime.roll import Roll
from app.realtime.subscriber import Principal as StreamPrincipal
from app.sales.postings import postings_of
from app.sales.times import rfc3339
from app.settings import Settings
from app.web.routes import web_routes

log = structlog.get_logger(__name__)

_CLOSE_SECONDS_MAX = 1.0
# How long what another process told the overlays stays unseen, if no message of it comes.
_OVERLAYS_SECONDS = 2.0
_VIEWERS_SECONDS = 1.0

# The rules as the writer knows them: pure functions, handed in so that it imports none of them.
RULES = cast(
    Rules,
    SimpleNamespace(decide=decide.decide, due=decide.due, orders_needed=decide.orders_needed, postings_of=postings_of),
)


def create_app(
    settings: Settings, clock: Callable[[], int] | None = None, readiness: Readiness | None = None
) -> ASGIApp:
    """The application. ``clock`` (microseconds since the epoch) replaces the database's, for tests.

    ``readiness`` is for a server that says when it stops.

    Its lifespan migrates the database, and on SQLite makes sure that no other process serves the same file.
    """
    app = _Application(
        title=documents.TITLE,
        description=documents.DESCRIPTION,
        version=__version__,
        lifespan=_lifespan(settings, clock),
        redirect_slashes=False,
        # Drawn from our own files instead: nothing is asked of anybody else.
        docs_url=None,
        redoc_url=None,
        # Served by `documents`, by the same rule as the page that shows it.
        openapi_url=None,
    )
    app.state.readiness = readiness or Readiness()
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(web_routes(may_read_docs))
    documents.install(app)
    return HotOrders(app, lambda: cast(Services, app.state.services))


class _Application(FastAPI):
    """Tells a start that failed for a reason that can be mended in a sentence, where the framework logs a traceback."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            # The framework sends this while it handles the error.
            error = sys.exception()
            if message["type"] == "lifespan.startup.failed" and isinstance(error, AppError):
                message = {**message, "message": f"{error.detail} [{error.code}]"}
            await send(message)

        await super().__call__(scope, receive, tell if scope["type"] == "lifespan" else send)


def _lifespan(
    settings: Settings, clock: Callable[[], int] | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        url = settings.database_url
        with serving(url):
            await upgrade_in_loop(url)
            store = open_store(url, clock, writer_connections_max=settings.writer_connections_max)
            engine = create_engine(url)
            access = Access(
                engine,
                settings.admin_key.get_secret_value(),
                settings.signing_key.get_secret_value(),
                settings.revocation_seconds_max,
            )
            await access.start()
            bus = _bus(settings, store, access)
            opened = Events(store, RULES, settings, bus)
            services = app.state.services = _services(settings, clock, store, engine, opened, access, bus)
            hub = services.hub
            quarantine = await _quarantine(engine, opened, app.state.readiness)
            stream = _stream(services)
            channels_max = min(settings.sse_channels_max, settings.subscriptions_per_connection_max)
            _include_first(app, stream.router)
            app.include_router(sse_router(stream.connections, services.follower, channels_max))
            stream.connections.audience = services.viewers.heartbeats
            services.roll.connected = stream.connections.connected
            app.state.readiness.followers = stream.connections.everyone
            app.state.readiness.is_catching_up = lambda: opened.is_catching_up
            watches = _watches(services, stream, quarantine)
            try:
                yield
            finally:
                # In this order: each uses those after it.
                await _close("watches", partial(_cancel, watches))
                await _close("viewers", services.viewers.close)
                await _close("verification", services.verification.close)
                await _close("hub", hub.close)
                await _close("events", opened.close)
                await _close("bus", bus.close)
                await _close("store", store.close)
                await _close("engine", engine.dispose)

    return lifespan


def _services(
    settings: Settings,
    clock: Callable[[], int] | None,
    store: Store,
    engine: AsyncEngine,
    opened: Events,
    access: Access,
    bus: WatchedBus,
) -> Services:
    """The parts that calls and connections use."""
    profiles = Profiles(engine)
    feed = Feed(opened, profiles, store, clock)
    feed.hub = hub = Hub(
        feed,
        settings.publish_interval_ms,
        settings.removed_rows_max,
        channels_per_event_max=settings.channels_per_event_max,
    )
    opened.is_followed = hub.is_followed
    looks = Looks(engine)
    links, link_door = _links(settings, engine, clock)
    overlays, overlays_changed = _live_overlays(feed, hub, Overlays(engine), looks, bus)
    return Services(
        settings=settings,
        store=store,
        events=opened,
        feed=feed,
        hub=hub,
        profiles=profiles,
        roster_search=RosterSearch(),
        access=access,
        links=links,
        link_door=link_door,
        looks=looks,
        overlays=overlays,
        overlays_changed=overlays_changed,
        viewers=_viewers(settings, feed, opened, access, bus, clock or clock_us),
        checkpoints=Checkpoints(engine, SigningKey(access.secret_for(PURPOSE)), clock or clock_us),
        sessions=Sessions(access, settings.session_seconds),
        attempts=Attempts(settings.sign_ins_per_minute_max),
        roll=Roll(bus),
        verification=OnDemand(settings.database_url),
    )


def _watches(services: Services, stream: Stream, quarantine: Quarantine) -> list[asyncio.Task[None]]:
    """What runs for as long as the application does, and what it does once after its start."""
    settings, hub = services.settings, services.hub

    def sound() -> list[OpenEvent]:
        return [event for event in services.events.opened() if not quarantine.has(event.head.event)]

    signing = Watch(services.checkpoints, sound, settings.checkpoint_entries, settings.checkpoint_seconds)
    at_start = [verify_at_start(settings.database_url, quarantine.add)] if settings.verify_at_start else []
    return [
        *map(asyncio.create_task, at_start),
        asyncio.create_task(quarantine.watch()),
        *services.viewers.watches(),
        asyncio.create_task(hub.refresh_live("viewers", _VIEWERS_SECONDS)),
        asyncio.create_task(stream.connections.watch()),
        asyncio.create_task(observe.watch(stream.connections, hub, services.events.following.counts)),
        asyncio.create_task(hub.refresh_live("overlays", _OVERLAYS_SECONDS)),
        asyncio.create_task(signing.watch()),
    ]


async def _quarantine(engine: AsyncEngine, events: Events, readiness: Readiness) -> Quarantine:
    """Have events that do not verify take nothing more. Errors: Unavailable."""
    quarantine = Quarantine(engine)
    await quarantine.look()
    events.check_writable = quarantine.check
    # What is folded may be what was repaired since.
    quarantine.on_lifted = events.fold_anew
    readiness.quarantined = lambda: quarantine.events
    return quarantine


def _include_first(app: FastAPI, router: APIRouter) -> None:
    """Before all others: each route is tried in turn, and thousands of handshakes come at once."""
    app.include_router(router)
    app.router.routes.insert(0, app.router.routes.pop())


def _bus(settings: Settings, store: Store, access: Access) -> WatchedBus:
    """The way to other processes. A Redis that cannot be reached holds up nobody: what it would bring is read."""
    url = settings.redis_url.get_secret_value()
    if not url:
        return LocalBus()
    if store.dialect == "sqlite":
        log.warning("redis_ignored", reason="one process serves an SQLite database, so there is nobody to be told")
        return LocalBus()
    # Its driver takes a fifth of the time that a process needs to start, and most installations do without it.
    from app.realtime.bus_redis import RedisBus

    bus = RedisBus(url, access.secret_for(b"kos.bus.1"))
    bus.start()
    return bus


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    """Also waits for what they end with: one of them has a process that must not stay behind."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _close(part: str, close: Callable[[], Awaitable[None]]) -> None:
    """Close it, or go on without: a database that hangs must not keep the process from ending.

    The calls have had ``drain_seconds`` before this. What is broken off was not confirmed to anybody.
    """
    try:
        async with asyncio.timeout(_CLOSE_SECONDS_MAX):
            await close()
    except TimeoutError:
        log.warning("stopped_without_waiting", part=part)


def _live_overlays(
    feed: Feed, hub: Hub, told: Overlays, looks: Looks, bus: Bus
) -> tuple[Overlays, Callable[[str], None]]:
    """Have the overlays' channel show what was told; with it comes what to call when that has changed."""

    async def document(event: str) -> dict[str, Any]:
        body, updated_at = await told.of(event)
        _, version = await looks.of(event)
        return {"time": rfc3339(updated_at), **body, "look_version": version}

    def changed(event: str) -> None:
        hub.mark_live(f"{event}/overlays")
        bus.tell(event, "overlays", b"")

    feed.live["overlays"] = document
    bus.on("overlays", lambda event, payload: hub.mark_live(f"{event}/overlays"))
    return told, changed


def _viewers(
    settings: Settings, feed: Feed, events: Events, access: Access, bus: WatchedBus, clock: Callable[[], int]
) -> Viewers:
    """Have heartbeats counted, here and in the other processes, and the viewers' channel show the numbers."""
    limits = settings.viewers_per_event_max, settings.viewers_late_seconds
    viewers = Viewers(events, access.pseudonym_key, bus, clock, *limits)
    feed.live["viewers"] = viewers.document
    return viewers


def _links(settings: Settings, engine: AsyncEngine, clock: Callable[[], int] | None) -> tuple[Links, Door]:
    """Tracking links, and the door before them: another one than the stream's, with the same limits."""
    return Links(engine, settings.touch_days, clock), Door(_door_limits(settings), time.monotonic)


def _door_limits(settings: Settings) -> DoorLimits:
    return DoorLimits(
        connections_max=settings.connections_max,
        connections_per_address_max=settings.connections_per_address_max,
        handshakes_per_second_max=settings.handshakes_per_second_max,
        origins=settings.origins,
    )


def _stream(services: Services) -> Stream:
    settings, hub = services.settings, services.hub

    async def still_valid(principals: Collection[StreamPrincipal]) -> Collection[StreamPrincipal]:
        return await services.access.still_valid(cast(Collection[Principal], principals))

    stream = Stream(
        hub,
        services.follower,
        still_valid,
        StreamLimits(
            message_bytes_max=settings.message_bytes_max,
            messages_per_second_max=settings.messages_per_second_max,
            subscriptions_max=settings.subscriptions_per_connection_max,
            backlog_bytes_max=settings.subscriber_lag_bytes_max,
            stall_seconds_max=settings.subscriber_stall_seconds_max,
            ping_seconds=settings.ping_seconds,
            # What `Access` remembers takes half of the time, a round a quarter: one is left for a slow database.
            token_check_seconds=settings.revocation_seconds_max / 4,
        ),
        Door(_door_limits(settings), time.monotonic),
    )
    stream.connections.may_follow = cast(MayFollow, services.may_follow)
    return stream
