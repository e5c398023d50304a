"""One event as a process knows it: deciding state and a scoreboard per view, folded from a stored state and entries."""

import hashlib
import time
import zlib
from collections.abc import Callable, Sequence

import msgspec
import structlog

from app.challenge.scores import Scoreboard, Totals
from app.errors import InvariantError, NotFound, Unavailable
from app.journal.drafts import Fact
from app.journal.entry import Entry, epoch_of
from app.journal.plan import Accepted, Outcome
from app.journal.store import Head, Store, StoredState, head_after
from app.journal.writer import Writer
from app.state import State
from app.state.parts import decoded, encodable

log = structlog.get_logger(__name__)

VIEWS = ("full", "public")
# Changes whenever a stored state of an older version could no longer be read; older ones are then ignored.
STATE_FORMAT = "8"
_READ_PAGE = 2_000


class Folded(msgspec.Struct):
    """What is stored every ``state_entries`` entries: everything that can be folded, and the chain it stands on."""

    format: str
    hash: bytes
    epoch: str
    state: State
    full: Totals
    public: Totals | None


class OpenEvent:
    """One event as this process knows it, at ``head``. All changes go through ``extend``, which never waits."""

    def __init__(self, head: Head, epoch: str, state: State, scores: dict[str, Scoreboard]) -> None:
        self.head = head
        self.epoch = epoch
        self.state = state
        self.scores = scores
        self.writer: Writer | None = None
        self.asked_at = time.monotonic()
        self.check_writable: Callable[[str], None] = lambda event: None
        self.on_change: Callable[[OpenEvent, Sequence[Entry]], None] = lambda event, entries: None
        self.on_commit: Callable[[str, Sequence[Entry]], None] = lambda event, entries: None
        self.on_broken: Callable[[OpenEvent], None] = lambda event: None

    def give_up(self) -> None:
        """This copy is not what the journal says, or the journal is not what it must be; it is not used again."""
        self.on_broken(self)

    def extend(self, entries: Sequence[Entry], state: State | None = None) -> None:
        """Fold committed entries; those already known are passed over.

        ``state`` is a layer that holds them already, given by the writer that committed them: taken as it is if
        nothing else came in between.
        Errors: InvariantError if they leave a gap or do not chain to the head.
        """
        if state is not None:
            self.on_commit(self.head.event, entries)
        fresh = [entry for entry in entries if entry.position > self.head.position]
        if not fresh:
            return
        if fresh[0].prev_hash != self.head.hash:
            raise InvariantError(f"{self.head.event}: entry {fresh[0].position} does not chain to the head")
        if state is not None and len(fresh) == len(entries):
            self.state = state
        else:
            # A layer, so that a decision under way keeps the state it started from.
            state = self.state.layer()
            for entry in fresh:
                state.apply(entry.position, entry.kind, entry.key, entry.recorded_at, entry.content)
            self.state = state
        self.epoch = self.epoch or epoch_of(fresh[0].hash)
        for scoreboard in set(self.scores.values()):
            for entry in fresh:
                scoreboard.apply(entry.position, entry.kind, entry.recorded_at, entry.content)
        self.head = head_after(self.head, fresh)
        self.on_change(self, fresh)

    async def submit(self, facts: Sequence[Fact]) -> list[Outcome]:
        """Have facts decided and committed together; one outcome each, in order.

        Errors: Unavailable (database gone, queue full, in quarantine); a refusal is an outcome, not an error.
        """
        self.check_writable(self.head.event)
        if self.writer is None:
            raise Unavailable("event_unloading", "The event is being unloaded; send it again.")
        return await self.writer.submit(facts)

    async def submit_one(self, fact: Fact) -> Accepted:
        """As ``submit`` for one fact; its refusal is raised."""
        outcome = (await self.submit([fact]))[0]
        if isinstance(outcome, Accepted):
            return outcome
        raise outcome


def new_scores(timezone: str) -> dict[str, Scoreboard]:
    """A scoreboard per view. Until an event is frozen both views are the same fold, so it is folded once."""
    board = Scoreboard(Totals(timezone))
    return dict.fromkeys(VIEWS, board)


