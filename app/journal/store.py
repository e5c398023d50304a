"""The contract of a store: what the group-commit writer, the tail and the readers ask of a database.

Two implementations, ``store_postgres`` and ``store_sqlite``; one suite tests both. What always holds:

- An append is all or nothing: entries, postings and the head move together, or nothing moved.
- Positions are visible as a prefix: who has read up to P and asks for ``position > P`` misses nothing.
- A call that failed leaves its session usable: the next call reconnects by itself.

What a call can raise, besides those named at it:

- ``app.errors.Unavailable("database_unavailable")``: no database, a lock or a place not had in time, a
  full disk. What was being written is not there and will not come.
- ``OutcomeUnknown``: the link was lost while a write or a commit was under way.
- ``app.errors.InvariantError``: the database refused what we wrote (a gap, an unbalanced entry, text it
  cannot hold): our bug. Nothing was written.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from app.journal.entry import ZERO_HASH, Entry


@dataclass(frozen=True, slots=True)
class Head:
    """Newest position of an event's journal and its hash.

    Shape: position 0, ZERO_HASH and recorded_at 0 before the first entry.
    """

    event: str
    brand: str
    position: int
    hash: bytes
    recorded_at: int


@dataclass(slots=True)
class Posting:
    """One signed amount on one account, derived from the entry at ``position``.

    Not frozen: every order makes two, and a frozen one takes four times as long to make.

    Shape: ``leg`` counts from 1 within the entry; an entry's postings sum to zero per currency.
    Units: minor units of ``currency``, never zero; debit +, credit -.
    """

    event: str
    position: int
    leg: int
    account: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class AccountSum:
    """One account up to a position: how many postings it has, what they sum to, and where the last one is.

    Units: ``balance`` in minor units of ``currency``.
    """

    account: str
    currency: str
    balance: int
    postings: int
    last_position: int


@dataclass(frozen=True, slots=True)
class KindSum:
    """What the entries of one kind booked on one account in a range: their sum in minor units, and how many."""

    account: str
    kind: str
    amount: int
    entries: int


@dataclass(frozen=True, slots=True)
class AccountPosting:
    """A posting of one account beside the entry that it follows from; an entry has at most one on an account.

    Units: ``amount`` in minor units, debit +, credit -; times in microseconds since 1970 UTC.
    """

    position: int
    amount: int
    kind: str
    key: str
    about: str | None
    occurred_at: int
    recorded_at: int


@dataclass(frozen=True, slots=True)
class StoredState:
    """The folded state of an event at a position: a cache, droppable at any time."""

    event: str
    position: int
    digest: str
    body: bytes


class SignedHash(NamedTuple):
    """A checkpoint as it is stored: the hash that an entry had, and what a key signed of it. Not checked."""

    position: int
    hash: bytes
    made_at: int
    key: str
    signature: bytes


class Booked(NamedTuple):
    """An entry that booked something on an account that was asked for."""

    position: int
    kind: str
    key: str
    about: str | None


class HeadMoved(Exception):
    """The journal is not where the caller left it: somebody else appended. Nothing was written."""


class ClockMoved(HeadMoved):
    """The database's clock is not where this session carried it; it has read it anew. Nothing was written."""


class KeyTaken(Exception):
    """One of the keys is in the journal already, or the id of a new event is taken. Nothing was written."""


class OutcomeUnknown(Exception):
    """The link was lost while a write or a commit was under way.

    It may be there now, or come until ``begin`` of the same event has returned: look after that, then answer.
    """


def head_after(head: Head, entries: Sequence[Entry]) -> Head:
    """Head of the journal once these entries follow it."""
    last = entries[-1]
    return Head(head.event, head.brand, last.position, last.hash, last.recorded_at)


def new_head(event: str, brand: str) -> Head:
    """Head of a journal without entries."""
    return Head(event, brand, 0, ZERO_HASH, 0)


