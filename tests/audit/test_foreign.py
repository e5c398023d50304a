"""An event of three other currencies, audited: every proof and every export says the same of it. On both databases."""

import asyncio
import csv
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data

from app.audit.beancount import export_beancount
from app.audit.export import export_csv
from app.audit.recount import recount
from app.audit.verify import Report, verify
from app.journal.entry import Entry
from app.journal.store import Posting, Store
from recount import kos_recount
from tests import factories
from tests.app_in_process import running_app
from tests.audit.conftest import opened
from tests.book import BRAND, Book, order, order_said, rates_said
from tests.event_client import EventClient
from tests.packages import forged, found, full_book, package_of, recounted

EVENT = "three"
TABLE = {"EUR": "7.8123", "JPY": "0.0467", "KWD": "23.1"}


def lines(*prices: str) -> list[dict[str, Any]]:
    return [{"id": str(n), "quantity": n, "unit_price": price} for n, price in enumerate(prices, 1)]


async def _sell(event: EventClient) -> None:
    await event.ok("PUT", "/rates", {"version": "day-1", "rates": TABLE, "reason": "of the bank"})
    times = {"disputed_at": factories.PAID_AT, "source": "shop"}
    early = {"id": "d-early", "order": "kwd", "amount": "1.500", "currency": "KWD", "fee": "0.250", **times}
    await event.ok("POST", "/disputes", early)
    await event.ok("POST", "/refunds", factories.refund("early", "eur", amount="5.00", currency="EUR"))
    await event.ok("POST", "/refunds", factories.refund("yen", "cny", amount="100", currency="JPY"))
    await event.ok("POST", "/refunds", factories.refund("nameless", "", amount="1.999", currency="KWD"))
    await event.ok("PUT", "/rates", {"version": "day-2", "rates": {**TABLE, "EUR": "7.9"}, "reason": "of the bank"})
    await event.sell("eur", "h7", currency="EUR", lines=lines("33.33", "0.05"), shipping="4.99", tax="6.66")
    await event.sell("jpy", "h8", currency="JPY", lines=lines("1980", "777"), tax="285", tax_included=True)
    await event.sell("kwd", "", currency="KWD", lines=lines("1.234", "0.005", "9.999"))
    await event.sell("cny", "h9", "88.00", currency="CNY")
    await event.ok("PUT", "/rates", {"version": "none", "rates": {}, "reason": "no more of it"})


async def _give_back(event: EventClient) -> None:
    times = {"disputed_at": factories.PAID_AT, "source": "shop"}
    await event.ok("POST", "/refunds", factories.refund("e-1", "eur", amount="11.11"))
    await event.ok("POST", "/refunds", factories.refund("e-2", "eur", lines=[{"id": "2", "quantity": 1}]))
    await event.ok("POST", "/disputes", {"id": "d-won", "order": "eur", "amount": "9.99", **times})
    await event.ok("POST", "/refunds", factories.refund("e-3", "eur", amount="0.03"))
    outcome = {"source": "shop", "closed_at": factories.PAID_AT}
    await event.ok("POST", "/disputes", {"id": "d-won", "outcome": "won", **outcome})
    await event.ok("POST", "/disputes", {"id": "d-early", "outcome": "lost", **outcome})
    await event.ok("POST", "/refunds", factories.refund("j-1", "jpy", amount="5000"))
    await event.ok("POST", "/cancellations", factories.cancellation("kwd"))
    await event.ok("POST", "/refunds", factories.refund("k-1", "kwd", amount="2.345"))
    to = {"id": "c", "orders": [{"source": "shop", "id": "eur"}], "to": [{"host": "h10"}], "reason": "a typo"}
    await event.ok("POST", "/reattributions", to)


async def _tell(url: str) -> dict[str, Any]:
    async with running_app(url, lambda: factories.NOW_US, state_entries=5) as api:
        rules = {"commission": {"bps": 1234, "with_tax": True}}
        event = await EventClient(api.client, EVENT).open(currency="CNY", rules=rules)
        await _sell(event)
        await _give_back(event)
        package = (await event.get("/package")).content
        return {"package": package, "board": await event.board(limit=100), "accounts": await accounts(event)}


async def accounts(event: EventClient) -> dict[str, str]:
    listed = (await event.ok("GET", "/ledger/accounts"))["accounts"]
    return {account["account"]: account["balance"] for account in listed}


@pytest.fixture(scope="module")
def told(shared_url: str) -> dict[str, Any]:
    return {"url": shared_url, **asyncio.run(_tell(shared_url))}


