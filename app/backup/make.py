"""Make a backup: one consistent snapshot, proven before it is written, written whole or not at all."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import PAGE
from app.audit.verify import Report, verify
from app.backup.file import FORMAT, Lines, writing
from app.backup.inside import OTHERS, Inside, heads, rows_of
from app.backup.inside import reading as reading_all
from app.errors import Conflict, NotFound
from app.journal.migrate import newest, require_current
from app.journal.store import Head

Told = Callable[[int, int], None]
"""Hears how many steps are done, and of how many."""


class Unproven(Conflict):
    """An event does not verify, so it is neither written nor restored; ``report`` names what is wrong."""

    def __init__(self, report: Report, instead: str) -> None:
        self.report = report
        found = report.findings[0] if report.findings else None
        why = f"{found.code} at position {found.position}" if found else "not everything could be checked"
        super().__init__("backup_unproven", f"{report.event} does not verify ({why}); {instead}")


async def make_backup(url: str, path: Path, event: str = "", told: Told = lambda done, total: None) -> dict[str, Any]:
    """Write one event, or everything, into a file; returns what is in it.

    Shape: ``events`` by id, each with ``position`` and ``hash`` of its head; ``rows`` by table, of those that have any;
    ``sha256``. Everything is every table but the stored states. Of one event: journal, names, overlays, tokens, and the
    secret that hides its buyers; not the keys of its brand, nor the secret that signs tokens.
    Errors: NotFound ``event_unknown``; Unproven ``backup_unproven``; Invalid ``backup_unwritable``; Unavailable.
    """
    await require_current(url)
    async with reading_all(url) as db:
        chosen = await heads(db, event)
        if event and not chosen:
            raise NotFound("event_unknown", f"There is no event {event!r}.")
        steps = Steps(told, 2 * sum(head.position for head in chosen))
        for head in chosen:
            await prove(db, head.event, steps, "nothing was written. Keep the database as it is.")
        header = {
            "format": FORMAT,
            "step": newest(),
            "made_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "event": event,
            "events": [{"event": head.event, "position": head.position, "hash": head.hash.hex()} for head in chosen],
        }
        with writing(path) as lines:
            lines.write(header)
            for head in chosen:
                await _write_journal(db, lines, head, steps)
            counts = await _write_others(db, lines, event)
            digest = lines.end()
    return {**header, "rows": counts, "sha256": digest}


class Steps:
    """Counts and tells."""

    def __init__(self, told: Told, total: int) -> None:
        self._told = told
        self._total = total
        self._done = 0

    def advance(self, count: int) -> None:
        self._done += count
        self._told(self._done, self._total)


async def prove(db: AsyncConnection, event: str, steps: Steps, instead: str) -> Report:
    """Verify an event as this transaction sees it. Errors: Unproven."""
    report = await verify(Inside(db), event, steps.advance)
    if report.exit_code:
        raise Unproven(report, instead)
    return report


async def _write_journal(db: AsyncConnection, lines: Lines, head: Head, steps: Steps) -> None:
    lines.write(["head", head.event, head.brand, head.position, head.hash.hex(), head.recorded_at])
    after = 0
    async with Inside(db).snapshot(head.event) as reader:
        while entries := await reader.read(after, PAGE):
            last = entries[-1].position
            postings = iter(await reader.postings(after, last - after))
            posting = next(postings, None)
            for entry in entries:
                # The chain gives prev_hash, and the body what the entry is about.
                lines.write([
                    "entry", entry.position, entry.kind, entry.key, entry.occurred_at, entry.recorded_at,
                    entry.actor, entry.body.decode(), entry.hash.hex(),
                ])  # fmt: skip
                while posting is not None and posting.position == entry.position:
                    lines.write(["posting", posting.leg, posting.account, posting.currency, posting.amount])
                    posting = next(postings, None)
            steps.advance(len(entries))
            after = last


async def _write_others(db: AsyncConnection, lines: Lines, event: str) -> dict[str, int]:
    """Rows written, by table, of those that have any."""
    counts: dict[str, int] = {}
    for table in OTHERS:
        asked = rows_of(table, event)
        if asked is None:
            continue
        # SQLAlchemy's names are a kind of text that orjson does not take as a key.
        name_of_table = str(table.name)
        async with db.stream(asked) as rows:
            async for row in rows:
                lines.write(
                    ["row", name_of_table, {str(name): _as_json(value) for name, value in row._mapping.items()}]
                )
                counts[name_of_table] = counts.get(name_of_table, 0) + 1
    return counts


def _as_json(value: Any) -> Any:
    return {"hex": value.hex()} if isinstance(value, bytes) else value
