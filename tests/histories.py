"""Random facts about one event, with so few ids that they meet: orders, refunds, cancellations, roster changes.

Amounts are small, so that shares of zero and of one minor unit are common; that is where splits go wrong.
"""

from collections import Counter
from typing import Any

from hypothesis import strategies as st

from app.journal.drafts import Fact
from app.sales import facts
from app.sales.facts import line_amounts
from app.sales.money import format_amount
from tests import book

ORDER_IDS = [f"o{number}" for number in range(1, 7)]
SOME_ORDER = st.sampled_from(ORDER_IDS)
SESSIONS = ("duo", "trio", "solo")
CODES = ("ANN5", "ann5", "BO5", "CY5", "NOBODY")
ATTRIBUTIONS: tuple[dict[str, Any], ...] = (
    *({"split": split} for split in ("weights", "equal", "air_time")),
    {"precedence": ["pin", "session", "code"]},
    {"precedence": ["host", "code", "click", "session", "pin"]},
    *({"store_bps": bps} for bps in (0, 3_333)),
)
STATUSES = ("active", "hidden", "guest", "banned")


def pounds(minor: int) -> str:
    return format_amount(minor, 2)


@st.composite
def order_lines(draw: st.DrawFn, most: int = 4) -> list[facts.OrderLine]:
    lines = []
    for number in range(draw(st.integers(1, most))):
        quantity = draw(st.integers(1, 4))
        price = draw(st.sampled_from((0, 1, 2, 3, 10, 333, 1_000, 1_999)))
        discount = draw(st.just(0) | st.integers(0, quantity * price))
        lines.append(
            book.line(
                str(number + 1),
                pounds(price),
                quantity,
                discount=pounds(discount),
                sku=f"sku-{number}",
                **draw(st.sampled_from(({}, {}, {}, {"code": "CY5"}, {"host": "bo"}, {"session": "trio"}))),
            )
        )
    return lines


@st.composite
def orders(draw: st.DrawFn, ids: st.SearchStrategy[str] = SOME_ORDER) -> facts.Order:
    """An order with lines, discounts, shipping, tax in or on top of the lines, any attribution, of lines too."""
    lines = draw(order_lines())
    worth = sum(sum_of(line) for line in lines)
    included = draw(st.booleans())
    fields: dict[str, Any] = draw(
        st.sampled_from(
            (
                {},
                *({"host": host["id"]} for host in book.HOSTS),
                *({"code": code} for code in CODES),
                *({"session": session} for session in SESSIONS),
                {"code": "NOBODY", "session": "duo"},
            )
        )
    )
    return book.order(
        draw(ids),
        lines=lines,
        paid_at=book.START + draw(st.integers(0, 4 * 24 - 1)) * book.HOUR,
        shipping=pounds(draw(st.sampled_from((0, 0, 1, 299)))),
        tax=pounds(draw(st.just(0) | st.integers(0, worth if included else 500))),
        tax_included=included,
        **fields,
    )


def sum_of(line: facts.OrderLine) -> int:
    price, discount = (int(text.replace(".", "")) for text in (line.unit_price, line.discount))
    return line.quantity * price - discount


def worth_of(fact: dict[str, Any]) -> Counter[Any]:
    """What can be given back of an order, by line and kind."""
    worth: Counter[Any] = Counter()
    for item, (net, tax) in zip(fact["lines"], line_amounts(fact), strict=True):
        worth[item["id"], "sale"] = net
        worth[item["id"], "tax"] = tax
    worth["", "shipping"] = fact.get("shipping", 0)
    worth["", "tax"] = 0 if fact.get("tax_included") else fact.get("tax", 0)
    return worth


@st.composite
def refund_lines(draw: st.DrawFn) -> list[facts.RefundLine]:
    ids = draw(st.lists(st.sampled_from("1234"), min_size=1, max_size=3, unique=True))
    lines = []
    for identity in ids:
        quantity = draw(st.integers(0, 3))
        amount = draw(st.integers(1, 2_500)) if not quantity or draw(st.booleans()) else 0
        lines.append(facts.RefundLine(identity, quantity, pounds(amount) if amount else ""))
    return lines


