"""What goes wrong stays where it is: events take turns on few links, a bug fails one fact, a bad copy is let go."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from app.errors import InvariantError
from app.events import Events
from app.journal.entry import Entry
from app.journal.open import open_store
from app.main import RULES
from app.settings import Settings
from tests.book import order as order_of
from tests.book import order_said
from tests.live import Clock, create, entries_of, orders, running, store_of, told


async def test_link_is_free_as_soon_as_its_commit_is_answered(shared_url):
    """So any number of events take turns on few links, and none waits for another one's pause."""
    store = open_store(shared_url, Clock(), writer_connections_max=1, wait_seconds_max=0.001)
    events = Events(store, RULES, Settings())
    first, second = await create(events), await create(events)

    for number in range(3):
        assert told(await first.submit(orders(1, number))) == ["new"]
        assert told(await second.submit(orders(1, number))) == ["new"]

    await events.close()
    await store.close()


@pytest.mark.parametrize("where", ["decide", "postings_of"])
async def test_bug_that_one_fact_meets_fails_that_fact_alone(shared_url, where):
    def rule(*arguments: Any) -> Any:
        content = arguments[1].content if where == "decide" else arguments[1].get("fact", {})
        if content.get("id") in ("o3", "o6"):
            raise ZeroDivisionError("a bug")
        return getattr(RULES, where)(*arguments)

    faulty = SimpleNamespace(**(vars(RULES) | {where: rule}))
    store = open_store(shared_url, Clock())
    events = Events(store, faulty, Settings())
    event = await create(events)

    outcomes = await event.submit([*orders(8), order_said(order_of("o9", host="nobody"))])

    assert told(outcomes) == ["new", "new", "internal", "new", "new", "internal", "new", "new", "unknown_host"]
    assert [entry.position for entry in await entries_of(events, event)] == list(range(1, event.head.position + 1))
    assert told(await event.submit(orders(3))) == ["again", "again", "internal"]
    await events.close()
    await store.close()


async def test_copy_that_does_not_fit_the_journal_is_folded_anew(shared_url):
    async with running(shared_url) as events:
        event = await create(events)
        name, heard = event.head.event, list[Sequence[Entry]]()
        events.on_change = lambda event, entries: heard.append(entries)
        event.head = replace(event.head, hash=bytes(32))

        with pytest.raises(InvariantError):
            await event.submit(orders(1))

        assert heard == [()], "whoever follows it hears that there is something to read"
        anew = await events.open(name)
        assert anew is not event
        assert told(await anew.submit(orders(1))) == ["new"]


async def test_event_that_cannot_be_folded_is_not_read_for_every_call(shared_url):
    async def emptied(call: Callable[[], Awaitable[Any]]) -> Any:
        await call()
        return []

    async with running(shared_url) as events:
        name = (await create(events)).head.event
    async with running(shared_url, faulty=True) as events:
        store_of(events).at("read", emptied)
        for _ in range(3):
            with pytest.raises(InvariantError):
                await events.open(name)
        assert store_of(events).calls["read"] == 1

        events._broken.clear()

        assert (await events.open(name)).head.event == name
