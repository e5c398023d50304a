"""``kos export``: an event's postings as CSV, one line each, for whoever books them."""

import csv
from typing import TextIO

from app.audit.reading import reading
from app.journal.store import Store
from app.sales.times import rfc3339

COLUMNS = (
    "position", "leg", "recorded_at", "occurred_at", "kind", "key", "about", "account", "currency", "amount",
)  # fmt: skip


async def export_csv(store: Store, event: str, out: TextIO) -> int:
    """Write every posting with the entry it follows from; returns how many. One consistent read snapshot.

    Units: amounts are decimal strings, debit positive, credit negative; the amounts of a position sum to zero.
    Errors: NotFound ``event_unknown``.
    """
    writer = csv.writer(out, lineterminator="\n")
    written = 0
    async with reading(store, event) as read:
        writer.writerow(COLUMNS)
        async for entry, postings in read.booked():
            for posting in postings:
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
                        read.amount(posting.amount),
                    )
                )
                written += 1
    return written
