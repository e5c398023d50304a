"""Orders, refunds, cancellations and disputes: from a body to facts, through the event's writer, to the answer.

One function serves each call, whether it came through the framework or through the short way of ``app.api.hot``.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import orjson
from fastapi import Response

from app.access import Principal
from app.api.decoding import decode, name_of, refuse
from app.api.problems import told
from app.api.services import Services
from app.errors import AppError, Invalid, TooLarge
from app.events import OpenEvent
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.journal.plan import Accepted, Outcome
from app.sales import disputes, facts, rates
from app.sales.currencies import EXPONENTS
from app.sales.money import format_amount
from app.sales.nobody import NO_TEAM
from app.sales.refunds import stated_amount
from app.state import State

JSON = "application/json"

# From one item as decoded, to the fact that the writer is given.
ToFact = Callable[[Any, OpenEvent, str, Callable[[str], str]], Fact]
# From the entry that was committed, to what its sender is told.
ToAnswer = Callable[[Entry, int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Intake:
    """One kind of fact that shops post."""

    struct: type[msgspec.Struct]
    decoder: "msgspec.json.Decoder[Any]"
    fact: ToFact
    answer: ToAnswer
    # The members that an item can go by, the first that it has.
    named_by: tuple[str, ...]


def _order(given: facts.Order, event: OpenEvent, actor: str, pseudonym: Callable[[str], str]) -> Fact:
    state = event.state
    if given.currency == state.currency:
        content = facts.order_fact(given, state.currency, state.exponent, pseudonym)
    else:
        content = _foreign(state, given.currency, partial(facts.order_fact, given, pseudonym=pseudonym))
    return Fact("order.paid", facts.order_key(given.source, given.id), content, actor)


def _foreign(state: State, currency: str, read: Callable[[str, int], dict[str, Any]]) -> dict[str, Any]:
    """A fact whose amounts are in another currency than the event's, whether that has a rate for it or not.

    Its rate may be known to another process only, and a repeat needs none: that is decided with the fact.
    Errors: Invalid, ``currency_mismatch`` if there is no such currency, and for whatever else is wrong without a rate.
    """
    if currency not in EXPONENTS:
        raise rates.mismatch(currency, state.currency)
    try:
        return {**read(currency, EXPONENTS[currency]), "currency": currency}
    except Invalid:
        if currency not in state.rates.table:
            raise rates.mismatch(currency, state.currency) from None
        raise


def _taken(
    state: State, currency: str, read: Callable[[str, int], dict[str, Any]]
) -> tuple[dict[str, Any], Callable[[str], dict[str, Any]] | None]:
    """Content of a fact about an order, and if it names no currency how to read it in its order's."""

    def read_in(named: str) -> dict[str, Any]:
        return read(named, state.exponent) if named == state.currency else _foreign(state, named, read)

    if currency:
        return read_in(currency), None
    try:
        return read_in(state.currency), read_in
    except Invalid as error:
        # Only its order can tell whether it is wrong.
        if error.code != "too_many_decimals":
            raise
        return {}, read_in


def _refund(given: facts.Refund, event: OpenEvent, actor: str, pseudonym: Callable[[str], str]) -> Fact:
    content, read = _taken(event.state, given.currency, partial(facts.refund_fact, given))
    order = facts.order_key(given.source, given.order) if given.order else ""
    return Fact("order.refunded", f"refund:{given.source}:{given.id}", content, actor, order, read=read)


def _cancellation(given: facts.Cancellation, event: OpenEvent, actor: str, pseudonym: Callable[[str], str]) -> Fact:
    content = facts.cancellation_fact(given)
    key = f"cancellation:{given.source}:{content['id']}"
    return Fact("order.cancelled", key, content, actor, facts.order_key(given.source, given.order))


def _dispute(given: facts.Dispute, event: OpenEvent, actor: str, pseudonym: Callable[[str], str]) -> Fact:
    if given.outcome:
        content = facts.dispute_fact(given, event.state.currency, event.state.exponent)
        return Fact("dispute.closed", disputes.outcome_key(given.source, given.id), content, actor)
    content, read = _taken(event.state, given.currency, partial(facts.dispute_fact, given))
    order = facts.order_key(given.source, given.order)
    return Fact("order.disputed", disputes.dispute_key(given.source, given.id), content, actor, order, read=read)


