"""Whatever comes back of orders in other currencies, in whatever order, at whatever rates."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from app.journal.drafts import Fact
from app.journal.plan import Accepted
from app.sales import facts
from tests import histories
from tests.book import Book, cancellation_said, correction_said, outcome_said, rates_said
from tests.foreign import EVENT, disputed, disputes, opened, orders, refunds, remaining, returned, tables, text

corrections = st.builds(
    correction_said, st.just(["1001"]), st.sampled_from(({"ann": 1}, {"bo": 2, "cy": 1})), st.sampled_from(("c1", "c2"))
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Fact], Fact, list[Fact]]:
    """What comes before an order, the order, what comes after it."""
    sold = draw(orders())
    currency = sold.content["currency"]
    one = refunds(currency) | refunds(currency) | disputes(currency) | histories.outcomes()
    one = one | st.just(cancellation_said()) | corrections
    return draw(st.lists(one, max_size=4)), sold, draw(st.lists(one, max_size=7))


def everything(sold: Fact) -> Fact:
    return returned("everything", amount=text(100_000, sold.content["currency"]), currency=sold.content["currency"])


def commissioned(**table: str) -> Book:
    terms = {"bps": 777, "with_tax": True, "with_shipping": True, "before_discount": True}
    return opened(terms, **table)


@given(tables, stories())
def test_every_entry_balances_and_nobody_falls_below_zero(table, story):
    before, sold, after = story
    book = commissioned(**table)
    for fact in [*before, sold, *after]:
        book.batch([fact])

        balances = book.balances()
        assert sum(balances.values()) == 0
        for account, amount in balances.items():
            if account.startswith(("Income:", "Liabilities:")) or account == "Assets:Disputes":
                assert amount < 0, (account, amount)
            elif not account.startswith("Assets:Clearing:"):
                assert amount > 0, (account, amount)
    assert {posting.currency for posting in book.postings} <= {EVENT}
    for board in ("hosts", "teams"):
        assert all(Fraction(row["score"]) >= 0 for row in book.board(board)["rows"])


@given(tables, stories())
def test_after_a_full_refund_nothing_is_left_anywhere(table, story):
    before, sold, after = story
    book = commissioned(**table)
    for fact in [*before, sold, *after, everything(sold)]:
        book.batch([fact])
    assume(not book.state.disputes)

    left = {account for account in book.balances() if account.startswith(("Income:", "Liabilities:"))}
    assert left == set()
    assert {row["score"] for row in book.board("hosts")["rows"]} == {"0.00"}
    if facts.total_of(sold.content):
        assert {row["score"] for row in book.board("hosts.orders")["rows"]} == {0}


@given(tables, stories())
def test_what_is_left_is_at_every_step_what_the_rest_in_its_own_currency_is_worth(table, story):
    """So it cannot depend on the steps in which the rest came about."""
    before, sold, after = story
    book = opened(**table)
    for fact in [*before, sold]:
        book.batch([fact])
    for fact in [*after, everything(sold)]:
        own = remaining(book).own
        assert own is not None
        for bucket, (of, worth) in own.worth.items():
            left = round(Fraction(own.left.left(bucket) * worth, of)) if of else 0
            assert remaining(book).left(bucket) == left, bucket
        book.batch([fact])


@given(tables, tables, stories())
def test_later_tables_move_nothing_that_is_booked(table, other, story):
    _, sold, after = story
    one, two = opened(**table), opened(**table)
    for book in (one, two):
        book.batch([sold])
    # The second one has none for its currency any more.
    two.say(rates_said("v2", EVENT, **other))
    two.say(rates_said("v3", EVENT))
    for book in (one, two):
        for fact in after:
            book.batch([fact])

    assert (one.balances(), one.board()["rows"]) == (two.balances(), two.board()["rows"])
    assert two.state.rates.version == "v3"


@given(tables, stories())
def test_dispute_that_is_won_leaves_the_order_as_if_it_had_never_been(table, story):
    _, sold, after = story
    kept = [fact for fact in after if fact.kind in ("order.refunded", "order.cancelled")]
    plain, won = opened(**table), opened(**table)
    contested = disputed("d9", text(700, sold.content["currency"]), sold.content["currency"], fee="1")
    for book, said in ((plain, [sold, *kept]), (won, [sold, contested, *kept, outcome_said("won", "d9")])):
        for fact in said:
            book.batch([fact])
    # A refund by quantity is decided on what an open dispute leaves, so it may be refused or go beyond.
    assume(all("amount" in fact.content for fact in kept if fact.kind == "order.refunded"))
    assume([e.key for e in plain.entries] == [e.key for e in won.entries if "d9" not in e.key])

    assert sales_of(plain) == sales_of(won)
    assert won.balances().get("Assets:Disputes", 0) == 0


def sales_of(book: Book) -> dict[str, int]:
    return {account: amount for account, amount in book.balances().items() if account.startswith("Income:Sales")}


@given(tables, stories())
def test_repeats_get_the_first_answer_after_a_new_table(table, story):
    before, sold, after = story
    book = opened(**table)
    said = [*before, sold, *after]
    for fact in said:
        book.batch([fact])
    book.say(rates_said("v2", EVENT))
    known = {entry.key: entry for entry in book.entries}

    for fact in said:
        outcome = book.batch([fact])[0]
        if fact.key in known and known[fact.key].content["fact"] == fact.content:
            assert outcome == Accepted([known[fact.key]], True)
