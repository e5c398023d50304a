"""Every order of arrival, through both databases at once with one clock: the same journal, and the same totals."""

import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.journal.migrate import upgrade
from tests import histories
from tests.arrivals import BY_LINES, Case, Left, cases, everything, spread
from tests.book import BRAND, Book, event_said, move_said, roster_said
from tests.live import Clock, running, told
from tests.servers import LONG, Postgres

# Each in so many of its orders of arrival, and every one of them about an order of its own.
CASES, ARRIVALS = (60, 60) if LONG else (12, 12)
BATCH = 100


@pytest.fixture
def urls(tmp_path: Path, postgres: Postgres) -> Iterator[list[str]]:
    both = [f"sqlite+aiosqlite:///{tmp_path}/kos.db", postgres.create_database(prepare=upgrade)]
    upgrade(both[0])
    yield both
    postgres.drop_database(both[1])


def drawn() -> list[Case]:
    found: list[Case] = []

    @settings(max_examples=CASES, database=None, suppress_health_check=list(HealthCheck))
    @given(cases())
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def stories(found: list[Case]) -> dict[str, tuple[Case, list[Fact]]]:
    """By the name of the order: which case it is, and its facts as they come."""
    chosen = random.Random(repr(found))
    stories = {}
    for number, case in enumerate(found):
        arrivals = case.arrivals()
        for place, arrival in enumerate(chosen.sample(arrivals, min(ARRIVALS, len(arrivals)))):
            name = f"{number}-{place}"
            facts = case.told(name)
            stories[name] = case, [facts[one] for one in arrival]
    return stories


async def test_both_databases_hold_the_same_whatever_comes_first(urls: list[str]):
    told_by_order = stories(drawn())
    said = [fact for _, facts in told_by_order.values() for fact in facts]
    said += [everything(name) for name in told_by_order]
    clock, book = Clock(), Book("draft", ())
    opening = [roster_said(), move_said("scheduled"), move_said("live"), *histories.sessions_said()]
    async with AsyncExitStack() as stack:
        sides = [await stack.enter_async_context(running(url, clock)) for url in urls]
        events = [await side.create(event_said(), book.head.event, BRAND) for side in sides]

        for start in range(0, len(said), BATCH):
            batch = (opening if start == 0 else []) + said[start : start + BATCH]
            expected = told(book.batch(batch))
            assert [told(await event.submit(batch)) for event in events] == [expected, expected]

        for side in sides:
            entries = await side._store.read(book.head.event, 0, 100_000)
            assert [entry.hash for entry in entries] == [entry.hash for entry in book.entries]
            assert await side._store.postings(book.head.event, 0, 100_000) == book.postings
            check_totals(entries, told_by_order)


def check_totals(entries: list[Entry], told_by_order: dict[str, tuple[Case, list[Fact]]]) -> None:
    """Of each case, what its orders came to before the full refund, and that it left nothing."""
    left: dict[str, Left] = {name: Left() for name in told_by_order}
    before: dict[str, Left] = {}
    for entry in entries:
        name = (entry.about or entry.key).rpartition(":")[2]
        if name in left:
            if entry.key.startswith("refund:default:all-"):
                before[name] = left[name].copy()
            left[name].take(entry)
    assert before.keys() == left.keys()
    assert not any(any([*one.parts.values(), *one.sales.values()]) for one in left.values())
    by_case: dict[str, list[Left]] = {}
    for name, one in before.items():
        by_case.setdefault(name.partition("-")[0], []).append(one)
    for number, ends in by_case.items():
        assert len({(one.parts.total(), one.over) for one in ends}) == 1
        if told_by_order[f"{number}-0"][0].by == BY_LINES:
            assert spread([one.parts for one in ends]) == 0
