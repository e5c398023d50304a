"""Sessions of the console: a signed cookie that names a key, so that nobody has to keep the key itself in a browser.

Nothing of a session is stored. It holds for as long as its key does, and at most ``seconds_max``; signing out forgets
it in the browser only. A cookie is sent by a browser whoever makes it do so: what changes something needs the
session's ``csrf`` as well, which only a page of our own origin can have read.
"""

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace

import jwt

from app.access import Access, Principal
from app.errors import Forbidden, Unauthorized
from app.principals import HeldKey

COOKIE = "kos_session"
CSRF_HEADER = "X-CSRF-Token"
_SESSION_PURPOSE = b"kos.console.1"
_CSRF_PURPOSE = b"kos.csrf.1"
_CLAIMS = ("jti", "key", "mark", "exp")


@dataclass(frozen=True, slots=True)
class Session:
    """One session: who it is, its ``csrf``, and until when, in seconds since the epoch."""

    principal: Principal
    csrf: str
    expires_at: int

    def check_csrf(self, told: str | None) -> None:
        """Errors: Forbidden ``csrf_missing``, also for another session's."""
        if not hmac.compare_digest((told or "").encode(), self.csrf.encode()):
            raise Forbidden("csrf_missing", f"Send what /console/session told as csrf: {CSRF_HEADER}: ...")


class Sessions:
    """Sessions of one installation: every process knows those that another one began."""

    def __init__(self, access: Access, seconds_max: int) -> None:
        self._access = access
        self.seconds_max = seconds_max

    async def begin(self, key: str) -> tuple[str, Session]:
        """A new session of whoever holds this key, with its cookie.

        Errors: Unauthorized ``key_invalid``; Forbidden ``token_not_enough``; Unavailable.
        """
        principal = await self._access.authenticate(f"Bearer {key}")
        principal.require()
        held = self._access.held(principal)
        identity, expires_at = secrets.token_hex(16), int(time.time()) + self.seconds_max
        claims = {"jti": identity, "key": held.identity, "mark": held.mark, "exp": expires_at}
        cookie = jwt.encode(claims, self._access.secret_for(_SESSION_PURPOSE), algorithm="HS256")
        return cookie, self._session(identity, principal, expires_at)

    async def of(self, cookie: str) -> Session:
        """The session of a cookie.

        Errors: Unauthorized ``signed_out``: expired, its key revoked, or it never was one; Unavailable.
        """
        try:
            claims = jwt.decode(
                cookie,
                self._access.secret_for(_SESSION_PURPOSE),
                algorithms=["HS256"],
                options={"require": list(_CLAIMS)},
            )
            principal = await self._access.holder(HeldKey(claims["key"], claims["mark"]))
        except (jwt.InvalidTokenError, ValueError, Unauthorized):
            raise Unauthorized("signed_out", "The session of the console has ended; sign in again.") from None
        return self._session(claims["jti"], principal, claims["exp"])

    def _session(self, identity: str, principal: Principal, expires_at: int) -> Session:
        digest = hmac.digest(self._access.secret_for(_CSRF_PURPOSE), identity.encode(), "sha256")
        csrf = urlsafe_b64encode(digest).decode().rstrip("=")
        # Connections of the stream end with the session.
        return Session(replace(principal, expires_at=expires_at), csrf, expires_at)
