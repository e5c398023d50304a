"""``kos verify --from-checkpoint``: the tail is verified as the whole would be, behind a state that is pinned."""

import asyncio
import json
from pathlib import Path

import pytest

from app.audit.verify import verify
from app.journal.open import open_store
from tests.app_server import run_kos
from tests.forging import EVENT, Tampered, copy_of_told, entries_of, sign, told_sqlite
from tests.tampering import copy_of_sqlite


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return told_sqlite(tmp_path_factory.mktemp("told"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path):
    """The event in a database of the test's own: states every ten entries, one checkpoint at 15."""
    if request.param == "sqlite":
        yield copy_of_sqlite(request.getfixturevalue("told"), tmp_path)
        return
    server = request.getfixturevalue("postgres")
    copy = copy_of_told(server)
    yield copy
    server.drop_database(copy.url)


def tail(database: Tampered) -> tuple[int, int, set[tuple[str, int]]]:
    """First position that was verified, how many entries, and what was found."""

    async def work():
        store = open_store(database.url)
        try:
            return await verify(store, EVENT, from_checkpoint=True)
        finally:
            await store.close()

    report = asyncio.run(work())
    return report.first, report.entries, {(finding.code, finding.position) for finding in report.findings}


def stored_at(database: Tampered) -> list[int]:
    return [int(row[0]) for row in database.rows(f"SELECT position FROM state WHERE event = '{EVENT}' ORDER BY 1")]


def head(database: Tampered) -> int:
    return len(entries_of(database))


def test_tail_behind_the_last_pinned_state_is_clean(database: Tampered):
    pinned = max(position for position in stored_at(database) if position <= 15)

    assert tail(database) == (pinned + 1, head(database) - pinned, set())


@pytest.mark.parametrize("place", range(4))
def test_every_stored_state_is_a_start_from_which_the_rest_is_clean(database: Tampered, place: int):
    """Whatever waits, is held or is stated by then is known from the state."""
    states = stored_at(database)
    assert len(states) == 4
    asyncio.run(sign(database.url, states[place]))
    # An earlier one is pinned by the same signature, and is farther back.
    database.run(f"DELETE FROM state WHERE event = '{EVENT}' AND position > {states[place]}")

    assert tail(database) == (states[place] + 1, head(database) - states[place], set())


def test_without_a_checkpoint_it_begins_at_the_first_entry(database: Tampered):
    database.run("DELETE FROM checkpoint")

    assert tail(database) == (1, head(database), set())


def test_signature_of_nobody_known_pins_nothing(database: Tampered):
    database.run("DELETE FROM checkpoint_key")

    assert tail(database) == (1, head(database), {("checkpoint_unsigned", 15)})


def test_state_that_was_changed_is_no_start_and_is_found(database: Tampered):
    pinned = max(position for position in stored_at(database) if position <= 15)
    database.run(f"UPDATE state SET digest = 'x' || substr(digest, 2) WHERE position = {pinned}")

    first, _, found = tail(database)

    assert first < pinned
    assert found == {("state_mismatch", pinned)}


def test_tail_is_found_to_be_wrong_and_what_is_before_is_not_looked_at(database: Tampered):
    pinned = max(position for position in stored_at(database) if position <= 15)
    database.disarm()
    database.run(f"UPDATE entry SET actor = 'key:x' WHERE event = '{EVENT}' AND position = {pinned - 1}")
    before = tail(database)
    database.run(f"UPDATE entry SET actor = 'key:x' WHERE event = '{EVENT}' AND position = {pinned + 1}")

    assert before == (pinned + 1, head(database) - pinned, set())
    assert tail(database)[2] == {("hash_mismatch", pinned + 1)}


def test_chain_that_does_not_come_to_what_was_signed_is_found(database: Tampered):
    pinned = max(position for position in stored_at(database) if position <= 15)
    other = entries_of(database)[3].hash.hex()
    database.disarm()
    change = f"hash = {database.BYTES.format(other)}"
    database.run(f"UPDATE entry SET {change} WHERE event = '{EVENT}' AND position = 15")

    first, _, found = tail(database)

    assert first == pinned + 1
    assert {("checkpoint_mismatch", 15), ("hash_mismatch", 15)} <= found


def test_command_says_from_where_it_verified(database: Tampered):
    pinned = max(position for position in stored_at(database) if position <= 15)
    variables = {"KOS_DATABASE_URL": database.url}

    scripted = run_kos("verify", "--from-checkpoint", "--json", **variables)
    database.run("DELETE FROM checkpoint")
    told = run_kos("verify", "--from-checkpoint", "--event", EVENT, **variables)
    both = run_kos("verify", "--from-checkpoint", "--digest", **variables)

    assert (scripted.returncode, json.loads(scripted.stdout)["first"]) == (0, pinned + 1)
    assert told.returncode == 0
    assert "from the beginning: no signed checkpoint pins a stored state" in told.stdout
    assert (both.returncode, both.stdout) == (3, "")
