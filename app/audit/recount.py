"""``kos recount``: check a result package, decide every entry again and fold the boards; no database, no network.

Two walks over the file. The first checks bytes, chain and signatures, and notes the orders that something is about. The
second, if nothing was wrong, decides: memory holds hosts, and those orders until their last entry has passed.
"""

import sqlite3
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from app.audit.kinds import KINDS, Malformed, Uses, checked
from app.audit.package_reader import Findings, Header, Walk, entries_of
from app.challenge.boards import Frame, all_boards, board_document
from app.challenge.roster import CHANGES_PER_ENTRY_MAX
from app.challenge.scores import Scoreboard, Totals
from app.decide import SCHEDULE_ACTOR, decide, due
from app.errors import AppError, InvariantError
from app.journal.drafts import Draft, Fact
from app.journal.entry import Entry, epoch_of, fast_canonical_bytes, is_canonical
from app.sales.money import format_amount
from app.sales.postings import postings_of
from app.state import State

# recorded_at runs ahead of the clock by a microsecond for each entry of a batch, and by up to a second behind a clock
# that was set back.
AHEAD_US_MAX = 2_000_000
_KEYS_AT_ONCE = 1_000
_BROKEN = (AppError, InvariantError, KeyError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError)


@dataclass(slots=True)
class Report:
    """What a recount saw. Incomplete, it is no pass: ``unknown_kinds`` says what this version does not know."""

    findings: Findings
    header: Header | None = None
    head: int = 0
    head_hash: str = ""
    checkpoints: int = 0
    signed_by: str = ""
    unknown_kinds: Counter[str] = field(default_factory=Counter)
    boards: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 right, 1 something is wrong, 2 not everything could be covered."""
        if self.findings.listed:
            return 1
        return 2 if self.unknown_kinds else 0

    def document(self) -> dict[str, Any]:
        """The report for a script."""
        return {
            "event": self.header.event if self.header else "",
            "brand": self.header.brand if self.header else "",
            "result": ("right", "wrong", "incomplete")[self.exit_code],
            "head": self.head,
            "head_hash": self.head_hash,
            "checkpoints": self.checkpoints,
            "signed_by": self.signed_by,
            "findings": [
                {"code": one.code, "line": one.line, "position": one.position, "detail": one.detail}
                for one in self.findings.listed
            ],
            "more_findings": self.findings.more,
            "unknown_kinds": dict(self.unknown_kinds),
            "boards": self.boards,
        }


def recount(path: Path, fingerprint: str = "", advance: Callable[[int], None] = lambda count: None) -> Report:
    """Recount the package in a file; ``advance`` hears of the bytes that were read, each of them twice.

    ``fingerprint``: of the key that must have signed the package, 64 hex digits; "" takes any.
    Errors: OSError if the file cannot be read.
    """
    uses = Uses()
    report = Report(Findings())
    walk = Walk(report.findings, fingerprint, uses.hear)
    with path.open("rb") as file:
        walk.read(file, advance)
    report.header, report.head, report.head_hash = walk.header, walk.head, walk.head_hash.hex()
    report.checkpoints, report.signed_by = walk.checkpoints, walk.signed_by
    if report.findings.listed or walk.header is None:
        return report
    again = _Again(report, walk.header, uses)
    with path.open("rb") as file, closing(_Keys(report.findings)) as keys:
        again.take_all(_heard(entries_of(_read(file, advance), walk.header.event), keys))
    if report.exit_code == 0:
        report.boards = again.boards()
    return report


def _read(file: Iterable[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    for raw in file:
        advance(len(raw))
        yield raw


def _heard(entries: Iterable[tuple[int, Entry]], keys: "_Keys") -> Iterator[tuple[int, Entry]]:
    for number, entry in entries:
        keys.add(entry.key, number, entry.position)
        yield number, entry


class _Keys:
    """That every key occurs once. They are kept in a private temporary database: no memory grows with the entries."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._pending: list[tuple[str, int, int]] = []
        # Without a name it is a file of SQLite's own, which goes with the connection.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, line INTEGER, position INTEGER) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def add(self, key: str, line: int, position: int) -> None:
        self._pending.append((key, line, position))
        if len(self._pending) >= _KEYS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        before = self._db.total_changes
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", self._pending)
        if self._db.total_changes - before < len(self._pending):
            for key, line, position in self._pending:
                (first,) = self._db.execute("SELECT position FROM seen WHERE key = ?", (key,)).fetchone()
                if first != position:
                    self._findings.add("key_repeated", line, position, f"{key!r} is the key of entry {first} already")
        self._pending.clear()

    def close(self) -> None:
        self._flush()
        self._db.close()


