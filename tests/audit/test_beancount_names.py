"""Names for beancount: it takes every one of them, and no two ids of ours meet."""

import re
from pathlib import Path

import pytest
from beancount.core import account as beancount_account
from hypothesis import example, given
from hypothesis import strategies as st

from app.audit.beancount_names import account_name, order_link
from app.errors import InvariantError
from app.sales.facts import order_key
from app.sales.nobody import HOUSE, NO_TEAM
from app.sales.postings import clearing, commission, sales

DOCS = Path(__file__).parents[2] / "docs"
# Few letters, so that escapes and what they are made of come together often.
IDS = st.from_regex(r"[a-zA-Z0-9][upUP_.-]{0,6}", fullmatch=True) | st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True
)
ORDER_IDS = st.from_regex(r"[!-~]{1,100}", fullmatch=True)


@pytest.mark.parametrize(
    ("account", "name"),
    [
        (sales("h7", "ruby"), "Income:Sales:Team-ruby:Host-h7"),
        (sales("host_1.x-y", "team-2"), "Income:Sales:Team-team--2:Host-host-u-1-p-x--y"),
        (sales("h7", NO_TEAM), "Income:Sales:No-Team:Host-h7"),
        (sales(HOUSE, NO_TEAM), "Income:Sales:House"),
        (clearing("default"), "Assets:Clearing:Shop-default"),
        ("Expenses:Commission:h_7", "Expenses:Commission:Host-h-u-7"),
        (commission("h_7", "Held"), "Liabilities:Commission:Host-h-u-7:Held"),
        ("Assets:Unmatched-Refunds", "Assets:Unmatched-Refunds"),
    ],
)
def test_account_has_a_name_that_can_be_read(account: str, name: str):
    assert account_name(account) == name


@given(IDS, IDS, IDS)
def test_beancount_takes_every_name(team: str, host: str, source: str):
    for account in (sales(host, team), sales(host, NO_TEAM), clearing(source)):
        assert beancount_account.is_valid(account_name(account))


@given(st.tuples(IDS | st.just(NO_TEAM), IDS), st.tuples(IDS | st.just(NO_TEAM), IDS))
@example(("a_", "b"), ("a-u-", "b"))
@example(("a--", "b"), ("a-", "b"))
@example((NO_TEAM, "b"), ("No-Team", "b"))
@example(("a", "House"), ("House", "a"))
def test_no_two_accounts_share_a_name(one: tuple[str, str], other: tuple[str, str]):
    names = [account_name(account) for account in (sales(one[1], one[0]), sales(other[1], other[0]))]

    assert (names[0] == names[1]) == (one == other)


@given(st.lists(IDS, min_size=2, max_size=2, unique=True))
def test_no_two_shops_share_a_name(sources: list[str]):
    assert len({account_name(clearing(source)) for source in sources}) == 2


@given(st.tuples(IDS, ORDER_IDS), st.tuples(IDS, ORDER_IDS))
@example(("shop", "/23"), ("shop", "#"))
@example(("shop", "a/b"), ("shop", "a-b"))
def test_link_is_one_orders_alone_and_beancount_takes_it(one: tuple[str, str], other: tuple[str, str]):
    links = [order_link(order_key(*each)) for each in (one, other)]

    assert (links[0] == links[1]) == (one == other)
    assert all(re.fullmatch(r"[A-Za-z0-9_/.-]+", link) for link in links)


def test_every_account_of_the_journal_has_a_name():
    table = (DOCS / "journal.md").read_text().partition("| account | holds |")[2].partition("\n\n")[0]
    accounts = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)

    names = {account_name(re.sub(r"{\w+}", "x", account)) for account in accounts}

    assert len(names) == len(accounts) >= 10
    assert all(map(beancount_account.is_valid, names))


@pytest.mark.parametrize("account", ["Assets", "Expenses:Something:h_7", "Income:Sales:ruby:h 7", "Liabilities:owed"])
def test_account_without_a_name_is_an_error_and_no_broken_file(account: str):
    with pytest.raises(InvariantError, match="has no name"):
        account_name(account)
