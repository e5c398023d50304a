"""What a roster would do is told before it is done: every change, every error with its line, and not a trace left."""

from typing import Any

import httpx2
import pytest

from tests import factories
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def previewed(event: EventClient, body: str | dict[str, Any]) -> dict[str, Any]:
    response = await asked(event, body)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


async def asked(event: EventClient, body: str | dict[str, Any]) -> httpx2.Response:
    """With everything as it was before."""
    before, roster = await event.head(), await event.ok("GET", "/roster")
    given: dict[str, Any] = {"json": body}
    if isinstance(body, str):
        given = {"content": body.encode(), "headers": {"Content-Type": "text/csv"}}
    response = await event.client.put(f"{event.path}/roster", params={"preview": "true"}, **given)
    assert await event.head() == before
    assert await event.ok("GET", "/roster") == roster
    return response


def said(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(error["line"], error["field"], error["code"]) for error in document["errors"]]


async def test_changes_name_what_is_another_before_and_after(event: EventClient):
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "name": "Lin", "codes": ["LIN10"], "segment": "a"}]})
    hosts = [
        {"id": "h7", "name": "Lin Li", "codes": ["LIN20"], "segment": "", "commission_bps": 500, "person": "lin@x"},
        {"id": "h8"},
        {"id": "new", "name": "Bo", "team": "opal", "from": "2021-04-20T00:00:00Z"},
    ]

    document = await previewed(event, {"teams": [{"id": "opal"}], "stores": [{"id": "s1"}], "hosts": hosts})

    assert document == {
        "changes": [
            {
                "id": "h7",
                "line": 1,
                "what": "changed",
                "fields": {
                    "name": {"before": "Lin", "after": "Lin Li"},
                    "segment": {"before": "a", "after": None},
                    "commission_bps": {"before": None, "after": 500},
                    "codes": {"before": ["LIN10"], "after": ["LIN20"]},
                    "person": {"before": None, "after": None},
                },
            },
            {
                "id": "new",
                "line": 3,
                "what": "added",
                "fields": {
                    "name": {"before": None, "after": "Bo"},
                    "status": {"before": None, "after": "active"},
                    "team": {"before": None, "after": "opal"},
                },
            },
        ],
        "counts": {"added": 1, "changed": 1, "unchanged": 1},
        "errors": [],
        "new_teams": ["opal"],
        "new_stores": ["s1"],
    }


async def test_what_is_previewed_is_what_is_done(event: EventClient):
    text = "id,name,team,codes\nh7,Lin,jade,LIN11\nh8,,,\nx1,New,opal,\n"
    document = await previewed(event, text)
    response = await event.client.put(
        f"{event.path}/roster", content=text.encode(), headers={"Content-Type": "text/csv"}
    )
    again = await previewed(event, text)

    assert response.json()["changed"] == document["counts"]["added"] + document["counts"]["changed"]
    assert again["counts"] == {"added": 0, "changed": 0, "unchanged": 3}
    assert (again["changes"], again["new_teams"]) == ([], [])


async def test_each_bad_line_of_a_csv_is_named_with_its_column_and_good_ones_are_told(event: EventClient):
    text = (
        "id,name,team,codes,commission_bps,from,status\n"
        "ok1,One,ruby,,,,\n"
        "bad id,Two,ruby,,,,\n"
        'ok2,"a name",ruby,,,,\n'
        "pay,Three,ruby,,much,,\n"
        "time,Four,ruby,,,yesterday,\n"
        "cells,Five,ruby,,,,,extra\n"
        "House,Six,ruby,,,,\n"
        "ok1,Twice,ruby,,,,\n"
        "taken,Seven,ruby,LIN10,,,\n"
        "state,Eight,ruby,,,,asleep\n"
    )
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "codes": ["LIN10"]}]})

    document = await previewed(event, text)

    assert said(document) == [
        (3, "id", "invalid_value"),
        (5, "commission_bps", "wrong_type"),
        (6, "from", "time_not_readable"),
        (7, "", "csv_row"),
        (8, "id", "host_id_reserved"),
        (9, "id", "host_repeated"),
        (10, "codes", "code_taken"),
        (11, "status", "invalid_value"),
    ]
    assert [change["id"] for change in document["changes"]] == ["ok1", "ok2"]
    assert all(error["detail"] for error in document["errors"])


async def test_line_is_that_of_the_file_also_behind_cells_of_several_lines(event: EventClient):
    document = await previewed(event, 'id,name\nok,"One"\n\nalso,"x"\nbad id,y\n')

    assert said(document) == [(5, "id", "invalid_value")]


async def test_each_bad_record_of_a_json_is_named_by_its_number(event: EventClient):
    hosts = [{"id": "ok"}, {"id": "x", "team": "none"}, {"id": "y", "store": "none"}, {"name": "no id"}, {"id": 7}, "h"]
    body = {
        "teams": [{"id": "ok"}, {"id": ""}],
        "hosts": [*hosts, {"id": "z", "salary": 1}, {"id": "w", "codes": ["a b"]}],
    }

    assert said(await previewed(event, body)) == [
        (2, "teams[1].id", "invalid_value"),
        (2, "team", "unknown_team"),
        (3, "store", "unknown_store"),
        (4, "id", "missing_field"),
        (5, "id", "wrong_type"),
        (6, "", "wrong_type"),
        (7, "salary", "unknown_field"),
        (8, "codes[0]", "invalid_value"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("name\nLin\n", 422, "csv_columns"),
        ({"people": []}, 422, "unknown_field"),
        ({"hosts": {}}, 422, "wrong_type"),
        ([], 422, "wrong_type"),
    ],
)
async def test_what_is_no_list_of_records_is_refused_as_without_a_preview(event: EventClient, body, status, code):
    response = await asked(event, body)

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_final_event_says_so_in_the_preview(event: EventClient):
    await event.move("ended")
    await event.move("final")

    response = await asked(event, {"hosts": [{"id": "new"}]})

    assert (response.status_code, response.json()["code"]) == (409, "event_final")


async def test_ten_thousand_lines_are_previewed_in_one_call(draft: EventClient):
    await draft.create()
    await draft.ok("PUT", "/roster", factories.roster_body())
    rows = "".join(f"n{number},Name {number},ruby,CODE{number}\n" for number in range(10_000))

    document = await previewed(draft, f"id,name,team,codes\n{rows}n1,Twice,ruby,\n")

    assert document["counts"] == {"added": 10_000, "changed": 0, "unchanged": 0}
    assert said(document) == [(10_002, "id", "host_repeated")]
