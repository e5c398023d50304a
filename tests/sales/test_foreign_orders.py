"""Orders in other currencies than their event's: their rate is frozen, and what comes back is worth what it was."""

from collections import Counter
from typing import Any

import pytest

from app.errors import AppError, Conflict, Invalid
from app.journal.drafts import Fact
from app.journal.plan import Accepted
from app.sales import facts, rates
from tests.book import Book, line, order, order_said, outcome_said, rates_said
from tests.foreign import EVENT, disputed, opened, remaining, returned


def test_worked_example_of_the_documents():
    """docs/ledger.md."""
    book = opened()
    book.sell(currency="EUR", price="100.00", host="ann")
    first = book.give_back(id="r1", amount="33.33", currency="EUR")
    rest = book.give_back(id="r2", amount="66.67", currency="EUR")

    assert [first["amount"], rest["amount"], first["amount"] + rest["amount"]] == [26_038, 52_085, 78_123]
    assert book.balances() == {}


def test_many_small_refunds_come_to_the_whole():
    book = opened()
    book.sell(currency="EUR", price="0.01", quantity=100, session="trio")
    amounts = [book.give_back(id=f"r{n}", amount="0.01", currency="EUR")["amount"] for n in range(100)]

    assert set(amounts) == {7, 8}
    assert sum(amounts) == 781
    assert book.balances() == {}


def test_quantities_and_the_rest_by_amount_come_to_the_whole_in_a_coarse_currency():
    """A cent of the event is worth thousands of the order's."""
    book = opened(IDR="0.0004438")
    book.sell(currency="IDR", price="53333.33", quantity=3, host="ann")
    book.give_back(id="r1", lines=[facts.RefundLine("1", 1)], currency="IDR")
    last = book.give_back(id="r2", amount="106666.66", currency="IDR")

    assert book.balances() == {}
    assert "closed" in last


def refused(book: Book, fact: Fact) -> AppError:
    outcome = book.batch([fact])[0]
    assert isinstance(outcome, AppError)
    return outcome


@pytest.mark.parametrize("currency", ["USD", "GBP"])
def test_currency_without_a_rate_is_refused(currency: str):
    book = opened()

    for fact in (
        order_said(order(currency=currency), currency),
        returned(amount="1.00", currency=currency, order=""),
        returned(amount="1.00", currency=currency),
        disputed("d1", "1.00", currency),
    ):
        error = refused(book, fact)
        assert isinstance(error, Invalid)
        assert (error.code, error.field) == ("currency_mismatch", "currency")


@pytest.mark.parametrize(("sold", "back"), [("EUR", EVENT), ("EUR", "JPY"), (EVENT, "EUR")])
def test_what_comes_back_in_another_currency_than_its_order_is_refused(sold: str, back: str):
    book = opened()
    book.sell(currency=sold, price="100.00")

    assert refused(book, returned(amount="5", currency=back)).code == "currency_mismatch"
    assert refused(book, returned(lines=[facts.RefundLine("1", 1)], currency=back)).code == "currency_mismatch"
    assert refused(book, disputed("d1", "5", back)).code == "currency_mismatch"


def test_refund_that_waits_is_booked_by_the_table_of_then_and_taken_by_the_rate_of_its_order():
    book = opened()
    parked = book.give_back(id="r1", amount="50.00", currency="EUR")
    held = book.balances()
    book.say(rates_said("v2", EVENT, EUR="8"))
    book.sell(currency="EUR", price="100.00", host="ann")

    assert (parked["amount"], parked["rate"]["version"]) == (39_062, "v1")
    assert held == {"Assets:Unmatched-Refunds": 39_062, "Assets:Clearing:default": -39_062}
    assert book.entries[-1].content["amount"] == 40_000
    assert book.balances() == {"Assets:Clearing:default": 40_000, "Income:Sales:ruby:ann": -40_000}
    assert (book.state.unmatched_count, book.state.unmatched_amount) == (0, 0)


@pytest.mark.parametrize(("waits", "sold"), [(EVENT, "EUR"), ("EUR", EVENT), ("JPY", "EUR")])
def test_refund_that_waited_in_another_currency_takes_nothing_from_its_order(waits: str, sold: str):
    book = opened()
    amount = book.give_back(id="r1", amount="50", currency=waits)["amount"]
    book.sell(currency=sold, price="100.00", host="ann")
    worth = -book.balances()["Income:Sales:ruby:ann"]

    match = book.entries[-1].content
    assert (match["amount"], match["over"], match["shares"], match["other_currency"]) == (amount, amount, [], True)
    assert book.balances() == {
        "Assets:Clearing:default": worth - amount,
        "Income:Sales:ruby:ann": -worth,
        "Expenses:Over-Refunds": amount,
    }
    assert remaining(book).status == "paid"


def test_quantities_that_waited_are_taken_whatever_the_currency_of_their_order():
    book = opened()
    book.give_back(id="r1", lines=[facts.RefundLine("1", 1)])
    book.sell(currency="EUR", price="50.00", quantity=2, host="ann")

    assert book.entries[-1].content["own"]["amount"] == 5_000
    assert book.balances()["Income:Sales:ruby:ann"] == -39_062


