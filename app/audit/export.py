"""``kos export``: an event's postings as CSV, one line each, for whoever books them."""

import csv
from typing import IO

from app.audit import PAGE
from app.errors import NotFound
from app.journal.store import Store
from app.sales.money import exponent_of, format_amount
from app.sales.times import rfc3339

COLUMNS = (
    "position", "leg", "recorded_at", "occurred_at", "kind", "key", "about", "account", "currency", "amount",
)  # fmt: skip


async def export_csv(store: Store, event: str, out: IO[str]) -> int:
    """Write every posting with the entry it follows from; returns how many. One consistent read snapshot.

    Units: amounts are decimal strings, debit positive, credit negative; the amounts of a position sum to zero.
    Errors: NotFound ``event_unknown``.
    """
    writer = csv.writer(out, lineterminator="\n")
    written = 0
    async with store.snapshot(event) as reader:
        if await reader.head() is None:
            raise NotFound("event_unknown", f"There is no event {event!r}.")
        writer.writerow(COLUMNS)
        after = 0
        while entries := await reader.read(after, PAGE):
            last = entries[-1].position
            by_position = {entry.position: entry for entry in entries}
            for posting in await reader.postings(after, last - after):
                entry = by_position[posting.position]
                amount = format_amount(posting.amount, exponent_of(posting.currency))
                writer.writerow(
                    (
                        posting.position,
                        posting.leg,
                        rfc3339(entry.recorded_at),
                        rfc3339(entry.occurred_at),
                        entry.kind,
                        entry.key,
                        entry.about or "",
                        posting.account,
                        posting.currency,
                        amount,
                    )
                )
                written += 1
            after = last
    return written
