#!/usr/bin/env python3
"""Recount the result of an event from its package without trusting whoever made it. Python 3.8 or newer, nothing else.

    python3 kos_recount.py FILE [--key FINGERPRINT] [--json]

Checks every byte: canonical lines, the chain of hashes, the signed checkpoints, the trailer. Then adds up what the
entries say was earned and taken, and ranks hosts and teams. It does not decide again who earned what; what it does not
know it names. It shares no code with the server. The format is in docs/journal.md of the project.

Exit 0: everything is right. 1: something is wrong, and the first of it is named by its line. 2: not all is known here.
"""

import argparse
import hashlib
import json
import re
import struct
import sys
from collections import Counter

LINE_BYTES_MAX = 1 << 26
MEASURES = ("gross_sales", "net_sales", "orders", "units")
GROSS, NET, ORDERS, UNITS = range(4)
TAKEN = {"order.refunded", "refund.matched", "order.cancelled", "order.disputed", "dispute.closed"}
# Nothing of these is counted on the boards below.
SILENT = {
    *("session.started", "session.ended", "session.changed", "product.pinned", "product.unpinned", "offer.started"),
    *("offer.ended", "goal.set", "announcement.made", "viewers.sampled"),
    *("correction.opened", "correction.closed", "claim.opened", "claim.closed"),
    *("adjustment.made", "commission.released", "payout.made", "payout.failed", "statement.closed", "rates.changed"),
}


class Wrong(Exception):
    def __init__(self, code, line, detail):
        super().__init__(detail)
        self.found = {"code": code, "line": line, "detail": detail}


