"""The file of a backup: gzipped lines of JSON, the last of which holds the SHA-256 of those before it.

Shape: a header (an object); then, event by event, ``["head", …]``, ``["entry", …]`` in order of position and behind
each its ``["posting", …]``; then ``["row", table, {…}]`` of all that is no journal; then the trailer (an object).
The digest finds a file that was cut off or damaged. It is no signature: whoever can write the file can make another.
"""

import contextlib
import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from app.errors import Invalid

FORMAT = "kos.backup.1"


def unreadable(path: Path, why: str) -> Invalid:
    """The refusal of a file that cannot be used."""
    return Invalid("backup_unreadable", f"{path} {why}; nothing was restored.")


class Lines:
    """Writes lines and keeps their digest."""

    def __init__(self, path: Path, out: gzip.GzipFile) -> None:
        self._path = path
        self._out = out
        self._digest = hashlib.sha256()
        self._count = 0

    def write(self, value: Any) -> None:
        line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
        self._digest.update(line)
        self._count += 1
        with _as_trouble_of(self._path):
            self._out.write(line)

    def end(self) -> str:
        """Write the trailer; returns the digest as hex."""
        digest = self._digest.hexdigest()
        with _as_trouble_of(self._path):
            self._out.write(orjson.dumps({"lines": self._count, "sha256": digest}, option=orjson.OPT_APPEND_NEWLINE))
        return digest


@contextmanager
def writing(path: Path) -> Iterator[Lines]:
    """Lines of a file that takes its name, and the place of one that had it, only when the block has ended well.

    Only its owner may read it: it is as secret as the database.
    Errors: Invalid ``backup_unwritable``.
    """
    part = path.with_name(f"{path.name}.part")
    with _as_trouble_of(path):
        part.unlink(missing_ok=True)
        raw = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    try:
        out = gzip.GzipFile(path.name, "wb", compresslevel=6, fileobj=raw)
        yield Lines(path, out)
        with _as_trouble_of(path):
            out.close()
            raw.flush()
            os.fsync(raw.fileno())
            part.replace(path)
            _sync_folder(path)
    finally:
        with contextlib.suppress(OSError):
            raw.close()
        part.unlink(missing_ok=True)


def checked(path: Path) -> dict[str, Any]:
    """The header of a file that is whole and as it was written; reads all of it.

    Errors: Invalid ``backup_unreadable``.
    """
    digest, count = hashlib.sha256(), 0
    header: Any = None
    trailer: Any = None
    for line in _raw_lines(path):
        if trailer is not None:
            raise unreadable(path, "goes on behind its end")
        value = _parsed(path, line)
        if header is None:
            header = value
        elif isinstance(value, dict):
            trailer = value
            continue
        digest.update(line)
        count += 1
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise unreadable(path, "is no backup of this service")
    if trailer is None:
        raise unreadable(path, "is cut off: its last line is missing")
    if trailer != {"lines": count, "sha256": digest.hexdigest()}:
        raise unreadable(path, "was changed or damaged: its digest is another one")
    return header


def lines(path: Path) -> Iterator[list[Any]]:
    """What stands between header and trailer of a file that was ``checked``."""
    for line in _raw_lines(path):
        value = _parsed(path, line)
        if isinstance(value, list):
            yield value


@contextmanager
def _as_trouble_of(path: Path) -> Iterator[None]:
    """A full disk here is none of the database's."""
    try:
        yield
    except OSError as error:
        raise Invalid("backup_unwritable", f"{path} cannot be written ({error.strerror}).") from error


def _raw_lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as read:
            yield from read
    except (EOFError, zlib.error):
        raise unreadable(path, "is cut off or damaged") from None
    except gzip.BadGzipFile:
        raise unreadable(path, "is no backup of this service, or damaged") from None
    except OSError as error:
        raise unreadable(path, f"cannot be read ({error.strerror})") from None


def _parsed(path: Path, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        raise unreadable(path, "was changed or damaged: a line of it is no JSON") from None


def _sync_folder(path: Path) -> None:
    """Have the new name survive a power cut too."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
