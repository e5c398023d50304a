"""The lists of ``kos export --format csv``: what they say is what the API says, to the cent."""

import csv
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest

from app.audit.export import LISTS, export_csv
from app.errors import NotFound
from app.sales.money import format_amount
from tests import factories
from tests.app_in_process import running_app
from tests.audit.conftest import EMPTY, EVENT, opened
from tests.event_client import EventClient
from tests.ledger_story import ODD_HOST, ODD_ORDER

Exported = Callable[..., Awaitable[str]]
Row = dict[str, str]


@pytest.fixture
def listed(exported: Exported) -> Callable[..., Awaitable[list[Row]]]:
    """``await listed("orders")``: rows of a list by their columns, marks of spreadsheets taken off."""

    async def rows(name: str, event: str = EVENT) -> list[Row]:
        text = await exported(partial(export_csv, name=name), event)
        return [
            {column: value.removeprefix("'") for column, value in row.items()}
            for row in csv.DictReader(StringIO(text, newline=""))
        ]

    return rows


Listed = Callable[..., Awaitable[list[Row]]]


async def asked(url: str, *paths: str, **params: Any) -> list[Any]:
    """What the API answers to these calls below the event."""
    async with running_app(url) as api:
        event = EventClient(api.client, EVENT)
        return [await event.ok("GET", path, **params) for path in paths]


@pytest.mark.parametrize("name", LISTS)
async def test_list_has_its_header_also_without_rows(exported: Exported, name: str):
    text = await exported(partial(export_csv, name=name), EMPTY)

    lines = text.splitlines()
    assert lines[0] == ",".join(LISTS[name].columns)
    assert len(lines) == {"entries": 2, "boards": 1 + 2 * 4 * 3}.get(name, 1)


async def test_orders_are_what_their_look_up_says(listed: Listed, told_url: str):
    rows = await listed("orders")

    paths = [f"/orders/{row['source']}/{quote(row['order'], safe='')}" for row in rows]
    documents = await asked(told_url, *paths)
    assert [row["order"] for row in rows] == ["1001", "1002", ODD_ORDER, "1003", "1004", "1005", "gift", "1006"]
    for row, document in zip(rows, documents, strict=True):
        same = ("order", "source", "status", "paid_at", "currency", "total", "remaining")
        assert {name: row[name] for name in same} == {name: document[name] for name in same}
        assert row["sales"] == format_amount(
            sum(int(credit["amount"].replace(".", "")) for credit in document["credits"]), 2
        )


async def test_orders_name_those_who_are_credited_by_now(listed: Listed):
    rows = {row["order"]: row for row in await listed("orders")}

    assert (rows["1002"]["hosts"], rows["1002"]["teams"]) == ("h7 solo", "ruby")
    assert (rows["1003"]["hosts"], rows["1003"]["teams"]) == ("House", "")
    # Corrected: it was of h8.
    assert (rows["1005"]["hosts"], rows["1005"]["teams"]) == (ODD_HOST, "team-2")
    assert (rows["1001"]["lines"], rows["1001"]["units"], rows["1001"]["tax"]) == ("1", "2", "5.00")


async def test_refunds_say_what_became_of_each(listed: Listed):
    rows = await listed("refunds")

    told = [
        (row["what"], row["id"], row["order"], row["state"], row["outcome"], row["amount"], row["over"], row["fee"])
        for row in rows
    ]
    assert told == [
        ("refund", "early", "1002", "matched", "", "2.00", "0.00", "0.00"),
        ("refund", "nameless", "", "unmatched", "", "7.00", "0.00", "0.00"),
        ("refund", "=2+3", "1001", "matched", "", "17.00", "0.00", "0.00"),
        ("refund", "much", "1003", "matched", "", "12.00", "2.01", "0.00"),
        ("cancellation", "1004", "1004", "matched", "", "10.00", "0.00", "0.00"),
        ("refund", "after", "1004", "matched", "", "7.50", "0.00", "0.00"),
        ("dispute", "d-lost", "1002", "matched", "lost", "3.00", "0.00", "15.00"),
        ("dispute", "d-won", "1005", "matched", "won", "20.00", "0.00", "0.00"),
        ("dispute", "d-open", "1001", "matched", "open", "1.00", "0.00", "0.00"),
        ("dispute", "d-early", "1006", "matched", "open", "4.00", "0.00", "0.00"),
    ]


async def test_text_of_a_shop_is_no_formula_and_amounts_below_zero_are_numbers(exported: Exported):
    refunds = await exported(partial(export_csv, name="refunds"))
    accounts = await exported(partial(export_csv, name="accounts"))

    assert ",'=2+3,1001," in refunds
    assert "\nIncome:Shipping,GBP,-" in accounts


async def test_entries_are_those_of_the_journal(listed: Listed, told_url: str):
    rows = await listed("entries")

    async with running_app(told_url) as api:
        entries = await EventClient(api.client, EVENT).entries()
    same = ("kind", "key", "recorded_at", "occurred_at", "actor", "hash")
    assert [{name: row[name] for name in same} for row in rows] == [
        {name: entry[name] for name in same} for entry in entries
    ]
    assert [row["about"] for row in rows] == [entry["body"].get("about", "") for entry in entries]


