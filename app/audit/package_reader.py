"""The first walk over a result package: bytes, chain, checkpoints and trailer; and what the second one must remember.

It needs no database and no network, and its memory does not grow with the entries.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from app.audit.package import FORMAT
from app.audit.signing import ALGORITHM, checkpoint_bytes, fingerprint_of, is_signed, key_id, package_bytes
from app.journal.entry import ZERO_HASH, Entry, entry_hash, parsed

FINDINGS_MAX = 100

# What is in a package and not in a database; the other names are those of `app.audit.verify`.
CODES = {
    "truncated": "the file ends with its trailer, and every line with a line feed",
    "line_unreadable": "every line is canonical JSON with the members that its type has",
    "format_unknown": "the format is one that this version reads",
    "line_unexpected": "one header, one file, entries with checkpoints, one trailer, in this order",
    "file_mismatch": "the scorer is the text whose hash stands beside it",
    "checkpoint_mismatch": "a checkpoint is about the entry right before it",
    "trailer_mismatch": "the trailer's count and hash are those of the lines before it",
    "signature_wrong": "every signature is one of a key of the header",
    "key_mismatch": "every key has the id and the fingerprint that stand beside it",
    "key_foreign": "the package is signed by the key that was asked for",
    "key_repeated": "every business key occurs once",
    "fact_malformed": "every fact is what a call can have said, in normal form",
    "decision_mismatch": "every decision is the one that the rules give",
}


# Members in the order of their names: written again as they are, they give the canonical line.
class KeyLine(Struct, forbid_unknown_fields=True):
    """A key of the header."""

    algorithm: str
    fingerprint: str
    id: str
    made_at: int
    public: str


class Header(Struct, forbid_unknown_fields=True):
    """The first line."""

    brand: str
    event: str
    format: str
    head: int
    head_hash: str
    keys: list[KeyLine]
    type: Literal["header"]


class FileLine(Struct, forbid_unknown_fields=True):
    """The standalone scorer."""

    name: str
    sha256: str
    text: str
    type: Literal["file"]


class EntryLine(Struct, forbid_unknown_fields=True):
    """An entry; its body as it stands there."""

    actor: str
    body: Raw
    hash: str
    key: str
    kind: str
    occurred_at: int
    position: int
    prev_hash: str
    recorded_at: int
    type: Literal["entry"]


class CheckpointLine(Struct, forbid_unknown_fields=True):
    """The signature of the entry before it."""

    event: str
    hash: str
    key: str
    made_at: int
    position: int
    signature: str
    type: Literal["checkpoint"]


class TrailerLine(Struct, forbid_unknown_fields=True):
    """The last line."""

    key: str
    lines: int
    sha256: str
    signature: str
    type: Literal["trailer"]


Line = Header | FileLine | EntryLine | CheckpointLine | TrailerLine

_ENTRY = msgspec.json.Decoder(EntryLine)
_ENTRY_END = b'"type":"entry"}\n'
_OTHERS: Mapping[bytes, msgspec.json.Decoder[Any]] = {
    b'"type":"header"}\n': msgspec.json.Decoder(Header),
    b'"type":"file"}\n': msgspec.json.Decoder(FileLine),
    b'"type":"checkpoint"}\n': msgspec.json.Decoder(CheckpointLine),
    b'"type":"trailer"}\n': msgspec.json.Decoder(TrailerLine),
}
_encoder = msgspec.json.Encoder()
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where. ``position`` is 0 where it is about no entry."""

    code: str
    line: int
    position: int
    detail: str


@dataclass(slots=True)
class Findings:
    """What was found, first lines first; past ``FINDINGS_MAX`` the rest is counted only."""

    listed: list[Finding] = field(default_factory=list)
    more: int = 0

    def add(self, code: str, line: int, position: int, detail: str) -> None:
        """Note one."""
        if len(self.listed) < FINDINGS_MAX:
            self.listed.append(Finding(code, line, position, detail))
        else:
            self.more += 1


def read_line(raw: bytes) -> Line | None:
    """One line as what it is; None if it is not canonical or of no known type. A body is not looked into."""
    try:
        if raw.endswith(_ENTRY_END):
            found: Line = _ENTRY.decode(raw)
        else:
            decoder = _OTHERS.get(raw[raw.rfind(b'"type":') :])
            if decoder is None:
                return None
            found = decoder.decode(raw)
        return found if _encoder.encode(found) == raw[:-1] else None
    except _UNREADABLE:
        return None


def entries_of(lines: Iterable[bytes], event: str) -> Iterator[tuple[int, Entry]]:
    """The entries of a package that ``Walk`` has found nothing wrong with, each with the number of its line."""
    for number, raw in enumerate(lines, 1):
        if raw.endswith(_ENTRY_END):
            line = _ENTRY.decode(raw)
            body = bytes(line.body)
            yield (
                number,
                Entry(
                    event,
                    line.position,
                    line.kind,
                    line.key,
                    line.occurred_at,
                    line.recorded_at,
                    line.actor,
                    body,
                    bytes.fromhex(line.prev_hash),
                    bytes.fromhex(line.hash),
                    parsed(body),
                ),
            )


