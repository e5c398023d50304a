"""The commands as people and scripts run them: exit codes, output, files, and ``kos up`` in an empty folder."""

import csv
import io
import json
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest

from tests import factories
from tests.app_server import COMPILED, KOS, Serve, run_kos
from tests.event_client import EventClient
from tests.processes import STOP_SECONDS_MAX, environment

_ORDERS_SECONDS_MAX = 30.0


async def test_export_sums_to_zero_everywhere_and_agrees_with_the_boards(
    serve: Serve, database_url: str, tmp_path: Path
):
    async with serve(database_url) as server, server.client() as client:
        event = await EventClient(client, "ledger").open()
        await event.order(host="h7", tax="5.00", tax_included=True)
        await event.order(identity="1002", source="pop-up", tax="1.25", code="MEI20")
        await event.sell("1003", price="9.99")
        await event.ok("POST", "/refunds", factories.refund(amount="50.00"))
        await event.ok("POST", "/refunds", factories.refund("r-2", "unknown", amount="7.00"))
        await event.ok("POST", "/cancellations", factories.cancellation("1003"))
        net = {board: await event.board(board) for board in ("hosts", "teams")}

        printed = server.kos("export", "--event", "ledger", "--format", "csv")
        written = server.kos("export", "--event", "ledger", "-o", str(tmp_path / "ledger.csv"))
        orders = server.kos("export", "--event", "ledger", "--list", "orders")

    rows = list(csv.DictReader(io.StringIO(printed.stdout)))
    assert (printed.returncode, written.returncode) == (0, 0)
    assert (tmp_path / "ledger.csv").read_text() == printed.stdout
    assert f"{len(rows)} postings" in printed.stderr
    assert [row["order"] for row in csv.DictReader(io.StringIO(orders.stdout))] == ["1001", "1002", "1003"]
    assert "3 orders" in orders.stderr
    by_position: Counter[str] = Counter()
    by_account: Counter[str] = Counter()
    for row in rows:
        assert re.fullmatch(r"-?\d+\.\d\d", row["amount"])
        by_position[row["position"]] += Decimal(row["amount"])  # type: ignore[assignment]
        by_account[row["account"]] += Decimal(row["amount"])  # type: ignore[assignment]
    assert set(by_position.values()) == {Decimal("0.00")}
    assert sum(by_account.values()) == 0
    sold = {account: -amount for account, amount in by_account.items() if account.startswith("Income:Sales:")}
    for row in net["hosts"]["rows"]:
        assert sum(v for k, v in sold.items() if k.endswith(f":{row['id']}")) == Decimal(row["score"])
    assert sum(sold.values()) == Decimal(net["hosts"]["total"])
    assert by_account["Expenses:Over-Refunds"] == Decimal("12.50")
    assert by_account["Assets:Unmatched-Refunds"] == Decimal("7.00")


async def test_what_if_says_who_would_earn_what_under_other_rules(serve: Serve, database_url: str, tmp_path: Path):
    rules = tmp_path / "rules.json"
    rules.write_text('{"attribution": {"precedence": ["code", "host"]}}')
    async with serve(database_url) as server, server.client() as client:
        event = await EventClient(client, "tried").open()
        await event.order(host="h7", code="MEI20")

        tried = server.kos("what-if", "--event", "tried", "--rules", str(rules), "--json")
        told = server.kos("what-if", "--event", "tried", "--rules", str(rules))
        unreadable = server.kos("what-if", "--event", "tried", "--rules", str(tmp_path / "none.json"))

    changes = {row["id"]: row["net_sales"]["after"] for row in json.loads(tried.stdout)["hosts"]}
    assert (tried.returncode, changes["h7"], changes["h8"]) == (0, "0.00", "34.00")
    assert "host h8: net_sales 0.00 -> 34.00" in told.stdout
    assert (unreadable.returncode, "cannot be read" in unreadable.stderr) == (3, True)


async def test_export_of_an_unknown_event_fails_and_keeps_the_file_that_is_there(serve: Serve, tmp_path: Path):
    kept = tmp_path / "ledger.csv"
    kept.write_text("last month\n")
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server:
        done = server.kos("export", "--event", "typo", "-o", str(kept))

    assert done.returncode == 3
    assert "event_unknown" in done.stderr
    assert kept.read_text() == "last month\n"


