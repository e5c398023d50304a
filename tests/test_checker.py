"""The checker sees what it is there for: logs with a lost, a doubled, an invented order, and each other broken rule."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.checker import FinalRead, Paid, check
from tests.client_log import ClientLog, classify, read_log

Log = list[dict[str, Any]]
HERE, THERE = "1 at a", "2 at b"


def sent(call: int, order: str, amount: int = 500, host: str = "h7", reader: str = HERE) -> dict[str, Any]:
    return {"at": "sent", "call": call, "reader": reader, "orders": [[order, host, amount]]}


def ok(call: int, position: int, amount: str = "5.00", status: int = 201, host: str = "h7") -> dict[str, Any]:
    answer = {"position": position, "credits": [{"host": host, "amount": amount}]}
    return {"at": "told", "call": call, "class": "ok", "items": [{"class": "ok", "status": status, "answer": answer}]}


def told(call: int, kind: str) -> dict[str, Any]:
    return {"at": "told", "call": call, "class": kind, "why": "…"}


def shown(position: int, reader: str = HERE, **scores: int) -> dict[str, Any]:
    return {"at": "shown", "reader": reader, "position": position, "scores": scores}


def looked(order: str, is_there: bool = True) -> dict[str, Any]:
    return {"at": "looked", "reader": HERE, "order": order, "there": is_there}


def log() -> Log:
    """Order a is taken at 3, b at 4 after an answer was lost, x is refused, and u is never heard of."""
    return [
        sent(1, "a"), ok(1, 3),
        sent(2, "x", host="nobody"), told(2, "business"),
        sent(3, "b"), told(3, "ambiguous"), sent(4, "b", reader=THERE), ok(4, 4, status=200),
        shown(3, h7=500), shown(4, h7=1000), looked("b"),
        sent(5, "u"),
    ]  # fmt: skip


def final(**changes: Any) -> FinalRead:
    """Entries 1 and 2 are no orders."""
    paid = [Paid(3, "a", "h7", 500), Paid(4, "b", "h7", 500)]
    return replace(FinalRead([1, 2, 3, 4], paid, [{"h7": 1000}] * 2, {"h7": 1000}, []), **changes)


def with_paid(*paid: Paid) -> FinalRead:
    """Orders behind those two; boards and ledger agree with them."""
    everything = [*final().paid, *paid]
    total = {"h7": sum(one.amount for one in everything)}
    positions = list(range(1, max(one.position for one in everything) + 1))
    return FinalRead(positions, everything, [total], total, [])


def rules(log: Log, final: FinalRead | None) -> set[int]:
    verdict = check(log, final)
    assert (verdict.result == "found") == bool(verdict.findings)
    return {finding.rule for finding in verdict.findings}


def test_log_that_agrees_with_the_final_read_passes():
    verdict = check(log(), final())

    assert (verdict.result, verdict.findings) == ("pass", [])
    assert (verdict.acknowledged, verdict.refused, verdict.unknown) == (2, 1, 1)


def test_order_of_unknown_fate_may_be_there_too():
    assert check(log(), with_paid(Paid(5, "u", "h7", 500))).result == "pass"


def test_without_a_final_read_nothing_is_proven():
    assert check(log(), None).result == "unknown"


def test_without_a_final_read_what_the_log_shows_by_itself_is_still_found():
    assert rules([*log(), shown(3, h7=500)], None) == {5}


@pytest.mark.parametrize(
    ("read", "rule"),
    [
        (final(paid=[Paid(3, "a", "h7", 500)], positions=[1, 2, 3]), 1),
        (final(paid=[Paid(4, "a", "h7", 500), Paid(3, "b", "h7", 500)]), 1),
        (with_paid(Paid(5, "a", "h7", 500)), 1),
        (with_paid(Paid(5, "u", "h7", 500), Paid(6, "u", "h7", 500)), 1),
        (with_paid(Paid(5, "z", "h7", 500)), 2),
        (with_paid(Paid(5, "u", "h8", 500)), 2),
        (with_paid(Paid(5, "u", "h7", 501)), 2),
        (with_paid(Paid(5, "x", "nobody", 500)), 3),
        (final(positions=[1, 2, 4]), 5),
        (final(positions=[1, 2, 3, 3, 4]), 5),
        (final(unbalanced=[4]), 11),
        (final(boards=[{"h7": 1000}, {"h7": 500}]), 13),
        (final(ledger={"h7": 1500}), 13),
    ],
    ids=[
        "lost", "elsewhere", "doubled", "doubled of unknown fate", "invented", "other host", "other amount", "refused",
        "hole", "position twice", "unbalanced", "board of one process", "ledger",
    ],
)  # fmt: skip
def test_final_read_that_breaks_a_rule_is_found(read: FinalRead, rule: int):
    assert rule in rules(log(), read)


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ([told(5, "unclassified")], 0),
        ([sent(6, "a"), ok(6, 3, status=201)], 7),
        ([sent(6, "a"), ok(6, 4, status=200)], 7),
        ([sent(6, "a", 700), ok(6, 3, "7.00", status=200)], 10),
        ([sent(6, "a"), ok(6, 3, "4.99", status=200)], 8),
        ([sent(6, "a"), ok(6, 3, status=200, host="h8")], 8),
        ([shown(3, h7=500)], 5),
        ([sent(6, "b", reader=THERE), ok(6, 4, status=200), shown(3, THERE, h7=500)], 12),
        ([shown(4, h7=999)], 9),
        ([shown(9, h7=1000)], 9),
        ([looked("b", False)], 4),
        ([looked("u")], 4),
    ],
    ids=[
        "error that nobody expects", "new twice", "another answer", "other content accepted", "another amount",
        "another host", "older board", "not what it was told", "another board", "board of the future",
        "shown and then not", "shown and lost",
    ],
)  # fmt: skip
def test_log_that_breaks_a_rule_is_found(more: Log, rule: int):
    assert rule in rules([*log(), *more], final())


def test_order_sent_after_another_was_acknowledged_has_the_higher_position():
    early = [sent(6, "c"), *log(), ok(6, 2)]
    late = [*log(), sent(6, "c"), ok(6, 2)]
    there = final(paid=[Paid(2, "c", "h7", 500), *final().paid])

    assert 6 not in rules(early, there)
    assert 6 in rules(late, there)


def test_refused_content_does_not_forbid_the_order_that_was_taken():
    conflict = [sent(6, "a", 999), told(6, "business")]

    assert check([*log(), *conflict], final()).result == "pass"
    assert 3 in rules([sent(6, "c", 999), told(6, "business"), *log()], with_paid(Paid(5, "c", "h7", 999)))


def answer(status: int, body: Any = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json=body, headers=named)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(201, {}), "ok"),
        (answer(503, {"code": "queue_full"}, retry_after="1"), "transient"),
        (answer(503, {"code": "queue_full"}), "unclassified"),
        (answer(503, {}, retry_after="1"), "unclassified"),
        (answer(409, {"code": "order_conflict"}), "business"),
        (answer(422, {}), "unclassified"),
        (answer(500, {"code": "internal"}), "unclassified"),
        (httpx2.Response(502, text="<html>"), "unclassified"),
        (httpx2.ConnectError("refused"), "transient"),
        (httpx2.ReadError("reset"), "ambiguous"),
        (httpx2.RemoteProtocolError("cut"), "ambiguous"),
        (httpx2.ReadTimeout("silence"), "ambiguous"),
        (ValueError("ours"), "unclassified"),
    ],
)
def test_every_error_of_a_client_has_a_class(given: Any, kind: str):
    assert classify(given) == kind


def test_log_is_read_back_up_to_the_last_whole_line(tmp_path: Path):
    written = ClientLog(tmp_path / "log")
    one, two = written.sent(HERE, [("a", "h7", 500)]), written.sent(HERE, [("b", "h7", 500)])
    written.answered(one, answer(201, {"order": "a", "position": 3, "credits": []}), is_batch=False)
    written.lost(two, httpx2.ReadError("reset"))
    written.close()
    with written.path.open("ab") as out:
        out.write(b'{"at":"se')

    records = read_log(written.path)

    assert [(record["at"], record["call"]) for record in records] == [
        ("sent", 1),
        ("sent", 2),
        ("told", 1),
        ("told", 2),
    ]
    assert records[2]["items"] == [{"class": "ok", "status": 201, "answer": {"position": 3, "credits": []}}]
    assert records[3]["class"] == "ambiguous"


def test_batch_is_logged_item_by_item(tmp_path: Path):
    written = ClientLog(tmp_path / "log")
    results = [{"status": 201, "position": 3, "credits": []}, {"status": 422, "code": "unknown_host"}, {"status": 500}]
    written.answered(written.sent(HERE, []), answer(200, {"results": results}), is_batch=True)
    written.close()

    items = read_log(written.path)[1]["items"]

    assert [item["class"] for item in items] == ["ok", "business", "unclassified"]
