"""A package that somebody changed: found by both scorers, and what is missing, swapped, cut off or foreign is named."""

import itertools
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.audit.signing import SigningKey, fingerprint_of, package_bytes
from tests.packages import FINGERPRINT, KEY, SCORER, full_book, package_of, recounted, sha256, standalone
from tests.servers import LONG

CHANGES = 1_000 if LONG else 100
OTHER_KEY = SigningKey(b"x" * 32)
PACKAGE = package_of(full_book().entries)
LINES = PACKAGE.splitlines(keepends=True)
# Of the entries 11 to 20; each entry is two lines behind its position, and one more for each checkpoint before it.
ENTRY_12 = next(number for number, line in enumerate(LINES) if b'"position":12,' in line)


def both(folder: Path, package: bytes, key: str = FINGERPRINT) -> tuple[list[tuple[str, int]], tuple[str, int]]:
    """What `kos recount` found as (code, line), and the first thing that the standalone scorer found."""
    report, alone = recounted(folder, package, key), standalone(folder, package, key)
    assert report.exit_code == 1
    assert report.boards == alone["boards"] == {}
    return [(one.code, one.line) for one in report.findings.listed], (alone["wrong"]["code"], alone["wrong"]["line"])


def test_package_is_canonical_and_its_parts_are_where_they_belong():
    documents = [json.loads(line) for line in LINES]

    assert b"".join(json.dumps(d, sort_keys=True, separators=(",", ":")).encode() + b"\n" for d in documents) == PACKAGE
    assert [d["type"] for d in documents[:3]] == ["header", "file", "entry"]
    assert documents[1]["text"] == SCORER.read_text()
    assert documents[1]["sha256"] == sha256(SCORER.read_bytes())
    pairs = itertools.pairwise(documents)
    signed = [(before["position"], d["position"]) for before, d in pairs if d["type"] == "checkpoint"]
    head = documents[0]["head"]
    assert signed == [(position, position) for position in (*range(10, head, 10), head)]
    assert documents[-1] == {
        "type": "trailer",
        "lines": len(documents) - 1,
        "sha256": sha256(b"".join(LINES[:-1])),
        "key": KEY.id,
        "signature": documents[-1]["signature"],
    }


def test_every_change_of_one_byte_is_found_by_both(tmp_path: Path):
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    for _ in range(CHANGES):
        changed = bytearray(PACKAGE)
        # Every fifth in the last lines: there the signatures are.
        place = len(PACKAGE) - 1 - chance.randrange(900 if chance.random() < 0.2 else len(PACKAGE))
        changed[place] ^= chance.randrange(1, 256)

        codes, first = both(tmp_path, bytes(changed), "")

        assert codes, f"seed {seed}, byte {place}"
        line = changed.count(b"\n", 0, place) + 1
        # What is in the first two lines besides hashes is covered by the trailer's.
        assert first[1] <= line + 1 or line <= 2, f"seed {seed}, byte {place}"


def test_hash_or_signature_in_capitals_is_named_where_it_stands(tmp_path: Path):
    """The same number, but other bytes than those that were signed."""
    spots = [found.start(1) for found in re.finditer(rb'"(?:prev_hash|hash|signature)":"\d*([a-f])', PACKAGE)]
    for place in spots[::9]:
        changed = bytearray(PACKAGE)
        changed[place] ^= 0x20

        codes, first = both(tmp_path, bytes(changed), "")

        assert codes, f"byte {place}"
        assert first[1] <= changed.count(b"\n", 0, place) + 2, f"byte {place}"
    assert len(spots) > 100


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:ENTRY_12], lines[ENTRY_12 + 1], lines[ENTRY_12], *lines[ENTRY_12 + 2 :]]


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        (lambda lines: lines[:ENTRY_12] + lines[ENTRY_12 + 1 :], "position_gap", ENTRY_12 + 1),
        (swapped, "position_gap", ENTRY_12 + 1),
        (lambda lines: lines[:ENTRY_12] + lines[ENTRY_12 - 1 :], "position_gap", ENTRY_12 + 1),
        (lambda lines: lines[:-1], "truncated", len(LINES)),
        (lambda lines: lines[:ENTRY_12], "truncated", ENTRY_12 + 1),
        (lambda lines: [*lines[:-1], lines[-1][:40]], "truncated", len(LINES)),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], "truncated", len(LINES)),
        (lambda lines: [], "truncated", 1),
        (lambda lines: [*lines, lines[-1]], "line_unexpected", len(LINES) + 1),
        (lambda lines: lines[1:], "line_unexpected", 1),
        (lambda lines: [lines[0], *lines[2:]], "line_unexpected", 2),
        (lambda lines: [lines[0].replace(b"kos.package.1", b"kos.package.2"), *lines[1:]], "format_unknown", 1),
        (lambda lines: [*lines[:-3], *lines[-2:]], "checkpoint_mismatch", len(LINES) - 2),
        (lambda lines: [*lines[:-2], lines[-1]], "trailer_mismatch", len(LINES) - 1),
    ],
)
def test_what_is_missing_swapped_or_cut_off_is_named_with_its_line(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], code: str, line: int
):
    codes, first = both(tmp_path, b"".join(change(LINES)))

    assert first == (code, line)
    assert (code, line) in codes


