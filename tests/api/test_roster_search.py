"""A roster is searched and read by pages that lose and repeat none; without parameters it is whole, as ever."""

import itertools
from typing import Any

import pytest

from app.api.paging import next_cursor
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE: list[dict[str, Any]] = [
    {"id": "a1", "name": "José Ångström", "team": "eme", "codes": ["JOSE10"]},
    {"id": "a2", "name": "李娜", "team": "eme", "store": "soho"},
    {"id": "a3", "name": "Straße Élise", "team": "onyx", "segment": "night", "status": "guest"},
    {"id": "a4", "name": "\uff2c\uff29\uff2e\uff21 \uff34\uff2f\uff2b\uff39\uff2f", "team": "onyx"},
    {"id": "a10", "name": "ガスパール", "commission_bps": 900},
    {"id": "lina", "name": "Zoe"},
]
TEAMS = [{"id": "eme", "name": "Émeraude"}, {"id": "onyx", "name": "Onyx"}, {"id": "zinc"}]


async def opened(api: Api, name: str) -> EventClient:
    return await EventClient(api.client, name).open(
        {"teams": TEAMS, "stores": [{"id": "soho", "name": "Soho"}], "hosts": PEOPLE}
    )


async def page(event: EventClient, **params: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await event.ok("GET", "/roster", **params)
    return answer


async def found(event: EventClient, query: str, **params: Any) -> list[str]:
    answer = await page(event, query=query, **params)
    rows = answer[params.get("list", "hosts")]
    assert answer["found"] == len(rows)
    return [row["id"] for row in rows]


async def all_pages(event: EventClient, limit: int, **params: Any) -> list[str]:
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await page(event, limit=limit, **params, **({"cursor": cursor} if cursor else {}))
        rows = answer[params.get("list", "hosts")]
        assert 0 < len(rows) <= limit
        ids += [row["id"] for row in rows]
        cursor = answer.get("cursor")
    return ids


async def test_whole_roster_is_answered_as_ever_without_parameters(event: EventClient):
    whole = await page(event)
    first = await page(event, limit=2)

    assert whole.keys() == {"event", "position", "version", "teams", "stores", "hosts"}
    assert len(whole["hosts"]) == 4
    by_id = {host["id"]: host for host in whole["hosts"]}
    assert [by_id[host["id"]] for host in first["hosts"]] == first["hosts"]
    assert (first["position"], first["version"]) == (whole["position"], whole["version"])
    assert (first["found"], first["totals"]) == (4, {"hosts": 4, "teams": 2, "stores": len(whole["stores"])})


async def test_rows_are_found_whatever_case_accents_and_width_are_typed(api: Api):
    event = await opened(api, "spellings")

    for query in ("jose", "JOSÉ", "ang jos", "jose\u0301", "  Ångström  "):
        assert await found(event, query) == ["a1"], query
    assert await found(event, "STRASSE elise") == ["a3"]
    assert await found(event, "娜") == ["a2"]
    assert await found(event, "lina tokyo") == ["a4"]
    assert await found(event, "ｶﾞｽ") == ["a10"]
    # Voicing is another sound, no accent: \u30ab is not \u30ac.
    assert await found(event, "カス") == []


async def test_every_word_has_to_be_in_some_text_of_the_row(api: Api):
    event = await opened(api, "words")

    assert await found(event, "emeraude") == ["a1", "a2"]
    assert await found(event, "emeraude soho") == ["a2"]
    assert await found(event, "jose10") == ["a1"]
    assert await found(event, "guest night") == ["a3"]
    assert await found(event, "emeraude nobody") == []
    assert await found(event, "EME", list="teams") == ["eme"]
    assert await found(event, "", list="stores") == ["soho"]


async def test_what_fits_best_comes_first_the_very_id_before_all(api: Api):
    event = await opened(api, "best")

    assert await found(event, "lina") == ["lina", "a4"]
    assert await found(event, "a1") == ["a1", "a10"]
    # José Ångström begins so, Straße and the others only have it somewhere.
    assert (await found(event, "s"))[0] == "a3"


async def test_pages_hold_every_row_once_in_every_order(api: Api):
    event = await opened(api, "pages")
    everybody = {host["id"] for host in PEOPLE}

    columns = ("name", "id", "team", "store", "status", "commission_bps", "")
    for column, limit, sign in itertools.product(columns, (1, 4), ("", "-")):
        if column or not sign:
            ids = await all_pages(event, limit, sort=f"{sign}{column}")
            assert (len(ids), set(ids)) == (6, everybody), (column, sign)
    assert await all_pages(event, 2, sort="id") == ["a1", "a10", "a2", "a3", "a4", "lina"]
    assert await all_pages(event, 2, sort="name") == ["a1", "a4", "a3", "lina", "a10", "a2"]
    assert (await all_pages(event, 2, sort="-commission_bps"))[0] == "a10"
    assert await all_pages(event, 2, list="teams", sort="-hosts", query="") == ["onyx", "eme", "zinc"]
    assert await all_pages(event, 1, query="emeraude") == ["a1", "a2"]


async def test_page_behind_a_row_goes_on_there_when_the_roster_changed(api: Api):
    event = await opened(api, "moving")
    first = await page(event, sort="id", limit=2)

    await event.ok("PUT", "/roster", {"hosts": [{"id": "a0"}, {"id": "a11"}, {"id": "a1", "name": "Renamed"}]})
    second = await page(event, sort="id", limit=2, cursor=first["cursor"])

    assert [host["id"] for host in second["hosts"]] == ["a11", "a2"]
    assert second["version"] > first["version"]
    assert second["position"] > first["position"]


async def test_new_names_are_found_at_once(api: Api):
    event = await opened(api, "renamed")
    assert await found(event, "zoe") == ["lina"]

    names = {"hosts": [{"id": "lina", "name": "Chloé"}], "teams": [{"id": "eme", "name": "X1"}]}
    await event.ok("PUT", "/roster", names)

    assert await found(event, "zoe") == []
    assert await found(event, "chloe") == ["lina"]
    assert await found(event, "x1") == ["a1", "a2"]


async def test_page_names_the_teams_of_its_hosts_and_counts_the_hosts_of_teams(api: Api):
    event = await opened(api, "named")
    await event.ok("PUT", "/roster", {"hosts": [{"id": "a2", "team": "zinc"}]})

    hosts = await page(event, query="soho")
    teams = await page(event, list="teams", sort="name")

    assert [host["id"] for host in hosts["hosts"]] == ["a2"]
    assert hosts["teams"] == [{"id": "eme", "name": "Émeraude"}, {"id": "zinc"}]
    assert hosts["stores"] == [{"id": "soho", "name": "Soho"}]
    assert teams["teams"] == [
        {"id": "eme", "name": "Émeraude", "hosts": 1},
        {"id": "onyx", "name": "Onyx", "hosts": 2},
        {"id": "zinc", "hosts": 1},
    ]
    assert (teams["hosts"], teams["stores"]) == ([], [])


async def test_pay_orders_rows_only_for_those_who_may_see_it(api: Api, event: EventClient):
    key = (await api.client.post("/v1/keys", json={"person": "shop", "scopes": ["orders"]})).json()["key"]

    async with api.client_of(key) as shop:
        refused = await shop.get(f"{event.path}/roster", params={"sort": "-commission_bps"})
        answer = (await shop.get(f"{event.path}/roster", params={"sort": "name"})).json()

    assert (refused.status_code, refused.json()["code"]) == (422, "sort_unknown")
    assert all("commission_bps" not in host for host in answer["hosts"])


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"list": "people"}, "invalid_value"),
        ({"sort": "colour"}, "sort_unknown"),
        ({"sort": "-"}, "sort_unknown"),
        ({"list": "teams", "sort": "team"}, "sort_unknown"),
        ({"limit": 0}, "invalid_value"),
        ({"limit": 201}, "invalid_value"),
        ({"cursor": "x"}, "cursor_unknown"),
        (next_cursor("[1]"), "cursor_unknown"),
        (next_cursor('["a","b","c"]'), "cursor_unknown"),
        (next_cursor('[1,2,"c"]'), "cursor_unknown"),
        (next_cursor('{"a":1,"b":1,"c":1}'), "cursor_unknown"),
    ],
)
async def test_what_no_page_can_be_made_of_is_refused(event: EventClient, params: dict[str, Any], code: str):
    answer = await event.get("/roster", **params)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
