"""Checkpoints kept outside: a database that was set back, or whose tail was written anew, is found by them alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.audit.kept_checkpoints import add_checkpoints, read_checkpoints
from app.audit.verify import Report, verify
from app.backup.make import make_backup
from app.backup.restore import restore
from app.errors import Invalid
from app.events import Events
from tests.app_server import run_kos
from tests.live import create, orders, running, store_of


async def report_of(events: Events, event: str, *checkpoints: tuple[int, str]) -> Report:
    return await verify(store_of(events).store, event, checkpoints=checkpoints)


def found(report: Report) -> list[tuple[str, int]]:
    return [(finding.code, finding.position) for finding in report.findings]


async def test_journal_that_has_its_checkpoints_is_clean(shared_url: str):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        early = (event.head.position, event.head.hash.hex())
        await event.submit(orders(5))
        late = (event.head.position, event.head.hash.hex())

        report = await report_of(events, event.head.event, early, late)

    assert (report.exit_code, report.checkpoints) == (0, 2)
    assert report.document()["passes"]["tail_missing"] == "ok"


async def test_checkpoints_kept_elsewhere_are_counted_only_if_there_are_any(shared_url: str):
    async with running(shared_url, faulty=True) as events:
        event = await create(events)

        report = await report_of(events, event.head.event)

    assert report.exit_code == 0
    assert "checkpoints" not in report.document()


async def test_restored_past_is_a_missing_tail_and_then_another_history(shared_url: str, database_url: str, tmp_path):
    file = tmp_path / "past.kos"
    async with running(shared_url, faulty=True) as events:
        event = await create(events)
        await event.submit(orders(5))
        name, past = event.head.event, event.head.position
        await make_backup(shared_url, file, name)
        await event.submit(orders(3, first=6))
        kept = (event.head.position, event.head.hash.hex())

    await restore(database_url, file)

    async with running(database_url, faulty=True) as events:
        assert found(await report_of(events, name)) == []
        assert found(await report_of(events, name, kept)) == [("tail_missing", past + 1)]
        # Life goes on, and the positions that were lost are given again.
        await (await events.open(name)).submit(orders(9, first=100))
        report = await report_of(events, name, kept)
    assert found(report) == [("checkpoint_mismatch", kept[0])]
    assert report.exit_code == 1
    assert report.document()["passes"]["checkpoint_mismatch"] == "failed"


async def test_event_that_is_gone_is_found_by_its_checkpoint(shared_url: str):
    async with running(shared_url, faulty=True) as events:
        await create(events)

        report = await report_of(events, "gone", (7, "ab" * 32))

    assert (found(report), report.exit_code) == ([("tail_missing", 1)], 1)


async def test_command_adds_what_is_clean_and_compares_with_it(shared_url: str, tmp_path: Path):
    file = tmp_path / "checkpoints.jsonl"
    async with running(shared_url) as events:
        event = await create(events)
        name = event.head.event

        def kos(*arguments: str) -> tuple[int, dict[str, Any]]:
            done = run_kos("verify", "--event", name, "--json", *arguments, KOS_DATABASE_URL=shared_url)
            return done.returncode, json.loads(done.stdout)

        assert kos("--add-checkpoints", str(file))[0] == 0
        await event.submit(orders(1))
        code, report = kos("--checkpoints", str(file), "--add-checkpoints", str(file))

    assert (code, report["checkpoints"]) == (0, 1)
    assert [position for position, _ in read_checkpoints(file)[name]] == [4, 5]
    with file.open("a") as out:
        out.write(json.dumps({"event": name, "position": 9, "hash": "cd" * 32, "signature": "left alone"}) + "\n")
    done = run_kos("verify", "--event", name, "--checkpoints", str(file), KOS_DATABASE_URL=shared_url)
    assert done.returncode == 1
    assert "tail_missing at position 6: the journal ends at 5, and a checkpoint names 9" in done.stdout


def test_event_that_is_not_clean_adds_no_checkpoint(tmp_path: Path):
    dirty = Report("dirty", head=3, head_hash="ab" * 32)
    dirty.find("hash_mismatch", 2, "…")

    add_checkpoints(tmp_path / "kept", [dirty, Report("short", head=3, complete=False), Report("clean", head=3)])

    assert [json.loads(line)["event"] for line in (tmp_path / "kept").read_text().splitlines()] == ["clean"]


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "{}", '{"event":"e","position":0,"hash":"' + "ab" * 32 + '"}', '{"event":"e","position":1,"hash":"ab"}',
     '{"event":"e","position":true,"hash":"' + "ab" * 32 + '"}', '{"event":1,"position":1,"hash":"' + "ab" * 32 + '"}',
     '{"event":"e","position":1,"hash":"' + "zz" * 32 + '"}', '{"event":"e","position":1,"hash":null}'],
)  # fmt: skip
def test_line_that_is_no_checkpoint_is_named(tmp_path: Path, line: str):
    (tmp_path / "kept").write_text(json.dumps({"event": "e", "position": 1, "hash": "AB" * 32}) + f"\n\n{line}\n")

    with pytest.raises(Invalid, match="Line 3") as refused:
        read_checkpoints(tmp_path / "kept")

    assert refused.value.code == "checkpoints_unreadable"
