"""Whatever the rules write is clean, from the first entry and from any stored state on."""

import asyncio
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.checkpoints import Checkpoints
from app.audit.signing import SigningKey
from app.audit.verify import Report, verify
from app.database import create_engine
from app.events import OpenEvent, new_scores, stored_state
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.journal.migrate import upgrade
from app.journal.open import open_store
from app.journal.store import Store, head_after, new_head
from app.state import State
from tests import histories
from tests.audit.test_recount import FACTS
from tests.book import BRAND, SECOND, Book, move_said

KEY = SigningKey(bytes(32))
_names = count()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('histories')}/kos.db"
    upgrade(url)
    return url


async def _written(store: Store, book: Book) -> None:
    session = await store.session()
    assert await session.begin(book.head.event, BRAND) is not None
    await session.append(book.entries, book.postings)
    await session.commit()
    await session.close()


async def _pinned(store: Store, db: AsyncEngine, entries: list[Entry]) -> None:
    """A stored state at the last of these entries, and a signature of it."""
    event = entries[0].event
    opened = OpenEvent(new_head(event, BRAND), "", State(event), new_scores(entries[0].content["timezone"]))
    opened.extend(entries)
    await store.save_state(stored_state(opened))
    await Checkpoints(db, KEY, lambda: SECOND).at(head_after(new_head(event, BRAND), entries))


async def _verified(url: str, book: Book, place: int) -> tuple[Report, Report]:
    store, db = open_store(url, lambda: book.now), create_engine(url)
    try:
        await _written(store, book)
        await _pinned(store, db, book.entries[:place])
        name = book.head.event
        return await verify(store, name), await verify(store, name, from_checkpoint=True)
    finally:
        await db.dispose()
        await store.close()


@given(facts=FACTS, final=st.booleans(), place=st.floats(0, 1))
def test_whatever_the_rules_write_is_clean_from_wherever_it_is_verified(
    url: str, facts: list[Fact], final: bool, place: float
):
    book = histories.opened(name=f"e{next(_names)}")
    for fact in facts:
        book.batch([fact])
    if final:
        book.batch([move_said("ended"), move_said("final", waive="late shops"), *facts[:5]])
    at = 1 + round(place * (len(book.entries) - 1))

    whole, tail = asyncio.run(_verified(url, book, at))

    assert (whole.findings, whole.exit_code, whole.first) == ([], 0, 1)
    assert (whole.entries, whole.states, whole.signed) == (len(book.entries), 1, 1)
    assert (tail.findings, tail.exit_code, tail.first) == ([], 0, at + 1)
