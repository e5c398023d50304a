"""What an event would be under other rules: the same rules change nothing, others what they would have changed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.whatif import WhatIf, what_if
from app.errors import AppError
from app.journal.drafts import Fact
from app.journal.entry import Entry
from tests import foreign, histories
from tests.book import Book, correction_said, line, order, order_said, roster_said


class Journal:
    """A store that holds one journal in memory, and shows it page by page."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries

    @asynccontextmanager
    async def snapshot(self, event: str) -> AsyncIterator["Journal"]:
        yield self

    async def read(self, after: int, limit: int) -> list[Entry]:
        return list(self.entries[after : after + min(limit, 7)])


async def tried(book: Book, **rules: Any) -> WhatIf:
    return await what_if(Journal(book.entries), book.head.event, rules)  # type: ignore[arg-type]


@given(st.lists(st.one_of(histories.said(), histories.rules_changed(), foreign.among()), min_size=5, max_size=25))
async def test_no_other_rules_change_nothing(facts: list[Fact]):
    book = histories.opened()
    for fact in facts:
        book.batch([fact])

    found = await tried(book)

    assert (found.hosts, found.teams, found.refused_count) == ([], [], 0)


async def test_other_precedence_moves_what_it_would_have_moved():
    book = Book(rules={"commission": {"bps": 1000}})
    book.sell(code="BO5", host="ann", price="10.00")
    book.sell(id="1002", host="cy", price="5.00")
    book.give_back(amount="4.00")
    head = book.head

    found = await tried(book, attribution={"precedence": ["code", "host"]})

    changes = {change.id: change for change in found.hosts}
    assert set(changes) == {"ann", "bo"}
    assert (changes["ann"].net_sales, changes["bo"].net_sales) == ((600, 0), (0, 600))
    assert (changes["ann"].commission, changes["bo"].commission) == ((60, 0), (0, 60))
    assert changes["ann"].rank[0] == 1
    assert (found.teams, found.facts, book.head) == ([], 3, head)


async def test_other_commission_changes_pay_and_no_rank():
    book = Book(rules={"commission": {"bps": 1000}})
    book.sell(host="ann", price="10.00")
    book.say(correction_said(["1001"], {"cy": 1}))

    found = await tried(book, commission={"bps": 2000})

    assert [(change.id, change.commission) for change in found.hosts] == [("cy", (100, 200))]
    assert {before == after for before, after in (change.rank for change in found.hosts)} == {True}


async def test_what_the_other_rules_would_refuse_is_named():
    book = Book(rules={"approval_above": 0})
    book.say(roster_said([{"id": "eve"}]))
    book.batch([order_said(order(host="ann", lines=[line("1", "10.00")]))])
    book.say(correction_said(["1001"], {"cy": 1}))
    made = Fact("correction.closed", "correction:c1:closed", {}, "key:joe")
    made.content = {"id": "c1", "outcome": "approved", "reason": "checked", "person": "joe"}
    book.say(made)

    found = await tried(book, approval_above=None)

    # Made at once, the correction waits for nobody who could approve it.
    assert (found.refused_count, found.refused[0]["code"]) == (1, "correction_not_open")
    assert found.hosts == []


async def test_rules_that_cannot_be_are_refused():
    with pytest.raises(AppError) as refused:
        await tried(Book(), ranks="none")

    assert refused.value.code == "rules_invalid"
