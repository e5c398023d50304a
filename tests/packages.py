"""Result packages of events in memory, and lines of them changed and signed again by somebody who has a key."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from app.audit.package import Writer
from app.audit.recount import Report, recount
from app.audit.signing import Checkpoint, PublicKey, SigningKey, checkpoint_bytes, fingerprint_of
from app.challenge import uniques
from app.challenge.audience import MINUTE_US, minute_of
from app.journal.drafts import Fact
from app.journal.entry import Entry, canonical_bytes, rehash
from app.journal.store import head_after, new_head
from app.sales.facts import RefundLine
from recount import kos_recount
from tests import histories
from tests.book import (
    DAY,
    HOUR,
    START,
    Book,
    adjustment_said,
    announced_said,
    cancellation_said,
    claim_end_said,
    claim_said,
    correction_end_said,
    correction_said,
    dispute_said,
    goal_end_said,
    goal_said,
    line,
    move_said,
    offer_end_said,
    offer_said,
    order,
    order_said,
    outcome_said,
    payout_failed_said,
    payout_said,
    pin_said,
    rates_said,
    refund,
    refund_said,
    release_said,
    sampled_said,
    statement_said,
    unpin_said,
    withdrawn_said,
)

KEY = SigningKey(bytes(range(32)))
FINGERPRINT = fingerprint_of(KEY.public)
MADE_AT = 1_617_580_800_000_000
SCORER = Path(__file__).parent.parent / "recount" / "kos_recount.py"


def signed(entry: Entry, key: SigningKey = KEY) -> Checkpoint:
    """The checkpoint at an entry."""
    message = checkpoint_bytes(entry.event, entry.position, entry.hash, MADE_AT)
    return Checkpoint(entry.event, entry.position, entry.hash, MADE_AT, key.id, key.sign(message))


def package_of(entries: Iterable[Entry], key: SigningKey = KEY, every: int = 10) -> bytes:
    """The package of these entries, signed every so many positions and at the head."""
    listed = list(entries)
    head = head_after(new_head(listed[0].event, "mac"), listed)
    writer = Writer(head, key)
    checkpoints = [signed(entry, key) for entry in listed if entry.position % every == 0 or entry is listed[-1]]
    keys = [PublicKey(key.id, key.public, MADE_AT)]
    return writer.opening(keys) + writer.page(listed, checkpoints) + writer.trailer()


def forged(book: Book, position: int, change: Callable[[Entry], bytes | None]) -> list[Entry]:
    """The book's entries with one of them changed, and a chain made anew from there: by who holds the key.

    What ``change`` returns is the entry's body; None: what its content gives by then.
    """
    entries = []
    before = bytes(32)
    for entry in book.entries:
        copy = Entry(**{name: getattr(entry, name) for name in Entry.__slots__})
        copy.content = json.loads(entry.body)
        if entry.position == position:
            copy.body = change(copy) or canonical_bytes(copy.content)
        copy.prev_hash = before
        copy.hash = before = rehash(copy)
        entries.append(copy)
    return entries


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def recounted(folder: Path, package: bytes, key: str = FINGERPRINT) -> Report:
    path = folder / "package.ndjson"
    path.write_bytes(package)
    return recount(path, key)


def found(report: Report) -> list[tuple[str, int]]:
    """Every finding as (code, position)."""
    return [(one.code, one.position) for one in report.findings.listed]


def standalone(folder: Path, package: bytes, key: str = FINGERPRINT) -> dict[str, Any]:
    """What the scorer that goes along with each package says, from inside this process."""
    path = folder / "package.ndjson"
    path.write_bytes(package)
    report: dict[str, Any] = kos_recount.recount(str(path), key)
    return report


def without_gaps(boards: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {**board, "rows": [{member: row[member] for member in ("rank", "id", "score")} for row in board["rows"]]}
        for name, board in boards.items()
    }


def assert_right(folder: Path, book: Book) -> None:
    """Both scorers find nothing wrong, and have the boards that the book has."""
    package = package_of(book.entries)
    report, alone = recounted(folder, package), standalone(folder, package)

    assert (report.findings.listed, report.exit_code) == ([], 0)
    assert (report.head, report.head_hash) == (book.head.position, book.head.hash.hex())
    assert len(report.boards) == 8
    for name, board in report.boards.items():
        shown = book.board(name, limit=10_000)
        assert board == {member: shown[member] for member in board}
    assert (alone["wrong"], alone["result"], alone["signed_by"]) == (None, "right", report.signed_by)
    assert alone["boards"] == without_gaps(report.boards)


def full_book() -> Book:
    """An entry of every kind."""
    book = histories.opened()
    book.say(refund_said(refund("early", "3", amount="2.00")))
    book.say(dispute_said("d3", "3", "1.00"))
    book.say(rates_said("v1", USD="0.7612", JPY="0.00512", KWD="2.4801"))
    book.say(refund_said(refund("early-usd", "usd", amount="5.00", currency="USD")))
    for number in range(1, 30):
        seller: dict[str, Any] = [{"host": "ann"}, {"code": "BO5"}, {"session": "trio"}, {}][number % 4]
        book.say(order_said(order(str(number), shipping="2.99", **seller)))
    book.say(refund_said(refund("r1", "1", amount="3.33")))
    _foreign(book)
    book.say(cancellation_said("2"))
    book.say(dispute_said("d1", "5", "4.00"))
    book.say(outcome_said("won", "d1"))
    book.say(correction_said(["7"], {"cy": 1}))
    book.say(claim_said("7", "ann"))
    book.say(claim_end_said("accepted", correction="c1"))
    book.say(Fact("rules.changed", "", {"rules": {"approval_above": "0.00", "commission": {"bps": 1000}}}, "key:ops"))
    book.say(correction_said(["9", "10"], {"dee": 1}, id="c2"))
    book.say(correction_end_said("approved", "c2"))
    book.say(pin_said("duo", "sku-0", START + HOUR))
    book.say(unpin_said("duo", "sku-0", START + 2 * HOUR))
    book.say(Fact("product.pinned", "", {"session": "duo", "sku": "sku-1", "title": "Ruby", "price": 0}, "key:ops"))
    book.say(offer_said("o1", book.now + HOUR, session="duo"))
    book.say(offer_end_said("o1", book.now))
    book.say(goal_said("g1", 1))
    book.say(goal_said("g1", 900_000))
    book.say(goal_said("g2", 3, of="session", target_id="duo", measure="units"))
    book.say(goal_end_said("g2"))
    book.say(announced_said("a1", until=book.now + HOUR))
    book.say(withdrawn_said("a1"))
    hosts = [{"id": "cy", "weight": 1}]
    book.say(Fact("session.changed", "", {"id": "duo", "hosts": hosts}, "key:ops"))
    minute = minute_of(book.now) - MINUTE_US
    book.say(sampled_said(minute, 2, "duo", sketch=uniques.written(bytes(8))))
    book.say(sampled_said(minute, 5, counted=3))
    clicked = order_said(order("clicked", click="k1"))
    clicked.touches = {"k1": {"host": "cy", "at": START}}
    book.say(clicked)
    book.say(adjustment_said(500))
    book.say(correction_end_said("approved", "bonus"))
    book.say(payout_said(300))
    book.say(payout_failed_said())
    book.say(statement_said())
    book.now += 3 * DAY
    for number, host in ((31, "ann"), (32, "cy"), (33, "ann")):
        book.say(order_said(order(str(number), host=host, paid_at=book.now - HOUR)))
    book.say(refund_said(refund("r31", "31", amount="4.00", refunded_at=book.now)))
    book.now += 16 * DAY
    book.say(release_said())
    book.say(refund_said(refund("r33", "33", amount="4.00", refunded_at=book.now)))
    book.say(Fact("session.ended", "session:duo:ended", {"id": "duo"}, "key:ops"))
    book.say(move_said("ended"))
    book.say(move_said("final", waive="one shop is late"))
    return book


def _foreign(book: Book) -> None:
    """Orders in other currencies, with what comes back of them, before and after the table is another one."""
    lines = [line("a", "33.33", 3, discount="0.99"), line("b", "0.05", 7)]
    book.say(order_said(order("usd", lines=lines, tax="4.44", currency="USD", session="trio"), "USD"))
    book.say(order_said(order("kwd", "1.234", 2, shipping="0.755", currency="KWD", host="ann"), "KWD"))
    book.say(order_said(order("jpy", "1980", 3, tax="540", tax_included=True, currency="JPY", code="BO5"), "JPY"))
    book.say(refund_said(refund("usd-1", "usd", amount="20.01", currency="USD")))
    book.say(rates_said("v2", USD="0.8"))
    book.say(refund_said(refund("usd-2", "usd", lines=[RefundLine("a", 1)], currency="USD")))
    book.say(dispute_said("d-kwd", "kwd", "1.111", currency="KWD", fee="0.500"))
    book.say(refund_said(refund("kwd-1", "kwd", amount="0.333", currency="KWD")))
    book.say(outcome_said("won", "d-kwd"))
    book.say(refund_said(refund("jpy-1", "jpy", amount="9999", currency="JPY")))
    book.say(order_said(order("usd-2", currency="USD", host="cy"), "USD"))
    book.say(refund_said(refund("nameless", "", amount="3.00", currency="USD")))
