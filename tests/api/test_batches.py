"""Many facts in one call: a result for each in order, counts, and only the bad ones fail."""

import json
from typing import Any

import httpx2
import pytest

from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def post_lines(event: EventClient, noun: str, lines: list[bytes], content_type: str) -> httpx2.Response:
    headers = {"Content-Type": content_type}
    return await event.client.post(f"{event.path}/{noun}/batch", content=b"\n".join(lines), headers=headers)


def outline(answer: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(result["status"], result["id"], result.get("code", "")) for result in answer["results"]]


async def test_batch_answers_each_item_in_order_with_counts(event: EventClient):
    await event.sell("1", "h7")
    await event.sell("2", "h7")

    response = await event.post(
        "/orders/batch",
        [
            factories.simple_order("3", "h8"),
            factories.simple_order("1", "h7"),
            factories.simple_order("2", "h7", "11.00"),
            factories.simple_order("4", "nobody"),
            factories.simple_order("5"),
        ],
    )

    answer = response.json()
    assert response.status_code == 200
    assert {name: answer[name] for name in ("accepted", "replayed", "refused")} == {
        "accepted": 2,
        "replayed": 1,
        "refused": 2,
    }
    assert answer["results"][0] == {
        "status": 201,
        "id": "3",
        "order": "3",
        "position": 7,
        "credits": [{"line": "1", "host": "h8", "team": "jade", "amount": "10.00", "reason": "host"}],
    }
    assert answer["results"][3] == {
        "status": 422,
        "id": "4",
        "code": "unknown_host",
        "detail": answer["results"][3]["detail"],
        "field": "host",
    }
    assert outline(answer) == [
        (201, "3", ""),
        (200, "1", ""),
        (409, "2", "order_conflict"),
        (422, "4", "unknown_host"),
        (201, "5", ""),
    ]


async def test_result_of_a_batch_is_what_the_single_call_answers(event: EventClient):
    body = factories.order(code="MEI20")
    batch = (await event.post("/orders/batch", [body])).json()

    single = (await event.post("/orders", body)).json()

    assert batch["results"] == [{"status": 201, "id": "1001", **single}]


async def test_same_order_twice_in_one_batch_counts_once(event: EventClient):
    one, other = factories.simple_order("1", "h7"), factories.simple_order("1", "h7", "12.00")

    answer = (await event.post("/orders/batch", [one, one, other])).json()

    assert outline(answer) == [(201, "1", ""), (200, "1", ""), (409, "1", "order_conflict")]
    assert answer["results"][0]["position"] == answer["results"][1]["position"]
    assert await event.scores() == {"h7": "10.00"}


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json", "text/plain"])
async def test_ndjson_is_read_line_by_line_and_a_broken_line_fails_alone(event: EventClient, content_type):
    lines = [
        json.dumps(factories.simple_order("1", "h7")).encode(),
        b'{"id":"2","source":',
        b"",
        b"\xff\xfe",
        json.dumps(factories.simple_order("3", "h7")).encode() + b"\r",
    ]

    answer = (await post_lines(event, "orders", lines, content_type)).json()

    assert outline(answer) == [(201, "1", ""), (400, "", "invalid_json"), (400, "", "invalid_json"), (201, "3", "")]
    assert await event.scores("hosts.orders") == {"h7": 2}


async def test_empty_batch_is_answered_with_nothing_done(event: EventClient):
    head = await event.head()

    answer = (await event.post("/orders/batch", [])).json()

    assert answer == {"accepted": 0, "replayed": 0, "refused": 0, "results": []}
    assert await event.head() == head


@pytest.mark.parametrize("body", ['{"orders":1}', '"text"', "17", "null"])
async def test_batch_that_is_no_list_of_orders_is_refused(event: EventClient, body):
    head = await event.head()

    response = await event.client.post(f"{event.path}/orders/batch", content=body.encode())

    # An object on its own is one line of NDJSON, so it is the item that is refused.
    if body.startswith("{"):
        assert outline(response.json()) == [(422, "", "unknown_field")]
    else:
        assert (response.status_code, response.json()["code"]) == (422, "wrong_type")
    assert await event.head() == head


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
async def test_object_printed_over_several_lines_is_one_clear_refusal(event: EventClient, content_type):
    head = await event.head()
    body = json.dumps(factories.simple_order("1", "h7"), indent=2).encode()

    response = await post_lines(event, "orders", [body], content_type)
    refunds = await post_lines(event, "refunds", [body], content_type)

    for answer in (response, refunds):
        assert (answer.status_code, answer.json()["code"]) == (422, "wrong_type")
        assert "array" in answer.json()["detail"]
    assert await event.head() == head


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"colour": "red"}, "7"),
        ({"lines": "none"}, "7"),
        ({"id": 7}, ""),
        ({"id": ""}, ""),
        ({"id": "a b"}, ""),
        ({"id": "x" * 101}, ""),
        ({"id": ["7"]}, ""),
    ],
)
async def test_item_that_could_not_be_read_is_named_if_it_has_an_id(event: EventClient, changed, name):
    bad = {**factories.simple_order("7", "h7"), **changed}

    answer = (await event.post("/orders/batch", [bad, factories.simple_order("8", "h7")])).json()
    refunds = (await event.post("/refunds/batch", [{"order": "1001", "colour": "red"}])).json()

    assert [result["id"] for result in answer["results"]] == [name, "8"]
    assert [result["id"] for result in refunds["results"]] == [""]


async def test_cancellation_that_could_not_be_read_goes_by_its_order_like_any_other(event: EventClient):
    items = [{"order": "9", "colour": "red"}, {"id": "c-1", "order": "9", "colour": "red"}, [1]]

    answer = (await event.post("/cancellations/batch", items)).json()

    assert [result["id"] for result in answer["results"]] == ["9", "c-1", ""]


async def test_batch_of_refunds_and_cancellations_answers_likewise(event: EventClient):
    for number in range(3):
        await event.sell(f"{number}", "h7")

    refunds = await event.post(
        "/refunds/batch",
        [
            factories.refund("r-0", "0", amount="4.00"),
            factories.refund("r-0", "0", amount="4.00"),
            factories.refund("r-1", "1", amount="-1.00"),
        ],
    )
    cancellations = await event.post("/cancellations/batch", [factories.cancellation("2"), factories.cancellation("9")])

    assert outline(refunds.json()) == [(201, "r-0", ""), (200, "r-0", ""), (422, "r-1", "amount_not_positive")]
    assert [result["status"] for result in cancellations.json()["results"]] == [201, 201]
    assert await event.scores() == {"h7": "16.00"}


async def test_batch_larger_than_a_transaction_is_taken_whole(api: Api, event: EventClient):
    count = 2_345
    orders = [factories.simple_order(f"{number}", "h7", "0.01") for number in range(count)]

    answer = (await event.post("/orders/batch", orders)).json()

    assert (answer["accepted"], answer["refused"]) == (count, 0)
    assert [result["position"] for result in answer["results"]] == list(range(5, 5 + count))
    assert await event.scores() == {"h7": "23.45"}


async def test_batch_of_more_items_than_the_limit_is_refused_whole(event: EventClient):
    head = await event.head()

    response = await event.post("/orders/batch", [{}] * 5_001)

    assert (response.status_code, response.json()["code"]) == (413, "too_many_items")
    assert await event.head() == head
