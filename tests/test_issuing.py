"""A key or token that is asked for twice under one Idempotency-Key is one; without one, two."""

import asyncio
from itertools import count
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.access import Access
from app.errors import Conflict
from app.issuing import NO_REPEAT, Made, Once, make_key, make_token

SECRET, SIGNING = b"s" * 32, b"t" * 32
NOW = 1_700_000_000_000_000
MINUTE = 60_000_000

_numbers = count(1)


@pytest.fixture
def once() -> Once:
    """A call that no other test has made."""
    return Once("key:ops", f"call-{next(_numbers)}")


async def key(db: AsyncEngine, once: Once, now: int = NOW, **fields: Any) -> Made:
    given = {"secret": SECRET, "brand": "mac", "person": "lin", "scopes": ["ops"]}
    return await make_key(db, now, **(given | fields), once=once)


async def token(db: AsyncEngine, once: Once, now: int = NOW, lasts: int | None = None, **fields: Any) -> Made:
    given: dict[str, Any] = {"brand": "mac", "event": "kos101", "kind": "overlay", "channels": ()}
    expires_at = None if lasts is None else now // 1_000_000 + lasts
    return await make_token(db, now, SECRET, SIGNING, **(given | fields), expires_at=expires_at, once=once)


async def test_repeat_is_told_the_same_key_for_ten_minutes(db: AsyncEngine, once: Once):
    made = await key(db, once)

    assert await key(db, once, NOW + 10 * MINUTE) == made._replace(is_repeat=True)
    with pytest.raises(Conflict, match="request_conflict"):
        await key(db, once, NOW + 10 * MINUTE + 1)


@pytest.mark.parametrize("fields", [{"person": "mei"}, {"scopes": ["audit"]}, {"scopes": ["ops", "audit"]}])
async def test_another_key_under_the_same_idempotency_key_is_refused(db: AsyncEngine, once: Once, fields):
    await key(db, once)

    with pytest.raises(Conflict, match="request_conflict"):
        await key(db, once, **fields)


async def test_whoever_else_sends_the_same_idempotency_key_has_made_another(db: AsyncEngine, once: Once):
    made = [
        await key(db, once),
        await key(db, Once("key:other", once.key)),
        await key(db, once, brand="rival"),
        await key(db, once, secret=b"another installation's"),
        await token(db, once),
        await key(db, NO_REPEAT),
        await key(db, NO_REPEAT),
    ]

    assert len({one.id for one in made}) == len({one.text for one in made}) == len(made)
    assert not any(one.is_repeat for one in made)


async def test_token_that_is_asked_for_again_ends_when_the_first_does(db: AsyncEngine, once: Once):
    made = await token(db, once, lasts=3600)

    again = await token(db, once, NOW + 5 * MINUTE, lasts=3600)

    assert again == made._replace(is_repeat=True)
    assert again.expires_at == NOW // 1_000_000 + 3600


@pytest.mark.parametrize(
    ("lasts", "fields"),
    [(60, {}), (None, {}), (3600, {"kind": "viewer"}), (3600, {"channels": ["kos101/orders"]})],
)
async def test_another_token_under_the_same_idempotency_key_is_refused(db: AsyncEngine, once: Once, lasts, fields):
    await token(db, once, lasts=3600)

    with pytest.raises(Conflict, match="request_conflict"):
        await token(db, once, lasts=lasts, **fields)


async def test_calls_at_once_make_one_that_lets_its_holder_in(db: AsyncEngine, once: Once):
    access = Access(db, "", "", 60.0)
    await access.start()

    made = await asyncio.gather(*(access.create_key("mac", "lin", ["ops"], once) for _ in range(5)))

    assert len({one.text for one in made}) == 1
    assert sorted(one.is_repeat for one in made) == [False, True, True, True, True]
    assert (await access.authenticate(f"Bearer {made[0].text}")).actor == f"key:{made[0].id}"
