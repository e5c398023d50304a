"""One event in which everything happens to money, told once for each database and read by every test of a file."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import StringIO
from typing import TextIO

import pytest

from app.journal.open import open_store
from app.journal.store import Store
from tests import factories, ledger_story
from tests.app_in_process import running_app
from tests.event_client import EventClient

EVENT = "ledger"
EMPTY = "empty"


async def _tell(url: str) -> None:
    async with running_app(url, lambda: factories.NOW_US) as api:
        await ledger_story.tell(await EventClient(api.client, EVENT).open(ledger_story.ROSTER))
        await EventClient(api.client, EMPTY).create()


@pytest.fixture(scope="module")
def told_url(shared_url: str) -> str:
    """URL of a database with the events ``ledger`` and ``empty``."""
    asyncio.run(_tell(shared_url))
    return shared_url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = open_store(url)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def exported(told_url: str) -> Callable[..., Awaitable[str]]:
    """``await exported(export_csv)``: what it writes about an event, ``ledger`` if no other is named."""

    async def text(export: Callable[[Store, str, TextIO], Awaitable[int]], event: str = EVENT) -> str:
        out = StringIO()
        async with opened(told_url) as store:
            await export(store, event, out)
        return out.getvalue()

    return text