async def exported(told: dict[str, Any], export: Callable[..., Any]) -> str:
    out = StringIO()
    async with opened(told["url"]) as store:
        await export(store, EVENT, out)
    return out.getvalue()


async def test_every_pass_of_verify_is_clean(told: dict[str, Any]):
    async with opened(told["url"]) as store:
        report = await verify(store, EVENT)

    assert (report.findings, report.exit_code) == ([], 0)
    assert report.states > 2


def test_both_scorers_give_the_boards_of_the_server(told: dict[str, Any], tmp_path: Path):
    path = tmp_path / "package.ndjson"
    path.write_bytes(told["package"])

    ours, theirs = recount(path), kos_recount.recount(str(path))

    assert (ours.findings.listed, ours.exit_code) == ([], 0)
    assert (theirs["wrong"], theirs["result"]) == (None, "right")
    wanted = [(row["rank"], row["id"], row["score"]) for row in told["board"]["rows"]]
    for boards in (ours.boards, theirs["boards"]):
        assert [(row["rank"], row["id"], row["score"]) for row in boards["hosts"]["rows"]] == wanted
        assert boards["hosts"]["total"] == told["board"]["total"]
    assert [row["id"] for row in told["board"]["rows"] if Decimal(row["score"])] == ["h10", "h9"]


async def test_beancount_accepts_the_ledger_in_one_currency(told: dict[str, Any]):
    entries, errors, _ = loader.load_string(await exported(told, export_beancount))

    assert errors == []
    postings: list[Any] = [leg for entry in entries if isinstance(entry, data.Transaction) for leg in entry.postings]
    assert {leg.units.currency for leg in postings} == {"CNY"}
    balances: list[Any] = [entry.amount.number for entry in entries if isinstance(entry, data.Balance)]
    assert sorted(balances) == sorted(Decimal(balance) for balance in told["accounts"].values())


async def test_lists_have_what_the_shop_sent_beside_what_it_is_worth(told: dict[str, Any]):
    orders = {row["order"]: row for row in await rows(told, "orders")}
    refunds = {row["id"]: row for row in await rows(told, "refunds")}

    columns = ("currency", "total", "original_currency", "original_total", "rate", "rate_version")
    assert {order: tuple(row[name] for name in columns) for order, row in orders.items()} == {
        "eur": ("CNY", "356.13", "EUR", "45.08", "7.9", "day-2"),
        "jpy": ("CNY", "165.04", "JPY", "3534", "0.0467", "day-2"),
        "kwd": ("CNY", "721.67", "KWD", "31.241", "23.1", "day-2"),
        "cny": ("CNY", "88.00", "", "", "", ""),
    }
    columns = ("state", "amount", "over", "fee", "original_currency", "original_amount")
    shown = {identity: tuple(row[name] for name in columns) for identity, row in refunds.items()}
    # Parked at 7.8123, taken at 7.9.
    assert shown["early"] == ("matched", "39.50", "0.00", "0.00", "EUR", "5.00")
    assert shown["yen"] == ("matched", "4.67", "4.67", "0.00", "JPY", "100")
    assert shown["nameless"] == ("unmatched", "46.18", "0.00", "0.00", "KWD", "1.999")
    assert shown["d-early"] == ("matched", "34.64", "0.00", "5.78", "KWD", "1.500")
    assert shown["j-1"] == ("matched", "233.50", "68.46", "0.00", "JPY", "5000")
    assert shown["e-2"][4:] == ("EUR", "0.03")


async def rows(told: dict[str, Any], name: str) -> list[dict[str, str]]:
    text = await exported(told, partial(export_csv, name=name))
    return list(csv.DictReader(StringIO(text)))


async def test_what_clearing_says_is_what_the_lists_say(told: dict[str, Any]):
    """docs/ledger.md: gross less what went back and what disputes cost; won disputes may have left a unit."""
    orders, refunds = await rows(told, "orders"), await rows(told, "refunds")

    gross = sum(Decimal(row["total"]) for row in orders)
    back = sum(Decimal(row["amount"]) for row in refunds if row["what"] == "refund" or row["outcome"] == "lost")
    fees = sum(Decimal(row["fee"]) for row in refunds)
    assert abs(Decimal(told["accounts"]["Assets:Clearing:shop"]) - (gross - back - fees)) <= Decimal("0.05")


