"""An event in memory: the pure rules driven as the writer drives them, one batch after the other, without a database.

Every entry is folded from its stored bytes, as another process would fold it, and its body must be canonical.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import orjson

from app.challenge.audience import sample_key
from app.challenge.boards import Frame, board_document, parse_board
from app.challenge.scores import Scoreboard, Totals
from app.errors import AppError
from app.journal.drafts import Fact
from app.journal.entry import Entry, canonical_bytes, content_digest, content_hash, epoch_of, rehash
from app.journal.plan import Accepted, Known, Outcome, plan_batch
from app.journal.store import Head, Posting, head_after, new_head
from app.main import RULES
from app.sales import disputes, facts
from app.sales.money import exponent_of, format_amount
from app.sales.rates import parse_rates, rates_key
from app.sales.reattribution import correction_key
from app.sales.times import rfc3339
from app.state import State

EVENT = "kos101"
BRAND = "mac"
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
# 5 April 2021: in the past, because a database refuses entries that are ahead of its clock.
START = 1_617_580_800 * SECOND
END = START + 7 * DAY

TEAMS = ("opal", "ruby")
HOSTS: tuple[dict[str, Any], ...] = (
    {"id": "ann", "team": "ruby", "codes": ["ANN5"]},
    {"id": "bo", "team": "ruby", "codes": ["BO5", "bo-vip"]},
    {"id": "cy", "team": "opal", "codes": ["CY5"]},
    {"id": "dee", "codes": []},
)


def order(id: str = "1001", price: str = "10.00", quantity: int = 1, **fields: Any) -> facts.Order:
    """An order of one line ``1``, or of the ``lines`` given; the rest as the shop would send it."""
    lines = fields.pop("lines", None) or [facts.OrderLine(quantity, price, "1")]
    paid_at = fields.pop("paid_at", START + HOUR)
    moment = paid_at if isinstance(paid_at, str) else rfc3339(paid_at)
    return facts.Order(id, moment, fields.pop("currency", "GBP"), lines, **fields)


def line(id: str, price: str = "10.00", quantity: int = 1, **fields: Any) -> facts.OrderLine:
    return facts.OrderLine(quantity, price, id, **fields)


def refund(id: str = "r1", order: str = "1001", **fields: Any) -> facts.Refund:
    at = fields.pop("refunded_at", START + 2 * HOUR)
    return facts.Refund(id, rfc3339(at), order=order, **fields)


def order_said(given: facts.Order, currency: str = "GBP", actor: str = "key:shop") -> Fact:
    """The fact that the API would hand to the writer; ``currency`` is the order's."""
    content = facts.order_fact(given, currency, exponent_of(currency), lambda person: f"hidden-{person}")
    return Fact("order.paid", facts.order_key(given.source, given.id), content, actor)


def refund_said(given: facts.Refund, currency: str = "GBP", actor: str = "key:shop") -> Fact:
    """``currency`` is the event's; the refund may name another one."""
    content = facts.refund_fact(given, given.currency or currency, exponent_of(given.currency or currency))
    content |= {"currency": given.currency} if given.currency not in ("", currency) else {}
    order_key = facts.order_key(given.source, given.order) if given.order else ""
    return Fact("order.refunded", f"refund:{given.source}:{given.id}", content, actor, order_key)


def cancellation_said(order: str = "1001", id: str = "", at: int = START + 3 * HOUR, source: str = "default") -> Fact:
    content = facts.cancellation_fact(facts.Cancellation(order, rfc3339(at), source, id))
    key = f"cancellation:{source}:{content['id']}"
    return Fact("order.cancelled", key, content, "key:shop", facts.order_key(source, order))


def dispute_said(
    id: str = "d1", order: str = "1001", amount: str = "10.00", event_currency: str = "GBP", **fields: Any
) -> Fact:
    given = facts.Dispute(id, order=order, amount=amount, disputed_at=rfc3339(START + 3 * HOUR), **fields)
    currency = given.currency or event_currency
    content = facts.dispute_fact(given, currency, exponent_of(currency))
    content |= {"currency": currency} if currency != event_currency else {}
    key = disputes.dispute_key(given.source, id)
    return Fact("order.disputed", key, content, "key:shop", facts.order_key(given.source, order))


def outcome_said(outcome: Literal["won", "lost"], id: str = "d1", source: str = "default") -> Fact:
    given = facts.Dispute(id, source, outcome=outcome, closed_at=rfc3339(START + 4 * HOUR))
    return Fact("dispute.closed", disputes.outcome_key(source, id), facts.dispute_fact(given, "GBP", 2), "key:shop")


def correction_said(
    orders: Iterable[str],
    to: dict[str, int] | None = None,
    id: str = "c1",
    person: str = "ines",
    actor: str = "key:ines",
) -> Fact:
    """Orders by their ids at the default shop; without ``to`` they go to the teams that their hosts have by now."""
    keys = sorted(facts.order_key("default", order) for order in orders)
    content: dict[str, Any] = {"id": id, "orders": keys, "reason": "the wrong code", "person": person}
    if to:
        content["to"] = [{"host": host, "weight": weight} for host, weight in to.items()]
    return Fact("correction.opened", correction_key(id), content, actor)


