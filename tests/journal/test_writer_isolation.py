"""What one event or one fact meets is its own: events take turns on few links, a bug fails one fact."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.events import Events
from app.journal.open import open_store
from app.main import RULES
from app.settings import Settings
from tests.book import order as order_of
from tests.book import order_said
from tests.live import Clock, create, entries_of, orders, told


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
