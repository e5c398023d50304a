"""Who earns what over HTTP: lines of different sellers, rules of attribution, people who buy from themselves."""

import pytest

from tests import factories
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


def of(answer: dict) -> list[tuple[str, str, str]]:
    return [(credit["line"], credit["host"], credit["reason"]) for credit in answer["credits"]]


async def test_one_basket_of_two_hosts_is_credited_line_by_line(event: EventClient):
    lines = [factories.line(id="a"), factories.line(id="b", code="MEI20"), factories.line(id="c", host="h9")]

    answer = await event.order(lines=lines, code="LIN10")
    receipt = await event.ok("GET", "/orders/shop/1001/receipt")

    assert of(answer) == [("a", "h7", "code"), ("b", "h8", "code"), ("c", "h9", "host")]
    assert receipt["candidates"] == [
        {"line": "a", "by": "code", "id": "LIN10", "outcome": "won"},
        {"line": "b", "by": "code", "id": "MEI20", "outcome": "won"},
        {"line": "c", "by": "host", "id": "h9", "outcome": "won"},
        {"line": "c", "by": "code", "id": "LIN10", "outcome": "outranked"},
    ]
    assert (receipt["direct"], receipt["indirect"], receipt["house"]) == ("30.00", "0.00", "0.00")
    assert await event.scores() == {"h7": "10.00", "h8": "10.00", "h9": "10.00"}


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        ({"host": "h99"}, "unknown_host", "lines[0].host"),
        ({"session": "dusk"}, "unknown_session", "lines[0].session"),
        ({"carted_at": "2021-04-10T11:00:01Z"}, "carted_after_paid", "lines[0].carted_at"),
        ({"carted_at": "yesterday"}, "time_not_readable", "lines[0].carted_at"),
    ],
)
async def test_line_that_cannot_be_is_refused_without_a_trace(event: EventClient, line, code, field):
    head = await event.head()

    response = await event.post("/orders", factories.order(lines=[factories.line(**line)]))

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, code, field)
    assert await event.head() == head


async def test_line_with_another_seller_is_another_order_under_the_same_id(event: EventClient):
    lines = [factories.line(id="a", code="LIN10")]
    await event.order(lines=lines)

    same = await event.post("/orders", factories.order(lines=lines))
    other = await event.post("/orders", factories.order(lines=[factories.line(id="a", code="MEI20")]))

    assert (same.status_code, other.status_code, other.json()["code"]) == (200, 409, "order_conflict")


async def test_buyer_who_is_the_host_is_known_by_the_same_text_and_stays_hidden(draft: EventClient):
    await draft.create(rules={"attribution": {"self_purchase": "exclude"}})
    roster = factories.roster_body()
    roster["hosts"][0]["person"] = "lin@example.com"
    await draft.ok("PUT", "/roster", roster)
    await draft.move("scheduled")

    own = await draft.sell("own", code="LIN10", buyer="lin@example.com")
    other = await draft.sell("other", code="LIN10", buyer="kim@example.com")
    receipt = await draft.ok("GET", "/orders/shop/own/receipt")

    assert (of(own), of(other)) == ([("1", "House", "self_purchase")], [("1", "h7", "code")])
    assert receipt["candidates"] == [{"by": "code", "id": "LIN10", "outcome": "self_purchase"}]
    assert "lin@example.com" not in str(await draft.entries())
    assert (await draft.board())["house"] == "10.00"


async def test_store_has_its_part_of_what_its_hosts_sell_and_gives_it_back(draft: EventClient):
    await draft.create(rules={"attribution": {"store_bps": 2_500}})
    roster = factories.roster_body()
    roster["stores"] = [{"id": "mall"}]
    roster["hosts"][0]["store"] = "mall"
    roster["hosts"].append({"id": "mall", "store": "mall", "status": "guest"})
    await draft.ok("PUT", "/roster", roster)
    await draft.move("scheduled")

    sold = await draft.sell("1", code="LIN10")
    alone = await draft.sell("2", code="MEI20")
    board = await draft.board()
    receipt = await draft.ok("GET", "/orders/shop/1/receipt")
    await draft.ok("POST", "/refunds", factories.refund(order="1", amount="10.00"))

    assert [(credit["host"], credit["amount"]) for credit in sold["credits"]] == [("h7", "7.50"), ("mall", "2.50")]
    assert [(credit["host"], credit["amount"]) for credit in alone["credits"]] == [("h8", "10.00")]
    assert receipt["candidates"] == [{"by": "code", "id": "LIN10", "outcome": "won", "store_bps": 2_500}]
    # A guest has no row, and what it sold is told as excluded.
    assert [(row["id"], row["score"]) for row in board["rows"][:2]] == [("h8", "10.00"), ("h7", "7.50")]
    assert ("mall" in {row["id"] for row in board["rows"]}, board["excluded"]) == (False, "2.50")
    after = await draft.board()
    assert {row["id"]: row["score"] for row in after["rows"]} == {
        "h7": "0.00",
        "h8": "10.00",
        "h9": "0.00",
        "h10": "0.00",
    }
    assert after["excluded"] == "0.00"
