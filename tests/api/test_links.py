"""Tracking links: made for hosts, followed by shoppers, and the orders that name the click."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from app.realtime.door import Door, DoorLimits
from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_US = 86_400_000_000


@pytest.fixture
def shop(event: EventClient) -> str:
    """Codes are unique in the installation, so each test has its own."""
    return f"lin-{event.id}"


async def allow(event: EventClient, *hosts: str) -> None:
    await event.ok("PATCH", "/rules", {"link_hosts": list(hosts or ("shop.example",))})


async def linked(event: EventClient, **fields) -> Any:
    await allow(event)
    return await event.ok("POST", "/links", {"host": "h7", "to": "https://shop.example/ruby?color=red#top"} | fields)


async def followed(api: Api, path: str) -> httpx2.Response:
    async with api.client_of("") as nobody:
        return await nobody.get(path)


async def clicked(api: Api, link: dict[str, Any]) -> str:
    response = await followed(api, link["path"])
    assert response.status_code == 302, response.text
    return parse_qs(urlsplit(response.headers["location"]).query)["kos_click"][0]


async def test_link_leads_to_the_shop_with_a_click_of_its_own_each_time(api: Api, event: EventClient):
    link = await linked(event)

    responses = [await followed(api, link["path"]) for _ in range(2)]

    clicks = []
    for response in responses:
        target = urlsplit(response.headers["location"])
        click = parse_qs(target.query).pop("kos_click")[0]
        clicks.append(click)
        assert response.headers["location"] == f"https://shop.example/ruby?color=red&kos_click={click}#top"
        assert (response.headers["referrer-policy"], response.headers["cache-control"]) == ("no-referrer", "no-store")
        assert "set-cookie" not in response.headers
    assert len(set(clicks)) == 2
    assert all(len(click) == 24 for click in clicks)


async def test_order_with_the_click_is_the_hosts_and_its_entry_needs_nothing_else(api, event, clock):
    click = await clicked(api, await linked(event))
    clock.at += DAY_US

    answer = await event.sell("1", click=click, paid_at="2021-04-11T12:00:00Z")
    receipt = await event.ok("GET", "/orders/shop/1/receipt")
    (entry,) = [entry for entry in await event.entries() if entry["kind"] == "order.paid"]

    assert [(c["host"], c["reason"]) for c in answer["credits"]] == [("h7", "click")]
    candidate = {"by": "click", "id": click, "outcome": "won", "host": "h7", "at": "2021-04-10T12:00:00.000000Z"}
    assert receipt["candidates"] == [candidate]
    assert entry["body"]["candidates"] == [candidate | {"at": factories.NOW_US}]
    assert "touches" not in str(entry["body"])


async def test_line_and_batch_find_their_clicks_too(api: Api, event: EventClient):
    click = await clicked(api, await linked(event))
    orders = [
        factories.simple_order("1", click=click, paid_at="2021-04-10T12:00:00Z"),
        factories.simple_order("2", lines=[factories.line(click=click)], paid_at="2021-04-10T12:00:00Z"),
        factories.simple_order("3", click="guessed", paid_at="2021-04-10T12:00:00Z"),
    ]

    answer = await event.ok("POST", "/orders/batch", orders)

    credits = [result["credits"][0] for result in answer["results"]]
    assert [(c["host"], c["reason"]) for c in credits] == [
        ("h7", "click"),
        ("h7", "click"),
        ("House", "unknown_click"),
    ]


async def test_repeat_is_one_although_the_click_is_forgotten_by_then(api: Api, event: EventClient, clock):
    click = await clicked(api, await linked(event))
    said = factories.simple_order("1", click=click, paid_at="2021-04-10T12:00:00Z")
    first = await event.post("/orders", said)
    clock.at += 91 * DAY_US

    again = await event.post("/orders", said)
    late = await event.sell("2", click=click, paid_at="2021-04-10T12:00:00Z")

    assert (again.status_code, again.json()) == (200, first.json())
    assert late["credits"][0]["reason"] == "unknown_click"


async def test_expired_click_and_one_of_another_event_say_so(api: Api, event: EventClient, clock):
    click = await clicked(api, await linked(event))
    other = await EventClient(api.client, f"{event.id}-other").open()
    clock.at += 15 * DAY_US

    late = await event.sell("1", click=click, paid_at="2021-04-25T12:00:00Z")
    elsewhere = await other.sell("1", click=click, paid_at="2021-04-11T12:00:00Z")

    assert late["credits"][0]["reason"] == "expired_click"
    assert elsewhere["credits"][0]["reason"] == "click_of_another_event"
    assert '"h7"' not in json.dumps((await other.ok("GET", "/orders/shop/1/receipt"))["candidates"])


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("https://evil.example/", "link_host_not_allowed"),
        ("https://shop.example.evil.example/", "link_host_not_allowed"),
        ("https://evil.example\\.shop.example/", "link_target_invalid"),
        ("https://shop.example@evil.example/", "link_target_invalid"),
        ("https://shop.example:8443/", "link_target_invalid"),
        ("https://shop.example:port/", "link_target_invalid"),
        ("https://[shop.example/", "link_target_invalid"),
        ("https://shop.example/?kos_click=mine", "link_target_invalid"),
        ("javascript:alert(1)//shop.example", "invalid_value"),
        ("//shop.example/", "invalid_value"),
        ("https://shop.example/a b", "invalid_value"),
        ("https://shop.example/\r\nSet-Cookie:a=b", "invalid_value"),
    ],
)
async def test_link_that_would_lead_elsewhere_is_refused(event: EventClient, to, code):
    await allow(event)

    response = await event.post("/links", {"host": "h7", "to": to})

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, code, "to")
    assert (await event.ok("GET", "/links"))["links"] == []


async def test_case_of_the_targets_host_does_not_matter(event: EventClient):
    await allow(event)

    assert await event.ok("POST", "/links", {"host": "h7", "to": "https://SHOP.example/ruby"})


async def test_link_is_closed_when_the_rule_no_longer_names_its_target(api: Api, event: EventClient):
    link = await linked(event)
    await allow(event, "other.example")

    response = await followed(api, link["path"])

    assert (response.status_code, response.json()["code"]) == (403, "link_closed")
    assert "location" not in response.headers


async def test_code_is_taken_once_in_the_installation_and_the_same_link_is_a_repeat(api, event, shop):
    first = await linked(event, code=shop)
    body = {"host": "h7", "to": first["to"], "code": shop}
    other = await EventClient(api.client, f"{event.id}-other").open()
    await allow(other)

    again = await event.post("/links", body)
    changed = await event.post("/links", body | {"host": "h8"})
    elsewhere = await other.post("/links", body)

    assert (first["code"], first["path"]) == (shop, f"/l/{shop}")
    assert (again.status_code, again.json()) == (200, first)
    for taken in (changed, elsewhere):
        assert (taken.status_code, taken.json()["code"]) == (409, "link_code_taken")


async def test_removed_link_leads_nowhere_and_its_clicks_still_count(api: Api, event: EventClient, shop):
    link = await linked(event, code=shop)
    click = await clicked(api, link)

    gone = await event.client.delete(f"{event.path}/links/{shop}")
    again = await event.client.delete(f"{event.path}/links/{shop}")
    response = await followed(api, link["path"])
    answer = await event.sell("1", click=click, paid_at="2021-04-10T12:00:00Z")

    assert (gone.status_code, again.status_code) == (204, 404)
    assert (response.status_code, response.json()["code"]) == (404, "link_unknown")
    assert answer["credits"][0]["host"] == "h7"


async def test_links_are_listed_page_by_page(event: EventClient):
    codes = sorted([(await linked(event, sku=str(number)))["code"] for number in range(3)])

    first = await event.ok("GET", "/links", limit=2)
    second = await event.ok("GET", "/links", limit=2, cursor=first["cursor"])

    assert [link["code"] for link in first["links"] + second["links"]] == codes
    assert "cursor" not in second


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"link_hosts": ["https://shop.example"]}, "rules_invalid"),
        ({"link_hosts": ["SHOP.example"]}, "rules_invalid"),
        ({"link_hosts": [""]}, "rules_invalid"),
    ],
)
async def test_hosts_that_links_may_lead_to_are_names(event: EventClient, rules, code):
    response = await event.client.patch(f"{event.path}/rules", json=rules)

    assert (response.status_code, response.json()["code"]) == (422, code)


async def test_host_of_a_link_is_in_the_roster(event: EventClient):
    await allow(event)

    response = await event.post("/links", {"host": "h99", "to": "https://shop.example/"})

    assert (response.status_code, response.json()["code"]) == (422, "unknown_host")


async def test_one_address_follows_so_many_links_a_second(api: Api):
    services = api.services
    strict = Door(DoorLimits(handshakes_per_second_max=1), lambda: 0.0)
    api.framework.state.services = replace(services, link_door=strict)
    try:
        answers = [await followed(api, "/l/none") for _ in range(3)]
    finally:
        api.framework.state.services = services

    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert (answers[2].json()["code"], answers[2].headers["retry-after"]) == ("too_many_handshakes", "1")
