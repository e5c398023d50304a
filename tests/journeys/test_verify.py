"""``kos verify``: clean after what the program did; whatever else was changed in the database is found and named."""

import asyncio
import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.audit.verify import Report, verify
from app.journal.open import open_store
from tests.app_server import run_kos
from tests.tampering import (
    EVENT,
    TamperedPostgres,
    TamperedSqlite,
    copy_of_postgres,
    copy_of_sqlite,
    fill,
)

Database = TamperedSqlite | TamperedPostgres
REFUSED = r"append-only|APPEND_ONLY"


@pytest.fixture(scope="module")
def filled_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "kos.db"
    fill(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path):
    """A filled database of the test's own."""
    if request.param == "sqlite":
        yield copy_of_sqlite(request.getfixturevalue("filled_sqlite"), tmp_path)
        return
    server = request.getfixturevalue("postgres")
    copy = copy_of_postgres(server)
    yield copy
    server.drop_database(copy.url)


def verified(database: Database, event: str = EVENT) -> tuple[int, dict[str, Any]]:
    """Exit code and report, from inside this process: a command takes seconds to start."""

    async def work() -> Report:
        store = open_store(database.url)
        try:
            return await verify(store, event)
        finally:
            await store.close()

    report = asyncio.run(work())
    return report.exit_code, report.document()


def verified_by_command(database: Database) -> tuple[int, dict[str, Any]]:
    done = run_kos("verify", "--event", EVENT, "--json", KOS_DATABASE_URL=database.url)
    assert (done.returncode, json.loads(done.stdout)) == verified(database)
    return done.returncode, json.loads(done.stdout)


def assert_found(database: Database, *wanted: tuple[str, int]) -> dict[str, Any]:
    """Exit code 1, and exactly these findings, each as (code, position)."""
    code, report = verified(database)
    assert (code, report["result"]) == (1, "found")
    assert {(finding["code"], finding["position"]) for finding in report["findings"]} == set(wanted), report
    assert {name for name, result in report["passes"].items() if result == "failed"} == {name for name, _ in wanted}
    # Nothing spills over to another event.
    assert verified(database, "untouched")[0] == 0
    return report


def column(database: Database, name: str, position: int) -> str:
    """Bytes of a column of an entry, in hex."""
    query = f"SELECT {database.HEX.format(name)} FROM entry WHERE event = '{EVENT}' AND position = {position}"
    return database.rows(query)[0][0]


def set_column(database: Database, name: str, position: int, value: str) -> str:
    where = f"event = '{EVENT}' AND position = {position}"
    return f"UPDATE entry SET {name} = {database.BYTES.format(value)} WHERE {where}"


def test_untouched_database_is_clean_with_every_pass(database: Database):
    code, report = verified_by_command(database)

    assert (code, report["result"], report["findings"]) == (0, "clean", [])
    assert set(report["passes"].values()) == {"ok"}
    assert report["entries"] == report["head"] == 30
    assert report["states"] == 3
    assert report["postings"] > 60


def test_flipped_byte_that_adds_a_sale_is_found_and_named(database: Database):
    body = bytes.fromhex(column(database, "body", 12))
    at = body.index(b'"quantity":2') + len(b'"quantity":')
    changed = body[:at] + b"3" + body[at + 1 :]
    statement = set_column(database, "body", 12, changed.hex())
    with pytest.raises(RuntimeError, match=REFUSED):
        database.run(statement)
    assert verified(database)[0] == 0

    database.disarm()
    database.run(statement)

    code, report = verified_by_command(database)
    found = {(finding["code"], finding["position"]) for finding in report["findings"]}
    assert code == 1
    assert ("hash_mismatch", 12) in found
    assert {
        position for name, position in found if name in ("hash_mismatch", "postings_mismatch", "credits_mismatch")
    } == {12}


