"""Keys and tokens, made once however often the call comes: a double click, or a call whose answer was lost.

Nothing is kept of the call. Under an Idempotency-Key the id and the secret follow from it, from who asks and from a
secret of the installation, so that a repeat meets the row that is there and is told the same secret again; for ten
minutes, because a secret is shown once. Without one they are random.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import jwt
import orjson
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import insert_for, transaction
from app.errors import Conflict, Invalid
from app.grants import admits, token_patterns
from app.journal.tables import api_key, token
from app.principals import check_scopes

_TOLD_AGAIN_SECONDS: Final = 600
# Between the times at which a token's end and its row's beginning are taken.
_ROUNDING_SECONDS: Final = 2


class Once(NamedTuple):
    """Who asks, and the Idempotency-Key of the call, "" without one."""

    actor: str = ""
    key: str = ""


NO_REPEAT: Final = Once()


class Made(NamedTuple):
    """A key or token: its id and its text, and whether it was there already. ``expires_at`` in seconds."""

    id: str
    text: str
    is_repeat: bool = False
    expires_at: int | None = None


async def make_key(
    db: AsyncEngine, now: int, secret: bytes, brand: str, person: str, scopes: Iterable[str], once: Once
) -> Made:
    """A new key, or the one of this very call.

    Units: ``now`` in microseconds.
    Errors: Invalid ``unknown_scope``; Conflict ``request_conflict``.
    """
    wanted = check_scopes(scopes)
    identity, text = _drawn(secret, "key", brand, once)
    digest = hashlib.sha256(text.encode()).digest()
    row = {"id": identity, "brand": brand, "person": person, "scopes": " ".join(wanted), "secret_hash": digest}
    held = await _insert(db, now, api_key, row)
    return Made(identity, f"kos_{identity}_{text}", held is not None)


async def make_token(
    db: AsyncEngine,
    now: int,
    secret: bytes,
    signing: bytes,
    brand: str,
    event: str,
    kind: str,
    channels: Sequence[str],
    expires_at: int | None,
    once: Once,
) -> Made:
    """A new token, or the one of this very call. ``expires_at`` None lasts until it is revoked.

    Units: ``now`` in microseconds, ``expires_at`` in seconds since the epoch.
    Errors: Invalid ``channel_not_public``; Conflict ``request_conflict``.
    """
    allowed = token_patterns(event)
    for channel in channels:
        if not admits(allowed, channel):
            detail = f"A token may follow {', '.join(allowed)}; not {channel!r}."
            raise Invalid("channel_not_public", detail, "channels")
    identity, _ = _drawn(secret, "token", brand, once)
    row = {"id": identity, "brand": brand, "event": event, "kind": kind, "scopes": " ".join(channels)}
    held = await _insert(db, now, token, row, expires_at=expires_at)
    if held is not None:
        _check_lasting(held, expires_at, now)
        expires_at = held.expires_at
    claims: dict[str, Any] = {"jti": identity, "brand": brand, "event": event, "kind": kind}
    if channels:
        claims["channels"] = list(channels)
    if expires_at is not None:
        claims["exp"] = expires_at
    return Made(identity, jwt.encode(claims, signing, algorithm="HS256"), held is not None, expires_at)


def _drawn(secret: bytes, kind: str, brand: str, once: Once) -> tuple[str, str]:
    """An id of 12 hexadecimal digits, and a secret text of 256 bits."""
    if not once.key:
        return secrets.token_hex(6), secrets.token_urlsafe(32)
    said = orjson.dumps([kind, brand, once.actor, once.key])
    seed = hmac.digest(secret, said, "sha512")
    return seed[:6].hex(), urlsafe_b64encode(seed[32:]).rstrip(b"=").decode()


async def _insert(db: AsyncEngine, now: int, table: Table, row: dict[str, Any], **more: Any) -> Any:
    """Insert a row; None, or the one that is there if it says the same and was made a moment ago.

    Errors: Conflict ``request_conflict``.
    """
    async with transaction(db) as session:
        statement = insert_for(session, table).values(**row, **more, created_at=now)
        made = await session.execute(statement.on_conflict_do_nothing().returning(table.c.id))
        if made.scalar_one_or_none() is not None:
            return None
        held = (await session.execute(select(table).where(table.c.id == row["id"]))).one()
    is_same = all(getattr(held, name) == value for name, value in row.items())
    if not is_same or held.created_at < now - _TOLD_AGAIN_SECONDS * 1_000_000:
        raise _conflict()
    return held


def _check_lasting(held: Any, expires_at: int | None, now: int) -> None:
    """The end moves on with every call; for how long it is asked does not."""
    if expires_at is None or held.expires_at is None:
        is_same = expires_at is held.expires_at
    else:
        lasts = expires_at - now / 1_000_000
        is_same = abs(lasts - (held.expires_at - held.created_at / 1_000_000)) <= _ROUNDING_SECONDS
    if not is_same:
        raise _conflict()


def _conflict() -> Conflict:
    return Conflict(
        "request_conflict", "This Idempotency-Key has made another one, or long ago; what it made is in the list."
    )
