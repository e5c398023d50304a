"""Real orders of a real shop through the command line and the API, counted again from the file.

The counting shares nothing with ``app``: csv, integers of pence, and the published rule that deals customers
out to hosts.
"""

import asyncio
import csv
import gzip
import hashlib
import io
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

DATA = Path(__file__).parents[1] / "data"
FILE = DATA / "online-retail-2010-12.csv.gz"
TEAMS = [f"team-{number}" for number in range(1, 7)]
TEAM_OF = {f"host-{number}": TEAMS[number % len(TEAMS)] for number in range(1, 61)}
EVENT_ID = "retail"
EVENT: dict[str, Any] = {
    "id": EVENT_ID,
    "name": "December 2010",
    "currency": "GBP",
    "timezone": "Europe/London",
    "starts_at": "2010-12-01T00:00:00+00:00",
    "ends_at": "2011-01-01T00:00:00+00:00",
    "rules": {},
}
PAGE = 1000
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


def pence(price: str) -> int:
    pounds, _, rest = price.partition(".")
    assert len(rest) <= 2, price
    return int(pounds) * 100 + int(rest.ljust(2, "0"))


def dealt_to(customer: str) -> str:
    if not customer:
        return ""
    hosts = sorted(TEAM_OF, key=lambda host: host.encode())
    return hosts[int(hashlib.sha256(customer.encode()).hexdigest()[:16], 16) % len(hosts)]


def count_file() -> Counted:
    invoices: dict[str, list[dict[str, str]]] = {}
    with gzip.open(FILE) as stream:
        for row in csv.DictReader(io.TextIOWrapper(stream, "utf-8")):
            invoices.setdefault(row["InvoiceNo"], []).append(row)
    counted = Counted()
    for number, rows in invoices.items():
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


class Event:
    """One event of one running server, called as any client would."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        headers = {"Authorization": f"Bearer {key}"}
        self.client = httpx2.AsyncClient(base_url=url, headers=headers, timeout=60)

    async def __aenter__(self) -> "Event":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        response = await self.client.request(method, f"/v1/events{path}", json=body, params=params)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    async def open(self, event: dict[str, Any], hosts: list[dict[str, Any]]) -> None:
        await self.ask("POST", "", event)
        teams = [{"id": team, "name": team.title()} for team in TEAMS]
        await self.ask("PUT", f"/{event['id']}/roster", {"teams": teams, "hosts": hosts})
        for state in ("scheduled", "live"):
            await self.ask("POST", f"/{event['id']}/transitions", {"to": state, "reason": "test"})

    async def entries(self) -> list[dict[str, Any]]:
        """The journal without what the clock wrote by itself."""
        entries: list[dict[str, Any]] = []
        after = 0
        while page := (await self.ask("GET", f"/{EVENT_ID}/journal", after=after, limit=PAGE))["entries"]:
            assert [entry["position"] for entry in page] == list(range(after + 1, after + 1 + len(page)))
            entries += page
            after = page[-1]["position"]
        return [entry for entry in entries if entry["actor"] != "schedule"]

    async def replay(self, file: Path, map_name: str, event: str) -> Any:
        """The command as a user runs it; its JSON summary."""
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("kos"),
            *("replay", str(file), "--map", map_name, "--event", event, "--url", self.url, "--json"),
            env=os.environ | {"KOS_ADMIN_KEY": self.key},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return json.loads(out)


def content_digest(entries: list[dict[str, Any]]) -> str:
    facts = sorted([entry["key"], entry["kind"], entry["body"]] for entry in entries)
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def retail_hosts() -> list[dict[str, Any]]:
    return [{"id": host, "name": host.title(), "team": team} for host, team in TEAM_OF.items()]


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