def correction_end_said(outcome: str, id: str = "c1", person: str = "joe", actor: str = "key:joe") -> Fact:
    content = {"id": id, "outcome": outcome, "reason": "checked", "person": person}
    return Fact("correction.closed", f"{correction_key(id)}:closed", content, actor)


def claim_said(
    order: str, host: str = "ann", id: str = "k1", person: str = "ann", actor: str = "key:ann", **sale: Any
) -> Fact:
    """Of an order at the default shop; of a missing sale if that is "" and ``paid_at`` is given."""
    content = {"id": id, "host": host, "reason": "mine", "person": person, **sale}
    if order:
        content["order"] = facts.order_key("default", order)
    return Fact("claim.opened", f"claim:{id}", content, actor)


def claim_end_said(outcome: str, id: str = "k1", correction: str = "", person: str = "ines") -> Fact:
    content = {"id": id, "outcome": outcome, "reason": "checked", "person": person}
    if correction:
        content["correction"] = correction_key(correction)
    return Fact("claim.closed", f"claim:{id}:closed", content, f"key:{person}")


def release_said(id: str = "w1", **content: Any) -> Fact:
    return Fact("commission.released", f"release:{id}", {"id": id, **content}, "key:ines")


def payout_said(amount: int, id: str = "p1", host: str = "ann") -> Fact:
    return Fact("payout.made", f"payout:{id}", {"id": id, "host": host, "amount": amount}, "key:ines")


def payout_failed_said(id: str = "p1") -> Fact:
    content = {"id": id, "reason": "account closed"}
    return Fact("payout.failed", f"payout:{id}:failed", content, "key:ines", f"payout:{id}")


def adjustment_said(
    amount: int, id: str = "bonus", host: str = "ann", person: str = "ines", actor: str = "key:ines"
) -> Fact:
    content = {"id": id, "host": host, "amount": amount, "reason": "best newcomer", "person": person}
    return Fact("correction.opened", correction_key(id), content, actor)


def statement_said(id: str = "april", **content: Any) -> Fact:
    return Fact("statement.closed", f"statement:{id}", {"id": id, **content}, "key:ines")


def rates_said(version: str = "v1", currency: str = "GBP", **rates: str) -> Fact:
    """``currency`` is the event's, ``rates`` are by currency."""
    content = {"version": version, "rates": parse_rates(rates, currency), "reason": "of the bank"}
    return Fact("rates.changed", rates_key(version), content, "key:ops")


def roster_said(
    hosts: Iterable[dict[str, Any]] = HOSTS, teams: Iterable[str] = TEAMS, key: str = "", stores: Iterable[str] = ()
) -> Fact:
    content = {"teams": list(teams), "stores": list(stores), "hosts": [dict(host) for host in hosts]}
    request = canonical_bytes(content).hex() if key else ""
    return Fact("roster.changed", key, content, "key:ops", request=request)


def move_said(to: str, reason: str = "", waive: str = "") -> Fact:
    return Fact("event.moved", "", {"to": to, "reason": reason, "waive": waive}, "key:ops")


def session_said(id: str, weights: dict[str, int], started_at: int = START) -> Fact:
    hosts = [{"id": host, "weight": weight} for host, weight in sorted(weights.items())]
    content = {"id": id, "hosts": hosts, "started_at": started_at}
    return Fact("session.started", f"session:{id}:started", content, "key:ops")


def session_hosts_said(id: str, weights: dict[str, int], changed_at: int) -> Fact:
    hosts = [{"id": host, "weight": weight} for host, weight in sorted(weights.items())]
    return Fact("session.changed", "", {"id": id, "hosts": hosts, "changed_at": changed_at}, "key:ops")


def session_end_said(id: str, ended_at: int) -> Fact:
    return Fact("session.ended", f"session:{id}:ended", {"id": id, "ended_at": ended_at}, "key:ops")


def pin_said(session: str, sku: str, pinned_at: int, **details: Any) -> Fact:
    content = {"session": session, "sku": sku, "pinned_at": pinned_at, **details}
    return Fact("product.pinned", "", content, "key:ops")


def unpin_said(session: str, sku: str, unpinned_at: int) -> Fact:
    return Fact("product.unpinned", "", {"session": session, "sku": sku, "unpinned_at": unpinned_at}, "key:ops")


def sampled_said(minute: int, viewers: int, session: str = "", counted: int = 0, sketch: str = "") -> Fact:
    given = {"session": session, "counted": counted, "sketch": sketch}
    content = {"minute": minute, "viewers": viewers, **{name: value for name, value in given.items() if value}}
    return Fact("viewers.sampled", sample_key(session, minute), content, "audience")


