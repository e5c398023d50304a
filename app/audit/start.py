"""Where a verification begins: at the first entry, or behind a stored state that a signed checkpoint pins.

A stored state is as good as its digest, which nobody signs: what it says of the past is believed, as the server does
that serves from it. What is not believed is the chain: the state names the hash that it stands on, and the walk from
there has to come to the hash that was signed.
"""

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from app.audit.signing import checkpoint_bytes, is_signed
from app.events import OpenEvent, from_stored
from app.journal.entry import Entry, rehash
from app.journal.store import Head, SignedHash, SnapshotReader, new_head
from app.state import State


class Start(NamedTuple):
    """What is known before the first entry that is verified: the fold up to ``entry``, which is None at the beginning.

    Shape: ``parked`` has what waits for its order by then, minor units by key; "" for those beyond what a state lists.
    """

    opened: OpenEvent
    entry: Entry | None
    parked: Mapping[str, int]


def beginning(head: Head) -> Start:
    """Nothing is known."""
    return Start(OpenEvent(new_head(head.event, head.brand), "", State(head.event), {}), None, {})


async def pinned(reader: SnapshotReader, head: Head) -> Start | None:
    """The newest stored state at or behind which there is a checkpoint with a valid signature; None without any."""
    keys = await reader.signing_keys()
    position = head.position
    while (stored := await reader.latest_state(position)) is not None:
        position = stored.position - 1
        pins = await reader.signed(position, 1)
        if not pins or pins[0].position > head.position or not is_valid(head.event, pins[0], keys):
            continue
        opened = from_stored(head, stored)
        entries = await reader.read(position, 1)
        if opened is not None and entries and _stands_on(opened, stored.position, entries[0]):
            return Start(opened, entries[0], await _parked(reader, opened.state))
    return None


def is_valid(event: str, signed: SignedHash, keys: Mapping[str, bytes]) -> bool:
    """Whether a key of this installation has signed it."""
    public = keys.get(signed.key)
    message = checkpoint_bytes(event, signed.position, signed.hash, signed.made_at)
    return public is not None and is_signed(public, signed.signature, message)


def _stands_on(opened: OpenEvent, position: int, entry: Entry) -> bool:
    if not opened.state.position == entry.position == position:
        return False
    return rehash(entry) == entry.hash == opened.head.hash


async def _parked(reader: SnapshotReader, state: State) -> dict[str, int]:
    keys = [*chain.from_iterable(state.parked.values()), *state.orderless]
    entries = await reader.lookup(keys, []) if keys else []
    found = {entry.key: entry.content["amount"] for entry in entries if entry.kind != "order.cancelled"}
    refunds = sum(found[entry.key] for entry in entries if entry.kind == "order.refunded")
    return found | {"": state.unmatched_amount - refunds}
