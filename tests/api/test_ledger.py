"""The ledger over HTTP: balances and postings as they were at any position, page by page, as JSON and as CSV."""

import base64
import csv
from collections import Counter
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from tests import ledger_story
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOLD = "/ledger/accounts/Income:Sales:ruby:h7"


async def told(api: Api, event: str) -> EventClient:
    found = await EventClient(api.client, event).open(ledger_story.ROSTER)
    await ledger_story.tell(found)
    return found


async def whole(event: EventClient, path: str, member: str, **params: Any) -> list[dict[str, Any]]:
    """All rows of a list, page by page."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await event.ok("GET", path, **params, **cursor)
        assert 0 < len(page[member]) <= params.get("limit", 1_000)
        rows += page[member]
        if "cursor" not in page:
            return rows
        cursor = {"cursor": page["cursor"]}


async def as_csv(event: EventClient, path: str, **params: Any) -> list[dict[str, str]]:
    response = await event.client.get(event.path + path, params=params, headers={"Accept": "text/csv"})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(response.text, newline="")))


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


async def test_accounts_hold_the_sums_of_the_postings_at_every_position(api: Api):
    event = await told(api, "balanced")
    postings = await api.services.store.postings(event.id, 0, 10_000)
    head, _ = await event.head()

    for at in range(1, head + 1):
        page = await event.ok("GET", "/ledger/accounts", at=at)
        sums: Counter[str] = Counter()
        for posting in postings:
            if posting.position <= at:
                sums[posting.account] += posting.amount
        assert page["position"] == at
        assert {row["account"]: Decimal(row["balance"]) * 100 for row in page["accounts"]} == sums
    assert page == await event.ok("GET", "/ledger/accounts")
    assert sum(row["postings"] for row in page["accounts"]) == len(postings)
    assert [row["account"] for row in page["accounts"]] == sorted(sums)
    assert {row["currency"] for row in page["accounts"]} == {"GBP"}


async def test_account_shows_each_posting_with_its_entry_and_the_balance_behind_it(event: EventClient):
    await event.sell("1", "h7", "10.00", shipping="2.00")
    await event.sell("2", "h8", "5.00")
    refund = {"id": "r", "source": "shop", "order": "1", "refunded_at": "2021-04-10T11:30:00Z", "amount": "12.00"}
    await event.ok("POST", "/refunds", refund)
    (_, paid, _, refunded) = (await event.entries())[3:]

    assert await event.ok("GET", SOLD) == {
        "event": event.id,
        "position": 7,
        "account": "Income:Sales:ruby:h7",
        "currency": "GBP",
        "opening": "0.00",
        "postings": [
            {
                "position": 5,
                "kind": "order.paid",
                "key": "order:shop:1",
                "about": "",
                "occurred_at": "2021-04-10T11:00:00.000000Z",
                "recorded_at": paid["recorded_at"],
                "amount": "-10.00",
                "balance": "-10.00",
            },
            {
                "position": 7,
                "kind": "order.refunded",
                "key": "refund:shop:r",
                "about": "order:shop:1",
                "occurred_at": "2021-04-10T11:30:00.000000Z",
                "recorded_at": refunded["recorded_at"],
                "amount": "10.00",
                "balance": "0.00",
            },
        ],
    }
    assert [row["position"] for row in (await event.ok("GET", SOLD, at=6))["postings"]] == [5]


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_put_together_are_the_whole(event: EventClient, limit: int):
    for number in range(5):
        await event.sell(f"{number}", f"h{7 + number % 4}", f"{number + 1}.00")
    path = "/ledger/accounts/Assets:Clearing:shop"

    accounts = await whole(event, "/ledger/accounts", "accounts", limit=limit)
    postings = await whole(event, path, "postings", limit=limit)

    assert accounts == (await event.ok("GET", "/ledger/accounts"))["accounts"]
    assert postings == (await event.ok("GET", path))["postings"]
    assert [row["balance"] for row in postings] == ["1.00", "3.00", "6.00", "10.00", "15.00"]


async def test_list_goes_on_where_it_began_whatever_was_sold_meanwhile(event: EventClient):
    for number in range(4):
        await event.sell(f"{number}", "h7")
    first = await event.ok("GET", SOLD, limit=3)
    accounts = await event.ok("GET", "/ledger/accounts", limit=1)
    await event.sell("later", "h7")
    await event.sell("another", "h9")

    second = await event.ok("GET", SOLD, limit=3, cursor=first["cursor"])
    others = await event.ok("GET", "/ledger/accounts", cursor=accounts["cursor"], at=accounts["position"])

    assert second["position"] == first["position"] == 8
    assert (second["opening"], [row["balance"] for row in second["postings"]]) == ("-30.00", ["-40.00"])
    assert "cursor" not in second
    assert [(row["account"], row["balance"]) for row in others["accounts"]] == [("Income:Sales:ruby:h7", "-40.00")]


async def test_csv_is_the_same_and_whole(api: Api):
    event = await told(api, "as-csv")
    accounts = await as_csv(event, "/ledger/accounts", limit=2)
    documents = (await event.ok("GET", "/ledger/accounts"))["accounts"]

    assert accounts == [{name: str(value) for name, value in row.items()} for row in documents]
    for row in documents:
        path = f"/ledger/accounts/{row['account']}"
        postings = (await event.ok("GET", path))["postings"]
        assert await as_csv(event, path, limit=1) == [
            {name: str(value) for name, value in posting.items()} for posting in postings
        ]
        assert postings[-1]["balance"] == row["balance"]
        assert (postings[-1]["position"], len(postings)) == (row["last_position"], row["postings"])
    assert await as_csv(event, "/ledger/accounts", at=3) == []


async def test_csv_goes_on_over_the_pages_that_it_is_read_in(event: EventClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.api.ledger._CSV_PAGE", 2)
    for number in range(5):
        await event.sell(f"{number}", f"h{7 + number % 4}", f"{number + 1}.00")

    assert len(await as_csv(event, "/ledger/accounts")) == 5
    clearing = await as_csv(event, "/ledger/accounts/Assets:Clearing:shop")
    assert [row["balance"] for row in clearing] == ["1.00", "3.00", "6.00", "10.00", "15.00"]


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/nothing", {}, 404, "account_unknown"),
        ("/%00", {}, 404, "account_unknown"),
        ("/Income:Sales:ruby:h7", {"at": 4}, 404, "account_unknown"),
        ("/Income:Sales:ruby:h7", {"at": 6}, 422, "position_ahead"),
        ("/Income:Sales:ruby:h7", {"cursor": cursor_of("5 5")}, 422, "cursor_unknown"),
        ("/Income:Sales:ruby:h7", {"cursor": cursor_of("6 5 0")}, 422, "cursor_unknown"),
        ("/Income:Sales:ruby:h7", {"cursor": cursor_of("5 4 0"), "at": 4}, 422, "cursor_unknown"),
        ("/Income:Sales:ruby:h7", {"cursor": cursor_of(f"5 {10**18} 0")}, 422, "cursor_unknown"),
        ("", {"at": 6}, 422, "position_ahead"),
        ("", {"at": 0}, 422, "invalid_value"),
        ("", {"cursor": "*"}, 422, "cursor_unknown"),
        ("", {"cursor": cursor_of("5")}, 422, "cursor_unknown"),
        ("", {"cursor": cursor_of("5 a\0b")}, 422, "cursor_unknown"),
        ("", {"cursor": cursor_of("6 Income:Shipping")}, 422, "cursor_unknown"),
    ],
)
async def test_what_is_not_there_is_refused(event: EventClient, path: str, params: Any, status: int, code: str):
    await event.sell("1", "h7")

    response = await event.get(f"/ledger/accounts{path}", **params)

    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize(("scope", "status"), [("finance", 200), ("ops", 200), ("audit", 200), ("orders", 403)])
async def test_ledger_is_for_finance_ops_and_audit(api: Api, event: EventClient, scope: str, status: int):
    await event.sell("1", "h7")
    key = await api.key_of("default", scope)

    async with api.client_of(key) as client:
        for path in ("/ledger/accounts", SOLD):
            assert (await client.get(event.path + path)).status_code == status


async def test_ledger_of_another_brand_is_not_there(api: Api, event: EventClient):
    await event.sell("1", "h7")

    async with api.client_of(await api.key_of("another", "finance")) as client:
        for path in ("/ledger/accounts", SOLD):
            assert (await client.get(event.path + path)).json()["code"] == "event_unknown"