def packed(folded: Folded) -> bytes:
    """MessagePack, the same bytes for the same state."""
    return msgspec.msgpack.encode(folded, enc_hook=encodable)


def unpacked(body: bytes) -> Folded:
    """The way back. Errors: MsgspecError."""
    return msgspec.msgpack.decode(body, type=Folded, dec_hook=decoded)


def stored_state(event: OpenEvent) -> StoredState:
    """The folded state as it is stored, with its digest."""
    full, public = event.scores["full"], event.scores["public"]
    folded = Folded(
        STATE_FORMAT,
        event.head.hash,
        event.epoch,
        event.state,
        full.totals,
        None if public is full else public.totals,
    )
    body = packed(folded)
    return StoredState(event.head.event, event.head.position, hashlib.sha256(body).hexdigest(), zlib.compress(body, 1))


def from_stored(head: Head, stored: StoredState) -> OpenEvent | None:
    """An event at the position of a stored state; None if the state cannot be read and must be ignored."""
    try:
        body = zlib.decompress(stored.body)
        if hashlib.sha256(body).hexdigest() != stored.digest:
            raise ValueError("digest")
        folded = unpacked(body)
    except (zlib.error, ValueError, msgspec.MsgspecError) as error:
        log.warning("stored_state_ignored", journal_event=stored.event, position=stored.position, reason=str(error))
        return None
    if folded.format != STATE_FORMAT:
        return None
    full = Scoreboard(folded.full)
    scores = {"full": full, "public": full if folded.public is None else Scoreboard(folded.public)}
    at = Head(head.event, head.brand, stored.position, folded.hash, folded.state.recorded_at)
    return OpenEvent(at, folded.epoch, folded.state, scores)


def is_of_other_format(stored: StoredState) -> bool:
    """Whether another version wrote it, for itself: it is as it was written, and not for this one to read."""
    try:
        body = zlib.decompress(stored.body)
        written = msgspec.msgpack.decode(body)
    except (zlib.error, msgspec.MsgspecError):
        return False
    is_whole = hashlib.sha256(body).hexdigest() == stored.digest
    return is_whole and isinstance(written, dict) and written.get("format") != STATE_FORMAT


async def load(store: Store, event: str, at: int | None = None, use_states: bool = True) -> OpenEvent:
    """Fold an event from the newest stored state up to its head, or to position ``at``; it has no writer.

    Errors: NotFound ``event_unknown``; InvariantError if the entries do not chain.
    """
    head = await store.head(event)
    if head is None or head.position == 0:
        raise NotFound("event_unknown", f"There is no event {event[:80]!r}.")
    opened: OpenEvent | None = None
    stored = await store.latest_state(event, at) if use_states else None
    if stored is not None:
        opened = from_stored(head, stored)
        if opened is not None and not await _stands_in(store, opened):
            opened = None
    until = head.position if at is None else min(at, head.position)
    if opened is None or opened.head.position > until:
        first = next(iter(await store.read(event, 0, 1)), None)
        if first is None:
            raise InvariantError(f"{event}: the head is at {head.position}, and there is no entry")
        opened = OpenEvent(
            Head(event, head.brand, 0, first.prev_hash, 0),
            "",
            State(event),
            new_scores(first.content["timezone"]),
        )
    while opened.head.position < until:
        page = await store.read(event, opened.head.position, min(_READ_PAGE, until - opened.head.position))
        if not page:
            raise InvariantError(f"{event}: the head is at {head.position}, the entries end before")
        opened.extend(page)
    return opened


async def _stands_in(store: Store, opened: OpenEvent) -> bool:
    """Whether the journal has the very entry that a stored state was folded up to; else it is another journal's."""
    head = opened.head
    found = await store.read(head.event, head.position - 1, 1)
    if found and found[0].hash == head.hash and opened.state.position == found[0].position == head.position:
        return True
    log.warning("stored_state_ignored", journal_event=head.event, position=head.position, reason="another journal")
    return False
