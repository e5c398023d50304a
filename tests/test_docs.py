"""The documents are true: kinds, codes, commands, routes, tables, settings and links are those of the code, and the
examples give the answers that stand under them.
"""

import ast
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY

from app import decide, errors, metrics, state
from app.api import problems
from app.audit.package_reader import CODES
from app.audit.verify import PASSES
from app.cli import COMMANDS, load
from app.journal.tables import metadata
from app.settings import Settings
from migrations import guards
from tests.app_server import ADMIN_KEY, KOS, AppServer
from tests.doc_examples import Example, differences, examples, run
from tests.processes import start_on_free_port

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
WITH_EXAMPLES = ("README.md", "docs/api.md", "docs/journal.md", "docs/protocol.md", "docs/operations.md")
FAMILY = {
    name: kind.status
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.AppError)
}
# Where the first argument is no constant; the codes that can stand there are found otherwise, see `raised_codes`.
COMPUTED = {
    ("app/access.py", "code"),
    ("app/api/problems.py", "code"),
    ("app/decide/__init__.py", "f'{noun}_conflict'"),
}
_CELLS = re.compile(r"^\| (.+?) \|$", re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def server() -> Iterator[AppServer]:
    """`kos up` on a new database, with nothing played into its event."""
    started = demo_server()
    yield started
    started.close()


def demo_server() -> AppServer:
    def make(port: int) -> AppServer:
        directory = Path(tempfile.mkdtemp(prefix="kos-docs-"))
        return AppServer(
            url=f"http://127.0.0.1:{port}",
            port=port,
            directory=directory,
            command=[str(KOS), "up", "--rate", "0", "--port", str(port)],
            # Said once the event is there.
            is_ready=lambda _: "Stop with Ctrl-C" in (directory / "log").read_text(),
            variables={"KOS_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/kos.db", "KOS_ADMIN_KEY": ADMIN_KEY},
        )

    return start_on_free_port(make)


def variables_of(server: AppServer) -> dict[str, str]:
    return {
        "KOS": server.url,
        "KEY": server.key,
        "AUTH": f"Authorization: Bearer {server.key}",
        "JSON": "Content-Type: application/json",
        "NOW": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def raised_codes() -> dict[str, set[int]]:
    """Every code that an AppError can carry, with its statuses: from the calls, and from docstrings and tables where
    the first argument is a variable (``COMPUTED``).
    """
    found: dict[str, set[int]] = {"internal": {500}, "http_error": set()}
    computed = set()
    for path in (ROOT / "app").rglob("*.py"):
        text = path.read_text()
        tree = ast.parse(text)
        for code, status in _called(tree):
            if isinstance(code, ast.Constant):
                found.setdefault(str(code.value), set()).add(status)
            else:
                computed.add((str(path.relative_to(ROOT)), ast.unparse(code)))
        for family, codes in re.findall(rf"({'|'.join(FAMILY)}) ((?:``\w+``(?:, )?)+)", text):
            for code in re.findall(r"\w+", codes):
                found.setdefault(code, set()).add(FAMILY[family])
    assert computed <= COMPUTED, "say in COMPUTED where the codes that can stand there are found"
    found |= {code: {status} for status, (code, _) in problems._CODES.items()}
    found |= {code: {422} for code, _ in problems._KINDS.values()}
    return found | {f"{noun}_conflict": {409} for noun in {*decide._NOUNS.values(), "request"}}


def _called(tree: ast.AST) -> Iterator[tuple[ast.expr, int]]:
    """First argument and status of each call that makes an AppError, those of a subclass's own constructor included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            statuses = [FAMILY[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in FAMILY]
            for call in (found for found in ast.walk(node) if isinstance(found, ast.Call) and statuses):
                if ast.unparse(call.func) == "super().__init__" and isinstance(call.args[0], ast.Constant):
                    yield call.args[0], statuses[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILY and node.args:
            yield node.args[0], FAMILY[node.func.id]


def rows(document: str) -> Iterator[list[str]]:
    """Cells of every table row of a document."""
    for found in _CELLS.finditer(document):
        yield [cell.strip() for cell in found[1].split(" | ")]


def named(cell: str) -> list[str]:
    """The names in backticks of a cell that holds nothing else; [] for any other."""
    names = re.findall(r"`([^`]+)`", cell)
    return names if ", ".join(f"`{name}`" for name in names) == cell else []


def first_names(document: str) -> set[str]:
    return {name for cells in rows(document) for name in named(cells[0])}


def section(document: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)", document, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no {heading}"
    return found[1]


def test_kinds_of_entries_are_those_of_the_fold():
    table = section((DOCS / "journal.md").read_text(), "## Kinds").split("###")[0]
    sections = set(re.findall(r"^### `([\w.]+)`$", (DOCS / "journal.md").read_text(), re.MULTILINE))

    assert first_names(table) == set(state._FOLDS)
    assert sections == set(state._FOLDS)


def test_codes_of_errors_are_those_that_the_code_raises():
    raised = raised_codes()
    api = {
        code: cells[1]
        for cells in rows(section((DOCS / "api.md").read_text(), "## Errors"))
        for code in named(cells[0])
    }
    stream = first_names(section((DOCS / "protocol.md").read_text(), "## Error codes"))
    operations = (DOCS / "operations.md").read_text()
    commands = first_names(section(operations, "## When it says 503")) | first_names(section(operations, "## Backup"))

    # Refused before the handshake ends, so it has no row among the stream's own messages.
    assert raised.keys() - api.keys() - stream - commands - {"subprotocol_required"} == set()
    assert (api.keys() | stream | commands) - raised.keys() == set()
    assert [code for code, status in api.items() if status.isdigit() and raised[code] != {int(status)}] == []


def test_commands_of_kos_are_documented():
    commands = set()
    for name in COMMANDS:
        within = getattr(load(name), "commands", None)
        commands |= {f"kos {name}"} if within is None else {f"kos {name} {command}" for command in within}
    documented = first_names(section((DOCS / "operations.md").read_text(), "## Start"))

    assert documented == commands


def test_calls_of_the_api_are_documented(server: AppServer):
    answer = httpx2.get(f"{server.url}/openapi.json", headers={"Authorization": f"Bearer {server.key}"})
    calls = {f"{method.upper()} {path}" for path, methods in answer.json()["paths"].items() for method in methods}
    documented = first_names(section((DOCS / "api.md").read_text(), "## Every call"))

    pages = {"GET /overlay/{event}/{component}", "GET /e/{event}", "GET /console", "GET /components/v1/{name}"}
    files = {"GET /l/{code}", "GET /assets/{name}"}
    assert documented - {"GET /v1/stream", "GET /v1/stream/sse", *pages, *files} == calls


def test_tables_guards_and_findings_are_documented():
    architecture, journal, operations = (
        (DOCS / f"{name}.md").read_text() for name in ("architecture", "journal", "operations")
    )
    guarded = section(journal, "## Guards in the database")
    states = {value for value in vars(guards).values() if isinstance(value, str) and value.startswith("KOS0")}
    words = set(re.findall(r"RAISE\(ABORT, '(\w+):", "".join(guards.SQLITE)))

    assert first_names(section(architecture, "## Tables")) == set(metadata.tables)
    assert set(re.findall(r"`(\w+)`", guarded)) >= states | words
    assert first_names(section(operations, "## Verify")) >= {*PASSES}
    assert first_names(section(operations, "## Recount")) == set(CODES)


def test_faults_name_tests_that_exist():
    named_there = re.findall(r"`(test_\w+\.py)`", (DOCS / "reliability.md").read_text())

    assert len(list(rows((DOCS / "reliability.md").read_text()))) >= 14
    assert set(named_there) - {path.name for path in (ROOT / "tests").rglob("test_*.py")} == set()


def test_settings_are_documented_with_their_defaults():
    documented = {
        cells[0].strip("`"): cells[1].strip("`")
        for cells in rows(section((DOCS / "operations.md").read_text(), "## Settings"))
        if named(cells[0])
    }

    def shown(default: Any) -> str:
        text = str(default)
        return text.lower() if isinstance(default, bool) else text.removesuffix(".0") or "empty"

    assert documented == {
        f"KOS_{name}".upper(): "empty" if "Secret" in str(field.annotation) else shown(field.default)
        for name, field in Settings.model_fields.items()
    }


def test_metrics_are_documented_with_their_types():
    documented = {
        name: cells[1]
        for cells in rows(section((DOCS / "operations.md").read_text(), "## Metrics"))
        for name in named(cells[0])
    }

    assert metrics.exposition()
    assert documented == {one.name: one.type for one in REGISTRY.collect() if one.name.startswith("kos_")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path):
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    missing = []
    for link in _LINK.findall(text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and anchor not in anchors(path.read_text())):
            missing.append(link)

    assert missing == []


def anchors(document: str) -> set[str]:
    """What the headings of a document can be reached by."""
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def wrong_answers(server: AppServer) -> dict[str, list[str]]:
    """What is not as the document says, by document. Each is one story: its blocks run in order, all on one server."""
    variables = variables_of(server)
    return {
        name: [
            f"{name}:{example.run.line}: {finding}"
            for example in examples((ROOT / name).read_text())
            for finding in findings(example, server, variables)
        ]
        for name in WITH_EXAMPLES
    }


def findings(example: Example, server: AppServer, variables: dict[str, str]) -> list[str]:
    result = run(example.run, server, variables)
    if example.answer is not None:
        return differences(example.answer, result)
    return [] if result.is_good else [f"{result.status}: {result.text}"]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_the_answers_under_them(wrong_answers: dict[str, list[str]], name: str):
    assert wrong_answers[name] == []


def test_order_to_try_is_another_one_in_the_readme_than_where_the_server_prints_it(server: AppServer):
    """Whoever posts both must not be told that they conflict."""
    order = re.compile(r'"id": ?"([^"]+)", ?"paid_at"')
    printed = order.findall((server.directory / "log").read_text())
    written = order.findall((ROOT / "README.md").read_text())

    assert (len(printed), len(written)) == (1, 1)
    assert printed != written


def test_members_of_bodies_are_documented(server: AppServer, wrong_answers: dict[str, list[str]]):
    """Of the journal that the examples of docs/api.md leave behind."""
    journal = (DOCS / "journal.md").read_text()
    answer = httpx2.get(f"{server.url}/v1/events/spring/journal", headers={"Authorization": f"Bearer {server.key}"})
    kinds = set()
    for entry in answer.json()["entries"]:
        text = section(journal, f"### `{entry['kind']}`")
        members = {*entry["body"], *entry["body"].get("fact", {})}
        kinds.add(entry["kind"])

        assert {member for member in members if f"`{member}`" not in text} == set(), entry["kind"]
    assert kinds >= {"order.paid", "order.refunded", "refund.matched", "order.cancelled"}
