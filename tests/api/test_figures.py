"""Headline figures: they add up, agree with boards and channel, and the dictionary says what each of them is."""

from typing import Any

import pytest

from app.figures import MEASURES, TILES
from tests import factories
from tests.api.conftest import Clock
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def tiles_of(event: EventClient) -> dict[str, Any]:
    document = await event.ok("GET", "/metrics")
    return {tile["id"]: tile["value"] for tile in document["tiles"]}


async def desk_of(event: EventClient, client: Any = None) -> dict[str, Any]:
    response = await (client or event.client).get(f"/v1/channels/{event.id}/desk")
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


async def test_event_without_orders_has_zeroes_and_nothing_to_divide(event: EventClient):
    assert await tiles_of(event) == {
        "gross_sales": "0.00",
        "net_sales": "0.00",
        "refunds": "0.00",
        "orders": 0,
        "units": 0,
        "aov": None,
        "refund_rate": None,
        "house": "0.00",
        "viewers": 0,
        "viewers_peak": 0,
        "viewer_minutes": 0,
    }


async def test_figures_follow_orders_refunds_cancellations_and_house(event: EventClient):
    await event.sell("1", "h7", "10.00")
    await event.sell("2", "h7", "10.00")
    await event.sell("3", "", "5.01")
    await event.sell("4", "h7", "100.00")
    await event.ok("POST", "/refunds", factories.refund("r1", order="1", amount="2.50"))
    await event.ok("POST", "/cancellations", factories.cancellation("4"))

    shown = await tiles_of(event)

    # 22.51 / 3 is 7.50333; 102.50 / 125.01 is 0.81993.
    assert shown | {"viewers": 0} == {
        "gross_sales": "125.01",
        "net_sales": "22.51",
        "refunds": "102.50",
        "orders": 3,
        "units": 3,
        "aov": "7.50",
        "refund_rate": "0.8199",
        "house": "5.01",
        "viewers": 0,
        "viewers_peak": 0,
        "viewer_minutes": 0,
    }


async def test_channel_of_the_desk_shows_the_same_at_the_same_position(event: EventClient):
    await event.sell("1", "h7", "10.00")

    told, desk = await event.ok("GET", "/metrics"), await desk_of(event)

    assert (told["position"], told["finality"]) == (desk["position"], "live")
    assert told["as_of"].endswith("Z")
    shown = {tile["id"]: tile["value"] for tile in told["tiles"]}
    assert {name: desk[name] for name in shown if name in desk} == {
        name: value for name, value in shown.items() if name in desk
    }
    assert desk.keys() >= {"gross_sales", "net_sales", "refunds", "orders", "units", "aov", "refund_rate", "house"}
    board = await event.board("teams", limit=1)
    assert (board["total"], board["house"]) == (desk["net_sales"], desk["house"])


async def test_viewers_of_the_journal_are_on_the_desk_and_in_their_minute(api: Api, event: EventClient, clock: Clock):
    minute = 60_000_000
    await event.ok("POST", "/viewers", [{"type": "join", "viewer": name} for name in "abc"])
    clock.at += 2 * minute
    await event.ok("POST", "/viewers", [{"type": "join", "viewer": name} for name in "abcd"])
    await api.services.viewers.sampler.sample()
    told, desk = await tiles_of(event), await desk_of(event)

    assert (told["viewers"], told["viewers_peak"], told["viewer_minutes"]) == (4, 4, 3)
    # What is in the journal.
    assert (desk["viewers_peak"], desk["viewer_minutes"]) == (3, 3)
    minutes = (await event.ok("GET", "/metrics/minutes", last=3))["minutes"]
    assert [one["viewers"] for one in minutes] == [3, None, None]


async def test_every_tile_leads_to_a_definition_with_its_unit(event: EventClient):
    told = await event.ok("GET", "/metrics")
    dictionary = await event.ok("GET", "/metrics/dictionary")

    measures = {measure["id"]: measure for measure in dictionary["measures"]}
    assert dictionary["version"] >= 1
    assert [tile["id"] for tile in told["tiles"]] == list(TILES)
    for tile in told["tiles"]:
        unit = measures[tile["definition"]]["unit"]
        assert tile["unit"] == ("GBP" if unit == "money" else unit)
    for measure in MEASURES:
        assert measure.keys() == {"id", "name", "formula", "unit", "basis", "freshness", "includes", "excludes"}
        assert all(measure.values()), measure["id"]


@pytest.mark.parametrize(("scope", "status"), [("ops", 200), ("audit", 200), ("finance", 200), ("orders", 403)])
async def test_desk_is_for_those_who_run_or_settle_the_event(api: Api, event: EventClient, scope: str, status: int):
    async with api.client_of(await api.key_of("default", scope)) as holder:
        assert (await holder.get(f"/v1/channels/{event.id}/desk")).status_code == status


async def test_no_token_follows_the_desk(api: Api, event: EventClient):
    token = (await api.client.post("/v1/tokens", json={"event": event.id})).json()["token"]
    wanted = await api.client.post("/v1/tokens", json={"event": event.id, "channels": [f"{event.id}/desk"]})
    async with api.client_of(token) as viewer:
        refused = await viewer.get(f"/v1/channels/{event.id}/desk")

    assert (refused.status_code, refused.json()["code"]) == (403, "channel_forbidden")
    assert (wanted.status_code, wanted.json()["code"]) == (422, "channel_not_public")


async def test_minutes_are_told_with_their_markers(event: EventClient):
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7"}]})
    await event.ok("POST", "/pins", {"session": "night", "sku": "MAC"})
    await event.sell("1", "h7", "10.00")

    told = await event.ok("GET", "/metrics/minutes", last=2)
    wrong = [await event.get("/metrics/minutes", last=last) for last in (0, 1_441)]

    assert [(one["gross_sales"], one["orders"], one["units"]) for one in told["minutes"]] == [
        ("0.00", 0, 0),
        ("10.00", 1, 1),
    ]
    assert [(one["kind"], one["label"]) for one in told["markers"]][-1:] == [("pin", "MAC")]
    assert [answer.status_code for answer in wrong] == [422, 422]
