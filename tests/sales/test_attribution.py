"""Who earns an order: the precedence as a table, the receipt, and shares that add up to the line."""

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.challenge.rules import DEFAULT_ATTRIBUTION, Attribution
from app.errors import Invalid
from app.sales import attribution, facts
from app.sales.attribution import CREDITS_MAX, SAID, attribute
from app.sales.nobody import HOUSE, NO_TEAM
from tests import histories
from tests.book import START, line, order


@dataclass
class Roster:
    """Two hosts with codes, one session; ann joined ruby an hour into the event, bo is in no team."""

    hosts: tuple[str, ...] = ("ann", "bo")
    codes: dict[str, str] = field(default_factory=lambda: {"ANN5": "ann", "BO5": "bo"})
    sessions: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: {"duo": [("ann", 2), ("bo", 1)]})

    def has_host(self, host: str) -> bool:
        return host in self.hosts

    def host_of_code(self, code: str) -> str | None:
        return self.codes.get(code.upper())

    def team_of(self, host: str, at: int) -> str:
        return "ruby" if host == "ann" and at >= START + 3_600_000_000 else NO_TEAM

    def has_session(self, session: str) -> bool:
        return session in self.sessions

    def shares_in(self, session: str, at: int, split: str) -> list[tuple[str, int]]:
        return self.sessions[session]

    stores: dict[str, str] = field(default_factory=dict)

    products_pinned = ()

    def store_of(self, host: str) -> str:
        return self.stores.get(host, "")

    def pins_at(self, sku: str, at: int, most: int) -> list[tuple[str, int]]:
        raise AssertionError("nothing is pinned")

    def person_of(self, host: str) -> str:
        return f"person-{host}"

    def is_staff(self, person: str) -> bool:
        return person.startswith("person-")


