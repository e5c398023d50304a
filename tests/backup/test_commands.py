"""``kos backup`` and ``kos restore`` as they are called: what they print, and how they say no."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app_server import run_kos
from tests.tampering import EVENT, TamperedPostgres, TamperedSqlite

Filled = Callable[[str], TamperedSqlite | TamperedPostgres]
Empty = Callable[[str], str]


def asked(url: str, *arguments: str) -> dict[str, Any]:
    done = run_kos(*arguments, "--json", KOS_DATABASE_URL=url)
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_scripts_read_what_is_in_a_backup_and_what_was_restored(filled: Filled, empty: Empty, tmp_path: Path):
    url, file = empty("postgresql"), str(tmp_path / "all.kos")

    made = asked(filled("sqlite").url, "backup", "--all", "-o", file)
    restored = asked(url, "restore", file)

    assert made["bytes"] == Path(file).stat().st_size
    assert [each["event"] for each in made["events"]] == [EVENT, "untouched"]
    assert {name: restored[name] for name in ("events", "rows", "made_at")} == {
        name: made[name] for name in ("events", "rows", "made_at")
    }
    again = run_kos("restore", file, KOS_DATABASE_URL=url)
    assert (again.returncode, again.stdout) == (3, "")
    assert "nothing was restored. [restore_not_empty]" in again.stderr
    assert "Traceback" not in again.stderr


def test_people_are_told_in_lines_and_see_the_progress(filled: Filled, empty: Empty, tmp_path: Path):
    file = str(tmp_path / "one.kos")

    made = run_kos("backup", "--event", EVENT, "-o", file, KOS_DATABASE_URL=filled("sqlite").url)
    restored = run_kos("restore", file, KOS_DATABASE_URL=empty("sqlite"))

    for done in (made, restored):
        assert done.returncode == 0, done.stderr
        assert f"{EVENT}: 30 entries, head " in done.stdout
        assert "60/60" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("--all", "--event", EVENT)])
def test_backup_of_nothing_in_particular_is_refused(filled: Filled, tmp_path: Path, arguments: tuple[str, ...]):
    done = run_kos("backup", *arguments, "-o", str(tmp_path / "x.kos"), KOS_DATABASE_URL=filled("sqlite").url)

    assert done.returncode == 3
    assert "either --event EVENT or --all" in done.stderr
    assert not (tmp_path / "x.kos").exists()


def test_folder_that_is_not_there_is_a_sentence(filled: Filled, tmp_path: Path):
    done = run_kos("backup", "--all", "-o", str(tmp_path / "no" / "x.kos"), KOS_DATABASE_URL=filled("sqlite").url)

    assert done.returncode == 3
    assert "[backup_unwritable]" in done.stderr


def test_file_that_is_not_there_is_a_sentence(tmp_path: Path):
    done = run_kos("restore", str(tmp_path / "none.kos"), KOS_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/kos.db")

    assert done.returncode == 3
    assert "none.kos" in done.stderr
    assert "database" not in done.stderr.lower()
    assert not (tmp_path / "kos.db").exists()
