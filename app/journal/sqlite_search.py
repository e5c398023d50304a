"""What the store on SQLite looks for: plain functions that run in one of its threads."""

import sqlite3
from collections.abc import Sequence

from app.journal.entry import Entry
from app.journal.sqlite_statements import COLUMNS, as_json, entries_of
from app.journal.store import Booked

# The plus keeps a condition from being what a row is looked up by.
NEWEST = f"""
SELECT {COLUMNS} FROM entry WHERE event = ? AND position > ? AND position < ? AND +kind = ?
ORDER BY position DESC LIMIT ?"""
BOOKED = """
SELECT p.position, e.kind, e.key, e.about
FROM (
  SELECT DISTINCT position FROM posting
  WHERE event = ?1 AND position > ?2 AND position < ?3 AND +account IN (SELECT value FROM json_each(?4))
  ORDER BY position DESC LIMIT ?5
) AS p
CROSS JOIN entry AS e ON e.event = ?1 AND e.position = p.position
ORDER BY p.position DESC"""
KEYS = """
SELECT key, event FROM entry INDEXED BY entry_key WHERE key >= ? AND key < ? ORDER BY key, event LIMIT ?"""


def newest(db: sqlite3.Connection, event: str, kind: str, after: int, before: int, limit: int) -> list[Entry]:
    return entries_of(db.execute(NEWEST, (event, after, before, kind, limit)).fetchall())


def booked(
    db: sqlite3.Connection, event: str, accounts: Sequence[str], after: int, before: int, limit: int
) -> list[Booked]:
    rows = db.execute(BOOKED, (event, after, before, as_json(accounts), limit)).fetchall()
    return [Booked(*row) for row in rows]


def keys(db: sqlite3.Connection, first: str, behind: str, limit: int) -> list[tuple[str, str]]:
    return db.execute(KEYS, (first, behind, limit)).fetchall()