# Ed25519 after RFC 8032, section 5.1: a point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def point(data):
    """The point that 32 bytes stand for, None if they stand for none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public, signature, message):
    """Whether R = [s]B - [k]A, both products in one run over their bits."""
    key, s = point(public), int.from_bytes(signature[32:], "little")
    if key is None or len(signature) != 64 or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    minus = (P - key[0], key[1], 1, P - key[3])
    table = ((0, 1, 1, 0), BASE, minus, add(BASE, minus))
    result = table[0]
    for bit in range(255, -1, -1):
        result = add(result, result)
        index = (s >> bit & 1) + 2 * (k >> bit & 1)
        result = add(result, table[index]) if index else result
    inverse = pow(result[2], P - 2, P)
    x, y = result[0] * inverse % P, result[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# Canonical JSON: sorted keys, no spaces, UTF-8; strings, integers of 64 bits, true, false, lists and objects only.
encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def refuse(text):
    raise ValueError(f"{text} stands where only whole numbers may")


def is_plain(value):
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    if isinstance(value, list):
        return all(map(is_plain, value))
    return isinstance(value, (str, bool)) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def parsed(raw, line):
    if not raw.endswith(b"\n"):
        raise Wrong("truncated", line, "the line has no end; the file is cut off, or too much is in one line")
    try:
        text = raw[:-1].decode()
        document = json.loads(text, parse_float=refuse, parse_constant=refuse)
        # Looked through only where something may be found: it takes longer than all the rest.
        is_good = ("null" not in text and not re.search(r"\d{19}", text)) or is_plain(document)
        if is_good and isinstance(document, dict) and encode(document) == text:
            return document
    except (ValueError, RecursionError):
        pass
    raise Wrong("line_unreadable", line, "the line is not canonical JSON")


def prefixed(text):
    return struct.pack(">I", len(text.encode())) + text.encode()


class Package:
    """What is known while the lines go by; ``scores`` hears of every entry."""

    def __init__(self, scores, fingerprint):
        self.scores, self.fingerprint = scores, fingerprint
        self.line = self.position = self.recorded_at = self.checkpoints = 0
        self.hash, self.sha, self.keys, self.header, self.trailer = bytes(32), hashlib.sha256(), {}, None, None

    def read(self, file):
        steps = {"header": self.open, "file": self.file, "entry": self.entry, "checkpoint": self.checkpoint}
        while raw := file.readline(LINE_BYTES_MAX):
            self.line += 1
            document = parsed(raw, self.line)
            if self.trailer is not None:
                raise Wrong("line_unexpected", self.line, "something stands behind the trailer")
            kind = document.get("type")
            if (self.line == 1) != (kind == "header") or (self.line == 2) != (kind == "file"):
                raise Wrong("line_unexpected", self.line, "a package begins with one header and one file")
            try:
                if kind == "trailer":
                    self.end(document)
                elif kind in steps:
                    steps[kind](document)
                else:
                    raise Wrong("line_unexpected", self.line, "the line is of no type that a package has")
            except (KeyError, TypeError, ValueError, AttributeError, struct.error) as error:
                raise Wrong(
                    "line_unreadable", self.line, f"something is missing or of another type: {error!r}"
                ) from None
            self.sha.update(raw)
        if self.trailer is None:
            raise Wrong("truncated", self.line + 1, "the file ends before its trailer")

    def open(self, given):
        if given["format"] != "kos.package.1":
            raise Wrong("format_unknown", 1, f"the format is {given['format']!r}, known is 'kos.package.1'")
        self.header = given
        for key in given["keys"]:
            public = bytes.fromhex(key["public"])
            digest = hashlib.sha256(public).hexdigest()
            if (key["fingerprint"], key["id"], key["algorithm"]) != (digest, digest[:16], "Ed25519"):
                raise Wrong("key_mismatch", 1, f"the key {key['id']!r} does not have the fingerprint that stands there")
            self.keys[key["id"]] = public
        if self.fingerprint and self.fingerprint not in (key["fingerprint"] for key in given["keys"]):
            raise Wrong("key_foreign", 1, "the key that was asked for is not among those that signed")

    def file(self, given):
        if hashlib.sha256(given["text"].encode()).hexdigest() != given["sha256"]:
            raise Wrong("file_mismatch", self.line, f"{given['name']} is not the text whose hash stands there")

    def entry(self, e):
        body, at = encode(e["body"]).encode(), e["position"]
        if at != self.position + 1:
            raise Wrong("position_gap", self.line, f"entry {at} stands where {self.position + 1} belongs")
        if e["prev_hash"] != self.hash.hex():
            raise Wrong("chain_broken", self.line, f"entry {at} does not name the hash of the entry before")
        numbers = struct.pack(">QqqI", at, e["occurred_at"], e["recorded_at"], len(body))
        texts = [prefixed(text) for text in (self.header["event"], e["kind"], e["key"], e["actor"])]
        self.hash = hashlib.sha256(b"".join((b"kos.entry.1", self.hash, numbers, body, *texts))).digest()
        if e["hash"] != self.hash.hex():
            raise Wrong("hash_mismatch", self.line, f"the fields of entry {at} do not give its hash")
        if e["recorded_at"] <= self.recorded_at and at > 1:
            raise Wrong("time_not_increasing", self.line, f"entry {at} was not recorded after the entry before")
        self.position, self.recorded_at = at, e["recorded_at"]
        if problem := self.scores.take(at, e["kind"], e["body"]):
            raise Wrong("credits_mismatch", self.line, problem)

    def checkpoint(self, given):
        if (given["event"], given["position"], given["hash"]) != (
            self.header["event"],
            self.position,
            self.hash.hex(),
        ):
            raise Wrong("checkpoint_mismatch", self.line, "the checkpoint is not about the entry before it")
        signed = b"kos.checkpoint.1" + prefixed(given["event"]) + struct.pack(">Q", given["position"])
        self.verify(given, signed + self.hash + struct.pack(">q", given["made_at"]))
        self.checkpoints += 1

    def end(self, given):
        if (given["lines"], given["sha256"]) != (self.line - 1, self.sha.hexdigest()):
            raise Wrong("trailer_mismatch", self.line, "the lines before are not those that the trailer is about")
        if (self.header["head"], self.header["head_hash"]) != (self.position, self.hash.hex()):
            raise Wrong("head_mismatch", self.line, "the last entry is not the head that the header names")
        if self.fingerprint and hashlib.sha256(self.keys.get(given["key"], b"")).hexdigest() != self.fingerprint:
            raise Wrong("key_foreign", self.line, "the package is not signed by the key that was asked for")
        signed = b"kos.package.1" + prefixed(self.header["event"]) + struct.pack(">Q", given["lines"])
        self.verify(given, signed + self.sha.digest())
        self.trailer = given

    def verify(self, given, message):
        public = self.keys.get(given["key"])
        if public is None:
            raise Wrong(
                "signature_wrong", self.line, f"signed with {given['key']!r}, which is not among the header's keys"
            )
        signature = bytes.fromhex(given["signature"])
        if signature.hex() != given["signature"] or not is_signed(public, signature, message):
            raise Wrong("signature_wrong", self.line, "the signature is not over what stands there")


class Scores:
    """Of every host and team the four measures, then the positions at which each got its present value."""

    def __init__(self):
        self.hosts, self.teams, self.house, self.all = {}, {}, [0] * 8, [0] * 8
        self.status, self.unknown = {}, Counter()
        self.unit, self.exponent, self.shared, self.final = "", 0, False, False

    def take(self, at, kind, body):
        """Count one entry; a sentence if it contradicts itself."""
        if kind == "event.created":
            self.unit, self.exponent = body["currency"], body["exponent"]
        if kind in ("event.created", "rules.changed"):
            self.shared = body["rules"].get("ranks") == "shared"
        elif kind == "roster.changed" and not self.final:
            for team in body.get("teams", ()):
                self.teams.setdefault(team, [0] * 8)
            for host in body.get("hosts", ()):
                self.hosts.setdefault(host["id"], [0] * 8)
                self.status[host["id"]] = host["status"]
        elif kind == "event.moved":
            self.final = self.final or body["to"] == "final"
        elif kind == "order.paid":
            return self.paid(at, body)
        elif kind in TAKEN:
            self.taken(at, body)
        elif kind == "order.reattributed":
            self.reattributed(at, body)
        elif kind not in SILENT and kind != "roster.changed":
            self.unknown[kind] += 1
        return ""

    def of(self, host, team):
        if host == "House":
            return [self.all, self.house]
        return [self.all, self.hosts.setdefault(host, [0] * 8), self.teams.setdefault(team, [0] * 8)]

    def add(self, changes, parts, sign, measures):
        for part in parts:
            for tally in self.of(part["host"], part["team"]):
                change = changes.setdefault(id(tally), (tally, [0] * 4))[1]
                for measure, member in measures:
                    change[measure] += sign * part[member]
        return changes

    def move(self, at, changes):
        """Added up first: whoever loses on one line what the same entry gives on another has reached nothing anew."""
        for tally, change in () if self.final else changes.values():
            for measure, amount in enumerate(change):
                if amount:
                    tally[measure] += amount
                    tally[4 + measure] = at

    def once(self, sellers):
        return {id(tally): tally for one in sellers for tally in self.of(one["host"], one["team"])}.values()

    def count(self, at, sellers, step):
        """An order counts once for the event, for each host and for each team."""
        for tally in () if self.final else self.once(sellers):
            tally[ORDERS] += step
            tally[4 + ORDERS] = at

    def paid(self, at, body):
        # What is in another currency counts as what it was worth in the event's.
        fact, credits = body.get("value", body["fact"]), body["credits"]
        sold = sum(line["quantity"] * line["unit_price"] - line.get("discount", 0) for line in fact["lines"])
        sold -= fact.get("tax", 0) if fact.get("tax_included") else 0
        if sum(credit["amount"] for credit in credits) != sold:
            return f"what entry {at} credits is not what its lines sold for"
        if sum(credit["units"] for credit in credits) != sum(line["quantity"] for line in fact["lines"]):
            return f"the units that entry {at} credits are not those that were sold"
        if not body.get("late"):
            self.move(at, self.add({}, credits, 1, ((GROSS, "amount"), (NET, "amount"), (UNITS, "units"))))
            self.count(at, credits, 1)
        return ""

    def taken(self, at, body):
        """What a refund, cancellation or dispute took. Won, a dispute gives back; lost, it has taken already."""
        if body.get("parked") or body.get("outcome") == "lost":
            return
        step = 1 if "outcome" in body else -1
        sold = [] if body.get("pending") else [share for share in body["shares"] if share["of"] == "sale"]
        self.move(at, self.add({}, sold, step, ((NET, "amount"), (UNITS, "units"))))
        self.count(at, body.get("closed") or body.get("reopened", ()), step)

    def reattributed(self, at, body):
        changes = {}
        for name, sign in (("taken", -1), ("given", 1)):
            self.add(changes, body[name], sign, ((GROSS, "gross"), (NET, "amount"), (UNITS, "units")))
        for name, sign in (("before", -1), ("after", 1)):
            for tally in self.once(body[name]):
                changes.setdefault(id(tally), (tally, [0] * 4))[1][ORDERS] += sign
        self.move(at, changes)

    def board(self, of, measure):
        """Higher score first, then who reached it first, then the id by its bytes."""
        tallies = self.hosts if of == "hosts" else self.teams
        hidden = {host for host, status in self.status.items() if status != "active"} if of == "hosts" else {"-"}
        place = {i: (-t[measure], 0 if self.shared else t[4 + measure], i.encode()) for i, t in tallies.items()}
        ranked = sorted((i for i in tallies if i not in hidden), key=place.__getitem__)
        rows, rank = [], 0
        for number, identity in enumerate(ranked, 1):
            if not (self.shared and rows and tallies[ranked[number - 2]][measure] == tallies[identity][measure]):
                rank = number
            rows.append({"rank": rank, "id": identity, "score": self.shown(tallies[identity][measure], measure)})
        excluded = sum(tallies[identity][measure] for identity in tallies if identity in hidden)
        sums = {"total": self.all[measure], "house": self.house[measure], "excluded": excluded}
        return {"rows": rows, **{name: self.shown(amount, measure) for name, amount in sums.items()}}

    def shown(self, amount, measure):
        if measure not in (GROSS, NET):
            return amount
        digits = str(abs(amount)).rjust(self.exponent + 1, "0")
        whole = digits[: len(digits) - self.exponent] + ("." + digits[-self.exponent :] if self.exponent else "")
        return ("-" if amount < 0 else "") + whole

    def boards(self):
        ids = {f"{of}.{name}": (of, MEASURES.index(name)) for of in ("hosts", "teams") for name in MEASURES}
        return {name.replace(".net_sales", ""): self.board(*place) for name, place in ids.items()}


def recount(path, fingerprint=""):
    scores = Scores()
    package = Package(scores, fingerprint)
    wrong = None
    try:
        with open(path, "rb") as file:
            package.read(file)
    except Wrong as error:
        wrong = error.found
    header = package.header or {}
    signed_by = hashlib.sha256(package.keys[package.trailer["key"]]).hexdigest() if package.trailer else ""
    return {
        "result": "wrong" if wrong else "incomplete" if scores.unknown else "right",
        "event": header.get("event", ""),
        "head": package.position,
        "head_hash": package.hash.hex(),
        "checkpoints": package.checkpoints,
        "signed_by": signed_by,
        "wrong": wrong,
        "unknown_kinds": dict(scores.unknown),
        "unknown_boards": [f"{of}.{measure}.day" for of in ("hosts", "teams") for measure in MEASURES],
        "boards": {} if wrong else scores.boards(),
    }


def told(report):
    yield f"{report['event']}: {report['head']} entries, {report['checkpoints']} checkpoints, {report['head_hash']}"
    if report["wrong"]:
        yield "WRONG in line {line}: {detail} [{code}]".format(**report["wrong"])
        return
    for name, board in report["boards"].items():
        yield f"\n{name}: {board['total']}, of nobody {board['house']}, excluded {board['excluded']}"
        yield from (f"{row['rank']:6} {row['id']:30} {row['score']:>20}" for row in board["rows"])
    yield f"\nSigned by {report['signed_by']}: compare it with what the organiser has published."
    yield "Not counted here, also of the kinds that are known: " + ", ".join(report["unknown_boards"])
    for kind, count in report["unknown_kinds"].items():
        yield f"INCOMPLETE: {count} entries of the kind {kind}, which is not known here"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--key", default="", help="fingerprint of the key that must have signed, 64 hex digits")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    fingerprint = given.key.lower().replace(":", "")
    if fingerprint and not re.fullmatch("[0-9a-f]{64}", fingerprint):
        parser.error("a fingerprint is 64 hex digits")
    report = recount(given.file, fingerprint)
    print(json.dumps(report) if given.json else "\n".join(told(report)))
    return {"right": 0, "wrong": 1, "incomplete": 2}[report["result"]]


if __name__ == "__main__":
    sys.exit(main())
