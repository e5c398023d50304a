"""What passes between the writer and the rules: facts in, drafts of entries out. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.journal.entry import Entry


@dataclass(slots=True)
class Fact:
    """What a caller says, in our words, before it is decided.

    Shape: ``content`` is the normal form; ``key`` is its business name, "" for an ops call that brought none;
    ``order`` is the key of the order that must be looked up first; ``request`` is the fingerprint of an ops call
    that came with an Idempotency-Key; ``touches`` is what is known of the clicks that an order names, by their ids:
    not part of what is said, so a repeat is one whatever is known by then; ``read`` is there if the amounts named no
    currency: it gives the content with them read in one, as ``content`` has them in the event's (empty if they cannot
    be read in that); ``expected`` is how often the matter had changed as far as the caller knows, None if it does not
    matter: no part of what is said either.
    """

    kind: str
    key: str
    content: dict[str, Any]
    actor: str
    order: str = ""
    request: str = ""
    touches: dict[str, dict[str, Any]] = field(default_factory=dict)
    read: Callable[[str], dict[str, Any]] | None = None
    expected: int | None = None


@dataclass(slots=True)
class Draft:
    """An entry before it has a position. ``occurred_at`` None means now, ``actor`` "" the fact's own."""

    kind: str
    key: str
    content: dict[str, Any]
    occurred_at: int | None = None
    actor: str = ""


@dataclass(slots=True)
class Decision:
    """Drafts to append; or, for a repeat, the entry that answered first; neither if nothing changes."""

    drafts: list[Draft] = field(default_factory=list)
    first: Entry | None = None


class Lookup(Protocol):
    """What the journal already says, entries of the batch under way included."""

    def by_key(self, key: str) -> Entry | None: ...

    def of_order(self, order: str) -> Sequence[Entry]:
        """The order's own entry and all that are about it, in journal order."""
        ...
