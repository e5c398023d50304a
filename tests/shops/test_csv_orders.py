"""Rows to facts: grouping, times, amounts, hosts, refunds, cancellations, and cells that cannot be read."""

from decimal import Decimal
from hashlib import sha256

import pytest

from app.shops.csv_file import ReadingError
from app.shops.csv_orders import host_of, read_facts
from app.shops.maps import parse_map
from tests.shops.reading import HEAD, ORDER, one, read


def test_order_has_only_what_the_file_says(tmp_path):
    body = one(tmp_path, "Order,Date,Qty,Price\n1,2010-12-01 08:26:00,2,1.5\n")

    assert body == {
        "id": "1",
        "source": "shop",
        "paid_at": "2010-12-01T08:26:00+00:00",
        "currency": "GBP",
        "lines": [{"id": "1", "quantity": 2, "unit_price": "1.50"}],
    }


def test_rows_of_one_order_may_lie_apart_and_keep_the_order_of_first_appearance(tmp_path):
    csv = "Order,Date,Qty,Price\n" + "".join(
        f"{order},2010-12-01 08:00:0{second},1,{price}\n"
        for order, second, price in [("b", 1, 1), ("a", 2, 2), ("b", 1, 3), ("c", 0, 4), ("a", 2, 5)]
    )

    facts = read(tmp_path, csv).facts

    assert [fact.id for fact in facts] == ["b", "a", "c"]
    assert [[line["unit_price"] for line in fact.body["lines"]] for fact in facts] == [
        ["1.00", "3.00"],
        ["2.00", "5.00"],
        ["4.00"],
    ]
    assert [line["id"] for line in facts[0].body["lines"]] == ["1", "2"]


def test_order_with_two_times_has_the_earliest(tmp_path):
    csv = "Order,Date,Qty,Price\n1,2010-12-01 16:58:00,1,1\n1,2010-12-01 16:57:00,1,1\n"

    assert one(tmp_path, csv)["paid_at"] == "2010-12-01T16:57:00+00:00"


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2010-07-01 12:00:00", "2010-07-01T12:00:00+01:00"),
        ("2010-10-31 01:30:00", "2010-10-31T01:30:00+01:00"),
        ("2010-03-28 01:30:00", "2010-03-28T01:30:00+00:00"),
    ],
    ids=["summer", "shown twice: the first", "skipped: the offset before"],
)
def test_local_time_has_the_offset_of_its_zone(tmp_path, local, instant):
    assert one(tmp_path, f"Order,Date,Qty,Price\n1,{local},1,1\n")["paid_at"] == instant


def test_earliest_is_the_earlier_instant_not_the_earlier_clock(tmp_path):
    """01:40 before the clocks go back is earlier than 01:20 after it."""
    csv = "Order,Date,Qty,Price\n1,2010-10-31 01:20:00 +0000,1,1\n1,2010-10-31 01:40:00 +0100,1,1\n"

    body = one(tmp_path, csv, head=HEAD.replace('%S"]', '%S %z"]'))

    assert body["paid_at"] == "2010-10-31T01:40:00+01:00"


def test_iso_times_keep_their_offset(tmp_path):
    head = 'source = "shop"\n[time]\nformats = ["iso"]\n'

    body = one(tmp_path, "Order,Date,Qty,Price\n1,2026-03-26T20:00:00Z,1,1\n", head=head)

    assert body["paid_at"] == "2026-03-26T20:00:00+00:00"


def test_members_of_the_order_stand_on_its_first_filled_row(tmp_path):
    csv = "Order,Date,Qty,Price,Code,Buyer,Talk\n1,2010-12-01 08:00:00,1,1,,a@example.com,\n1,,1,1,LIN10,b,s1\n"

    body = one(tmp_path, csv, order='code = "Code"\nbuyer = "Buyer"\nsession = "Talk"\n')

    assert (body["code"], body["buyer"], body["session"]) == ("LIN10", "a@example.com", "s1")
    assert len(body["lines"]) == 2


def test_cell_is_cut_as_the_map_says(tmp_path):
    order = 'code = { column = "Coupons", after = "code:", before = "|", remove_prefix = "x-" }\n'

    body = one(tmp_path, "Order,Date,Qty,Price,Coupons\n1,2010-12-01 08:00:00,1,1,id:1|code:x-lin|a\n", order=order)

    assert body["code"] == "lin"


def test_first_filled_of_several_columns_is_taken_and_missing_ones_are_passed_over(tmp_path):
    line = 'sku = ["Nowhere", "New", "Old"]\n'

    body = one(tmp_path, "Order,Date,Qty,Price,New,Old\n1,2010-12-01 08:00:00,1,1,,A7\n", line=line)

    assert body["lines"][0]["sku"] == "A7"


def test_row_without_quantity_and_price_is_no_line(tmp_path):
    csv = "Order,Date,Qty,Price\n1,2010-12-01 08:00:00,1,1\n1,,,\n1,,2,1\n"

    assert [line["quantity"] for line in one(tmp_path, csv)["lines"]] == [1, 2]


