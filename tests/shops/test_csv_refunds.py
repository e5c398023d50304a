"""Rows that are refunds or cancellations, by themselves or after their order."""

from tests.shops.reading import one, read

INSTEAD = '[refund]\ninstead_of_order = true\nwhen = { column = "Order", starts_with = "c" }\n'


def test_refund_instead_of_an_order_names_no_sale_and_sums_its_lines_without_signs(tmp_path):
    csv = "Order,Date,Qty,Price\nC7,2010-12-01 09:41:00,-2,10.10\nC7,2010-12-01 09:41:00,-1,0.05\n"

    facts = read(tmp_path, csv, rest=INSTEAD).facts

    assert facts[0].kind == "refunds"
    assert facts[0].body == {
        "id": "C7",
        "source": "shop",
        "refunded_at": "2010-12-01T09:41:00+00:00",
        "amount": "20.25",
    }


def test_refund_instead_of_an_order_may_name_the_sale_and_its_own_amount(tmp_path):
    csv = "Order,Date,Qty,Price,Of,Back,Id\nC7,2010-12-01 09:41:00,-2,10.10,5,-3.00,r1\n"

    body = one(tmp_path, csv, rest=INSTEAD + 'order = "Of"\namount = "Back"\nid = "Id"\n')

    assert (body["id"], body["order"], body["amount"]) == ("r1", "5", "3.00")


FOLLOWERS = """
[refund]
when = { column = "Back", not_zero = true }
amount = "Back"
refunded_at = "Ended"
line_quantity = "Qty back"
[cancellation]
when = { column = "Status", values = ["Cancelled"] }
cancelled_at = "Ended"
"""


def test_order_is_followed_by_its_refund_and_its_cancellation(tmp_path):
    csv = (
        "Order,Date,Qty,Price,Back,Status,Ended,Qty back\n"
        "1,2010-12-01 08:00:00,2,5.00,5.00,cancelled,2010-12-02 08:00:00,-1\n"
    )

    facts = read(tmp_path, csv, rest=FOLLOWERS).facts

    assert [fact.kind for fact in facts] == ["orders", "refunds", "cancellations"]
    assert facts[1].body == {
        "id": "1",
        "source": "shop",
        "refunded_at": "2010-12-02T08:00:00+00:00",
        "order": "1",
        "amount": "5.00",
        "lines": [{"id": "1", "quantity": 1}],
    }
    assert facts[2].body == {
        "id": "1",
        "source": "shop",
        "order": "1",
        "cancelled_at": "2010-12-02T08:00:00+00:00",
    }


def test_refund_without_a_time_of_its_own_has_the_order_s(tmp_path):
    csv = "Order,Date,Qty,Price,Back,Status,Ended,Qty back\n1,2010-12-01 08:00:00,1,5.00,5.00,paid,,\n"

    facts = read(tmp_path, csv, rest=FOLLOWERS).facts

    assert [fact.kind for fact in facts] == ["orders", "refunds"]
    assert facts[1].body["refunded_at"] == "2010-12-01T08:00:00+00:00"


def test_cancellation_instead_of_an_order_posts_no_sale(tmp_path):
    rest = '[cancellation]\ninstead_of_order = true\nwhen = { column = "Status", values = ["cancelled"] }\n'

    facts = read(tmp_path, "Order,Date,Qty,Price,Status\n1,2010-12-01 08:00:00,1,1,Cancelled\n", rest=rest).facts

    assert [fact.kind for fact in facts] == ["cancellations"]