class Session(Protocol):
    """One writer's link to the database; not shared between tasks."""

    def now(self) -> int:
        """Microseconds since 1970 UTC, by the clock that ``recorded_at`` is taken from.

        PostgreSQL: the database's clock, carried on by this process's monotonic clock since the last
        statement that told it. SQLite: the process's. Both: the injected one, if there is one.
        """

    async def lookup(self, event: str, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        """Entries whose key is among ``keys`` or that are about one of ``about``, by position, each once."""

    async def read(self, event: str, after: int, limit: int) -> list[Entry]:
        """Entries with ``position > after``, ascending."""

    async def append_at(self, expected: Head, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
        """Append and commit at once, in one round trip, if the head is still ``expected``.

        Shape: at least one entry; postings ordered by position and leg.
        Errors: HeadMoved, KeyTaken, OutcomeUnknown.
        """

    async def begin(self, event: str, brand: str | None = None) -> tuple[Head, int] | None:
        """Begin a transaction, lock the event's head, return it and the time, read after the lock was had.

        ``brand`` given: create the event in this transaction; None if its id is taken.
        Not given: None if there is no such event. No transaction is open when None is returned.
        """

    async def append(self, entries: Sequence[Entry], postings: Sequence[Posting]) -> None:
        """Inside ``begin``: write entries and postings after the head, move it. Errors: KeyTaken."""

    async def commit(self) -> None:
        """Errors: OutcomeUnknown. No transaction is open afterwards, whatever happened."""

    async def rollback(self) -> None:
        """Safe at any time, also without a transaction and without a database; raises nothing."""

    async def close(self) -> None:
        """Roll back, give the link back. Safe to call twice."""


class SnapshotReader(Protocol):
    """What one event's journal was at one moment, however long the reading takes."""

    async def head(self) -> Head | None: ...

    async def read(self, after: int, limit: int) -> list[Entry]: ...

    async def lookup(self, keys: Sequence[str], about: Sequence[str]) -> list[Entry]: ...

    async def postings(self, after: int, limit_positions: int) -> list[Posting]: ...

    async def states(self, after: int = 0, limit: int = 100) -> list[StoredState]:
        """Stored states with ``position > after``, ascending; bodies can be large: keep ``limit`` small."""

    async def latest_state(self, at: int) -> StoredState | None:
        """The newest stored state with ``position <= at``."""

    async def signed(self, after: int, limit: int) -> list[SignedHash]:
        """Checkpoints with ``position > after``, ascending."""

    async def signing_keys(self) -> dict[str, bytes]:
        """By its name, the public half of every key that has signed in this installation."""


class Store(Protocol):
    """A database that holds journals."""

    dialect: str
    """``postgresql`` or ``sqlite``."""

    async def session(self) -> Session:
        """A new writer's link. PostgreSQL: waits, bounded, while ``writer_connections_max`` are out."""

    async def head(self, event: str) -> Head | None: ...

    async def heads(self, events: Sequence[str] | None = None, brand: str | None = None) -> list[Head]:
        """Heads by event id; all of them, or only those of these events, of this brand, of both."""

    async def read(self, event: str, after: int, limit: int) -> list[Entry]:
        """Entries with ``position > after``, ascending."""

    async def lookup(self, event: str, keys: Sequence[str], about: Sequence[str]) -> list[Entry]:
        """As ``Session.lookup``, of what is committed."""

    async def lookup_brand(self, brand: str, keys: Sequence[str]) -> list[Entry]:
        """Entries with one of these keys in every event of a brand, by event and position."""

    async def terms(self, events: Sequence[str]) -> list[Entry]:
        """Entries that say what these events are and where they stand in their life, by event and position."""

    async def postings(self, event: str, after: int, limit_positions: int) -> list[Posting]:
        """Postings of the positions ``(after, after + limit_positions]``, by position and leg."""

    async def accounts(self, event: str, at: int, after: str, limit: int) -> list[AccountSum]:
        """Accounts with a name behind ``after``, by the bytes of their names, as they stand at position ``at``."""

    async def sums_by_kind(self, event: str, accounts: Sequence[str], after: int, at: int) -> list[KindSum]:
        """What was booked on these accounts at positions ``(after, at]``, by account and kind of entry."""

    async def account_postings(self, event: str, account: str, at: int, after: int, limit: int) -> list[AccountPosting]:
        """Postings of one account at positions ``(after, at]``, ascending."""

    async def newest(self, event: str, kind: str, after: int, before: int, limit: int) -> list[Entry]:
        """Entries of one kind at positions ``(after, before)``, the newest first. Reads that whole range at worst."""

    async def booked(self, event: str, accounts: Sequence[str], after: int, before: int, limit: int) -> list[Booked]:
        """Entries at positions ``(after, before)`` that booked on one of these accounts, the newest first.

        Reads that whole range of postings at worst.
        """

    async def keys(self, first: str, behind: str, limit: int) -> list[tuple[str, str]]:
        """Keys in ``[first, behind)`` with their events, of all events and brands, by the bytes of key and event."""

    async def latest_state(self, event: str, at: int | None = None) -> StoredState | None:
        """Newest stored state, with ``position <= at`` if given."""

    async def save_state(self, state: StoredState) -> None:
        """Keep a state; one that is stored for this position already stays as it is. May be repeated."""

    async def drop_states(self, event: str) -> int:
        """Forget every stored state of an event; returns how many there were."""

    def snapshot(self, event: str) -> AbstractAsyncContextManager[SnapshotReader]:
        """One consistent read snapshot of an event; does not hold up its writer."""

    async def ping(self) -> None:
        """Errors: Unavailable unless the database answers and holds our tables."""

    async def close(self) -> None:
        """Close every link; its sessions must be closed before."""
