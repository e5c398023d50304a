"""An event is verified when somebody asks: what is found is told, one at a time, and nothing stays behind."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.audit import on_demand
from app.audit.on_demand import OnDemand
from app.errors import Conflict
from tests.audit.test_at_start import children
from tests.tampering import EVENT, copy_of_sqlite, fill


async def report_of(verification: OnDemand, event: str) -> dict[str, Any]:
    """The report once it is there; asking again begins nothing."""
    while (told := await verification.verify(event))["status"] == "running":
        pass
    return told


@pytest.fixture
async def filled(tmp_path: Path) -> Path:
    path = tmp_path / "kos.db"
    await asyncio.to_thread(fill, f"sqlite+aiosqlite:///{path}")
    return path


async def test_clean_event_and_one_with_a_changed_entry_are_told_apart(filled: Path, tmp_path: Path):
    (tmp_path / "copy").mkdir()
    damaged = copy_of_sqlite(filled, tmp_path / "copy")
    damaged.disarm()
    damaged.run(f"UPDATE entry SET actor = 'key:x' WHERE event = '{EVENT}' AND position = 12")

    clean = await report_of(OnDemand(f"sqlite+aiosqlite:///{filled}"), EVENT)
    found = await report_of(OnDemand(damaged.url), EVENT)

    assert (clean["status"], clean["findings"]) == ("clean", [])
    assert clean["checked"] == clean["position"] > 12
    assert found["status"] == "findings"
    assert [(one["code"], one["position"]) for one in found["findings"]] == [("hash_mismatch", 12)]
    assert all(one["detail"] for one in found["findings"])


async def test_what_cannot_be_read_is_never_called_clean(tmp_path: Path):
    report = await report_of(OnDemand(f"sqlite+aiosqlite:///{tmp_path}/none.db"), EVENT)

    assert report["status"] == "incomplete"


async def test_one_event_at_a_time_is_verified_and_nothing_stays_behind(filled: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(on_demand, "_AT_ONCE_SECONDS", 0.0)
    before = children()
    verification = OnDemand(f"sqlite+aiosqlite:///{filled}")

    first = await verification.verify(EVENT)
    with pytest.raises(Conflict, match="verification_running"):
        await verification.verify("another")
    second, told = await verification.verify(EVENT), verification.told(EVENT)
    assert verification.told("another") is None
    while not (started := children() - before):  # noqa: ASYNC110, nothing tells
        await asyncio.sleep(0.001)
    await verification.close()

    assert [one and one["status"] for one in (first, second, told)] == ["running"] * 3
    assert children() & started == set()
