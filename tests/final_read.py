"""Everything that a checker compares a log with, read from the database and from every process after the last write."""

import asyncio
from collections.abc import Sequence

import httpx2
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.errors import AppError
from app.journal.open import open_store
from tests.checker import FinalRead, Paid, Verdict, check
from tests.client_log import ClientLog, minor_units, read_log
from tests.event_client import EventClient

_PAGE = 2_000
_CATCH_UP_SECONDS_MAX = 20.0
_LEDGER = """
SELECT account, -sum(amount) FROM posting WHERE event = :event AND account LIKE 'Income:Sales:%' GROUP BY account"""
_UNBALANCED = "SELECT position FROM posting WHERE event = :event GROUP BY position, currency HAVING sum(amount) <> 0"


async def judge(log: ClientLog, database_url: str, events: Sequence[EventClient]) -> Verdict:
    """The checker's word on a log, once its clients have ended; prints what there is to say."""
    log.close()
    try:
        final = await final_read(database_url, events)
    except (httpx2.HTTPError, AppError, SQLAlchemyError, TimeoutError) as error:
        print(f"no final read: {error!r}")
        final = None
    verdict = check(read_log(log.path), final)
    print(
        f"{verdict.result}: {verdict.acknowledged} acknowledged, {verdict.refused} refused, {verdict.unknown} unknown"
    )
    for finding in verdict.findings[:20]:
        print(finding)
    return verdict


async def _board(event: EventClient, position: int) -> dict[str, int]:
    """Once the process shows the whole journal. Errors: TimeoutError."""
    async with asyncio.timeout(_CATCH_UP_SECONDS_MAX):
        while (await event.board())["position"] < position:  # noqa: ASYNC110, there is nothing that could tell
            await asyncio.sleep(0.02)
    return {host: minor_units(score) for host, score in (await event.scores()).items()}


async def final_read(database_url: str, events: Sequence[EventClient]) -> FinalRead:
    """``events``: the same event, as each process shows it. Of orders with one line and one seller."""
    name = events[0].id
    positions: list[int] = []
    paid: list[Paid] = []
    store = open_store(database_url)
    try:
        while entries := await store.read(name, positions[-1] if positions else 0, _PAGE):
            positions += [entry.position for entry in entries]
            for entry in entries:
                if entry.kind == "order.paid":
                    (credit,) = entry.content["credits"]
                    order = entry.key.rpartition(":")[2]
                    paid.append(Paid(entry.position, order, credit["host"], credit["amount"]))
    finally:
        await store.close()
    boards = [await _board(event, positions[-1]) for event in events]
    # Without the pages and folds of the program: what the database itself makes of the postings.
    engine = create_async_engine(database_url, poolclass=NullPool)
    async with engine.connect() as db:
        ledger = (await db.execute(sqlalchemy.text(_LEDGER), {"event": name})).all()
        unbalanced = (await db.execute(sqlalchemy.text(_UNBALANCED), {"event": name})).scalars().all()
    return FinalRead(
        positions, paid, boards, {account.rpartition(":")[2]: int(total) for account, total in ledger}, [*unbalanced]
    )
