"""Real orders of a real shop through the command line and the API, counted again from the file.

The counting shares nothing with ``app``: csv, integers of pence, and the published rule that deals customers
out to hosts.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.retail import (
    DATA,
    EVENT,
    EVENT_ID,
    FILE,
    PAGE,
    TEAM_OF,
    TEAMS,
    Event,
    dealt_to,
    invoices,
    pence,
    retail_hosts,
)

MEASURES = ("gross_sales", "net_sales", "orders", "units")
DATABASES = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])


@dataclass
class Counted:
    """What the file says: per host in pence, orders and units; ``""`` is House."""

    gross: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    refunds: dict[str, int] = field(default_factory=dict)
    zero_priced: int = 0


def count_file() -> Counted:
    counted = Counted()
    for number, rows in invoices().items():
        amounts = [(int(row["Quantity"]), pence(row["UnitPrice"])) for row in rows]
        if number.startswith("C"):
            counted.refunds[number] = sum(abs(quantity) * price for quantity, price in amounts)
        elif any(quantity <= 0 for quantity, _ in amounts):
            counted.refused.add(number)
        else:
            host = dealt_to(rows[0]["CustomerID"])
            counted.gross[host] += sum(quantity * price for quantity, price in amounts)
            counted.orders[host] += 1
            counted.units[host] += sum(quantity for quantity, _ in amounts)
            counted.zero_priced += sum(price == 0 for _, price in amounts)
    return counted


def by_team(per_host: Counter[str]) -> Counter[str]:
    teams: Counter[str] = Counter()
    for host, value in per_host.items():
        teams[TEAM_OF[host] if host else ""] += value
    return teams


def shown(per_id: Counter[str], measure: str) -> dict[str, Any]:
    """The same numbers as a board shows them, House apart, ids without anything left out."""
    money = measure.endswith("_sales")
    return {
        name: f"{value // 100}.{value % 100:02d}" if money else value
        for name, value in per_id.items()
        if name and value
    }


def content_digest(entries: list[dict[str, Any]]) -> str:
    facts = sorted([entry["key"], entry["kind"], entry["body"]] for entry in entries)
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Played:
    """What one database held after the file was replayed, and after it was replayed again."""

    summary: Any
    entries: list[dict[str, Any]]
    boards: dict[str, Any]
    event: dict[str, Any]
    second_summary: Any
    second_entries: list[dict[str, Any]]


async def play(serve: Any, url: str) -> Played:
    async with serve(url) as server, Event(server.url, server.key) as event:
        await event.open(EVENT, retail_hosts())
        return Played(
            summary=await event.replay(FILE, "online-retail", EVENT_ID),
            entries=await event.entries(),
            boards={
                board: await event.ask("GET", f"/{EVENT_ID}/boards/{board}", limit=PAGE)
                for board in (f"{of}.{measure}" for of in ("hosts", "teams") for measure in MEASURES)
            },
            event=await event.ask("GET", f"/{EVENT_ID}"),
            second_summary=await event.replay(FILE, "online-retail", EVENT_ID),
            second_entries=await event.entries(),
        )


@pytest.fixture(scope="module")
def counted() -> Counted:
    return count_file()


@pytest.fixture(scope="module")
def plays() -> dict[str, Played]:
    """What was played so far, by database: half a minute each, so every test of a database looks at one run."""
    return {}


@pytest.fixture
def played_on(serve, postgres, tmp_path, plays: dict[str, Played]):
    async def played(dialect: str) -> Played:
        if dialect not in plays:
            url = postgres.create_database() if dialect == "postgresql" else f"sqlite+aiosqlite:///{tmp_path}/kos.db"
            plays[dialect] = await play(serve, url)
        return plays[dialect]

    return played


def test_file_is_what_its_readme_says(counted):
    assert (len(counted.refused), len(counted.refunds), counted.orders.total()) == (70, 326, 1_629)
    assert counted.zero_priced > 0
    assert counted.gross.keys() == {*TEAM_OF, ""}


@DATABASES
async def test_every_order_is_accepted_or_refused_for_the_right_reason(played_on, dialect, counted):
    played = await played_on(dialect)

    paid = {entry["body"]["fact"]["id"] for entry in played.entries if entry["kind"] == "order.paid"}
    assert played.summary["kinds"]["orders"] == {"accepted": 1_629, "replayed": 0, "refused": 70}
    assert [(each["code"], each["count"]) for each in played.summary["refusals"]] == [("quantity_not_positive", 70)]
    assert {example["id"] for example in played.summary["refusals"][0]["examples"]} <= counted.refused
    assert len(paid) == counted.orders.total()
    assert not paid & counted.refused


@DATABASES
async def test_cancellations_that_name_no_sale_are_parked_with_their_amount(played_on, dialect, counted):
    played = await played_on(dialect)

    refunds = [entry["body"] for entry in played.entries if entry["kind"] == "order.refunded"]
    whole = sum(counted.refunds.values())
    assert played.summary["kinds"]["refunds"] == {"accepted": 326, "replayed": 0, "refused": 0}
    assert {body["fact"]["id"]: body["fact"]["amount"] for body in refunds} == counted.refunds
    assert all(body["parked"] for body in refunds)
    assert played.event["unmatched_refunds"] == {"count": 326, "amount": f"{whole // 100}.{whole % 100:02d}"}


@DATABASES
@pytest.mark.parametrize("measure", MEASURES)
async def test_boards_equal_the_file_to_the_penny(played_on, dialect, measure, counted):
    played = await played_on(dialect)

    # No refund of the file names its sale, so none may touch a host: net is gross.
    per_host = {"orders": counted.orders, "units": counted.units}.get(measure, counted.gross)
    whole = shown(Counter(house=per_host[""], total=per_host.total()), measure)
    for of, expected in (("hosts", per_host), ("teams", by_team(per_host))):
        board = played.boards[f"{of}.{measure}"]
        assert {row["id"]: row["score"] for row in board["rows"]} == shown(expected, measure)
        assert {name: board[name] for name in whole} == whole
        assert [row["rank"] for row in board["rows"]] == list(range(1, len(board["rows"]) + 1))


@DATABASES
async def test_second_replay_adds_nothing(played_on, dialect):
    played = await played_on(dialect)

    second = played.second_summary
    assert (second["accepted"], second["replayed"], second["refused"]) == (0, 1_629 + 326, 70)
    assert played.second_entries == played.entries


async def test_both_databases_hold_the_same_content(played_on):
    sqlite, postgresql = await played_on("sqlite"), await played_on("postgresql")

    assert content_digest(sqlite.entries) == content_digest(postgresql.entries)


async def test_exports_of_the_shops_are_taken_as_they_are(serve, tmp_path):
    november = {"starts_at": "2025-11-01T00:00:00+00:00", "ends_at": "2025-12-01T00:00:00+00:00"}
    hosts = [{"id": "lin", "name": "Lin", "team": TEAMS[0], "codes": ["LIN10"]}]
    shops = (("shopify", "EUR", 7 + 2 + 1), ("woocommerce", "USD", 5 + 2 + 1))
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server, Event(server.url, server.key) as event:
        for name, currency, accepted in shops:
            await event.open(EVENT | {"id": name, "currency": currency} | november, hosts)

            first = await event.replay(DATA / f"{name}-orders.csv", name, name)
            second = await event.replay(DATA / f"{name}-orders.csv", name, name)

            assert (first["accepted"], first["refusals"]) == (accepted, [])
            assert (second["accepted"], second["replayed"], second["refused"]) == (0, accepted, 0)
