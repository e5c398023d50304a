"""Many who come in one moment: one question for one credential, and few at the database at once."""

import asyncio

import pytest
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncEngine

from app.access import Access, Principal
from app.errors import Unauthorized, Unavailable


@pytest.fixture
async def access(db: AsyncEngine) -> Access:
    access = Access(db, "", "", 60.0)
    await access.start()
    return access


async def token_of(access: Access) -> str:
    _, token, *_ = await access.create_token("mac", "kos101", "overlay", (), None)
    return token


async def refusal(access: Access, authorization: str) -> str:
    with pytest.raises(Unauthorized) as refused:
        await access.authenticate(authorization)
    return refused.value.code


async def test_all_who_come_at_once_with_one_token_are_one_question(access: Access, db):
    token = await token_of(access)
    queries: list[str] = []
    listen(db.sync_engine, "before_cursor_execute", lambda *given: queries.append(given[2]))

    principals = await asyncio.gather(*(access.authenticate(None, token) for _ in range(500)))

    assert len(set(principals)) == 1
    assert len([query for query in queries if "FROM token" in query]) == 1


async def test_whoever_goes_leaves_the_question_to_the_others(access: Access, monkeypatch):
    held = asyncio.Event()
    _, key, *_ = await access.create_key("mac", "lin", ["ops"])
    look_up = access._look_up

    async def waiting(credential: str) -> Principal:
        await held.wait()
        return await look_up(credential)

    monkeypatch.setattr(access, "_look_up", waiting)
    first, second = (asyncio.create_task(access.authenticate(f"Bearer {key}")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    held.set()

    assert (await second).person == "lin"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_answer_from_before_a_revocation_is_neither_shared_nor_remembered(access: Access, monkeypatch):
    held = asyncio.Event()
    identity, key, *_ = await access.create_key("mac", "lin", ["ops"])
    look_up = access._look_up

    async def late(credential: str) -> Principal:
        principal = await look_up(credential)
        held.set()
        await released.wait()
        return principal

    released = asyncio.Event()
    monkeypatch.setattr(access, "_look_up", late)
    before = asyncio.create_task(access.authenticate(f"Bearer {key}"))
    await held.wait()
    await access.revoke_key("mac", identity)
    monkeypatch.setattr(access, "_look_up", look_up)

    async with asyncio.timeout(10):
        assert await refusal(access, f"Bearer {key}") == "key_invalid"
    released.set()
    await before
    assert await refusal(access, f"Bearer {key}") == "key_invalid"


async def test_many_tokens_at_once_take_turns_at_the_database(access: Access, monkeypatch):
    tokens = [await token_of(access) for _ in range(30)]
    look_up, under_way, most = access._look_up, 0, 0

    async def counted(credential: str) -> Principal:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await look_up(credential)
        finally:
            under_way -= 1

    monkeypatch.setattr(access, "_look_up", counted)
    principals = await asyncio.gather(*(access.authenticate(None, token) for token in tokens))

    assert len(set(principals)) == 30
    assert most == 8


async def test_turn_that_does_not_come_is_trouble_of_the_database(access: Access, monkeypatch):
    monkeypatch.setattr("app.access._TURN_SECONDS_MAX", 0.01)
    token = await token_of(access)
    for _ in range(8):
        await access._look_ups.acquire()

    with pytest.raises(Unavailable) as refused:
        await access.authenticate(None, token)

    assert refused.value.code == "database_unavailable"
