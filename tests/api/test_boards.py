"""Boards over HTTP: the document, its arithmetic, the part shown, the past, days, views and who may read."""

from typing import Any

import pytest

from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIN = {"name": "Lin", "team": "ruby", "team_name": "Ruby"}
MEI = {"name": "Mei", "team": "jade", "team_name": "Jade"}


async def token_for(event: EventClient, *channels: str) -> str:
    response = await event.client.post("/v1/tokens", json={"event": event.id, "channels": list(channels)})
    token: str = response.json()["token"]
    return token


async def test_board_document_is_what_the_design_says(event: EventClient):
    await event.sell("1", "h7", "12.50")
    await event.sell("2", "h8", "7.25")
    await event.sell("3", price="3.00")
    epoch = (await event.ok("GET"))["epoch"]

    assert await event.board("hosts", limit=2) == {
        "event": event.id,
        "event_name": "KOS101",
        "board": "hosts",
        "of": "host",
        "measure": "net_sales",
        "window": "event",
        "unit": "GBP",
        "epoch": epoch,
        "position": 7,
        "finality": "live",
        "frozen": False,
        "rows_total": 4,
        "total": "22.75",
        "house": "3.00",
        "excluded": "0.00",
        "rows": [
            {"rank": 1, "id": "h7", **LIN, "score": "12.50", "gap": "0.00"},
            {"rank": 2, "id": "h8", **MEI, "score": "7.25", "gap": "5.25"},
        ],
    }


@pytest.mark.parametrize("of", ["hosts", "teams"])
@pytest.mark.parametrize("measure", ["gross_sales", "net_sales", "orders", "units"])
async def test_every_board_of_the_list_can_be_read_under_its_id(event: EventClient, of, measure):
    await event.order(host="h7")
    listed = await event.ok("GET", "/boards")
    wanted = [board for board in listed["boards"] if board["of"] == of[:-1] and board["measure"] == measure]

    documents = [await event.board(board["board"]) for board in wanted]

    expected: dict[str, Any] = {"orders": 1, "units": 2}
    assert listed["event"] == event.id
    assert [board["window"] for board in wanted] == ["event", "day"]
    for board, document in zip(wanted, documents, strict=True):
        assert {name: document[name] for name in ("board", "of", "measure")} == {
            name: board[name] for name in ("board", "of", "measure")
        }
        assert document["rows"][0]["score"] == expected.get(measure, "34.00")


async def test_total_is_rows_plus_house_plus_excluded(event: EventClient):
    hidden = {"hosts": [{"id": "h9", "status": "hidden"}]}
    await event.ok("PUT", "/roster", hidden)
    for number, host in enumerate(["h7", "h8", "h9", "h10", ""]):
        await event.sell(f"{number}", host, f"{number + 1}.10")

    board = await event.board()

    assert [row["id"] for row in board["rows"]] == ["h10", "h8", "h7"]
    assert (board["total"], board["house"], board["excluded"]) == ("15.50", "5.10", "3.10")


async def test_around_puts_a_row_in_the_middle(draft: EventClient):
    hosts = [{"id": f"h{number:02}", "team": "ruby"} for number in range(20)]
    await draft.open({"teams": [{"id": "ruby"}], "hosts": hosts})
    batch = [factories.simple_order(f"{number}", f"h{number:02}", f"{100 - number}.00") for number in range(20)]
    await draft.ok("POST", "/orders/batch", batch)

    shown = {around: await draft.board(around=around, limit=5) for around in ("h00", "h10", "h19")}
    missing = await draft.get("/boards/hosts", around="h99")

    assert {around: [row["rank"] for row in board["rows"]] for around, board in shown.items()} == {
        "h00": [1, 2, 3, 4, 5],
        "h10": [9, 10, 11, 12, 13],
        "h19": [16, 17, 18, 19, 20],
    }
    assert shown["h10"]["rows"][2]["id"] == "h10"
    assert (missing.status_code, missing.json()["code"]) == (404, "row_unknown")


