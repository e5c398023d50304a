"""``kos verify``: recompute an event from its entries and name everything that does not agree. Reads one snapshot.

Each pass has a code. The entries are read once, in order; what is wrong with one entry does not stop the rest.
Memory is bounded by hosts, teams, days and parked refunds, not by entries. That a business key occurs once is the
database's unique index to hold; an entry whose key was changed is found by its hash.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from app.audit import PAGE
from app.errors import AppError, InvariantError
from app.events import OpenEvent, from_stored, new_scores, stored_state
from app.journal.entry import ZERO_HASH, Entry, canonical_bytes, content_digest, content_hash, epoch_of, rehash
from app.journal.store import Head, Posting, SnapshotReader, StoredState, head_after
from app.sales.facts import line_amounts
from app.sales.nobody import HOUSE
from app.sales.postings import postings_of, sales
from app.sales.rates import value_of, valued
from app.state import State

FINDINGS_MAX = 100
# More than any setting of `state_entries` leaves within one page of entries.
STATES_PER_PAGE = PAGE

PASSES = {
    "position_gap": "positions run from 1 to the head, each once",
    "chain_broken": "each entry names the hash of the one before",
    "hash_mismatch": "each entry's fields give the hash that is stored with it",
    "head_mismatch": "the head is the last entry",
    "body_not_canonical": "each body is canonical JSON",
    "time_not_increasing": "recorded_at strictly increases",
    "kind_unknown": "every entry is of a known kind and can be folded",
    "postings_unbalanced": "an entry's postings sum to zero per currency",
    "postings_mismatch": "the postings are those that the entry's body gives, no more and no less",
    "credits_mismatch": "an order's credits sum to its lines, in money and units",
    "board_mismatch": "a fold of the postings gives the boards' money",
    "state_mismatch": "each stored state is what the entries before it fold to",
}
# Only if checkpoints are given.
CHECKPOINT_PASSES = {
    "tail_missing": "the journal goes at least as far as every checkpoint",
    "checkpoint_mismatch": "the entry at a checkpoint has the hash that the checkpoint names",
}

Checkpoint = tuple[int, str]
"""A position and the hash, as hex, that its entry had when somebody wrote it down elsewhere."""


class Snapshots(Protocol):
    """Where events can be read from: a store, or one transaction."""

    def snapshot(self, event: str) -> AbstractAsyncContextManager[SnapshotReader]: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where, and which pass says so."""

    code: str
    position: int
    detail: str


