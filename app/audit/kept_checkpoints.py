"""Checkpoints that are kept outside the database: one line of JSON each, ``{"event", "position", "hash"}``.

Other members of a line are left alone, so that a signature may stand beside them.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import orjson

from app.audit.verify import Checkpoint, Report
from app.errors import Invalid


def read_checkpoints(path: Path) -> dict[str, list[Checkpoint]]:
    """Checkpoints by event. Empty lines mean nothing.

    Errors: Invalid ``checkpoints_unreadable`` with the line's number; OSError.
    """
    found: defaultdict[str, list[Checkpoint]] = defaultdict(list)
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            named = orjson.loads(line)
            event, position, own = named["event"], named["position"], named["hash"]
            is_readable = isinstance(event, str) and type(position) is int and position > 0 and len(own) == 64
            found[event].append((position, bytes.fromhex(own).hex()))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            is_readable = False
        if not is_readable:
            raise Invalid("checkpoints_unreadable", f"Line {number} of {path} is no checkpoint.")
    return dict(found)


def add_checkpoints(path: Path, reports: Iterable[Report]) -> None:
    """Append the heads of events that were found clean to a file, made if there is none, and flush it to the disk."""
    with path.open("ab") as out:
        for report in reports:
            if report.exit_code == 0:
                named = {"event": report.event, "position": report.head, "hash": report.head_hash}
                out.write(orjson.dumps(named, option=orjson.OPT_APPEND_NEWLINE))
        out.flush()
        os.fsync(out.fileno())