class _Lookup:
    """What a decision may ask: the entries of orders that something is about, for as long as something comes."""

    def __init__(self, uses: Uses) -> None:
        self._last = uses.last
        self._kept: dict[str, list[Entry]] = {}
        # What nothing looks at any more behind a position.
        self._ends: defaultdict[int, list[str]] = defaultdict(list)
        for key, last in uses.last.items():
            self._ends[last].append(key)

    def by_key(self, key: str) -> Entry | None:
        """Keys occur once, so no fact in a journal is a repeat; but a decision may ask for an earlier entry."""
        return next((entry for entry in self._kept.get(key, ()) if entry.key == key), None)

    def of_order(self, order: str) -> Sequence[Entry]:
        return self._kept.get(order, ())

    def passed(self, entry: Entry) -> None:
        order = entry.about or entry.key
        if self._last.get(order, 0) > entry.position:
            self._kept.setdefault(order, []).append(entry)
        for key in self._ends.pop(entry.position, ()):
            self._kept.pop(key, None)


class _Mismatch(Exception):
    """What the rules would not have let happen."""


class _Again:
    """Every entry decided once more on the state that the ones before it left, and folded."""

    def __init__(self, report: Report, header: Header, uses: Uses) -> None:
        self._report = report
        self._state = State(header.event)
        self._scores = Scoreboard(Totals("UTC"))
        self._lookup = _Lookup(uses)
        # What a decision wrote besides its first entry, and who had said the fact.
        self._expected: deque[Draft] = deque()
        self._actor = ""
        self._epoch = ""
        self._number = 0

    def take_all(self, entries: Iterable[tuple[int, Entry]]) -> None:
        """All entries, until one is of a kind that is not known or cannot be folded."""
        for call in _calls(entries):
            for index, (number, entry) in enumerate(call):
                self._number = number
                if entry.kind not in KINDS:
                    self._report.unknown_kinds[entry.kind] += 1
                if self._report.unknown_kinds:
                    continue
                self._check(entry, [other for _, other in call[index:]])
                try:
                    self._fold(entry)
                except _BROKEN as error:
                    self._find("kind_unknown", entry, f"the entry cannot be folded: {error!r}")
                    return

    def boards(self) -> dict[str, Any]:
        """Every board over the whole event as the API shows it, all rows; by id."""
        state = self._state
        amount = partial(format_amount, exponent=state.exponent)
        shared = state.rules.ranks == "shared"
        frame = Frame(state.event, self._epoch, state.currency, state.status, shared, amount)
        found = {}
        for spec in all_boards():
            if spec.window == "event":
                rows = len(state.roster.hosts) + len(state.roster.teams)
                document = board_document(self._scores, spec, frame, state.recorded_at, state.position, rows)
                found[spec.id] = {name: document[name] for name in ("total", "house", "excluded", "rows")}
        return found

    def _find(self, code: str, entry: Entry, detail: str) -> None:
        self._report.findings.add(code, self._number, entry.position, detail)

    def _check(self, entry: Entry, call: Sequence[Entry]) -> None:
        if not is_canonical(entry):
            self._find("body_not_canonical", entry, "the body is not canonical JSON")
        try:
            postings_of(entry.kind, entry.content)
        except _BROKEN as error:
            self._find("postings_unbalanced", entry, f"no postings follow from the body: {error!r}")
        try:
            if not self._expected:
                self._expected.extend(self._decided(entry, call))
                self._actor = entry.actor
        except Malformed as error:
            self._find("fact_malformed", entry, f"no call can have said this: {error}")
            return
        except _Mismatch as error:
            self._find("decision_mismatch", entry, str(error))
            return
        except AppError as refusal:
            self._find("decision_mismatch", entry, f"it has to be refused: {refusal}")
            return
        except _BROKEN as error:
            self._find("decision_mismatch", entry, f"it cannot be decided: {error!r}")
            return
        if not self._expected:
            self._find("decision_mismatch", entry, "nothing has to be written here")
            return
        draft = self._expected.popleft()
        if problem := _difference(draft, entry, self._actor):
            self._find("decision_mismatch", entry, problem)
        if draft.key != entry.key:
            # What else it wrote is not what comes next.
            self._expected.clear()

    def _decided(self, entry: Entry, call: Sequence[Entry]) -> Sequence[Draft]:
        state, kind = self._state, KINDS[entry.kind]
        if entry.actor == SCHEDULE_ACTOR:
            draft = due(state, entry.recorded_at)
            return [draft] if draft else []
        if (late := due(state, entry.recorded_at - AHEAD_US_MAX)) is not None:
            raise _Mismatch(f"before this the event had to become {late.content['to']}")
        if kind.fact is None:
            return []
        fact = kind.fact(state, call)
        if kind.shape is not None:
            checked(kind, state, fact.content)
        return decide(state, fact, self._time(entry, fact, kind.took), self._lookup).drafts

    def _time(self, entry: Entry, fact: Fact, took: str) -> int:
        """The time of a decision: when it was recorded, or what the body holds for a time that was left out."""
        if not took or took not in entry.content or took in fact.content:
            return entry.recorded_at
        at: int = entry.content[took]
        # A time that cannot have been the clock's gives another body than the one that stands there.
        return at if entry.recorded_at - AHEAD_US_MAX <= at <= entry.recorded_at else entry.recorded_at

    def _fold(self, entry: Entry) -> None:
        if entry.kind == "event.created":
            self._scores = Scoreboard(Totals(entry.content["timezone"]))
            self._epoch = epoch_of(entry.hash)
        self._state.apply(entry.position, entry.kind, entry.key, entry.recorded_at, entry.content)
        self._scores.apply(entry.position, entry.kind, entry.recorded_at, entry.content)
        self._lookup.passed(entry)


