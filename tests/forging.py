"""Histories that are wrong and hash well: what somebody writes who may write everything, and knows how we hash."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.audit.checkpoints import Checkpoints
from app.audit.signing import SigningKey
from app.database import create_engine
from app.errors import InvariantError
from app.journal.entry import ZERO_HASH, Entry, fast_canonical_bytes, rehash
from app.journal.open import open_store
from app.journal.store import Head
from app.sales.postings import postings_of
from tests import factories, ledger_story
from tests.app_in_process import running_app
from tests.event_client import EventClient
from tests.servers import Postgres
from tests.tampering import TamperedPostgres, TamperedSqlite, forget_signed

EVENT = "told"
KEY = SigningKey(bytes(range(32)))
_DAY_US = 86_400 * 1_000_000

Tampered = TamperedSqlite | TamperedPostgres
Change = Callable[[list[Entry]], None]


async def _tell(url: str) -> None:
    now = [factories.NOW_US]
    async with running_app(url, lambda: now[0], state_entries=10) as api:
        event = await EventClient(api.client, EVENT).open(ledger_story.ROSTER, rules=ledger_story.EARNING)
        await ledger_story.tell(event)
        await event.order(identity="pair", session="duo", lines=[factories.line(id="1", quantity=3)])
        await event.sell("plain", "h9")
        await event.ok("POST", "/statements", {"id": "first"})
        now[0] += 20 * _DAY_US
        await ledger_story.settle(event)
        await event.ok("POST", "/statements", {"id": "second"})
        await event.move("ended")
        await event.move("final", waive="the year is over")
        await event.sell("late", "h9")
    await forget_signed(url)
    await sign(url, 15)


def tell(url: str) -> None:
    """An event in which everything happens, settled and final, with one signed checkpoint at 15. No link stays open."""
    asyncio.run(_tell(url))


async def sign(url: str, *positions: int, event: str = EVENT) -> None:
    """Sign entries of an event with ``KEY``."""
    entries = {entry.position: entry for entry in await _entries(url, event)}
    engine = create_engine(url)
    signed = Checkpoints(engine, KEY, lambda: factories.NOW_US)
    for position in positions:
        entry = entries[position]
        await signed.at(Head(event, "", position, entry.hash, entry.recorded_at))
    await engine.dispose()


def copy_of_told(server: Postgres) -> TamperedPostgres:
    """The first copy tells the template."""
    return TamperedPostgres(server.create_database(tell), server)


def told_sqlite(folder: Path) -> Path:
    tell(f"sqlite+aiosqlite:///{folder}/kos.db")
    return folder / "kos.db"


async def _entries(url: str, event: str = EVENT) -> list[Entry]:
    store = open_store(url)
    try:
        return await store.read(event, 0, 10_000)
    finally:
        await store.close()


def entries_of(database: Tampered) -> list[Entry]:
    """The whole journal."""
    return asyncio.run(_entries(database.url))


def entry_with(entries: Sequence[Entry], key: str) -> Entry:
    return next(entry for entry in entries if entry.key == key)


def added(entries: list[Entry], kind: str, key: str, content: dict[str, Any]) -> None:
    """One more entry behind the last."""
    last = entries[-1]
    at = last.recorded_at + 1
    entries.append(replace(last, position=last.position + 1, kind=kind, key=key, recorded_at=at, content=content))


def forge(database: Tampered, change: Change, keep_signed: bool = False) -> int:
    """Have the journal say what ``change`` makes of its entries; bodies, chain, postings and head all fit.

    Returns the position of the first entry that is another. Stored states are dropped, and so is what was signed.
    """
    entries = entries_of(database)
    known = {entry.position: (entry.body, entry.hash) for entry in entries}
    change(entries)
    statements = [f"DELETE FROM state WHERE event = '{EVENT}'"]
    if not keep_signed:
        statements.append(f"DELETE FROM checkpoint WHERE event = '{EVENT}'")
    first, before = 0, ZERO_HASH
    for entry in entries:
        entry.body, entry.prev_hash = fast_canonical_bytes(entry.content), before
        entry.hash = before = rehash(entry)
        if known.get(entry.position) != (entry.body, entry.hash):
            first = first or entry.position
            statements += _written(database, entry, entry.position in known)
    last = entries[-1]
    moved = f"position = {last.position}, hash = {_bytes(database, last.hash)}, recorded_at = {last.recorded_at}"
    database.disarm()
    database.run(*statements, f"UPDATE head SET {moved} WHERE event = '{EVENT}'")
    return first


def _written(database: Tampered, entry: Entry, is_there: bool) -> list[str]:
    where = f"event = '{EVENT}' AND position = {entry.position}"
    values = {
        "kind": _text(entry.kind),
        "key": _text(entry.key),
        "occurred_at": str(entry.occurred_at),
        "recorded_at": str(entry.recorded_at),
        "actor": _text(entry.actor),
        "about": _text(entry.about) if entry.about else "NULL",
        "body": _bytes(database, entry.body),
        "prev_hash": _bytes(database, entry.prev_hash),
        "hash": _bytes(database, entry.hash),
    }
    if is_there:
        row = f"UPDATE entry SET {', '.join(f'{name} = {value}' for name, value in values.items())} WHERE {where}"
    else:
        columns = ", ".join(("event", "position", *values))
        row = f"INSERT INTO entry ({columns}) VALUES ('{EVENT}', {entry.position}, {', '.join(values.values())})"
    return [row, f"DELETE FROM posting WHERE {where}", *_postings(entry)]


def _postings(entry: Entry) -> list[str]:
    try:
        derived = postings_of(entry.kind, entry.content)
    except (InvariantError, KeyError):
        return []
    return [
        "INSERT INTO posting (event, position, leg, account, currency, amount) "
        f"VALUES ('{EVENT}', {entry.position}, {leg}, {_text(account)}, 'GBP', {amount})"
        for leg, (account, amount) in enumerate(derived, 1)
    ]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _bytes(database: Tampered, value: bytes) -> str:
    return database.BYTES.format(value.hex())
