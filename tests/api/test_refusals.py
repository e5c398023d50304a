"""Every way an order can be wrong: its stable code, the field, a sentence, and no trace in the journal.

Each row is posted alone and in the middle of a batch, where it must fail alone.
"""

import json
from typing import Any

import pytest

from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEFT_OUT = object()


def with_line(**fields: Any) -> dict[str, Any]:
    """The second of two lines is the wrong one, so that its place must be told."""
    return {"lines": [factories.line(), {**factories.line(), **fields}]}


# What is changed in a good order, then code and field of the refusal.
ROWS: list[tuple[dict[str, Any], str, str]] = [
    ({"id": LEFT_OUT}, "missing_field", "id"),
    ({"paid_at": LEFT_OUT}, "missing_field", "paid_at"),
    ({"currency": LEFT_OUT}, "missing_field", "currency"),
    ({"lines": LEFT_OUT}, "missing_field", "lines"),
    ({"lines": [{"quantity": 1}]}, "missing_field", "lines[0].unit_price"),
    ({"colour": "red"}, "unknown_field", "colour"),
    (with_line(price="1.00"), "unknown_field", "lines[1].price"),
    ({"id": 1001}, "wrong_type", "id"),
    ({"id": None}, "wrong_type", "id"),
    ({"lines": {}}, "wrong_type", "lines"),
    ({"lines": ["lipstick"]}, "wrong_type", "lines[0]"),
    (with_line(quantity="1"), "wrong_type", "lines[1].quantity"),
    (with_line(quantity=1.5), "wrong_type", "lines[1].quantity"),
    (with_line(quantity=True), "wrong_type", "lines[1].quantity"),
    (with_line(unit_price=10), "wrong_type", "lines[1].unit_price"),
    (with_line(unit_price=10.5), "wrong_type", "lines[1].unit_price"),
    ({"tax_included": "yes"}, "wrong_type", "tax_included"),
    ({"id": ""}, "invalid_value", "id"),
    ({"id": "a b"}, "invalid_value", "id"),
    ({"id": "x" * 101}, "invalid_value", "id"),
    ({"id": "1001\n"}, "invalid_value", "id"),
    ({"source": "my shop"}, "invalid_value", "source"),
    ({"source": "a:b"}, "invalid_value", "source"),
    ({"lines": []}, "invalid_value", "lines"),
    ({"lines": [factories.line()] * 2_001}, "invalid_value", "lines"),
    (with_line(title="x" * 201), "invalid_value", "lines[1].title"),
    ({"currency": "EUR"}, "currency_mismatch", "currency"),
    ({"currency": "gbp"}, "currency_mismatch", "currency"),
    (with_line(unit_price="10.001"), "too_many_decimals", "lines[1].unit_price"),
    ({"shipping": "3.505"}, "too_many_decimals", "shipping"),
    (with_line(unit_price="ten"), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price="1e3"), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price="1,000.00"), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price="+1.00"), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price=" 1.00"), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price="1."), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price=".50"), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price=""), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price="\N{ARABIC-INDIC DIGIT ONE}"), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(unit_price="NaN"), "amount_not_decimal", "lines[1].unit_price"),
    (with_line(quantity=0), "quantity_not_positive", "lines[1].quantity"),
    (with_line(quantity=-2), "quantity_not_positive", "lines[1].quantity"),
    (with_line(quantity=1_000_001), "quantity_too_large", "lines[1].quantity"),
    (with_line(unit_price="-0.01"), "price_negative", "lines[1].unit_price"),
    (with_line(discount="10.01"), "discount_above_line", "lines[1].discount"),
    (with_line(discount="-1.00"), "amount_negative", "lines[1].discount"),
    ({"shipping": "-3.50"}, "amount_negative", "shipping"),
    ({"tax": "-3.50"}, "amount_negative", "tax"),
    ({"tax": "34.01", "tax_included": True}, "tax_above_lines", "tax"),
    ({"total": "37.49"}, "total_mismatch", "total"),
    ({"total": "-37.50"}, "total_mismatch", "total"),
    (with_line(unit_price="10000000000.01"), "amount_too_large", "lines[1].unit_price"),
    (with_line(unit_price="1" + "0" * 15), "amount_too_large", "lines[1].unit_price"),
    (with_line(quantity=1_000_000, unit_price="10000.01"), "amount_too_large", "total"),
    ({"lines": [factories.line(id="a"), factories.line(id="a")]}, "line_id_repeated", "lines[1].id"),
    ({"lines": [factories.line(id="2"), factories.line()]}, "line_id_repeated", "lines[1].id"),
    ({"host": "h99"}, "unknown_host", "host"),
    ({"host": "House"}, "unknown_host", "host"),
    ({"session": "dusk"}, "unknown_session", "session"),
    ({"paid_at": "2021-03-25T15:59:59.999999Z"}, "paid_at_outside_event", "paid_at"),
    ({"paid_at": "2098-12-31T16:00:00Z"}, "paid_at_outside_event", "paid_at"),
    ({"paid_at": "2021-04-10T12:05:00.000001Z"}, "paid_at_in_future", "paid_at"),
    ({"paid_at": "2021-04-10T11:00:00"}, "time_without_offset", "paid_at"),
    ({"paid_at": "2021-04-10"}, "time_without_offset", "paid_at"),
    ({"paid_at": "yesterday"}, "time_not_readable", "paid_at"),
    ({"paid_at": ""}, "time_not_readable", "paid_at"),
    ({"paid_at": "2021-02-30T11:00:00Z"}, "time_not_readable", "paid_at"),
    ({"paid_at": "2021-04-10T11:00:00\x00Z"}, "time_not_readable", "paid_at"),
    ({"paid_at": "0001-01-01T00:00:00+14:00"}, "time_not_readable", "paid_at"),
    ({"paid_at": "9999-12-31T23:59:59-14:00"}, "time_not_readable", "paid_at"),
    ({"paid_at": 1618052400}, "wrong_type", "paid_at"),
]


