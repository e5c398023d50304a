"""``kos replay`` as a user runs it: what it posts, at what pace, what it prints and with which exit code."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli.posting import Tally, connect
from app.cli.replay import Pace, post_facts, replay, speed_of
from app.shops.csv_orders import Fact
from tests.cli.scripted_api import scripted_api

DATA = Path(__file__).parents[1] / "data"
ORDERS = "Order,Date,Qty,Price,Customer\n" + "".join(
    f"{order},2010-12-01 08:0{order}:00,{quantity},1.00,{customer}\n"
    for order, quantity, customer in [(3, 1, "c"), (1, 1, "a"), (2, -1, ""), (4, 1, "")]
)
MAP = """
source = "shop"
[time]
formats = ["%Y-%m-%d %H:%M:%S"]
zone = "UTC"
[order]
id = "Order"
paid_at = "Date"
currency = { value = "GBP" }
host = "hash(Customer) mod roster"
[line]
quantity = "Qty"
unit_price = "Price"
"""


@pytest.fixture
def api():
    with scripted_api() as api:
        yield api


@pytest.fixture
def files(tmp_path):
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "shop.toml").write_text(MAP)
    return tmp_path


def run(*arguments, key="k"):
    app = typer.Typer()
    app.command()(replay)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"KOS_ADMIN_KEY": key})


def replayed(api, files, *more):
    return run(files / "orders.csv", "--map", files / "shop.toml", "--event", "e1", "--url", api.url, *more)


def test_orders_are_posted_in_the_order_of_their_times(api, files):
    outcome = replayed(api, files)

    assert outcome.exit_code == 0, outcome.output
    assert [item["id"] for item in api.posted("orders")] == ["1", "2", "3", "4"]
    assert {path for _, path, _ in api.requests} == {"/v1/events/e1/roster", "/v1/events/e1/orders/batch"}


def test_summary_tells_what_was_refused_and_why(api, files):
    outcome = replayed(api, files)

    assert "orders.csv: 4 rows, posted into e1: 3 accepted, 0 replayed, 1 refused." in outcome.stdout
    assert "refused 1 with quantity_not_positive, such as:" in outcome.stdout
    assert "order 2: At least 1. (lines[0].quantity)" in outcome.stdout


def test_second_run_changes_nothing(api, files):
    replayed(api, files)

    outcome = replayed(api, files, "--json")

    document = json.loads(outcome.stdout)
    assert (document["accepted"], document["replayed"], document["refused"]) == (0, 3, 1)
    assert outcome.stderr == ""


def test_json_summary_has_everything(api, files):
    document = json.loads(replayed(api, files, "--json").stdout)

    assert document == {
        "rows": 4,
        "accepted": 3,
        "replayed": 0,
        "refused": 1,
        "kinds": {
            "orders": {"accepted": 3, "replayed": 0, "refused": 1},
            "refunds": {"accepted": 0, "replayed": 0, "refused": 0},
            "cancellations": {"accepted": 0, "replayed": 0, "refused": 0},
        },
        "refusals": [
            {
                "code": "quantity_not_positive",
                "count": 1,
                "examples": [{"kind": "orders", "id": "2", "detail": "At least 1.", "field": "lines[0].quantity"}],
            }
        ],
        "skipped": {},
    }


def test_customers_are_dealt_out_to_the_active_hosts_only(api, files):
    api.hosts = [{"id": "h1", "status": "active"}, {"id": "h2", "status": "banned"}]

    replayed(api, files)

    assert [item.get("host") for item in api.posted("orders")] == ["h1", None, "h1", None]


def test_event_without_active_hosts_is_refused_before_anything_is_posted(api, files):
    api.hosts = [{"id": "h2", "status": "hidden"}]

    outcome = replayed(api, files)

    assert outcome.exit_code == 1
    assert "The event e1 has no active host" in outcome.stderr
    assert not api.posted("orders")


def test_map_without_the_hash_rule_needs_no_roster(api):
    outcome = run(DATA / "shopify-orders.csv", "--map", "shopify", "--event", "e1", "--url", api.url)

    assert outcome.exit_code == 0, outcome.output
    assert [path.split("/")[4] for _, path, _ in api.requests] == ["orders", "refunds", "cancellations"]
    assert "left out by the map: 2 because Paid at is empty" in outcome.stdout


def test_batches_have_the_size_asked_for(api, files):
    replayed(api, files, "--batch", "3")

    assert [len(items) for _, path, items in api.requests if "batch" in path] == [3, 1]


def test_event_id_is_one_part_of_the_path(api, files):
    run(files / "orders.csv", "--map", files / "shop.toml", "--event", "a/b", "--url", api.url)

    assert api.requests[0][1] == "/v1/events/a%2Fb/roster"


@pytest.mark.parametrize("extra", ["", '\nhots = "x"'], ids=["file", "map"])
def test_what_cannot_be_read_ends_with_2_and_posts_nothing(api, files, extra):
    (files / "orders.csv").write_text(ORDERS + "5,2010-12-01 08:05:00,one,1.00,\n")
    (files / "shop.toml").write_text(MAP + extra)

    outcome = replayed(api, files)

    assert outcome.exit_code == 2
    expected = "shop.toml: line: there is no member" if extra else "orders.csv, line 6, column 'Qty': 'one' is not a"
    assert expected in outcome.stderr
    assert not api.posted("orders")


def test_server_that_refuses_the_call_ends_with_1_and_says_how_far_it_got(api, files):
    api.script += [
        (200, {"teams": [], "hosts": api.hosts}),
        (404, {"code": "event_unknown", "detail": "No event."}),
    ]

    outcome = replayed(api, files)

    assert outcome.exit_code == 1
    assert "404 event_unknown: No event. So far: 0 accepted, 0 replayed, 0 refused." in outcome.stderr


def test_no_key_is_a_wrong_call(files):
    outcome = run(files / "orders.csv", "--map", files / "shop.toml", "--event", "e1", key="")

    assert outcome.exit_code == 2
    assert "KOS_ADMIN_KEY" in outcome.stderr


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("60", 60.0), ("0.5", 0.5)])
def test_speed_is_a_number_or_max(text, speed):
    assert speed_of(text) == speed


@pytest.mark.parametrize("text", ["fast", "0", "-1", "inf", "nan", ""])
def test_speed_that_is_none_is_refused(text):
    with pytest.raises(typer.BadParameter, match="above zero"):
        speed_of(text)


class Clock:
    """Time that passes only in sleeps, and by ``busy`` seconds whenever somebody looks."""

    def __init__(self, busy=0.0):
        self.now = 0.0
        self.busy = busy
        self.naps = []

    def __call__(self):
        self.now += self.busy
        return self.now

    async def sleep(self, seconds):
        self.naps.append(seconds)
        self.now += seconds


def facts_at(*seconds):
    start = datetime(2010, 12, 1, tzinfo=UTC)
    return [
        Fact("orders", str(number), start + timedelta(seconds=second), {"id": str(number)})
        for number, second in enumerate(seconds)
    ]


async def play(api, facts, clock, speed):
    async with connect(api.url, api.key) as client:
        await post_facts(client, "e1", facts, Tally(), Pace(speed, clock, clock.sleep))
    return [[item["id"] for item in items] for _, _, items in api.requests]


async def test_gaps_are_played_faster_by_the_speed(api):
    clock = Clock()

    batches = await play(api, facts_at(0, 60, 60, 600), clock, speed=60)

    assert batches == [["0"], ["1", "2"], ["3"]]
    assert clock.naps == pytest.approx([1.0, 9.0])


async def test_what_is_late_is_posted_together_without_waiting(api):
    clock = Clock(busy=5.0)

    batches = await play(api, facts_at(0, 1, 2, 3, 1000), clock, speed=1)

    assert batches[0] == ["0", "1", "2", "3"]
    assert sum(clock.naps) == pytest.approx(1000, abs=20)


async def test_newest_first_file_is_played_from_its_beginning(api):
    clock = Clock()

    batches = await play(api, facts_at(20, 10, 0), clock, speed=10)

    assert batches == [["2"], ["1"], ["0"]]
    assert clock.naps == pytest.approx([1.0, 1.0])


async def test_nothing_to_play_is_no_request(api):
    assert await play(api, [], Clock(), speed=1) == []
