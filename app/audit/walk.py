"""One walk over an event's entries with every check that needs only what came before. Reads nothing."""

from collections import Counter
from collections.abc import Collection, Sequence

from app.audit.accounts import Accounts
from app.audit.entry_rules import EntryRules
from app.audit.report import Report
from app.audit.start import Start
from app.errors import AppError, InvariantError
from app.events import from_stored, new_scores, stored_state
from app.journal.entry import ZERO_HASH, Entry, epoch_of, is_canonical, rehash
from app.journal.store import Head, Posting, StoredState, head_after
from app.opened import is_of_other_format
from app.sales.postings import postings_of

Checkpoint = tuple[int, str]
"""A position and the hash, as hex, that its entry had when somebody wrote it down."""

_BROKEN = (AppError, InvariantError, KeyError, TypeError, ValueError, AttributeError)


class Walk:
    """``take`` page after page from where it starts, then ``finish``."""

    def __init__(self, report: Report, start: Start, checkpoints: Collection[Checkpoint]) -> None:
        self.report = report
        self.opened = start.opened
        self.last: Entry | None = start.entry
        self.currency = self.opened.state.currency
        self.foldable = True
        self._rules = EntryRules(report)
        self._accounts = Accounts(report, start.opened, start.parked)
        self._hashes_at: dict[int, set[str]] = {}
        self.compare_with(checkpoints)

    @property
    def position(self) -> int:
        """Of the last entry that was taken."""
        return self.last.position if self.last else 0

    def compare_with(self, checkpoints: Collection[Checkpoint]) -> None:
        """Also these are to be met, at positions that come."""
        for position, named in checkpoints:
            self._hashes_at.setdefault(position, set()).add(named)

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
            if not is_canonical(entry):
                self.report.find("body_not_canonical", entry.position, "the body is not canonical JSON")
            self._postings(entry, by_position.pop(entry.position, []))
            self._fold(entry)
            if state_at:
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
        if entry.position in self._hashes_at and self._hashes_at.pop(entry.position) != {entry.hash.hex()}:
            self.report.find("checkpoint_mismatch", entry.position, "a checkpoint names another hash for this position")
        if before and entry.recorded_at <= before.recorded_at:
            self.report.find("time_not_increasing", entry.position, "recorded_at is not after the entry before")

    def _postings(self, entry: Entry, stored: list[Posting]) -> None:
        sums: Counter[str] = Counter()
        for posting in stored:
            sums[posting.currency] += posting.amount
        if any(sums.values()):
            self.report.find("postings_unbalanced", entry.position, "the postings do not sum to zero")
        try:
            derived = postings_of(entry.kind, entry.content)
            self._accounts.add(entry, derived)
        except _BROKEN as error:
            self.report.find("postings_mismatch", entry.position, f"no postings follow from the body: {error!r}")
            return
        currency = self.currency or entry.content.get("currency", "")
        wanted = [(leg, account, currency, amount) for leg, (account, amount) in enumerate(derived, 1)]
        if [(p.leg, p.account, p.currency, p.amount) for p in stored] != wanted:
            self.report.find("postings_mismatch", entry.position, "the stored postings are not those of the body")

    def _fold(self, entry: Entry) -> None:
        """The same fold that the server serves from, checked against what this walk adds up by itself."""
        if not self.foldable:
            return
        opened = self.opened
        try:
            if entry.kind == "event.created":
                opened.scores = new_scores(entry.content["timezone"])
                self.currency = entry.content["currency"]
            self._rules.check(opened.state, entry)
            opened.state.apply(entry.position, entry.kind, entry.key, entry.recorded_at, entry.content)
            opened.scores["full"].apply(entry.position, entry.kind, entry.recorded_at, entry.content)
        except _BROKEN as error:
            self.report.find("kind_unknown", entry.position, f"the entry cannot be folded: {error!r}")
            self.foldable = False
            return
        if entry.kind == "event.moved":
            self._accounts.note_status(opened)
        opened.head = head_after(opened.head, [entry])
        opened.epoch = opened.epoch or epoch_of(entry.hash)

    def _state(self, stored: StoredState | None) -> None:
        """A stored state must be, to the byte, what this walk has folded up to its position."""
        # One of another version is not used by this one.
        if stored is None or not self.foldable or is_of_other_format(stored):
            return
        self.report.states += 1
        if from_stored(self.opened.head, stored) is None or stored.digest != stored_state(self.opened).digest:
            self.report.find("state_mismatch", stored.position, "the stored state is not what the entries fold to")

    def finish(self, head: Head) -> None:
        """What can be said only at the end."""
        last = self.last
        if (last.position, last.hash) != (head.position, head.hash) if last else head.position != 0:
            self.report.find("head_mismatch", head.position, "the head is not the last entry")
        if not self.foldable or last is None:
            self.report.complete = False
            return
        self._accounts.compare(self.opened)
