"""Judges what clients logged (``client_log``) against a final read of the journal; knows the program by its answers.

Rules, by number:

 1  every acknowledged order is in the final read once, where its answer said
 2  nothing is there that no client sent
 3  what was refused is not there
 4  what was once shown to be there stays there, whatever the fate of its call
 5  positions shown to one reader never fall, and the journal has no hole
 6  what was acknowledged before another order was first sent has the lower position
 7  one order has one answer for ever, and is new once
 8  the answer is that of a model that takes one order after the other
 9  a board shown at a position is the fold of the journal up to it
10  an order is paid at one price to one host, however often and with whatever content it was sent
11  postings sum to zero at every position, by currency
12  whoever was told a position is shown nothing older by the same process
13  the final boards are what plain SQL makes of the postings

A log without a complete final read proves nothing: ``unknown``, unless the log alone shows something.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.client_log import Content, minor_units


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not hold: the rule's number, 0 for an error that no client was told to expect."""

    rule: int
    detail: str


@dataclass(frozen=True, slots=True)
class Paid:
    """An order as the journal holds it: its key's id, position, host and minor units credited."""

    position: int
    order: str
    host: str
    amount: int


@dataclass(frozen=True, slots=True)
class FinalRead:
    """Everything, read when nobody writes any more.

    Shape: ``positions`` of all entries, ascending; ``boards`` and ``ledger`` are minor units by host, a board for each
    process and the ledger by SQL; ``unbalanced`` positions, by SQL.
    """

    positions: list[int]
    paid: list[Paid]
    boards: list[dict[str, int]]
    ledger: dict[str, int]
    unbalanced: list[int]


@dataclass
class Verdict:
    """``pass``, ``found`` or ``unknown``; how many orders were acknowledged, refused and of unknown fate."""

    result: str
    findings: list[Finding]
    acknowledged: int
    refused: int
    unknown: int


@dataclass
class _History:
    """A log in the order of its lines."""

    findings: list[Finding] = field(default_factory=list)
    sent: dict[Content, str] = field(default_factory=dict)
    """Best known fate of each content: ``ok``, ``unknown`` or ``refused``."""
    answers: dict[str, Any] = field(default_factory=dict)
    accepted: dict[str, Content] = field(default_factory=dict)
    new: Counter[str] = field(default_factory=Counter)
    bound: dict[str, int] = field(default_factory=dict)
    """Highest position acknowledged before an order was first sent."""
    shown: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    highest: int = 0
    floor: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    last: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    seen_by: set[tuple[str, str]] = field(default_factory=set)
    calls: dict[int, tuple[str, list[Content]]] = field(default_factory=dict)

    def find(self, rule: int, detail: str) -> None:
        self.findings.append(Finding(rule, detail))

    def take(self, record: dict[str, Any]) -> None:
        match record["at"]:
            case "sent":
                contents = [(order, host, amount) for order, host, amount in record["orders"]]
                self.calls[record["call"]] = (record["reader"], contents)
                for content in contents:
                    self.bound.setdefault(content[0], self.highest)
                    self.sent.setdefault(content, "refused")
            case "told":
                self._told(record)
            case "shown":
                self._shown(record["reader"], record["position"], record["scores"])
            case "looked":
                self._looked(record["reader"], record["order"], record["there"])

    def _told(self, record: dict[str, Any]) -> None:
        reader, contents = self.calls.pop(record["call"])
        if record["class"] == "unclassified":
            self.find(0, f"call {record['call']}: {record['why']}")
        for number, content in enumerate(contents):
            item = record["items"][number] if "items" in record else record
            if item["class"] == "ok":
                self._accepted(reader, content, item)
            elif item["class"] != "business":
                self._unknown(content)
            if item is not record and item["class"] == "unclassified":
                self.find(0, f"call {record['call']}: {item}")

    def _unknown(self, content: Content) -> None:
        if self.sent[content] == "refused":
            self.sent[content] = "unknown"

    def _accepted(self, reader: str, content: Content, item: dict[str, Any]) -> None:
        order, host, amount = content
        answer = item["answer"]
        self.sent[content] = "ok"
        self.new[order] += item["status"] == 201
        if self.accepted.setdefault(order, content) != content:
            self.find(10, f"{order} was accepted as {self.accepted[order]} and as {content}")
        if self.answers.setdefault(order, answer) != answer:
            self.find(7, f"{order} was answered with {self.answers[order]} and with {answer}")
        if self.new[order] > 1:
            self.find(7, f"{order} was new {self.new[order]} times")
        if [(credit["host"], minor_units(credit["amount"])) for credit in answer["credits"]] != [(host, amount)]:
            self.find(8, f"{order} was credited as {answer['credits']}, sent as {content}")
        self.highest = max(self.highest, answer["position"])
        self.floor[reader] = max(self.floor[reader], answer["position"])

    def _shown(self, reader: str, position: int, scores: dict[str, int]) -> None:
        if position < self.last[reader]:
            self.find(5, f"{reader} was shown {position} after {self.last[reader]}")
        if position < self.floor[reader]:
            self.find(12, f"{reader} was shown {position} after it was told {self.floor[reader]}")
        self.last[reader] = max(self.last[reader], position)
        self.shown.append((position, scores))

    def _looked(self, reader: str, order: str, is_there: bool) -> None:
        if not is_there and (reader, order) in self.seen_by:
            self.find(4, f"{reader} was shown {order} before, and now not")
        if is_there:
            self.seen_by.add((reader, order))
            self.seen.add(order)

    def end(self) -> None:
        """What was never answered may have been done."""
        for _, contents in self.calls.values():
            for content in contents:
                self._unknown(content)


