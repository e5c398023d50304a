"""Static pages and modules, read once and served as they lie here but for their comments: no build step, nothing from
elsewhere. Where what counts is the time until something is seen, a page's modules are put together into one script.

An address under ``/static`` starts with the digest of all files, so modules that import each other by
relative paths are of one version and may be kept for ever.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.web.bundle import bundled

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
_SCRIPT_PLACE = b"{{script}}"
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
    ``{{script}}`` that of the page's script.
    """

    def __init__(self, folder: Path, bundles: Mapping[str, Sequence[str]] | None = None) -> None:
        """``bundles``: scripts to make, as the modules of each by the path that it gets."""
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.suffix in _MEDIA_TYPES
        }
        sources = {name: content.decode() for name, content in found.items() if name.endswith(".js")}
        made = {name: bundled(modules, sources).encode() for name, modules in (bundles or {}).items()}
        whole = hashlib.sha256()
        for name, content in (found | made).items():
            whole.update(f"{name}\0{len(content)}\0".encode() + content)
        self.digest = whole.hexdigest()[:16]
        self._pages = {name: content for name, content in found.items() if name.endswith(_PAGE)}
        self._static = {name: _file(name, content) for name, content in found.items() if not name.endswith(_PAGE)}
        self._bundles = {name: _file(name, content) for name, content in made.items()}

    def static(self, name: str) -> File | None:
        """A module, stylesheet, image or font; None if there is none of this name."""
        return self._static.get(name) or self._bundles.get(name)

    def component(self, name: str) -> File | None:
        """A module that pages of other sites may load as well; None if there is none of this name."""
        is_inside = "/" not in name.removeprefix(VENDOR)
        return self._static.get(f"{COMPONENTS_FOLDER}/{name}") if is_inside else None

    def page(self, name: str, root: str, script: str = "") -> File:
        """A page; ``root`` is the relative address of the site's root from where the page is served, ``script`` the
        path of its script if that is not written in it.
        """
        address = f"{root}static/{self.digest}"
        content = self._pages[name].replace(_STATIC_PLACE, address.encode())
        return _file(name, content.replace(_SCRIPT_PLACE, f"{address}/{script}".encode()))


def without_comments(script: bytes) -> bytes:
    """The same script with an empty line for every line of a comment, so that what fails is still found by its line."""
    return _COMMENT.sub(lambda found: b"\n" * found[0].count(b"\n"), script)


def _file(name: str, content: bytes) -> File:
    if name.endswith(".js") and VENDOR not in name:
        content = without_comments(content)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return File(content, gzip.compress(content, mtime=0), _MEDIA_TYPES[Path(name).suffix], etag)
