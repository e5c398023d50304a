"""What hosts earn: rates and what they are counted on, refunds that end at zero, caps that show, hold and payout."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.journal.drafts import Fact
from app.state.parts import DAY_US
from tests import histories
from tests.book import (
    HOUR,
    START,
    Book,
    adjustment_said,
    cancellation_said,
    correction_end_said,
    correction_said,
    dispute_said,
    line,
    order,
    order_said,
    outcome_said,
    payout_failed_said,
    payout_said,
    refund,
    refund_said,
    release_said,
    roster_said,
    statement_said,
)
from tests.sales.test_refund_histories import one_order, played

DAYS_14 = 14 * DAY_US


def earning(**commission: Any) -> Book:
    book = Book(rules={"commission": {"bps": 1000, **commission}})
    book.now = START + 6 * DAY_US
    return book


def booked(body: dict[str, Any]) -> dict[str, int]:
    return {change["host"]: change["amount"] for change in body.get("commission", ())}


def refusal(book: Book, said: Fact) -> str:
    head = book.head
    with pytest.raises(AppError) as refused:
        book.say(said)
    assert book.head == head
    return refused.value.code


def owed(book: Book, host: str = "ann") -> dict[str, int]:
    """What a host is owed by the ledger, by bucket."""
    start = f"Liabilities:Commission:{host}:"
    return {name.removeprefix(start): -amount for name, amount in book.balances().items() if name.startswith(start)}


def test_sale_books_commission_and_holds_it():
    book = earning()

    body = book.sell(host="ann", price="10.05")

    assert body["credits"][0]["bps"] == 1000
    # 100.5 pence, half to even.
    assert booked(body) == {"ann": 100}
    assert owed(book) == {"Held": 100}
    assert book.balances()["Expenses:Commission:ann"] == 100


def test_house_and_hosts_without_a_rate_earn_nothing():
    book = earning(bps=0, teams={"opal": 500})

    assert "commission" not in book.sell(host="ann")
    assert "commission" not in book.sell(id="1002")
    assert booked(book.sell(id="1003", host="cy")) == {"cy": 50}


def test_most_particular_rate_wins():
    book = earning(bps=100, teams={"ruby": 200}, products={"gift": 0, "star": 400}, tiers=[[0, 150], [2000, 180]])
    book.say(roster_said([{"id": "bo", "commission_bps": 300}]))

    def bps(host: str, sku: str, id: str) -> int:
        sold = book.sell(id=id, host=host, lines=[line("1", "10.00", sku=sku)])
        found: int = sold["credits"][0].get("bps", 0)
        return found

    assert bps("bo", "star", "1") == 400
    assert bps("bo", "gift", "2") == 0
    assert bps("bo", "else", "3") == 300
    assert bps("ann", "else", "4") == 200
    assert [bps("cy", "else", str(number)) for number in (5, 6, 7, 8)] == [150, 150, 180, 180]
    assert bps("dee", "else", "9") == 150


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, 900),
        ({"before_discount": True}, 1000),
        ({"with_shipping": True}, 930),
        ({"with_tax": True}, 1000),
        ({"with_tax": True, "with_shipping": True, "before_discount": True}, 1130),
    ],
)
def test_commission_is_counted_on_what_the_rules_declare(terms, expected):
    book = earning(**terms)

    body = book.sell(host="ann", lines=[line("1", "100.00", discount="10.00")], shipping="3.00", tax="10.00")

    assert booked(body) == {"ann": expected}
    book.give_back(amount="103.00")
    assert "Expenses:Commission:ann" not in book.balances()
    assert book.state.accrued("ann") == 0


def test_rate_of_the_time_of_the_order_counts_however_late_it_comes():
    book = earning()
    before = book.now
    book.now += HOUR
    book.say(Fact("rules.changed", "", {"rules": {"commission": {"bps": 2000}}}, "key:ops"))

    assert booked(book.sell(host="ann", paid_at=before)) == {"ann": 100}
    assert booked(book.sell(id="1002", host="ann", paid_at=book.now + 1)) == {"ann": 200}
    assert booked(book.give_back(amount="10.00")) == {"ann": -100}


def test_cap_cuts_off_visibly_and_does_not_come_back():
    book = earning(cap=150)
    book.sell(host="ann", price="10.00")

    body = book.sell(id="1002", host="ann", price="10.00")

    assert body["commission"] == [{"host": "ann", "amount": 50, "capped": 50}]
    assert booked(book.give_back(amount="5.00")) == {"ann": -50}
    # There is room for 50 again: what was cut off from this order stays cut off.
    assert booked(book.give_back(id="r2", order="1002", amount="1.00")) == {}
    assert booked(book.sell(id="1003", host="ann", price="10.00")) == {"ann": 50}
    assert book.state.accrued("ann") == 150


def test_won_dispute_and_cancellation_follow_the_sale():
    book = earning()
    book.sell(host="ann", price="10.00")

    assert booked(book.say(dispute_said(amount="4.00")).entries[0].content) == {"ann": -40}
    assert booked(book.say(outcome_said("won")).entries[0].content) == {"ann": 40}
    assert booked(book.say(cancellation_said()).entries[0].content) == {"ann": -100}
    assert owed(book) == {}


def test_corrected_order_earns_for_the_host_who_has_it_at_that_hosts_rate():
    book = earning(teams={"opal": 500})
    book.sell(host="ann", price="10.00")
    book.give_back(amount="2.00")

    body = book.say(correction_said(["1001"], {"cy": 1})).entries[1].content

    assert booked(body) == {"ann": -80, "cy": 40}
    assert (owed(book), owed(book, "cy")) == ({}, {"Held": 40})
    assert booked(book.give_back(id="r2", amount="8.00")) == {"cy": -40}


def test_refund_before_its_order_leaves_what_is_earned_on_the_rest():
    book = earning()
    book.give_back(amount="4.00")

    book.sell(host="ann", price="10.00")

    assert [booked(entry.content) for entry in book.entries[-2:]] == [{"ann": 100}, {"ann": -40}]


commissions = st.fixed_dictionaries(
    {"bps": st.sampled_from((0, 1, 333, 1000, 9999, 10_000))},
    optional={
        "teams": st.just({"ruby": 777}),
        "products": st.just({"sku-0": 250, "sku-1": 0}),
        "cap": st.integers(0, 500),
        "with_tax": st.booleans(),
        "with_shipping": st.booleans(),
        "before_discount": st.booleans(),
    },
)
comes_back = st.lists(
    histories.refunds(st.just("1001")).map(refund_said)
    | histories.disputes(st.just("1001"))
    | histories.outcomes()
    | st.just(cancellation_said())
    | st.sampled_from(("ann", "cy")).map(lambda host: correction_said(["1001"], {host: 1, "bo": 2}, id=f"to-{host}")),
    max_size=6,
)


@given(commissions, comes_back, one_order, comes_back)
def test_commission_of_an_order_is_never_below_zero_and_zero_in_the_end(terms, before, sold, after):
    book = histories.opened(rules={"commission": terms})
    for fact in [*before, sold, *after]:
        book.batch([fact])

        assert sum(book.balances().values()) == 0
        for host in ("ann", "bo", "cy", "dee"):
            accrued = book.state.accrued(host)
            assert accrued >= 0
            assert book.balances().get(f"Expenses:Commission:{host}", 0) == accrued == owed(book, host).get("Held", 0)
            assert book.state.net_sales(host) == sales_of(book, host)
            if "cap" in terms:
                assert accrued <= terms["cap"]
    book.batch([outcome_said("lost", id) for id in ("d1", "d2", "d3")])
    book.batch([refund_said(refund("everything", amount="1000.00"))])
    assert not [account for account in book.balances() if "Commission" in account]


def sales_of(book: Book, host: str) -> int:
    accounts = {f"Income:Sales:{team}:{host}" for team in ("ruby", "opal", "-")}
    return -sum(amount for account, amount in book.balances().items() if account in accounts)


def test_commission_can_be_paid_out_once_it_was_held_for_long_enough():
    book = earning()
    book.sell(host="ann", price="10.00", paid_at=START + HOUR)
    book.sell(id="1002", host="ann", price="20.00", paid_at=START + DAY_US + HOUR)
    assert refusal(book, payout_said(1)) == "payout_above_available"

    book.now = START + DAYS_14 + DAY_US + HOUR
    body = book.say(release_said()).entries[0].content

    assert body["amounts"] == [{"host": "ann", "amount": 100}]
    assert owed(book) == {"Held": 200, "Available": 100}
    assert refusal(book, release_said("w2")) == "nothing_to_release"
    assert refusal(book, release_said("w2", until=book.now // DAY_US * DAY_US)) == "still_held"
    book.now += DAY_US
    book.say(release_said("w2"))
    assert owed(book) == {"Available": 300}


def released(price: str = "10.00") -> Book:
    book = earning()
    book.sell(host="ann", price=price, paid_at=START + HOUR)
    book.now = START + DAYS_14 + DAY_US + HOUR
    book.say(release_said())
    return book


def test_payout_is_made_once_and_comes_back_when_it_fails():
    book = released()

    assert refusal(book, payout_said(101)) == "payout_above_available"
    book.say(payout_said(100))
    assert book.say(payout_said(100)).replayed
    assert refusal(book, payout_said(99)) == "payout_conflict"
    assert owed(book) == {"Paid": 100}
    assert refusal(book, payout_failed_said("p2")) == "payout_unknown"
    book.say(payout_failed_said())
    assert book.say(payout_failed_said()).replayed
    assert owed(book) == {"Available": 100}


def test_refund_after_payout_is_carried_as_a_debt_until_new_commission_covers_it():
    book = released()
    book.say(payout_said(100))

    body = book.give_back(amount="5.00")

    assert (body["released"], booked(body)) == (True, {"ann": -50})
    assert owed(book) == {"Paid": 100, "Available": -50}
    assert book.state.available("ann") == -50
    book.say(adjustment_said(80))
    assert refusal(book, payout_said(31, "p2")) == "payout_above_available"
    book.say(payout_said(30, "p2"))


def test_nobody_is_paid_while_a_dispute_of_his_order_is_open():
    book = released("100.00")
    book.say(dispute_said(amount="1.00"))

    assert refusal(book, payout_said(10)) == "dispute_open"
    book.say(outcome_said("lost"))
    book.say(payout_said(10))


def test_adjustment_above_the_limit_waits_for_a_second_person():
    book = Book(rules={"approval_above": 1000})

    book.say(adjustment_said(1000))
    assert owed(book) == {"Available": 1000}
    body = book.say(adjustment_said(-1001, "penalty")).entries[0].content
    assert body["waits"] is True
    book.say(correction_end_said("approved", id="penalty"))
    assert owed(book) == {"Available": -1}
    assert refusal(book, adjustment_said(1, "x", host="nobody")) == "unknown_host"


def test_statements_close_ranges_that_tile_and_never_overlap():
    book = released()
    first = book.say(statement_said()).entries[0]
    assert (first.content["from"], first.content["to"]) == (0, first.position - 1)

    assert book.say(statement_said()).replayed
    assert refusal(book, statement_said("again", to=first.position - 1)) == "range_closed"
    assert refusal(book, statement_said("later", to=book.head.position + 1)) == "position_in_future"
    second = book.say(statement_said("may")).entries[0]
    assert (second.content["from"], second.content["to"]) == (first.position - 1, first.position)


def test_many_hosts_are_released_by_several_entries_together():
    hosts = [{"id": f"h{number}"} for number in range(2_001)]
    book = Book(hosts=hosts, rules={"commission": {"bps": 1000}})
    book.now = START + DAY_US
    book.batch([order_said_by(host["id"]) for host in hosts])
    book.now = START + DAYS_14 + DAY_US + HOUR

    entries = book.say(release_said()).entries

    assert [len(entry.content["amounts"]) for entry in entries] == [1000, 1000, 1]
    assert [entry.key for entry in entries] == ["release:w1", "release:w1:2", "release:w1:3"]
    assert owed(book, "h2000") == {"Available": 100}
    assert not book.state.held


def order_said_by(host: str) -> Fact:
    return order_said(order(host, host=host))


def test_played_without_commission_nothing_is_booked():
    book = played([order_said(order(host="ann"))])

    assert not any("commission" in entry.content for entry in book.entries)