def check(records: Iterable[dict[str, Any]], final: FinalRead | None) -> Verdict:
    """Judge a log; ``final`` is None if the final read could not be had whole."""
    history = _History()
    for record in records:
        history.take(record)
    history.end()
    findings = history.findings
    if final is not None:
        findings = [*findings, *_orders(history, final), *_places(history, final), *_boards(history, final)]
    result = "found" if findings else "unknown" if final is None else "pass"
    fates = Counter(history.sent.values())
    return Verdict(result, findings, fates["ok"], fates["refused"], fates["unknown"])


def _orders(history: _History, final: FinalRead) -> Iterator[Finding]:
    """Lost, doubled, invented."""
    there = defaultdict(list)
    for paid in final.paid:
        there[paid.order].append(paid)
    for order, answer in history.answers.items():
        positions = [paid.position for paid in there[order]]
        if positions != [answer["position"]]:
            yield Finding(1, f"{order} was acknowledged at {answer['position']} and is at {positions}")
    for order, found in there.items():
        if len(found) > 1 and order not in history.answers:
            yield Finding(1, f"{order} is there {len(found)} times")
        for paid in found:
            fate = history.sent.get((order, paid.host, paid.amount))
            if fate is None:
                yield Finding(2, f"nobody sent {paid}")
            elif fate == "refused":
                yield Finding(3, f"{paid} was refused")
    for order in history.seen:
        if not there[order]:
            yield Finding(4, f"{order} was shown, and is not there")


def _places(history: _History, final: FinalRead) -> Iterator[Finding]:
    if final.positions != list(range(1, len(final.positions) + 1)):
        yield Finding(5, "the positions of the journal are not 1, 2, 3…")
    for paid in final.paid:
        bound = history.bound.get(paid.order, 0)
        if paid.position <= bound:
            yield Finding(6, f"{paid} was first sent after position {bound} was acknowledged")
    for position in final.unbalanced:
        yield Finding(11, f"the postings of position {position} do not sum to zero")


def _boards(history: _History, final: FinalRead) -> Iterator[Finding]:
    scores: Counter[str] = Counter()
    paid = iter(sorted(final.paid, key=lambda one: one.position))
    following = next(paid, None)
    for position, shown in sorted(history.shown, key=lambda one: one[0]):
        while following is not None and following.position <= position:
            scores[following.host] += following.amount
            following = next(paid, None)
        if position > len(final.positions):
            yield Finding(9, f"a board was shown at {position}, where the journal has nothing")
        if shown != dict(scores):
            yield Finding(9, f"the board at {position} was shown as {shown}, the journal says {dict(scores)}")
    for board in final.boards:
        if board != final.ledger:
            yield Finding(13, f"a final board is {board}, the ledger says {final.ledger}")