async def test_keys_made_on_the_command_line_open_the_api_until_they_are_revoked(serve: Serve, database_url: str):
    async with serve(database_url, KOS_REVOCATION_SECONDS_MAX="0.2") as server:
        acme = ("--brand", "acme")
        made = server.kos("keys", "create", *acme, "--person", "Ann", "--scope", "ops", "--scope", "orders", "--json")
        plain = server.kos("keys", "create", *acme, "--person", "Bob", "--scope", "audit")
        key = json.loads(made.stdout)
        async with server.client(key["key"]) as client:
            created = await client.post("/v1/events", json=factories.event_body("acme-1"))
            async with server.client(plain.stdout.strip()) as reader:
                read = await reader.get("/v1/events/acme-1/journal")

            listed = json.loads(server.kos("keys", "list", *acme, "--json").stdout)
            table = server.kos("keys", "list", *acme)
            revoked = server.kos("keys", "revoke", key["id"], *acme)
            after = await client.get("/v1/events")

    assert (created.status_code, read.status_code) == (201, 200)
    assert [(entry["person"], entry["scopes"]) for entry in listed] == [("Ann", ["ops", "orders"]), ("Bob", ["audit"])]
    assert key["key"] not in str(listed)
    assert "Ann" in table.stdout
    assert revoked.returncode == 0
    assert (after.status_code, after.json()["code"]) == (401, "key_invalid")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("keys revoke nothing", 3, "key_unknown"),
        ("keys create --person Ann --scope everything", 3, "unknown_scope"),
        ("nonsense", 2, "nonsense"),
    ],
)
def test_wrong_command_says_what_is_wrong_in_a_sentence(tmp_path: Path, arguments: str, code: int, told: str):
    done = run_kos(*arguments.split(), KOS_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/kos.db")

    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"KOS_DATABASE_URL": "sqlite+aiosqlite:////nowhere/at/all/kos.db"}, "/nowhere/at/all"),
        ({"KOS_DATABASE_URL": "postgresql+asyncpg://kos:secret@127.0.0.1:1/none"}, "127.0.0.1"),
        ({"KOS_DATABASE_URL": "mysql://x/y"}, "KOS_DATABASE_URL"),
        ({"KOS_QUEUE_FACTS_MAX": "many"}, "KOS_QUEUE_FACTS_MAX"),
    ],
)
def test_server_that_cannot_start_says_why_in_a_sentence(tmp_path: Path, variables: dict[str, str], told: str):
    given = {"KOS_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/kos.db", **variables}

    done = run_kos("serve", "--port", "0", **given)

    assert done.returncode in (1, 3)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_port_that_is_taken_is_named(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_kos("serve", "--port", port, KOS_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/kos.db")

    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def up(folder: Path, **variables: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """``kos up`` in this folder, and what it has announced: addresses and the key by their names."""
    kept = {name: value for name, value in environment(**COMPILED).items() if not name.startswith("KOS_")}
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(
            [str(KOS), "up", "--port", "0", "--rate", "50"],
            cwd=folder,
            env={**kept, **variables},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        announced: dict[str, str] = {}
        text = ""
        while "Stop with Ctrl-C" not in text:
            line = process.stdout.readline()
            assert line, (folder / "errors").read_text()
            text += line
            if found := re.match(r"  (\w[\w, ]*?)  +(\S+)$", line):
                announced[found[1]] = found[2]
        yield process, announced
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def told(announced: dict[str, str], wanted: str) -> str:
    return next(value for name, value in announced.items() if name.startswith(wanted))


def orders_after(client: httpx2.Client, count: int) -> int:
    """Wait until the event holds more than so many entries; how many it holds then."""
    deadline = time.monotonic() + _ORDERS_SECONDS_MAX
    while (position := client.get("/v1/events/kos101").json()["position"]) <= count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(position)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_in_an_empty_folder_plays_an_event_and_ends_in_order(tmp_path: Path, how: signal.Signals):
    with up(tmp_path) as (process, announced):
        address = told(announced, "Overlay").split("/overlay/")[0]
        with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {told(announced, 'Key')}"}) as client:
            first = orders_after(client, 4)
            more = orders_after(client, first + 5)
            event = client.get("/v1/events/kos101").json()
            board = client.get(told(announced, "Overlay"))
            teams = client.get("/v1/events/kos101/boards/teams").json()
            pages = [client.get(told(announced, name)) for name in ("Console", "Public page", "Overlay, scene")]
            public = httpx2.get(f"{address}/v1/events/kos101/public").json()

        process.send_signal(how)
        code = process.wait(STOP_SECONDS_MAX)

    assert (event["status"], event["teams"], event["hosts"]) == ("live", 6, 60)
    assert board.status_code == 200
    assert len(teams["rows"]) == 6
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert public["opened"] == ["boards", "hosts", "orders", "sessions", "state", "viewers"]
    assert code == 0, (tmp_path / "errors").read_text()
    assert "Traceback" not in (tmp_path / "errors").read_text()
    found = sorted(tmp_path.glob("*.db"))
    assert len(found) == 1
    done = run_kos("verify", "--json", KOS_DATABASE_URL=f"sqlite+aiosqlite:///{found[0]}")
    assert done.returncode == 0
    assert json.loads(done.stdout)["head"] >= more


def test_up_again_in_the_same_folder_goes_on_with_the_event(tmp_path: Path):
    heads: list[int] = []
    for _ in range(2):
        with up(tmp_path, KOS_ADMIN_KEY="my-own-key") as (process, announced):
            assert told(announced, "Key") == "my-own-key"
            address = told(announced, "Overlay").split("/overlay/")[0]
            with httpx2.Client(base_url=address, headers={"Authorization": "Bearer my-own-key"}) as client:
                heads.append(orders_after(client, 25 + sum(heads)))
                on_air = client.get("/v1/channels/kos101").json()
            process.send_signal(signal.SIGINT)
            assert process.wait(STOP_SECONDS_MAX) == 0

    assert heads[1] > heads[0]
    # The second run's show, and nothing of the first one's that nobody would ever end.
    assert [len(session["hosts"]) for session in on_air["rows"]] == [1, 2]
    assert all(session["pins"] for session in on_air["rows"])
    assert on_air["offers"]


def test_second_up_on_the_same_file_is_refused_and_names_the_first(tmp_path: Path):
    with up(tmp_path) as (process, _):
        second = run_kos("up", "--port", "0", KOS_DATABASE_URL=f"sqlite+aiosqlite:///{next(tmp_path.glob('*.db'))}")

        assert second.returncode == 1
        assert f"pid {process.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS_MAX) == 0