@pytest.mark.parametrize("name", ["body", "hash", "prev_hash"])
def test_one_flipped_bit_in_any_bytes_is_found_where_it_is(database: Database, name: str):
    value = bytearray.fromhex(column(database, name, 20))
    # In a body: a letter of a title, which neither money nor boards depend on.
    at = bytes(value).index(b"Lipstick") if name == "body" else 7
    value[at] ^= 1
    database.disarm()
    database.run(set_column(database, name, 20, value.hex()))

    expected = {
        "body": {("hash_mismatch", 20)},
        "hash": {("hash_mismatch", 20), ("chain_broken", 21)},
        "prev_hash": {("hash_mismatch", 20), ("chain_broken", 20)},
    }[name]
    code, report = verified(database)
    found = {(finding["code"], finding["position"]) for finding in report["findings"]}
    assert code == 1
    # A stored state of a later position holds the hash that it stands on.
    assert found - {("state_mismatch", 20), ("state_mismatch", 30)} == expected


@pytest.mark.parametrize(
    "change",
    ["occurred_at = occurred_at + 1", "recorded_at = recorded_at - 1", "actor = 'key:nobody'", "key = 'order:shop:x'"],
)
def test_changed_field_of_an_entry_is_found(database: Database, change: str):
    database.disarm()
    database.run(f"UPDATE entry SET {change} WHERE event = '{EVENT}' AND position = 12")

    code, report = verified(database)

    found = {(finding["code"], finding["position"]) for finding in report["findings"]}
    assert code == 1
    assert ("hash_mismatch", 12) in found


def test_deleted_entry_is_found_and_named(database: Database):
    statement = f"DELETE FROM entry WHERE event = '{EVENT}' AND position = 12"
    with pytest.raises(RuntimeError, match=REFUSED):
        database.run(statement)
    database.disarm()
    database.run(statement)

    code, report = verified_by_command(database)

    found = {(finding["code"], finding["position"]): finding["detail"] for finding in report["findings"]}
    assert code == 1
    assert found["position_gap", 12] == "entry 12 is missing"
    assert ("chain_broken", 13) in found
    assert ("postings_mismatch", 12) in found


def test_deleted_last_entry_is_found_by_the_head(database: Database):
    database.disarm()
    database.run(
        f"DELETE FROM entry WHERE event = '{EVENT}' AND position = 30",
        f"DELETE FROM posting WHERE event = '{EVENT}' AND position = 30",
        f"DELETE FROM state WHERE event = '{EVENT}' AND position = 30",
    )

    assert_found(database, ("head_mismatch", 30))


def test_swapped_pair_of_entries_is_found_and_both_named(database: Database):
    database.disarm()
    moves = [(12, 1012), (13, 12), (1012, 13)]
    database.run(
        *(f"UPDATE entry SET position = {to} WHERE event = '{EVENT}' AND position = {at}" for at, to in moves),
        *(f"UPDATE posting SET position = {to} WHERE event = '{EVENT}' AND position = {at}" for at, to in moves),
    )

    code, report = verified_by_command(database)

    found = {(finding["code"], finding["position"]) for finding in report["findings"]}
    assert code == 1
    assert {("hash_mismatch", 12), ("hash_mismatch", 13), ("chain_broken", 12), ("chain_broken", 13)} <= found


def test_swapped_bodies_of_two_orders_are_found(database: Database):
    bodies = {position: column(database, "body", position) for position in (12, 16)}
    database.disarm()
    database.run(set_column(database, "body", 12, bodies[16]), set_column(database, "body", 16, bodies[12]))

    code, report = verified(database)

    hashes = {finding["position"] for finding in report["findings"] if finding["code"] == "hash_mismatch"}
    assert (code, hashes) == (1, {12, 16})


def test_changed_posting_is_found_even_if_it_still_balances(database: Database):
    change = f"UPDATE posting SET amount = amount * 2 WHERE event = '{EVENT}' AND position = 12"
    with pytest.raises(RuntimeError, match=REFUSED):
        database.run(change)
    database.disarm()
    database.run(change)

    assert_found(database, ("postings_mismatch", 12))


