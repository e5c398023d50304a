"""The migrations build exactly the tables of ``app/journal/tables.py``, whole or not at all; on both databases."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from app.errors import Unavailable
from app.journal.migrate import MIGRATIONS, is_current, newest, upgrade_in_loop
from app.journal.postgres_connections import connect_arguments
from app.journal.store_sqlite import path_of
from app.journal.tables import metadata

ROOT = Path(__file__).resolve().parents[2]

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname,
  pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype <> 't'"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
OPTIONS = "SELECT relname, reloptions::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"


async def structure(url: str) -> set[Any]:
    """Tables, columns, constraints and indexes of a database as comparable rows; without Alembic's own."""
    if url.startswith("sqlite"):
        with sqlite3.connect(path_of(url)) as connection:
            found = connection.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index')")
            rows = {(name, line.strip(" ,")) for name, text in found if text for line in text.splitlines()}
        connection.close()
    else:
        direct = await asyncpg.connect(**connect_arguments(url))
        rows = {tuple(row) for query in (COLUMNS, CONSTRAINTS, INDEXES, OPTIONS) for row in await direct.fetch(query)}
        await direct.close()
    return {row for row in rows if "alembic_version" not in row[0]}


async def test_migrated_database_equals_the_tables(database_url: str, tmp_path: Path, request: Any):
    await upgrade_in_loop(database_url)
    other_url = f"sqlite+aiosqlite:///{tmp_path}/other.db"
    if database_url.startswith("postgresql"):
        other_url = request.getfixturevalue("postgres").create_database()
    engine = create_async_engine(other_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()

    migrated, declared = await structure(database_url), await structure(other_url)

    assert migrated == declared
    assert len(migrated) > 40


async def test_autogenerate_finds_nothing_to_do(database_url: str):
    await upgrade_in_loop(database_url)
    engine = create_async_engine(database_url)

    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda c: compare_metadata(MigrationContext.configure(c, opts={"compare_type": True}), metadata)
        )

    assert differences == []
    await engine.dispose()


async def test_upgrade_may_be_repeated(database_url: str):
    assert not await is_current(database_url)

    await upgrade_in_loop(database_url)
    before = await structure(database_url)
    await upgrade_in_loop(database_url)

    assert await structure(database_url) == before
    assert await is_current(database_url)


async def test_upgrades_at_the_same_time_do_not_meet(database_url: str):
    await asyncio.gather(*(upgrade_in_loop(database_url) for _ in range(4)))

    assert await is_current(database_url)


async def test_upgrade_that_fails_leaves_nothing_behind(database_url: str):
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE secret (in_the_way integer)")
    before = await structure(database_url)

    with pytest.raises(Unavailable, match="secret"):
        await upgrade_in_loop(database_url)

    assert await structure(database_url) == before
    assert not await is_current(database_url)
    await engine.dispose()


def test_steps_form_one_line():
    heads = ScriptDirectory(str(MIGRATIONS)).get_heads()

    assert list(heads) == [newest()]


def test_alembic_by_hand_finds_the_database_in_the_environment(tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path}/kos.db"
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]

    subprocess.run(command, cwd=ROOT, env={**os.environ, "KOS_DATABASE_URL": url}, check=True, capture_output=True)

    assert asyncio.run(is_current(url))


def test_steps_hold_no_reference_to_the_tables_of_today():
    """A step that imported them would build something else tomorrow."""
    for step in (MIGRATIONS / "versions").glob("*.py"):
        assert not re.search(r"^\s*(from|import) app\b", step.read_text(), re.MULTILINE), step.name
