"""Orders over HTTP: answers, repeats, conflicts, the look-up and the receipt."""

import asyncio

import httpx2
import pytest

from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_order_is_answered_with_position_and_credits(event: EventClient):
    response = await event.post("/orders", factories.order(code="lin10"))

    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in response.headers
    assert response.json() == {
        "order": "1001",
        "position": 5,
        "credits": [{"line": "1", "host": "h7", "team": "ruby", "amount": "34.00", "reason": "code"}],
    }


async def test_repeated_order_gets_the_first_answer_again_and_no_entry(event: EventClient):
    body = factories.order(host="h8")
    first = await event.post("/orders", body)
    await event.sell("1002", "h7")
    head = await event.head()

    again = await event.post("/orders", body)

    assert again.status_code == 200
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    assert await event.head() == head


@pytest.mark.parametrize(
    "same",
    [
        {"paid_at": "2021-04-10T19:00:00+08:00"},
        {"shipping": "3.5"},
        {"discount": "0.00"},
        {"total": "37.50"},
        {"tax": "0", "tax_included": True},
        {"source": "shop", "code": "", "buyer": ""},
    ],
    ids=lambda same: ",".join(same),
)
async def test_order_said_in_other_words_is_a_repeat(event: EventClient, same):
    await event.order()
    given = factories.order()
    if "discount" in same:
        given["lines"][0] |= same
    else:
        given |= same

    again = await event.post("/orders", given)

    assert (again.status_code, again.headers.get("idempotency-replayed")) == (200, "true")


@pytest.mark.parametrize(
    "other",
    [{"shipping": "3.51"}, {"host": "h7"}, {"code": "LIN10"}, {"paid_at": "2021-04-10T11:00:01Z"}, {"buyer": "ada"}],
    ids=lambda other: ",".join(other),
)
async def test_same_id_with_other_content_is_a_conflict_without_a_trace(event: EventClient, other):
    first = await event.order()
    head = await event.head()

    response = await event.post("/orders", factories.order(**other))

    problem = response.json()
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["position"]) == ("order_conflict", first["position"])
    assert await event.head() == head


async def test_same_id_from_another_source_is_another_order(event: EventClient):
    await event.order(source="shop")

    response = await event.post("/orders", factories.order(source="pop-up"))

    assert response.status_code == 201
    assert len([entry for entry in await event.entries() if entry["kind"] == "order.paid"]) == 2


async def test_source_left_out_is_default(event: EventClient):
    body = factories.order()
    del body["source"]

    await event.ok("POST", "/orders", body)

    assert (await event.entries())[-1]["key"] == "order:default:1001"


async def test_same_order_posted_twenty_times_at_once_counts_once(event: EventClient):
    body = factories.simple_order("1001", "h7")

    responses = await asyncio.gather(*(event.post("/orders", body) for _ in range(20)))

    assert sorted(response.status_code for response in responses) == [200] * 19 + [201]
    assert len({response.content for response in responses}) == 1
    assert await event.scores() == {"h7": "10.00"}


async def test_attribution_prefers_host_then_code_then_session(event: EventClient):
    session = {"id": "night", "hosts": [{"id": "h9"}]}
    await event.ok("POST", "/sessions", session)
    wishes = {"host": "h10", "code": "MEI20", "session": "night"}

    reasons = []
    while wishes:
        answer = await event.sell(f"with-{len(wishes)}", **wishes)
        reasons.append([(credit["host"], credit["reason"]) for credit in answer["credits"]])
        del wishes[next(iter(wishes))]
    answer = await event.sell("with-0")

    assert reasons == [[("h10", "host")], [("h8", "code")], [("h9", "session")]]
    assert answer["credits"] == [
        {"line": "1", "host": "House", "team": "", "amount": "10.00", "reason": "unattributed"}
    ]