def test_unbalanced_posting_is_found(database: Database):
    database.disarm()
    database.run(f"UPDATE posting SET amount = amount + 1 WHERE event = '{EVENT}' AND position = 12 AND leg = 1")

    assert_found(database, ("postings_mismatch", 12), ("postings_unbalanced", 12))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE posting SET account = 'Income:Sales:jade:h10' WHERE event = '{event}' AND position = 9 AND leg = 1",
        "DELETE FROM posting WHERE event = '{event}' AND position = 9",
        "UPDATE posting SET currency = 'EUR' WHERE event = '{event}' AND position = 9",
    ],
)
def test_posting_moved_or_removed_is_found(database: Database, change: str):
    database.disarm()
    database.run(change.format(event=EVENT))

    assert_found(database, ("postings_mismatch", 9))


@pytest.mark.parametrize("change", ["body", "digest", "position"])
def test_changed_stored_state_is_found(database: Database, change: str):
    body = database.rows(f"SELECT {database.HEX.format('body')} FROM state WHERE event = '{EVENT}' AND position = 20")
    wrong = bytearray.fromhex(body[0][0])
    wrong[len(wrong) // 2] ^= 1
    values = {
        "body": f"body = {database.BYTES.format(wrong.hex())}",
        "digest": "digest = 'x' || substr(digest, 2)",
        "position": "position = 21",
    }

    # It is a cache, so the database lets it be changed; what it says is still checked.
    database.run(f"UPDATE state SET {values[change]} WHERE event = '{EVENT}' AND position = 20")

    assert_found(database, ("state_mismatch", 21 if change == "position" else 20))
    if change == "digest":
        # Nothing but the report may be on the command's standard output, whatever is logged on the way.
        verified_by_command(database)


def test_stored_state_of_another_version_is_passed_over(database: Database):
    where = f"event = '{EVENT}' AND position = 20"
    stored = bytes.fromhex(database.rows(f"SELECT {database.HEX.format('body')} FROM state WHERE {where}")[0][0])
    other = msgspec.msgpack.encode(msgspec.msgpack.decode(zlib.decompress(stored)) | {"format": "0"})
    body = database.BYTES.format(zlib.compress(other).hex())
    database.run(f"UPDATE state SET body = {body}, digest = '{hashlib.sha256(other).hexdigest()}' WHERE {where}")

    code, report = verified(database)

    assert (code, report["findings"], report["states"]) == (0, [], 2)


def test_moved_back_head_is_refused_and_found(database: Database):
    change = f"UPDATE head SET position = position - 1 WHERE event = '{EVENT}'"
    with pytest.raises(RuntimeError, match="head"):
        database.run(change)
    database.disarm()
    database.run(change)

    assert verified(database)[0] == 1


def test_findings_are_told_to_people_too_and_one_event_spoils_the_whole(database: Database):
    database.disarm()
    database.run(f"DELETE FROM posting WHERE event = '{EVENT}' AND position = 9")

    done = run_kos("verify", KOS_DATABASE_URL=database.url)

    assert done.returncode == 1
    assert f"{EVENT}: 30 entries" in done.stdout
    assert "postings_mismatch at position 9" in done.stdout
    assert "untouched: 4 entries" in done.stdout


@pytest.mark.parametrize("event", ["nowhere", "\x01"])
def test_verifying_what_is_not_there_is_no_pass(database: Database, event: str):
    done = run_kos("verify", "--event", event, KOS_DATABASE_URL=database.url)

    assert done.returncode == 3
    assert "There is no event" in done.stderr


def test_database_that_is_not_there_is_no_pass(tmp_path: Path):
    for url in (f"sqlite+aiosqlite:///{tmp_path}/none.db", "postgresql+asyncpg://kos@127.0.0.1:1/none"):
        done = run_kos("verify", KOS_DATABASE_URL=url)

        assert done.returncode == 3
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "none.db").exists()
