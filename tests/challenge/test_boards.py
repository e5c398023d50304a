"""Board documents: which board an id means, the rows that are shown, ranks, gaps and the sums around them."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.challenge.boards import BoardSpec, all_boards, parse_board
from app.errors import AppError
from tests.book import DAY, HOUR, START, Book, move_said, roster_said

MANY = [f"h{number:02}" for number in range(20)]


def crowd(**event: Any) -> Book:
    """Twenty hosts; h00 sold 20.00, h01 19.00, down to h17, the last three sold nothing."""
    book = Book(hosts=[{"id": host, "team": "ruby"} for host in MANY], **event)
    for number, host in enumerate(MANY[:17]):
        book.sell(id=f"o{number}", host=host, price=f"{20 - number}.00")
    return book


def tied(ranks: str) -> Book:
    """cy and ann at 5.00 (cy was first), bo at 8.00, dee at 1.00."""
    book = Book(rules={"ranks": ranks} if ranks == "shared" else {})
    for host, price in (("cy", "5.00"), ("bo", "8.00"), ("ann", "5.00"), ("dee", "1.00")):
        book.sell(id=host, host=host, price=price)
    return book


@pytest.mark.parametrize(
    ("board", "window", "spec"),
    [
        ("hosts", "", BoardSpec("host", "net_sales", "event")),
        ("teams", "", BoardSpec("team", "net_sales", "event")),
        ("hosts.orders", "", BoardSpec("host", "orders", "event")),
        ("hosts.net_sales.event", "", BoardSpec("host", "net_sales", "event")),
        ("hosts.units.day", "", BoardSpec("host", "units", "day")),
        ("hosts.day", "", BoardSpec("host", "net_sales", "day")),
        ("teams.gross_sales.day:2021-04-05", "", BoardSpec("team", "gross_sales", "day:2021-04-05")),
        ("hosts", "day", BoardSpec("host", "net_sales", "day")),
        ("hosts.units.day", "event", BoardSpec("host", "units", "event")),
        ("hosts", "2021-04-05", BoardSpec("host", "net_sales", "day:2021-04-05")),
    ],
)
def test_id_means_a_board(board, window, spec):
    assert parse_board(board, window) == spec


def test_every_board_has_one_shortest_id_that_means_it():
    boards = all_boards()

    assert [parse_board(spec.id) for spec in boards] == boards
    assert len({spec.id for spec in boards}) == len(boards) == 16
    assert boards[0].id == "hosts.gross_sales"
    assert {spec.id for spec in boards if spec.measure == "net_sales"} == {
        "hosts",
        "teams",
        "hosts.net_sales.day",
        "teams.net_sales.day",
    }


@pytest.mark.parametrize(
    ("board", "window", "code"),
    [
        *((board, "", "board_unknown") for board in ("", "host", "hosts.", "hosts.votes", "hosts.event.units", "all")),
        *((board, "", "board_unknown") for board in ("hosts.net_sales.week", "hosts.units.day:1-1-1", "hosts.day.day")),
        ("hosts", "week", "window_unknown"),
        ("hosts", "day:2090-6-2", "window_unknown"),
        ("hosts", "day:2021-02-30", "window_unknown"),
        ("hosts", "2021-13-01", "window_unknown"),
    ],
)
def test_id_or_window_that_means_nothing_is_refused(board, window, code):
    with pytest.raises(AppError) as refused:
        parse_board(board, window)

    assert refused.value.code == code


def test_document_says_where_when_and_in_what_it_counts():
    book = Book(currency="JPY", timezone="Asia/Tokyo")
    book.sell(host="ann", currency="JPY", price="170")

    document = book.board("hosts")

    assert document == {
        "event": "kos101",
        "board": "hosts",
        "of": "host",
        "measure": "net_sales",
        "window": "event",
        "unit": "JPY",
        "epoch": document["epoch"],
        "position": 5,
        "finality": "live",
        "frozen": False,
        "rows_total": 4,
        "total": "170",
        "house": "0",
        "excluded": "0",
        "rows": [
            {"rank": 1, "id": "ann", "score": "170", "gap": "0"},
            {"rank": 2, "id": "bo", "score": "0", "gap": "170"},
            {"rank": 3, "id": "cy", "score": "0", "gap": "0"},
            {"rank": 4, "id": "dee", "score": "0", "gap": "0"},
        ],
    }


@pytest.mark.parametrize(("status", "finality"), [("live", "live"), ("ended", "provisional"), ("final", "final")])
def test_finality_follows_the_status(status, finality):
    book = Book()
    for to in ("ended", "final")[: ("live", "ended", "final").index(status)]:
        book.say(move_said(to))

    assert book.board()["finality"] == finality


def test_counts_are_whole_numbers_with_their_measure_as_unit():
    book = crowd()

    assert {type(row["score"]) for row in book.board("hosts.units")["rows"]} == {int}
    assert book.board("hosts.orders")["unit"] == "orders"


def test_equals_have_ranks_of_their_own_unless_the_rule_shares_them():
    distinct, shared = tied("distinct").board()["rows"], tied("shared").board()["rows"]

    assert [(row["rank"], row["id"], row["gap"]) for row in distinct] == [
        (1, "bo", "0.00"),
        (2, "cy", "3.00"),
        (3, "ann", "0.00"),
        (4, "dee", "4.00"),
    ]
    assert [(row["rank"], row["id"], row["gap"]) for row in shared] == [
        (1, "bo", "0.00"),
        (2, "ann", "3.00"),
        (2, "cy", "3.00"),
        (4, "dee", "4.00"),
    ]


@pytest.mark.parametrize("ranks", ["distinct", "shared"])
def test_fewer_rows_are_always_the_first_of_more(ranks):
    book = tied(ranks)

    for limit in range(1, 5):
        document = book.board(limit=limit)
        assert document["rows"] == book.board()["rows"][:limit]
        assert (document["rows_total"], document["total"]) == (4, "19.00")


@given(st.sampled_from(MANY), st.integers(1, 25))
def test_window_around_a_row_is_the_part_of_the_board_with_it_in_the_middle(host, limit):
    book = CROWD
    everything = book.board(limit=100)["rows"]

    rows = book.board(limit=limit, around=host)["rows"]

    start = everything.index(rows[0])
    place = next(index for index, row in enumerate(everything) if row["id"] == host)
    assert rows == everything[start : start + len(rows)]
    assert len(rows) == min(limit, len(MANY))
    assert start == min(max(0, place - limit // 2), max(0, len(MANY) - limit))
    assert host in [row["id"] for row in rows]


CROWD = crowd()


def test_row_that_is_not_on_the_board_cannot_be_its_middle():
    book = crowd()
    book.say(roster_said([{"id": "h03", "status": "hidden"}]))

    for nobody in ("h99", "h03", "House"):
        with pytest.raises(AppError, match="row_unknown"):
            book.board(around=nobody)


def test_ranks_start_at_one_and_gaps_lead_to_the_row_above():
    rows = crowd().board()["rows"]

    assert [row["rank"] for row in rows] == list(range(1, len(MANY) + 1))
    assert rows[0]["gap"] == "0.00"
    for above, row in pairwise(rows):
        assert float(above["score"]) - float(row["score"]) == pytest.approx(float(row["gap"]))


def test_day_is_the_local_day_of_the_last_entry():
    book = Book(timezone="Asia/Kuala_Lumpur")
    book.sell(id="o1", host="ann", paid_at=START + 15 * HOUR)
    book.sell(id="o2", host="ann", paid_at=START + 16 * HOUR)

    today = book.board("hosts.day", at=START + 16 * HOUR)
    yesterday = book.board("hosts.day", at=START + 16 * HOUR - 1)

    assert (yesterday["window"], yesterday["total"]) == ("day:2021-04-05", "10.00")
    assert (today["window"], today["total"]) == ("day:2021-04-06", "10.00")
    assert book.board("hosts.day:2021-04-05")["rows"] == yesterday["rows"]


def test_day_on_which_nothing_was_sold_is_empty():
    book = Book()
    book.sell(host="ann")

    document = book.board("hosts.day", at=START + 6 * DAY)

    assert (document["rows"], document["rows_total"], document["total"]) == ([], 0, "0.00")