async def test_at_shows_the_board_as_it_was_at_every_position(event: EventClient):
    seen = {}
    for number, (host, price) in enumerate([("h7", "5.00"), ("h8", "7.00"), ("h7", "4.00"), ("", "1.00")]):
        await event.sell(f"{number}", host, price)
        board = await event.board()
        seen[board["position"]] = board

    for position, board in seen.items():
        assert await event.board(at=position) == board
    assert (await event.board(at=1))["rows"] == []
    ahead = await event.get("/boards/hosts", at=99)
    assert (ahead.status_code, ahead.json()["code"], ahead.json()["field"]) == (422, "position_ahead", "at")


async def test_day_window_is_the_local_day_of_the_last_entry(event: EventClient, clock):
    # Shanghai is eight hours ahead: 16:00 UTC is its midnight.
    await event.sell("1", "h7", "1.00", paid_at="2021-04-09T15:59:59Z")
    await event.sell("2", "h7", "2.00", paid_at="2021-04-09T16:00:00Z")
    await event.sell("3", "h7", "4.00", paid_at="2021-04-10T11:00:00Z")

    scores = {window: await event.scores(window=window) for window in ("event", "day", "2021-04-09", "day:2021-04-10")}
    empty = await event.board(window="2021-04-01")
    clock.at += 6 * 3_600_000_000
    await event.sell("4", "h8", "8.00", paid_at="2021-04-10T17:00:00Z")

    assert scores == {
        "event": {"h7": "7.00"},
        "day": {"h7": "6.00"},
        "2021-04-09": {"h7": "1.00"},
        "day:2021-04-10": {"h7": "6.00"},
    }
    assert (empty["window"], empty["rows"], empty["total"]) == ("day:2021-04-01", [], "0.00")
    assert await event.scores(window="day") == {"h8": "8.00"}
    assert (await event.board("hosts.day"))["window"] == "day:2021-04-11"
    assert await event.scores("hosts.net_sales.day:2021-04-10") == {"h7": "6.00"}


async def test_refund_counts_in_the_day_of_its_order(event: EventClient):
    await event.order(host="h7", paid_at="2021-04-09T11:00:00Z")

    await event.ok("POST", "/refunds", factories.refund(lines=[{"id": "1", "quantity": 1}]))

    assert await event.scores(window="2021-04-09") == {"h7": "17.00"}
    assert await event.scores(window="day") == {}


async def test_equal_scores_rank_by_who_got_there_first_or_share_a_rank(event: EventClient):
    for number, host in enumerate(["h10", "h8", "h7"]):
        await event.sell(f"{number}", host)
    distinct = await event.board()

    await event.ok("PATCH", "/rules", {"ranks": "shared"})
    shared = await event.board()

    assert [(row["rank"], row["id"]) for row in distinct["rows"]] == [(1, "h10"), (2, "h8"), (3, "h7"), (4, "h9")]
    assert [(row["rank"], row["id"]) for row in shared["rows"]] == [(1, "h10"), (1, "h7"), (1, "h8"), (4, "h9")]


@pytest.mark.parametrize(("status", "finality"), [("live", "live"), ("ended", "provisional"), ("final", "final")])
async def test_finality_follows_the_life_of_the_event(event: EventClient, status, finality):
    for step in ("ended", "final"):
        if status != "live":
            await event.move(step)
        if step == status:
            break

    assert (await event.board())["finality"] == finality


@pytest.mark.parametrize(
    ("board", "params", "status", "code"),
    [
        ("stores", {}, 404, "board_unknown"),
        ("hosts.votes", {}, 404, "board_unknown"),
        ("hosts.orders.event.day", {}, 404, "board_unknown"),
        ("hosts.", {}, 404, "board_unknown"),
        ("hosts", {"window": "week"}, 422, "window_unknown"),
        ("hosts", {"window": "2021-13-45"}, 422, "window_unknown"),
        ("hosts", {"limit": 0}, 422, "invalid_value"),
        ("hosts", {"limit": 10_001}, 422, "invalid_value"),
        ("hosts", {"limit": "many"}, 422, "invalid_value"),
        ("hosts", {"at": 0}, 422, "invalid_value"),
        ("hosts", {"at": 2**63}, 422, "invalid_value"),
    ],
)
async def test_board_that_does_not_exist_is_refused(event: EventClient, board, params, status, code):
    response = await event.get(f"/boards/{board}", **params)

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_unchanged_board_is_not_sent_again(event: EventClient):
    await event.sell("1", "h7")
    first = await event.get("/boards/hosts")
    tag = {"If-None-Match": first.headers["etag"]}

    same = await event.client.get(f"{event.path}/boards/hosts", headers=tag)
    await event.sell("2", "h7")
    changed = await event.client.get(f"{event.path}/boards/hosts", headers=tag)

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200


