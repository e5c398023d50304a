"""What overlays are told: the last one holds, later than the one before, for ops to write."""

from typing import Any

import pytest

from app.overlays import Overlays
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_nothing_is_told_at_first(event: EventClient):
    assert await event.ok("GET", "/overlays") == {
        "event": event.id,
        "time": "1970-01-01T00:00:00.000000Z",
        "scene": "",
        "hidden": [],
        "message": None,
        "rooms": {},
        "look_version": "",
    }


async def test_last_one_told_holds_whole_and_in_every_process(api: Api, event: EventClient):
    message = {"text": "Back at nine\nwith more", "until": "2026-11-22T21:00:00+08:00"}
    first = await event.ok("PUT", "/overlays", {"scene": "intro", "hidden": ["ticker", "board", "board"]})
    second = await event.ok("PUT", "/overlays", {"message": message})

    shown = {"text": message["text"], "until": "2026-11-22T13:00:00.000000Z"}
    assert (first["scene"], first["hidden"], first["message"]) == ("intro", ["board", "ticker"], None)
    assert (second["scene"], second["hidden"], second["message"]) == ("", [], shown)
    assert first["time"] < second["time"]
    assert await event.ok("GET", "/overlays") == second
    elsewhere = Overlays(api.services.overlays._db)
    assert (await elsewhere.of(event.id))[0] == {
        "scene": "",
        "hidden": [],
        "message": shown,
        "rooms": {},
    }


async def test_rooms_are_told_what_differs_for_them(event: EventClient):
    rooms = {"mei-2": {"hidden": ["ticker", "board", "board"]}, "lin": {"scene": "product", "delay_ms": 4000}, "x": {}}
    told = await event.ok("PUT", "/overlays", {"scene": "intro", "rooms": rooms})

    assert told["rooms"] == {
        "lin": {"scene": "product", "delay_ms": 4000},
        "mei-2": {"hidden": ["board", "ticker"]},
        "x": {},
    }
    assert await event.ok("GET", "/overlays") == told


async def test_what_was_told_before_there_were_rooms_names_none(api: Api, event: EventClient):
    await api.services.overlays.put(event.id, {"scene": "intro", "hidden": [], "message": None})

    assert (await event.ok("GET", "/overlays"))["rooms"] == {}


async def test_time_rises_though_the_clock_goes_back(api: Api, event: EventClient, monkeypatch: pytest.MonkeyPatch):
    overlays = api.services.overlays
    times = [await overlays.put(event.id, {"scene": "a"})]
    monkeypatch.setattr("app.overlays.time.time_ns", lambda: 1_000_000)
    times += [await overlays.put(event.id, {"scene": scene}) for scene in "bc"]

    assert times == [times[0], times[0] + 1, times[0] + 2]
    body, updated_at = await overlays.of(event.id)
    assert (body["scene"], updated_at) == ("c", times[2])


async def test_events_are_told_apart(api: Api, event: EventClient):
    other = await EventClient(api.client, f"{event.id}-other").open()
    await event.ok("PUT", "/overlays", {"scene": "mine"})

    assert (await other.ok("GET", "/overlays"))["scene"] == ""


async def test_nothing_of_it_is_in_the_journal(event: EventClient):
    head = await event.head()
    await event.ok("PUT", "/overlays", {"scene": "intro"})

    assert await event.head() == head


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"scene": "no spaces here"}, "invalid_value", "scene"),
        ({"scene": "x" * 65}, "invalid_value", "scene"),
        ({"hidden": ["board"] * 51}, "invalid_value", "hidden"),
        ({"hidden": [1]}, "wrong_type", "hidden[0]"),
        ({"message": {"text": ""}}, "invalid_value", "message.text"),
        ({"message": {"text": "x" * 501}}, "invalid_value", "message.text"),
        ({"message": {"text": "\x00"}}, "invalid_value", "message.text"),
        ({"message": {"text": "x", "until": "soon"}}, "time_not_readable", "message.until"),
        ({"message": {"until": None}}, "missing_field", "message.text"),
        ({"sceen": "intro"}, "unknown_field", "sceen"),
        ({"rooms": {"Lin": {}}}, "invalid_value", "rooms.Lin.[key]"),
        ({"rooms": {"x" * 41: {}}}, "invalid_value", f"rooms.{'x' * 41}.[key]"),
        ({"rooms": {f"r{number}": {} for number in range(201)}}, "invalid_value", "rooms"),
        ({"rooms": {"lin": {"delay_ms": 60_001}}}, "invalid_value", "rooms.lin.delay_ms"),
        ({"rooms": {"lin": {"delay_ms": -1}}}, "invalid_value", "rooms.lin.delay_ms"),
        ({"rooms": {"lin": {"scene": "no spaces here"}}}, "invalid_value", "rooms.lin.scene"),
        ({"rooms": {"lin": {"message": None}}}, "unknown_field", "rooms.lin.message"),
    ],
)
async def test_what_overlays_cannot_be_told_is_refused(event: EventClient, body: dict[str, Any], code: str, field: str):
    response = await event.client.put(f"{event.path}/overlays", json=body)

    assert (response.json()["code"], response.json()["field"]) == (code, field)
    assert (await event.ok("GET", "/overlays"))["time"].startswith("1970")


async def test_second_of_two_who_tell_the_overlays_something_is_told_what_holds(event: EventClient):
    nothing = (await event.ok("GET", "/overlays"))["time"]
    first = await event.ok("PUT", "/overlays", {"scene": "intro"}, expected_time=nothing)
    stale = await event.client.put(f"{event.path}/overlays", json={"scene": "outro"}, params={"expected_time": nothing})
    held = await event.ok("GET", "/overlays")
    again = await event.ok("PUT", "/overlays", {"scene": "outro"}, expected_time=held["time"])
    wrong = await event.client.put(f"{event.path}/overlays", json={}, params={"expected_time": "yesterday"})

    assert (stale.status_code, stale.json()["code"]) == (409, "changed_meanwhile")
    assert stale.json()["now"] == held == first
    assert (held["scene"], again["scene"]) == ("intro", "outro")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "expected_time")
