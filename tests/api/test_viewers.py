"""Signs of viewers, many in a call: counted by the minute, refused one by one, written into the journal, shown."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from app.audience.presence import SOURCES_MAX
from app.sales.times import rfc3339
from tests import factories
from tests.api.conftest import Clock
from tests.app_in_process import Api, running_app
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = 1_000_000
MINUTE = 60 * SECOND
# Of the clock that the tests set, the beginning of a minute.
START = factories.NOW_US


@pytest_asyncio.fixture(loop_scope="module")
async def watched(event: EventClient) -> AsyncIterator[EventClient]:
    await event.ok("POST", "/sessions", {"id": "s1", "hosts": [{"id": "h7"}], "started_at": factories.PAID_AT})
    yield event


def signs(*viewers: str, session: str = "s1", **fields: Any) -> list[dict[str, Any]]:
    return [{"type": "heartbeat", "viewer": viewer, "session": session, **fields} for viewer in viewers]


async def written(api: Api, event: EventClient) -> list[tuple[str, int, int]]:
    """What the journal says after the sampler has looked: session, minutes since the start, viewers."""
    await api.services.viewers.sampler.sample()
    facts = [entry["body"]["fact"] for entry in await event.entries() if entry["kind"] == "viewers.sampled"]
    return [(fact.get("session", ""), (fact["minute"] - START) // MINUTE, fact["viewers"]) for fact in facts]


async def shown(event: EventClient, rest: str = "") -> Any:
    response = await event.client.get(f"/v1/channels/{event.id}{rest}")
    return response.json()


async def codes(event: EventClient, items: list[Any]) -> list[tuple[int, str]]:
    answer = await event.ok("POST", "/viewers", items)
    assert answer["accepted"] + answer["refused"] == len(items)
    return [(refusal["index"], refusal["code"]) for refusal in answer["refusals"]]


async def test_viewers_of_each_minute_come_into_the_journal_and_the_documents(
    api: Api, watched: EventClient, clock: Clock
):
    await watched.ok("POST", "/viewers", [*signs("a", "b", "c"), *signs("d", session="")])
    clock.at = START + MINUTE
    await watched.ok("POST", "/viewers", signs("a", "b"))
    clock.at = START + 2 * MINUTE + 30 * SECOND
    first, second = [("", 0, 4), ("s1", 0, 3)], [("", 1, 2), ("s1", 1, 2)]

    assert await written(api, watched) == first + second
    state, session = await shown(watched), await shown(watched, "/sessions/s1")
    assert (state["viewers_peak"], state["viewer_minutes"]) == (4, 6)
    assert state["viewers_different"] == {"estimate": 4, "low": 4, "high": 4}
    assert (session["viewers_peak"], session["viewer_minutes"], session["viewers_different"]["estimate"]) == (3, 5, 3)


async def test_minute_is_written_once_and_only_when_its_grace_is_over(api: Api, watched: EventClient, clock: Clock):
    await watched.ok("POST", "/viewers", signs("a"))
    clock.at = START + MINUTE + 30 * SECOND - 1
    before = await written(api, watched)
    in_time = await codes(watched, signs("b", at=rfc3339(START + MINUTE - 1)))
    clock.at += 1
    too_late = await codes(watched, signs("c", at=rfc3339(START + MINUTE - 1)))

    assert (before, in_time, too_late) == ([], [], [(0, "minute_closed")])
    for _ in range(2):
        assert await written(api, watched) == [("", 0, 2), ("s1", 0, 2)]


async def test_live_numbers_are_those_of_minutes_and_the_peak_stays(api: Api, watched: EventClient, clock: Clock):
    await watched.ok("POST", "/viewers", signs("a", "b", "c"))
    live = await shown(watched, "/viewers")
    clock.at = START + MINUTE + 31 * SECOND
    await watched.ok("POST", "/viewers", signs("a"))
    after_it_was_written = (await written(api, watched), await shown(watched, "/viewers"))[1]
    clock.at = START + 5 * MINUTE
    later = await shown(watched, "/viewers")

    assert (live["viewers"], live["peak"], live["rows"]) == (3, 3, [{"id": "s1", "viewers": 3}])
    assert (after_it_was_written["viewers"], after_it_was_written["peak"]) == (3, 3)
    assert (later["viewers"], later["peak"], later["rows"]) == (0, 3, [])


async def test_thousands_of_signs_of_few_viewers_are_few_viewers(api: Api, watched: EventClient, clock: Clock):
    kinds = ("join", "heartbeat", "click", "cart", "like")
    items = [{"type": kinds[number % 5], "viewer": f"v{number % 3}", "session": "s1"} for number in range(5_000)]
    for _ in range(4):
        assert await codes(watched, items) == []
    clock.at = START + 2 * MINUTE

    assert await written(api, watched) == [("", 0, 3), ("s1", 0, 3)]


async def test_viewer_on_the_stream_and_in_a_call_is_one(api: Api, watched: EventClient):
    await watched.ok("POST", "/viewers", signs("lin"))
    await api.services.viewers.heartbeats.take(f"{watched.id}/sessions/s1", b"vlin")

    assert (await shown(watched, "/viewers"))["viewers"] == 1


async def test_numbers_of_platforms_are_added_and_the_highest_of_each_holds(
    api: Api, watched: EventClient, clock: Clock
):
    counts = [("tiktok", 100), ("tiktok", 140), ("tiktok", 120), ("taobao", 7)]
    items = [{"type": "count", "session": "s1", "source": source, "viewers": count} for source, count in counts]
    of_a_minute = {"type": "count", "viewers": 3, "minute": rfc3339(START + 59 * SECOND)}
    assert await codes(watched, [*items, of_a_minute, *signs("a")]) == []
    clock.at = START + 2 * MINUTE

    assert await written(api, watched) == [("", 0, 151), ("s1", 0, 148)]
    assert (await shown(watched))["viewers_different"]["estimate"] == 1


async def test_a_little_ahead_is_now_and_far_ahead_is_refused(api: Api, watched: EventClient, clock: Clock):
    ahead = rfc3339(START + 5 * MINUTE)
    refused = await codes(watched, [*signs("a", at=ahead), *signs("b", at=rfc3339(START + 5 * MINUTE + 1))])
    count = {"type": "count", "viewers": 5, "minute": rfc3339(START + 60 * MINUTE)}
    clock.at = START + 2 * MINUTE

    assert refused == [(1, "viewer_in_future")]
    assert await codes(watched, [count]) == [(0, "viewer_in_future")]
    assert await written(api, watched) == [("", 0, 1), ("s1", 0, 1)]


BAD: list[tuple[Any, str]] = [
    ({"type": "count", "viewers": -1}, "invalid_value"),
    ({"type": "count", "viewers": 10**9}, "invalid_value"),
    ({"type": "count", "viewers": 10**30}, "invalid_value"),
    ({"type": "count", "viewers": 1.5}, "wrong_type"),
    ({"type": "count"}, "missing_field"),
    ({"type": "count", "viewers": 1, "viewer": "a"}, "unknown_field"),
    ({"type": "count", "viewers": 1, "at": "2021-04-10T12:00:00Z"}, "unknown_field"),
    ({"type": "count", "viewers": 1, "source": "no such"}, "invalid_value"),
    ({"type": "heartbeat"}, "missing_field"),
    ({"type": "heartbeat", "viewer": ""}, "invalid_value"),
    ({"type": "heartbeat", "viewer": "x" * 65}, "invalid_value"),
    ({"type": "heartbeat", "viewer": 7}, "wrong_type"),
    ({"type": "heartbeat", "viewer": "a", "viewers": 9}, "unknown_field"),
    ({"type": "heartbeat", "viewer": "a", "who": "b"}, "unknown_field"),
    ({"type": "stare", "viewer": "a"}, "invalid_value"),
    ({"viewer": "a"}, "missing_field"),
    ({"type": "heartbeat", "viewer": "a", "session": "none"}, "session_unknown"),
    ({"type": "heartbeat", "viewer": "a", "at": "noon"}, "time_not_readable"),
    ({"type": "heartbeat", "viewer": "a", "at": "2021-04-10T12:00:00"}, "time_without_offset"),
    ({"type": "leave", "viewer": "a", "session": "none"}, "session_unknown"),
    ([], "wrong_type"),
    (None, "wrong_type"),
]


async def test_bad_items_are_refused_alone_with_their_place(api: Api, watched: EventClient):
    good = signs("good")
    items = [*good, *(item for item, _ in BAD), *good]

    assert await codes(watched, items) == [(number + 1, code) for number, (_, code) in enumerate(BAD)]
    assert (await shown(watched, "/viewers"))["viewers"] == 1


async def test_lines_are_taken_and_a_broken_one_fails_alone(api: Api, watched: EventClient):
    lines = [orjson.dumps(sign) for sign in signs("a", "b")]
    answers = []
    for body in (lines, [lines[0], b'{"type": "hea', b'{"type":"join","viewer":"\\ud800"}', b"", lines[1]]):
        response = await watched.client.post(f"{watched.path}/viewers", content=b"\n".join(body) + b"\n")
        assert response.status_code == 200
        answers.append(response.json())

    assert answers[0] == {"accepted": 2, "refused": 0, "refusals": []}
    assert [(one["index"], one["code"]) for one in answers[1]["refusals"]] == [(1, "invalid_json"), (2, "invalid_json")]
    assert (await shown(watched, "/viewers"))["viewers"] == 2


async def test_session_that_has_ended_has_viewers_until_then(api: Api, watched: EventClient, clock: Clock):
    await watched.ok("POST", "/sessions/s1/end", {"ended_at": rfc3339(START + 20 * SECOND)})
    at = [rfc3339(START + 19 * SECOND), rfc3339(START + 20 * SECOND)]
    clock.at = START + 40 * SECOND

    assert await codes(watched, [*signs("a", at=at[0]), *signs("b", at=at[1])]) == [(1, "session_ended")]
    clock.at = START + 2 * MINUTE
    assert await written(api, watched) == [("", 0, 1), ("s1", 0, 1)]


async def test_who_leaves_counts_for_nothing(api: Api, watched: EventClient):
    assert await codes(watched, [{"type": "leave", "viewer": "a", "session": "s1"}]) == []
    assert (await shown(watched, "/viewers"))["viewers"] == 0


async def test_sources_beyond_what_a_session_can_have_are_refused(api: Api, watched: EventClient):
    items = [{"type": "count", "viewers": 1, "source": f"p{number}"} for number in range(SOURCES_MAX + 1)]

    assert await codes(watched, items) == [(SOURCES_MAX, "too_many_sources")]


async def test_call_is_bounded(api: Api, watched: EventClient):
    items_max = api.services.settings.batch_items_max
    many = await watched.post("/viewers", signs(*map(str, range(items_max + 1))))
    large = await watched.post("/viewers", signs("x" * api.services.settings.batch_body_bytes_max))

    assert (many.status_code, many.json()["code"]) == (413, "too_many_items")
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert (await shown(watched, "/viewers"))["viewers"] == 0


async def test_final_event_takes_none_and_keeps_the_minutes_it_has(api: Api, watched: EventClient, clock: Clock):
    await watched.ok("POST", "/viewers", signs("a", "b"))
    clock.at = START + 2 * MINUTE
    await written(api, watched)
    await watched.ok("POST", "/viewers", signs("a", "b", "c"))
    for status in ("ended", "final"):
        await watched.move(status)
    refused = await watched.post("/viewers", signs("a"))
    clock.at = START + 4 * MINUTE

    assert (refused.status_code, refused.json()["code"]) == (409, "event_final")
    assert await written(api, watched) == [("", 0, 2), ("s1", 0, 2)]
    assert (await shown(watched, "/viewers"))["peak"] == 2


async def test_more_viewers_than_are_counted_are_refused(database_url: str, clock: Clock):
    async with running_app(database_url, clock, viewers_per_event_max=2) as api:
        event = await EventClient(api.client, "crowded").open()

        refused = await codes(event, signs("a", "b", "c", "a", session=""))

    assert refused == [(2, "too_many_viewers")]


async def test_peak_and_minutes_survive_a_restart_and_a_stop_writes_what_is_over(database_url: str, clock: Clock):
    async with running_app(database_url, clock) as api:
        event = await EventClient(api.client, "restarted").open()
        await event.ok("POST", "/viewers", signs("a", "b", session=""))
        clock.at = START + MINUTE + SECOND
        await event.ok("POST", "/viewers", signs("a", session=""))
    async with running_app(database_url, clock) as api:
        event = EventClient(api.client, "restarted")
        live, state = await shown(event, "/viewers"), await shown(event)

        assert (live["viewers"], live["peak"]) == (0, 2)
        assert (state["viewers_peak"], state["viewer_minutes"]) == (2, 2)
        # Who is still there comes again, and the minute that was under way goes on.
        await event.ok("POST", "/viewers", signs("a", session=""))
        clock.at = START + 3 * MINUTE
        assert await written(api, event) == [("", 0, 2), ("", 1, 1)]
