"""Documents of the channels beside boards and ticker: the event, a host, a session, ops."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.challenge.audience import MINUTE_US, minute_of
from app.challenge.uniques import written
from app.feed_documents import OPS_ROWS
from app.journal.drafts import Fact
from tests.book import (
    DAY,
    HOUR,
    START,
    announced_said,
    goal_said,
    move_said,
    offer_end_said,
    offer_said,
    pin_said,
    refund_said,
    roster_said,
    sampled_said,
    session_said,
    unpin_said,
)
from tests.book import line as line_of
from tests.book import refund as refund_of
from tests.live import entries_of, store_of
from tests.stage import Stage, staged


@pytest.fixture
async def stage(shared_url: str) -> AsyncIterator[Stage]:
    async with staged(shared_url) as one:
        yield one


def ended(id: str) -> Fact:
    return Fact("session.ended", f"session:{id}:ended", {"id": id}, "key:ops")


async def test_event_shows_its_terms_its_status_and_who_is_on_air(stage):
    await stage.profiles.put(stage.name, "host", [{"id": "ann", "name": "Ann"}])
    await stage.profiles.put(stage.name, "event", [{"id": stage.name, "name": "Spring"}])
    await stage.say(session_said("duo", {"bo": 1, "ann": 2}), session_said("solo", {"cy": 1}, START + HOUR))
    minute = minute_of(stage.clock()) - MINUTE_US
    await stage.say(sampled_said(minute, 7, counted=4, sketch=written(bytes(8))), sampled_said(minute, 3, "solo"))

    document = await stage.shown()

    assert document == {
        "event": stage.name,
        "unit": "GBP",
        "epoch": stage.event.epoch,
        "position": stage.event.head.position,
        "finality": "live",
        "frozen": False,
        "event_name": "Spring",
        "status": "live",
        "entered_at": "2021-04-09T00:00:00.000003Z",
        "timezone": "UTC",
        "starts_at": "2021-04-05T00:00:00.000000Z",
        "ends_at": "2099-01-01T00:00:00.000000Z",
        "viewers_peak": 7,
        "viewer_minutes": 7,
        "viewers_different": {"estimate": 1, "low": 1, "high": 1},
        "offers": [],
        "goals": [],
        "announcements": [],
        "rows": [
            {
                "id": "duo",
                "hosts": [{"id": "ann", "name": "Ann"}, {"id": "bo", "name": "bo"}],
                "started_at": "2021-04-05T00:00:00.000000Z",
                "pins": [],
            },
            {
                "id": "solo",
                "hosts": [{"id": "cy", "name": "cy"}],
                "started_at": "2021-04-05T01:00:00.000000Z",
                "pins": [],
            },
        ],
    }


async def test_public_position_moves_with_sessions_also_after_the_end(stage):
    await stage.say(session_said("duo", {"bo": 1}), session_said("trio", {"cy": 1}))
    on_air = await stage.shown()
    await stage.say(ended("duo"))
    after = await stage.shown()
    await stage.say(move_said("ended"), move_said("final"))
    final = await stage.shown()
    await stage.say(ended("trio"))
    last = await stage.shown()

    assert [len(document["rows"]) for document in (on_air, after, final, last)] == [2, 1, 1, 0]
    positions = [document["position"] for document in (on_air, after, final, last)]
    assert positions == sorted(set(positions))
    assert last["finality"] == "final"


async def test_host_sees_its_numbers_and_its_neighbours(stage):
    await stage.profiles.put(stage.name, "team", [{"id": "ruby", "name": "Ruby"}])
    await stage.sell("o1", host="ann", price="30.00")
    await stage.sell("o2", host="bo", price="10.00", quantity=2, paid_at=stage.clock.now)
    await stage.sell("o3", host="bo", price="5.00", paid_at=START + HOUR)
    await stage.say(refund_said(refund_of("r1", "o3", amount="1.00")))

    document = await stage.shown("hosts/bo")
    board = await stage.shown("boards/hosts")

    assert document["rows"] == board["rows"]
    assert {name: value for name, value in document.items() if name not in ("rows", "epoch", "event")} == {
        "unit": "GBP",
        "position": stage.event.head.position,
        "finality": "live",
        "frozen": False,
        "host": "bo",
        "name": "bo",
        "gross_sales": "25.00",
        "net_sales": "24.00",
        "orders": 2,
        "units": 3,
        "direct_sales": "25.00",
        "indirect_sales": "0.00",
        "today": {"day": "2021-04-09", "gross_sales": "20.00", "net_sales": "20.00", "orders": 1, "units": 2},
        "rank": 2,
        "gap": "6.00",
        "team": "ruby",
        "team_name": "Ruby",
        "team_rank": 1,
    }


async def test_rows_of_a_host_are_those_around_it(stage):
    await stage.say(roster_said([{"id": f"h{number}", "team": "opal"} for number in range(9)]))
    for number in range(9):
        await stage.sell(f"o{number}", host=f"h{number}", price=f"{90 - number}.00")

    rows = {host: (await stage.shown(f"hosts/{host}"))["rows"] for host in ("h0", "h4")}

    assert [row["id"] for row in rows["h4"]] == ["h2", "h3", "h4", "h5", "h6"]
    assert [row["id"] for row in rows["h0"]] == ["h0", "h1", "h2", "h3", "h4"]


@pytest.mark.parametrize("status", ["hidden", "banned", "guest"])
async def test_host_without_a_row_on_boards_has_no_rank(stage, status):
    await stage.sell("o1", host="ann")
    before = await stage.shown("hosts/ann")
    await stage.say(roster_said([{"id": "ann", "status": status}]))

    document = await stage.shown("hosts/ann")

    assert (document["rank"], document["gap"], document["rows"]) == (None, None, [])
    assert document["net_sales"] == "10.00"
    # The same members as before, or no delta could tell it.
    assert document.keys() == before.keys()


async def test_host_without_a_team_has_no_rank_of_a_team(stage):
    document = await stage.shown("hosts/dee")

    assert (document["team"], document["team_name"], document["team_rank"]) == ("", "", None)
    assert document.keys() == (await stage.shown("hosts/ann")).keys()


async def test_pins_and_offers_are_shown_while_they_hold_and_move_the_public_position(stage):
    now = stage.clock.now
    await stage.say(session_said("duo", {"ann": 1}), session_said("solo", {"cy": 1}))
    before = await stage.shown()
    await stage.say(
        pin_said("duo", "ruby", START), pin_said("duo", "opal", START + HOUR), pin_said("solo", "jade", START)
    )
    await stage.say(
        offer_said("all", now + 2 * HOUR), offer_said("duo-only", now + HOUR, "duo"), offer_said("gone", now - 1)
    )

    event, duo, solo = [await stage.shown(channel) for channel in ("", "sessions/duo", "sessions/solo")]
    assert [[pin["sku"] for pin in row["pins"]] for row in event["rows"]] == [["opal", "ruby"], ["jade"]]
    assert [offer["id"] for offer in event["offers"]] == ["duo-only", "all"]
    assert [pin["sku"] for pin in duo["pins"]] == ["opal", "ruby"]
    assert ([o["id"] for o in duo["offers"]], [o["id"] for o in solo["offers"]]) == (["duo-only", "all"], ["all"])
    assert event["position"] == before["position"] + 6

    await stage.say(unpin_said("duo", "ruby", START + 2 * HOUR), offer_end_said("all", now), ended("solo"))

    event, duo, solo = [await stage.shown(channel) for channel in ("", "sessions/duo", "sessions/solo")]
    assert [(row["id"], [pin["sku"] for pin in row["pins"]]) for row in event["rows"]] == [("duo", ["opal"])]
    assert [offer["id"] for offer in event["offers"]] == ["duo-only"]
    assert (solo["pins"], solo["offers"]) == ([], [])


async def test_session_counts_the_orders_that_name_it(stage):
    await stage.say(session_said("duo", {"ann": 1, "bo": 1}))
    empty = await stage.shown("sessions/duo")
    await stage.sell("o1", session="duo", price="10.00")
    await stage.sell("o2", session="duo", host="cy", price="3.00", quantity=2)
    await stage.sell("o3", host="ann", price="99.00")
    await stage.say(refund_said(refund_of("r1", "o1", amount="4.00")), ended("duo"))

    document = await stage.shown("sessions/duo")

    assert (empty["gross_sales"], empty["orders"], empty["units"], empty["ended_at"]) == ("0.00", 0, 0, None)
    assert [row["id"] for row in empty["rows"]] == ["ann", "bo"]
    assert (document["gross_sales"], document["orders"], document["units"]) == ("16.00", 2, 3)
    assert (document["started_at"], document["ended_at"]) == (
        "2021-04-05T00:00:00.000000Z",
        "2021-04-09T00:00:00.000000Z",
    )
    assert [(row["id"], row["weight"], row["gross_sales"], row["orders"]) for row in document["rows"]] == [
        ("ann", 1, "5.00", 1),
        ("bo", 1, "5.00", 1),
        ("cy", 0, "6.00", 1),
    ]
    assert document.keys() == empty.keys()


async def test_public_is_not_shown_a_hidden_host_in_its_sessions(stage):
    await stage.say(session_said("duo", {"ann": 1, "bo": 1}), roster_said([{"id": "ann", "status": "hidden"}]))

    public, full = [await stage.shown("sessions/duo", view) for view in ("public", "full")]
    on_air = (await stage.shown())["rows"][0]["hosts"]

    assert [row["id"] for row in public["rows"]] == ["bo"]
    assert [row["id"] for row in full["rows"]] == ["ann", "bo"]
    assert [host["id"] for host in on_air] == ["bo"]


async def test_sales_of_sessions_are_kept_in_a_stored_state(stage):
    await stage.say(session_said("duo", {"ann": 1}))
    await stage.sell("o1", session="duo")
    before = await stage.shown("sessions/duo")
    folded = await stage.events.at(stage.name, stage.event.head.position)

    assert before["gross_sales"] == "10.00"
    assert folded.scores["full"].totals.sessions == stage.event.scores["full"].totals.sessions


async def test_ops_see_what_is_open_and_the_newest_entries(stage):
    await stage.say(
        refund_said(refund_of("r1", "gone", amount="1.50")), refund_said(refund_of("r2", "", amount="2.00"))
    )
    first = await stage.shown("ops", "full")
    for number in range(OPS_ROWS):
        await stage.sell(f"o{number}", host="ann")

    document = await stage.shown("ops", "full")

    assert first["unmatched_refunds"] == {"count": 2, "amount": "3.50"}
    assert (first["orders_awaited"], first["orders"], first["hosts"]) == (1, 0, 4)
    assert first["open_items"] == [
        {"key": "refund:default:r1", "order": "order:default:gone"},
        {"key": "refund:default:r2", "order": ""},
    ]
    assert [row["position"] for row in first["rows"]] == list(range(stage.event.head.position - OPS_ROWS, 0, -1))
    newest = (await entries_of(stage.events, stage.event))[-1]
    assert [row["position"] for row in document["rows"]][::-1] == list(range(newest.position - 19, newest.position + 1))
    assert document["rows"][0].keys() == {"id", "position", "kind", "key", "actor", "recorded_at"}
    assert (document["rows"][0]["id"], document["rows"][0]["key"]) == (str(newest.position), newest.key)
    assert document["position"] == newest.position
    assert store_of(stage.events).calls["read"] > 0


async def test_ops_read_the_journal_once_and_then_hear_of_what_is_folded(stage):
    await stage.shown("ops", "full")
    reads = store_of(stage.events).calls["read"]
    await stage.sell("o1", host="ann")

    document = await stage.shown("ops", "full")

    assert document["rows"][0]["key"] == "order:default:o1"
    assert store_of(stage.events).calls["read"] == reads


async def test_minutes_of_an_audience_push_nothing_out_of_what_ops_see(stage):
    """As many as are read at once, before somebody looks, and some while they do."""
    await stage.sell("o1", host="ann")
    minute = minute_of(stage.clock()) - MINUTE_US
    await stage.say(*(sampled_said(minute - ago * MINUTE_US, 1) for ago in range(110)))
    before = await stage.shown("ops", "full")
    await stage.sell("o2", host="ann")
    for ago in range(110, 140):
        await stage.say(sampled_said(minute - ago * MINUTE_US, 1))

    document = await stage.shown("ops", "full")

    assert document["position"] == stage.event.head.position == before["position"] + 31
    assert before["rows"][0]["key"] == "order:default:o1"
    assert [row["key"] for row in document["rows"][:2]] == ["order:default:o2", "order:default:o1"]
    assert {row["kind"] for row in document["rows"]}.isdisjoint({"viewers.sampled"})


async def test_public_view_has_no_channel_of_ops(stage):
    with pytest.raises(Exception, match="no channel"):
        await stage.shown("ops", "public")


async def test_host_sees_what_it_sold_itself_and_what_was_sold_while_it_was_on_air(stage):
    await stage.say(session_said("duo", {"ann": 1, "bo": 1}), pin_said("duo", "ruby", START))
    lines = [line_of("1", "3.00", code="ANN5"), line_of("2", "4.00", session="duo"), line_of("3", "6.00", sku="ruby")]
    await stage.sell("o1", lines=lines)
    await stage.say(refund_said(refund_of("r1", "o1", amount="13.00")))
    await stage.sell("o2", host="ann", price="1.00")

    shown = [await stage.shown(f"hosts/{host}") for host in ("ann", "bo", "cy")]

    assert [(one["direct_sales"], one["indirect_sales"]) for one in shown] == [
        ("4.00", "5.00"),
        ("0.00", "5.00"),
        ("0.00", "0.00"),
    ]
    assert [one["gross_sales"] for one in shown] == ["9.00", "5.00", "0.00"]


async def test_today_is_the_day_of_the_last_entry(stage):
    await stage.sell("o1", host="ann", paid_at=stage.clock.now)
    stage.clock.now += DAY
    await stage.sell("o2", host="bo", paid_at=stage.clock.now)

    document = await stage.shown("hosts/ann")

    assert (document["today"]["day"], document["today"]["orders"], document["orders"]) == ("2021-04-10", 0, 1)


async def test_examples_of_the_protocol_have_the_members_of_the_documents(stage):
    """Top-level members, those of a row, and of objects within."""
    text = Path(__file__).parents[1].joinpath("docs", "protocol.md").read_text()
    examples = [json.loads(found) for found in re.findall(r"```json document\n(.*?)\n```", text, re.S)]
    await stage.say(session_said("duo", {"ann": 1}), refund_said(refund_of("r1", "gone", amount="1.50")))
    told = {"title": "Ruby Woo", "price": 2300, "code": "LIN10"}
    await stage.say(pin_said("duo", "ruby", START, **told), offer_said("happy", stage.clock.now + HOUR))
    await stage.say(goal_said(), announced_said())
    await stage.profiles.put(stage.name, "host", [{"id": "ann", "name": "Ann"}])
    await stage.profiles.put(stage.name, "team", [{"id": "ruby", "name": "Ruby"}])
    shown = [await stage.shown(channel) for channel in ("", "hosts/ann", "sessions/duo")]
    shown.append(await stage.shown("ops", "full"))

    assert [shape(example) for example in examples[: len(shown)]] == [shape(document) for document in shown]


def shape(value: Any) -> Any:
    """Names of members all the way down; of a list its first item."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(item) for item in value[:1]] if isinstance(value, list) else None
