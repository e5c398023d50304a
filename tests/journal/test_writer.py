"""Group commit on both databases: batches, repeats, races between processes, the clock, and limits."""

import asyncio
from typing import Any

import pytest

from app.errors import InvariantError, Unavailable
from app.events import Events, OpenEvent
from app.journal.drafts import Fact
from app.journal.entry import rehash
from app.journal.plan import Accepted
from tests.book import END, HOUR, SECOND, START, move_said, order_said, refund_said, roster_said
from tests.book import order as order_of
from tests.book import refund as refund_of
from tests.live import Clock, Held, create, entries_of, gone, orders, raising, running, store_of, told


async def submitted_while_one_is_under_way(event: OpenEvent, events: Events, groups: list[list[Fact]]) -> list[Any]:
    """All groups are queued before the first of them is let through."""
    held = Held()
    store_of(events).at("append_at", held)
    assert event.writer is not None
    first = event.writer.submit(orders(1, 1000))
    await held.reached()
    answers = [event.writer.submit(group) for group in groups]
    held.let_go()
    await first
    return list(await asyncio.gather(*answers, return_exceptions=True))


async def test_facts_that_queue_up_during_a_commit_are_committed_together(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        store_of(events).calls.clear()

        outcomes = await submitted_while_one_is_under_way(event, events, [[fact] for fact in orders(50)])

        assert store_of(events).calls["append_at"] == 2
        assert [told(own) for own in outcomes] == [["new"]] * 50
        positions = [own[0].entries[0].position for own in outcomes]
        assert positions == list(range(6, 56))


async def test_commit_takes_no_more_facts_than_its_limit_but_never_cuts_a_group(shared_url):
    async with running(shared_url, faulty=True, batch_facts_max=5) as events:
        event = await create(events)
        store_of(events).calls.clear()
        groups = [orders(2, 10), orders(3, 20), orders(2, 30), orders(7, 40), orders(1, 50)]

        outcomes = await submitted_while_one_is_under_way(event, events, groups)

        assert store_of(events).calls["append_at"] == 1 + 4
        assert [len(own) for own in outcomes] == [2, 3, 2, 7, 1]


async def test_bad_fact_fails_alone_and_a_repeat_in_the_batch_is_one(shared_url):
    async with running(shared_url) as events:
        event = await create(events)
        said = [
            order_said(order_of("o1", host="ann")),
            order_said(order_of("o2", host="nobody")),
            order_said(order_of("o1", host="ann")),
            order_said(order_of("o1", host="bo")),
            refund_said(refund_of("r1", "o1", amount="1.00")),
        ]

        assert told(await event.submit(said)) == ["new", "unknown_host", "again", "order_conflict", "new"]
        assert [entry.key for entry in (await entries_of(events, event))[-2:]] == [
            "order:default:o1",
            "refund:default:r1",
        ]


async def test_same_order_from_many_callers_at_once_is_there_once(shared_url):
    async with running(shared_url) as events:
        event = await create(events)

        outcomes = await asyncio.gather(*(event.submit(orders(1)) for _ in range(100)))

        assert sorted(told([own[0] for own in outcomes])) == ["again"] * 99 + ["new"]
        assert len({own[0].entries[0].hash for own in outcomes if isinstance(own[0], Accepted)}) == 1


async def test_orders_that_are_there_already_are_repeats_or_conflicts(shared_url):
    async with running(shared_url) as events:
        event = await create(events)
        await event.submit(orders(3))
        head = event.head

        same = await event.submit(orders(3))
        mixed = await event.submit([*orders(1, price="1.00"), *orders(1, 9), *orders(1, 2)])

        assert told(same) == ["again"] * 3
        assert told(mixed) == ["order_conflict", "new", "again"]
        assert event.head.position == head.position + 1


async def test_repeat_of_an_order_that_would_be_refused_by_now_is_a_repeat(shared_url):
    """It ended early, so what was paid just ahead of its clock is outside; what was accepted stays accepted."""
    clock = Clock()
    async with running(shared_url, clock) as events:
        event = await create(events)
        ahead = order_said(order_of(paid_at=clock.now + 60 * SECOND))
        await event.submit_one(ahead)
        await event.submit_one(move_said("ended"))

        assert told(await event.submit([ahead])) == ["again"]
        assert told(await event.submit(orders(1, 7, paid_at=clock.now + 60 * SECOND))) == ["paid_at_outside_event"]
        assert told(await event.submit([order_said(order_of(host="nobody"))])) == ["order_conflict"]


@pytest.mark.parametrize("count", [100, 101, 450])
async def test_large_batch_is_written_as_small_ones_are(shared_url, count):
    async with running(shared_url) as events:
        event = await create(events)

        outcomes = await event.submit(orders(count, host="ann"))

        assert told(outcomes) == ["new"] * count
        entries = await entries_of(events, event)
        assert [entry.position for entry in entries] == list(range(1, count + 5))
        assert all(rehash(entry) == entry.hash for entry in entries)
        assert len(await events._store.postings(event.head.event, 0, 10_000)) == 2 * count


async def test_process_that_is_behind_catches_up_before_it_writes(shared_url):
    async with running(shared_url) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        behind = await theirs.open(event.head.event)
        await event.submit(orders(3))

        outcomes = await behind.submit([*orders(1, 3), *orders(1, 4)])

        assert told(outcomes) == ["again", "new"]
        assert behind.head.position == event.head.position + 1
        assert [entry.position for entry in await entries_of(ours, event)] == list(range(1, behind.head.position + 1))


async def test_refusal_of_a_process_that_is_behind_is_decided_again(shared_url):
    async with running(shared_url) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        behind = await theirs.open(event.head.event)
        await event.submit_one(roster_said([{"id": "eve"}]))

        assert told(await behind.submit([order_said(order_of(host="eve"))])) == ["new"]


async def test_nothing_to_do_is_only_said_of_what_is_stored(shared_url):
    async with running(shared_url) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        behind = await theirs.open(event.head.event)
        await event.submit_one(move_said("paused"))

        outcomes = await behind.submit([move_said("live")])

        assert told(outcomes) == ["new"]
        assert (behind.state.status, behind.head.position) == ("live", event.head.position + 1)


async def test_refund_finds_the_order_that_another_process_wrote(shared_url):
    async with running(shared_url) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        behind = await theirs.open(event.head.event)
        await event.submit(orders(1, host="ann"))

        outcomes = await behind.submit([refund_said(refund_of("r1", "o1", amount="1.00"))])

        assert isinstance(outcomes[0], Accepted)
        assert "parked" not in outcomes[0].entries[0].content


async def test_order_finds_the_refund_that_another_process_parked(shared_url):
    async with running(shared_url) as ours, running(shared_url, tail_interval_ms=60_000) as theirs:
        event = await create(ours)
        behind = await theirs.open(event.head.event)
        await event.submit([refund_said(refund_of("r1", "o1", amount="1.00"))])

        outcomes = await behind.submit(orders(1, host="ann"))

        assert isinstance(outcomes[0], Accepted)
        assert [entry.kind for entry in outcomes[0].entries] == ["order.paid", "refund.matched"]


async def test_two_processes_at_once_leave_no_gap_and_nothing_twice(shared_url):
    async with running(shared_url) as ours, running(shared_url) as theirs:
        event = await create(ours)
        other = await theirs.open(event.head.event)

        outcomes = await asyncio.gather(
            *(process.submit(orders(3, first)) for first in range(1, 60, 2) for process in (event, other))
        )

        entries = [entry for entry in await entries_of(ours, event) if entry.kind == "order.paid"]
        assert sum(told(own).count("new") for own in outcomes) == len(entries) == 61
        assert sum(told(own).count("again") for own in outcomes) == 2 * 3 * 30 - 61
        assert [entry.position for entry in entries] == list(range(5, 66))
        assert len({entry.key for entry in entries}) == 61


@pytest.mark.parametrize("step", [0, -5 * HOUR, SECOND])
async def test_recorded_times_strictly_increase_whatever_the_clock_does(shared_url, step):
    clock = Clock()
    async with running(shared_url, clock) as events:
        event = await create(events)

        for number in range(1, 6):
            await event.submit(orders(3, 3 * number, paid_at=START))
            clock.now += step

        times = [entry.recorded_at for entry in await entries_of(events, event)]
        assert times == sorted(set(times))
        assert event.state.recorded_at == event.head.recorded_at == times[-1]


async def test_due_moves_are_written_before_the_facts_and_by_nobodys_hand(shared_url):
    clock = Clock(START - HOUR)
    async with running(shared_url, clock) as events:
        event = await create(events, "scheduled", ends_at=END)
        clock.now = END + HOUR

        outcomes = await event.submit(orders(1, paid_at=END - 1))

        last = (await entries_of(events, event))[-3:]
        assert told(outcomes) == ["new"]
        assert [(entry.key, entry.actor) for entry in last[:2]] == [
            (f"move:live:{START}", "schedule"),
            (f"move:ended:{END}", "schedule"),
        ]
        assert event.state.status == "ended"


async def test_due_move_is_written_though_every_fact_is_refused(shared_url):
    clock = Clock(START - HOUR)
    async with running(shared_url, clock) as events:
        event = await create(events, "scheduled")
        clock.now = START

        outcomes = await event.submit([order_said(order_of(host="nobody", paid_at=START))])

        assert told(outcomes) == ["unknown_host"]
        assert (event.state.status, (await entries_of(events, event))[-1].key) == ("live", f"move:live:{START}")


async def test_full_queue_refuses_at_once_and_takes_more_later(shared_url):
    async with running(shared_url, faulty=True, queue_facts_max=10) as events:
        event = await create(events)
        held = Held()
        store_of(events).at("append_at", held)
        assert event.writer is not None
        first = event.writer.submit(orders(1, 100))
        await held.reached()
        waiting = event.writer.submit(orders(10))

        with pytest.raises(Unavailable, match="queue_full") as refused:
            event.writer.submit(orders(1, 200))

        held.let_go()
        assert (refused.value.retry_after_seconds, told(await first)) == (1, ["new"])
        assert told(await waiting) == ["new"] * 10
        assert told(await event.submit(orders(1, 200))) == ["new"]


async def test_group_larger_than_the_queue_is_taken_when_nothing_waits(shared_url):
    async with running(shared_url, queue_facts_max=10, batch_facts_max=5) as events:
        event = await create(events)

        assert told(await event.submit(orders(20))) == ["new"] * 20


async def test_one_caller_after_the_other_finds_the_writer_awake_again(shared_url):
    async with running(shared_url) as events:
        event = await create(events)

        for number in range(1, 30):
            assert told(await event.submit(orders(1, number))) == ["new"]


async def test_caller_who_gave_up_waiting_disturbs_nobody(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        held = Held()
        store_of(events).at("append_at", held)
        assert event.writer is not None
        impatient, patient = event.writer.submit(orders(1)), event.writer.submit(orders(1, 2))
        await held.reached()

        impatient.cancel()
        held.let_go()

        assert told(await patient) == ["new"]
        assert told(await event.submit(orders(1))) == ["again"]


async def test_closing_waits_for_what_is_queued(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        held = Held()
        store_of(events).at("append_at", held)
        assert event.writer is not None
        answers = [event.writer.submit(orders(1, number)) for number in range(1, 4)]
        await held.reached()

        closing = asyncio.create_task(event.writer.close())
        held.let_go()
        await closing

        assert [told(answer.result()) for answer in answers] == [["new"]] * 3
        assert event.writer.is_idle


async def test_writer_that_is_stopped_lets_nobody_wait_and_the_next_call_works(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        held = Held()
        store_of(events).at("append_at", held)
        assert event.writer is not None
        answers = [event.writer.submit(orders(1))]
        await held.reached()
        answers += [event.writer.submit(orders(1, number)) for number in range(2, 6)]

        task = event.writer._task
        assert task is not None
        task.cancel()
        errors = await asyncio.gather(*answers, return_exceptions=True)

        assert [getattr(error, "code", error) for error in errors] == ["writer_stopped"] * 5
        assert told(await event.submit(orders(2, 5))) == ["new"] * 2


async def test_error_of_ours_reaches_every_caller_of_the_batch_and_no_other(shared_url):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        store_of(events).at("append_at", raising(InvariantError("scripted")))

        assert event.writer is not None
        first = [event.writer.submit(orders(1, number)) for number in (1, 2)]
        errors = await asyncio.gather(*first, return_exceptions=True)

        assert [type(error) for error in errors] == [InvariantError, InvariantError]
        again = await events.open(event.head.event)
        assert told(await again.submit(orders(2))) == ["new", "new"]


@pytest.mark.parametrize("call", ["session", "lookup", "append_at", "head"])
async def test_database_that_is_gone_is_heard_by_every_caller_and_leaves_nothing(shared_url, call):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        assert event.writer is not None
        await event.writer.close()
        before = event.head
        store_of(events).at(call, gone)
        said = refund_said(refund_of("r1", "o1", amount="1.00")) if call == "lookup" else order_said(order_of("o1"))
        said = order_said(order_of("o1", host="nobody")) if call == "head" else said

        answers = [event.writer.submit([said]) for _ in range(3)]
        errors = await asyncio.gather(*answers, return_exceptions=True)

        assert [getattr(error, "code", error) for error in errors] == ["database_unavailable"] * 3
        assert (event.head, await events._store.head(event.head.event)) == (before, before)
        assert told(await event.submit(orders(1))) == ["new"]


async def test_clock_that_was_set_back_refuses_nothing_that_has_happened(shared_url):
    clock = Clock()
    async with running(shared_url, clock) as events:
        event = await create(events)
        await event.submit(orders(1, 1, paid_at=clock.now))
        paid_at = clock.now
        clock.now -= HOUR

        assert told(await event.submit(orders(1, 2, paid_at=paid_at))) == ["new"]
        assert told(await event.submit(orders(1, 3, paid_at=paid_at + HOUR))) == ["paid_at_in_future"]
