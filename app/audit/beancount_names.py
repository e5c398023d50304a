"""Accounts and orders under names that beancount takes: one name each, and no two alike. Pure.

A part of an account must begin with a capital or a digit and has letters, digits and ``-`` only; a link may also have
``_``, ``.`` and ``/``. Our ids have more, so each is escaped by a code whose words never begin one another.
"""

import re

from app.errors import InvariantError
from app.sales.nobody import NO_TEAM

# What stands for the team of a host without one: no team's name, since those begin with "Team-".
NOBODYS_TEAM = "No-Team"
# Accounts that hold ids: what comes before these, and which id each further part is; "" for none.
_SHAPES = {
    "Assets:Clearing": ("Shop",),
    "Income:Sales": ("Team", "Host"),
    "Expenses:Commission": ("Host",),
    "Liabilities:Commission": ("Host", ""),
}
_ESCAPES = {"-": "--", "_": "-u-", ".": "-p-"}
_PART = re.compile(r"[A-Z0-9][A-Za-z0-9-]*")
_ID = re.compile(r"[A-Za-z0-9_.-]+")
_NOT_IN_LINKS = re.compile(r"[^A-Za-z0-9_.-]")


def account_name(account: str) -> str:
    """An account of ours as beancount writes it: ``Income:Sales:ruby:h_7`` is ``Income:Sales:Team-ruby:Host-h-u-7``.

    Shape: accounts without ids stay as they are; ``-`` in an id becomes ``--``, ``_`` becomes ``-u-``, ``.`` ``-p-``.
    Errors: InvariantError for an account that beancount has no name for.
    """
    parts = account.split(":")
    for before, words in _SHAPES.items():
        fixed = before.split(":")
        ids = parts[len(fixed) :]
        if parts[: len(fixed)] == fixed and len(ids) == len(words):
            return ":".join([before, *(_id_name(word, each) for word, each in zip(words, ids, strict=True))])
    if len(parts) < 2 or not all(map(_PART.fullmatch, parts)):
        raise InvariantError(f"the account {account!r} has no name in beancount")
    return account


def order_link(key: str) -> str:
    """The link that all transactions about an order share: ``order:shop:#1001`` is ``order-shop//231001``.

    Shape: ``order-{source}/{id}``; in the id whatever a link cannot hold is ``/`` and its two hex digits.
    """
    _, source, order = key.split(":", 2)
    return f"order-{source}/" + _NOT_IN_LINKS.sub(lambda found: f"/{ord(found[0]):02X}", order)


def _id_name(word: str, identity: str) -> str:
    if not word:
        return identity
    if word == "Team" and identity == NO_TEAM:
        return NOBODYS_TEAM
    if not _ID.fullmatch(identity):
        raise InvariantError(f"the id {identity!r} has no name in beancount")
    return f"{word}-" + "".join(_ESCAPES.get(letter, letter) for letter in identity)
