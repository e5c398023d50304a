"""The running totals of any history are what a slow recount of its entries gives, in every window and measure."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.challenge.scores import MEASURES, TICKER_ROWS_MAX, Scoreboard, Totals
from app.journal.drafts import Fact
from tests import histories
from tests.book import (
    DAY,
    HOUR,
    SECOND,
    START,
    Book,
    cancellation_said,
    line,
    move_said,
    order,
    order_said,
    refund,
    refund_said,
    roster_said,
    session_said,
)
from tests.recount import local_day, recount

# Zones whose days are cut at odd moments: half hours, no midnight or two of them in a year, and a day that was not.
ZONES = (
    "UTC",
    "Europe/London",
    "Asia/Kuala_Lumpur",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "America/St_Johns",
    "Pacific/Apia",
)


def compare(book: Book, timezone: str = "UTC", shared: bool = False) -> None:
    """Every board of the event and of every day it sold on, against the recount."""
    counted = recount(book.entries, timezone)
    days = counted.days()
    assert set(book.scores.totals.windows) == {"event", *days}
    for of, measure, day in product(("host", "team"), MEASURES, ("", *sorted(days))):
        shown = book.board(f"{of}s.{measure}.{f'day:{day}' if day else 'event'}")
        expected = counted.board(of, measure, day, shared)
        rows = [(row["rank"], row["id"], number(row["score"])) for row in shown["rows"]]
        sums = {name: number(shown[name]) for name in ("house", "excluded", "total")}
        assert {"rows": rows, **sums} == expected, shown["board"]
        if measure != "orders":
            assert sum(score for *_, score in rows) + sums["house"] + sums["excluded"] == sums["total"]


def number(shown: str | int) -> int:
    return int(shown.replace(".", "")) if isinstance(shown, str) else shown


@given(st.lists(histories.said(), min_size=15, max_size=40), st.sampled_from(ZONES), st.booleans())
def test_boards_of_any_history_are_those_of_the_recount(said, timezone, shared):
    rules = {"ranks": "shared"} if shared else {}
    book = histories.opened(timezone=timezone, rules=rules)
    for fact in said:
        book.batch([fact])
        # Somebody looks at each step: a ranking must be repaired, not only sorted at the end.
        book.board("hosts")
        book.board("hosts.orders")

    compare(book, timezone, shared)


@given(st.lists(histories.said(), min_size=10, max_size=30), st.integers(0, 20))
def test_boards_stop_where_the_event_became_final(said, when):
    book = histories.opened()
    for fact in [*said[:when], move_said("ended"), move_said("final", waive="the draw")]:
        book.batch([fact])
    final = {spec: book.board(spec) for spec in ("hosts", "teams.orders", "hosts.units")}
    ticker = list(book.scores.totals.ticker)

    book.now += DAY
    for fact in said[when:]:
        book.batch([fact])

    for spec, before in final.items():
        assert book.board(spec) | {"position": 0} == before | {"position": 0}
    assert book.scores.totals.ticker == ticker
    compare(book)


@given(st.lists(histories.said(), min_size=10, max_size=40))
def test_fold_of_the_whole_is_the_fold_that_went_along(said):
    book = histories.opened()
    for fact in said:
        book.batch([fact])

    again = Scoreboard(Totals("UTC"))
    for entry in book.entries:
        again.apply(entry.position, entry.kind, entry.recorded_at, entry.content)

    assert again.totals == book.scores.totals
    assert list(again.totals.windows) == list(book.scores.totals.windows)


@pytest.mark.parametrize("timezone", ZONES)
def test_local_day_is_that_of_the_calendar_around_every_change_of_the_clocks(timezone):
    """Asked in any order: what one question leaves behind must not answer the next."""
    scores = Scoreboard(Totals(timezone))
    moments = sorted(around_changes(timezone))
    shuffled = moments[::2] + moments[1::2][::-1]

    for at in shuffled:
        assert scores.day_of(at) == local_day(at, timezone), at


def around_changes(timezone: str) -> Iterable[int]:
    """Times around the midnights next to every change of the clocks, and across the change itself."""
    zone, day = ZoneInfo(timezone), date(2008, 1, 1)
    while day < date(2019, 1, 1):
        noon, next_noon = (datetime(d.year, d.month, d.day, 12, tzinfo=zone) for d in (day, day + timedelta(days=1)))
        if noon.utcoffset() != next_noon.utcoffset():
            first = int(noon.timestamp())
            yield from (second * SECOND for second in range(first, first + 48 * 3600, 599))
            yield from ((first + hour * 3600) * SECOND + step for hour in range(49) for step in (-1, 0, 1))
        day += timedelta(days=1)


def test_times_before_1970_have_a_day_too():
    assert Scoreboard(Totals("UTC")).day_of(-1) == "1969-12-31"


def scores_of(book: Book, board: str) -> dict[str, Any]:
    return {row["id"]: row["score"] for row in book.board(board)["rows"]}


def ranked(book: Book, board: str = "hosts") -> list[str]:
    return [row["id"] for row in book.board(board)["rows"]]


def test_equal_scores_rank_by_who_got_there_first():
    book = Book()
    for number_of, host in enumerate(("cy", "ann", "bo")):
        book.sell(id=f"o{number_of}", host=host)

    assert ranked(book) == ["cy", "ann", "bo", "dee"]


def test_score_lost_and_won_back_is_reached_anew():
    book = Book()
    book.sell(id="o1", host="cy")
    book.sell(id="o2", host="ann")
    book.give_back(order="o1", amount="1.00")
    book.sell(id="o3", host="cy", price="1.00")

    assert ranked(book) == ["ann", "cy", "bo", "dee"]


def test_giving_something_away_does_not_cost_the_rank_among_equals():
    book = Book()
    book.sell(id="o1", host="cy")
    book.sell(id="o2", host="ann")

    book.sell(id="o3", host="cy", price="0.00")

    assert ranked(book) == ["cy", "ann", "bo", "dee"]
    assert ranked(book, "hosts.units") == ["cy", "ann", "bo", "dee"]


def test_what_one_entry_takes_and_gives_back_is_not_reached_anew():
    """A dispute that is won may give back on one line what a refund took meanwhile, and take as much on another."""
    book = Book()
    book.sell(id="o1", host="cy")
    paid = book.entries[-1]
    book.sell(id="o2", host="bo")
    part = {"of": "sale", "line": "1", "host": "cy", "team": "opal", "units": 0}
    shares = [part | {"amount": 1, "units": 1}, part | {"line": "2", "amount": -1, "units": -1}]
    won = {"about": paid.key, "outcome": "won", "paid_at": paid.content["fact"]["paid_at"], "shares": shares}

    book.scores.apply(book.entries[-1].position + 1, "dispute.closed", book.now, won)

    assert [row["id"] for row in book.board("hosts")["rows"]][:2] == ["cy", "bo"]
    assert [row["id"] for row in book.board("hosts.units")["rows"]][:2] == ["cy", "bo"]


def test_refund_counts_on_the_day_of_its_order():
    book = Book()
    book.sell(id="monday", host="ann", paid_at=START + HOUR)
    book.sell(id="tuesday", host="ann", paid_at=START + DAY)

    book.give_back(order="monday", amount="4.00", refunded_at=START + 3 * DAY)

    first, second = sorted(set(book.scores.totals.windows) - {"event"})
    assert (scores_of(book, f"hosts.net_sales.day:{first}")["ann"]) == "6.00"
    assert (scores_of(book, f"hosts.net_sales.day:{second}")["ann"]) == "10.00"


def test_order_counts_once_for_a_host_a_team_and_the_event_however_many_lines_it_has():
    book = Book()
    book.say(session_said("duo", {"ann": 1, "bo": 1, "cy": 1}))

    book.sell(session="duo", lines=[line("a"), line("b"), line("c")])

    assert scores_of(book, "hosts.orders") == {"ann": 1, "bo": 1, "cy": 1, "dee": 0}
    assert scores_of(book, "teams.orders") == {"ruby": 1, "opal": 1}
    assert book.board("hosts.orders")["total"] == 1


def test_hidden_host_sells_without_a_row_but_its_team_has_the_score():
    book = Book()
    book.sell(host="ann")

    book.say(roster_said([{"id": "ann", "status": "banned"}]))

    assert ranked(book) == ["bo", "cy", "dee"]
    assert (book.board()["excluded"], book.board()["total"]) == ("10.00", "10.00")
    assert scores_of(book, "teams")["ruby"] == "10.00"
    book.say(roster_said([{"id": "ann", "status": "active"}]))
    assert (ranked(book)[0], book.board()["excluded"]) == ("ann", "0.00")


def test_what_a_host_without_a_team_sells_is_excluded_from_the_teams():
    book = Book()

    book.sell(host="dee")

    assert (book.board("teams")["excluded"], book.board("teams")["total"]) == ("10.00", "10.00")
    assert scores_of(book, "teams") == {"opal": "0.00", "ruby": "0.00"}


def test_orders_of_house_are_never_those_of_hosts_without_a_team():
    book = Book()
    book.sell(id="o1")
    book.sell(id="o2", host="dee")
    book.sell(id="o3")

    for order_id in ("o1", "o3"):
        book.say(cancellation_said(order_id))

    board = book.board("teams.orders")
    assert (board["total"], board["house"], board["excluded"]) == (1, 0, 1)


def test_host_added_later_has_a_row_in_every_window():
    book = Book()
    book.sell(host="ann")

    book.say(roster_said([{"id": "eve"}]))

    for name in book.scores.totals.windows:
        board = "hosts" if name == "event" else f"hosts.net_sales.day:{name}"
        assert "eve" in scores_of(book, board)


def test_ticker_holds_one_row_per_order_and_host_and_only_the_last_ones():
    book = Book()
    book.say(session_said("duo", {"ann": 1, "dee": 1}))
    for number_of in range(TICKER_ROWS_MAX):
        book.sell(id=f"o{number_of}", session="duo", lines=[line("a", sku="s", title="Tea"), line("b", "1.00")])

    ticker = book.scores.totals.ticker

    assert len(ticker) == TICKER_ROWS_MAX
    assert len({row["id"] for row in ticker}) == TICKER_ROWS_MAX
    assert [row["host"] for row in ticker[-2:]] == ["ann", "dee"]
    last = book.entries[-1]
    assert ticker[-1] == {
        "id": f"{last.position}.1",
        "position": last.position,
        "at": last.content["fact"]["paid_at"],
        "host": "dee",
        "team": "-",
        "amount": 550,
        "units": 0,
        "title": "Tea",
    }


@pytest.mark.parametrize(
    ("said", "moves_the_view"),
    [
        (roster_said([{"id": "eve"}]), True),
        (move_said("paused"), True),
        (session_said("duo", {"ann": 1}), True),
        (refund_said(refund(amount="1.00")), False),
        (cancellation_said(), False),
        (order_said(order()), True),
    ],
)
def test_position_of_the_view_moves_only_with_what_it_can_show(said: Fact, moves_the_view):
    book = Book()
    before = book.scores.totals.changed_at

    book.say(said)

    assert book.scores.totals.changed_at == (book.head.position if moves_the_view else before)
    assert book.scores.totals.position == book.head.position
