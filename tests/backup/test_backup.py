"""Backup and restore: what comes back is what was there, whole or not at all, on either kind of database."""

import asyncio
import gzip
import itertools
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine

from app.audit.checkpoints import Checkpoints
from app.audit.verify import verify
from app.backup.file import checked, lines, writing
from app.backup.make import Unproven, make_backup
from app.backup.restore import restore
from app.errors import AppError, Conflict, Invalid, NotFound
from app.journal.lock import DatabaseInUse, serving
from app.journal.migrate import upgrade_in_loop
from app.journal.open import open_store
from app.journal.tables import metadata
from tests import factories
from tests.app_in_process import running_app
from tests.event_client import EventClient
from tests.forging import KEY as SIGNER
from tests.forging import sign
from tests.live import create, orders, running
from tests.tampering import EVENT, TamperedPostgres, TamperedSqlite

KINDS = ("sqlite", "postgresql")
Filled = Callable[[str], TamperedSqlite | TamperedPostgres]
Empty = Callable[[str], str]


async def content(url: str) -> dict[str, list[Any]]:
    """Every row of every table but the stored states."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as db:
            return {
                table.name: sorted(map(tuple, await db.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
                if table.name != "state"
            }
    finally:
        await engine.dispose()


async def is_empty(url: str) -> bool:
    await upgrade_in_loop(url)
    return not any((await content(url)).values())


@pytest.mark.parametrize(("source", "target"), list(itertools.product(KINDS, KINDS)))
async def test_everything_comes_back_as_it_was(filled: Filled, empty: Empty, tmp_path: Path, source: str, target: str):
    database, url, file = filled(source), empty(target), tmp_path / "all.kos"
    async with running_app(database.url) as api:
        key = await api.key_of("default", "orders", "ops")
        event = EventClient(api.client, EVENT)
        token = (await api.client.post("/v1/tokens", json={"event": EVENT})).json()["token"]
        await event.ok("PUT", "/overlays", {"scene": "night"})
        svg = {"Content-Type": "image/svg+xml"}
        uploaded = await event.client.post(f"{event.path}/assets", content=b"<svg></svg>", headers=svg)
        logo = uploaded.json()["asset"]
        await event.ok("PUT", "/look", {"logo": logo})
        answer = await event.ok("POST", "/orders", factories.order("late", host="h7", buyer="ann"))

    made = await make_backup(database.url, file)
    restored = await restore(url, file)

    assert await content(url) == await content(database.url)
    assert restored == {name: value for name, value in made.items() if name != "sha256"}
    assert [each["event"] for each in made["events"]] == [EVENT, "untouched"]
    async with running_app(url) as api:
        again = EventClient(api.client_of(key), EVENT)
        assert await again.ok("POST", "/orders", factories.order("late", host="h7", buyer="ann")) == answer
        assert (await api.client_of(token).get(f"{again.path}/boards/hosts")).status_code == 200
        await again.ok("POST", "/orders", factories.order("after", host="h8"))
        assert (await again.ok("GET", "/look"))["logo"] == logo
        assert (await api.client.get(f"/assets/{logo}")).content == b"<svg></svg>"


@pytest.mark.parametrize("kind", KINDS)
async def test_one_event_comes_back_beside_others_without_keys(filled: Filled, empty: Empty, tmp_path: Path, kind: str):
    database, url, file = filled("sqlite"), empty(kind), tmp_path / "one.kos"
    async with running_app(database.url) as api:
        await api.key_of("default", "orders")
        await api.services.access.pseudonym_key(EVENT)
        await api.services.access.pseudonym_key("untouched")
    async with running_app(url) as api:
        await EventClient(api.client, "older").open()

    await make_backup(database.url, file, EVENT)
    await restore(url, file)

    before, after = await content(database.url), await content(url)
    for name in ("entry", "posting", "profile", "head"):
        assert [row for row in after[name] if row[0] == EVENT] == [row for row in before[name] if row[0] == EVENT]
        assert {row[0] for row in after[name]} <= {EVENT, "older"}
    assert {name for name, _ in after["secret"]} == {f"event:{EVENT}", "signing"}
    assert after["api_key"] == []


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_there_is_never_mixed_with_a_backup(filled: Filled, tmp_path: Path, kind: str):
    database, other = filled(kind), filled(kind)
    await make_backup(database.url, tmp_path / "one.kos", EVENT)
    await make_backup(database.url, tmp_path / "all.kos")
    before = await content(other.url)

    for name in ("one.kos", "all.kos"):
        with pytest.raises(Conflict) as refused:
            await restore(other.url, tmp_path / name)
        assert refused.value.code == "restore_not_empty"
        assert EVENT in refused.value.detail

    assert await content(other.url) == before


async def test_everything_is_not_restored_beside_keys_of_another_installation(
    filled: Filled, empty: Empty, tmp_path: Path
):
    url = empty("sqlite")
    await make_backup(filled("sqlite").url, tmp_path / "all.kos")
    async with running_app(url) as api:
        await api.key_of("default", "orders")

    with pytest.raises(Conflict, match=r"api_key|secret") as refused:
        await restore(url, tmp_path / "all.kos")

    assert refused.value.code == "restore_not_empty"
    assert (await content(url))["entry"] == []


@pytest.mark.parametrize("kind", KINDS)
async def test_backup_beside_a_busy_event_is_of_one_moment(shared_url: str, empty: Empty, tmp_path: Path, kind: str):
    url, file = empty(kind), tmp_path / "busy.kos"
    async with running(shared_url) as events:
        event = await create(events)
        numbers = itertools.count(1)

        async def sell() -> None:
            while True:
                await event.submit(orders(20, first=20 * next(numbers), host="ann"))

        selling = asyncio.create_task(sell())
        try:
            while event.head.position < 200:  # noqa: ASYNC110, there is nothing that could tell
                await asyncio.sleep(0.01)
            made = await make_backup(shared_url, file, event.head.event)
        finally:
            selling.cancel()
            await asyncio.wait([selling])

    restored = await restore(url, file)

    assert made["events"][0]["position"] >= 200
    assert restored["events"] == made["events"]


@pytest.mark.parametrize("kind", KINDS)
async def test_event_that_does_not_verify_is_not_written_and_the_last_file_stays(
    filled: Filled, tmp_path: Path, kind: str
):
    database, file = filled(kind), tmp_path / "all.kos"
    await make_backup(database.url, file)
    kept = file.read_bytes()
    database.disarm()
    database.run(f"DELETE FROM posting WHERE event = '{EVENT}' AND position = 9")

    with pytest.raises(Unproven) as refused:
        await make_backup(database.url, file)

    assert (refused.value.code, refused.value.report.findings[0].position) == ("backup_unproven", 9)
    assert file.read_bytes() == kept
    assert not [each.name for each in os.scandir(tmp_path) if "part" in each.name]


@pytest.mark.parametrize("room_bytes", [0, 100, 20_000])
def test_disk_that_is_full_leaves_the_last_file(tmp_path: Path, room_bytes: int):
    """Full at the first byte, at the last flush, and in between."""
    file = tmp_path / "all.kos"
    file.write_bytes(b"the last one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def write(count: int) -> None:
        with writing(file) as out:
            for _ in range(count):
                out.write([os.urandom(100).hex()])
            out.end()

    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        with pytest.raises(Invalid) as refused:
            write(1_000 if room_bytes > 100 else 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert refused.value.code == "backup_unwritable"
    assert file.read_bytes() == b"the last one"
    assert [each.name for each in os.scandir(tmp_path)] == ["all.kos"]


async def test_file_is_for_its_owner_alone(filled: Filled, tmp_path: Path):
    await make_backup(filled("sqlite").url, tmp_path / "all.kos")

    assert stat.S_IMODE((tmp_path / "all.kos").stat().st_mode) == 0o600


async def test_event_that_is_not_there_is_no_backup(filled: Filled, tmp_path: Path):
    with pytest.raises(NotFound):
        await make_backup(filled("sqlite").url, tmp_path / "none.kos", "nowhere")

    assert not [each.name for each in os.scandir(tmp_path) if each.name.startswith("none")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda line: [*line[:2], "order.unknown", *line[3:]], "backup_unproven"),
        (lambda line: [*line[:8], "00" * 32], "backup_unproven"),
        (lambda line: None, "backup_unreadable"),
        (lambda line: line[:4], "backup_unreadable"),
    ],
    ids=["kind", "hash", "left out", "short"],
)
async def test_file_that_somebody_made_up_leaves_nothing(
    filled: Filled, empty: Empty, tmp_path: Path, kind: str, change: Callable[[list[Any]], Any], code: str
):
    """Its digest is right, so only what it holds can tell; at its last entry, after all others were written."""
    url, file, forged = empty(kind), tmp_path / "one.kos", tmp_path / "forged.kos"
    made = await make_backup(filled("sqlite").url, file, EVENT)
    last = made["events"][0]["position"]
    with writing(forged) as out:
        out.write(checked(file))
        for line in lines(file):
            written = change(line) if line[:2] == ["entry", last] else line
            if written is not None:
                out.write(written)
        out.end()

    with pytest.raises(AppError) as refused:
        await restore(url, forged)

    assert refused.value.code == code
    assert await is_empty(url)
    assert (await restore(url, file))["events"] == made["events"]


async def test_backup_of_another_version_is_refused(filled: Filled, empty: Empty, tmp_path: Path):
    await make_backup(filled("sqlite").url, tmp_path / "one.kos", EVENT)
    with writing(tmp_path / "other.kos") as out:
        out.write(checked(tmp_path / "one.kos") | {"step": "0001_journal"})
        out.end()

    with pytest.raises(Conflict, match="0001_journal") as refused:
        await restore(empty("sqlite"), tmp_path / "other.kos")

    assert refused.value.code == "backup_of_another_version"


async def test_file_of_sqlite_that_is_being_served_is_not_restored_into(filled: Filled, empty: Empty, tmp_path: Path):
    url = empty("sqlite")
    await make_backup(filled("sqlite").url, tmp_path / "all.kos")

    with serving(url), pytest.raises(DatabaseInUse):
        await restore(url, tmp_path / "all.kos")


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [*rows[:9], *rows[10:]],
        lambda rows: [*rows[:-2], rows[-1]],
        lambda rows: rows[:-1],
        lambda rows: [*rows, rows[-1]],
        lambda rows: [*rows[:9], rows[9].translate(bytes.maketrans(b"0123456789", b"1234567890")), *rows[10:]],
        lambda rows: [rows[0].replace(b"Z", b"z"), *rows[1:]],
        lambda rows: [*rows[1:]],
    ],
    ids=["line", "last line", "digest", "behind the end", "digits", "letter of the header", "header"],
)
async def test_file_whose_lines_were_changed_is_refused_by_its_digest(
    filled: Filled, empty: Empty, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]
):
    """Unpacked, changed and packed again, so that nothing but the last line can tell."""
    file = tmp_path / "one.kos"
    await make_backup(filled("sqlite").url, file, EVENT)
    file.write_bytes(gzip.compress(b"".join(change(gzip.decompress(file.read_bytes()).splitlines(keepends=True)))))

    with pytest.raises(Invalid) as refused:
        await restore(empty("sqlite"), file)

    assert refused.value.code == "backup_unreadable"
    assert not (tmp_path / "restored.db").exists()


async def test_file_that_was_cut_off_or_changed_anywhere_is_refused(filled: Filled, empty: Empty, tmp_path: Path):
    url, file, damaged = empty("sqlite"), tmp_path / "one.kos", tmp_path / "damaged.kos"
    await make_backup(filled("sqlite").url, file, EVENT)
    whole = file.read_bytes()
    # Of the header of gzip: flags, time, name and system say nothing of the content.
    said_nothing = 10 + len("one.kos") + 1
    wrong = [whole[:size] for size in range(0, len(whole), max(1, len(whole) // 60))]
    for at in range(said_nothing, len(whole), max(1, len(whole) // 200)):
        wrong.append(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    wrong += [whole + whole, b"", b"{}\n"]

    for broken in wrong:
        damaged.write_bytes(broken)
        with pytest.raises(Invalid) as refused:
            await restore(url, damaged)
        assert refused.value.code == "backup_unreadable"

    assert not (tmp_path / "restored.db").exists()
    await restore(url, file)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_signed_of_an_event_comes_with_the_keys_that_signed_it(
    filled: Filled, empty: Empty, tmp_path: Path, kind: str
):
    database, url, file = filled("sqlite"), empty(kind), tmp_path / "one.kos"
    await sign(database.url, 20, event=EVENT)
    async with running_app(url) as api:
        await EventClient(api.client, "older").open()
        # The same key signs there.
        await Checkpoints(api.services.checkpoints._db, SIGNER).keys()

    await make_backup(database.url, file, EVENT)
    restored = await restore(url, file)

    assert (restored["rows"]["checkpoint"], restored["rows"]["checkpoint_key"]) == (1, 1)
    store = open_store(url)
    report = await verify(store, EVENT)
    await store.close()
    assert (report.exit_code, report.signed) == (0, 1)
