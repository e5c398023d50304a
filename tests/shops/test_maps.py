"""The map format: what is refused, with which words, before a row is read."""

import re
from pathlib import Path

import pytest

from app.shops.maps import (
    CancellationColumns,
    Cell,
    Condition,
    FileForm,
    LineColumns,
    MapError,
    OrderColumns,
    OrderMap,
    RefundColumns,
    TimeForm,
    load_map,
    packaged_maps,
    parse_map,
)

DOCUMENT = (Path(__file__).parents[2] / "docs" / "replay.md").read_text(encoding="utf-8")

GOOD = """
source = "shop"
[time]
formats = ["%Y-%m-%d %H:%M:%S"]
zone = "Europe/London"
[order]
id = "Order"
paid_at = "Date"
currency = { value = "GBP" }
[line]
quantity = "Qty"
unit_price = "Price"
"""


@pytest.mark.parametrize("name", ["online-retail", "shopify", "woocommerce"])
def test_packaged_map_is_found_by_its_name(name):
    order_map = load_map(name)

    assert name in packaged_maps()
    assert order_map.source == name
    assert order_map.about


def test_map_file_is_read_from_a_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)

    assert load_map(path).source == "shop"


def test_hash_rule_names_its_column():
    order_map = parse_map(GOOD.replace('id = "Order"', 'id = "Order"\nhost = "hash(Customer No) mod roster"'))

    assert order_map.hashed_column == "Customer No"
    assert parse_map(GOOD).hashed_column is None


def test_host_that_is_a_column_is_no_rule():
    order_map = parse_map(GOOD.replace('id = "Order"', 'id = "Order"\nhost = "Seller"'))

    assert order_map.hashed_column is None
    assert order_map.order.host == "Seller"


def test_cell_lists_its_columns_in_the_order_asked():
    assert Cell(column="A").columns == ("A",)
    assert Cell(column=["A", "B"]).columns == ("A", "B")
    assert Cell(sum=["A", "B"]).columns == ("A", "B")
    assert Cell(value="GBP").columns == ()