def attributed(
    roster: Roster | None = None,
    terms: Attribution = DEFAULT_ATTRIBUTION,
    touches: dict[str, dict[str, Any]] | None = None,
    **fields: Any,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    fact = facts.order_fact(order(**fields), "GBP", 2, str)
    return attribute(roster or Roster(), fact, terms, touches or {})


@pytest.mark.parametrize(
    ("brought", "winner", "reason", "receipt"),
    [
        ({}, HOUSE, "unattributed", []),
        ({"host": "ann"}, "ann", "host", [("host", "ann", "won")]),
        ({"code": "BO5"}, "bo", "code", [("code", "BO5", "won")]),
        ({"code": "bo5"}, "bo", "code", [("code", "bo5", "won")]),
        ({"session": "duo"}, "ann+bo", "session", [("session", "duo", "won")]),
        ({"code": "NONE"}, HOUSE, "unknown_code", [("code", "NONE", "unknown_code")]),
        ({"click": "c1"}, HOUSE, "unknown_click", [("click", "c1", "unknown_click")]),
        ({"host": "ann", "code": "BO5"}, "ann", "host", [("host", "ann", "won"), ("code", "BO5", "outranked")]),
        (
            {"code": "BO5", "session": "duo"},
            "bo",
            "code",
            [("code", "BO5", "won"), ("session", "duo", "outranked")],
        ),
        (
            {"code": "NONE", "session": "duo"},
            "ann+bo",
            "session",
            [("code", "NONE", "unknown_code"), ("session", "duo", "won")],
        ),
        (
            {"host": "bo", "code": "NONE", "click": "c1", "session": "duo"},
            "bo",
            "host",
            [
                ("host", "bo", "won"),
                ("code", "NONE", "unknown_code"),
                ("click", "c1", "unknown_click"),
                ("session", "duo", "outranked"),
            ],
        ),
    ],
)
def test_best_candidate_wins_and_the_receipt_says_what_became_of_each(brought, winner, reason, receipt):
    credits, candidates = attributed(**brought)

    assert "+".join(credit["host"] for credit in credits) == winner
    assert {credit["reason"] for credit in credits} == {reason}
    assert [(item["by"], item["id"], item["outcome"]) for item in candidates] == receipt


def test_every_combination_of_candidates_has_the_first_valid_one_win():
    precedence = {"host": {"ann": "ann"}, "code": {"BO5": "bo", "NONE": ""}, "session": {"duo": "ann+bo"}}
    for host, code, session in product(("", "ann"), ("", "BO5", "NONE"), ("", "duo")):
        brought: dict[str, Any] = {"host": host, "code": code, "session": session}
        expected = next((found for by, name in brought.items() if (found := precedence[by].get(name))), HOUSE)

        credits, candidates = attributed(**brought)

        assert "+".join(credit["host"] for credit in credits) == expected, brought
        assert [item["by"] for item in candidates] == [by for by, name in brought.items() if name]
        assert [item["outcome"] for item in candidates].count("won") == (expected != HOUSE)


@pytest.mark.parametrize(
    ("brought", "code", "field"),
    [
        ({"host": "nobody"}, "unknown_host", "host"),
        ({"host": HOUSE}, "unknown_host", "host"),
        ({"host": "ANN"}, "unknown_host", "host"),
        ({"session": "none"}, "unknown_session", "session"),
        ({"host": "ann", "session": "none"}, "unknown_session", "session"),
        ({"code": "ANN5", "host": "nobody"}, "unknown_host", "host"),
    ],
)
def test_host_or_session_that_is_not_there_is_refused_even_when_outranked(brought, code, field):
    with pytest.raises(Invalid) as refused:
        attributed(**brought)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_order_of_more_credits_than_one_entry_takes_is_refused():
    quartet = Roster(hosts=("a", "b", "c", "d"), sessions={"four": [(host, 1) for host in "abcd"]})
    most = [line(str(number)) for number in range(CREDITS_MAX // 4)]

    credits, _ = attributed(quartet, session="four", lines=most)
    with pytest.raises(Invalid) as refused:
        attributed(quartet, session="four", lines=[*most, line("one-more")])

    assert (len(credits), refused.value.code, refused.value.field) == (CREDITS_MAX, "too_many_credits", "lines")


def test_team_is_the_one_in_force_when_the_order_was_paid():
    before, _ = attributed(host="ann", paid_at=START + 3_599_999_999)
    after, _ = attributed(host="ann", paid_at=START + 3_600_000_000)

    assert (before[0]["team"], after[0]["team"]) == (NO_TEAM, "ruby")


def test_every_line_is_credited_with_its_amount_and_units():
    lines = [line("a", "10.50", 2, discount="1.00"), line("b", "0.00", 3)]

    credits, _ = attributed(host="ann", lines=lines)

    assert [(c["line"], c["amount"], c["units"]) for c in credits] == [("a", 2000, 2), ("b", 0, 3)]


def test_co_hosts_share_each_line_by_weight_and_ties_go_to_the_first():
    roster = Roster(hosts=("ann", "bo", "cy"), sessions={"trio": [("ann", 1), ("bo", 1), ("cy", 1)]})

    credits, _ = attributed(roster, lines=[line("a", "1.00", 2), line("b", "0.01")], session="trio")

    assert [(c["line"], c["host"], c["amount"], c["units"]) for c in credits] == [
        ("a", "ann", 67, 1),
        ("a", "bo", 67, 1),
        ("a", "cy", 66, 0),
        ("b", "ann", 1, 1),
        ("b", "bo", 0, 0),
        ("b", "cy", 0, 0),
    ]


@pytest.mark.parametrize(
    ("stores", "bps", "brought", "shares"),
    [
        ({"ann": "mall"}, 0, {"host": "ann"}, {"ann": 1000}),
        ({"ann": "mall"}, 2_500, {"host": "ann"}, {"ann": 750, "mall": 250}),
        ({"ann": "mall"}, 2_500, {"code": "ANN5"}, {"ann": 750, "mall": 250}),
        ({"ann": "mall"}, 10_000, {"host": "ann"}, {"mall": 1000}),
        ({"ann": "mall"}, 2_500, {"host": "bo"}, {"bo": 1000}),
        # The store itself sells: nothing is taken from it.
        ({"ann": "mall"}, 2_500, {"host": "mall"}, {"mall": 1000}),
        # ann's two thirds are shared with her store, bo has none.
        ({"ann": "mall"}, 2_500, {"session": "duo"}, {"ann": 500, "bo": 333, "mall": 167}),
        # Two hosts of one store: it has one part of both.
        ({"ann": "mall", "bo": "mall"}, 1_000, {"session": "duo"}, {"ann": 600, "bo": 300, "mall": 100}),
        # It is on air with its own host.
        ({"ann": "mall"}, 1_000, {"session": "shop"}, {"ann": 450, "mall": 550}),
        ({"ann": "mall"}, 2_500, {}, {HOUSE: 1000}),
    ],
)
def test_store_of_the_winner_has_its_part(stores, bps, brought, shares):
    sessions = {"duo": [("ann", 2), ("bo", 1)], "shop": [("ann", 1), ("mall", 1)]}
    roster = Roster(hosts=("ann", "bo", "mall"), sessions=sessions, stores=stores)

    credits, candidates = attributed(roster, Attribution(store_bps=bps), **brought)

    assert {credit["host"]: credit["amount"] for credit in credits} == shares
    told = bps if "mall" in shares and brought != {"host": "mall"} else 0
    assert all(candidate.get("store_bps", 0) == told for candidate in candidates)


TOUCHES = st.fixed_dictionaries(
    {},
    optional={
        "host": st.sampled_from(("ann", "bo")),
        "code": st.sampled_from(("ANN5", "bo5", "none")),
        "session": st.just("duo"),
        "click": st.just("c1"),
    },
)
TERMS = st.builds(
    Attribution,
    precedence=st.permutations(("host", "code", "click", "session")).map(tuple) | st.just(("session", "code")),
    store_bps=st.sampled_from((0, 0, 2_500)),
    self_purchase=st.sampled_from(("count", "exclude")),
    staff_purchase=st.sampled_from(("count", "exclude")),
)


@given(TOUCHES, st.lists(TOUCHES, min_size=1, max_size=3), TERMS, st.sampled_from(("", "person-ann", "kim")))
def test_plain_orders_are_decided_as_all_others_are(said, of_lines, terms, buyer):
    lines = [line(str(number), "3.33", number + 1, **touches) for number, touches in enumerate(of_lines)]
    roster = Roster(stores={"ann": "bo"})
    asked = {"roster": roster, "terms": terms, "lines": lines, "buyer": buyer, **said}

    decided = attributed(**asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attribution, "_plain", lambda *asked: None)
        the_long_way = attributed(**asked)

    assert decided == the_long_way


@given(histories.orders(), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_credits_of_a_line_sum_to_its_net_amount_and_quantity_whoever_shares_it(said, weights):
    hosts = [f"h{number}" for number in range(len(weights))]
    roster = Roster(hosts=tuple(hosts), codes={}, sessions={"duo": list(zip(hosts, weights, strict=True))})
    fact = facts.order_fact(said, "GBP", 2, str) | {"session": "duo"}
    for named in (fact, *fact["lines"]):
        for touch in ("host", "code") if named is fact else SAID:
            named.pop(touch, None)

    credits, _ = attribute(roster, fact, DEFAULT_ATTRIBUTION, {})

    for item, (net, _) in zip(fact["lines"], facts.line_amounts(fact), strict=True):
        own = [credit for credit in credits if credit["line"] == item["id"]]
        assert [credit["host"] for credit in own] == hosts
        assert (sum(c["amount"] for c in own), sum(c["units"] for c in own)) == (net, item["quantity"])
        assert all(c["amount"] >= 0 and c["units"] >= 0 for c in own)
