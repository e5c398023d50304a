"""Cells that a spreadsheet opens: no text of a shop is executed, every number is still a number."""

import csv
from io import StringIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.audit.cells import cell, row_writer

_TEXTS = st.text(st.sampled_from("=+-@'\t\r\n\"ab1.,;"), max_size=6) | st.text()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+44", "'+44"),
        ("-1+1", "'-1+1"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'quoted", "''quoted"),
        ("-17.00", "-17.00"),
        ("-5", "-5"),
        (-5, -5),
        ("-5.", "'-5."),
        ("-\u0665", "'-\u0665"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_only_what_a_spreadsheet_would_execute_is_marked(text: str | int, written: str | int):
    assert cell(text) == written


@given(_TEXTS)
@example("'=1")
def test_mark_can_be_taken_off_again(text: str):
    written = str(cell(text))

    assert written.removeprefix("'") == text
    assert written[:1] not in tuple("=+@\t\r\n")


# A return alone is in no text that we keep, and Python reads it as the end of a row.
@given(st.lists(_TEXTS.map(lambda text: text.replace("\r", "")), min_size=2, max_size=4))
def test_rows_are_read_back_as_they_were_written(row: list[str]):
    out = StringIO()

    row_writer(out)(row)

    (back,) = csv.reader(StringIO(out.getvalue(), newline=""))
    assert [text.removeprefix("'") for text in back] == row
