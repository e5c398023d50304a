"""Refunds and cancellations over HTTP: before and after their order, repeats, conflicts."""

import pytest

from tests import factories
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_refund_by_line_takes_from_the_host_that_sold_it(event: EventClient):
    await event.order(host="h7")

    response = await event.post("/refunds", factories.refund(lines=[{"id": "1", "quantity": 1}]))

    assert response.status_code == 201
    assert response.json() == {
        "refund": "r-1",
        "position": 6,
        "order": "1001",
        "state": "matched",
        "amount": "17.00",
        "reversals": [{"line": "1", "host": "h7", "team": "ruby", "amount": "17.00"}],
    }
    assert await event.scores() == {"h7": "17.00"}
    assert await event.scores("hosts.gross_sales") == {"h7": "34.00"}


async def test_refund_above_the_order_goes_to_over_refunds_never_to_a_host(event: EventClient):
    await event.order(host="h7")

    answer = await event.ok("POST", "/refunds", factories.refund(amount="50.00"))

    assert (answer["amount"], answer["over"]) == ("50.00", "12.50")
    assert [reversal["amount"] for reversal in answer["reversals"]] == ["34.00"]
    assert (await event.board())["total"] == "0.00"


async def test_refund_before_its_order_waits_and_takes_effect_with_it(event: EventClient):
    early = await event.ok("POST", "/refunds", factories.refund(amount="4.00"))
    waiting = (await event.ok("GET"))["unmatched_refunds"]

    await event.order(host="h8")

    assert (early["state"], early["reversals"]) == ("unmatched", [])
    assert waiting == {"count": 1, "amount": "4.00"}
    assert (await event.ok("GET"))["unmatched_refunds"] == {"count": 0, "amount": "0.00"}
    assert [entry["kind"] for entry in (await event.entries())[-2:]] == ["order.paid", "refund.matched"]
    assert (await event.ok("GET", "/orders/shop/1001"))["remaining"] == "33.50"


async def test_cancellation_before_its_order_keeps_it_off_the_boards(event: EventClient):
    early = await event.ok("POST", "/cancellations", factories.cancellation())

    await event.order(host="h8")

    assert early["state"] == "unmatched"
    assert await event.scores() == {}
    assert (await event.ok("GET", "/orders/shop/1001"))["status"] == "cancelled"


async def test_cancellation_takes_the_order_off_and_its_refund_touches_no_host(event: EventClient):
    await event.order(host="h7")

    cancelled = await event.ok("POST", "/cancellations", factories.cancellation())
    refunded = await event.ok("POST", "/refunds", factories.refund(amount="37.50"))

    assert cancelled == {
        "cancellation": "1001",
        "position": 6,
        "order": "1001",
        "state": "matched",
        "amount": "37.50",
        "reversals": [{"line": "1", "host": "h7", "team": "ruby", "amount": "34.00"}],
    }
    assert (refunded["state"], refunded["reversals"]) == ("matched", [])
    assert (await event.board())["total"] == "0.00"
    assert (await event.board("hosts.orders"))["total"] == 0


@pytest.mark.parametrize("noun", ["refunds", "cancellations"])
async def test_repeat_gets_the_first_answer_and_other_content_a_conflict(event: EventClient, noun):
    await event.order(host="h7")
    body = factories.refund(amount="1.00") if noun == "refunds" else factories.cancellation()
    moment = "refunded_at" if noun == "refunds" else "cancelled_at"
    first = await event.post(f"/{noun}", body)
    head = await event.head()

    again = await event.post(f"/{noun}", body)
    other = await event.post(f"/{noun}", body | {moment: "2021-04-10T11:59:59Z"})

    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.content == first.content
    assert (other.status_code, other.json()["code"]) == (409, f"{noun[:-1]}_conflict")
    assert await event.head() == head


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({}, "refund_empty", "amount"),
        ({"amount": "0.00"}, "amount_not_positive", "amount"),
        ({"amount": "-5.00"}, "amount_not_positive", "amount"),
        ({"amount": "5.001"}, "too_many_decimals", "amount"),
        ({"amount": "five"}, "amount_not_decimal", "amount"),
        ({"amount": "10000000000.01"}, "amount_too_large", "amount"),
        ({"amount": "5.00", "currency": "EUR"}, "currency_mismatch", "currency"),
        ({"amount": "5.00", "refunded_at": "2021-04-10T11:30:00"}, "time_without_offset", "refunded_at"),
        ({"amount": "5.00", "refunded_at": "yesterday"}, "time_not_readable", "refunded_at"),
        ({"lines": [{"id": "9", "quantity": 1}]}, "unknown_line", "lines[0].id"),
        ({"lines": [{"id": "1", "quantity": 3}]}, "refund_quantity_exceeded", "lines[0].quantity"),
        ({"lines": [{"id": "1", "quantity": -1}]}, "quantity_not_positive", "lines[0].quantity"),
        ({"lines": [{"id": "1"}]}, "refund_empty", "lines[0]"),
        ({"lines": [{"id": "1", "quantity": 1}] * 2}, "line_id_repeated", "lines[1].id"),
        ({"order": "", "lines": [{"id": "1", "amount": "1.00"}]}, "refund_without_amount", "amount"),
        ({"amount": "5.00", "reason": "broken"}, "unknown_field", "reason"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_bad_refund_is_refused_without_a_trace(event: EventClient, fields, code, field):
    await event.order(host="h7")
    head = await event.head()

    response = await event.post("/refunds", factories.refund(**fields))

    problem = response.json()
    assert (response.status_code, problem["code"], problem.get("field", "")) == (422, code, field)
    assert problem["detail"].endswith(".")
    assert await event.head() == head


async def test_lines_that_the_order_turns_out_to_lack_are_named_where_it_is_looked_up(event: EventClient):
    lines = [{"id": "9", "quantity": 1}, {"id": "1", "quantity": 1}]
    await event.ok("POST", "/refunds", factories.refund(lines=lines))
    await event.order(host="h7")

    history = (await event.ok("GET", "/orders/shop/1001"))["entries"]

    assert [entry.get("unknown_lines") for entry in history] == [None, None, ["9"]]
    assert (await event.board())["total"] == "17.00"


async def test_second_cancellation_of_one_order_is_a_conflict(event: EventClient):
    await event.order()
    await event.ok("POST", "/cancellations", factories.cancellation())
    await event.ok("POST", "/cancellations", factories.cancellation("early"))

    again = await event.post("/cancellations", factories.cancellation(id="another"))
    waiting = await event.post("/cancellations", factories.cancellation("early", id="another-2"))

    assert (again.status_code, again.json()["code"]) == (409, "order_already_cancelled")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "order_already_cancelled")


@pytest.mark.parametrize("noun", ["refunds", "cancellations"])
async def test_nothing_is_taken_while_the_event_is_a_draft(draft: EventClient, noun):
    await draft.create()
    head = await draft.head()
    body = factories.refund(amount="1.00") if noun == "refunds" else factories.cancellation()

    response = await draft.post(f"/{noun}", body)

    assert (response.status_code, response.json()["code"]) == (409, "event_not_open")
    assert await draft.head() == head


async def test_refund_is_never_refused_for_its_time(event: EventClient):
    await event.order(host="h7")
    for status in ("ended", "final"):
        await event.move(status)

    for identity, moment in (("before", "2020-01-01T00:00:00Z"), ("ahead", "2030-01-01T00:00:00Z")):
        await event.ok("POST", "/refunds", factories.refund(identity, amount="1.00", refunded_at=moment))
