"""Goals and announcements over HTTP: set, changed, ended, withdrawn; and who may."""

import pytest

from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOAL = {"id": "g1", "title": "First hundred", "of": "team", "target_id": "ruby", "measure": "net_sales"}
HELLO = {"id": "hello", "text": "Welcome, 欢迎, أهلاً <b>!", "until": "2021-04-10T13:00:00Z"}


async def test_goal_is_set_reached_changed_and_ended(event: EventClient):
    response = await event.post("/goals", GOAL | {"target": "10.00"})
    again = await event.post("/goals", GOAL | {"target": "10.00"})
    await event.sell("1", "h7")
    shown = (await event.client.get(f"/v1/channels/{event.id}")).json()["goals"]
    changed = await event.ok("POST", "/goals", GOAL | {"target": "25", "title": "Twenty-five"})
    ended = await event.ok("POST", "/goals/g1/end")
    same = await event.ok("POST", "/goals/g1/end")

    goal = {**GOAL, "target": "10.00", "value": "0.00", "reached_at": None}
    assert (response.status_code, response.json()) == (201, goal | {"ended": False, "position": 5})
    assert (again.status_code, again.json()) == (200, response.json())
    assert [(one["id"], one["value"]) for one in shown] == [("g1", "10.00")]
    assert shown[0]["reached_at"] is not None
    assert (changed["target"], changed["title"], changed["reached_at"]) == ("25.00", "Twenty-five", None)
    assert (ended["ended"], ended["position"], same["position"]) == (True, 8, 8)
    assert (await event.client.get(f"/v1/channels/{event.id}")).json()["goals"] == []
    assert [one["ended"] for one in (await event.ok("GET", "/goals"))["goals"]] == [True]


async def test_goal_of_a_count_takes_a_number_or_its_digits(event: EventClient):
    as_number = await event.ok("POST", "/goals", GOAL | {"id": "n", "measure": "units", "target": 500})
    as_text = await event.ok("POST", "/goals", GOAL | {"id": "t", "measure": "orders", "target": "500"})

    assert (as_number["target"], as_number["value"], as_text["target"]) == (500, 0, 500)


async def test_announcement_is_made_once_and_withdrawn(event: EventClient):
    response = await event.post("/announcements", HELLO)
    again = await event.post("/announcements", HELLO)
    other = await event.post("/announcements", HELLO | {"text": "Bye"})
    shown = (await event.client.get(f"/v1/channels/{event.id}")).json()["announcements"]
    withdrawn = await event.ok("POST", "/announcements/hello/withdraw")
    same = await event.ok("POST", "/announcements/hello/withdraw")

    made = {**HELLO, "made_at": response.json()["made_at"], "until": "2021-04-10T13:00:00.000000Z"}
    assert (response.status_code, response.json()) == (201, made | {"withdrawn": False, "position": 5})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert (other.status_code, other.json()["code"]) == (409, "announcement_conflict")
    assert shown == [made]
    assert (withdrawn["withdrawn"], withdrawn) == (True, same)
    assert (await event.client.get(f"/v1/channels/{event.id}")).json()["announcements"] == []
    assert [one["withdrawn"] for one in (await event.ok("GET", "/announcements"))["announcements"]] == [True]


async def test_pin_tells_what_viewers_see_of_the_product(event: EventClient):
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7"}], "started_at": "2021-04-10T10:00:00Z"})
    told = {"title": "Ruby Woo", "price": "23.00", "code": "LIN10"}

    pinned = await event.ok("POST", "/pins", {"session": "night", "sku": "RUBY", **told})

    assert [{name: pin[name] for name in told} for pin in pinned["pins"]] == [told]
    document = (await event.client.get(f"/v1/channels/{event.id}")).json()
    assert document["rows"][0]["pins"] == pinned["pins"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/goals", GOAL | {"target": "10.001"}, 422, "too_many_decimals"),
        ("/goals", GOAL | {"target": "0.00"}, 422, "target_not_positive"),
        ("/goals", GOAL | {"target": "-1.00"}, 422, "target_not_positive"),
        ("/goals", GOAL | {"target": 10}, 422, "target_not_readable"),
        ("/goals", GOAL | {"measure": "units", "target": "10.00"}, 422, "target_not_readable"),
        ("/goals", GOAL | {"measure": "units", "target": "٣"}, 422, "target_not_readable"),
        ("/goals", GOAL | {"measure": "units", "target": -1}, 422, "target_not_readable"),
        ("/goals", GOAL | {"measure": "viewers", "target": "1"}, 422, "invalid_value"),
        ("/goals", GOAL | {"title": "  ", "target": "1"}, 422, "invalid_value"),
        ("/goals", GOAL | {"target_id": "opal", "target": "1"}, 422, "unknown_team"),
        ("/goals/none/end", {}, 409, "goal_not_set"),
        ("/goals/no%20ne/end", {}, 404, "goal_unknown"),
        ("/announcements", HELLO | {"text": "x" * 281}, 422, "invalid_value"),
        ("/announcements", HELLO | {"text": " \n"}, 422, "invalid_value"),
        ("/announcements", HELLO | {"until": "2021-04-10T11:00:00Z"}, 422, "until_passed"),
        ("/announcements/none/withdraw", {}, 409, "announcement_not_made"),
        ("/announcements/no%20ne/withdraw", {}, 404, "announcement_unknown"),
        ("/pins", {"session": "n", "sku": "s", "price": "-1"}, 422, "price_negative"),
        ("/pins", {"session": "n", "sku": "s", "image": "../x.png"}, 422, "invalid_value"),
    ],
)
async def test_what_cannot_be_reached_or_announced_is_refused_without_a_trace(
    event: EventClient, path, body, status, code
):
    head = await event.head()

    response = await event.post(path, body)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await event.head() == head