async def test_unknown_code_goes_to_house_and_the_receipt_says_why(event: EventClient):
    answer = await event.sell("1001", code="NOBODY5")

    receipt = await event.ok("GET", "/orders/shop/1001/receipt")

    assert [(credit["host"], credit["reason"]) for credit in answer["credits"]] == [("House", "unknown_code")]
    assert receipt["candidates"] == [{"by": "code", "id": "NOBODY5", "outcome": "unknown_code"}]
    assert (await event.board())["house"] == "10.00"


async def test_receipt_lists_every_candidate_and_why_each_lost(event: EventClient):
    answer = await event.sell("1001", host="h7", code="MEI20", click="c-9")

    receipt = await event.ok("GET", "/orders/shop/1001/receipt")
    entry = (await event.entries())[-1]

    assert receipt == {
        "event": event.id,
        **answer,
        "direct": "10.00",
        "indirect": "0.00",
        "house": "0.00",
        "paid_at": "2021-04-10T11:00:00.000000Z",
        "rules": 1,
        "candidates": [
            {"by": "host", "id": "h7", "outcome": "won"},
            {"by": "code", "id": "MEI20", "outcome": "outranked"},
            {"by": "click", "id": "c-9", "outcome": "unknown_click"},
        ],
        "hash": entry["hash"],
    }


async def test_order_document_follows_its_refunds_and_cancellation(event: EventClient):
    await event.order(host="h7")
    states = [await event.ok("GET", "/orders/shop/1001")]

    await event.ok("POST", "/refunds", factories.refund(lines=[{"id": "1", "quantity": 1}]))
    states.append(await event.ok("GET", "/orders/shop/1001"))
    await event.ok("POST", "/refunds", factories.refund("r-2", amount="20.50"))
    states.append(await event.ok("GET", "/orders/shop/1001"))

    assert [(state["status"], state["remaining"]) for state in states] == [
        ("paid", "37.50"),
        ("partly_refunded", "20.50"),
        ("refunded", "0.00"),
    ]
    assert states[1] == {
        "event": event.id,
        "order": "1001",
        "source": "shop",
        "position": 6,
        "status": "partly_refunded",
        "paid_at": "2021-04-10T11:00:00.000000Z",
        "currency": "GBP",
        "total": "37.50",
        "remaining": "20.50",
        "credits": [{"line": "1", "host": "h7", "team": "ruby", "amount": "34.00", "reason": "host"}],
        "lines": [{"id": "1", "quantity_left": 1, "amount_left": "17.00"}],
        "entries": states[1]["entries"],
    }
    assert [entry["key"] for entry in states[2]["entries"]] == ["order:shop:1001", "refund:shop:r-1", "refund:shop:r-2"]


async def test_cancelled_order_says_so(event: EventClient):
    await event.order()
    await event.ok("POST", "/cancellations", factories.cancellation())

    assert (await event.ok("GET", "/orders/shop/1001"))["status"] == "cancelled"


async def test_order_of_which_only_a_refund_came_is_unmatched(event: EventClient):
    await event.ok("POST", "/refunds", factories.refund(order="7", amount="5.00"))

    document = await event.ok("GET", "/orders/shop/7")
    receipt = await event.get("/orders/shop/7/receipt")

    assert document["status"] == "unmatched"
    assert [entry["key"] for entry in document["entries"]] == ["refund:shop:r-1"]
    assert (receipt.status_code, receipt.json()["code"]) == (404, "order_unknown")


@pytest.mark.parametrize("path", ["/orders/shop/none", "/orders/shop/none/receipt"])
async def test_unknown_order_is_not_found(event: EventClient, path):
    response = await event.get(path)

    assert (response.status_code, response.json()["code"]) == (404, "order_unknown")


