"""docs/ledger.md is true: its tables are what a server books for its stories, its commands say what it shows."""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.sales.money import split
from tests.app_server import AppServer, serving
from tests.doc_examples import ANYTHING, Example, examples
from tests.event_client import EventClient
from tests.packages import SCORER
from tests.processes import environment
from tests.worked_examples import tell

DOCUMENT = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()
COLUMNS = ("entries", "net_sales", "commission", "held", "available", "paid")
_TABLE = re.compile(r"^(\|.+\|)\n\|[-:| ]+\|\n((?:\|.*\|\n)+)", re.MULTILINE)
_SECONDS_MAX = 60.0

in_one_loop = pytest.mark.asyncio(loop_scope="module")

Postings = dict[str, dict[str, str]]


@dataclass
class Told:
    """What a server holds once the stories were told to it, and what the commands of the document said about it."""

    booked: Postings = field(default_factory=dict)
    balances: dict[str, dict[str, str]] = field(default_factory=dict)
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[tuple[Example, "subprocess.CompletedProcess[str]"]] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("audit")
    found = Told()
    async with serving(f"sqlite+aiosqlite:///{folder}/kos.db") as server, server.client() as client:
        events = EventClient(client, "spring"), EventClient(client, "summer")
        await tell(*events)
        for event in events:
            found.booked |= booked(server, event.id)
            accounts = (await event.ok("GET", "/ledger/accounts"))["accounts"]
            found.balances[event.id] = {account["account"]: account["balance"] for account in accounts}
        for name in ("july", "august"):
            found.statements[name] = await events[1].ok("GET", "/statements/lin", statement=name)
        await events[0].move("ended")
        final = await events[0].move("final")
        head = (await events[0].ok("GET"))["head_hash"]
        keys = (await client.get("/.well-known/kos-keys.json")).json()["keys"]
        assert final["status"] == "final"
        shutil.copy(SCORER, folder)
        published = {"FINGERPRINT": keys[0]["fingerprint"], "PUBLISHED": head}
        found.answers = [(one, shell(one.run.text, server, folder, published)) for one in examples(DOCUMENT)]
    return found


def booked(server: AppServer, event: str) -> Postings:
    """Amounts by account, of each entry by its key."""
    listed = server.kos("export", "--event", event, "--list", "postings").stdout
    found: Postings = {}
    for row in csv.DictReader(io.StringIO(listed)):
        found.setdefault(row["key"], {})[row["account"]] = row["amount"]
    return found


def shell(text: str, server: AppServer, folder: Path, published: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """As a reader would type it, with this project's own commands and Python first."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        cwd=folder,
        env=environment(**(server.variables | published | {"PATH": path})),
    )


def tables(document: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Header and rows of every table, as cells."""
    for found in _TABLE.finditer(document):
        header, *rows = [
            [cell.strip() for cell in line[1:-1].split("|")] for line in [found[1], *found[2].splitlines()]
        ]
        yield header, rows


def sums_by_account(postings: Postings, keys: Sequence[str]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key in keys:
        for account, amount in postings[key].items():
            sums[account] = sums.get(account, 0) + int(amount.replace(".", ""))
    return sums


@in_one_loop
async def test_worked_examples_are_what_a_server_books(story: Told):
    written = {
        header[0].strip("`"): {account.strip("`"): amount for account, amount in rows}
        for header, rows in tables(DOCUMENT)
        if header[1:] == ["amount"]
    }

    assert written == story.booked
    assert len(written) == 28
    for postings in written.values():
        assert sum(int(amount.replace(".", "")) for amount in postings.values()) == 0
    summer = [key for key in written if re.search(r"shop:2|r-[67]|release|payout|bonus", key)]
    for event, keys in (("spring", [key for key in written if key not in summer]), ("summer", summer)):
        balances = {name: int(amount.replace(".", "")) for name, amount in story.balances[event].items()}
        assert sums_by_account(written, keys) == balances


@in_one_loop
async def test_statements_of_the_document_are_those_of_the_server(story: Told):
    for name, document in story.statements.items():
        (rows,) = [rows for header, rows in tables(DOCUMENT) if header[0] == f"`{name}` of `lin`"]

        opening, *lines, closing = rows
        assert opening == ["at the beginning", "", "", "", *document["opening"].values()]
        assert lines == [[f"`{line['line']}`", *(str(line[name]) for name in COLUMNS)] for line in document["lines"]]
        assert closing == ["at the end", "", "", "", *document["closing"].values()]


@in_one_loop
async def test_audit_says_what_the_document_shows(story: Told):
    for example, done in story.answers:
        assert done.returncode == 0, (example.run.text, done.stderr)
        if example.answer is not None:
            wanted = re.escape(example.answer.text.strip()).replace(re.escape(ANYTHING), r"[\s\S]*")
            assert re.fullmatch(wanted, done.stdout.strip()), (example.run.text, done.stdout)
    assert len([example for example, _ in story.answers if example.answer]) == 5


def test_divisions_of_the_document_are_those_of_the_rule():
    (rows,) = [rows for header, rows in tables(DOCUMENT) if header[0] == "divided"]

    def minor(cell: str) -> list[int]:
        return [int(number.replace(".", "")) for number in cell.split(", ")]

    for divided, weights, gives, _ in rows:
        assert split(minor(divided)[0], minor(weights)) == minor(gives), divided
    assert len(rows) == 4
