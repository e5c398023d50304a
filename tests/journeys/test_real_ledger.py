"""The books of a real shop's month: posted with what came back of it, exported, and read by programs that are not ours.

Cancellations of the file name no sale. Here each is matched to the customer's latest earlier purchase of the same
product of which a quantity is left, so that refunds reach the hosts; what finds none stays without an order. A third of
them is sent before the sales, and waits. Counted again from the file, in pence; on PostgreSQL.
"""

import csv
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.app_server import AppServer, Serve
from tests.retail import EVENT, EVENT_ID, Event, dealt_to, invoices, pence, retail_hosts
from tests.servers import Postgres

SOURCE = "online-retail"
BATCH = 200
Invoice = list[dict[str, str]]


@dataclass
class Books:
    """What the file comes to, in pence: ``net`` by host, "" for House. ``waiting`` is sent before the sales."""

    sales: dict[str, Invoice] = field(default_factory=dict)
    net: Counter[str] = field(default_factory=Counter)
    gross: int = 0
    given_back: int = 0
    over: int = 0
    unmatched: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)


def pounds(amount: int) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def time_of(invoice: Invoice) -> str:
    return min(row["InvoiceDate"] for row in invoice)


def books_of_file() -> Books:
    made = Books()
    month = sorted(invoices().items(), key=lambda each: time_of(each[1]))
    made.sales = {number: rows for number, rows in month if not number.startswith("C")}
    # Those with a quantity below zero are refused.
    taken = {n: rows for n, rows in made.sales.items() if all(int(row["Quantity"]) > 0 for row in rows)}
    bought: defaultdict[tuple[str, str], list[list[Any]]] = defaultdict(list)
    worth: Counter[str] = Counter()
    for number, rows in taken.items():
        for line, row in enumerate(rows, 1):
            worth[number] += int(row["Quantity"]) * pence(row["UnitPrice"])
            if row["CustomerID"]:
                product = row["CustomerID"], row["StockCode"]
                bought[product].append([time_of(rows), number, line, int(row["Quantity"])])
        made.net[dealt_to(rows[0]["CustomerID"])] += worth[number]
    made.gross = worth.total()
    for number, rows in month:
        if number.startswith("C"):
            give_back(made, number, rows, bought, worth)
    return made


def give_back(made: Books, number: str, rows: Invoice, bought: dict[Any, list[list[Any]]], worth: Counter[str]) -> None:
    """Add the refunds of one cancelling invoice: one for each sale that it meets, one for what meets none."""
    lines: defaultdict[str, dict[int, list[int]]] = defaultdict(dict)
    rest = 0
    for row in rows:
        quantity, price = -int(row["Quantity"]), pence(row["UnitPrice"])
        for purchase in reversed(bought[row["CustomerID"], row["StockCode"]]):
            at, sale, line, left = purchase
            if part := min(quantity, left) if price and at < time_of(rows) else 0:
                purchase[3] -= part
                quantity -= part
                so_far = lines[sale].setdefault(line, [0, 0])
                so_far[0] += part
                so_far[1] += part * price
        rest += quantity * price
    refunded_at = time_of(rows).replace(" ", "T") + "Z"
    send = made.waiting if int(number[1:]) % 3 == 0 else made.refunds
    for sale, parts in lines.items():
        amount = sum(each for _, each in parts.values())
        # A sale gives no more than it was worth, and all of it is one host's.
        given = min(amount, worth[sale])
        worth[sale] -= given
        made.net[dealt_to(made.sales[sale][0]["CustomerID"])] -= given
        made.over += amount - given
        listed = [{"id": str(line), "quantity": n, "amount": pounds(each)} for line, (n, each) in parts.items()]
        refund = {"id": f"{number}:{sale}", "source": SOURCE, "order": sale, "refunded_at": refunded_at}
        send.append(refund | {"lines": listed})
        made.given_back += amount
    if rest:
        send.append({"id": number, "source": SOURCE, "refunded_at": refunded_at, "amount": pounds(rest)})
        made.unmatched += rest
        made.given_back += rest


async def post(event: Event, refunds: list[dict[str, Any]]) -> None:
    for first in range(0, len(refunds), BATCH):
        answer = await event.ask("POST", f"/{EVENT_ID}/refunds/batch", refunds[first : first + BATCH])
        assert (answer["refused"], answer["replayed"]) == (0, 0), answer["results"]


def write_sales(sales: dict[str, Invoice], file: Path) -> None:
    with file.open("w", newline="") as out:
        rows = [row for invoice in sales.values() for row in invoice]
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@dataclass(frozen=True)
class Kept:
    """What the server held and wrote: the beancount file, the board, the accounts over HTTP, the lists."""

    file: Path
    board: Any
    accounts: Any
    lists: dict[str, list[dict[str, str]]]
    verify: "subprocess.CompletedProcess[str]"


