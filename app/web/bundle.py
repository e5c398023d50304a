"""Modules as one script: a browser then asks once, and not once for each of them and what it imports.

Only what our own modules are written in is understood: named imports and exports, each at the start of a line. Anything
else is refused when the server starts.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function (\w+)|class (\w+)|const (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def imported(modules: Iterable[str], sources: Mapping[str, str]) -> list[str]:
    """These modules and all that they import, each once and after what it imports.

    Errors: KeyError for a module that is not in ``sources``, ValueError for modules that import each other.
    """
    found: list[str] = []

    def visit(name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise ValueError(f"{name} imports itself by way of others")
        for _, path in _IMPORT.findall(sources[name]):
            visit(_resolved(name, path), (*importers, name))
        if name not in found:
            found.append(name)

    for name in modules:
        visit(name, ())
    return found


def bundled(modules: Iterable[str], sources: Mapping[str, str]) -> str:
    """One module that does what these do, in the same order, and exports nothing.

    ``import()`` and ``import.meta`` are then those of the bundle's address. Errors: as of ``imported``; ValueError
    for an import or export that is not understood.
    """
    parts = [_part(name, sources[name]) for name in imported(modules, sources)]
    return "".join(["const modules = {};\n", *parts])


def _part(name: str, source: str) -> str:
    exported = ["".join(names) for names in _EXPORT.findall(source)]
    text = _IMPORT.sub(lambda one: _taken(name, one[1], one[2]), source)
    text = _EXPORT.sub("", text)
    if left := _LEFT.search(text):
        raise ValueError(f"{name}: {left[0]!r} cannot be bundled")
    return f'modules["{name}"] = (() => {{\n{text}\nreturn {{ {", ".join(exported)} }};\n}})();\n'


def _taken(name: str, names: str | None, path: str) -> str:
    if names is None:
        return ""
    return f'const {{{names.replace(" as ", ": ")}}} = modules["{_resolved(name, path)}"];'


def _resolved(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
