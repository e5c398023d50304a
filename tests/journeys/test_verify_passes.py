"""What hashes well and is wrong all the same: each pass of ``kos verify`` finds what it is there for, and it alone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.audit.report import Report
from app.audit.verify import verify
from app.journal.entry import Entry
from app.journal.open import open_store
from tests.forging import (
    EVENT,
    Change,
    Tampered,
    added,
    copy_of_told,
    entries_of,
    entry_with,
    forge,
    sign,
    told_sqlite,
)
from tests.tampering import copy_of_sqlite


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return told_sqlite(tmp_path_factory.mktemp("told"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path):
    """The event in a database of the test's own."""
    if request.param == "sqlite":
        yield copy_of_sqlite(request.getfixturevalue("told"), tmp_path)
        return
    server = request.getfixturevalue("postgres")
    copy = copy_of_told(server)
    yield copy
    server.drop_database(copy.url)


def verified(database: Tampered, **options: Any) -> Report:
    async def work() -> Report:
        store = open_store(database.url)
        try:
            return await verify(store, EVENT, **options)
        finally:
            await store.close()

    return asyncio.run(work())


def found(report: Report) -> set[tuple[str, int]]:
    return {(finding.code, finding.position) for finding in report.findings}


def unfair_split(entries: list[Entry]) -> None:
    first, second = entry_with(entries, "order:shop:pair").content["credits"]
    # So little that rounded commission stays as it was.
    first["amount"] -= 2
    second["amount"] += 2


def another_team(entries: list[Entry]) -> None:
    entry_with(entries, "order:shop:late").content["credits"][0]["team"] = "jade"


def claim_of_nobody(entries: list[Entry]) -> None:
    said = {"id": "none", "outcome": "rejected", "person": "ines"}
    added(entries, "claim.closed", "claim:none:closed", {"fact": said, "host": "h7"})


def correction_of_nobody(entries: list[Entry]) -> None:
    said = {"id": "none", "outcome": "withdrawn", "person": "ines"}
    added(entries, "correction.closed", "correction:none:closed", {"fact": said})


def end_of_no_payout(entries: list[Entry]) -> None:
    body = {"fact": {"id": "none"}, "about": "payout:none", "host": "h8", "available": 5}
    added(entries, "payout.failed", "payout:none:failed", body)


def end_of_no_dispute(entries: list[Entry]) -> None:
    fact = {"id": "none", "source": "shop", "outcome": "lost", "closed_at": 0}
    body = {"fact": fact, "about": "order:shop:1001", "of": "dispute:shop:none", "source": "shop", "amount": 0}
    added(entries, "dispute.closed", "outcome:shop:none", body | {"outcome": "lost"})


def _refund(order: str, **content: Any) -> dict[str, Any]:
    paid_at = content.pop("paid_at", 0)
    return {"fact": {"source": "shop"}, "about": f"order:shop:{order}", "paid_at": paid_at, **content}


def refund_of_no_order(entries: list[Entry]) -> None:
    added(entries, "order.refunded", "refund:shop:x", _refund("none", amount=0, shares=[]))


def match_without_refund(entries: list[Entry]) -> None:
    body = _refund("late", of="refund:shop:none", source="shop", amount=0, parked_amount=0, shares=[])
    added(entries, "refund.matched", "match:refund:shop:none", body)


def more_than_was_paid(entries: list[Entry]) -> None:
    share = {"of": "sale", "line": "1", "host": "h9", "team": "ruby", "amount": 1001, "units": 0}
    added(entries, "order.refunded", "refund:shop:x", _refund("plain", amount=1001, shares=[share]))


def more_pieces_than_were_sold(entries: list[Entry]) -> None:
    added(entries, "order.refunded", "refund:shop:x", _refund("late", amount=0, shares=[], returned={"1": 2}))


def given_more_than_taken(entries: list[Entry]) -> None:
    # Gross is in no posting.
    entry_with(entries, "correction:fix-1:order:shop:1005").content["given"][0]["gross"] += 1


def moved_but_for_a_penny(entries: list[Entry]) -> None:
    moved = entry_with(entries, "correction:fix-1:order:shop:1005").content
    for name in ("taken", "given"):
        moved[name][0]["amount"] -= 1


def cancelled_but_for_a_penny(entries: list[Entry]) -> None:
    cancelled = entry_with(entries, "cancellation:shop:1004").content
    cancelled["shares"][0]["amount"] -= 1
    cancelled["amount"] -= 1


def commission_of_a_penny_more(entries: list[Entry]) -> None:
    entry_with(entries, "order:shop:late").content["commission"][0]["amount"] += 1


def match_of_less_than_waited(entries: list[Entry]) -> None:
    entry_with(entries, "match:refund:shop:early").content["parked_amount"] -= 50


