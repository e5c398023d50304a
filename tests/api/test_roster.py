"""The roster over HTTP: JSON and CSV, upserts, memberships that hold from a time on."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests import factories
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def put_csv(event: EventClient, text: str | bytes, content_type: str = "text/csv") -> httpx2.Response:
    content = text.encode() if isinstance(text, str) else text
    return await event.client.put(f"{event.path}/roster", content=content, headers={"Content-Type": content_type})


async def host_of(event: EventClient, host: str) -> dict[str, Any]:
    hosts: list[dict[str, Any]] = (await event.ok("GET", "/roster"))["hosts"]
    return next(found for found in hosts if found["id"] == host)


RENAMED = {"id": "h7", "name": "Lin Yue"}


async def names_of(event: EventClient) -> dict[str, str]:
    return {row["id"]: row.get("name", "") for row in (await event.board())["rows"]}


async def test_roster_is_read_back_as_it_was_put(draft: EventClient):
    await draft.create()
    body = {
        "teams": [{"id": "ruby", "name": "Team Ruby", "link": "https://example.org/ruby"}],
        "stores": [{"id": "bund", "name": "The Bund"}],
        "hosts": [
            {
                "id": "h7",
                "name": "Lin",
                "picture": "https://example.org/lin.png",
                "team": "ruby",
                "store": "bund",
                "segment": "north",
                "codes": ["LIN10", "lin-live"],
                "commission_bps": 800,
                "person": "lin@example.org",
            }
        ],
    }

    answer = await draft.ok("PUT", "/roster", body)
    shown = await draft.ok("GET", "/roster")

    assert answer == {
        "event": draft.id,
        "position": 2,
        "version": 1,
        "entries": 1,
        "changed": 1,
        "orders_affected": 0,
        "teams": 1,
        "hosts": 1,
    }
    assert shown == {
        "event": draft.id,
        "position": 2,
        "version": 1,
        "teams": body["teams"],
        "stores": body["stores"],
        "hosts": [
            {
                "id": "h7",
                "name": "Lin",
                "picture": "https://example.org/lin.png",
                "team": "ruby",
                "store": "bund",
                "segment": "north",
                "status": "active",
                "codes": ["LIN10", "lin-live"],
                "commission_bps": 800,
                "memberships": [{"from": "2021-03-25T16:00:00.000000Z", "team": "ruby"}],
            }
        ],
    }


async def test_journal_holds_neither_names_nor_persons(event: EventClient):
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "name": "Lin Secret", "person": "lin@example.org"}]})

    text = str(await event.entries())

    assert "Secret" not in text
    assert "example.org" not in text


async def test_same_roster_again_is_no_entry(event: EventClient):
    head = await event.head()

    answer = await event.ok("PUT", "/roster", factories.roster_body())

    assert (answer["entries"], answer["changed"]) == (0, 0)
    assert await event.head() == head


async def test_what_a_record_leaves_out_stays(event: EventClient):
    before = await host_of(event, "h7")

    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "segment": "north"}]})

    assert await host_of(event, "h7") == before | {"segment": "north"}
    assert len((await event.ok("GET", "/roster"))["hosts"]) == 4


async def test_name_alone_changes_the_profile_and_its_entry_tells_whose(event: EventClient):
    answer = await event.ok("PUT", "/roster", {"teams": [{"id": "ruby", "name": "Ruby"}], "hosts": [RENAMED]})

    (entry,) = await event.entries(answer["position"] - 1)
    assert (answer["entries"], answer["changed"]) == (1, 1)
    assert (entry["kind"], entry["body"]) == ("roster.changed", {"named_hosts": ["h7"]})
    assert (await names_of(event))["h7"] == "Lin Yue"
    assert (await event.ok("PUT", "/roster", {"hosts": [RENAMED]}))["entries"] == 0


async def test_name_of_a_new_host_needs_no_word_of_its_own(event: EventClient):
    answer = await event.ok("PUT", "/roster", {"hosts": [{"id": "h11", "name": "An"}, RENAMED]})

    (entry,) = await event.entries(answer["position"] - 1)
    assert ([host["id"] for host in entry["body"]["hosts"]], entry["body"]["named_hosts"]) == (["h11"], ["h7"])
    assert answer["changed"] == 2


@pytest.mark.parametrize("key", [None, "names-1"])
async def test_refused_roster_call_names_nobody(event: EventClient, key):
    headers = {"Idempotency-Key": key} if key else {}
    await event.client.put(f"{event.path}/roster", json={"hosts": [{"id": "h11"}]}, headers=headers)
    bad = {"hosts": [RENAMED, {"id": "h8"} if key else {"id": "h8", "codes": ["LIN10"]}]}

    refused = await event.client.put(f"{event.path}/roster", json=bad, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (409, "request_conflict" if key else "code_taken")
    assert (await names_of(event))["h7"] == "Lin"


async def test_name_changes_in_a_final_event_without_an_entry(event: EventClient):
    await event.move("ended")
    await event.move("final")
    head = await event.head()

    await event.ok("PUT", "/roster", {"hosts": [RENAMED]})

    assert await event.head() == head
    assert (await names_of(event))["h7"] == "Lin Yue"


async def test_sale_counts_for_the_team_of_its_time(event: EventClient):
    change = {"hosts": [{"id": "h7", "team": "jade", "from": "2021-04-05T00:00:00Z"}]}
    await event.ok("PUT", "/roster", change)
    moments = {"before": "2021-04-04T23:59:59.999999Z", "at": "2021-04-05T00:00:00Z", "after": "2021-04-09T00:00:00Z"}

    teams = {
        name: (await event.sell(name, "h7", paid_at=moment))["credits"][0]["team"] for name, moment in moments.items()
    }

    assert teams == {"before": "ruby", "at": "jade", "after": "jade"}
    assert await event.scores("teams") == {"jade": "20.00", "ruby": "10.00"}
    assert [entry["team"] for entry in (await host_of(event, "h7"))["memberships"]] == ["ruby", "jade"]


async def test_change_without_a_time_holds_from_now_on(event: EventClient, clock):
    clock.at += 3_600_000_000
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "team": "jade"}]})
    clock.at += 3_600_000_000

    before = await event.sell("1", "h7", paid_at="2021-04-10T12:30:00Z")
    after = await event.sell("2", "h7", paid_at="2021-04-10T13:30:00Z")

    assert [answer["credits"][0]["team"] for answer in (before, after)] == ["ruby", "jade"]


async def test_earlier_change_moves_no_credit_that_is_there(event: EventClient):
    await event.sell("1", "h7")

    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "team": "jade", "from": factories.STARTS_AT}]})

    assert await event.scores("teams") == {"ruby": "10.00"}
    assert (await event.sell("2", "h7"))["credits"][0]["team"] == "jade"


async def test_earlier_change_tells_how_many_orders_stand_under_the_old_team(event: EventClient, clock):
    await event.sell("before", "h7", paid_at="2021-04-04T23:59:59.999999Z")
    await event.sell("at", "h7", paid_at="2021-04-05T00:00:00Z")
    await event.sell("other", "h8", paid_at="2021-04-06T00:00:00Z")
    clock.at += 3_600_000_000
    await event.sell("after", "h7", lines=[factories.line(), factories.line()])
    teams = [("jade", 2), ("ruby", 0), ("", 2)]

    answers = [
        await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "team": team, "from": "2021-04-05T00:00:00Z"}]})
        for team, _ in teams
    ]

    assert [answer["orders_affected"] for answer in answers] == [affected for _, affected in teams]
    now = await event.ok("PUT", "/roster", {"hosts": [{"id": "h8", "team": "ruby"}, {"id": "h11", "team": "ruby"}]})
    assert now["orders_affected"] == 0


async def test_orders_of_a_time_are_found_wherever_they_stand_in_the_journal(event: EventClient, clock):
    for number in range(9):
        clock.at += 3_600_000_000
        paid_at = (factories.NOW + timedelta(hours=number + 1)).isoformat()
        await event.sell(f"{number}", "h7", paid_at=paid_at)

    for number in range(9, -1, -1):
        since = (factories.NOW + timedelta(hours=number + 0.5)).isoformat()
        team = "jade" if number % 2 else ""
        answer = await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "team": team, "from": since}]})
        assert answer["orders_affected"] == 9 - number


async def test_host_leaves_its_team_and_sells_without_one(event: EventClient):
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "team": "", "from": "2021-04-01T00:00:00Z"}]})

    answer = await event.sell("1", "h7")

    assert answer["credits"][0]["team"] == ""
    assert (await event.board("teams"))["excluded"] == "10.00"


@pytest.mark.parametrize("status", ["hidden", "guest", "banned"])
async def test_host_that_is_not_active_sells_without_a_row(event: EventClient, status):
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "status": status}]})
    await event.sell("1", "h7")
    hidden = await event.board()

    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "status": "active"}]})
    shown = await event.board()

    assert ("h7" in {row["id"] for row in hidden["rows"]}, hidden["excluded"]) == (False, "10.00")
    assert (shown["rows"][0]["id"], shown["excluded"]) == ("h7", "0.00")


async def test_code_goes_over_to_another_host_in_one_call(event: EventClient):
    hosts = [{"id": "h7", "codes": []}, {"id": "h8", "codes": ["MEI20", "lin10"]}]

    await event.ok("PUT", "/roster", {"hosts": hosts})

    assert (await event.sell("1", code="LIN10"))["credits"][0]["host"] == "h8"


async def test_csv_makes_hosts_and_the_teams_they_name(draft: EventClient):
    await draft.create()
    text = (
        "\N{ZERO WIDTH NO-BREAK SPACE}id,name,team,store,codes,commission_bps,from\r\n"
        'h7,"Lin, Yue",ruby,bund,LIN10 LIN20,800,2021-04-01T00:00:00Z\r\n'
        "h8,Mei,jade,,,,\r\n"
    )

    response = await put_csv(draft, text, "text/csv; charset=utf-8")

    shown = await draft.ok("GET", "/roster")
    assert response.json()["changed"] == 2
    assert [team["id"] for team in shown["teams"]] == ["ruby", "jade"]
    assert [store["id"] for store in shown["stores"]] == ["bund"]
    assert [(host["name"], host["codes"], host["commission_bps"]) for host in shown["hosts"]] == [
        ("Lin, Yue", ["LIN10", "LIN20"], 800),
        ("Mei", [], 0),
    ]
    assert shown["hosts"][0]["memberships"] == [{"from": "2021-04-01T00:00:00.000000Z", "team": "ruby"}]


async def test_csv_and_json_of_the_same_roster_are_one(event: EventClient):
    head = await event.head()

    response = await put_csv(event, "id,team,codes\nh7,ruby,LIN10\nh8,jade,MEI20\n")

    assert response.json()["entries"] == 0
    assert await event.head() == head


@pytest.mark.parametrize(
    ("text", "status", "code", "field"),
    [
        ("name,team\nLin,ruby\n", 422, "csv_columns", "columns"),
        ("id,salary\nh7,1000\n", 422, "csv_columns", "columns"),
        ("", 422, "csv_columns", "columns"),
        ("id,team\nh1,ruby\nh2,ruby,extra\n", 422, "csv_row", "hosts[1]"),
        ("id,team\n,ruby\n", 422, "missing_field", "hosts[0].id"),
        ("id,commission_bps\nh1,ten\n", 422, "wrong_type", "hosts[0].commission_bps"),
        ("id,commission_bps\nh1,10001\n", 422, "invalid_value", "hosts[0].commission_bps"),
        ("id,status\nh1,asleep\n", 422, "invalid_value", "hosts[0].status"),
        ("id\nh1\nh1\n", 422, "host_repeated", "hosts[1].id"),
        ("id,from\nh1,monday\n", 422, "time_not_readable", "hosts[0].from"),
        (b"id,name\nh1,\xff\n", 400, "csv_not_utf8", None),
        ('id,name\nh1,"' + "x" * 200_000, 400, "csv_not_readable", None),
        ('id,"' + "x" * 200_000, 400, "csv_not_readable", None),
        ("id\nh\x001\n", 422, "invalid_value", "hosts[0].id"),
        ("id,id\nh1,h2\n", 422, "csv_columns", "columns"),
    ],
)
async def test_bad_csv_is_refused_without_a_trace(event: EventClient, text, status, code, field):
    head = await event.head()

    response = await put_csv(event, text)

    problem = response.json()
    assert (response.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert await event.head() == head


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"hosts": [{"id": "h7", "team": "gold"}]}, 422, "unknown_team", "hosts[0].team"),
        ({"hosts": [{"id": "h7", "store": "moon"}]}, 422, "unknown_store", "hosts[0].store"),
        ({"hosts": [{"id": "House"}]}, 422, "host_id_reserved", "hosts[0].id"),
        ({"hosts": [{"id": "h8", "codes": ["LIN10"]}]}, 409, "code_taken", "hosts"),
        ({"hosts": [{"id": "h7"}, {"id": "h7"}]}, 422, "host_repeated", "hosts[1].id"),
        ({"hosts": [{"name": "Lin"}]}, 422, "missing_field", "hosts[0].id"),
        ({"hosts": [{"id": "h 7"}]}, 422, "invalid_value", "hosts[0].id"),
        ({"hosts": [{"id": "h7", "salary": 1}]}, 422, "unknown_field", "hosts[0].salary"),
        ({"hosts": [{"id": "h7", "commission_bps": "800"}]}, 422, "wrong_type", "hosts[0].commission_bps"),
        ({"hosts": [{"id": "h7", "picture": "javascript:alert(1)"}]}, 422, "invalid_value", "hosts[0].picture"),
        ({"hosts": [{"id": "h7", "from": "2021-04-01T00:00:00"}]}, 422, "time_without_offset", "hosts[0].from"),
        ({"hosts": {"id": "h7"}}, 422, "wrong_type", "hosts"),
        ([], 422, "wrong_type", None),
        ({"players": []}, 422, "unknown_field", "players"),
    ],
)
async def test_bad_roster_is_refused_without_a_trace(event: EventClient, body, status, code, field):
    head = await event.head()

    response = await event.client.put(f"{event.path}/roster", json=body)

    problem = response.json()
    assert (response.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert await event.head() == head


async def test_ten_thousand_hosts_fit_into_one_call_and_a_thousand_into_an_entry(draft: EventClient):
    await draft.create()
    rows = "".join(f"h{number},Host {number},team-{number % 100}\n" for number in range(10_000))

    answer = (await put_csv(draft, "id,name,team\n" + rows)).json()

    bodies = [entry["body"] for entry in await draft.entries(1)]
    assert (answer["hosts"], answer["teams"], answer["changed"]) == (10_000, 100, 10_000)
    assert [sum(len(listed) for listed in body.values()) for body in bodies] == [1_000] * 10 + [100]


async def test_idempotency_key_repeats_a_roster_call_and_refuses_another(event: EventClient):
    key = {"Idempotency-Key": "roster-1"}
    body = {"hosts": [{"id": "h11", "team": "ruby"}]}
    await event.client.put(f"{event.path}/roster", json=body, headers=key)
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h11", "team": "jade"}]})
    head = await event.head()

    again = await event.client.put(f"{event.path}/roster", json=body, headers=key)
    other = await event.client.put(f"{event.path}/roster", json={"hosts": [{"id": "h12"}]}, headers=key)

    assert again.status_code == 200
    assert (other.status_code, other.json()["code"]) == (409, "request_conflict")
    assert await event.head() == head


async def test_repeat_answers_as_the_first_time_whatever_happened_meanwhile(event: EventClient):
    key = {"Idempotency-Key": "roster-2"}
    await event.sell("1", "h7")
    hosts = [{"id": f"new-{number}", "team": "ruby"} for number in range(1_100)]
    body = {"hosts": [*hosts, {"id": "h7", "name": "Lin Yue", "team": "jade", "from": factories.STARTS_AT}]}
    first = await event.client.put(f"{event.path}/roster", json=body, headers=key)
    await event.ok(
        "PUT", "/roster", {"teams": [{"id": "opal"}], "hosts": [{"id": "h7", "name": "Lin", "team": "opal"}]}
    )
    await event.sell("2", "h7")

    again = await event.client.put(f"{event.path}/roster", json=body, headers=key)

    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", first.json())
    assert [again.json()[name] for name in ("entries", "changed", "orders_affected")] == [2, 1_101, 1]
    assert (await names_of(event))["h7"] == "Lin"


async def test_same_key_with_another_name_is_another_call(event: EventClient):
    key = {"Idempotency-Key": "roster-3"}
    await event.client.put(f"{event.path}/roster", json={"hosts": [RENAMED]}, headers=key)

    other = {"hosts": [RENAMED | {"name": "Lin Er"}]}
    answers = [
        await event.client.put(f"{event.path}/roster", json=body, headers=key) for body in ({"hosts": [RENAMED]}, other)
    ]

    assert [answer.status_code for answer in answers] == [200, 409]
    assert (answers[0].json()["entries"], (await names_of(event))["h7"]) == (1, "Lin Yue")