@pytest.mark.parametrize("rules", [{"public_boards": True}, {"public_channels": ["boards"]}])
async def test_public_boards_need_no_key_and_show_no_past(api: Api, event: EventClient, rules: dict[str, Any]):
    await event.sell("1", "h7")
    anybody = EventClient(api.client_of(""), event.id)
    closed = [await anybody.get("/boards"), await anybody.get("/boards/hosts")]

    await event.ok("PATCH", "/rules", rules)
    opened = await anybody.get("/boards/hosts")
    past = await anybody.get("/boards/hosts", at=1)

    assert [(response.status_code, response.json()["code"]) for response in closed] == [(401, "key_missing")] * 2
    assert opened.json()["rows"] == (await event.board())["rows"]
    assert (past.status_code, past.json()["code"]) == (403, "scope_missing")
    assert (await anybody.get("/boards")).status_code == 200
    await anybody.client.aclose()


async def test_public_view_stands_at_its_last_change_never_at_the_head(api: Api, event: EventClient):
    await event.sell("1", "h7")
    await event.ok("POST", "/refunds", factories.refund(order="none", amount="1.00"))
    token = await token_for(event)
    viewer = EventClient(api.client_of(""), event.id)

    seen = await viewer.board(token=token)

    assert (await event.board())["position"] == 6
    assert seen["position"] == 5
    await viewer.client.aclose()


@pytest.mark.parametrize(
    ("channel", "readable"),
    [
        ("overlays", set()),
        ("hosts/h7", set()),
        ("boards/hosts", {"hosts", "hosts?window=event"}),
        ("boards/hosts.net_sales.day", {"hosts.net_sales.day", "hosts?window=day"}),
        ("boards/teams*", {"teams", "teams.units"}),
        (
            "boards/*",
            {"hosts", "hosts?window=event", "hosts?window=day", "hosts.net_sales.day", "teams", "teams.units"},
        ),
    ],
)
async def test_token_reads_the_boards_whose_channels_it_may_follow(
    api: Api, event: EventClient, channel: str, readable: set[str]
):
    token = await token_for(event, f"{event.id}/{channel}")
    asked = ("hosts", "hosts?window=event", "hosts?window=day", "hosts.net_sales.day", "teams", "teams.units")
    async with api.client_of(token) as viewer:
        answers = {board: await viewer.get(f"{event.path}/boards/{board}") for board in asked}
        listed = {one["board"] for one in (await viewer.get(f"{event.path}/boards")).json()["boards"]}

    assert {board for board, answer in answers.items() if answer.status_code == 200} == readable
    refused = {answer.json()["code"] for answer in answers.values() if answer.status_code != 200}
    assert refused <= {"channel_forbidden"}
    assert listed & set(asked) == {board for board in readable if "?" not in board}


async def test_token_bound_elsewhere_reads_no_board_that_is_public_either(api: Api, event: EventClient):
    await event.ok("PATCH", "/rules", {"public_boards": True})
    async with api.client_of(await token_for(event, f"{event.id}/overlays")) as viewer:
        response = await viewer.get(f"{event.path}/boards/hosts")

    assert (response.status_code, response.json()["code"]) == (403, "channel_forbidden")


async def test_key_of_a_host_reads_every_board(api: Api, event: EventClient):
    await event.sell("1", "h8")
    async with api.client_of(await api.key_of("default", "host:h7")) as host:
        board = await host.get(f"{event.path}/boards/hosts")
        listed = await host.get(f"{event.path}/boards")

    assert board.json()["rows"] == (await event.board())["rows"]
    assert listed.json() == await event.ok("GET", "/boards")
