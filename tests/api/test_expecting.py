"""Two people act on the same page: the second is told what the first has done, and nothing is written twice."""

import asyncio
from typing import Any

import httpx2
import pytest

from app.api import expecting
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOVE = ("POST", "/transitions", {"to": "paused", "reason": "Break"})
RULES = ("PATCH", "/rules", {"ranks": "shared"})
ROSTER = ("PUT", "/roster", {"hosts": [{"id": "new", "team": "ruby"}]})
NAMED = ("PUT", "/roster", {"hosts": [{"id": "other", "name": "Other"}]})
AGAIN = {
    "/transitions": {"to": "live"},
    "/rules": {"ranks": "distinct"},
    "/roster": {"hosts": [{"id": "h7", "segment": "b"}]},
}


async def call(
    event: EventClient, what: tuple[str, str, Any], shown: int | None, client: Any = None, key: str = ""
) -> httpx2.Response:
    method, path, body = what
    params = {} if shown is None else {"expected_position": shown}
    headers = {"Idempotency-Key": key} if key else {}
    response: httpx2.Response = await (client or event.client).request(
        method, event.path + path, json=body, params=params, headers=headers
    )
    return response


@pytest.mark.parametrize("what", [MOVE, RULES, ROSTER, NAMED], ids=lambda what: what[1])
async def test_second_of_two_is_told_what_the_first_has_changed(api: Api, event: EventClient, what):
    made = (await api.client.post("/v1/keys", json={"person": "mei", "scopes": ["ops"]})).json()
    shown = (await event.head())[0]
    await event.sell("1", "h7")
    async with api.client_of(made["key"]) as mei:
        first = await call(event, what, shown, mei)
    await event.sell("2", "h7")
    before = await event.head()

    method, path, _ = what
    second = await call(event, (method, path, AGAIN[path]), shown)

    assert first.status_code == 200, first.text
    assert (second.status_code, second.json()["code"]) == (409, "changed_meanwhile")
    (change,) = second.json()["changes"]
    assert (change["position"], change["person"], change["actor"]) == (shown + 2, "mei", f"key:{made['id']}")
    assert await event.head() == before
    told: dict[str, dict[str, Any]] = {
        "/transitions": {"from": "live", "to": "paused", "reason": "Break"},
        "/rules": {"version": 2},
    }
    wanted = told.get(path, {"hosts_total": 1})
    assert {name: change[name] for name in wanted} == wanted
    # Looked again, it is taken.
    assert (await call(event, (method, path, AGAIN[path]), before[0])).status_code == 200


@pytest.mark.parametrize("what", [MOVE, RULES, ROSTER], ids=lambda what: what[1])
async def test_orders_and_other_matters_are_no_change(event: EventClient, what):
    shown = (await event.head())[0]
    await event.sell("1", "h7")
    for other in (MOVE, RULES, ROSTER):
        if other is not what:
            assert (await call(event, other, None)).status_code == 200

    assert (await call(event, what, shown)).status_code == 200


async def test_of_many_at_once_one_is_taken(event: EventClient):
    shown = (await event.head())[0]
    calls = [call(event, ("PATCH", "/rules", {"claim_days": days}), shown) for days in range(1, 9)]

    answers = await asyncio.gather(*calls)

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"changed_meanwhile"}
    assert (await event.ok("GET"))["rules_version"] == 2


@pytest.mark.parametrize("what", [MOVE, RULES, ROSTER, NAMED], ids=lambda what: what[1])
async def test_double_click_is_answered_as_the_first_time(event: EventClient, what):
    shown = (await event.head())[0]
    first = await call(event, what, shown, key="click")
    before = await event.head()
    second = await call(event, what, shown, key="click")

    assert [answer.status_code for answer in (first, second)] == [200, 200]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await event.head() == before


async def test_page_that_is_too_far_behind_has_to_be_loaded_again(event: EventClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(expecting, "_BEHIND_MAX", 2)
    shown = (await event.head())[0]
    for number in range(3):
        await event.sell(str(number), "h7")

    refused = await call(event, RULES, shown)

    assert (refused.status_code, refused.json()["code"], refused.json()["changes"]) == (409, "changed_meanwhile", [])


async def test_position_that_is_not_there_yet_changes_nothing(event: EventClient):
    assert (await call(event, RULES, 10_000)).status_code == 200
    assert (await call(event, MOVE, -1)).status_code == 422
