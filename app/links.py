"""Tracking links of hosts, and the touches that they leave: which host's link was followed, and when.

A touch says nothing of who followed it: no address, no browser. It is forgotten after its time. What a decision uses
of one is copied into its entry, so nothing of this is needed to recount.
"""

import secrets
import time
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import insert_for, transaction
from app.errors import Conflict, Invalid, NotFound
from app.journal.tables import link, touch

# What is added to a link's target, and comes back as the ``click`` of an order.
CLICK = "kos_click"
_DAY_US = 86_400_000_000
_CODE_BYTES, _CLICK_BYTES = 9, 18
# So many ids are looked for in one statement.
_LOOKUP_MAX = 1_000
# So many touches between two looks for those whose time is over.
_SWEEP_TOUCHES = 1_000

Link = dict[str, Any]


class Links:
    """Links and touches of one database. ``clock`` in microseconds since the epoch."""

    def __init__(self, db: AsyncEngine, touch_days: int, clock: Callable[[], int] | None = None) -> None:
        self._db = db
        self._touch_us = touch_days * _DAY_US
        self._clock = clock or _now
        self._unswept = 0

    async def create(self, event: str, host: str, target: str, sku: str, code: str) -> tuple[Link, bool]:
        """A link, and whether it is new; without a code it gets one. The same again is the same link.

        Errors: Conflict ``link_code_taken``: another link, perhaps of another event, has this code.
        """
        row: Link = {"code": code or secrets.token_urlsafe(_CODE_BYTES), "event": event, "host": host}
        row |= {"target": target, "sku": sku, "created_at": self._clock()}
        async with transaction(self._db) as db:
            statement = insert_for(db, link).values(row).on_conflict_do_nothing().returning(link.c.code)
            if (await db.execute(statement)).first() is not None:
                return row, True
            found = (await db.execute(select(link).where(link.c.code == code))).mappings().first()
        same = ("event", "host", "target", "sku")
        if found is None or any(found[name] != row[name] for name in same):
            raise Conflict("link_code_taken", f"Another link has the code {code!r}; choose another one.")
        return dict(found), False

    async def of(self, event: str, after: str, limit: int) -> list[Link]:
        """The event's links by code, behind one of them."""
        wanted = select(link).where(link.c.event == event, link.c.code > after).order_by(link.c.code).limit(limit)
        async with transaction(self._db) as db:
            return [dict(row) for row in (await db.execute(wanted)).mappings()]

    async def find(self, code: str) -> Link:
        """The link of a code. Errors: NotFound ``link_unknown``."""
        async with transaction(self._db) as db:
            found = (await db.execute(select(link).where(link.c.code == code))).mappings().first()
        if found is None:
            raise _unknown(code)
        return dict(found)

    async def remove(self, event: str, code: str) -> None:
        """The link leads nowhere from now on; touches that it left still count. Errors: NotFound ``link_unknown``."""
        gone = delete(link).where(link.c.event == event, link.c.code == code).returning(link.c.code)
        async with transaction(self._db) as db:
            if (await db.execute(gone)).first() is None:
                raise _unknown(code)

    async def follow(self, followed: Link) -> str:
        """Somebody followed a link: the id of the touch, which nobody can guess."""
        now, identity = self._clock(), secrets.token_urlsafe(_CLICK_BYTES)
        row = {"id": identity, "event": followed["event"], "host": followed["host"], "at": now}
        async with transaction(self._db) as db:
            await db.execute(insert(touch).values(row | {"expires_at": now + self._touch_us}))
            if self._unswept == 0:
                # The first of a process as well, so that one which is restarted often leaves nothing behind.
                await db.execute(delete(touch).where(touch.c.expires_at <= now))
        self._unswept = (self._unswept + 1) % _SWEEP_TOUCHES
        return identity

    async def touches(self, event: str, clicks: Collection[str]) -> dict[str, dict[str, Any]]:
        """What is known of these clicks to an event. Shape: by id ``{host, at}``, or ``{outcome}`` for one that cannot
        count there; what is not known is left out.
        """
        found: dict[str, dict[str, Any]] = {}
        wanted, now = sorted(clicks), self._clock()
        async with transaction(self._db) as db:
            for start in range(0, len(wanted), _LOOKUP_MAX):
                some = select(touch).where(touch.c.id.in_(wanted[start : start + _LOOKUP_MAX]))
                for row in await db.execute(some.where(touch.c.expires_at > now)):
                    found[row.id] = {"host": row.host, "at": row.at}
                    if row.event != event:
                        found[row.id] = {"outcome": "click_of_another_event"}
        return found


def check_target(target: str, hosts: Collection[str]) -> None:
    """Refuse to lead anywhere but to these hosts: an open redirect lends its name to whoever wants to deceive.

    Errors: Invalid ``link_target_invalid``, ``link_host_not_allowed``.
    """
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
        has_port = parts.port is not None
    except ValueError:
        raise _invalid_target() from None
    has_login = "@" in parts.netloc or "\\" in target
    if parts.scheme not in ("https", "http") or has_login or has_port or f"{CLICK}=" in target:
        raise _invalid_target()
    if host not in hosts:
        raise Invalid("link_host_not_allowed", f"The rule link_hosts does not name {host[:253]!r}; add it.", "to")


def with_click(target: str, click: str) -> str:
    """A link's target with the touch in its query; a fragment stays at the end."""
    address, hash_sign, fragment = target.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{CLICK}={click}{hash_sign}{fragment}"


def _invalid_target() -> Invalid:
    return Invalid("link_target_invalid", f"A link leads to a http or https URL without port, login and {CLICK}.", "to")


def _unknown(code: str) -> NotFound:
    return NotFound("link_unknown", f"There is no link {code[:64]!r}.")


def _now() -> int:
    return time.time_ns() // 1000