def paid_above_available(entries: list[Entry]) -> None:
    entry_with(entries, "payout:p-2").content["available"] -= 100_000


def released_more_than_held(entries: list[Entry]) -> None:
    entry_with(entries, "release:april").content["amounts"][0]["amount"] += 1


def statement_that_leaves_one_out(entries: list[Entry]) -> None:
    entry_with(entries, "statement:second").content["from"] += 1


def rules_after_final(entries: list[Entry]) -> None:
    rules = entries[0].content["rules"] | {"ranks": "shared"}
    added(entries, "rules.changed", "rules:2", {"rules": rules, "version": 2})


def order_after_final_that_counts(entries: list[Entry]) -> None:
    del entry_with(entries, "order:shop:late").content["late"]


FORGERIES: tuple[tuple[Change, str, str], ...] = (
    (unfair_split, "split_unfair", "order:shop:pair"),
    (another_team, "team_mismatch", "order:shop:late"),
    (claim_of_nobody, "cause_missing", ""),
    (correction_of_nobody, "cause_missing", ""),
    (end_of_no_payout, "cause_missing", ""),
    (end_of_no_dispute, "cause_missing", ""),
    (refund_of_no_order, "cause_missing", ""),
    (match_without_refund, "cause_missing", ""),
    (more_than_was_paid, "order_overdrawn", ""),
    (more_pieces_than_were_sold, "order_overdrawn", ""),
    (given_more_than_taken, "reattribution_unbalanced", "correction:fix-1:order:shop:1005"),
    (moved_but_for_a_penny, "split_unfair", "correction:fix-1:order:shop:1005"),
    (cancelled_but_for_a_penny, "order_not_cleared", "refund:shop:after"),
    (commission_of_a_penny_more, "commission_mismatch", "order:shop:late"),
    (match_of_less_than_waited, "suspense_mismatch", "match:refund:shop:early"),
    (paid_above_available, "payable_mismatch", "payout:p-2"),
    (released_more_than_held, "payable_mismatch", "order:shop:late"),
    (statement_that_leaves_one_out, "statement_gap", "statement:second"),
    (rules_after_final, "final_changed", ""),
    (order_after_final_that_counts, "final_changed", "order:shop:late"),
)


def test_history_in_which_everything_happened_is_clean(database: Tampered):
    report = verified(database)

    assert (report.exit_code, report.findings, report.signed) == (0, [], 1)
    assert {entry.kind for entry in entries_of(database)} >= {
        *("refund.matched", "order.cancelled", "dispute.closed", "order.reattributed", "payout.failed"),
        *("commission.released", "adjustment.made", "statement.closed"),
    }


@pytest.mark.parametrize(("change", "code", "key"), FORGERIES, ids=[change.__name__ for change, _, _ in FORGERIES])
def test_forged_history_is_found_by_the_pass_for_it_alone(database: Tampered, change: Change, code: str, key: str):
    forge(database, change)

    report = verified(database)

    entries = entries_of(database)
    position = entry_with(entries, key).position if key else entries[-1].position
    assert found(report) == {(code, position)}, report.findings
    assert report.exit_code == 1


def test_entry_that_its_order_would_not_find_is_found(database: Tampered):
    entries = entries_of(database)
    refund = entry_with(entries, "refund:shop:=2+3")
    database.disarm()
    database.run(f"UPDATE entry SET about = 'order:shop:late' WHERE event = '{EVENT}' AND position = {refund.position}")

    report = verified(database)

    # Without it the order seems to have more left than it has.
    assert ("about_mismatch", refund.position) in found(report)


def test_history_written_anew_is_found_by_what_was_signed_of_it(database: Tampered):
    def another_actor(entries: list[Entry]) -> None:
        entries[9].actor = "key:nobody"

    forge(database, another_actor, keep_signed=True)

    assert found(verified(database)) == {("checkpoint_mismatch", 15)}


@pytest.mark.parametrize("change", ["made_at = made_at + 1", "key = 'nobody'", "hash = prev"])
def test_checkpoint_that_nobody_signed_like_that_is_found(database: Tampered, change: str):
    wrong = database.BYTES.format(entries_of(database)[3].hash.hex())
    database.run(f"UPDATE checkpoint SET {change.replace('prev', wrong)} WHERE event = '{EVENT}'")

    assert found(verified(database)) == {("checkpoint_unsigned", 15)}


def test_cut_journal_misses_the_tail_that_was_signed(database: Tampered):
    last = len(entries_of(database))
    asyncio.run(sign(database.url, last))

    def cut(entries: list[Entry]) -> None:
        del entries[-1]

    forge(database, cut, keep_signed=True)
    for table in ("entry", "posting"):
        database.run(f"DELETE FROM {table} WHERE event = '{EVENT}' AND position = {last}")

    assert found(verified(database)) == {("tail_missing", last)}