def offer_said(id: str, ends_at: int, session: str = "", sku: str = "sku-0", starts_at: int = START) -> Fact:
    content = {"id": id, "sku": sku, "price": 500, "starts_at": starts_at, "ends_at": ends_at}
    return Fact("offer.started", f"offer:{id}:started", content | ({"session": session} if session else {}), "key:ops")


def offer_end_said(id: str, ended_at: int) -> Fact:
    return Fact("offer.ended", f"offer:{id}:ended", {"id": id, "ended_at": ended_at}, "key:ops")


def goal_said(id: str = "g1", target: int = 5_000, **terms: str) -> Fact:
    """Of the whole event's net sales unless told otherwise."""
    content = {"id": id, "title": "Reach it", "of": "event", "measure": "net_sales", **terms, "target": target}
    return Fact("goal.set", "", content, "key:ops")


def goal_end_said(id: str = "g1") -> Fact:
    return Fact("goal.set", "", {"id": id, "ended": True}, "key:ops")


def announced_said(id: str = "a1", text: str = "Welcome!", until: int = 0) -> Fact:
    content = {"id": id, "text": text} | ({"until": until} if until else {})
    return Fact("announcement.made", f"announcement:{id}", content, "key:ops")


def withdrawn_said(id: str = "a1") -> Fact:
    return Fact("announcement.made", f"announcement:{id}:withdrawn", {"id": id, "withdrawn": True}, "key:ops")


def event_said(**changed: Any) -> Fact:
    """The first fact of an event."""
    currency = changed.get("currency", "GBP")
    content = {
        "brand": BRAND,
        "currency": currency,
        "exponent": exponent_of(currency),
        "timezone": "UTC",
        "starts_at": START,
        "ends_at": END,
        "rules": {},
    }
    return Fact("event.created", "", content | changed, "key:ops")


class Book:
    """One event's journal in memory, with the state, the scores and the postings that follow from it.

    Shape: ``now`` is the clock (microseconds); the caller moves it. Opened live with ``HOSTS`` unless told otherwise.
    """

    def __init__(
        self,
        to: str = "live",
        hosts: Iterable[dict[str, Any]] = HOSTS,
        now: int = START + 4 * DAY,
        name: str = EVENT,
        **event: Any,
    ) -> None:
        self.now = now
        self.head: Head = new_head(name, BRAND)
        self.entries: list[Entry] = []
        self.postings: list[Posting] = []
        self.state = State(name)
        self.scores = Scoreboard(Totals(event.get("timezone", "UTC")))
        self.say(event_said(**event))
        if hosts:
            self.say(roster_said(hosts))
        path = ("scheduled", "live", "ended", "final")
        for status in path[: path.index(to) + 1] if to != "draft" else ():
            self.say(move_said(status))

    def batch(self, said: Iterable[Fact]) -> list[Outcome]:
        """Decide and append these facts together; one outcome each."""
        plan = plan_batch(RULES, self.head, self.state.layer(), list(said), self.now, Known(self.entries))
        for entry in plan.entries:
            content = orjson.loads(entry.body)
            assert canonical_bytes(content) == entry.body
            assert rehash(entry) == entry.hash
            self.state = self.state.layer()
            self.state.apply(entry.position, entry.kind, entry.key, entry.recorded_at, content)
            self.scores.apply(entry.position, entry.kind, entry.recorded_at, content)
        if plan.entries:
            assert self.state == plan.layer
            self.entries += plan.entries
            self.postings += plan.postings
            self.head = head_after(self.head, plan.entries)
        return plan.outcomes

    def say(self, said: Fact) -> Accepted:
        """One fact. Errors: AppError, its refusal."""
        outcome = self.batch([said])[0]
        if isinstance(outcome, AppError):
            raise outcome
        return outcome

    def sell(self, **fields: Any) -> dict[str, Any]:
        """One order; the body of its entry."""
        given = order(**{"currency": self.state.currency, **fields})
        return self.say(order_said(given, given.currency)).entries[0].content

    def give_back(self, **fields: Any) -> dict[str, Any]:
        """One refund; the body of its entry."""
        return self.say(refund_said(refund(**fields), self.state.currency)).entries[0].content

    def board(self, id: str = "hosts", limit: int = 100, around: str = "", at: int = 0) -> dict[str, Any]:
        state = self.state
        frame = Frame(
            self.head.event,
            epoch_of(self.entries[0].hash),
            state.currency,
            state.status,
            state.rules.ranks == "shared",
            lambda amount: format_amount(amount, state.exponent),
        )
        now = at or state.recorded_at
        return board_document(self.scores, parse_board(id), frame, now, state.position, limit, around)

    def balances(self) -> dict[str, int]:
        """Accounts that are not at zero."""
        sums: Counter[str] = Counter()
        for posting in self.postings:
            sums[posting.account] += posting.amount
        return {account: amount for account, amount in sums.items() if amount}

    def digest(self) -> str:
        return content_digest(map(content_hash, self.entries))