@pytest.mark.parametrize("identity", ["#1001", "a/b", "100%", "A:B?c=d", "~!", "x/receipt", "batch"])
async def test_order_ids_of_any_shop_can_be_looked_up(event: EventClient, api: Api, identity):
    await event.sell(identity, "h7")
    quoted = "".join(f"%{ord(character):02X}" for character in identity)

    found = await api.client.get(f"/v1/orders/shop/{quoted}")

    assert {"event": event.id, "position": 5} in found.json()["events"]
    if not identity.endswith("/receipt"):
        assert (await event.get(f"/orders/shop/{quoted}")).json()["order"] == identity
    assert (await event.get(f"/orders/shop/{quoted}/receipt")).json()["order"] == identity


async def test_find_order_names_every_event_of_the_brand_that_holds_it(api: Api, event: EventClient):
    other = await EventClient(api.client, f"{event.id}-second").open()
    await event.sell("shared-1", "h7")
    await other.sell("shared-1", "h8")
    await other.sell("shared-2", "h8")

    found = await api.client.get("/v1/orders/shop/shared-1")
    missing = await api.client.get("/v1/orders/shop/shared-3")

    assert found.json() == {
        "order": "shared-1",
        "source": "shop",
        "events": [{"event": event.id, "position": 5}, {"event": other.id, "position": 5}],
    }
    assert (missing.status_code, missing.json()["code"]) == (404, "order_unknown")


async def test_buyer_is_hidden_in_the_journal_but_the_same_each_time(event: EventClient):
    for identity in ("1", "2"):
        await event.sell(identity, buyer="ada@example.org")
    await event.sell("3", buyer="bob@example.org")

    buyers = [entry["body"]["fact"].get("buyer") for entry in (await event.entries())[-3:]]

    assert buyers[0] == buyers[1] != buyers[2]
    assert all("example" not in buyer for buyer in buyers)


async def test_order_of_a_final_event_is_late_and_moves_no_board(event: EventClient):
    await event.sell("1", "h7")
    for status in ("ended", "final"):
        await event.move(status)

    answer = await event.sell("2", "h7", paid_at="2021-04-10T11:00:01Z")
    again = await event.post("/orders", factories.simple_order("2", "h7", paid_at="2021-04-10T11:00:01Z"))

    assert answer["late"] is True
    assert again.json() == answer
    assert await event.scores() == {"h7": "10.00"}


@pytest.mark.parametrize("status", ["scheduled", "live", "paused", "ended"])
async def test_orders_are_taken_from_scheduled_until_ended(draft: EventClient, status):
    await draft.create()
    await draft.ok("PUT", "/roster", factories.roster_body())
    for step in ("scheduled", "live", "paused", "ended"):
        await draft.move(step)
        if step == status:
            break

    await draft.sell("1", "h7")

    assert await draft.scores() == {"h7": "10.00"}


@pytest.mark.parametrize(
    ("currency", "price", "amount"), [("JPY", "1700", "3400"), ("KWD", "1.705", "3.410"), ("GBP", "17", "34.00")]
)
async def test_amounts_have_the_decimals_of_the_currency(draft: EventClient, currency, price, amount):
    await draft.open(currency=currency)

    answer = await draft.sell("1", "h7", currency=currency, lines=[factories.line(quantity=2, unit_price=price)])

    assert answer["credits"][0]["amount"] == amount


async def test_zero_priced_line_is_legal_and_counts_in_units(event: EventClient):
    await event.sell("1", "h7", "0.00")

    assert await event.scores("hosts.units") == {"h7": 1}
    assert (await event.board())["total"] == "0.00"


async def test_order_of_the_last_microsecond_is_in_and_of_the_next_is_out(draft: EventClient):
    await draft.open(ends_at="2021-04-10T11:00:00Z")

    last = await draft.post("/orders", factories.simple_order("1", "h7", paid_at="2021-04-10T10:59:59.999999Z"))
    after = await draft.post("/orders", factories.simple_order("2", "h7", paid_at="2021-04-10T11:00:00Z"))

    assert last.status_code == 201
    assert after.json()["code"] == "paid_at_outside_event"


