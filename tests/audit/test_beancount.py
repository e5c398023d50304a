"""The ledger as beancount reads it: accepted, equal to the postings, tied to orders and positions, never to be cut."""

import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data

from app.audit.beancount import export_beancount
from app.audit.beancount_names import account_name, order_link
from app.errors import NotFound
from tests.app_in_process import running_app
from tests.audit.conftest import EMPTY, EVENT, opened
from tests.event_client import EventClient
from tests.ledger_story import ODD_ORDER

BEAN_CHECK = Path(sys.executable).with_name("bean-check")
Exported = Callable[..., Awaitable[str]]


def checked(text: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What ``bean-check`` says of the file, as whoever received it would ask."""
    file = folder / "ledger.beancount"
    file.write_text(text)
    return subprocess.run([BEAN_CHECK, "--no-cache", file], capture_output=True, text=True)


def directives(text: str, kind: type) -> list[Any]:
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    return [entry for entry in entries if isinstance(entry, kind)]


def transactions(text: str) -> dict[int, Any]:
    return {int(entry.meta["position"]): entry for entry in directives(text, data.Transaction)}


async def test_bean_check_accepts_the_ledger(exported: Exported, tmp_path: Path):
    done = checked(await exported(export_beancount), tmp_path)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


async def test_transactions_and_balances_are_those_of_the_postings(exported: Exported, told_url: str):
    text = await exported(export_beancount)
    async with opened(told_url) as store:
        postings = await store.postings(EVENT, 0, 10_000)

    booked = {
        (position, leg.account, leg.units.number, leg.units.currency)
        for position, entry in transactions(text).items()
        for leg in entry.postings
    }
    balances = {entry.account: entry.amount.number for entry in directives(text, data.Balance)}
    wanted: Counter[str] = Counter()
    for posting in postings:
        wanted[account_name(posting.account)] += posting.amount
    assert booked == {(p.position, account_name(p.account), Decimal(p.amount) / 100, p.currency) for p in postings}
    assert balances == {name: Decimal(amount) / 100 for name, amount in wanted.items()}
    assert {"Assets:Disputes", "Expenses:Over-Refunds", "Income:Cancelled-Pending"} <= balances.keys()


async def test_transactions_say_in_words_what_happened_and_where_it_stands(exported: Exported, told_url: str):
    found = transactions(await exported(export_beancount))
    async with opened(told_url) as store:
        entries = {entry.position: entry for entry in await store.read(EVENT, 0, 10_000)}

    assert {entry.narration for entry in found.values()} == {
        "Order shop:1001",
        "Order shop:1002",
        f"Order pop_up.1-a:{ODD_ORDER}",
        "Order shop:1003",
        "Order shop:1004",
        "Order shop:1005",
        "Order shop:1006",
        "Refund shop:early, which waits for order shop:1002",
        "Refund shop:early meets order shop:1002",
        "Refund shop:nameless of no known order",
        "Refund shop:=2+3 of order shop:1001",
        "Refund shop:much of order shop:1003",
        "Refund shop:after of order shop:1004",
        "Cancellation of order shop:1004",
        "Dispute shop:d-lost of order shop:1002",
        "Dispute shop:d-lost of order shop:1002 is lost",
        "Dispute shop:d-won of order shop:1005",
        "Dispute shop:d-won of order shop:1005 is won",
        "Dispute shop:d-open of order shop:1001",
        "Dispute shop:d-early, which waits for order shop:1006",
        "Dispute shop:d-early meets order shop:1006",
        "Correction fix-1 of order shop:1005",
    }
    for position, transaction in found.items():
        assert f"pos-{position}" in transaction.links
        assert transaction.meta["hash"] == entries[position].hash.hex()
        assert transaction.meta["key"] == entries[position].key


async def test_one_link_ties_all_transactions_about_an_order(exported: Exported, told_url: str):
    found = transactions(await exported(export_beancount))
    async with opened(told_url) as store:
        key = "order:shop:1002"
        about = await store.lookup(EVENT, [key], [key])

    tied = {position for position, entry in found.items() if order_link(key) in entry.links}
    assert tied == {entry.position for entry in about}
    assert len(tied) == 5
    assert sum(bool(entry.links - {f"pos-{position}"}) for position, entry in found.items()) == len(found) - 1


async def test_ledger_that_lost_a_transaction_is_refused(exported: Exported, tmp_path: Path):
    text = await exported(export_beancount)
    blocks = text.split("\n\n")
    (at,) = (number for number, block in enumerate(blocks) if '"Refund shop:nameless' in block)
    opens = [line for line in blocks[at].splitlines() if " open " in line]

    done = checked("\n\n".join([*blocks[:at], "\n".join(opens), *blocks[at + 1 :]]), tmp_path)

    assert done.returncode == 1
    assert "Balance failed for 'Assets:Clearing:Shop-shop'" in done.stderr
    assert "Balance failed for 'Assets:Unmatched-Refunds'" in done.stderr


async def test_ledger_that_is_off_by_less_than_a_cent_is_refused(exported: Exported, tmp_path: Path):
    text = await exported(export_beancount)

    done = checked(text.replace("-9.99 GBP", "-9.986 GBP", 1), tmp_path)

    assert done.returncode == 1
    assert "does not balance" in done.stderr


async def test_event_without_sales_is_a_valid_ledger(exported: Exported, tmp_path: Path):
    text = await exported(export_beancount, EMPTY)

    done = checked(text, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert directives(text, data.Balance) == []


async def test_days_are_local_and_never_go_back(tmp_path: Path):
    """Newfoundland ended its summer time at 00:01, so that half a minute of Sunday was followed by Saturday again."""
    now = datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC)
    clock = [int(now.timestamp()) * 1_000_000]
    paid_at = (now - timedelta(days=1)).isoformat()
    times: dict[str, Any] = {
        "timezone": "America/St_Johns",
        "starts_at": "2010-11-01T00:00:00Z",
        "ends_at": "2010-12-01T00:00:00Z",
    }
    async with running_app(f"sqlite+aiosqlite:///{tmp_path}/kos.db", lambda: clock[0]) as api:
        event = await EventClient(api.client, "newfoundland").open(**times)
        await event.sell("sunday", "h7", paid_at=paid_at)
        clock[0] += 60 * 1_000_000
        await event.sell("saturday", "h7", paid_at=paid_at)
        out = StringIO()
        await export_beancount(api.services.store, "newfoundland", out)

    text = out.getvalue()
    assert [entry.date for entry in transactions(text).values()] == [date(2010, 11, 7)] * 2
    assert {entry.date for entry in directives(text, data.Open)} == {date(2010, 11, 7)}
    assert {entry.date for entry in directives(text, data.Balance)} == {date(2010, 11, 8)}


async def test_currency_without_decimals_has_none(tmp_path: Path):
    async with running_app(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as api:
        event = await EventClient(api.client, "tokyo").open(currency="JPY", timezone="Asia/Tokyo")
        await event.sell("1", "h7", "1700", currency="JPY")
        out = StringIO()
        await export_beancount(api.services.store, "tokyo", out)

    done = checked(out.getvalue(), tmp_path)
    assert done.returncode == 0
    assert "Income:Sales:Team-ruby:Host-h7  -1700 JPY\n" in out.getvalue()


async def test_unknown_event_is_no_ledger(exported: Exported):
    with pytest.raises(NotFound, match="event_unknown"):
        await exported(export_beancount, "typo")
