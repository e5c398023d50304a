"""``kos verify``: recompute an event from its entries and name everything that does not agree. Reads one snapshot.

Each pass has a code. The entries are read once, in order; what is wrong with one entry does not stop the rest. An order
about which there is more is looked up when its last entry passes, and then forgotten.
Memory is bounded by hosts, teams, days and parked refunds, not by entries. That a business key occurs once is the
database's unique index to hold; an entry whose key was changed is found by its hash.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from app.audit import PAGE
from app.audit.order_rules import OrderRules, keys_wanted
from app.audit.report import PASSES, Finding, Report
from app.audit.start import beginning, is_valid, pinned
from app.audit.walk import Checkpoint, Walk
from app.journal.entry import Entry, content_digest, content_hash
from app.journal.store import SnapshotReader, StoredState

# A report as the rest of the program knows it; in which file it lies is of no interest there.
__all__ = ["PASSES", "Checkpoint", "Finding", "Report", "Snapshots", "verify"]

# Orders that are looked up together; each has some hundred entries about it at most.
_ORDERS_AT_ONCE = 250
# Bodies of states can be large.
_STATES_AT_ONCE = 4


class Snapshots(Protocol):
    """Where events can be read from: a store, or one transaction."""

    def snapshot(self, event: str) -> AbstractAsyncContextManager[SnapshotReader]: ...


async def verify(
    store: Snapshots,
    event: str,
    advance: Callable[[int], None] = lambda count: None,
    with_digest: bool = False,
    checkpoints: Collection[Checkpoint] = (),
    from_checkpoint: bool = False,
) -> Report:
    """Verify one event from one read snapshot; ``advance`` hears how many entries were read.

    ``with_digest`` also makes the content digest, and keeps 32 bytes of each entry in memory for it.
    ``checkpoints`` were kept outside the database: only they can tell that it was set back to an earlier time, or
    that all of its tail was written anew.
    ``from_checkpoint`` believes the newest stored state that a signed checkpoint pins, and begins behind it; it goes
    with neither of the others.

    Errors: Unavailable if the database cannot be read.
    """
    report = Report(event, checkpoints=len(checkpoints))
    async with store.snapshot(event) as reader:
        head = await reader.head()
        _find_missing_tail(report, head.position if head else 0, max((at for at, _ in checkpoints), default=0))
        if head is None:
            report.complete = False
            return report
        report.head, report.head_hash = head.position, head.hash.hex()
        start = await pinned(reader, head) if from_checkpoint else None
        walk = Walk(report, start or beginning(head), checkpoints)
        beside = _Beside(reader, report, walk, await reader.signing_keys())
        report.first = walk.position + 1
        hashes: list[bytes] = []
        while entries := await reader.read(walk.position, PAGE):
            after, last = walk.position, entries[-1].position
            if with_digest:
                hashes += map(content_hash, entries)
            await beside.compare_signed(after, last)
            walk.take(entries, await reader.postings(after, last - after), await beside.states(last))
            await beside.check_orders(entries)
            advance(len(entries))
        # Postings, states and checkpoints behind the last entry have none to stand on.
        beyond = await reader.signed(walk.position, 1)
        _find_missing_tail(report, head.position, beyond[0].position if beyond else 0)
        walk.take([], await reader.postings(walk.position, 2**62), await reader.states(walk.position, 1))
        walk.finish(head)
        if with_digest:
            report.content_digest = content_digest(hashes)
    return report


def _find_missing_tail(report: Report, position: int, named: int) -> None:
    if named > position:
        report.find("tail_missing", position + 1, f"the journal ends at {position}, and a checkpoint names {named}")


class _Beside:
    """What stands in the database beside the entries of a page."""

    def __init__(self, reader: SnapshotReader, report: Report, walk: Walk, keys: dict[str, bytes]) -> None:
        self._reader = reader
        self._report = report
        self._walk = walk
        self._keys = keys
        self._first = walk.position
        self._orders = OrderRules(report)
        self._stated = walk.position
        self._ahead: list[StoredState] = []

    async def compare_signed(self, after: int, last: int) -> None:
        """Have the walk meet the checkpoints of the positions that come."""
        for signed in await self._reader.signed(after, PAGE):
            if signed.position > last:
                break
            self._report.signed += 1
            if is_valid(self._report.event, signed, self._keys):
                self._walk.compare_with([(signed.position, signed.hash.hex())])
            else:
                self._report.find("checkpoint_unsigned", signed.position, f"no key {signed.key!r} has signed it")

    async def states(self, last: int) -> list[StoredState]:
        """Stored states up to a position, from where this ended before."""
        found: list[StoredState] = []
        while True:
            if not self._ahead:
                self._ahead = await self._reader.states(self._stated, _STATES_AT_ONCE)
            if not self._ahead or self._ahead[0].position > last:
                return found
            found.append(self._ahead.pop(0))
            self._stated = found[-1].position

    async def check_orders(self, entries: Sequence[Entry]) -> None:
        """Orders about which these entries are, if nothing comes about them any more."""
        about, _ = keys_wanted(entries)
        keys = sorted(about)
        for start in range(0, len(keys), _ORDERS_AT_ONCE):
            await self._check_orders(keys[start : start + _ORDERS_AT_ONCE], entries)

    async def _check_orders(self, keys: list[str], entries: Sequence[Entry]) -> None:
        found = await self._reader.lookup(keys, keys)
        by_key: dict[str, list[Entry]] = {key: [] for key in keys}
        for entry in found:
            key = entry.content.get("about", entry.key)
            if key in by_key:
                by_key[key].append(entry)
            elif entry.position > self._first:
                self._report.find("about_mismatch", entry.position, "it is found under an order that it is not about")
        listed = {entry.position for entry in found}
        for entry in entries:
            if entry.content.get("about") in by_key and entry.position not in listed:
                self._report.find("about_mismatch", entry.position, "it is not found under the order that it is about")
        _, causes = keys_wanted(found)
        corrections = {each.key: each.position for each in await self._reader.lookup(sorted(causes), [])}
        last = entries[-1].position
        for order in by_key.values():
            if order and order[-1].position <= last:
                self._orders.check(order, corrections, self._first)