@st.composite
def refunds(draw: st.DrawFn, order: st.SearchStrategy[str] = SOME_ORDER) -> facts.Refund:
    """A refund by amount, by line or both; of an order that is there, will come, or is never named."""
    fields: dict[str, Any] = {}
    by = draw(st.sampled_from(("amount", "lines", "both", "rest", "nothing named")))
    if by in ("amount", "both", "nothing named"):
        fields["amount"] = pounds(draw(st.integers(1, 4_000)))
    elif by == "rest":
        fields["amount"] = pounds(100_000)
    if by in ("lines", "both"):
        fields["lines"] = draw(refund_lines())
    return book.refund(f"r{draw(st.integers(1, 12))}", "" if by == "nothing named" else draw(order), **fields)


@st.composite
def roster_changes(draw: st.DrawFn) -> Fact:
    """One host changes team, status, codes or store, which is a host too; now, or at a time of its own."""
    record: dict[str, Any] = {"id": draw(st.sampled_from([host["id"] for host in book.HOSTS] + ["eve", "fay"]))}
    if draw(st.booleans()):
        record["team"] = draw(st.sampled_from((*book.TEAMS, "jade", "")))
        if draw(st.booleans()):
            record["from"] = book.START + draw(st.integers(-2, 6 * 24)) * book.HOUR
    if draw(st.booleans()):
        record["status"] = draw(st.sampled_from(STATUSES))
    if draw(st.booleans()):
        record["codes"] = draw(st.lists(st.sampled_from(CODES[:4]), max_size=2, unique_by=str.upper))
    store = draw(st.sampled_from(("", *(host["id"] for host in book.HOSTS))))
    if store:
        record["store"] = store
    return book.roster_said([record], ("jade",), stores=[store] if store else [])


def said() -> st.SearchStrategy[Fact]:
    """Any fact but the moves of the event, orders and refunds above all."""
    sold = orders().map(book.order_said)
    returned = refunds().map(book.refund_said)
    cancelled = st.sampled_from(ORDER_IDS).map(book.cancellation_said)
    return st.one_of(sold, sold, returned, returned, cancelled, disputes(), outcomes(), roster_changes(), on_air())


def on_air() -> st.SearchStrategy[Fact]:
    """Products pinned in the sessions and taken off, hosts who join and leave, offers, goals, announcements."""
    sessions, products = st.sampled_from(SESSIONS), st.sampled_from(("sku-0", "sku-1"))
    times = st.integers(0, 90).map(lambda hours: book.START + hours * book.HOUR)
    hosts = st.sampled_from(({"ann": 1}, {"ann": 2, "dee": 1}, {"bo": 1, "cy": 1, "dee": 1}))
    return st.one_of(
        st.builds(book.pin_said, sessions, products, times),
        st.builds(book.unpin_said, sessions, products, times),
        st.builds(book.session_hosts_said, sessions, hosts, times),
        st.builds(book.offer_said, st.sampled_from(("o1", "o2")), times, sessions | st.just("")),
        st.builds(book.offer_end_said, st.sampled_from(("o1", "o2")), times),
        goals(),
        st.builds(book.announced_said, st.sampled_from(("a1", "a2")), st.sampled_from(("Hello", "再见"))),
        st.builds(book.withdrawn_said, st.sampled_from(("a1", "a2"))),
    )


def goals() -> st.SearchStrategy[Fact]:
    """Goals of everything that can have one, some of them of nobody; changed, and ended."""
    targets = ({"of": "event"}, {"of": "team", "target_id": "ruby"}, {"of": "host", "target_id": "cy"})
    sessions = ({"of": "session", "target_id": "duo"}, {"of": "session", "target_id": "none"})
    measures = st.sampled_from(("gross_sales", "net_sales", "orders", "units"))
    set_goals = st.builds(
        lambda id, of, measure, target: book.goal_said(id, target, **of, measure=measure),
        st.sampled_from(("g1", "g2", "g3")),
        st.sampled_from((*targets, *sessions)),
        measures,
        st.integers(1, 6_000),
    )
    return set_goals | set_goals | st.builds(book.goal_end_said, st.sampled_from(("g1", "g2", "g3")))