class Walk:
    """What the lines say up to the one read last. ``heard`` is told of each entry's kind, position and body."""

    def __init__(self, findings: Findings, fingerprint: str, heard: Callable[[str, int, Raw], None]) -> None:
        self.findings = findings
        self.header: Header | None = None
        self.head = 0
        self.head_hash = ZERO_HASH
        self.recorded_at = 0
        self.checkpoints = 0
        self.signed_by = ""
        self._fingerprint = fingerprint
        self._heard = heard
        self._keys: dict[str, bytes] = {}
        self._digest = hashlib.sha256()
        self._number = 0
        self._is_over = False

    def read(self, lines: Iterable[bytes], advance: Callable[[int], None]) -> None:
        """Every line to the end; ``advance`` hears how many bytes were read."""
        for raw in lines:
            self._number += 1
            self._line(raw)
            self._digest.update(raw)
            advance(len(raw))
        if not self._is_over:
            self._number += 1
            self._find("truncated", "the file ends before its trailer")

    def _find(self, code: str, detail: str) -> None:
        self.findings.add(code, self._number, self.head, detail)

    def _line(self, raw: bytes) -> None:
        if not raw.endswith(b"\n"):
            self._find("truncated", "the line has no end")
            return
        line = read_line(raw)
        if self._is_over:
            self._find("line_unexpected", "something stands behind the trailer")
        elif line is None:
            self._find("line_unreadable", "the line is not canonical JSON, or nothing that a package has")
        elif (self._number == 1) != isinstance(line, Header) or (self._number == 2) != isinstance(line, FileLine):
            self._find("line_unexpected", "a package begins with one header and one file")
        elif isinstance(line, EntryLine):
            self._entry(line)
        elif isinstance(line, CheckpointLine):
            self._checkpoint(line)
        elif isinstance(line, TrailerLine):
            self._trailer(line)
        elif isinstance(line, Header):
            self._header(line)
        elif hashlib.sha256(line.text.encode()).hexdigest() != line.sha256:
            self._find("file_mismatch", f"{line.name} is not the text whose hash stands there")

    def _header(self, line: Header) -> None:
        self.header = line
        if line.format != FORMAT:
            self._find("format_unknown", f"the format is {line.format!r}, known is {FORMAT!r}")
        for key in line.keys:
            public = _bytes(key.public, 32)
            if (key.fingerprint, key.id, key.algorithm) != (fingerprint_of(public), key_id(public), ALGORITHM):
                self._find("key_mismatch", f"the key {key.id!r} does not have the fingerprint that stands there")
            self._keys[key.id] = public
        if self._fingerprint and self._fingerprint not in map(fingerprint_of, self._keys.values()):
            self._find("key_foreign", "the key that was asked for is not among those that signed")

    def _entry(self, line: EntryLine) -> None:
        position, expected = line.position, self.head + 1
        prev_hash, event = _bytes(line.prev_hash, 32), self.header.event if self.header else ""
        before, self.head = self.head_hash, position
        if position != expected:
            gone = f"{expected}" if position == expected + 1 else f"{expected} to {position - 1}"
            missing = f"entry {gone} is missing" if position > expected else f"entry {expected} belongs here"
            self._find("position_gap", missing)
        if prev_hash != before:
            self._find("chain_broken", "prev_hash is not the hash of the entry before")
        texts = (event, position, line.kind, line.key, line.occurred_at, line.recorded_at, line.actor)
        try:
            self.head_hash = entry_hash(*texts, line.body, prev_hash)
        except (UnicodeEncodeError, ValueError, ArithmeticError) as error:
            self._find("hash_mismatch", f"an entry that cannot be hashed: {error}")
            return
        if self.head_hash.hex() != line.hash:
            self._find("hash_mismatch", f"the fields of this {line.kind} do not give its hash")
            self.head_hash = _bytes(line.hash, 32)
        if line.recorded_at <= self.recorded_at and position > 1:
            self._find("time_not_increasing", "recorded_at is not after the entry before")
        self.recorded_at = line.recorded_at
        self._heard(line.kind, position, line.body)

    def _checkpoint(self, line: CheckpointLine) -> None:
        event = self.header.event if self.header else ""
        if (line.event, line.position, line.hash) != (event, self.head, self.head_hash.hex()):
            self._find("checkpoint_mismatch", "the checkpoint is not about the entry before it")
            return
        self._signature(line.key, line.signature, checkpoint_bytes(line.event, self.head, self.head_hash, line.made_at))
        self.checkpoints += 1

    def _trailer(self, line: TrailerLine) -> None:
        self._is_over = True
        header = self.header
        if (line.lines, line.sha256) != (self._number - 1, self._digest.hexdigest()):
            self._find("trailer_mismatch", "the lines before are not those that the trailer is about")
            return
        if header is None or (header.head, header.head_hash) != (self.head, self.head_hash.hex()):
            self._find("head_mismatch", "the last entry is not the head that the header names")
            return
        self._signature(line.key, line.signature, package_bytes(header.event, line.lines, self._digest.digest()))
        self.signed_by = fingerprint_of(self._keys.get(line.key, b""))
        if self._fingerprint and self.signed_by != self._fingerprint:
            self._find("key_foreign", "the package is not signed by the key that was asked for")

    def _signature(self, key: str, signature: str, message: bytes) -> None:
        public = self._keys.get(key)
        if public is None:
            self._find("signature_wrong", f"signed with {key!r}, which is not among the header's keys")
        elif not is_signed(public, _bytes(signature, 64), message):
            self._find("signature_wrong", "the signature is not over what stands there")


def _bytes(text: str, size: int) -> bytes:
    """The bytes that lower-case hex digits stand for; none for any other text."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return b""
    return data if len(data) == size and data.hex() == text else b""
