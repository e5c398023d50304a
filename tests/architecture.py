"""The shape of the code as a table, and a reader of sources that names what breaks it. Nothing is imported.

A module may import from the prefixes in its row of ``LAYERS`` (the longest matching prefix is its row) and
from nowhere else in the project; a module without a row is a finding, so a new folder needs a decision.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
PACKAGES = ("app", "kos_client")
SIZED_SUFFIXES = frozenset({".py", ".sh", ".js", ".css", ".html"})

_BASE = ("app.errors", "app.settings", "app.telemetry", "app.metrics")
_AMOUNTS = ("app.sales.money", "app.sales.currencies", "app.sales.nobody")
_LINES = ("app.journal.entry", "app.journal.drafts")
_RULES = ("app.sales", "app.challenge", *_LINES)
# What is not the journal: keys, tokens and names, in plain transactions.
_PLAIN = ("app.overlays", "app.looks", "app.links", "app.profiles", "app.quarantine", "app.database")
_PEOPLE = ("app.grants", "app.principals", "app.access", "app.console")
_EVENTS = ("app.events", "app.opened", "app.following", "app.state", "app.journal", *_RULES, *_BASE)
_SHOWN = ("app.feed_documents", "app.figures", "app.timeline")
_FEED = ("app.feed", *_SHOWN)
_SERVICES = (*_FEED, "app.audit", "app.audience", "app.realtime", *_PEOPLE, *_PLAIN, *_EVENTS)
_EDGES = ("app.api", "app.shops", "app.web", *_SERVICES)

LAYERS: Mapping[str, tuple[str, ...]] = {
    "app": (),
    "app.main": ("app.main", "app.decide", *_EDGES),
    "app.cli": ("app.cli", "app.main", "app.decide", "app.backup", *_EDGES),
    # Stores and brings back everything, whatever it is; nobody but a command asks for it.
    "app.backup": ("app.backup", "app.audit", "app.database", *_EVENTS),
    "app.api": ("app.api", *_SERVICES),
    "app.shops": ("app.shops", *_SERVICES),
    "app.web": ("app.web", *_SERVICES),
    "app.feed": (*_SHOWN, "app.grants", "app.realtime", "app.profiles", *_EVENTS),
    "app.feed_documents": _EVENTS,
    "app.figures": ("app.feed_documents", *_EVENTS),
    "app.timeline": _EVENTS,
    "app.audience": ("app.audience", "app.realtime", *_EVENTS),
    # An audit decides again what was decided, so it alone of the services knows the rule of every kind; its signed
    # checkpoints are plain transactions.
    "app.audit": ("app.audit", "app.decide", "app.database", *_EVENTS),
    "app.following": ("app.realtime.bus", "app.journal", *_BASE),
    "app.opened": ("app.state", "app.journal", *_RULES, *_BASE),
    "app.events": ("app.opened", "app.following", "app.realtime.bus", "app.state", "app.journal", *_RULES, *_BASE),
    "app.grants": (),
    "app.principals": ("app.grants", "app.errors"),
    "app.issuing": ("app.grants", "app.principals", "app.database", "app.journal.tables", *_BASE),
    "app.access": ("app.grants", "app.issuing", "app.principals", "app.database", "app.journal.tables", *_BASE),
    "app.console": ("app.principals", "app.access", "app.errors"),
    "app.overlays": ("app.database", "app.journal.tables", *_BASE),
    "app.looks": ("app.database", "app.journal.tables", *_BASE),
    "app.links": ("app.database", "app.journal.tables", *_BASE),
    "app.profiles": ("app.database", "app.journal.tables", *_BASE),
    "app.quarantine": ("app.database", "app.journal.tables", *_BASE),
    "app.database": _BASE,
    "app.realtime": ("app.realtime", *_BASE),
    "app.realtime.messages": ("app.realtime.frames", "app.errors"),
    "app.realtime.frames": (),
    "app.decide": ("app.decide", "app.state", *_RULES, "app.errors"),
    "app.state": ("app.state", *_RULES, "app.errors"),
    # Amounts are parsed and split by one code, and nobody has one name; else the contest knows nothing of orders.
    "app.challenge": ("app.challenge", *_AMOUNTS, "app.journal.entry", "app.errors"),
    "app.sales": ("app.sales", "app.journal.entry", "app.errors"),
    "app.journal": ("app.journal", *_BASE),
    "app.journal.drafts": ("app.journal.entry", "app.errors"),
    "app.journal.entry": ("app.errors",),
    "app.telemetry": ("app.errors", "app.settings"),
    "app.metrics": (),
    "app.settings": ("app.errors",),
    "app.errors": (),
    # Whoever writes a client may take this folder alone.
    "kos_client": ("kos_client",),
}  # fmt: skip

PURE = (
    "app.sales",
    "app.challenge",
    "app.state",
    "app.decide",
    "app.grants",
    "app.principals",
    "app.journal.entry",
    "app.journal.drafts",
    "app.realtime.messages",
    "app.errors",
    "kos_client.documents",
    "kos_client.errors",
)
"""No framework, no database, no clock, no chance: these import from the project and from this list only."""
PURE_MAY_IMPORT = frozenset(
    {
        *("abc", "base64", "bisect", "collections", "contextlib", "copy", "csv", "dataclasses", "datetime"),
        *(
            "decimal",
            "enum",
            "fnmatch",
            "fractions",
            "functools",
            "hashlib",
            "heapq",
            "hmac",
            "io",
            "itertools",
            "json",
        ),
        *("immutables", "math", "msgspec", "operator", "orjson", "re", "string", "struct", "types", "typing"),
        *("unicodedata", "zoneinfo"),
    }
)
CLOCK_CALLS = frozenset({"now", "utcnow", "today"})

LAZY_ALLOWED: Mapping[tuple[str, str], str] = {
    ("app.main", "app.realtime.bus_redis.RedisBus"): "its driver is a fifth of a start, and most do without it",
}
"""(module, what it imports inside a function) -> why it cannot stand at the top of the file."""


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a module imports. ``where`` is `module`, `typing` (under TYPE_CHECKING) or `function`."""

    target: str
    line: int
    where: str