def order_answer(entry: Entry, exponent: int) -> dict[str, Any]:
    """What the sender of an order is told, from its entry alone: the same at every repeat."""
    content = entry.content
    answer: dict[str, Any] = {
        "order": content["fact"]["id"],
        "position": entry.position,
        "credits": [
            {
                "line": credit["line"],
                "host": credit["host"],
                "team": "" if credit["team"] == NO_TEAM else credit["team"],
                "amount": format_amount(credit["amount"], exponent),
                "reason": credit["reason"],
            }
            for credit in content["credits"]
        ],
    }
    if "rate" in content:
        fact = content["fact"]
        answer["original"] = original(fact["currency"], facts.total_of(fact)) | rate_document(content["rate"])
    if content.get("late"):
        answer["late"] = True
    return answer


def original(currency: str, amount: int) -> dict[str, Any]:
    """An amount in the currency in which it was said."""
    return {"currency": currency, "amount": format_amount(amount, EXPONENTS[currency])}


def rate_document(rate: Mapping[str, Any]) -> dict[str, Any]:
    return {"rate": rates.shown(rate["mantissa"], rate["decimals"]), "version": rate["version"]}


def taken_answer(noun: str, entry: Entry, exponent: int) -> dict[str, Any]:
    """What the sender of a refund, cancellation or dispute is told: whether it found its order, whom it takes from.

    At the end of a dispute that was won ``reversals`` are below zero: the hosts get that back.
    """
    content = entry.content
    answer: dict[str, Any] = {noun: content["fact"]["id"], "position": entry.position}
    if "about" in content:
        answer["order"] = content["about"].split(":", 2)[2]
    if "outcome" in content:
        answer["outcome"] = content["outcome"]
    answer["state"] = "unmatched" if content.get("parked") else "matched"
    answer["amount"] = format_amount(content.get("amount", 0), exponent)
    if "own" in content and "fact" in content and "outcome" not in content:
        answer["original"] = original(content["own"]["currency"], content["own"]["amount"])
    elif "rate" in content:
        fact = content["fact"]
        answer["original"] = original(fact["currency"], stated_amount(fact)) | rate_document(content["rate"])
    if "over" in content:
        answer["over"] = format_amount(content["over"], exponent)
    sign = -1 if "outcome" in content else 1
    answer["reversals"] = [
        {
            "line": share["line"],
            "host": share["host"],
            "team": "" if share["team"] == NO_TEAM else share["team"],
            "amount": format_amount(sign * share["amount"], exponent),
        }
        for share in content.get("shares", ())
        if share["of"] == "sale" and not content.get("pending")
    ]
    return answer


def _intake(struct: type[msgspec.Struct], fact: ToFact, answer: ToAnswer, *named_by: str) -> Intake:
    return Intake(struct, msgspec.json.Decoder(struct), fact, answer, named_by)


INTAKES = {
    "orders": _intake(facts.Order, _order, order_answer, "id"),
    "refunds": _intake(facts.Refund, _refund, partial(taken_answer, "refund"), "id"),
    "disputes": _intake(facts.Dispute, _dispute, partial(taken_answer, "dispute"), "id"),
    "cancellations": _intake(facts.Cancellation, _cancellation, partial(taken_answer, "cancellation"), "id", "order"),
}
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def take_one(services: Services, principal: Principal, event_id: str, noun: str, raw: bytes) -> Response:
    """One fact: 201 with its answer, 200 for a repeat. Errors: AppError."""
    event = await services.event(principal, event_id)
    intake = INTAKES[noun]
    given = decode(intake.decoder, raw)
    pseudonym = await _pseudonym(services, event, given)
    fact = intake.fact(given, event, principal.actor, pseudonym)
    await _find_touches(services, event, [fact])
    accepted = await event.submit_one(fact)
    body = orjson.dumps(intake.answer(accepted.entries[0], event.state.exponent))
    if accepted.replayed:
        return Response(body, 200, {"Idempotency-Replayed": "true"}, JSON)
    return Response(body, 201, media_type=JSON)


async def take_batch(
    services: Services, principal: Principal, event_id: str, noun: str, raw: bytes, is_lines: bool
) -> Response:
    """Many facts: 200 with one result each, in order; only the bad ones fail. Errors: AppError for the whole."""
    event = await services.event(principal, event_id)
    intake = INTAKES[noun]
    items = items_of(raw, is_lines, services.settings.batch_items_max)
    given: list[Any] = []
    for item in items:
        try:
            given.append(decode(intake.decoder, item))
        except AppError as error:
            given.append(error)
    # A cancellation may leave its own id out; then it goes by its order's.
    names = [
        name_of(raw, *intake.named_by) if isinstance(item, AppError) else item.id or item.order
        for raw, item in zip(items, given, strict=True)
    ]
    pseudonym = await _pseudonym(services, event, *given)
    decided: list[Fact | AppError] = []
    for item in given:
        try:
            if isinstance(item, AppError):
                raise item
            decided.append(intake.fact(item, event, principal.actor, pseudonym))
        except AppError as error:
            decided.append(error)
    said = [fact for fact in decided if isinstance(fact, Fact)]
    await _find_touches(services, event, said)
    outcomes = await _submit(services, event, said)
    return _batch_response(intake, event, decided, outcomes, names)


