"""What the store on SQLite does with a connection: plain functions that run in one of its threads."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from app.errors import InvariantError
from app.journal.entry import ZERO_HASH, Entry, parsed
from app.journal.sqlite_thread import translated, unavailable
from app.journal.store import (
    AccountPosting,
    AccountSum,
    Head,
    HeadMoved,
    KindSum,
    Posting,
    SignedHash,
    StoredState,
    new_head,
)
from app.journal.tables import TERMS

COLUMNS = "event, position, kind, key, occurred_at, recorded_at, actor, body, prev_hash, hash"
_E_COLUMNS = ", ".join(f"e.{name}" for name in COLUMNS.split(", "))
_HEAD = "SELECT event, brand, position, hash, recorded_at FROM head"
_ENTRY_ROW = (
    "INSERT INTO entry (event, position, kind, key, occurred_at, recorded_at, actor, about, body, prev_hash, hash)"
)
_POSTING_ROW = "INSERT INTO posting (event, position, leg, account, currency, amount)"
_MOVE = """
UPDATE head SET position = ?, hash = ?, recorded_at = ? WHERE event = ? AND position = ? AND hash = ?"""
_CREATE = "INSERT INTO head (event, brand, position, hash, recorded_at) VALUES (?, ?, 0, ?, 0)"
# CROSS JOIN keeps SQLite from turning the join round: the keys are few, the journal is long.
_BY_KEY = f"""
SELECT {_E_COLUMNS} FROM json_each(?1) AS k CROSS JOIN entry AS e INDEXED BY entry_key
ON e.key = k.value AND e.event = ?2"""
_BY_ABOUT = f"""
SELECT {_E_COLUMNS} FROM json_each(?1) AS k CROSS JOIN entry AS e INDEXED BY entry_about
ON e.about = k.value AND e.event = ?2 AND e.about IS NOT NULL"""
_BY_BRAND = f"""
SELECT {_E_COLUMNS} FROM json_each(?1) AS k CROSS JOIN entry AS e INDEXED BY entry_key ON e.key = k.value
CROSS JOIN head AS h ON h.event = e.event AND h.brand = ?2 ORDER BY e.event, e.position"""

# Rows per statement, so that few texts serve every batch. The interpreter's lock is let go and fought for at
# every step, so one statement of many rows is far cheaper beside a busy event loop than many of one
# (measured with 500 orders on an idle loop: 57,000 a second instead of 22,000).
_ROWS_PER_STATEMENT = (64, 16, 4, 1)


def begin(db: sqlite3.Connection) -> None:
    """Begin and take the write lock. A transaction that somebody left open is undone first."""
    if db.in_transaction:
        db.execute("ROLLBACK")
    db.execute("BEGIN IMMEDIATE")


def commit(db: sqlite3.Connection) -> None:
    """Errors: OutcomeUnknown if the flush failed, otherwise nothing is left of the transaction."""
    if not db.in_transaction:
        raise unavailable("the transaction was lost")
    try:
        db.execute("COMMIT")
    except sqlite3.Error as error:
        rollback(db)
        raise translated(error, committing=True) from error


def rollback(db: sqlite3.Connection) -> None:
    """Undo what is open; some errors have done so already."""
    if db.in_transaction:
        db.execute("ROLLBACK")


def append_at(db: sqlite3.Connection, expected: Head, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
    """The whole transaction of ``Session.append_at``."""
    begin(db)
    try:
        head = find_head(db, expected.event)
        if head is None or head.position != expected.position or head.hash != expected.hash:
            raise HeadMoved(f"head of {expected.event} is not at {expected.position}")
        append(db, expected, entries, postings)
        commit(db)
    except BaseException:
        rollback(db)
        raise


def begin_event(db: sqlite3.Connection, event: str, brand: str | None) -> Head | None:
    """Begin, and find or create the head; None, and no transaction, if it is not there or there already."""
    begin(db)
    try:
        head = find_head(db, event)
        if brand is not None and head is None:
            create(db, event, brand)
            return new_head(event, brand)
        if brand is None and head is not None:
            return head
    except BaseException:
        rollback(db)
        raise
    rollback(db)
    return None


def append_to(db: sqlite3.Connection, head: Head, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
    """``append`` inside a transaction; it must be the one that was begun, on the connection it began on."""
    if not db.in_transaction:
        raise unavailable("the transaction was lost")
    append(db, head, entries, postings)


def begin_snapshot(db: sqlite3.Connection) -> None:
    """Begin a read transaction; the first read fixes what it sees."""
    db.execute("BEGIN")
    ping(db)


def ping(db: sqlite3.Connection) -> None:
    """Errors: if the file is not there or holds no journal."""
    db.execute("SELECT 1 FROM head LIMIT 1").fetchone()


def checkpoint(db: sqlite3.Connection) -> None:
    """Bring the write-ahead log into the database as far as readers allow, without waiting for them."""
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def create(db: sqlite3.Connection, event: str, brand: str) -> None:
    """Make the head of a new event; the guard refuses an id that is taken."""
    db.execute(_CREATE, (event, brand, ZERO_HASH))


def append(db: sqlite3.Connection, head: Head, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
    """Write entries and postings, then move the head: its guard checks what was written."""
    texts = [e.key for e in entries]
    texts += [p.account for p in postings]
    texts += [e.actor for e in entries]
    if "\0" in "".join(texts):
        raise InvariantError("SQLite would keep text up to its first NUL only")
    _insert(
        db,
        _ENTRY_ROW,
        [
            (
                e.event,
                e.position,
                e.kind,
                e.key,
                e.occurred_at,
                e.recorded_at,
                e.actor,
                e.about,
                e.body,
                e.prev_hash,
                e.hash,
            )
            for e in entries
        ],
    )
    legs = [(p.event, p.position, p.leg, p.account, p.currency, p.amount) for p in postings]
    _insert(db, _POSTING_ROW, legs)
    last = entries[-1]
    to, where = (last.position, last.hash, last.recorded_at), (head.event, head.position, head.hash)
    moved = db.execute(_MOVE, to + where)
    if moved.rowcount != 1:
        raise InvariantError(f"head of {head.event} moved while it was locked")


def _insert(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    marks = f"({', '.join('?' * len(rows[0]))})"
    done = 0
    for size in _ROWS_PER_STATEMENT:
        while len(rows) - done >= size:
            sql = f"{statement} VALUES {', '.join([marks] * size)}"
            db.execute(sql, [value for row in rows[done : done + size] for value in row])
            done += size


def find_head(db: sqlite3.Connection, event: str) -> Head | None:
    row = db.execute(f"{_HEAD} WHERE event = ?", (event,)).fetchone()
    return Head(*row) if row else None


def heads(db: sqlite3.Connection, events: Sequence[str] | None, brand: str | None) -> list[Head]:
    conditions, arguments = [], []
    if events is not None:
        conditions.append("event IN (SELECT value FROM json_each(?))")
        arguments.append(as_json(events))
    if brand is not None:
        conditions.append("brand = ?")
        arguments.append(brand)
    chosen = f"{_HEAD} WHERE {' AND '.join(conditions)}" if conditions else _HEAD
    return [Head(*row) for row in db.execute(f"{chosen} ORDER BY event", arguments).fetchall()]


def read(db: sqlite3.Connection, event: str, after: int, limit: int) -> list[Entry]:
    rows = db.execute(
        f"SELECT {COLUMNS} FROM entry WHERE event = ? AND position > ? ORDER BY position LIMIT ?",
        (event, after, limit),
    )
    return entries_of(rows.fetchall())


def lookup(db: sqlite3.Connection, event: str, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
    rows = db.execute(_BY_KEY, (as_json(keys), event)).fetchall()
    if about:
        rows += db.execute(_BY_ABOUT, (as_json(about), event)).fetchall()
    found = {row[1]: row for row in rows}
    return entries_of(found[position] for position in sorted(found))


def lookup_brand(db: sqlite3.Connection, brand: str, keys: Sequence[str]) -> list[Entry]:
    return entries_of(db.execute(_BY_BRAND, (as_json(sorted(set(keys))), brand)).fetchall())


def terms(db: sqlite3.Connection, events: Sequence[str]) -> list[Entry]:
    rows = db.execute(
        f"SELECT {_E_COLUMNS} FROM json_each(?) AS k CROSS JOIN entry AS e INDEXED BY entry_terms"
        f" ON e.event = k.value AND e.{TERMS} ORDER BY e.event, e.position",
        (as_json(events),),
    )
    return entries_of(rows.fetchall())


def postings(db: sqlite3.Connection, event: str, after: int, limit_positions: int) -> list[Posting]:
    rows = db.execute(
        "SELECT event, position, leg, account, currency, amount FROM posting"
        " WHERE event = ? AND position > ? AND position <= ? ORDER BY position, leg",
        (event, after, after + limit_positions),
    )
    return [Posting(*row) for row in rows.fetchall()]


def accounts(db: sqlite3.Connection, event: str, at: int, after: str, limit: int) -> list[AccountSum]:
    rows = db.execute(
        "SELECT account, currency, sum(amount), count(*), max(position) FROM posting"
        " WHERE event = ? AND position <= ? AND account > ? GROUP BY account, currency ORDER BY account LIMIT ?",
        (event, at, after, limit),
    )
    return [AccountSum(*row) for row in rows.fetchall()]


def sums_by_kind(db: sqlite3.Connection, event: str, accounts: Sequence[str], after: int, at: int) -> list[KindSum]:
    rows = db.execute(
        "SELECT p.account, e.kind, sum(p.amount), count(*) FROM posting AS p"
        " CROSS JOIN entry AS e ON e.event = p.event AND e.position = p.position"
        " WHERE p.event = ? AND p.position > ? AND p.position <= ? AND p.account IN (SELECT value FROM json_each(?))"
        " GROUP BY p.account, e.kind ORDER BY p.account, e.kind",
        (event, after, at, orjson.dumps(list(accounts)).decode()),
    )
    return [KindSum(*row) for row in rows.fetchall()]


def account_postings(
    db: sqlite3.Connection, event: str, account: str, at: int, after: int, limit: int
) -> list[AccountPosting]:
    rows = db.execute(
        "SELECT p.position, p.amount, e.kind, e.key, e.about, e.occurred_at, e.recorded_at"
        " FROM posting AS p"
        " CROSS JOIN entry AS e ON e.event = p.event AND e.position = p.position"
        " WHERE p.event = ? AND p.account = ? AND p.position <= ? AND p.position > ? ORDER BY p.position LIMIT ?",
        (event, account, at, after, limit),
    )
    return [AccountPosting(*row) for row in rows.fetchall()]


def states(db: sqlite3.Connection, event: str, after: int, limit: int) -> list[StoredState]:
    rows = db.execute(
        "SELECT event, position, digest, body FROM state WHERE event = ? AND position > ? ORDER BY position LIMIT ?",
        (event, after, limit),
    )
    return [StoredState(*row) for row in rows.fetchall()]


def latest_state(db: sqlite3.Connection, event: str, at: int | None) -> StoredState | None:
    row = db.execute(
        "SELECT event, position, digest, body FROM state WHERE event = ?1 AND (?2 IS NULL OR position <= ?2)"
        " ORDER BY position DESC LIMIT 1",
        (event, at),
    ).fetchone()
    return StoredState(*row) if row else None


def signed(db: sqlite3.Connection, event: str, after: int, limit: int) -> list[SignedHash]:
    rows = db.execute(
        "SELECT position, hash, made_at, key, signature FROM checkpoint WHERE event = ? AND position > ?"
        " ORDER BY position LIMIT ?",
        (event, after, limit),
    )
    return [SignedHash(*row) for row in rows.fetchall()]


def signing_keys(db: sqlite3.Connection) -> dict[str, bytes]:
    return dict(db.execute("SELECT id, public FROM checkpoint_key").fetchall())


def save_state(db: sqlite3.Connection, state: StoredState) -> None:
    begin(db)
    try:
        db.execute(
            "INSERT INTO state (event, position, digest, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (state.event, state.position, state.digest, state.body),
        )
        commit(db)
    except BaseException:
        rollback(db)
        raise


def drop_states(db: sqlite3.Connection, event: str) -> int:
    begin(db)
    try:
        dropped = db.execute("DELETE FROM state WHERE event = ?", (event,)).rowcount
        commit(db)
    except BaseException:
        rollback(db)
        raise
    return dropped


def entries_of(rows: Iterable[Any]) -> list[Entry]:
    return [
        Entry(event, position, kind, key, occurred_at, recorded_at, actor, body, before, own, parsed(body))
        for event, position, kind, key, occurred_at, recorded_at, actor, body, before, own in rows
    ]


def as_json(texts: Sequence[str]) -> str:
    return orjson.dumps(list(texts)).decode()