@pytest.mark.parametrize("outcome", ["won", "lost", "open"])
@pytest.mark.parametrize("ends_first", [True, False])
@pytest.mark.parametrize("waits", ["EUR", EVENT])
def test_dispute_that_waited_leaves_nothing_behind_whenever_it_ends(outcome: Any, ends_first: bool, waits: str):
    book = opened()
    book.say(disputed("d1", "50.00", waits, fee="15.00"))
    book.say(rates_said("v2", EVENT, EUR="8"))
    end = [outcome_said(outcome)] if outcome != "open" else []
    sold = order_said(order(price="100.00", currency="EUR", host="ann"), "EUR")
    for fact in [*end, sold] if ends_first else [sold, *end]:
        book.say(fact)

    balances = book.balances()
    fee = balances.pop("Expenses:Dispute-Fees")
    assert fee == (1_500 if waits == EVENT else 11_718)
    amount = 5_000 if waits == EVENT else 40_000
    taken = amount if outcome != "won" else 0
    sales, over = (80_000, taken) if waits == EVENT else (80_000 - taken, 0)
    wanted = Counter(
        {
            "Assets:Clearing:default": 80_000 - fee - (taken if outcome == "lost" else 0),
            "Income:Sales:ruby:ann": -sales,
            "Expenses:Over-Refunds": over,
            "Assets:Disputes": -taken if outcome == "open" else 0,
        }
    )
    assert balances == {account: value for account, value in wanted.items() if value}


def test_version_is_used_once():
    book = opened()
    first = book.say(rates_said("v2", EVENT, EUR="8"))

    assert book.say(rates_said("v2", EVENT, EUR="8.00")) == Accepted(first.entries, True)
    for other in (rates_said("v2", EVENT, EUR="8.1"), rates_said("v1", EVENT)):
        with pytest.raises(Conflict, match="rates_conflict"):
            book.say(other)
    assert [version for version, *_ in book.state.rates.versions] == ["v1", "v2"]


def test_versions_are_bounded():
    book = opened()
    outcomes = book.batch([rates_said(f"w{number}", EVENT) for number in range(rates.VERSIONS_MAX)])

    assert [getattr(outcome, "code", "") for outcome in outcomes][-2:] == ["", "too_many_versions"]
    assert len(book.state.rates.versions) == rates.VERSIONS_MAX


def test_order_that_comes_late_takes_the_table_of_when_it_comes():
    book = opened()
    book.say(rates_said("v2", EVENT, EUR="8"))

    assert book.sell(currency="EUR", price="1.00")["rate"]["version"] == "v2"


def test_order_in_the_currency_of_the_event_says_nothing_of_rates():
    book = opened()
    body = book.sell(price="10.00")
    back = book.give_back(amount="1.00", currency=EVENT)

    assert body.keys() == {"fact", "credits", "rules"}
    assert back.keys() == {"fact", "about", "amount", "paid_at", "shares"}
    assert "currency" not in back["fact"]


def test_refund_that_would_be_worth_too_much_is_refused():
    book = opened()
    book.sell(currency="EUR", price="1.00")

    for fact in (
        returned(amount="9000000000.00", currency="EUR"),
        returned(amount="9000000000.00", currency="EUR", order=""),
        disputed("d1", "9000000000.00", "EUR"),
        disputed("d1", "9000000000.00", "EUR", order="none"),
        disputed("d1", "1.00", "EUR", fee="9000000000.00"),
    ):
        assert refused(book, fact).code == "amount_too_large"


def test_table_is_kept_in_one_order_by_whoever_decides_it_and_whoever_reads_it():
    """A stored state is compared by its bytes."""
    said = rates_said("v2", EVENT, KWD="23.1", EUR="8", JPY="0.05")
    state = opened().state.layer()

    state.apply(state.position + 1, said.kind, said.key, state.recorded_at + 1, {"fact": said.content})

    assert list(state.rates.table) == ["EUR", "JPY", "KWD"]


def test_commission_before_discounts_counts_those_that_the_shop_gave():
    """And not what the price of a converted line was rounded up by."""
    book = opened({"bps": 1_000, "before_discount": True})
    lines = [line("a", "0.33", 1_000, discount="30.00"), line("b", "0.33", 1_000)]

    body = book.sell(currency="JPY", lines=[line("a", "33", 100, discount="300"), line("b", "7", 99)], host="ann")
    other = book.sell(id="2", currency="EUR", lines=lines, host="ann")

    # 3,300 yen are worth 154.11, 300 of them less 140.10; nothing is off the second line.
    assert [credit.get("base", credit["amount"]) for credit in body["credits"]] == [15_411, 3_236]
    assert [credit["amount"] for credit in body["credits"]] == [14_010, 3_236]
    assert [credit.get("base", credit["amount"]) for credit in other["credits"]] == [257_806, 257_806]
