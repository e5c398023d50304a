"""Whatever comes back, in whatever order: never more than was there, nothing left in the end, the same totals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import AppError
from app.journal.drafts import Fact
from app.journal.plan import Accepted
from app.sales.facts import RefundLine, line_amounts
from tests import histories
from tests.book import Book, cancellation_said, line, order, order_said, refund, refund_said

ORDER = order(
    session="trio",
    lines=[line("a", "3.33", 3), line("b", "10.00", discount="0.01"), line("c", "0.00")],
    shipping="2.99",
    tax="1.01",
)
EVERYTHING = refund_said(refund("everything", amount="1000.00"))

one_order = histories.orders(st.just("1001")).map(order_said)
one_refund = histories.refunds(st.just("1001")).map(refund_said)
one_dispute = histories.disputes(st.just("1001"))
about_one_order = st.lists(
    one_refund | one_refund | st.just(cancellation_said()) | one_dispute | histories.outcomes(), max_size=7
)


def played(said: Iterable[Fact]) -> Book:
    """The facts one by one; those refused leave no trace."""
    book = histories.opened()
    for fact in said:
        book.batch([fact])
    return book


def per_line(book: Book, by: Sequence[str] = ("line", "of")) -> Counter[Any]:
    """What was taken from the order, by line and kind of share; what a cancellation moved is not taken yet."""
    sums: Counter[Any] = Counter()
    for entry in book.entries:
        if entry.kind != "order.cancelled":
            for share in entry.content.get("shares", ()):
                sign = -1 if entry.kind == "dispute.closed" else 1
                sums[tuple(share.get(name, "") for name in by)] += sign * share["amount"]
    return +sums


def boards(book: Book) -> dict[str, Any]:
    """Scores by board, without what only the order of arrival decides: ranks of equals and positions."""
    return {
        f"{of}.{measure}": {row["id"]: row["score"] for row in board["rows"]} | {"total": board["total"]}
        for of in ("hosts", "teams")
        for measure in ("gross_sales", "net_sales", "orders", "units")
        for board in [book.board(f"{of}.{measure}")]
    }


@given(one_order, about_one_order, about_one_order)
def test_never_below_zero_never_above_what_was_paid_and_zero_sums_at_every_step(sold, before, after):
    book = histories.opened()
    for fact in [*before, sold, *after]:
        book.batch([fact])

        balances = book.balances()
        assert sum(balances.values()) == 0
        for account, amount in balances.items():
            if account.startswith(("Income:", "Liabilities:")) or account == "Assets:Disputes":
                assert amount < 0, (account, amount)
            elif account != "Assets:Clearing:default":
                assert amount > 0, (account, amount)
        for entry in book.entries[-1:]:
            legs = [posting for posting in book.postings if posting.position == entry.position]
            assert sum(leg.amount for leg in legs) == 0
            assert len({leg.account for leg in legs}) == len(legs)
    fact = sold.content
    worth = {(item["id"], "sale"): net for item, (net, _) in zip(fact["lines"], line_amounts(fact), strict=True)}
    assert all(taken <= worth[key] for key, taken in per_line(book).items() if key in worth)


@given(one_order, about_one_order, about_one_order)
def test_money_that_went_back_is_the_money_that_was_said(sold, before, after):
    book = played([*before, sold, *after])

    given_back = 0
    for entry in book.entries:
        if entry.kind == "order.refunded" and not entry.content.get("parked"):
            given_back += entry.content["amount"]
            assert entry.content["amount"] == entry.content["fact"].get("amount", entry.content["amount"])
        elif entry.kind == "refund.matched" or (entry.kind == "dispute.closed" and entry.content["outcome"] == "lost"):
            given_back += entry.content["amount"]
    contested = {entry.key: entry.content["amount"] for entry in book.entries if entry.kind == "order.disputed"}
    assert -book.balances().get("Assets:Disputes", 0) == sum(contested[key] for key in book.state.disputes)
    unmatched = book.balances().get("Assets:Unmatched-Refunds", 0)
    assert unmatched == book.state.unmatched_amount
    paid = sum(net + tax for net, tax in line_amounts(sold.content)) + sold.content.get("shipping", 0)
    paid += 0 if sold.content.get("tax_included") else sold.content.get("tax", 0)
    assert book.balances().get("Assets:Clearing:default", 0) == paid - given_back - unmatched


@given(one_order, about_one_order, about_one_order)
def test_after_a_full_refund_nothing_is_left_anywhere(sold, before, after):
    book = played([*before, sold, *after, EVERYTHING])

    balances = book.balances()
    assert {account for account in balances if account.startswith(("Income:", "Liabilities:"))} == set()
    for name, scores in boards(book).items():
        worth_nothing = not any(net for net, _ in line_amounts(sold.content))
        if name.split(".")[1] in ("net_sales", "orders", "units") and not worth_nothing:
            assert {str(score).strip("0.") for score in scores.values()} == {""}, name


@given(one_order, about_one_order, about_one_order, st.sampled_from(["duo", "trio", "solo"]))
def test_who_shared_a_line_changes_nothing_about_what_it_gives_back(sold, before, after, session):
    def shared_by(**attribution: str) -> tuple[list[Any], Counter[Any]]:
        content = {name: value for name, value in sold.content.items() if name not in ("host", "code", "session")}
        own = Fact(sold.kind, sold.key, content | attribution, sold.actor)
        book = played([*before, own, *after])
        amounts = [(entry.key, entry.content.get("amount")) for entry in book.entries[5:]]
        return amounts, per_line(book)

    assert shared_by(session=session) == shared_by()


@given(one_order, st.lists(one_refund, max_size=4), st.randoms(use_true_random=False))
def test_a_fact_that_comes_again_changes_nothing(sold, refunds, random):
    once = [sold, *refunds]
    book = played(once)
    head, balances = book.head, book.balances()

    outcomes = book.batch(random.sample(once, len(once)) * 2)

    assert (book.head, book.balances()) == (head, balances)
    assert all(outcome.replayed if isinstance(outcome, Accepted) else outcome for outcome in outcomes)


def orderings(*said: Fact) -> list[tuple[Fact, ...]]:
    return list(permutations([order_said(ORDER), *said]))


BY_LINE = refund_said(refund("r1", lines=[RefundLine("a", 1, "3.00")]))
OTHER_LINE = refund_said(refund("r2", lines=[RefundLine("b", 1, "9.99")]))
BY_AMOUNT = refund_said(refund("r3", amount="5.00"))
BY_AMOUNT_TOO = refund_said(refund("r4", amount="0.07"))
CANCELLED = cancellation_said()


@pytest.mark.parametrize(
    "said",
    [
        (BY_LINE, OTHER_LINE, CANCELLED, order_said(ORDER)),
        (BY_LINE, BY_AMOUNT, CANCELLED, order_said(ORDER)),
        (BY_AMOUNT, BY_AMOUNT_TOO, CANCELLED, BY_AMOUNT),
        (BY_LINE, EVERYTHING, CANCELLED, BY_LINE),
    ],
    ids=["by line", "by line and amount", "by amount", "in full"],
)
def test_every_order_of_arrival_with_a_cancellation_gives_the_same_books_and_boards(said):
    books = [played(arrival) for arrival in orderings(*said)]

    assert len(books) == 120
    assert len({tuple(sorted(book.balances().items())) for book in books}) == 1
    assert len({str(boards(book)) for book in books if book.balances()}) <= 1
    assert not any(account.startswith("Income:Sales") for account in books[0].balances())


def test_every_order_of_arrival_of_line_refunds_takes_the_same_from_every_host():
    """What a line gives is the same; its hosts differ by the one unit that a second split may place elsewhere."""
    books = [played(arrival) for arrival in orderings(BY_LINE, OTHER_LINE, BY_LINE, order_said(ORDER))]

    assert len({tuple(sorted(per_line(book).items())) for book in books}) == 1
    assert len({tuple(sorted(per_line(book, ("line", "of", "host")).items())) for book in books}) == 1
    assert len({str(boards(book)) for book in books}) == 1
    assert len({tuple(sorted(book.balances().items())) for book in books}) == 1


def test_every_order_of_arrival_of_amounts_differs_by_one_unit_per_line_at_most():
    books = [played(arrival) for arrival in orderings(BY_AMOUNT, BY_AMOUNT_TOO, BY_AMOUNT)]
    sums = [per_line(book) for book in books]

    for key in sums[0]:
        assert max(own[key] for own in sums) - min(own[key] for own in sums) <= 1
    assert len({own.total() for own in sums}) == 1
    assert len({book.balances()["Assets:Clearing:default"] for book in books}) == 1


def test_every_order_of_arrival_that_ends_in_a_full_refund_ends_at_zero():
    by_quantity = refund_said(refund("r5", lines=[RefundLine("a", 2), RefundLine("c", 1)]))
    for arrival in orderings(by_quantity, BY_AMOUNT, EVERYTHING):
        book = played(arrival)

        left = {account for account in book.balances() if account.startswith(("Income:", "Liabilities:"))}
        assert left == set(), [fact.key for fact in arrival]
        assert boards(book)["hosts.units"]["total"] == 0
        assert boards(book)["hosts.orders"]["total"] == 0


def test_same_cancellation_may_come_before_and_after_its_order():
    book = played([CANCELLED, order_said(ORDER)])

    assert isinstance(book.batch([CANCELLED])[0], Accepted)
    assert isinstance(book.batch([cancellation_said(id="other")])[0], AppError)
