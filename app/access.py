"""Who may do what: API keys of brands and people, and tokens that fit into an overlay's URL.

Denied by default. Keys are kept as SHA-256 only; tokens are signed, bound to one event and to channel
patterns, always read the public view, and can be revoked. Answers are remembered for half of
``revocation_seconds_max``: whoever connects by one that is about to be forgotten must still be found, by the stream's
rounds, within the rest.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import jwt
from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from app import issuing
from app.database import insert_for, transaction
from app.errors import NotFound, Unauthorized, Unavailable
from app.grants import token_patterns
from app.issuing import NO_REPEAT, Made, Once
from app.journal.tables import api_key, secret, token
from app.principals import SCOPES, HeldKey, Principal, check_scopes

# Who was let in is what most of the program asks this module for.
__all__ = ["SCOPES", "Access", "Made", "Once", "Principal", "check_scopes"]

_ADMIN = "key:admin"
_ONCE = b"kos.once.1"
_CACHE_MAX = 10_000
# As many as there are connections for it. SQLite opens one for each, with a thread.
_LOOK_UPS_MAX = 8
_TURN_SECONDS_MAX = 10.0
_IDS_PER_QUERY_MAX = 500


class Access:
    """Keys and tokens of one installation. ``clock``, in seconds, is what remembered answers age by."""

    def __init__(
        self,
        db: AsyncEngine,
        admin_key: str,
        signing_key: str,
        revocation_seconds_max: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._admin_digest = hashlib.sha256(admin_key.encode()).digest() if admin_key else None
        self._signing_key = signing_key.encode()
        self._ttl_seconds = revocation_seconds_max / 2
        self._clock = clock
        self._remembered: dict[str | HeldKey, tuple[float, Principal]] = {}
        # Under way, by credential; and no more of them ask the database at once than these.
        self._looking: dict[str | HeldKey, asyncio.Task[Principal]] = {}
        self._look_ups = asyncio.Semaphore(_LOOK_UPS_MAX)
        self._event_secrets: dict[str, bytes] = {}

    async def start(self) -> None:
        """Make sure there is a signing key that all processes share."""
        if not self._signing_key:
            self._signing_key = await self._shared_secret("signing")

    def remembered(self, credential: str | HeldKey) -> Principal | None:
        """The hot way: who this credential was a moment ago, without asking the database."""
        found = self._remembered.get(credential)
        return found[1] if found is not None and found[0] > self._clock() else None

    async def authenticate(self, authorization: str | None, url_token: str | None = None) -> Principal:
        """Whoever holds this Authorization header or token.

        Errors: Unauthorized ``key_missing``, ``key_invalid``; Unavailable if the database cannot be asked.
        """
        if authorization:
            scheme, _, credential = authorization.partition(" ")
            credential = credential.strip() if scheme.lower() == "bearer" else ""
        else:
            credential = url_token or ""
        if not credential:
            raise Unauthorized("key_missing", "Send a key: Authorization: Bearer kos_...")
        principal = self.remembered(credential)
        if principal is None:
            principal = await self._looked_up(credential)
        if principal.expires_at and principal.expires_at <= time.time():
            raise Unauthorized("token_expired", "The token has expired; ask for a new one.")
        return principal

    def held(self, principal: Principal) -> HeldKey:
        """The key that this principal was let in by, to find its holder by later."""
        is_admin = principal.actor == _ADMIN and self._admin_digest is not None
        mark = hmac.digest(self.secret_for(b"kos.admin.1"), self._admin_digest or b"", "sha256").hex()[:32]
        return HeldKey(principal.actor.removeprefix("key:"), mark if is_admin else "")

    async def holder(self, held: HeldKey) -> Principal:
        """Who holds this key now.

        Errors: Unauthorized ``key_invalid`` once it was revoked; Unavailable if the database cannot be asked.
        """
        return self.remembered(held) or await self._looked_up(held)

    async def still_valid(self, principals: Collection[Principal]) -> set[Principal]:
        """Those of them, let in before, that would be let in now; one query per kind and 500 of them.

        Errors: Unavailable if the database cannot be asked.
        """
        now = time.time()
        unexpired = [one for one in principals if not one.expires_at or one.expires_at > now]
        actors = {one.actor for one in unexpired} - {_ADMIN}
        unrevoked = {_ADMIN}
        for kind, table in (("key", api_key), ("token", token)):
            ids = sorted(actor.removeprefix(f"{kind}:") for actor in actors if actor.startswith(f"{kind}:"))
            for start in range(0, len(ids), _IDS_PER_QUERY_MAX):
                some = ids[start : start + _IDS_PER_QUERY_MAX]
                wanted = select(table.c.id).where(table.c.id.in_(some), table.c.revoked_at.is_(None))
                async with transaction(self._db) as db:
                    unrevoked.update(f"{kind}:{identity}" for identity in (await db.execute(wanted)).scalars())
        return {one for one in unexpired if one.actor in unrevoked}

    async def create_key(self, brand: str, person: str, scopes: Iterable[str], once: Once = NO_REPEAT) -> Made:
        """A new key; the key itself is never shown again, but to a repeat of the call for some minutes.

        Errors: Invalid ``unknown_scope``; Conflict ``request_conflict``.
        """
        return await issuing.make_key(self._db, _now(), self.secret_for(_ONCE), brand, person, scopes, once)

    async def keys(self, brand: str) -> list[dict[str, Any]]:
        """The brand's keys, oldest first, without their secrets."""
        async with transaction(self._db) as db:
            found = await db.execute(select(api_key).where(api_key.c.brand == brand).order_by(api_key.c.created_at))
            return [
                {
                    "id": row.id,
                    "brand": row.brand,
                    "person": row.person,
                    "scopes": row.scopes.split(),
                    "created_at": row.created_at,
                    "revoked_at": row.revoked_at,
                }
                for row in found
            ]

    async def persons(self, brand: str, actors: Collection[str]) -> dict[str, str]:
        """Who these actors are, as far as they are keys of the brand, revoked ones too."""
        ids = sorted(actor.removeprefix("key:") for actor in actors if actor.startswith("key:") and actor != _ADMIN)
        named = {_ADMIN: "admin"} if _ADMIN in actors else {}
        for start in range(0, len(ids), _IDS_PER_QUERY_MAX):
            some = ids[start : start + _IDS_PER_QUERY_MAX]
            wanted = select(api_key.c.id, api_key.c.person).where(api_key.c.brand == brand, api_key.c.id.in_(some))
            async with transaction(self._db) as db:
                named.update({f"key:{row.id}": row.person for row in await db.execute(wanted)})
        return named

    async def revoke_key(self, brand: str, identity: str) -> None:
        """Errors: NotFound ``key_unknown``."""
        await self._revoke(api_key, brand, identity, "key_unknown")

    async def create_token(
        self, brand: str, event: str, kind: str, channels: Sequence[str], expires_at: int | None, once: Once = NO_REPEAT
    ) -> Made:
        """A new token. ``expires_at`` in seconds since the epoch; None lasts until it is revoked.

        Errors: Invalid ``channel_not_public``; Conflict ``request_conflict``.
        """
        drawn_by, signed_by = self.secret_for(_ONCE), self._token_key()
        return await issuing.make_token(
            self._db, _now(), drawn_by, signed_by, brand, event, kind, channels, expires_at, once
        )

    async def tokens(self, brand: str, after: tuple[int, str], limit: int) -> list[dict[str, Any]]:
        """The brand's tokens, oldest first, without the tokens themselves.

        Shape: those behind ``after``, the ``created_at`` and ``id`` of one, (0, "") for the first page.
        Units: ``created_at`` and ``revoked_at`` in microseconds, ``expires_at`` in seconds since the epoch.
        """
        order = (token.c.created_at, token.c.id)
        wanted = select(token).where(token.c.brand == brand, tuple_(*order) > after).order_by(*order).limit(limit)
        async with transaction(self._db) as db:
            found = await db.execute(wanted)
            return [
                {
                    "id": row.id,
                    "event": row.event,
                    "kind": row.kind,
                    "channels": row.scopes.split() or list(token_patterns(row.event)),
                    "created_at": row.created_at,
                    "expires_at": row.expires_at,
                    "revoked_at": row.revoked_at,
                }
                for row in found
            ]

    async def token_kinds(self, event: str, ids: Collection[str]) -> dict[str, str]:
        """What kind these tokens of an event are."""
        kinds: dict[str, str] = {}
        listed = sorted(ids)
        for start in range(0, len(listed), _IDS_PER_QUERY_MAX):
            some = listed[start : start + _IDS_PER_QUERY_MAX]
            wanted = select(token.c.id, token.c.kind).where(token.c.event == event, token.c.id.in_(some))
            async with transaction(self._db) as db:
                kinds.update({row.id: row.kind for row in await db.execute(wanted)})
        return kinds

    async def revoke_token(self, brand: str, identity: str) -> None:
        """Errors: NotFound ``token_unknown``."""
        await self._revoke(token, brand, identity, "token_unknown")

    async def pseudonym_key(self, event: str) -> bytes:
        """The secret under which this event's buyers are hidden; made when it is first needed."""
        known = self._event_secrets.get(event)
        if known is None:
            known = self._event_secrets[event] = await self._shared_secret(f"event:{event}")
        return known

    async def _looked_up(self, credential: str | HeldKey) -> Principal:
        """As the database says. Thousands who come back in one moment, all with one token, are one question."""
        looking = self._looking.get(credential)
        if looking is None:
            looking = self._looking[credential] = asyncio.create_task(self._look_up_and_remember(credential))
            # Those who asked may all have gone.
            looking.add_done_callback(lambda done: done.cancelled() or done.exception())
        # Whoever goes leaves the question to the others.
        return await asyncio.shield(looking)

    async def _look_up_and_remember(self, credential: str | HeldKey) -> Principal:
        mine = asyncio.current_task()
        # From before the question: by the time of the answer it may have been revoked already.
        forgotten_at = self._clock() + self._ttl_seconds
        try:
            async with self._turn():
                principal = await self._look_up(credential)
        finally:
            # Not if something was revoked meanwhile: then the next one asks again.
            is_current = self._looking.get(credential) is mine
            if is_current:
                del self._looking[credential]
        if is_current:
            if len(self._remembered) >= _CACHE_MAX:
                self._remembered.clear()
            self._remembered[credential] = (forgotten_at, principal)
        return principal

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Errors: Unavailable ``database_unavailable`` when it does not come, because those before hang."""
        try:
            async with asyncio.timeout(_TURN_SECONDS_MAX):
                await self._look_ups.acquire()
        except TimeoutError:
            raise Unavailable("database_unavailable", "The database does not answer; send it again.") from None
        try:
            yield
        finally:
            self._look_ups.release()

    async def _look_up(self, credential: str | HeldKey) -> Principal:
        if isinstance(credential, HeldKey):
            return await self._holder(credential)
        if self._admin_digest is not None and hmac.compare_digest(
            hashlib.sha256(credential.encode()).digest(), self._admin_digest
        ):
            return _admin()
        if credential.startswith("kos_"):
            return await self._key_holder(credential)
        return await self._token_holder(credential)

    async def _holder(self, held: HeldKey) -> Principal:
        if held.mark:
            if self._admin_digest is not None and hmac.compare_digest(held.mark, self.held(_admin()).mark):
                return _admin()
            raise Unauthorized("key_invalid", "The key is not valid here, or was revoked.")
        async with transaction(self._db) as db:
            row = (await db.execute(select(api_key).where(api_key.c.id == held.identity))).first()
        if row is None or row.revoked_at is not None:
            raise Unauthorized("key_invalid", "The key is not valid here, or was revoked.")
        return _principal(row)

    async def _key_holder(self, credential: str) -> Principal:
        _, _, rest = credential.partition("_")
        identity, _, text = rest.partition("_")
        if not (identity.isascii() and identity.isalnum()):
            raise Unauthorized("key_invalid", "The key is not valid here, or was revoked.")
        async with transaction(self._db) as db:
            row = (await db.execute(select(api_key).where(api_key.c.id == identity))).first()
        digest = hashlib.sha256(text.encode()).digest()
        # Compared even when there is no such key, so that the time taken does not tell which ids exist.
        same = hmac.compare_digest(digest, row.secret_hash if row is not None else bytes(32))
        if row is None or not same or row.revoked_at is not None:
            raise Unauthorized("key_invalid", "The key is not valid here, or was revoked.")
        return _principal(row)

    async def _token_holder(self, credential: str) -> Principal:
        try:
            claims = jwt.decode(
                credential,
                self._token_key(),
                algorithms=["HS256"],
                options={"require": ["jti", "event", "brand"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthorized("token_expired", "The token has expired; ask for a new one.") from None
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthorized("key_invalid", "The key or token is not valid here, or was revoked.") from None
        event = claims["event"]
        channels = claims.get("channels") or token_patterns(event)
        principal = Principal(
            claims["brand"],
            "",
            f"token:{claims['jti']}",
            event=event,
            channels=tuple(channels),
            expires_at=claims.get("exp", 0),
        )
        if not await self.still_valid([principal]):
            raise Unauthorized("key_invalid", "The token was revoked.")
        return principal

    async def _revoke(self, table: Any, brand: str, identity: str, code: str) -> None:
        if not identity.isalnum():
            raise NotFound(code, "There is none with this id.")
        async with transaction(self._db) as db:
            found = await db.execute(
                update(table)
                .where(table.c.id == identity, table.c.brand == brand, table.c.revoked_at.is_(None))
                .values(revoked_at=_now())
            )
            if found.rowcount == 0:
                raise NotFound(code, "There is none with this id, or it is revoked already.")
        self._remembered.clear()
        self._looking.clear()

    def secret_for(self, purpose: bytes) -> bytes:
        """A secret that every process derives from the signing key, another one for each purpose."""
        return hmac.digest(self._signing_key, purpose, "sha256")

    async def _shared_secret(self, name: str) -> bytes:
        """A random value that every process finds under this name, whoever made it first."""
        async with transaction(self._db) as db:
            await db.execute(
                insert_for(db, secret).values(name=name, value=secrets.token_bytes(32)).on_conflict_do_nothing()
            )
            found = await db.execute(select(secret.c.value).where(secret.c.name == name))
            value: bytes = found.scalar_one()
        return value

    def _token_key(self) -> bytes:
        return self.secret_for(b"kos.token.1")


def _admin() -> Principal:
    return Principal("default", "admin", _ADMIN, frozenset(SCOPES))


def _principal(row: Any) -> Principal:
    return Principal(row.brand, row.person, f"key:{row.id}", frozenset(row.scopes.split()))


def _now() -> int:
    return time.time_ns() // 1000