async def keep(server: AppServer, books: Books, folder: Path) -> Kept:
    async with Event(server.url, server.key) as event:
        await event.open(EVENT, retail_hosts())
        await post(event, books.waiting)
        write_sales(books.sales, folder / "sales.csv")
        await event.replay(folder / "sales.csv", SOURCE, EVENT_ID)
        await post(event, books.refunds)
        board = await event.ask("GET", f"/{EVENT_ID}/boards/hosts.net_sales", limit=1_000)
        accounts = await event.ask("GET", f"/{EVENT_ID}/ledger/accounts")
        path = f"/v1/events/{EVENT_ID}/ledger/accounts/Assets:Clearing:{SOURCE}"
        answer = await event.client.get(path, headers={"Accept": "text/csv"})
    ledger = ("--format", "beancount", "-o", str(folder / "retail.beancount"))
    assert server.kos("export", "--event", EVENT_ID, *ledger).returncode == 0
    lists = {"clearing": list(csv.DictReader(answer.text.splitlines()))}
    for name in ("orders", "refunds"):
        assert server.kos("export", "--event", EVENT_ID, "--list", name, "-o", f"{folder}/{name}.csv").returncode == 0
        with (folder / f"{name}.csv").open(newline="") as text:
            lists[name] = list(csv.DictReader(text))
    return Kept(folder / "retail.beancount", board, accounts, lists, server.kos("verify", "--event", EVENT_ID))


@pytest.fixture(scope="module")
def books() -> Books:
    return books_of_file()


@pytest.fixture(scope="module")
def found() -> list[Kept]:
    """What was kept, once it was: the tests look at one run."""
    return []


@pytest.fixture
async def kept(
    found: list[Kept], books: Books, serve: Serve, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Kept:
    if not found:
        url = postgres.create_database()
        async with serve(url) as server:
            found.append(await keep(server, books, tmp_path_factory.mktemp("books")))
        postgres.drop_database(url)
    return found[0]


def balances(kept: Kept) -> dict[str, int]:
    """Of the beancount file, in pence; ``bean-check`` holds each against the transactions above it."""
    lines = re.findall(r"^\S+ balance (\S+)  (-?\d+)\.(\d\d) GBP$", kept.file.read_text(), re.MULTILINE)
    return {account: int(whole + part) for account, whole, part in lines}


def test_some_of_everything_happens(books: Books):
    """The file's own numbers, so that whoever changes the matching sees it."""
    matched = [sum("order" in refund for refund in sent) for sent in (books.waiting, books.refunds)]

    assert (books.gross, books.given_back, books.unmatched, books.over) == (82374614, 7478912, 6662029, 0)
    assert matched == [53, 110]


def bean_check(file: Path) -> tuple[int, str]:
    program = Path(sys.executable).with_name("bean-check")
    done = subprocess.run([program, "--no-cache", file], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


async def test_bean_check_accepts_the_books(kept: Kept):
    assert bean_check(kept.file) == (0, "")
    assert kept.verify.returncode == 0


async def test_sales_of_the_books_are_the_board_to_the_penny(kept: Kept):
    board = kept.board
    sold = {account: -amount for account, amount in balances(kept).items() if account.startswith("Income:Sales:")}

    parts = [*(row["score"] for row in board["rows"]), board["house"], board["excluded"]]
    whole = sum(int(part.replace(".", "")) for part in parts)
    assert sum(sold.values()) == whole
    assert board["total"] == pounds(whole)


async def test_each_host_has_in_the_books_what_the_file_says(kept: Kept, books: Books):
    sold: Counter[str] = Counter()
    for account, amount in balances(kept).items():
        if account.startswith("Income:Sales:"):
            sold[account.rpartition(":")[2].removeprefix("Host-").replace("--", "-")] -= amount

    assert sold.pop("House") == books.net[""]
    assert sold == {host: amount for host, amount in books.net.items() if host}


async def test_control_totals_are_those_of_the_file(kept: Kept, books: Books):
    held = balances(kept)

    taken = books.gross - books.given_back
    assert held[f"Assets:Clearing:Shop-{SOURCE.replace('-', '--')}"] == taken
    assert kept.lists["clearing"][-1]["balance"] == pounds(taken)
    assert held["Assets:Unmatched-Refunds"] == books.unmatched
    assert held.get("Expenses:Over-Refunds", 0) == books.over
    assert sum(held.values()) == 0


def summed(rows: list[dict[str, str]], column: str, wanted: Callable[[dict[str, str]], bool] = bool) -> int:
    return sum(int(row[column].replace(".", "")) for row in rows if wanted(row))


async def test_lists_and_accounts_say_the_same_as_the_file(kept: Kept, books: Books):
    orders, refunds = kept.lists["orders"], kept.lists["refunds"]
    held = balances(kept)

    assert summed(orders, "total") == books.gross
    assert summed(orders, "remaining") == books.net.total()
    assert summed(refunds, "amount") == books.given_back
    assert summed(refunds, "amount", lambda row: row["state"] == "unmatched") == books.unmatched
    assert summed(refunds, "over") == books.over
    assert sorted(pounds(amount) for amount in held.values()) == sorted(
        row["balance"] for row in kept.accounts["accounts"]
    )
