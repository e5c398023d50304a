"""One entry of the journal as the API tells it. Pure."""

from typing import Any

import orjson

from app.journal.entry import Entry
from app.sales.times import rfc3339


def entry_head(entry: Entry) -> dict[str, Any]:
    """Which entry it is, of when and by whom; what it says is left to the caller."""
    return {
        "position": entry.position,
        "kind": entry.kind,
        "key": entry.key,
        "occurred_at": rfc3339(entry.occurred_at),
        "recorded_at": rfc3339(entry.recorded_at),
        "actor": entry.actor,
    }


def entry_document(entry: Entry) -> dict[str, Any]:
    """One entry. Its ``body`` holds times in microseconds and money in minor units, exactly as they are hashed."""
    return entry_head(entry) | {
        "body": orjson.Fragment(entry.body),
        "prev_hash": entry.prev_hash.hex(),
        "hash": entry.hash.hex(),
    }
