"""CSV that a spreadsheet may open: texts that it would take for a formula are marked as text. Pure."""

import csv
import re
from collections.abc import Callable, Sequence
from typing import IO

Cell = str | int

# What a spreadsheet begins a formula with; tab and return because some drop them and look at what follows.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def cell(value: Cell) -> Cell:
    """A text as it may stand in a spreadsheet: ``=1+1`` becomes ``'=1+1``. Numbers stay, also below zero.

    To be undone by taking one ``'`` away from the front, since a text that begins with one gets another.
    """
    if isinstance(value, str) and value.startswith(_DANGEROUS) and not _NUMBER.fullmatch(value):
        return "'" + value
    return value


def row_writer(out: IO[str]) -> Callable[[Sequence[Cell]], None]:
    """What writes one row after the other."""
    writer = csv.writer(out, lineterminator="\n")
    return lambda row: writer.writerow([cell(value) for value in row])
