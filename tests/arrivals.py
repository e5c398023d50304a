"""One order, two refunds, a cancellation, a dispute and a repeat of one of them, to be told in every order of arrival.

What comes back is money that is said: amounts, or pieces of a line from which nothing else takes. Pieces of a line
from which amounts are taken, too, are worth what is left of it when they come back, so there the order of arrival is
part of what happened.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.sales import facts
from tests import book, histories

BY_LINES, BY_AMOUNTS, BY_ANYTHING = "lines", "amounts", "anything"


@dataclass(frozen=True)
class Case:
    """Facts about one order; ``repeated`` is the place of the one that comes twice. ``by`` says how money comes back.

    Shape of ``by``: ``lines``: all that comes back names its lines, at most what each is worth, and a dispute takes
    everything, or the order has one part only; ``amounts``: nothing names a line; ``anything``: whatever there is.
    """

    by: str
    order: facts.Order
    refunds: tuple[facts.Refund, facts.Refund]
    is_cancelled: bool
    disputed: str
    repeated: int

    def told(self, name: str = "1001") -> list[Fact]:
        """The facts about an order of this name, once each."""
        ids = {refund.id: replace(refund, id=f"{refund.id}-{name}", order=name) for refund in self.refunds}
        said = [book.order_said(replace(self.order, id=name)), *map(book.refund_said, ids.values())]
        said += [book.cancellation_said(name)] if self.is_cancelled else []
        return [*said, book.dispute_said(f"d-{name}", name, self.disputed)]

    def arrivals(self) -> list[tuple[int, ...]]:
        """Every order in which they can come, as places in ``told``; each once, since a repeat is no other fact."""
        places = range(4 + self.is_cancelled)
        return sorted(set(permutations([*places, self.repeated % len(places)])))


def everything(name: str = "1001") -> Fact:
    """A refund of all that may be left."""
    return book.refund_said(book.refund(f"all-{name}", name, amount="100000.00"))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    order = draw(histories.orders(st.just("1001")))
    worth: Counter[str] = Counter()
    for (line, _), amount in histories.worth_of(book.order_said(order).content).items():
        worth[line] += amount
    by = draw(st.sampled_from((BY_LINES, BY_AMOUNTS, BY_ANYTHING)))
    given = {BY_LINES: _by_lines, BY_AMOUNTS: _by_amounts, BY_ANYTHING: _by_anything}[by]
    whole = st.just(histories.pounds(worth.total() + 1))
    some = st.integers(1, worth.total() + 200).map(histories.pounds)
    has_one_part = sum(map(bool, worth.values())) == 1
    return Case(
        by,
        order,
        (draw(given("r1", order, worth, 0)), draw(given("r2", order, worth, 1))),
        draw(st.booleans()),
        draw(whole if by == BY_LINES and not has_one_part else some),
        draw(st.integers(0, 4)),
    )


def _by_amounts(name: str, order: facts.Order, worth: Counter[str], number: int) -> st.SearchStrategy[facts.Refund]:
    return st.integers(1, worth.total() + 50).map(lambda amount: book.refund(name, amount=histories.pounds(amount)))


def _by_lines(name: str, order: facts.Order, worth: Counter[str], number: int) -> st.SearchStrategy[facts.Refund]:
    """The first line in amounts that both refunds can take, each other line by one of the two, whole pieces too."""
    first, *others = order.lines
    own = [line for place, line in enumerate(others) if place % 2 == number]
    most = worth[first.id] // 2
    pieces = st.integers(0, first.quantity // 2 if most else 0)
    half = st.builds(facts.RefundLine, st.just(first.id), pieces, _pounds(most))
    rest = [
        st.builds(
            facts.RefundLine, st.just(line.id), st.integers(1, line.quantity), st.just("") | _pounds(worth[line.id])
        )
        for line in own
    ]
    lines = st.tuples(half, *rest).map(lambda given: [line for line in given if line.quantity or line.amount])
    return lines.filter(bool).map(lambda given: book.refund(name, lines=given))


def _by_anything(name: str, order: facts.Order, worth: Counter[str], number: int) -> st.SearchStrategy[facts.Refund]:
    line = st.builds(facts.RefundLine, st.sampled_from([line.id for line in order.lines]), st.just(0), _pounds(900))
    named = st.lists(line, min_size=1, max_size=3, unique_by=lambda line: line.id)
    more = _by_amounts(name, order, worth, number)
    return named.map(lambda lines: book.refund(name, lines=lines)) | st.builds(
        lambda lines, refund: replace(refund, lines=lines), named, more
    )


def _pounds(most: int) -> st.SearchStrategy[str]:
    """Up to ``most``; "" if that is nothing."""
    return st.integers(1, most).map(histories.pounds) if most else st.just("")


@dataclass
class Left:
    """What is left of an order by line and kind, and by line and host; its units, and what was given back beyond it.

    Counted from the credits and shares that the entries about it say, and from nothing else. A cancellation moves money
    from its hosts and takes none of it: that is not in ``parts``, but in ``sales``.
    """

    parts: Counter[Any] = field(default_factory=Counter)
    sales: Counter[Any] = field(default_factory=Counter)
    units: Counter[Any] = field(default_factory=Counter)
    over: int = 0

    def take(self, entry: Entry) -> None:
        content = entry.content
        if entry.kind == "order.paid":
            self.parts.update(histories.worth_of(content["fact"]))
            for credit in content["credits"]:
                self.sales[credit["line"], credit["host"]] += credit["amount"]
                self.units[credit["line"], credit["host"]] += credit["units"]
        for share in content.get("shares", ()):
            if entry.kind != "order.cancelled":
                self.parts[share["line"], share["of"]] -= share["amount"]
            if share["of"] == "sale":
                self.sales[share["line"], share["host"]] -= 0 if content.get("pending") else share["amount"]
                self.units[share["line"], share["host"]] -= share["units"]
        self.over += content.get("over", 0)

    def copy(self) -> "Left":
        return Left(Counter(self.parts), Counter(self.sales), Counter(self.units), self.over)


def spread(counted: Sequence[Counter[Any]]) -> int:
    """By how much the same thing differs most between all that were counted."""
    keys = {key for one in counted for key in one}
    return max((max(one[key] for one in counted) - min(one[key] for one in counted) for key in keys), default=0)
