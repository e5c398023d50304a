"""Static pages and modules, read once and served as they lie here but for their comments: no build step, nothing from
elsewhere.

An address under ``/static`` starts with the digest of all files, so modules that import each other by
relative paths are of one version and may be kept for ever.
"""

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ts": "application/typescript; charset=utf-8",
    ".woff2": "font/woff2",
}
_PAGE = ".html"
COMPONENTS_FOLDER = "components"
VENDOR = "vendor/"
_STATIC_PLACE = b"{{static}}"
_PRELOAD_PLACE = b"{{preload}}"
_IMPORT = re.compile(rb"""^(?:import|export)\b[^"';]*["'](\.[^"']+)["']""", re.MULTILINE)
# Comments that have their lines to themselves, as all of ours do. Vendored files keep theirs: they name the licence.
_COMMENT = re.compile(rb"^[ \t]*(?://[^\n]*|/\*\*.*?\*/[ \t]*)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent; ``etag`` is quoted, as in the header. ``packed`` is the content by gzip."""

    content: bytes
    packed: bytes
    media_type: str
    etag: str


class Files:
    """Every servable file below a folder, by its path there. Never reads the disk again.

    Pages (``.html``) name the static files as ``{{static}}/...``; ``page`` puts the address in, and in place of
    ``{{preload}}`` links to modules.
    """

    def __init__(self, folder: Path) -> None:
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.suffix in _MEDIA_TYPES
        }
        whole = hashlib.sha256()
        for name, content in found.items():
            whole.update(f"{name}\0{len(content)}\0".encode() + content)
        self.digest = whole.hexdigest()[:16]
        self._pages = {name: content for name, content in found.items() if name.endswith(_PAGE)}
        self._static = {name: _file(name, content) for name, content in found.items() if not name.endswith(_PAGE)}

    def static(self, name: str) -> File | None:
        """A module, stylesheet, image or font; None if there is none of this name."""
        return self._static.get(name)

    def component(self, name: str) -> File | None:
        """A module that pages of other sites may load as well; None if there is none of this name."""
        is_inside = "/" not in name.removeprefix(VENDOR)
        return self._static.get(f"{COMPONENTS_FOLDER}/{name}") if is_inside else None

    def page(self, name: str, root: str, modules: Iterable[str] = ()) -> File:
        """A page; ``root`` is the relative address of the site's root from where the page is served.

        ``modules``: what it loads first. With all that these import it is asked for at once; otherwise a browser
        learns of each import only when it has read what imports it, one journey to the server after the other.
        """
        links = "".join(f'<link rel="modulepreload" href="{{{{static}}}}/{one}" />' for one in self.imported(modules))
        address = f"{root}static/{self.digest}".encode()
        content = self._pages[name].replace(_PRELOAD_PLACE, links.encode()).replace(_STATIC_PLACE, address)
        return _file(name, content)

    def imported(self, modules: Iterable[str]) -> list[str]:
        """These modules and all that they import, each once, in the order in which a browser would find them."""
        found = list(dict.fromkeys(modules))
        for name in found:
            for path in _IMPORT.findall(self._static[name].content):
                one = posixpath.normpath(posixpath.join(posixpath.dirname(name), path.decode()))
                if one not in found:
                    found.append(one)
        return found


def without_comments(script: bytes) -> bytes:
    """The same script with an empty line for every line of a comment, so that what fails is still found by its line."""
    return _COMMENT.sub(lambda found: b"\n" * found[0].count(b"\n"), script)


def _file(name: str, content: bytes) -> File:
    if name.endswith(".js") and VENDOR not in name:
        content = without_comments(content)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return File(content, gzip.compress(content, mtime=0), _MEDIA_TYPES[Path(name).suffix], etag)
