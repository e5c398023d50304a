"""One event read for an export: its terms, and its entries with their postings, all from one snapshot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.audit import PAGE
from app.errors import NotFound
from app.journal.entry import Entry
from app.journal.store import AccountSum, Head, Posting, SnapshotReader, Store
from app.sales.money import format_amount


@dataclass(frozen=True, slots=True)
class Reading:
    """An event as it was at ``head``; every page comes from that one moment."""

    reader: SnapshotReader
    head: Head
    currency: str
    exponent: int
    timezone: str

    def amount(self, minor: int) -> str:
        """Minor units as a decimal string of the event's currency."""
        return format_amount(minor, self.exponent)

    async def pages(self) -> AsyncIterator[list[Entry]]:
        """Every entry by position, ``PAGE`` at a time."""
        after = 0
        while entries := await self.reader.read(after, PAGE):
            yield entries
            after = entries[-1].position

    async def booked(self) -> AsyncIterator[tuple[Entry, list[Posting]]]:
        """Every entry that has postings, by position, with its postings by leg."""
        async for entries in self.pages():
            first, last = entries[0].position, entries[-1].position
            legs: dict[int, list[Posting]] = {}
            for posting in await self.reader.postings(first - 1, last - first + 1):
                legs.setdefault(posting.position, []).append(posting)
            for entry in entries:
                if found := legs.get(entry.position):
                    yield entry, found

    async def accounts(self) -> AsyncIterator[AccountSum]:
        """Every account by its name, as the database sums it up."""
        after = ""
        while accounts := await self.reader.accounts(self.head.position, after, PAGE):
            for account in accounts:
                yield account
            after = accounts[-1].account


@asynccontextmanager
async def reading(store: Store, event: str) -> AsyncIterator[Reading]:
    """Errors: NotFound ``event_unknown``; Unavailable."""
    async with store.snapshot(event) as reader:
        head = await reader.head()
        first = await reader.read(0, 1)
        if head is None or not first:
            raise NotFound("event_unknown", f"There is no event {event!r}.")
        terms = first[0].content
        yield Reading(reader, head, terms["currency"], terms["exponent"], terms["timezone"])
