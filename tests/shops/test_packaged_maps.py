"""The packaged maps read files of their own form: the real file, and samples in the shops' forms."""

import csv
import gzip
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from app.shops.csv_orders import Reading, read_facts
from app.shops.maps import load_map

DATA = Path(__file__).parents[1] / "data"
ONLINE_RETAIL = DATA / "online-retail-2010-12.csv.gz"
HOSTS = [f"h{number}" for number in range(1, 61)]


@pytest.fixture(scope="module")
def retail() -> Reading:
    return read_facts(ONLINE_RETAIL, load_map("online-retail"), HOSTS)


def sample(name):
    facts = read_facts(DATA / f"{name}-orders.csv", load_map(name)).facts
    return {(fact.kind, fact.id): fact.body for fact in facts}


def net(body):
    return sum(
        (line["quantity"] * Decimal(line["unit_price"]) - Decimal(line.get("discount", "0")) for line in body["lines"]),
        Decimal(0),
    )


def expected_total(body):
    tax = Decimal(0) if body.get("tax_included") else Decimal(body.get("tax", "0"))
    return net(body) + Decimal(body.get("shipping", "0")) + tax


def test_real_file_has_every_invoice_once(retail):
    assert retail.rows == 42_481
    assert Counter(fact.kind for fact in retail.facts) == {"orders": 1_699, "refunds": 326}
    assert len({(fact.kind, fact.id) for fact in retail.facts}) == 2_025
    assert not retail.skipped


def test_real_file_s_lines_are_the_file_s_rows(retail):
    orders = [fact.body for fact in retail.facts if fact.kind == "orders"]
    lines = [line for body in orders for line in body["lines"]]

    assert len(lines) == 42_481 - 728
    assert sum(line["quantity"] <= 0 for line in lines) == 70
    assert sum(Decimal(line["unit_price"]) == 0 for line in lines) == 273
    assert {body["currency"] for body in orders} == {"GBP"}
    assert not {"buyer", "code", "discount"} & {name for body in orders for name in body}


def test_real_file_s_refunds_sum_what_the_cancelled_rows_sum(retail):
    with gzip.open(ONLINE_RETAIL) as stream:
        rows = list(csv.DictReader(io.TextIOWrapper(stream, "utf-8")))
    cancelled = sum(
        (-int(row["Quantity"]) * Decimal(row["UnitPrice"]) for row in rows if row["InvoiceNo"].startswith("C")),
        Decimal(0),
    )

    refunds = [fact.body for fact in retail.facts if fact.kind == "refunds"]

    assert sum((Decimal(body["amount"]) for body in refunds), Decimal(0)) == cancelled
    assert not any("order" in body for body in refunds)


def test_real_invoice_with_two_times_has_the_earlier(retail):
    times = [fact.body["paid_at"] for fact in retail.facts if fact.id == "536591"]

    assert times == ["2010-12-01T16:57:00+00:00"]


def test_real_sales_without_a_customer_have_no_host(retail):
    by_id = {fact.id: fact.body for fact in retail.facts if fact.kind == "orders"}

    assert "host" not in by_id["536544"]
    assert by_id["536365"]["host"] in HOSTS


@pytest.mark.parametrize("name", ["shopify", "woocommerce"])
def test_every_order_of_the_sample_adds_up_to_its_total(name):
    orders = [body for (kind, _), body in sample(name).items() if kind == "orders"]

    assert orders
    assert [expected_total(body) for body in orders] == [Decimal(body["total"]) for body in orders]


def test_shopify_order_is_named_by_its_number_and_paid_in_its_own_offset():
    body = sample("shopify")["orders", "5812345600104"]

    assert body["source"] == "shopify"
    assert body["paid_at"] == "2025-11-22T18:02:33+01:00"
    assert body["code"] == "LIN10"
    assert [line.get("discount") for line in body["lines"]] == ["6.98", "1.99"]
    assert body["tax_included"] is True


def test_shopify_first_of_several_codes_is_taken_and_free_lines_stay():
    body = sample("shopify")["orders", "5812345600103"]

    assert body["code"] == "LIN10"
    assert body["lines"][2] == {"id": "3", "quantity": 3, "unit_price": "0.00", "title": "Sample sachet"}


def test_shopify_tax_on_top_is_told_from_the_total():
    body = sample("shopify")["orders", "5812345600102"]

    assert (body["tax"], body["total"]) == ("19.00", "129.00")
    assert "tax_included" not in body


def test_shopify_refunds_and_cancellations_follow_their_order():
    facts = sample("shopify")

    assert facts["refunds", "5812345600105"]["amount"] == "34.90"
    assert facts["refunds", "5812345600105"]["order"] == "5812345600105"
    assert facts["refunds", "5812345600106"]["refunded_at"] == "2025-11-22T19:02:10+01:00"
    assert facts["cancellations", "5812345600106"]["cancelled_at"] == "2025-11-22T19:02:10+01:00"


@pytest.mark.parametrize("order", ["5812345600107", "5812345600108"], ids=["voided", "pending"])
def test_shopify_order_that_was_not_paid_is_left_out(order):
    assert not {name for _, name in sample("shopify")} & {order}


def test_woocommerce_line_of_three_for_ten_is_exact():
    body = sample("woocommerce")["orders", "2102"]

    assert body["lines"] == [
        {
            "id": "312",
            "quantity": 3,
            "unit_price": "3.34",
            "sku": "TEA-1",
            "title": "Loose leaf, 3 for 10",
            "discount": "1.02",
        }
    ]
    assert (body["shipping"], body["code"]) == ("2.50", "lin10")


def test_woocommerce_tax_takes_the_cent_that_rounding_lost():
    assert sample("woocommerce")["orders", "2103"]["tax"] == "1.66"


def test_woocommerce_refund_names_its_lines():
    body = sample("woocommerce")["refunds", "2104"]

    assert body["amount"] == "25.00"
    assert body["lines"] == [{"id": "314", "quantity": 1, "amount": "20.00"}]


def test_woocommerce_cancelled_order_is_no_sale():
    facts = sample("woocommerce")

    assert ("orders", "2105") not in facts
    assert facts["cancellations", "2105"]["order"] == "2105"


def test_woocommerce_pending_order_is_left_out():
    assert not {name for _, name in sample("woocommerce")} & {"2106"}


@pytest.mark.parametrize("name", ["shopify", "woocommerce"])
def test_packaged_map_sends_no_buyer(name):
    assert not any("buyer" in body for body in sample(name).values())