def resigned(change: Callable[[list[dict[str, Any]]], object], key: SigningKey = KEY) -> bytes:
    """A package whose lines were changed by somebody who could make the trailer anew."""
    documents = [json.loads(line) for line in LINES[:-1]]
    change(documents)
    return ended([json.dumps(d, sort_keys=True, separators=(",", ":")).encode() + b"\n" for d in documents], key)


def ended(lines: list[bytes], key: SigningKey = KEY) -> bytes:
    """These lines and the trailer that belongs to them."""
    body = b"".join(lines)
    signature = key.sign(package_bytes("kos101", len(lines), bytes.fromhex(sha256(body)))).hex()
    trailer = {"type": "trailer", "lines": len(lines), "sha256": sha256(body), "key": key.id, "signature": signature}
    return body + json.dumps(trailer, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def checkpoint_of(documents: list[dict[str, Any]]) -> dict[str, Any]:
    return next(d for d in documents if d["type"] == "checkpoint")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda documents: checkpoint_of(documents).update(made_at=1), "signature_wrong"),
        (lambda documents: checkpoint_of(documents).update(signature="00" * 64), "signature_wrong"),
        (lambda documents: checkpoint_of(documents).update(signature="zz"), "signature_wrong"),
        (lambda documents: checkpoint_of(documents).update(position=9), "checkpoint_mismatch"),
        (lambda documents: documents[0].update(head_hash="00" * 32), "head_mismatch"),
        (lambda documents: documents[0].update(head=5), "head_mismatch"),
        (lambda documents: documents[0]["keys"][0].update(fingerprint="00" * 32), "key_mismatch"),
        (lambda documents: documents[0]["keys"][0].update(public="00" * 32), "key_mismatch"),
        (lambda documents: documents[1].update(text="print('right')"), "file_mismatch"),
        (lambda documents: documents[5].update(note="hello"), "line_unreadable"),
        (lambda documents: documents[5]["body"].update(note=1.5), "hash_mismatch"),
    ],
)
def test_what_the_trailer_does_not_show_is_found_too(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], object], code: str
):
    codes = [one.code for one in recounted(tmp_path, resigned(change)).findings.listed]

    assert code in codes


def test_package_of_a_foreign_key_is_right_in_itself_and_not_the_one_asked_for(tmp_path: Path):
    foreign = package_of(full_book().entries, OTHER_KEY)
    both_keys = resigned(lambda documents: documents[0]["keys"].append(foreign_key()), OTHER_KEY)

    assert recounted(tmp_path, foreign, "").exit_code == 0
    assert recounted(tmp_path, foreign, "").signed_by == fingerprint_of(OTHER_KEY.public)
    assert both(tmp_path, foreign) == ([("key_foreign", 1), ("key_foreign", len(LINES))], ("key_foreign", 1))
    # Named in the header, the right key still has not signed.
    assert both(tmp_path, both_keys) == ([("key_foreign", len(LINES))], ("key_foreign", len(LINES)))


def test_line_that_says_the_same_in_other_bytes_is_found_by_both_though_it_is_signed(tmp_path: Path):
    for line in (0, ENTRY_12, len(LINES) - 2):
        lines = [*LINES[:line], LINES[line].replace(b'","', b'", "', 1), *LINES[line + 1 : -1]]

        codes, first = both(tmp_path, ended(lines))

        assert first == codes[0] == ("line_unreadable", line + 1)


def foreign_key() -> dict[str, Any]:
    fingerprint = fingerprint_of(OTHER_KEY.public)
    return {
        "id": OTHER_KEY.id,
        "fingerprint": fingerprint,
        "algorithm": "Ed25519",
        "public": OTHER_KEY.public.hex(),
        "made_at": 5,
    }


def test_scorer_runs_with_nothing_but_the_standard_library(tmp_path: Path):
    """Also the text that goes along with the package, somewhere else, alone."""
    path, scorer = tmp_path / "package.ndjson", tmp_path / "scorer.py"
    path.write_bytes(PACKAGE)
    scorer.write_text(json.loads(LINES[1])["text"])

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-I", "-S", str(scorer), *arguments], cwd=tmp_path, capture_output=True, text=True
        )

    told, as_json = run(str(path), "--key", FINGERPRINT), run(str(path), "--key", FINGERPRINT.upper(), "--json")
    path.write_bytes(PACKAGE[:-1])
    wrong = run(str(path))

    assert (told.returncode, as_json.returncode, told.stderr) == (0, 0, "")
    assert FINGERPRINT in told.stdout
    assert "hosts.gross_sales" in told.stdout
    assert json.loads(as_json.stdout)["boards"] == standalone(tmp_path, PACKAGE)["boards"]
    assert wrong.returncode == 1
    assert f"WRONG in line {len(LINES)}" in wrong.stdout
    assert run(str(path), "--key", "abc").returncode == 2