async def test_unread_body_does_not_break_the_answer(event: EventClient):
    async def chunks():
        yield b'{"id":"1001","source":"shop","paid_at":"2021-04-10T11:00:00Z",'
        yield b'"currency":"GBP","lines":[{"quantity":1,"unit_price":"1.00"}]}'

    response: httpx2.Response = await event.client.post(f"{event.path}/orders", content=chunks())

    assert response.status_code == 201


async def test_order_whose_id_ends_like_the_receipts_address_is_found_by_its_encoded_slash(event: EventClient):
    for identity in ("a", "a/receipt", "a/receipt/receipt"):
        await event.sell(identity, "h7")
    asked = {
        "a": "get",
        "a/receipt": "receipt of a",
        "a%2Freceipt": "a/receipt",
        "a%2freceipt/receipt": "receipt of a/receipt",
        "a%2Freceipt%2Freceipt": "a/receipt/receipt",
        "a/receipt%2Freceipt": "a/receipt/receipt",
    }

    answers = {path: await event.ok("GET", f"/orders/shop/{path}") for path in asked}

    found = {
        path: ("receipt of " if "candidates" in answer else "") + answer["order"] for path, answer in answers.items()
    }
    assert found == asked | {"a": "a"}


async def test_history_of_an_order_says_who_why_and_what_moved(api: Api, event: EventClient):
    made = (await api.client.post("/v1/keys", json={"person": "till", "scopes": ["orders"]})).json()
    async with api.client_of(made["key"]) as till:
        shop = EventClient(till, event.id)
        await shop.ok("POST", "/refunds", factories.refund("early", amount="4.00"))
        await shop.sell("1001", "h7", "34.00")
    dispute = {"id": "d1", "source": "shop", "order": "1001"}
    await event.ok("POST", "/disputes", {**dispute, "disputed_at": "2021-04-10T12:00:00Z", "amount": "10.00"})
    await event.ok(
        "POST", "/disputes", {"id": "d1", "source": "shop", "outcome": "won", "closed_at": "2021-04-10T12:30:00Z"}
    )
    claim = {"id": "c1", "host": "h8", "order": {"source": "shop", "id": "1001"}, "reason": "She asked me"}
    await event.ok("POST", "/claims", claim)
    await event.ok("POST", "/cancellations", factories.cancellation())

    history = (await event.ok("GET", "/orders/shop/1001"))["entries"]

    def sold(amount: str) -> list[dict[str, str]]:
        return [{"host": "h7", "team": "ruby", "amount": amount}]

    names = ("kind", "person", "reason", "outcome", "amount", "waits", "changes")
    assert [tuple(entry.get(name) for name in names) for entry in history] == [
        ("order.refunded", "till", None, None, "4.00", True, None),
        ("order.paid", "till", None, None, None, None, sold("34.00")),
        ("refund.matched", "till", None, None, "4.00", None, sold("-4.00")),
        ("order.disputed", "admin", None, None, "10.00", None, sold("-10.00")),
        ("dispute.closed", "admin", None, "won", "10.00", None, sold("10.00")),
        ("claim.opened", "admin", "She asked me", None, None, None, None),
        ("order.cancelled", "admin", None, None, "30.00", None, sold("-30.00")),
    ]
    assert history[0]["actor"] == f"key:{made['id']}"
    booked = {row["account"]: row["amount"] for row in history[1]["postings"]}
    assert booked == {"Income:Sales:ruby:h7": "-34.00", "Assets:Clearing:shop": "34.00"}
    assert "postings" not in history[5]


async def test_person_of_another_brands_key_is_not_told(api: Api):
    rival = await api.key_of("rival", "orders")
    actor = f"key:{rival.split('_')[1]}"

    assert await api.services.access.persons("rival", {actor}) == {actor: "somebody"}
    assert await api.services.access.persons("default", {actor, "key:admin", "schedule"}) == {"key:admin": "admin"}