def wrong(change: dict[str, Any], identity: str = "1001") -> dict[str, Any]:
    body = {**factories.order(identity), **change}
    return {name: value for name, value in body.items() if value is not LEFT_OUT}


def name_of(row: tuple[dict[str, Any], str, str]) -> str:
    return f"{row[1]}-{row[2]}"


@pytest.mark.parametrize(("change", "code", "field"), ROWS, ids=map(name_of, ROWS))
async def test_wrong_order_is_refused_alone_and_without_a_trace(event: EventClient, change, code, field):
    head = await event.head()

    response = await event.post("/orders", wrong(change))

    problem = response.json()
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["field"]) == (code, field)
    assert problem == {
        "type": f"urn:kos:error:{code}",
        "title": "Invalid",
        "status": 422,
        "code": code,
        "detail": problem["detail"],
        "field": field,
    }
    assert problem["detail"][0].isupper() or problem["detail"].startswith(field.split(".")[-1])
    assert problem["detail"].endswith(".")
    assert await event.head() == head

    good = [factories.simple_order("good-1", "h7"), factories.simple_order("good-2", "h7")]
    batch = (await event.post("/orders/batch", [good[0], wrong(change), good[1]])).json()

    assert [result["status"] for result in batch["results"]] == [201, 422, 201]
    failed = batch["results"][1]
    assert (failed["code"], failed["detail"], failed["field"]) == (code, problem["detail"], field)
    assert (await event.head())[0] == head[0] + 2
    assert await event.scores() == {"h7": "20.00"}


@pytest.mark.parametrize("moment", ["2021-04-10T12:05:00Z", factories.STARTS_AT])
async def test_order_at_the_edge_of_what_is_allowed_is_accepted(event: EventClient, moment):
    await event.sell("1", "h7", paid_at=moment)


async def test_largest_order_is_accepted_and_refunded_to_nothing(event: EventClient):
    await event.sell("1", "h7", lines=[factories.line(quantity=1_000_000, unit_price="10000.00")])

    await event.ok("POST", "/refunds", factories.refund(order="1", amount="10000000000.00"))

    assert (await event.board())["total"] == "0.00"


NO_JSON = [b"", b" ", b"{", b'{"id":}', b"order", b"\xff\xfe{\x00}\x00", b'{"id":"\xc3\x28"}', b'{"id":"1",}']


@pytest.mark.parametrize("body", NO_JSON)
@pytest.mark.parametrize("noun", ["orders", "refunds", "cancellations", "transitions", "sessions"])
async def test_body_that_is_no_json_is_refused_without_a_trace(event: EventClient, noun, body):
    head = await event.head()

    response = await event.client.post(
        f"{event.path}/{noun}", content=body, headers={"Content-Type": "application/json"}
    )

    problem = response.json()
    if not body and noun in ("transitions", "sessions"):
        # The framework calls an absent body a missing field.
        assert (response.status_code, problem["code"]) == (422, "missing_field")
    else:
        assert (response.status_code, problem["code"]) == (400, "invalid_json")
    assert problem["detail"].endswith(".")
    assert await event.head() == head


@pytest.mark.parametrize("body", ["[]", "17", '"text"', "null", "true"])
async def test_body_that_is_no_object_is_refused(event: EventClient, body):
    response = await event.client.post(f"{event.path}/orders", content=body.encode())

    assert (response.status_code, response.json()["code"]) == (422, "wrong_type")


async def test_order_for_a_draft_is_refused(draft: EventClient):
    await draft.create()
    head = await draft.head()

    response = await draft.post("/orders", factories.order())

    assert (response.status_code, response.json()["code"]) == (409, "event_not_open")
    assert await draft.head() == head


@pytest.mark.parametrize("noun", ["orders", "orders/batch", "refunds", "cancellations/batch"])
async def test_unknown_event_is_not_found(api: Api, noun):
    response = await EventClient(api.client, "nowhere").post(f"/{noun}", {})

    assert (response.status_code, response.json()["code"]) == (404, "event_unknown")


@pytest.mark.parametrize(
    ("noun", "limit"),
    [
        ("orders", 1 << 18),
        ("refunds", 1 << 18),
        ("orders/batch", 4 << 20),
        ("transitions", 1 << 20),
        ("roster", 8 << 20),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_body_over_its_limit_is_refused_without_a_trace(event: EventClient, noun, limit, is_chunked):
    head = await event.head()
    method = "PUT" if noun == "roster" else "POST"
    body = json.dumps(factories.order()).encode()

    async def chunks(size: int):
        yield body + b" " * (size - len(body) - 1)
        yield b" "

    async def send(size: int):
        content = chunks(size) if is_chunked else body + b" " * (size - len(body))
        return await event.client.request(method, f"{event.path}/{noun}", content=content)

    over, within = await send(limit + 1), await send(limit)

    assert (over.status_code, over.json()["code"]) == (413, "body_too_large")
    assert str(limit) in over.json()["detail"]
    assert within.status_code != 413
    assert (await event.head())[0] - head[0] == (1 if noun == "orders" else 0) + (noun == "orders/batch")