@pytest.mark.parametrize(
    ("quantity", "price", "line"),
    [
        ("-2", "1.00", {"quantity": -2, "unit_price": "1.00"}),
        ("2", "-1.00", {"quantity": 2, "unit_price": "-1.00"}),
        ("0", "1.00", {"quantity": 0, "unit_price": "1.00"}),
        ("1", "1.005", {"quantity": 1, "unit_price": "1.005"}),
        ("1", "0", {"quantity": 1, "unit_price": "0.00"}),
        ("3.0", "+1.50", {"quantity": 3, "unit_price": "1.50"}),
        ("'-1", "1.00", {"quantity": -1, "unit_price": "1.00"}),
    ],
)
def test_line_is_posted_as_the_file_says_and_left_to_the_api_to_judge(tmp_path, quantity, price, line):
    body = one(tmp_path, f"Order,Date,Qty,Price\n1,2010-12-01 08:00:00,{quantity},{price}\n")

    assert body["lines"] == [{"id": "1"} | line]


def test_decimal_comma_is_read_when_the_map_says_so(tmp_path):
    head = HEAD.replace("[time]", '[file]\ndelimiter = ";"\ndecimal = ","\nthousands = "."\n[time]')

    body = one(tmp_path, "Order;Date;Qty;Price\n1;2010-12-01 08:00:00;2;1.234,50\n", head=head)

    assert body["lines"][0]["unit_price"] == "1234.50"