def findings(root: Path) -> list[str]:
    """Everything wrong with our packages in this folder, one sentence each."""
    paths = (path for package in PACKAGES for path in sorted((root / package).rglob("*.py")))
    modules = {module_name(path, root): path for path in paths}
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules.items()}
    imports = {name: list(imports_of(tree)) for name, tree in trees.items()}
    found: list[str] = []
    for name, tree in trees.items():
        found += direction_findings(name, imports[name], modules)
        found += lazy_findings(name, imports[name])
        if within(name, PURE):
            found += purity_findings(name, tree, imports[name])
    return found + cycle_findings(imports, modules)


def direction_findings(name: str, imports: Iterable[Import], modules: Iterable[str]) -> Iterator[str]:
    row = max((prefix for prefix in LAYERS if within(name, (prefix,))), key=len)
    if row == "app" and name != "app":
        yield f"{name} has no row in LAYERS"
        return
    for item in imports:
        if item.target.startswith("."):
            yield f"{name}:{item.line} imports {item.target} relatively"
        target = resolve(item.target, modules)
        # The package itself holds the version and imports nothing, so anybody may read it.
        if target and target not in (name, "app") and not within(target, LAYERS[row]):
            yield f"{name}:{item.line} imports {target}, which {row} may not"


def lazy_findings(name: str, imports: Iterable[Import]) -> Iterator[str]:
    for item in imports:
        if item.where == "function" and (name, item.target) not in LAZY_ALLOWED:
            yield f"{name}:{item.line} imports {item.target} inside a function"


def purity_findings(name: str, tree: ast.AST, imports: Iterable[Import]) -> Iterator[str]:
    for item in imports:
        package = item.target.split(".")[0]
        if package != name.split(".")[0] and package not in PURE_MAY_IMPORT:
            yield f"{name}:{item.line} is pure and imports {item.target}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS:
            yield f"{name}:{node.lineno} is pure and reads a clock: {ast.unparse(node)}"


def cycle_findings(imports: Mapping[str, Iterable[Import]], modules: Iterable[str]) -> list[str]:
    """The first cycle among imports that run when a module is loaded."""
    graph = {
        name: {resolve(item.target, modules) for item in items if item.where == "module"} - {None, name}
        for name, items in imports.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return ["import cycle: " + " -> ".join(reversed(error.args[1]))]
    return []


def size_findings(root: Path, folders: Iterable[str]) -> list[str]:
    """Files and functions over the limits; vendored files are not ours to cut."""
    found = []
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*")):
        if path.suffix not in SIZED_SUFFIXES or "vendor" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        name, lines = path.relative_to(root), len(text.splitlines())
        if lines > FILE_LINES_MAX:
            found.append(f"{name} has {lines} lines, {FILE_LINES_MAX} are allowed")
        if path.suffix == ".py":
            found += [f"{name}: {finding}" for finding in function_findings(ast.parse(text))]
    return found


def function_findings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.name} has {lines} lines, {FUNCTION_LINES_MAX} are allowed"


def imports_of(tree: ast.AST, where: str = "module") -> Iterator[Import]:
    """Imports in source order. Shape: ``from a import b`` gives ``a.b``, a module or a name in ``a``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, where) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            yield from (Import(f"{source}.{alias.name}", node.lineno, where) for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imports_of(node, "function")
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports_of(node, "typing" if where == "module" else where)
        else:
            yield from imports_of(node, where)


def resolve(target: str, modules: Iterable[str]) -> str | None:
    """The module of ours that an import names, None for other people's; a missing one keeps its name."""
    if not within(target, PACKAGES):
        return None
    parent = target.rpartition(".")[0]
    return parent if target not in modules and parent in modules else target


def within(name: str, prefixes: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
