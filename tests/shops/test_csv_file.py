"""Reading a CSV file: plain and gzipped, and every way in which it can be damaged."""

import gzip

import pytest

from app.shops.csv_file import ReadingError, open_table
from app.shops.maps import FileForm

PLAIN = FileForm()


def rows_of(path, names, form=PLAIN):
    with open_table(path, form) as table:
        for name in names:
            assert table.slot(name) is not None
        return [(row.line, row.cells) for row in table.rows()]


def write(tmp_path, content, name="orders.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_only_the_columns_asked_for_are_kept_in_the_order_asked(tmp_path):
    path = write(tmp_path, "a,b,c\n1,2,3\n4, 5 ,6\n")

    assert rows_of(path, ["c", "b"]) == [(2, ("3", "2")), (3, ("6", "5"))]


def test_one_column_alone_is_kept_too(tmp_path):
    assert rows_of(write(tmp_path, "a,b\n1,2\n"), ["b"]) == [(2, ("2",))]


def test_gzip_is_known_by_its_content(tmp_path):
    path = write(tmp_path, gzip.compress(b"a\n1\n"), name="orders.csv")

    assert rows_of(path, ["a"]) == [(2, ("1",))]


def test_plain_file_named_gz_is_read(tmp_path):
    assert rows_of(write(tmp_path, "a\n1\n", name="orders.csv.gz"), ["a"]) == [(2, ("1",))]


def test_byte_order_mark_and_carriage_returns_are_swallowed(tmp_path):
    path = write(tmp_path, b"\xef\xbb\xbfa,b\r\n1,2\r\n")

    assert rows_of(path, ["a", "b"]) == [(2, ("1", "2"))]


def test_column_is_found_whatever_its_letter_case(tmp_path):
    assert rows_of(write(tmp_path, "Lineitem SKU \nx\n"), ["Lineitem sku"]) == [(2, ("x",))]


def test_column_of_exactly_that_name_goes_before_another_case(tmp_path):
    assert rows_of(write(tmp_path, "ID,id\n1,2\n"), ["id"]) == [(2, ("2",))]


def test_blank_rows_and_line_breaks_in_cells_are_passed_over_and_counted(tmp_path):
    path = write(tmp_path, 'a,b\n"x\ny\nz",1\n\n, \n,,,\nw,2\n')

    assert rows_of(path, ["a", "b"]) == [(2, ("x\ny\nz", "1")), (8, ("w", "2"))]


def test_other_encoding_and_delimiter_are_read_as_the_map_says(tmp_path):
    path = write(tmp_path, "a;b\n£;2,5\n".encode("cp1252"))

    assert rows_of(path, ["a", "b"], FileForm(encoding="cp1252", delimiter=";")) == [(2, ("£", "2,5"))]


def test_utf16_file_is_read(tmp_path):
    path = write(tmp_path, "a,b\n£,2\n".encode("utf-16"))

    assert rows_of(path, ["a"], FileForm(encoding="utf-16")) == [(2, ("£",))]


def test_missing_column_is_none(tmp_path):
    with open_table(write(tmp_path, "a\n1\n"), FileForm()) as table:
        assert table.slot("b") is None


BROKEN = {
    "empty": (b"", 0, "the file is empty"),
    "bad byte": (b"a,b\n1,2\n3,\xa3\n", 3, "byte 0xa3 is not utf-8; set file.encoding"),
    "open quote": (b'a,b\n1,2\n3,"x\n', 3, "a quote that is not closed"),
    "text after quote": (b'a,b\n1,"x" y\n', 2, "it is not CSV here"),
    "short row": (b"a,b\n1\n", 2, "it has 1 cells, the header 2"),
    "long row": (b"a,b\n1,2\n1,2,3\n", 3, "it has 3 cells, the header 2"),
    "cut gzip": (gzip.compress(b"a\n" + b"1\n" * 5000)[:-20], 0, "damaged or cut short"),
    "bad gzip": (b"\x1f\x8b" + b"\x00" * 30, 0, "damaged or cut short"),
    "flipped gzip": (gzip.compress(b"a\n1\n")[:-6] + b"\x00" * 6, 0, "damaged or cut short"),
}


@pytest.mark.parametrize(("content", "line", "what"), BROKEN.values(), ids=BROKEN.keys())
def test_damaged_file_is_refused_with_its_line(tmp_path, content, line, what):
    path = write(tmp_path, content)

    with pytest.raises(ReadingError) as caught:
        rows_of(path, ["a"])

    assert caught.value.line == line
    assert what in caught.value.what
    assert str(caught.value).startswith(str(path))


def test_bad_byte_inside_gzip_is_found_on_its_line(tmp_path):
    path = write(tmp_path, gzip.compress(b"a\n1\n\xff\n"))

    with pytest.raises(ReadingError, match=r"line 3: byte 0xff is not utf-8"):
        rows_of(path, ["a"])


def test_column_that_the_header_has_twice_is_refused(tmp_path):
    with pytest.raises(ReadingError, match=r"line 1, column 'a': the header has this column twice"):
        rows_of(write(tmp_path, "a,a\n1,2\n"), ["a"])


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "folder"])
def test_file_that_cannot_be_opened_is_refused(tmp_path, missing):
    with pytest.raises(ReadingError, match="it cannot be read"):
        rows_of(tmp_path / "nowhere.csv" if missing else tmp_path, ["a"])
