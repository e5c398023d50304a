"""The code has the shape that the design gives it; and the reader that says so sees planted mistakes."""

import ast
from pathlib import Path

import pytest

from tests import architecture

ROOT = Path(__file__).parent.parent
FOLDERS = ("app", "bench", "kos_client", "migrations", "recount", "requirements", "tests")


def planted(root: Path, **modules: str) -> Path:
    """A package ``app`` with these modules; ``sales__money`` is `app/sales/money.py`."""
    for name, source in modules.items():
        path = root / "app" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


def test_imports_go_in_the_directions_of_the_design():
    assert architecture.findings(ROOT) == []


def test_files_and_functions_stay_within_their_limits():
    assert architecture.size_findings(ROOT, FOLDERS) == []


def test_allowed_lazy_imports_still_exist():
    used = {
        (architecture.module_name(path, ROOT), item.target)
        for path in (ROOT / "app").rglob("*.py")
        for item in architecture.imports_of(ast.parse(path.read_text()))
        if item.where == "function"
    }

    assert set(architecture.LAZY_ALLOWED) - used == set()


@pytest.mark.parametrize(
    ("module", "source", "finding"),
    [
        ("sales__orders", "import app.api.orders", "app.sales.orders:1 imports app.api.orders"),
        ("sales__orders", "from app import feed", "app.sales.orders:1 imports app.feed"),
        ("sales__orders", "from app.journal.writer import Writer", "imports app.journal.writer"),
        ("challenge__boards", "from app.sales.orders import decide", "imports app.sales.orders"),
        ("realtime__hub", "from app.challenge.boards import rows", "imports app.challenge.boards"),
        ("journal__store", "from app.events import Events", "imports app.events"),
        ("journal__writer", "from app.decide import decide", "imports app.decide"),
        ("journal__entry", "from app.journal.tables import entry", "imports app.journal.tables"),
        ("api__orders", "from app.main import create_app", "imports app.main"),
        ("errors", "from app.settings import Settings", "imports app.settings"),
        ("newcomer", "", "app.newcomer has no row in LAYERS"),
        ("api__orders", "from . import boards", "relatively"),
        ("api__orders", "def f():\n    import csv", "app.api.orders:2 imports csv inside a function"),
        ("sales__money", "import sqlalchemy", "app.sales.money:1 is pure and imports sqlalchemy"),
        ("sales__money", "from time import time", "is pure and imports time.time"),
        ("challenge__rules", "import asyncio", "is pure and imports asyncio"),
        ("decide", "import random", "app.decide:1 is pure and imports random"),
        ("realtime__messages", "from fastapi import WebSocket", "is pure and imports fastapi.WebSocket"),
        ("challenge__rules", "from datetime import datetime\nx = datetime.now()", "reads a clock"),
        ("challenge__rules", "from datetime import date\nx = date.today()", "reads a clock"),
    ],
)
def test_planted_import_is_found(tmp_path: Path, module: str, source: str, finding: str):
    root = planted(tmp_path, **{module: source})

    found = architecture.findings(root)

    assert len(found) == 1
    assert finding in found[0]


def test_planted_cycle_is_found_across_modules(tmp_path: Path):
    root = planted(
        tmp_path,
        api__a="from app.api.b import f",
        api__b="import app.api.c",
        api__c="from app.api import a",
    )

    assert architecture.findings(root) == ["import cycle: app.api.a -> app.api.b -> app.api.c -> app.api.a"]


def test_import_for_types_only_makes_no_cycle_but_keeps_its_direction(tmp_path: Path):
    under = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
    root = planted(tmp_path, api__a="import app.api.b", api__b=under + "import app.api.a")
    assert architecture.findings(root) == []

    root = planted(tmp_path, sales__money=under + "import app.api.a")
    assert architecture.findings(root) == ["app.sales.money:3 imports app.api.a, which app.sales may not"]


def test_right_directions_are_no_finding(tmp_path: Path):
    root = planted(
        tmp_path,
        main="from app.api import orders\nfrom app.decide import decide",
        api__orders="from app.events import Events\nfrom app.errors import Invalid",
        events="from app.journal.writer import Writer\nfrom app.challenge import scores",
        journal__writer="import asyncio\nfrom app.journal.entry import Entry",
        decide="from app.sales import orders\nfrom app.challenge.roster import Roster",
        sales__orders="from datetime import datetime\nfrom app.sales.money import split",
    )

    assert architecture.findings(root) == []


def test_client_and_server_import_nothing_of_each_other(tmp_path: Path):
    root = planted(tmp_path, errors="from kos_client import KosClient", sales__money="x = 1")
    (root / "kos_client").mkdir()
    (root / "kos_client" / "client.py").write_text("from app.sales.money import split\nimport kos_client.documents")
    (root / "kos_client" / "documents.py").write_text("import asyncio")

    assert architecture.findings(root) == [
        "app.errors:1 imports kos_client.KosClient, which app.errors may not",
        "app.errors:1 is pure and imports kos_client.KosClient",
        "kos_client.client:1 imports app.sales.money, which kos_client may not",
        "kos_client.documents:1 is pure and imports asyncio",
    ]


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("x = 1\n" * 400, None),
        ("x = 1\n" * 401, "app/m.py has 401 lines, 400 are allowed"),
        ("def f():\n" + "    x = 1\n" * 59, None),
        ("def f():\n" + "    x = 1\n" * 60, "app/m.py: f has 61 lines, 60 are allowed"),
        ("class C:\n  async def g(self):\n" + "    x = 1\n" * 60, "app/m.py: g has 61 lines, 60 are allowed"),
    ],
)
def test_size_is_refused_one_line_over_the_limit(tmp_path: Path, source: str, finding: str | None):
    root = planted(tmp_path, m=source)

    assert architecture.size_findings(root, ["app"]) == ([finding] if finding else [])


def test_size_of_a_page_counts_and_that_of_a_vendored_one_does_not(tmp_path: Path):
    for folder in ("app/web", "app/web/vendor"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "page.js").write_text("x\n" * 401)

    assert architecture.size_findings(tmp_path, ["app"]) == ["app/web/page.js has 401 lines, 400 are allowed"]
