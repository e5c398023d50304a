"""A shop's CSV file, plain or gzipped, as rows that know their line; every reading error says where it is.

Only the columns asked for are kept of each row: an export has 80 of them, a map uses a dozen.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from app.shops.maps import FileForm

GZIP_MAGIC = b"\x1f\x8b"
CELL_CHARACTERS_MAX = 1_000_000


class ReadingError(Exception):
    """The file cannot be read as the map says; names file, line and column, and says what to change."""

    def __init__(self, path: str, line: int, column: str, what: str) -> None:
        place = f", line {line}" if line else ""
        place += f", column {column!r}" if column else ""
        super().__init__(f"{path}{place}: {what}")
        self.path = path
        self.line = line
        self.column = column
        self.what = what


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file.

    ``line`` counts from 1, the header included; ``cells`` by slot, without outer spaces.
    """

    line: int
    cells: tuple[str, ...]


@dataclass(slots=True)
class Table:
    """An open file past its header: ask for every column first (``slot``), then read ``rows`` once."""

    path: str
    header: list[str]
    _records: Iterator[tuple[int, list[str]]]
    _used: list[int] = field(default_factory=list)

    def slot(self, name: str) -> int | None:
        """Where ``Row.cells`` will hold the column; None if the file has no such column.

        A name that differs only in letter case or outer spaces is found too.
        Errors: ReadingError if the header has the name twice.
        """
        found = [index for index, title in enumerate(self.header) if title == name]
        found = found or [i for i, title in enumerate(self.header) if title.casefold() == name.strip().casefold()]
        if len(found) > 1:
            raise ReadingError(self.path, 1, name, "the header has this column twice; rename or remove one")
        if not found:
            return None
        if found[0] not in self._used:
            self._used.append(found[0])
        return self._used.index(found[0])

    def rows(self) -> Iterator[Row]:
        """Every record that is not blank, in file order. Errors: ReadingError."""
        pick = itemgetter(*self._used) if len(self._used) > 1 else None
        width = len(self.header)
        for line, record in self._records:
            if not any(map(str.strip, record)):
                continue
            if len(record) != width:
                what = f"it has {len(record)} cells, the header {width}; look for an unquoted delimiter or quote"
                raise ReadingError(self.path, line, "", what)
            picked = pick(record) if pick else tuple(record[index] for index in self._used)
            yield Row(line, tuple(cell.strip() for cell in picked))


@contextmanager
def open_table(path: Path, form: FileForm) -> Iterator[Table]:
    """The file with its header read; gzip is known by its content, not by its name.

    Errors: ReadingError, also while the rows are read inside the ``with`` block.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == GZIP_MAGIC
            stream = gzip.GzipFile(fileobj=raw) if zipped else raw
            with io.TextIOWrapper(stream, encoding=_without_mark(form.encoding), newline="") as text:
                records = _records(text, str(path), form.delimiter)
                _, header = next(records, (0, []))
                if not header:
                    raise ReadingError(str(path), 0, "", "the file is empty; its first line names the columns")
                yield Table(str(path), [title.strip() for title in header], records)
    except UnicodeDecodeError as error:
        raise _undecodable(path, form, error) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ReadingError(str(path), 0, "", "the gzip file is damaged or cut short; fetch it again") from None
    except OSError as error:
        raise ReadingError(str(path), 0, "", f"it cannot be read: {error.strerror or error}") from None


def _without_mark(encoding: str) -> str:
    """utf-8 also swallows the byte order mark that spreadsheet programs write."""
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def _records(text: io.TextIOWrapper, path: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins; a quoted cell may hold line breaks."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ReadingError(
                path, line, "", f"it is not CSV here ({error}); look for a quote that is not closed"
            ) from None
        if record:
            yield line, record
        line = reader.line_num + 1


def _undecodable(path: Path, form: FileForm, error: UnicodeDecodeError) -> ReadingError:
    """The error with its line: the file is read once more, with the unreadable bytes marked."""
    byte = error.object[error.start]
    what = f"byte 0x{byte:02x} is not {form.encoding}; set file.encoding in the map, for example to cp1252"
    with suppress(EOFError, zlib.error, OSError), path.open("rb") as raw:
        stream = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == GZIP_MAGIC else raw
        with io.TextIOWrapper(stream, encoding=form.encoding, errors="replace", newline="\n") as text:
            for line, content in enumerate(text, start=1):
                if "\N{REPLACEMENT CHARACTER}" in content:
                    return ReadingError(str(path), line, "", what)
    return ReadingError(str(path), 0, "", what)
