"""Lost links and lost races at the worst moment: every caller hears what is true, and everything is there once."""

import asyncio
from typing import Any

import pytest

from app.audit.verify import verify
from app.errors import Unavailable
from app.events import Events, OpenEvent
from app.journal.drafts import Fact
from app.journal.plan import Accepted
from app.journal.store import HeadMoved, KeyTaken
from tests.book import cancellation_said, move_said, order_said, refund_said, roster_said
from tests.book import order as order_of
from tests.book import refund as refund_of
from tests.live import create, entries_of, gone, lost_after, lost_before, raising, running, store_of, told

ORDER = order_said(order_of("o1", host="ann"))
OTHER = order_said(order_of("o2", host="bo"))


async def is_proven(events: Events, event: OpenEvent) -> None:
    """What is stored verifies, and this process holds exactly that."""
    name = event.head.event
    report = await verify(store_of(events).store, name)
    assert report.findings == []
    assert report.complete
    assert event.head == await events._store.head(name)
    assert event.state.position == event.scores["full"].totals.position == event.head.position


async def keys_of(events: Events, event: OpenEvent) -> list[str]:
    """Keys of what was said after the event was opened."""
    return [entry.key for entry in (await entries_of(events, event))[4:]]


@pytest.mark.parametrize("written", [True, False], ids=["written", "not written"])
@pytest.mark.parametrize(
    ("said", "answers", "keys"),
    [
        ([ORDER], ["new"], [ORDER.key]),
        ([ORDER, ORDER, OTHER], ["new", "again", "new"], [ORDER.key, OTHER.key]),
        ([ORDER, order_said(order_of("o3", host="nobody"))], ["new", "unknown_host"], [ORDER.key]),
        (
            [refund_said(refund_of("r1", "o1", amount="1.00")), ORDER],
            ["new", "new"],
            ["refund:default:r1", ORDER.key, "match:refund:default:r1"],
        ),
        ([ORDER, cancellation_said("o1")], ["new", "new"], [ORDER.key, "cancellation:default:o1"]),
        ([roster_said([{"id": "eve"}], key="op:1")], ["new"], ["op:1"]),
        ([roster_said([{"id": "eve"}])], ["new"], ["roster:2"]),
        ([move_said("paused")], ["new"], ["move:3"]),
    ],
    ids=["order", "repeat in the batch", "refusal", "parked", "cancelled", "ops with a key", "ops", "move"],
)
async def test_commit_whose_answer_was_lost_is_answered_right_and_there_once(shared_url, written, said, answers, keys):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        store_of(events).at("append_at", lost_after if written else lost_before)

        outcomes = await event.submit(said)

        # A call without a key cannot be found again, only that nothing is left to change.
        unnamed = ["nothing"] if written and not said[0].key else answers
        assert told(outcomes) == unnamed
        assert await keys_of(events, event) == keys
        await is_proven(events, event)
        assert told(await event.submit([order_said(order_of("o9"))])) == ["new"]


@pytest.mark.parametrize("written", [True, False], ids=["written", "not written"])
async def test_locked_commit_whose_answer_was_lost_is_answered_right_and_there_once(shared_url, written):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        store_of(events).at("append_at", raising(HeadMoved()))
        store_of(events).at("commit", lost_after if written else lost_before)

        outcomes = await event.submit([ORDER, OTHER, ORDER])

        assert told(outcomes) == ["new", "new", "again"]
        assert await keys_of(events, event) == [ORDER.key, OTHER.key]
        await is_proven(events, event)