def _difference(draft: Draft, entry: Entry, actor: str) -> str:
    """What an entry says that the decision does not, "" if nothing."""
    for name, decided, told in (
        ("kind", draft.kind, entry.kind),
        ("key", draft.key, entry.key),
        ("occurred_at", entry.recorded_at if draft.occurred_at is None else draft.occurred_at, entry.occurred_at),
        ("actor", draft.actor or actor, entry.actor),
    ):
        if decided != told:
            return f"its {name} is {told!r}, and the decision gives {decided!r}"
    if fast_canonical_bytes(draft.content) == entry.body:
        return ""
    members = sorted(draft.content.keys() | entry.content.keys())
    other = [name for name in members if draft.content.get(name) != entry.content.get(name)]
    return f"the decision gives another body: {', '.join(other)}"


def _calls(entries: Iterable[tuple[int, Entry]]) -> Iterator[list[tuple[int, Entry]]]:
    """The entries, those of one large roster together: it was decided as one."""
    call: list[tuple[int, Entry]] = []
    for number, entry in entries:
        if call and not _goes_on([other for _, other in call], entry):
            yield call
            call = []
        call.append((number, entry))
        if entry.kind != "roster.changed":
            yield call
            call = []
    if call:
        yield call


def _goes_on(call: Sequence[Entry], entry: Entry) -> bool:
    """Whether this entry says the rest of a roster that the ones before it began to say."""
    first, last = call[0], call[-1]
    if entry.kind != "roster.changed" or entry.actor != first.actor or entry.recorded_at != last.recorded_at + 1:
        return False
    if "request" in first.content or "request" in entry.content:
        return "request" not in entry.content and len(call) < first.content.get("entries", 1)
    changes = sum(len(items) for items in last.content.values() if isinstance(items, list))
    said = {host["id"] for other in call for host in other.content.get("hosts", ())}
    return changes >= CHANGES_PER_ENTRY_MAX and said.isdisjoint(host["id"] for host in entry.content.get("hosts", ()))