def disputes(order: st.SearchStrategy[str] = SOME_ORDER) -> st.SearchStrategy[Fact]:
    """A dispute of part of an order, of all of it, or of more."""
    ids = st.sampled_from(("d1", "d2", "d3"))
    return st.builds(book.dispute_said, ids, order, st.integers(1, 4_000).map(pounds) | st.just("1000.00"))


def outcomes() -> st.SearchStrategy[Fact]:
    return st.builds(book.outcome_said, st.sampled_from(("won", "lost")), st.sampled_from(("d1", "d2", "d3")))


HOST_IDS = st.sampled_from([host["id"] for host in book.HOSTS])
COMMISSIONS: tuple[dict[str, Any], ...] = (
    {},
    {"bps": 1000},
    {"bps": 333, "cap": "2.00", "with_tax": True, "with_shipping": True, "before_discount": True},
    {"teams": {"ruby": 777}, "products": {"sku-0": 250}, "tiers": [["0.00", 100], ["10.00", 900]], "hold_days": 0},
)


def rules_changed() -> st.SearchStrategy[Fact]:
    """Ranks, commission, attribution, and from where on a second person is asked."""
    given = st.fixed_dictionaries(
        {},
        optional={
            "ranks": st.sampled_from(("shared", "distinct")),
            "commission": st.sampled_from(COMMISSIONS),
            "approval_above": st.sampled_from((None, "0.00", "10.00")),
            "attribution": st.sampled_from(ATTRIBUTIONS),
        },
    )
    return given.map(lambda rules: Fact("rules.changed", "", {"rules": rules}, "key:ops"))


def corrections(number: int, order: st.SearchStrategy[str]) -> st.SearchStrategy[Fact]:
    """Some orders to other hosts, or to the teams of by now; an amount of its own; by one of two people."""
    to = st.none() | st.dictionaries(HOST_IDS | st.just("House"), st.integers(1, 5), min_size=1, max_size=3)
    who = st.sampled_from((("ines", "key:ines"), ("joe", "key:joe"), ("root", "key:admin")))
    moves = st.builds(
        lambda orders, to, who: book.correction_said(orders, to, f"c{number}", *who),
        st.lists(order, min_size=1, max_size=3),
        to,
        who,
    )
    amounts = st.builds(
        lambda host, amount, who: book.adjustment_said(amount, f"c{number}", host, *who),
        HOST_IDS,
        st.integers(-2_000, 2_000).filter(bool),
        who,
    )
    return moves | moves | amounts


def claims(number: int, order: st.SearchStrategy[str]) -> st.SearchStrategy[Fact]:
    """A host claims an order that is there or not, or a sale that is missing, paid lately or long ago."""
    missing = st.builds(
        lambda host, days: book.claim_said("", host, f"k{number}", person=host, paid_at=book.START + days * book.DAY),
        HOST_IDS,
        st.sampled_from((0, 3, 3, 30)),
    )
    there = st.builds(lambda one, host: book.claim_said(one, host, f"k{number}", person=host), order, HOST_IDS)
    return there | there | missing


def settlements(number: int) -> st.SearchStrategy[Fact]:
    """Releases, payouts, payouts that failed, ends of statements."""
    return st.one_of(
        st.just(book.release_said(f"w{number}")),
        st.builds(book.payout_said, st.integers(1, 300), st.just(f"p{number}"), HOST_IDS),
        st.integers(1, number).map(lambda earlier: book.payout_failed_said(f"p{earlier}")),
        st.just(book.statement_said(f"s{number}")),
    )


def sessions_said() -> list[Fact]:
    """``duo`` and ``trio`` share, ``trio`` with odd weights."""
    return [
        book.session_said("duo", {"ann": 1, "cy": 1}),
        book.session_said("trio", {"ann": 1, "bo": 5, "dee": 3}),
        book.session_said("solo", {"cy": 7}),
    ]


def opened(**event: Any) -> book.Book:
    """A live event with its sessions."""
    made = book.Book(**event)
    made.batch(sessions_said())
    return made