async def test_full_refunds_bring_every_account_of_the_orders_to_zero(database_url: str):
    async with running_app(database_url, lambda: factories.NOW_US) as api:
        event = await EventClient(api.client, EVENT).open(currency="CNY", rules={"commission": {"bps": 1234}})
        await _sell(event)
        await _give_back(event)
        for order, amount in (("eur", "99.99"), ("jpy", "9999"), ("kwd", "99.999"), ("cny", "88.00")):
            await event.ok("POST", "/refunds", factories.refund(f"all-{order}", order, amount=amount))
        left = await accounts(event)
        shown = {order: (await event.ok("GET", f"/orders/shop/{order}")) for order in ("eur", "jpy", "kwd", "cny")}
        assert await event.scores() == {}
        assert await event.scores("hosts.orders") == {}

    owing = {account for account, balance in left.items() if Decimal(balance)}
    assert owing == {
        "Assets:Clearing:shop",
        "Assets:Unmatched-Refunds",
        "Expenses:Dispute-Fees",
        "Expenses:Over-Refunds",
    }
    assert {document["remaining"] for document in shown.values()} == {"0.00"}
    assert [document["original"]["remaining"] for document in list(shown.values())[:3]] == ["0.00", "0", "0.000"]
    assert [document["status"] for document in shown.values()] == ["refunded", "refunded", "cancelled", "refunded"]


def put(*path: Any, value: Any) -> Callable[[Entry], None]:
    """Set one member of a body."""

    def change(entry: Entry) -> None:
        place: Any = entry.content
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


FORGERIES: list[tuple[str, Callable[[Entry], None], str]] = [
    ("rates:v1", put("fact", "rates", "USD", value={"mantissa": 76120, "decimals": 5}), "decision_mismatch"),
    ("rates:v1", put("fact", "rates", "GBP", value={"mantissa": 1, "decimals": 0}), "decision_mismatch"),
    ("rates:v1", put("fact", "rates", "USD", value={"mantissa": 0, "decimals": 0}), "decision_mismatch"),
    ("rates:v1", put("fact", "reason", value=""), "fact_malformed"),
    ("order:default:usd", put("rate", "mantissa", value=7613), "decision_mismatch"),
    ("order:default:usd", put("rate", "version", value="v2"), "decision_mismatch"),
    ("order:default:usd", put("value", "lines", 0, "title", value="another"), "decision_mismatch"),
    ("order:default:usd", put("fact", "currency", value="CHF"), "fact_malformed"),
    ("refund:default:usd-1", put("own", "amount", value=2_000), "decision_mismatch"),
    ("refund:default:usd-1", put("amount", value=1_500), "decision_mismatch"),
    ("refund:default:usd-1", put("fact", "currency", value="GBP"), "fact_malformed"),
    ("refund:default:usd-1", put("fact", "currency", value="CHF"), "decision_mismatch"),
    ("refund:default:nameless", put("rate", "mantissa", value=1), "decision_mismatch"),
    ("match:refund:default:early-usd", put("own", "shares", value=[]), "decision_mismatch"),
    ("dispute:default:d-kwd", put("fee", value=1), "decision_mismatch"),
    ("outcome:default:d-kwd", put("own", "shares", value=[]), "decision_mismatch"),
]


@pytest.mark.parametrize(("key", "change", "code"), FORGERIES, ids=range(len(FORGERIES)))
def test_amounts_that_the_rates_do_not_give_are_found_though_everything_is_signed(
    tmp_path: Path, key: str, change: Callable[[Entry], None], code: str
):
    book = full_book()
    position = next(entry.position for entry in book.entries if entry.key == key)

    report = recounted(tmp_path, package_of(forged(book, position, change)))

    assert (code, position) in found(report), report.findings.listed
    assert min(where for _, where in found(report)) == position


async def written(store: Store, entries: Sequence[Entry], postings: Sequence[Posting]) -> Report:
    """What verify says of entries that somebody wrote who can make hashes."""
    event = entries[0].event
    session = await store.session()
    await session.begin(event, BRAND)
    await session.append(entries, postings)
    await session.commit()
    await session.close()
    return await verify(store, event)


async def test_value_that_is_not_the_order_at_its_rate_is_found_by_verify(shared_url: str):
    """Though its credits, postings and hashes go with it."""
    honest, forger = (Book(name=name) for name in ("honest", "forger"))
    for book in (honest, forger):
        book.say(rates_said("v1", USD="0.7612"))
        book.say(order_said(order(currency="USD", price="100.00"), "USD"))
    position = forger.head.position
    async with opened(shared_url) as store:
        clean = await written(store, honest.entries, honest.postings)
        changed = forged(forger, position, put("rate", "mantissa", value=7613))
        report = await written(store, changed, forger.postings)

    assert clean.findings == []
    assert [(finding.code, finding.position) for finding in report.findings] == [("credits_mismatch", position)]