BAD = {
    "no TOML": (GOOD + "\n[", "", "it is not TOML"),
    "wrong type": (
        GOOD.replace('id = "Order"', "id = 3"),
        "order.id",
        "a column name, a list of them or a table",
    ),
    "unknown member": (GOOD.replace('id = "Order"', 'id = "Order"\nidd = "x"'), "order", "no member `idd`"),
    "missing member": (GOOD.replace('paid_at = "Date"', ""), "order", "lacks the member `paid_at`"),
    "missing table": (GOOD.replace("[line]", "[lines]"), "top level", "no member `lines`"),
    "source": (GOOD.replace('"shop"', '"my shop"'), "source", "letters, digits"),
    "encoding": (GOOD + '[file]\nencoding = "utf-9"', "file.encoding", "no encoding 'utf-9'"),
    "binary codec": (GOOD + '[file]\nencoding = "base64"', "file.encoding", "no encoding 'base64'"),
    "delimiter": (GOOD + '[file]\ndelimiter = ";;"', "file.delimiter", "one character"),
    "decimal": (GOOD + '[file]\ndecimal = "x"', "file.decimal", '"." or ","'),
    "thousands": (GOOD + '[file]\nthousands = "."', "file.thousands", "not the decimal sign"),
    "no format": (GOOD.replace('["%Y-%m-%d %H:%M:%S"]', "[]"), "time.formats", "at least one"),
    "format without year": (GOOD.replace("%Y-", ""), "time.formats", "year, month and day"),
    "unknown directive": (GOOD.replace("%S", "%Q"), "time.formats", "year, month and day"),
    "unknown zone": (GOOD.replace("Europe/London", "Europe/Nowhere"), "time.zone", "IANA"),
    "zone missing": (GOOD.replace('zone = "Europe/London"', ""), "time.zone", "no %z"),
    "two origins": (
        GOOD.replace('"Date"', '{ column = "A", value = "B" }'),
        "order.paid_at",
        "exactly one of",
    ),
    "empty column": (GOOD.replace('"Qty"', '""'), "line.quantity", "exactly one of"),
    "empty name": (GOOD.replace('"Qty"', '["Qty", ""]'), "line.quantity", "column name is empty"),
    "cut sum": (
        GOOD.replace('"Price"', '{ sum = ["A"], after = "x" }'),
        "line.unit_price",
        "a sum is of whole cells",
    ),
    "no price": (GOOD.replace("unit_price", "discount"), "line", "unit_price (of one piece) and gross"),
    "two prices": (GOOD + 'gross = "Sum"', "line", "exactly one of unit_price"),
    "net and discount": (GOOD + 'net = "Net"\ndiscount = "Off"', "line", "not both"),
    "hash rule": (
        GOOD.replace('id = "Order"', 'id = "Order"\nhost = "hash(X) mod 7"'),
        "order.host",
        "mod roster",
    ),
    "tax_included": (
        GOOD.replace('id = "Order"', 'id = "O"\ntax_included = "yes"'),
        "order.tax_included",
        "infer",
    ),
    "infer alone": (
        GOOD.replace('id = "Order"', 'id = "O"\ntax_included = "infer"'),
        "order.tax_included",
        "map tax and total too",
    ),
    "rounding alone": (
        GOOD.replace('id = "Order"', 'id = "O"\nrounding = 1'),
        "order.rounding",
        "tax and total",
    ),
    "negative rounding": (
        GOOD.replace('id = "Order"', 'id = "O"\nrounding = -1'),
        "order.rounding",
        "zero or more",
    ),
    "condition without test": (GOOD + '[[only]]\ncolumn = "Status"', "only[0]", "exactly one of starts_with"),
    "condition without column": (GOOD + "[[only]]\ncolumn = []\nfilled = true", "only[0]", "name the column"),
    "two tests": (
        GOOD + '[[only]]\ncolumn = "S"\nfilled = true\nstarts_with = "x"',
        "only[0]",
        "exactly one of",
    ),
    "refund without amount": (
        GOOD + '[refund]\nwhen = { column = "Back", not_zero = true }',
        "refund.amount",
        "name the column",
    ),
    "refund of another order": (
        GOOD + '[refund]\namount = "Back"\norder = "Of"\nwhen = { column = "Back", not_zero = true }',
        "refund.order",
        "leave the member away",
    ),
    "lines of a refund row": (
        GOOD + '[refund]\ninstead_of_order = true\nline_amount = "A"\nwhen = { column = "B", filled = true }',
        "refund",
        "in the same rows",
    ),
}


@pytest.mark.parametrize(("text", "place", "what"), BAD.values(), ids=BAD.keys())
def test_map_with_a_mistake_is_refused_with_its_place(text, place, what):
    with pytest.raises(MapError) as caught:
        parse_map(text, "mine.toml")

    assert caught.value.place == place
    assert what in caught.value.what
    assert str(caught.value).startswith("mine.toml: ")


def test_map_that_is_not_there_names_the_packaged_ones():
    with pytest.raises(MapError, match=r"nowhere\.toml: it cannot be read .*online-retail, shopify, woocommerce"):
        load_map("nowhere.toml")


def test_map_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b'source = "\xe9"')

    with pytest.raises(MapError, match="save it as UTF-8"):
        load_map(path)


def test_documentation_names_every_member_of_a_map():
    parts = (OrderMap, FileForm, TimeForm, OrderColumns, LineColumns, Condition, Cell)
    followers = (RefundColumns, CancellationColumns)

    members = {member for part in (*parts, *followers) for member in part.__struct_fields__}

    tables = {"file", "time", "order", "line", "only", "refund", "cancellation"}
    assert {name for name in members - tables if not re.search(rf"\b{name}\b", DOCUMENT)} == set()
    assert {name for name in tables if f"[{name}]" not in DOCUMENT} == set()


def test_documentation_shows_a_map_that_works():
    example = DOCUMENT.partition("```toml\n")[2].partition("```")[0]

    assert parse_map(example).source == "my-shop"