async def _submit(services: Services, event: OpenEvent, batch: list[Fact]) -> list[Outcome]:
    """In portions that each fit into one transaction; a portion that the database refused fails its items only."""
    outcomes: list[Outcome] = []
    size = services.settings.batch_facts_max
    for start in range(0, len(batch), size):
        portion = batch[start : start + size]
        try:
            outcomes += await event.submit(portion)
        except AppError as error:
            if start == 0:
                raise
            outcomes += [told(error)] * len(portion)
    return outcomes


def _batch_response(
    intake: Intake,
    event: OpenEvent,
    decided: Sequence[Fact | AppError],
    outcomes: Sequence[Outcome],
    names: Sequence[str],
) -> Response:
    accepted = replayed = refused = 0
    results: list[dict[str, Any]] = []
    remaining = iter(outcomes)
    exponent = event.state.exponent
    for fact, identity in zip(decided, names, strict=True):
        outcome = next(remaining) if isinstance(fact, Fact) else fact
        if isinstance(outcome, Accepted):
            answer = intake.answer(outcome.entries[0], exponent)
            replayed += outcome.replayed
            accepted += not outcome.replayed
            results.append({"status": 200 if outcome.replayed else 201, "id": identity, **answer})
        else:
            refused += 1
            result = {
                "status": outcome.status,
                "id": identity,
                "code": outcome.code,
                "detail": outcome.detail,
            }
            if outcome.field:
                result["field"] = outcome.field
            results.append(result)
    document = {"accepted": accepted, "replayed": replayed, "refused": refused, "results": results}
    return Response(orjson.dumps(document), 200, media_type=JSON)


def items_of(raw: bytes, is_lines: bool, items_max: int) -> list[bytes | msgspec.Raw]:
    """The undecoded items of a JSON array, or of NDJSON: there a broken line fails alone."""
    items: list[bytes | msgspec.Raw]
    if is_lines:
        items = [line for line in raw.split(b"\n") if line.strip()]
    else:
        try:
            items = list(_ARRAY.decode(raw))
        except msgspec.ValidationError:
            raise Invalid("wrong_type", "Send a JSON array, or one JSON object per line as NDJSON.", "") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refuse(error)
    check_items(len(items), items_max)
    return items


def check_items(count: int, items_max: int) -> None:
    """Errors: TooLarge ``too_many_items``."""
    if count > items_max:
        raise TooLarge("too_many_items", f"A batch holds at most {items_max} items; this one has {count}.")


def is_ndjson(content_type: str, raw: bytes) -> bool:
    """Whether a batch is one object per line: it says so, or begins as an object that does not go on over lines."""
    return "ndjson" in content_type or (raw.lstrip()[:1] == b"{" and not _is_spread_object(raw))


def _is_spread_object(raw: bytes) -> bool:
    """Whether the body is a single object, printed over several lines: each of them would be refused as an item."""
    if b"\n" not in raw.strip():
        return False
    try:
        _OBJECT.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


async def _find_touches(services: Services, event: OpenEvent, said: Sequence[Fact]) -> None:
    """Tell each order what is known of the clicks that it names; nothing is asked for if none does."""
    clicks = {}
    for place, fact in enumerate(said):
        if fact.kind == "order.paid" and (named := _clicks(fact.content)):
            clicks[place] = named
    if clicks:
        known = await services.links.touches(event.head.event, set().union(*clicks.values()))
        for place, named in clicks.items():
            said[place].touches = {click: known[click] for click in named & known.keys()}


def _clicks(order: dict[str, Any]) -> set[str]:
    clicks = {line["click"] for line in order["lines"] if "click" in line}
    return clicks | {order["click"]} if "click" in order else clicks


async def _pseudonym(services: Services, event: OpenEvent, *given: Any) -> Callable[[str], str]:
    """How buyers are hidden; the event's secret is asked for only if somebody named one."""
    if not any(getattr(item, "buyer", "") for item in given):
        return str
    return await pseudonyms(services, event.head.event)


async def pseudonyms(services: Services, event: str) -> Callable[[str], str]:
    """The keyed hash under which this event's journal knows people."""
    secret = await services.access.pseudonym_key(event)
    return lambda person: hmac.digest(secret, person.encode(), "sha256")[:16].hex()
