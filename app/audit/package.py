"""The result package: one event's journal as one signed file that anybody can recount; see docs/journal.md."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from app.audit import PAGE
from app.audit.checkpoints import Checkpoints
from app.audit.signing import ALGORITHM, Checkpoint, PublicKey, SigningKey, fingerprint_of, package_bytes
from app.errors import NotFound
from app.journal.entry import Entry
from app.journal.store import Head, Store

FORMAT = "kos.package.1"
# Beside the package, in a checkout as in an installed copy. It goes along, so that the file explains itself.
SCORER = Path(__file__).resolve().parents[2] / "recount" / "kos_recount.py"


async def package(store: Store, checkpoints: Checkpoints, event: str) -> AsyncIterator[bytes]:
    """The package of an event in pieces of whole lines, from one read snapshot; its head is signed if it was not.

    Errors: NotFound ``event_unknown`` and Unavailable, both before the first piece; Unavailable later on, which leaves
    a package without its trailer, and every reader says so.
    """
    async with store.snapshot(event) as reader:
        head = await reader.head()
        if head is None:
            raise NotFound("event_unknown", f"There is no event {event[:80]!r}.")
        await checkpoints.at(head)
        writer = Writer(head, checkpoints.key)
        yield writer.opening(await checkpoints.keys())
        after = 0
        while entries := await reader.read(after, PAGE):
            last = entries[-1].position
            # At most one for a position, so as many as there are entries are enough.
            yield writer.page(
                entries, [one for one in await checkpoints.of(event, after, PAGE) if one.position <= last]
            )
            after = last
        yield writer.trailer()


class Writer:
    """The lines of one package in their order, and what its trailer says of them."""

    def __init__(self, head: Head, key: SigningKey) -> None:
        self.lines = 0
        self._head = head
        self._key = key
        self._digest = hashlib.sha256()

    def opening(self, keys: Iterable[PublicKey]) -> bytes:
        """Header and scorer."""
        head, text = self._head, SCORER.read_text(encoding="utf-8")
        header = {
            "type": "header",
            "format": FORMAT,
            "event": head.event,
            "brand": head.brand,
            "head": head.position,
            "head_hash": head.hash.hex(),
            "keys": [_key_document(key) for key in keys],
        }
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        return self._counted([header, {"type": "file", "name": SCORER.name, "sha256": sha256, "text": text}])

    def page(self, entries: Iterable[Entry], checkpoints: Iterable[Checkpoint]) -> bytes:
        """Entries, each with its checkpoint, if it has one, right behind it."""
        return self._counted(_documents(entries, {one.position: one for one in checkpoints}))

    def trailer(self) -> bytes:
        """The last line: how many stand before it, and what they are, signed."""
        digest = self._digest.digest()
        signature = self._key.sign(package_bytes(self._head.event, self.lines, digest))
        document = {"type": "trailer", "lines": self.lines, "sha256": digest.hex(), "key": self._key.id}
        return _line(document | {"signature": signature.hex()})

    def _counted(self, documents: Iterable[dict[str, Any]]) -> bytes:
        lines = [_line(document) for document in documents]
        self.lines += len(lines)
        piece = b"".join(lines)
        self._digest.update(piece)
        return piece


def _documents(entries: Iterable[Entry], checkpoints: dict[int, Checkpoint]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield {
            "type": "entry",
            "position": entry.position,
            "kind": entry.kind,
            "key": entry.key,
            "occurred_at": entry.occurred_at,
            "recorded_at": entry.recorded_at,
            "actor": entry.actor,
            # The bytes that were hashed, whatever they are.
            "body": orjson.Fragment(entry.body),
            "prev_hash": entry.prev_hash.hex(),
            "hash": entry.hash.hex(),
        }
        if (checkpoint := checkpoints.get(entry.position)) is not None:
            yield {
                "type": "checkpoint",
                **checkpoint._asdict(),
                "hash": checkpoint.hash.hex(),
                "signature": checkpoint.signature.hex(),
            }


def _key_document(key: PublicKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "fingerprint": fingerprint_of(key.public),
        "algorithm": ALGORITHM,
        "public": key.public.hex(),
        "made_at": key.made_at,
    }


def _line(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