async def test_accounts_are_the_sums_of_the_postings(listed: Listed, told_url: str):
    rows = await listed("accounts")
    async with opened(told_url) as store:
        postings = await store.postings(EVENT, 0, 10_000)

    for row in rows:
        own = [posting for posting in postings if posting.account == row["account"]]
        assert Decimal(row["balance"]) * 100 == sum(posting.amount for posting in own)
        assert int(row["postings"]) == len(own)
        assert (int(row["first_position"]), int(row["last_position"])) == (own[0].position, own[-1].position)
    assert [row["account"] for row in rows] == sorted({posting.account for posting in postings})
    assert {row["account"]: row["beancount"] for row in rows}["Income:Sales:-:solo"] == "Income:Sales:No-Team:Host-solo"


async def test_boards_are_those_of_the_api_over_the_event_and_its_days(listed: Listed, told_url: str):
    rows = await listed("boards")

    names = list(dict.fromkeys(row["board"] for row in rows))
    documents = await asked(told_url, *(f"/boards/{name}" for name in names), limit=1_000)
    assert len(names) == 2 * 4 * 2
    assert "hosts.net_sales.day:2021-04-10" in names
    for name, document in zip(names, documents, strict=True):
        own = [row for row in rows if row["board"] == name]
        assert [tuple(row[key] for key in ("rank", "id", "score", "gap")) for row in own if row["row"] == "row"] == [
            tuple(str(row[key]) for key in ("rank", "id", "score", "gap")) for row in document["rows"]
        ]
        assert {row["row"]: row["score"] for row in own if row["row"] != "row"} == {
            key: str(document[key]) for key in ("house", "excluded", "total")
        }
        assert {(row["window"], row["unit"], row["position"]) for row in own} == {
            (document["window"], document["unit"], str(document["position"]))
        }
        teams = {row["id"]: row.get("team", "") for row in document["rows"]}
        assert {row["id"]: row["team"] for row in own if row["row"] == "row"} == teams


def total(rows: list[Row], column: str, **where: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows if where.items() <= row.items()), Decimal("0.00"))


async def test_control_totals_that_the_documents_name_agree(listed: Listed, told_url: str):
    """docs/ledger.md, "Compare with the shop's own numbers"."""
    orders, refunds = await listed("orders"), await listed("refunds")
    held = {row["account"]: Decimal(row["balance"]) for row in await listed("accounts")}
    (board,) = await asked(told_url, "/boards/hosts.net_sales")

    def balance(prefix: str) -> Decimal:
        return sum((amount for account, amount in held.items() if account.startswith(prefix)), Decimal())

    for source in ("shop", "pop_up.1-a"):
        lost = total(refunds, "amount", source=source, outcome="lost") + total(refunds, "fee", source=source)
        back = total(refunds, "amount", source=source, what="refund")
        assert held[f"Assets:Clearing:{source}"] == total(orders, "total", source=source) - back - lost
    assert held["Assets:Unmatched-Refunds"] == total(refunds, "amount", state="unmatched") > 0
    assert -held["Assets:Disputes"] == total(refunds, "amount", outcome="open") > 0
    assert held["Expenses:Over-Refunds"] == total(refunds, "over") > 0
    assert held["Expenses:Dispute-Fees"] == total(refunds, "fee") > 0
    assert held["Income:Cancelled-Pending"] == Decimal("-2.50")
    assert sum(held.values()) == 0
    assert -balance("Income:Sales:") == Decimal(board["total"])
    for row in board["rows"]:
        own = sum(amount for account, amount in held.items() if account.endswith(f":{row['id']}"))
        assert -own == Decimal(row["score"])
    owed = balance("Income:") + held["Liabilities:Tax"]
    assert -owed == total(orders, "remaining")


async def test_what_comes_after_final_is_in_the_ledger_and_on_no_board(database_url: str):
    async with running_app(database_url, lambda: factories.NOW_US) as api:
        event = await EventClient(api.client, "finished").open()
        await event.sell("1", "h7", "10.00")
        await event.move("ended")
        await event.move("final")
        await event.sell("late", "h7", "5.00")
        await event.ok("POST", "/refunds", factories.refund("r", "1", amount="10.00"))
        text = {}
        for name in ("orders", "accounts", "boards"):
            out = StringIO()
            await export_csv(api.services.store, "finished", out, name)
            text[name] = list(csv.DictReader(StringIO(out.getvalue())))

    assert [(row["order"], row["late"], row["status"]) for row in text["orders"]] == [
        ("1", "", "refunded"),
        ("late", "yes", "paid"),
    ]
    assert {row["account"]: row["balance"] for row in text["accounts"]}["Income:Sales:ruby:h7"] == "-5.00"
    (row,) = (row for row in text["boards"] if (row["board"], row["id"]) == ("hosts", "h7"))
    assert (row["score"], row["team"], row["finality"]) == ("10.00", "ruby", "final")


@pytest.mark.parametrize("name", LISTS)
async def test_unknown_event_has_no_list(exported: Exported, name: str):
    with pytest.raises(NotFound, match="event_unknown"):
        await exported(partial(export_csv, name=name), "typo")
