"""In whatever order facts about one order come, it ends as the same: thousands of arrivals, decided by the rules."""

from collections import Counter

from hypothesis import given, settings

from app.journal.plan import Accepted, Known, Plan, plan_batch
from app.main import RULES
from tests import histories
from tests.arrivals import BY_AMOUNTS, BY_LINES, Case, Left, cases, everything, spread
from tests.servers import LONG

# Each is told in 60 orders of arrival, or 360 with a cancellation: thousands together.
CASES = 400 if LONG else 12
OPENED = histories.opened()
# Each refund or dispute may put one unit elsewhere, and a line's share of it another one among its hosts.
TAKING = 3


def arrived(case: Case, arrival: tuple[int, ...]) -> Plan:
    """The facts in this order, and a full refund behind them; decided as the writer would decide one batch."""
    told = case.told()
    said = [*(told[place] for place in arrival), everything()]
    return plan_batch(RULES, OPENED.head, OPENED.state.layer(), said, OPENED.now, Known(OPENED.entries))


def ends_of(plan: Plan) -> tuple[Left, Left]:
    """What is left before the full refund, and behind it. Never below zero on the way, and every entry balances."""
    balances: Counter[str] = Counter()
    legs: dict[int, dict[str, int]] = {}
    for posting in plan.postings:
        legs.setdefault(posting.position, {})[posting.account] = posting.amount
    before, left = Left(), Left()
    for entry in plan.entries:
        before = left.copy() if entry is plan.entries[-1] else before
        left.take(entry)
        assert min([*left.parts.values(), *left.sales.values(), *left.units.values(), left.over], default=0) >= 0
        step = legs.get(entry.position, {})
        assert sum(step.values()) == 0
        balances.update(step)
        for account in step:
            if account.startswith(("Income:", "Liabilities:", "Assets:Disputes")):
                assert balances[account] <= 0, account
            elif not account.startswith("Assets:Clearing:"):
                assert balances[account] >= 0, account
    assert not any(amount for account, amount in balances.items() if account.startswith(("Income:", "Liabilities:")))
    return before, left


def check_repeats(plan: Plan) -> None:
    """One of the facts came twice: the second time it is answered as the first time, and writes nothing."""
    outcomes = [outcome for outcome in plan.outcomes if isinstance(outcome, Accepted)]
    assert len(outcomes) == len(plan.outcomes)
    assert [outcome.replayed for outcome in outcomes].count(True) == 1


def check_nothing_is_left(case: Case, left: Left) -> None:
    assert not any([*left.parts.values(), *left.sales.values()])
    # What was worth nothing is given back by its pieces only.
    if any(histories.worth_of(case.told()[0].content).values()):
        assert not any(left.units.values())


def check_alike(case: Case, ends: list[Left]) -> None:
    """All arrivals of one case."""
    assert len({(left.parts.total(), left.over) for left in ends}) == 1
    parts, sales = ([getattr(left, name) for left in ends] for name in ("parts", "sales"))
    is_shared = any(count > 1 for count in Counter(line for line, _ in ends[0].sales).values())
    if case.by == BY_LINES:
        assert spread(parts) == 0
        assert spread(sales) <= (TAKING if is_shared else 0)
    elif case.by == BY_AMOUNTS:
        assert spread(parts) <= TAKING
        assert spread(sales) <= TAKING * (2 if is_shared else 1)


@settings(max_examples=CASES)
@given(cases())
def test_every_order_of_arrival_gives_the_same_totals_and_a_full_refund_ends_at_zero(case: Case):
    ends = []
    for arrival in case.arrivals():
        plan = arrived(case, arrival)
        check_repeats(plan)
        before, left = ends_of(plan)
        check_nothing_is_left(case, left)
        ends.append(before)
    check_alike(case, ends)