def test_whole_line_amounts_become_a_price_and_a_discount_that_are_exact(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("Order,Date,Qty,Sum,Net\n1,2010-12-01 08:00:00,3,10.00,9.00\n1,,4,10.00,10.00\n1,,-1,-5.00,-5.00\n")
    order_map = parse_map(HEAD + ORDER + '[line]\nquantity = "Qty"\ngross = "Sum"\nnet = "Net"\n')

    lines = read_facts(path, order_map).facts[0].body["lines"]

    assert lines[0] == {"id": "1", "quantity": 3, "unit_price": "3.34", "discount": "1.02"}
    assert lines[1] == {"id": "2", "quantity": 4, "unit_price": "2.50"}
    assert lines[2]["quantity"] == -1
    assert 3 * Decimal("3.34") - Decimal("1.02") == Decimal("9.00")


def test_subtotal_spreads_what_the_lines_do_not_explain(tmp_path):
    csv = "Order,Date,Qty,Price,Off,Sub\n1,2010-12-01 08:00:00,2,34.90,0.00,80.73\n1,,1,19.90,1.00,\n"

    lines = one(tmp_path, csv, order='subtotal = "Sub"\n', line='discount = "Off"\n')["lines"]

    off = [Decimal(line["discount"]) for line in lines]
    assert sum(off) == Decimal("8.97")
    assert off[1] >= 1


TOTALS = 'shipping = { sum = ["Ship", "Fee"] }\ntax = "Tax"\ntotal = "Total"\n'


def amounts(tmp_path, cells, order):
    csv = f"Order,Date,Qty,Price,Ship,Fee,Tax,Total\n1,2010-12-01 08:00:00,1,10.00,{','.join(cells)}\n"
    body = one(tmp_path, csv, order=TOTALS + order)
    return {name: body[name] for name in ("shipping", "tax", "tax_included", "total") if name in body}


@pytest.mark.parametrize(
    ("cells", "order", "expected"),
    [
        (("2.00", "0.50", "0.00", "12.50"), "", {"shipping": "2.50", "total": "12.50"}),
        (("2.00", "", "1.00", "13.00"), "", {"shipping": "2.00", "tax": "1.00", "total": "13.00"}),
        (
            ("0", "", "1.60", "10.00"),
            "tax_included = true",
            {"tax": "1.60", "tax_included": True, "total": "10.00"},
        ),
        (
            ("0", "", "1.60", "10.00"),
            'tax_included = "infer"',
            {"tax": "1.60", "tax_included": True, "total": "10.00"},
        ),
        (("0", "", "1.60", "11.60"), 'tax_included = "infer"', {"tax": "1.60", "total": "11.60"}),
        (("0", "", "0", "10.00"), 'tax_included = "infer"', {"total": "10.00"}),
        (("0", "", "1.67", "11.66"), "rounding = 1", {"tax": "1.66", "total": "11.66"}),
        (("0", "", "1.67", "11.65"), "rounding = 1", {"tax": "1.67", "total": "11.65"}),
        (("0", "", "0", "10.01"), "rounding = 1", {"total": "10.01"}),
        (("", "", "", ""), "", {}),
    ],
)
def test_shipping_tax_and_total(tmp_path, cells, order, expected):
    assert amounts(tmp_path, cells, order) == expected


def test_hash_rule_is_sha256_modulo_the_sorted_roster(tmp_path):
    hosts = ["h9", "h10", "H1"]
    order = 'host = "hash(Customer) mod roster"\n'

    body = one(
        tmp_path,
        "Order,Date,Qty,Price,Customer\n1,2010-12-01 08:00:00,1,1, 17850.0 \n",
        order=order,
        hosts=hosts,
    )

    number = int(sha256(b"17850.0").hexdigest()[:16], 16)
    assert body["host"] == ["H1", "h10", "h9"][number % 3]


def test_hash_of_a_cell_never_changes():
    """A change would move the sales of every replayed file. The figures are from sha256sum and bc."""
    hosts = ["a", "b", "c", "d", "e", "f", "g"]

    assert [host_of(text, hosts) for text in ("17850.0", "12583.0", "é")] == ["a", "b", "d"]


def test_order_without_a_customer_has_no_host(tmp_path):
    order = 'host = "hash(Customer) mod roster"\n'

    body = one(tmp_path, "Order,Date,Qty,Price,Customer\n1,2010-12-01 08:00:00,1,1,\n", order=order, hosts=["a"])

    assert "host" not in body


def test_host_column_is_taken_as_it_is(tmp_path):
    body = one(tmp_path, "Order,Date,Qty,Price,Seller\n1,2010-12-01 08:00:00,1,1,h7\n", order='host = "Seller"\n')

    assert body["host"] == "h7"


def test_orders_that_the_map_leaves_out_are_counted_by_reason(tmp_path):
    rest = '[[only]]\ncolumn = "Paid"\nfilled = true\n[[only]]\ncolumn = "Status"\nvalues = ["ok"]\n'
    csv = "Order,Date,Qty,Price,Paid,Status\n" + "".join(
        f"{number},2010-12-01 08:00:00,1,1,{paid},{status}\n"
        for number, (paid, status) in enumerate([("y", "OK"), ("", "ok"), ("y", "open"), ("y", "open")])
    )

    reading = read(tmp_path, csv, rest=rest)

    assert len(reading.facts) == 1
    assert reading.skipped == {"Paid is empty": 1, "Status is 'open'": 2}
    assert reading.rows == 4


UNREADABLE = {
    "no column": (
        "Order,Date,Qty\n1,2010-12-01 08:00:00,1\n",
        1,
        "",
        "no column 'Price', which the map names as line",
    ),
    "no group": ("Order,Date,Qty,Price\n,2010-12-01 08:00:00,1,1\n", 2, "Order", "which order it belongs to"),
    "bad time": (
        "Order,Date,Qty,Price\n1,01/12/2010,1,1\n",
        2,
        "Date",
        "'01/12/2010' is not a time like '%Y-",
    ),
    "no time": ("Order,Date,Qty,Price\n1,,1,1\n", 2, "Date", "the order has no time"),
    "bad price": (
        "Order,Date,Qty,Price\n1,2010-12-01 08:00:00,1,1\n1,,1,£2\n",
        3,
        "Price",
        "'£2' is not a number",
    ),
    "exponent": (
        "Order,Date,Qty,Price\n1,2010-12-01 08:00:00,1,1e400\n",
        2,
        "Price",
        "'1e400' is not a number",
    ),
    "nan": ("Order,Date,Qty,Price\n1,2010-12-01 08:00:00,1,NaN\n", 2, "Price", "'NaN' is not a number"),
    "too long": (f"Order,Date,Qty,Price\n1,2010-12-01 08:00:00,{'9' * 40},1\n", 2, "Qty", "is not a number"),
    "half piece": (
        "Order,Date,Qty,Price\n1,2010-12-01 08:00:00,1.5,1\n",
        2,
        "Qty",
        "1.5 is not a whole number",
    ),
    "no quantity": ("Order,Date,Qty,Price\n1,2010-12-01 08:00:00,,1\n", 2, "Qty", "the quantity is empty"),
    "no price": ("Order,Date,Qty,Price\n1,2010-12-01 08:00:00,1,\n", 2, "Price", "the price is empty"),
}


@pytest.mark.parametrize(("csv", "line", "column", "what"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_cell_that_cannot_be_read_is_named(tmp_path, csv, line, column, what):
    with pytest.raises(ReadingError) as caught:
        read(tmp_path, csv)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert what in caught.value.what


def test_time_without_offset_or_zone_is_refused(tmp_path):
    head = 'source = "shop"\n[time]\nformats = ["iso"]\n'

    with pytest.raises(ReadingError, match="has no offset; name the shop's time zone"):
        read(tmp_path, "Order,Date,Qty,Price\n1,2010-12-01 08:00:00,1,1\n", head=head)


def test_group_whose_id_cell_is_empty_is_refused(tmp_path):
    with pytest.raises(ReadingError, match="line 2, column 'Order': the order has no id"):
        read(tmp_path, "Order,No,Date,Qty,Price\n,7,2010-12-01 08:00:00,1,1\n", order='group = "No"\n')
