"""The application inside the test's own process: no socket, a clock that the test sets, hundreds of calls a second."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Message

from app.api.services import Services
from app.main import create_app
from app.settings import Settings
from tests.app_server import ADMIN_KEY
from tests.documented import Documented
from tests.processes import ServerFailed

_CALL_SECONDS_MAX = 30.0
_LIFESPAN_SECONDS_MAX = 30.0


@dataclass(frozen=True)
class Api:
    """The application inside this process. ``app`` is what uvicorn would serve; ``client`` holds the admin key.

    Every response to one of its clients is held to the OpenAPI document.
    """

    app: ASGIApp
    client: httpx2.AsyncClient
    documented: Documented
    key: str = ADMIN_KEY

    def client_of(self, key: str, app: ASGIApp | None = None) -> httpx2.AsyncClient:
        """A client with another key ("" for none), of another layer of the application if one is given."""
        return _client(app or self.app, key, self.documented)

    @property
    def framework(self) -> FastAPI:
        """The application without the short way that stands before it."""
        inner: FastAPI = self.app._app  # type: ignore[attr-defined]
        return inner

    @property
    def services(self) -> Services:
        services: Services = self.framework.state.services
        return services

    async def key_of(self, brand: str, *scopes: str) -> str:
        """A new key of any brand."""
        _, key, *_ = await self.services.access.create_key(brand, "somebody", scopes)
        return key


def _client(app: ASGIApp, key: str, documented: Documented) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # Exceptions become the 500 that a client of a real server would get.
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(
        base_url="http://test",
        headers=headers,
        transport=transport,
        timeout=_CALL_SECONDS_MAX,
        event_hooks={"response": [documented.check]},
    )


@asynccontextmanager
async def running_app(database_url: str, clock: Callable[[], int] | None = None, **settings: Any) -> AsyncIterator[Api]:
    """The application with its lifespan run, called without sockets; ``settings`` by their names."""
    given: dict[str, Any] = {
        "database_url": database_url,
        "admin_key": SecretStr(ADMIN_KEY),
        "verify_at_start": False,
        **settings,
    }
    app = create_app(Settings(**given), clock)
    documented = Documented(app._app.openapi())  # type: ignore[attr-defined]
    async with _lifespan(app), _client(app, ADMIN_KEY, documented) as client:
        yield Api(app, client, documented)


@asynccontextmanager
async def _lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """What uvicorn does around serving: start up, shut down, each answered by the application."""
    asked: asyncio.Queue[Message] = asyncio.Queue()
    answered: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    task: asyncio.Future[None] = asyncio.ensure_future(app(scope, asked.get, answered.put))

    async def step(name: str) -> None:
        await asked.put({"type": f"lifespan.{name}"})
        async with asyncio.timeout(_LIFESPAN_SECONDS_MAX):
            answer = await answered.get()
        if answer["type"] != f"lifespan.{name}.complete":
            raise ServerFailed(f"{name}: {answer.get('message')}")

    try:
        await step("startup")
        yield
        await step("shutdown")
    finally:
        # After a failed startup starlette raises what it told.
        if not task.done():
            task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
