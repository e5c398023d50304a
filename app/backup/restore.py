"""Restore a backup in one transaction: into a database that has nothing of it, and proven before it is committed."""

from pathlib import Path
from typing import Any

from sqlalchemy import Insert, Table, insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.backup.file import checked, lines, unreadable
from app.backup.inside import OTHERS, heads, rows_of
from app.backup.make import Steps, Told, prove
from app.database import insert_for
from app.errors import Conflict
from app.journal.entry import Entry, parsed
from app.journal.lock import serving
from app.journal.migrate import connection_for_migration, newest, upgrade_in_loop
from app.journal.store import Head, Posting, head_after, new_head
from app.journal.tables import checkpoint_key, metadata
from app.journal.tables import entry as entry_table
from app.journal.tables import head as head_table
from app.journal.tables import posting as posting_table

# Rows of one statement: far below the 32,767 parameters that both databases allow.
_ENTRIES_MAX = 200
_ROWS_MAX = 1_000
_INSTEAD = "nothing was restored."


async def restore(url: str, path: Path, told: Told = lambda done, total: None) -> dict[str, Any]:
    """Bring everything of a file into a database, and the database up to date before; returns what was restored.

    Shape: as of ``make_backup``. An SQLite file is made if there is none, and must not be served meanwhile.
    Errors: Invalid ``backup_unreadable``; Conflict ``backup_of_another_version``, ``restore_not_empty``; Unproven;
    DatabaseInUse; Unavailable. After any of them nothing of the file is in the database.
    """
    header = checked(path)
    if header["step"] != newest():
        raise Conflict(
            "backup_of_another_version",
            f"{path} comes from a database at step {header['step']}, and this version's are at {newest()}: restore it "
            "with the version that made it, then start this one on it.",
        )
    steps = Steps(told, 2 * sum(each["position"] for each in header["events"]))
    with serving(url):
        await upgrade_in_loop(url)
        async with connection_for_migration(url) as db:
            if db.dialect.name == "postgresql":
                await db.execute(text("SET LOCAL synchronous_commit = on"))
            await _refuse_if_there(db, header)
            try:
                counts = await _Loading(db, steps).load(path)
            except DBAPIError as error:
                if not _is_refused_by_guards(error):
                    raise
                why = next(iter(str(error.orig).splitlines()), "")
                raise unreadable(path, f"holds what the database refuses: {why}") from error
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise unreadable(path, f"holds what cannot be restored: {error!r}") from error
            for each in header["events"]:
                report = await prove(db, each["event"], steps, _INSTEAD)
                if (report.head, report.head_hash) != (each["position"], each["hash"]):
                    raise unreadable(path, f"does not hold all of {each['event']}")
    return {**header, "rows": counts}


async def _refuse_if_there(db: AsyncConnection, header: dict[str, Any]) -> None:
    """Errors: Conflict ``restore_not_empty`` if the database holds any of what the file would bring."""
    event = header["event"]
    found = await heads(db, event)
    if found:
        raise _not_empty(f"event {found[0].event!r} at position {found[0].position:,}")
    for table in OTHERS:
        asked = rows_of(table, event)
        if asked is not None and (await db.execute(asked.limit(1))).first() is not None:
            raise _not_empty(f"rows in {table.name}" + (f" of {event!r}" if event else ""))


def _is_refused_by_guards(error: DBAPIError) -> bool:
    """Or by a key, a check or a type: what a file holds that only claims to be a backup."""
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    return isinstance(error, IntegrityError) or sqlstate.startswith(("KOS", "22"))


def _not_empty(what: str) -> Conflict:
    return Conflict(
        "restore_not_empty",
        f"The database holds {what}: what is there is never mixed with a backup. Restore into another database; "
        "nothing was restored.",
    )


class _Loading:
    """Lines of a file on their way into the database, some hundred rows a statement."""

    def __init__(self, db: AsyncConnection, steps: Steps) -> None:
        self._db = db
        self._steps = steps
        self._head = new_head("", "")
        self._entries: list[Entry] = []
        self._postings: list[Posting] = []
        self._rows: list[dict[str, Any]] = []
        self._table: Table | None = None

    async def load(self, path: Path) -> dict[str, int]:
        """Rows that were written, by table, without those of journals."""
        counts: dict[str, int] = {}
        for tag, *values in lines(path):
            if tag == "head":
                await self._flush()
                event, brand, *_ = values
                self._head = new_head(event, brand)
                try:
                    await self._insert(head_table, [_row(self._head)])
                except IntegrityError as error:
                    # Somebody else made it after we had looked.
                    raise _not_empty(f"event {event!r}") from error
            elif tag == "entry":
                if len(self._entries) >= _ENTRIES_MAX or len(self._postings) >= _ROWS_MAX:
                    await self._flush()
                self._entries.append(self._entry(*values))
            elif tag == "posting":
                self._postings.append(Posting(self._head.event, self._entries[-1].position, *values))
            else:
                name, row = values
                if len(self._rows) >= _ROWS_MAX or self._table is not metadata.tables[name]:
                    await self._flush()
                self._table = metadata.tables[name]
                self._rows.append({column: _from_json(value) for column, value in row.items()})
                counts[name] = counts.get(name, 0) + 1
        await self._flush()
        return counts

    def _entry(
        self, position: int, kind: str, key: str, occurred_at: int, recorded_at: int, actor: str, body: str, own: str
    ) -> Entry:
        before = self._entries[-1].hash if self._entries else self._head.hash
        content = parsed(body.encode())
        return Entry(
            self._head.event, position, kind, key, occurred_at, recorded_at, actor, body.encode(), before,
            bytes.fromhex(own), content,
        )  # fmt: skip

    async def _flush(self) -> None:
        if self._entries:
            await self._append()
        if self._rows and self._table is not None:
            into = insert(self._table)
            if self._table is checkpoint_key:
                # The same key may sign here as well.
                into = insert_for(self._db, self._table).on_conflict_do_nothing()
            await self._db.execute(into, self._rows)
            self._rows = []

    async def _append(self) -> None:
        """As the guards want it: on PostgreSQL the head goes first, on SQLite last."""
        moved = head_after(self._head, self._entries)
        is_head_first = self._db.dialect.name == "postgresql"
        if is_head_first:
            await self._move(moved)
        await self._insert(entry_table, [_row(each) | {"about": each.about} for each in self._entries])
        await self._insert_postings()
        if not is_head_first:
            await self._move(moved)
        self._steps.advance(len(self._entries))
        self._head, self._entries, self._postings = moved, [], []

    async def _insert_postings(self) -> None:
        """An entry's postings in one statement, because their sum is looked at as it ends."""
        batch: list[dict[str, Any]] = []
        for number, each in enumerate(self._postings):
            is_new_entry = number and each.position != self._postings[number - 1].position
            if is_new_entry and len(batch) >= _ROWS_MAX:
                await self._insert(posting_table, batch)
                batch = []
            batch.append(_row(each))
        if batch:
            await self._insert(posting_table, batch)

    async def _move(self, moved: Head) -> None:
        values = {"position": moved.position, "hash": moved.hash, "recorded_at": moved.recorded_at}
        await self._db.execute(update(head_table).where(head_table.c.event == moved.event).values(values))

    async def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """In one statement: the guards look at the rows of a statement together."""
        statement: Insert = insert(table).values(rows)
        await self._db.execute(statement)


def _row(record: Head | Entry | Posting) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__ if name != "content"}


def _from_json(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