async def test_two_answers_lost_one_after_the_other_change_nothing(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        store_of(events).at("append_at", lost_before)
        store_of(events).at("commit", lost_before, lost_after)

        outcomes = await event.submit([ORDER])

        assert told(outcomes) == ["new"]
        assert await keys_of(events, event) == [ORDER.key]
        await is_proven(events, event)


async def test_answer_lost_and_then_the_database_is_503_and_the_repeat_finds_what_was_written(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        store_of(events).at("append_at", lost_after)
        store_of(events).at("begin", gone)

        with pytest.raises(Unavailable):
            await event.submit([ORDER])

        assert told(await event.submit([ORDER])) == ["again"]
        assert await keys_of(events, event) == [ORDER.key]
        await is_proven(events, event)


async def test_order_that_another_process_wrote_meanwhile_is_a_repeat_and_not_our_own(shared_url):
    async with running(shared_url, faulty=True) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        other = await theirs.open(event.head.event)

        async def lost_to_another(call: Any) -> None:
            await other.submit([Fact(ORDER.kind, ORDER.key, ORDER.content, "key:other")])
            await lost_before(call)

        store_of(ours).at("append_at", lost_to_another)

        outcomes = await event.submit([ORDER, OTHER])

        assert told(outcomes) == ["again", "new"]
        assert await keys_of(ours, event) == [ORDER.key, OTHER.key]
        await is_proven(ours, event)


async def test_other_content_that_another_process_wrote_meanwhile_is_a_conflict(shared_url):
    async with running(shared_url, faulty=True) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        other = await theirs.open(event.head.event)

        async def outrun(call: Any) -> Any:
            await other.submit([order_said(order_of("o1", host="cy"))])
            return await call()

        store_of(ours).at("append_at", outrun)

        assert told(await event.submit([ORDER, OTHER])) == ["order_conflict", "new"]
        await is_proven(ours, event)


async def test_lost_race_locks_first_and_is_not_lost_again(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        calls = store_of(events).calls
        calls.clear()
        store_of(events).at("append_at", raising(HeadMoved()))

        assert told(await event.submit([ORDER])) == ["new"]
        assert told(await event.submit([OTHER])) == ["new"]

        assert (calls["append_at"], calls["begin"], calls["commit"]) == (1, 2, 2)
        await is_proven(events, event)


async def test_taken_key_makes_the_next_batches_look_first(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        await event.submit([ORDER])
        calls = store_of(events).calls
        calls.clear()

        assert told(await event.submit([ORDER])) == ["again"]
        assert told(await event.submit([ORDER])) == ["again"]

        assert (calls["append_at"], calls["lookup"], calls["begin"]) == (1, 2, 0)


async def test_after_a_while_without_trouble_the_writer_is_fast_again(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        store_of(events).at("append_at", raising(HeadMoved()))
        for number in range(20):
            await event.submit([order_said(order_of(f"o{number}"))])
        calls = store_of(events).calls
        calls.clear()

        await event.submit([order_said(order_of("last"))])

        assert (calls["append_at"], calls["begin"], calls["lookup"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("call", "lost"), [("commit", lost_before), ("append", raising(KeyTaken()))], ids=["lost", "taken"]
)
async def test_trouble_without_end_is_503_and_leaves_nothing(shared_url, call, lost):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        before = event.head
        store_of(events).at("append_at", *[lost] * 2)
        store_of(events).at(call, *[lost] * 10)

        with pytest.raises(Unavailable) as refused:
            await event.submit([ORDER])

        assert refused.value.code == "journal_contended"
        assert (event.head, await events._store.head(event.head.event)) == (before, before)


@pytest.mark.parametrize("call", ["begin", "read", "lookup", "append", "commit"])
async def test_database_that_goes_during_the_locked_way_leaves_nothing(shared_url, call):
    # No tail: it reads too, and would meet the fault in the writer's place.
    async with (
        running(shared_url, faulty=True, tail_interval_ms=60_000) as ours,
        running(shared_url, tail_interval_ms=60_000) as theirs,
    ):
        event = await create(ours)
        other = await theirs.open(event.head.event)
        await other.submit([OTHER])
        store_of(ours).at(call, gone)

        answers = await asyncio.gather(*(event.submit([ORDER]) for _ in range(3)), return_exceptions=True)

        assert [getattr(answer, "code", answer) for answer in answers] == ["database_unavailable"] * 3
        assert await keys_of(ours, event) == [OTHER.key]
        assert told(await event.submit([ORDER])) == ["new"]
        await is_proven(ours, event)


async def test_refusal_is_not_told_before_the_database_was_asked_whether_it_still_holds(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        calls = store_of(events).calls
        calls.clear()

        outcomes = await event.submit([order_said(order_of("o1", host="nobody"))])

        assert told(outcomes) == ["unknown_host"]
        assert calls["head"] == 1
        assert calls["append_at"] == 0


async def test_accepted_outcome_of_a_lost_answer_has_the_entries_that_are_stored(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        store_of(events).at("append_at", lost_after)

        outcome = (await event.submit([ORDER]))[0]

        stored = (await entries_of(events, event))[-1]
        assert isinstance(outcome, Accepted)
        assert (outcome.entries[0].position, outcome.entries[0].hash) == (stored.position, stored.hash)