@dataclass(slots=True)
class Report:
    """What a verification saw. ``complete`` is False if it could not cover everything: then it is no pass.

    ``content_digest`` is empty unless it was asked for. ``checkpoints`` is how many the event was compared with.
    """

    event: str
    entries: int = 0
    postings: int = 0
    states: int = 0
    head: int = 0
    head_hash: str = ""
    content_digest: str = ""
    checkpoints: int = 0
    complete: bool = True
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: str, position: int, detail: str) -> None:
        """Note a finding; past ``FINDINGS_MAX`` the rest is not listed and the report says it is incomplete."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(code, position, detail))
        else:
            self.complete = False

    @property
    def exit_code(self) -> int:
        """0 clean, 1 something was found, 2 not everything could be covered."""
        if self.findings:
            return 1
        return 0 if self.complete else 2

    def document(self) -> dict[str, Any]:
        """The report for a script."""
        failed = {finding.code for finding in self.findings}
        passes = PASSES | (CHECKPOINT_PASSES if self.checkpoints else {})
        document: dict[str, Any] = {
            "event": self.event,
            "result": ("clean", "found", "incomplete")[self.exit_code],
            "head": self.head,
            "head_hash": self.head_hash,
            "entries": self.entries,
            "postings": self.postings,
            "states": self.states,
            "passes": {code: "failed" if code in failed else "ok" for code in passes},
            "findings": [{"code": f.code, "position": f.position, "detail": f.detail} for f in self.findings],
        }
        if self.checkpoints:
            document["checkpoints"] = self.checkpoints
        return document | ({"content_digest": self.content_digest} if self.content_digest else {})


async def verify(
    store: Snapshots,
    event: str,
    advance: Callable[[int], None] = lambda count: None,
    with_digest: bool = False,
    checkpoints: Collection[Checkpoint] = (),
) -> Report:
    """Verify one event from one read snapshot; ``advance`` hears how many entries were read.

    ``with_digest`` also makes the content digest, and keeps 32 bytes of each entry in memory for it.
    ``checkpoints`` were kept outside the database: only they can tell that it was set back to an earlier time, or
    that all of its tail was written anew.

    Errors: Unavailable if the database cannot be read.
    """
    report = Report(event, checkpoints=len(checkpoints))
    async with store.snapshot(event) as reader:
        head = await reader.head()
        _find_missing_tail(report, head.position if head else 0, checkpoints)
        if head is None:
            report.complete = False
            return report
        report.head, report.head_hash = head.position, head.hash.hex()
        fold = _Fold(report, head, checkpoints)
        hashes: list[bytes] = []
        after = 0
        while entries := await reader.read(after, PAGE):
            last = entries[-1].position
            if with_digest:
                hashes += map(content_hash, entries)
            states = [state for state in await reader.states(after, STATES_PER_PAGE) if state.position <= last]
            fold.take(entries, await reader.postings(after, last - after), states)
            advance(len(entries))
            after = last
        # Postings and states behind the last entry have none to stand on.
        fold.take([], await reader.postings(after, 2**62), await reader.states(after, 1))
        fold.finish(head)
        if with_digest:
            report.content_digest = content_digest(hashes)
    return report


def _find_missing_tail(report: Report, position: int, checkpoints: Collection[Checkpoint]) -> None:
    last = max((at for at, _ in checkpoints), default=0)
    if last > position:
        report.find("tail_missing", position + 1, f"the journal ends at {position}, and a checkpoint names {last}")


class _Fold:
    """One walk over the entries with every check that needs only what came before."""

    def __init__(self, report: Report, head: Head, checkpoints: Collection[Checkpoint]) -> None:
        self.report = report
        self.hashes_at: dict[int, set[str]] = {}
        for position, named in checkpoints:
            self.hashes_at.setdefault(position, set()).add(named)
        self.sold: Counter[str] = Counter()
        self.opened = OpenEvent(Head(head.event, head.brand, 0, ZERO_HASH, 0), "", State(head.event), {})
        self.foldable = True
        self.last: Entry | None = None
        self.currency = ""

    def take(self, entries: Sequence[Entry], postings: Sequence[Posting], states: Sequence[StoredState]) -> None:
        """One page of entries with the postings and stored states of its positions."""
        by_position: dict[int, list[Posting]] = {}
        state_at = {state.position: state for state in states}
        for posting in postings:
            by_position.setdefault(posting.position, []).append(posting)
        self.report.entries += len(entries)
        self.report.postings += len(postings)
        for entry in entries:
            self._chain(entry)
            self._body(entry)
            self._postings(entry, by_position.pop(entry.position, []))
            self._fold(entry)
            self._state(state_at.pop(entry.position, None))
            self.last = entry
        for position, stray in by_position.items():
            self.report.find("postings_mismatch", position, f"{len(stray)} postings without an entry")
        for position in state_at:
            self.report.find("state_mismatch", position, "a stored state without an entry")

    def _chain(self, entry: Entry) -> None:
        before = self.last
        expected = before.position + 1 if before else 1
        if entry.position != expected:
            gone = f"{expected}" if entry.position == expected + 1 else f"{expected} to {entry.position - 1}"
            self.report.find("position_gap", expected, f"entry {gone} is missing")
            self.foldable = False
        prev_hash = before.hash if before else ZERO_HASH
        if entry.prev_hash != prev_hash:
            self.report.find("chain_broken", entry.position, "prev_hash is not the hash of the entry before")
        if rehash(entry) != entry.hash:
            self.report.find("hash_mismatch", entry.position, f"the fields of this {entry.kind} do not give its hash")
        if self.hashes_at.pop(entry.position, {entry.hash.hex()}) != {entry.hash.hex()}:
            self.report.find("checkpoint_mismatch", entry.position, "a checkpoint names another hash for this position")
        if before and entry.recorded_at <= before.recorded_at:
            self.report.find("time_not_increasing", entry.position, "recorded_at is not after the entry before")

    def _body(self, entry: Entry) -> None:
        try:
            canonical = canonical_bytes(orjson.loads(entry.body)) == entry.body
        except (InvariantError, orjson.JSONDecodeError):
            canonical = False
        if not canonical:
            self.report.find("body_not_canonical", entry.position, "the body is not canonical JSON")

    def _postings(self, entry: Entry, stored: list[Posting]) -> None:
        sums: Counter[str] = Counter()
        for posting in stored:
            sums[posting.currency] += posting.amount
        if any(sums.values()):
            self.report.find("postings_unbalanced", entry.position, "the postings do not sum to zero")
        try:
            derived = postings_of(entry.kind, entry.content)
        except (AppError, InvariantError, KeyError, TypeError, ValueError, AttributeError) as error:
            self.report.find("postings_mismatch", entry.position, f"no postings follow from the body: {error!r}")
            return
        currency = self.currency or entry.content.get("currency", "")
        wanted = [(leg, account, currency, amount) for leg, (account, amount) in enumerate(derived, 1)]
        if [(p.leg, p.account, p.currency, p.amount) for p in stored] != wanted:
            self.report.find("postings_mismatch", entry.position, "the stored postings are not those of the body")
        scores = self.opened.scores.get("full")
        # After final the ledger goes on and the boards do not.
        for account, amount in () if scores is None or scores.totals.is_final else derived:
            if account.startswith("Income:Sales:"):
                self.sold[account] -= amount

    def _fold(self, entry: Entry) -> None:
        """The same fold that the server serves from, checked against what this walk adds up by itself."""
        if not self.foldable:
            return
        opened = self.opened
        try:
            if entry.kind == "event.created":
                opened.scores = new_scores(entry.content["timezone"])
                self.currency = entry.content["currency"]
            if entry.kind == "order.paid":
                self._credits(entry)
            opened.state.apply(entry.position, entry.kind, entry.key, entry.recorded_at, entry.content)
            opened.scores["full"].apply(entry.position, entry.kind, entry.recorded_at, entry.content)
        except (AppError, InvariantError, KeyError, TypeError, ValueError, AttributeError) as error:
            self.report.find("kind_unknown", entry.position, f"the entry cannot be folded: {error!r}")
            self.foldable = False
            return
        opened.head = head_after(opened.head, [entry])
        opened.epoch = opened.epoch or epoch_of(entry.hash)

    def _state(self, stored: StoredState | None) -> None:
        """A stored state must be, to the byte, what this walk has folded up to its position."""
        if stored is None or not self.foldable:
            return
        self.report.states += 1
        if from_stored(self.opened.head, stored) is None or stored.digest != stored_state(self.opened).digest:
            self.report.find("state_mismatch", stored.position, "the stored state is not what the entries fold to")

    def _credits(self, entry: Entry) -> None:
        fact = valued(entry.content)
        if "value" in entry.content and value_of(entry.content["fact"], entry.content["rate"], self.currency) != fact:
            self.report.find("credits_mismatch", entry.position, "the value is not what the order is worth at its rate")
        amounts: Counter[str] = Counter()
        units: Counter[str] = Counter()
        for credit in entry.content["credits"]:
            amounts[credit["line"]] += credit["amount"]
            units[credit["line"]] += credit["units"]
            if credit["amount"] < 0 or credit["units"] < 0:
                self.report.find("credits_mismatch", entry.position, "a credit is below zero")
        if units != {line["id"]: line["quantity"] for line in fact["lines"]}:
            self.report.find("credits_mismatch", entry.position, "the units credited are not those sold")
        nets = [net for net, _ in line_amounts(fact)]
        if [amounts[line["id"]] for line in fact["lines"]] != nets:
            self.report.find("credits_mismatch", entry.position, "the money credited is not what the lines sold for")

    def finish(self, head: Head) -> None:
        """What can be said only at the end."""
        last = self.last
        if (last.position, last.hash) != (head.position, head.hash) if last else head.position != 0:
            self.report.find("head_mismatch", head.position, "the head is not the last entry")
        if not self.foldable or last is None:
            self.report.complete = False
            return
        self._boards()

    def _boards(self) -> None:
        """Net sales by host and team from the boards' fold, against the sums of the derived postings."""
        totals = self.opened.scores["full"].totals
        window = totals.windows["event"]
        by_host: Counter[str] = Counter()
        by_team: Counter[str] = Counter()
        for account, amount in self.sold.items():
            if account == sales(HOUSE, ""):
                by_host[HOUSE] += amount
                continue
            _, _, team, host = account.split(":", 3)
            by_host[host] += amount
            by_team[team] += amount
        boards = {host: tally[1] for host, tally in window.hosts.items()} | {HOUSE: window.house[1]}
        teams = {team: tally[1] for team, tally in window.teams.items()}
        for name, board, ledger in (("host", boards, by_host), ("team", teams, by_team)):
            for identity in sorted(board.keys() | ledger.keys()):
                if board.get(identity, 0) != ledger[identity]:
                    self.report.find("board_mismatch", totals.position, f"{name} {identity}: board and ledger differ")
