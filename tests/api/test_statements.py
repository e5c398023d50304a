"""Statements: they open with what the one before closed with, a closed one never changes, and each sees its own."""

import csv
import io

import pytest
import pytest_asyncio

from tests import factories
from tests.api.conftest import Clock
from tests.api.test_corrections import key_of
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_US = 86_400 * 1_000_000
NOTHING = {"held": "0.00", "available": "0.00", "paid": "0.00"}


@pytest_asyncio.fixture(loop_scope="module")
async def earning(event: EventClient, clock: Clock) -> EventClient:
    """Hosts earn a tenth; h7 sold for 34.00, of which 10.00 came back."""
    await event.ok("PATCH", "/rules", {"commission": {"bps": 1000, "hold_days": 7}})
    clock.at += 1_000_000
    await event.order(host="h7", paid_at="2021-04-10T12:00:00.5Z")
    await event.ok("POST", "/refunds", factories.refund(lines=[{"id": "1", "amount": "10.00"}]))
    return event


async def test_statement_says_what_was_sold_earned_and_is_owed(earning: EventClient):
    await earning.ok("POST", "/statements", {"id": "april"})

    statement = await earning.ok("GET", "/statements/h7", statement="april")

    assert (statement["from"], statement["to"], statement["opening"]) == (0, 7, NOTHING)
    sold, returned = statement["lines"]
    assert (sold["line"], sold["entries"], sold["net_sales"], sold["commission"]) == ("sales", 1, "34.00", "3.40")
    assert (returned["line"], returned["net_sales"], returned["commission"]) == ("refunds", "-10.00", "-1.00")
    assert statement["closing"] == NOTHING | {"held": "2.40"}


async def test_next_statement_opens_with_what_the_last_one_closed_with(earning: EventClient, clock: Clock):
    await earning.ok("POST", "/statements", {"id": "april"})
    april = await earning.ok("GET", "/statements/h7", statement="april")
    clock.at += 9 * DAY_US
    await earning.ok("POST", "/releases", {"id": "w1"})
    await earning.ok("POST", "/payouts", {"id": "p1", "host": "h7", "amount": "2.00"})
    await earning.ok("POST", "/refunds", factories.refund("r-2", lines=[{"id": "1", "amount": "24.00"}]))

    now = await earning.ok("GET", "/statements/h7")
    again = await earning.ok("GET", "/statements/h7", statement="april")

    assert (now["open"], now["from"], now["opening"]) == (True, april["to"], april["closing"])
    lines = {line["line"]: line for line in now["lines"]}
    assert list(lines) == ["refunds", "released", "payouts"]
    assert (lines["released"]["held"], lines["released"]["available"]) == ("-2.40", "2.40")
    # The refund after the payout is a debt.
    assert now["closing"] == {"held": "0.00", "available": "-2.00", "paid": "2.00"}
    assert again == april


async def test_host_without_anything_has_an_empty_statement(earning: EventClient):
    statement = await earning.ok("GET", "/statements/h9")

    assert (statement["opening"], statement["lines"], statement["closing"]) == (NOTHING, [], NOTHING)


async def test_corrected_order_shows_on_both_statements(earning: EventClient):
    correction = {"id": "fix", "orders": [{"source": "shop", "id": "1001"}], "to": [{"host": "h8"}], "reason": "poster"}
    await earning.ok("POST", "/statements", {"id": "april"})
    await earning.ok("POST", "/reattributions", correction)

    lost = await earning.ok("GET", "/statements/h7")
    got = await earning.ok("GET", "/statements/h8")

    assert [(line["line"], line["net_sales"]) for line in lost["lines"]] == [("corrections", "-24.00")]
    assert [(line["line"], line["commission"]) for line in got["lines"]] == [("corrections", "2.40")]


async def test_team_has_the_statements_of_its_hosts(earning: EventClient):
    found = await earning.ok("GET", "/statements/teams/ruby")
    unknown = await earning.get("/statements/teams/none")

    assert (found["team"], [each["host"] for each in found["statements"]]) == ("ruby", ["h7", "h9"])
    assert found["statements"][0] == await earning.ok("GET", "/statements/h7")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "group_unknown")


async def test_csv_has_a_row_for_each_line(earning: EventClient):
    answer = await earning.client.get(f"{earning.path}/statements/h7", headers={"Accept": "text/csv"})

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["line"] for row in rows] == ["opening", "sales", "refunds", "closing"]
    assert [row["held"] for row in rows] == ["0.00", "3.40", "-1.00", "2.40"]


async def test_host_reads_its_own_statement_and_no_other(api: Api, earning: EventClient):
    lin = await key_of(api, "lin", "host:h7")

    async def status(path: str) -> int:
        return (await earning.client.get(earning.path + path, headers=lin)).status_code

    assert await status("/statements/h7") == 200
    assert await status("/statements") == 200
    assert [await status(f"/statements/{path}") for path in ("h8", "teams/ruby")] == [403, 403]
    assert (await earning.get("/statements/h7", statement="none")).json()["code"] == "statement_unknown"
    assert (await earning.get("/statements/nobody")).json()["code"] == "host_unknown"


async def test_statements_are_listed_in_their_order(earning: EventClient):
    first = await earning.ok("POST", "/statements", {"id": "z"})
    second = await earning.ok("POST", "/statements", {"id": "a"})

    listed = (await earning.ok("GET", "/statements"))["statements"]

    assert [(row["id"], row["from"], row["to"]) for row in listed] == [
        ("z", 0, first["to"]),
        ("a", first["to"], second["to"]),
    ]
