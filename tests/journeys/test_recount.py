"""A result proved by its file alone: exported twice, recounted twice, and it is what the server shows."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import factories
from tests.app_server import Serve, run_kos
from tests.event_client import EventClient
from tests.packages import FINGERPRINT, SCORER, full_book, package_of
from tests.processes import START_SECONDS_MAX

BOARDS = [f"{of}{measure}" for of in ("hosts", "teams") for measure in ("", ".gross_sales", ".orders", ".units")]


async def played(event: EventClient) -> dict[str, Any]:
    """A result with a bit of everything; what the server shows of it."""
    await event.open(rules={"ranks": "shared"})
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7", "weight": 2}, {"id": "h8"}]})
    await event.ok("POST", "/refunds", factories.refund("early", "o3", amount="2.00"))
    for number in range(12):
        seller = [{"host": "h7"}, {"code": "MEI20"}, {"session": "night"}, {}][number % 4]
        await event.ok("POST", "/orders", factories.order(f"o{number}", **seller))
    await event.ok("POST", "/refunds", factories.refund("r1", "o1", lines=[{"id": "1", "quantity": 1}]))
    await event.ok("POST", "/refunds", factories.refund("r2", "o2", amount="100.00"))
    await event.ok("POST", "/cancellations", factories.cancellation("o4"))
    dispute = {"id": "d1", "source": "shop", "order": "o5", "disputed_at": factories.PAID_AT, "amount": "17.00"}
    await event.ok("POST", "/disputes", dispute)
    wrong_host = {"id": "c1", "orders": [{"source": "shop", "id": "o0"}], "to": [{"host": "h9"}], "reason": "a typo"}
    await event.ok("POST", "/reattributions", wrong_host)
    await event.move("ended")
    await event.move("final", waive="the bank has not decided")
    return {board: await event.board(board, limit=10_000) for board in BOARDS}


async def test_package_gives_the_boards_of_the_server_to_both_scorers(serve: Serve, database_url: str, tmp_path: Path):
    path = tmp_path / "result.ndjson"
    async with serve(database_url) as server, server.client() as client:
        event = EventClient(client, "proved")
        shown = await played(event)
        over_http = (await event.get("/package")).content
        keys = (await client.get("/.well-known/kos-keys.json")).json()["keys"]
        exported = server.kos("export", "--event", "proved", "--format", "package", "-o", str(path))
        printed = server.kos("export", "--event", "proved", "--format", "package")

    (key,) = keys
    ours = run_kos("recount", str(path), "--key", key["fingerprint"], "--json")
    theirs = scored(path, key["fingerprint"])

    assert path.read_bytes() == over_http == printed.stdout.encode()
    assert f"{len(over_http.splitlines())} lines" in exported.stderr
    assert (exported.returncode, ours.returncode, theirs.returncode) == (0, 0, 0), ours.stdout + theirs.stdout
    assert json.loads(ours.stdout)["boards"] == {
        board: {name: document[name] for name in ("total", "house", "excluded")} | {"rows": rows(document)}
        for board, document in shown.items()
    }
    assert json.loads(theirs.stdout)["boards"] == {
        board: {name: document[name] for name in ("total", "house", "excluded")}
        | {"rows": [{name: row[name] for name in ("rank", "id", "score")} for row in document["rows"]]}
        for board, document in shown.items()
    }


def scored(path: Path, key: str) -> "subprocess.CompletedProcess[str]":
    """By the scorer that goes along, which knows nothing of us."""
    command = [sys.executable, "-I", "-S", str(SCORER), str(path), "--key", key, "--json"]
    return subprocess.run(command, capture_output=True, text=True, cwd=path.parent)


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Without the names, which no journal holds."""
    return [{name: row[name] for name in ("rank", "id", "score", "gap")} for row in document["rows"]]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "result.ndjson"
    path.write_bytes(package_of(full_book().entries))
    return path


def test_recount_tells_people_what_it_saw_and_ends_as_documented(package: Path, tmp_path: Path):
    right = run_kos("recount", str(package), "--key", FINGERPRINT)
    package.write_bytes(package.read_bytes().replace(b'"host":"ann"', b'"host":"bob"', 1))
    wrong = run_kos("recount", str(package))
    missing = run_kos("recount", str(tmp_path / "nothing"))
    bad_key = run_kos("recount", str(package), "--key", "12")

    assert right.returncode == 0
    assert right.stdout.endswith("right\n")
    assert f"Signed by {FINGERPRINT}" in right.stdout
    assert wrong.returncode == 1
    assert "hash_mismatch" in wrong.stdout
    assert wrong.stdout.endswith("WRONG\n")
    assert (missing.returncode, bad_key.returncode) == (3, 3)
    assert "Traceback" not in missing.stderr + bad_key.stderr


async def test_export_of_a_package_that_fails_keeps_the_file_that_is_there(serve: Serve, tmp_path: Path):
    kept = tmp_path / "result.ndjson"
    kept.write_text("last month\n")
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server:
        done = server.kos("export", "--event", "typo", "--format", "package", "-o", str(kept))

    assert done.returncode == 3
    assert "event_unknown" in done.stderr
    assert kept.read_text() == "last month\n"
    assert not kept.with_name("result.ndjson.part").exists()


async def test_servers_with_one_signing_key_sign_with_one_key(serve: Serve, tmp_path: Path):
    fingerprints = []
    for number, secret in enumerate(("a" * 40, "a" * 40, "b" * 40)):
        url = f"sqlite+aiosqlite:///{tmp_path}/{number}.db"
        async with serve(url, KOS_SIGNING_KEY=secret) as server, server.client() as client:
            keys = (await client.get("/.well-known/kos-keys.json")).json()["keys"]
            fingerprints.append([key["fingerprint"] for key in keys])

    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


async def test_server_signs_by_itself_while_it_runs(serve: Serve, database_url: str):
    """At once after the final entry; before, when so many entries have come."""
    async with serve(database_url, KOS_CHECKPOINT_ENTRIES="6") as server, server.client() as client:
        event = await EventClient(client, "signed").open()
        for number in range(3):
            await event.sell(str(number))
        first = await checkpoints(event, 1)
        await event.move("ended")
        await event.move("final")
        both = await checkpoints(event, 2)

    assert first[0]["position"] in (6, 7)
    assert both[-1]["position"] == 9


async def checkpoints(event: EventClient, count: int) -> list[dict[str, Any]]:
    """Asked for until there are so many."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while True:
            found: list[dict[str, Any]] = (await event.ok("GET", "/checkpoints"))["checkpoints"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)
