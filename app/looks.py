"""How an event's pages look: a theme, colours, and the assets (logos, pictures, a font) that these name.

Nothing of it ranks, so it is in no journal. An asset is named by the hash of its bytes: under a name there is ever only
one content, and whoever knows the name may have it.
"""

import hashlib
import re
import time
from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import insert_for, transaction
from app.errors import Conflict, Invalid
from app.journal.tables import asset, look

ASSETS_PER_EVENT_MAX = 200
# By ending; what a browser is told it is.
MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
PICTURES = frozenset({"png", "jpg", "webp", "svg"})
_VERSION_DIGITS = 12
# A prologue, comments and white space, then the root; no document type, which could define entities without end.
_SVG = re.compile(r"\ufeff?\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*<svg[\s>]", re.DOTALL)

NO_LOOK: dict[str, Any] = {
    "theme": "",
    "colors": {},
    "team_colors": {},
    "logo": None,
    "team_logos": {},
    "font": None,
}


class Looks:
    """Looks and assets, by event; read from the database each time, so that they are the same in every process."""

    def __init__(self, db: AsyncEngine) -> None:
        self._db = db

    async def of(self, event: str) -> tuple[dict[str, Any], str]:
        """The look and its version, "" if none was ever given."""
        async with transaction(self._db) as db:
            body = (await db.execute(select(look.c.body).where(look.c.event == event))).scalar()
        return (dict(NO_LOOK), "") if body is None else (orjson.loads(body), _version(body))

    async def put(self, event: str, given: dict[str, Any], expected: str | None = None) -> str:
        """Have the event look like this from now on; the version.

        ``expected``: only in place of the look of this version, "" for none; or if it looks like this already, so
        that a call whose answer was lost can be made again.
        Errors: Invalid ``asset_unknown``; Conflict ``changed_meanwhile``.
        """
        body = orjson.dumps(given, option=orjson.OPT_SORT_KEYS).decode()
        logos = {f"team_logos.{team}": name for team, name in given["team_logos"].items()}
        named = {"logo": given["logo"], "font": given["font"], **logos}
        async with transaction(self._db) as db:
            known = set((await db.execute(select(asset.c.name).where(asset.c.event == event))).scalars())
            for field, name in named.items():
                if name is not None and name not in known:
                    raise asset_unknown(name, field)
            row = {"event": event, "body": body, "updated_at": time.time_ns() // 1000}
            statement = insert_for(db, look).values(row)
            changed = {"body": statement.excluded.body, "updated_at": statement.excluded.updated_at}
            held = None
            if expected is not None:
                held = (await db.execute(select(look.c.body).where(look.c.event == event))).scalar() or ""
                if held != body and (_version(held) if held else "") != expected:
                    raise changed_meanwhile()
            # Another process may have changed it since it was read.
            is_held = None if held is None else look.c.body == held
            done = await db.execute(
                statement.on_conflict_do_update(index_elements=["event"], set_=changed, where=is_held).returning(
                    look.c.event
                )
            )
            if done.scalar_one_or_none() is None:
                raise changed_meanwhile()
        return _version(body)

    async def add(self, event: str, content: bytes, media_type: str) -> str:
        """Keep an asset; its name. The same content again is the same asset.

        Errors: Invalid ``asset_type_unknown``, ``asset_not_readable``; Conflict ``too_many_assets``.
        """
        ending = _ending(content, media_type)
        name = f"{hashlib.sha256(content).hexdigest()}.{ending}"
        async with transaction(self._db) as db:
            held = set((await db.execute(select(asset.c.name).where(asset.c.event == event))).scalars())
            if name in held:
                return name
            if len(held) >= ASSETS_PER_EVENT_MAX:
                raise Conflict("too_many_assets", f"An event has at most {ASSETS_PER_EVENT_MAX} assets.")
            row = {"name": name, "event": event, "content": content, "created_at": time.time_ns() // 1000}
            await db.execute(insert_for(db, asset).values(row).on_conflict_do_nothing())
        return name

    async def has(self, event: str, name: str) -> bool:
        """Whether the event has this asset."""
        wanted = select(func.count()).select_from(asset).where(asset.c.name == name, asset.c.event == event)
        async with transaction(self._db) as db:
            return bool((await db.execute(wanted)).scalar())

    async def asset(self, name: str) -> bytes | None:
        """The content of an asset of any event."""
        async with transaction(self._db) as db:
            content: bytes | None = (await db.execute(select(asset.c.content).where(asset.c.name == name))).scalar()
        return content


def asset_unknown(name: str, field: str) -> Invalid:
    """What is said of an asset that an event does not have."""
    return Invalid("asset_unknown", f"The event has no asset {name!r}; upload it first.", field)


def changed_meanwhile() -> Conflict:
    """What is said to whoever would replace a look that they have not seen."""
    return Conflict("changed_meanwhile", "Somebody else has changed the look since you looked.")


def names_of(endings: Collection[str]) -> str:
    """A pattern that the names of assets with these endings fit."""
    return rf"^[0-9a-f]{{64}}\.({'|'.join(sorted(endings))})$"


def _version(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:_VERSION_DIGITS]


def _ending(content: bytes, media_type: str) -> str:
    """The ending that fits both what is said and what is there: a browser is told nothing that was only said."""
    said = next((ending for ending, known in MEDIA_TYPES.items() if known == media_type), "")
    if not said:
        raise Invalid(
            "asset_type_unknown", f"Send one of {', '.join(MEDIA_TYPES.values())} as Content-Type.", "content-type"
        )
    if not _is(said, content):
        raise Invalid("asset_not_readable", f"The body is not what {media_type} begins with.", "body")
    return said


def _is(ending: str, content: bytes) -> bool:
    match ending:
        case "png":
            return content.startswith(b"\x89PNG\r\n\x1a\n")
        case "jpg":
            return content.startswith(b"\xff\xd8\xff")
        case "webp":
            return content.startswith(b"RIFF") and content[8:12] == b"WEBP"
        case "woff2":
            return content.startswith(b"wOF2")
    try:
        return _SVG.match(content.decode()) is not None
    except UnicodeDecodeError:
        return False
