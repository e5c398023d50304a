"""The ledger over HTTP: accounts with their balances, and one account's postings; JSON by pages, or CSV whole."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from app.access import Principal
from app.api.documents import problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.paging import cursor_unknown, next_cursor, offset_of
from app.api.services import services_of
from app.audit.cells import Cell, row_writer
from app.errors import Invalid, NotFound
from app.journal.store import AccountPosting, AccountSum, Store
from app.sales.money import format_amount
from app.sales.times import rfc3339

router = APIRouter(route_class=GuardedRoute, tags=["ledger"])

Asker = Annotated[Principal, Depends(principal_of)]
Position = Annotated[int | None, Query(ge=1, le=2**63 - 1)]
Limit = Annotated[int, Query(ge=1, le=10_000)]

_ACCOUNT = re.compile(r"[A-Za-z0-9_.:-]{1,250}")
_ACCOUNTS_CURSOR = re.compile(r"(\d{1,18}) ([A-Za-z0-9_.:-]{1,250})", re.ASCII)
_POSTINGS_CURSOR = re.compile(r"(\d{1,18}) (\d{1,18}) (-?\d{1,19})", re.ASCII)
_CSV_PAGE = 5_000
_ACCOUNT_COLUMNS = ("account", "currency", "balance", "postings", "last_position")
_POSTING_COLUMNS = ("position", "kind", "key", "about", "occurred_at", "recorded_at", "amount", "balance")
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "As JSON, or as CSV if that is what Accept says", "content": {"text/csv": {}}}
}


@dataclass(frozen=True, slots=True)
class _Ledger:
    """One event's ledger at a position."""

    store: Store
    event: str
    currency: str
    exponent: int
    at: int

    def amount(self, minor: int) -> str:
        return format_amount(minor, self.exponent)


@router.get(
    "/v1/events/{event}/ledger/accounts",
    operation_id="list_accounts",
    responses=problem_responses(401, 403, 404, 422, 503) | _ANSWERS,
)
@needs("finance", "ops", "audit")
async def list_accounts(
    event: str,
    request: Request,
    principal: Asker,
    at: Position = None,
    limit: Limit = 1_000,
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Every account with its balance, at a position or now. ``Accept: text/csv`` gives all of them at once."""
    begun_at, after = _parsed(_ACCOUNTS_CURSOR, cursor) if cursor else ("", "")
    ledger = await _ledger(event, request, principal, at, begun_at)
    if _wants_csv(request):
        return _csv(_account_lines(ledger))
    found = await ledger.store.accounts(event, ledger.at, after, limit + 1)
    page = found[:limit]
    document = {
        "event": event,
        "position": ledger.at,
        "accounts": [dict(zip(_ACCOUNT_COLUMNS, _account_row(ledger, each), strict=True)) for each in page],
    }
    return JSONResponse(document | next_cursor(f"{ledger.at} {page[-1].account}" if len(found) > limit else ""))


@router.get(
    "/v1/events/{event}/ledger/accounts/{account}",
    operation_id="get_account",
    responses=problem_responses(401, 403, 404, 422, 503) | _ANSWERS,
)
@needs("finance", "ops", "audit")
async def get_account(
    event: str,
    account: str,
    request: Request,
    principal: Asker,
    at: Position = None,
    limit: Limit = 1_000,
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """One account's postings with the balance behind each. ``Accept: text/csv`` gives all of them at once."""
    begun_at, position, balance = _parsed(_POSTINGS_CURSOR, cursor) if cursor else ("", "0", "0")
    ledger = await _ledger(event, request, principal, at, begun_at)
    unknown = NotFound("account_unknown", f"The event has no account {account[:250]!r} at position {ledger.at}.")
    if not _ACCOUNT.fullmatch(account):
        raise unknown
    found = await ledger.store.account_postings(event, account, ledger.at, int(position), limit + 1)
    if not found:
        raise unknown
    if _wants_csv(request):
        return _csv(_posting_lines(ledger, account))
    page, opening = found[:limit], int(balance)
    closing = opening + sum(posting.amount for posting in page)
    rows = _posting_rows(ledger, page, opening)
    document = {
        "event": event,
        "position": ledger.at,
        "account": account,
        "currency": ledger.currency,
        "opening": ledger.amount(opening),
        "postings": [dict(zip(_POSTING_COLUMNS, row, strict=True)) for row in rows],
    }
    more = f"{ledger.at} {page[-1].position} {closing}" if len(found) > limit else ""
    return JSONResponse(document | next_cursor(more))


async def _ledger(event: str, request: Request, principal: Principal, at: int | None, begun_at: str) -> _Ledger:
    """The ledger at the position that is asked for; a list that was begun goes on at the one where it began."""
    services = services_of(request)
    state = (await services.event(principal, event)).state
    # Other processes may have written what this one has not folded yet, and it is the tables that are read here.
    head = await services.store.head(event)
    newest = head.position if head is not None else state.position
    if at is not None and at > newest:
        raise Invalid("position_ahead", f"The journal ends at position {newest}.", "at")
    position = int(begun_at) if begun_at else at or newest
    if begun_at and (position > newest or at not in (None, position)):
        raise cursor_unknown()
    return _Ledger(services.store, event, state.currency, state.exponent, position)


def _parsed(pattern: re.Pattern[str], cursor: str) -> tuple[str, ...]:
    found = pattern.fullmatch(offset_of(cursor))
    if found is None:
        raise cursor_unknown()
    return found.groups()


def _account_row(ledger: _Ledger, found: AccountSum) -> Sequence[Cell]:
    return found.account, found.currency, ledger.amount(found.balance), found.postings, found.last_position


def _posting_rows(ledger: _Ledger, page: Sequence[AccountPosting], balance: int) -> list[Sequence[Cell]]:
    rows: list[Sequence[Cell]] = []
    for posting in page:
        balance += posting.amount
        rows.append(
            (
                posting.position,
                posting.kind,
                posting.key,
                posting.about or "",
                rfc3339(posting.occurred_at),
                rfc3339(posting.recorded_at),
                ledger.amount(posting.amount),
                ledger.amount(balance),
            )
        )
    return rows


def _wants_csv(request: Request) -> bool:
    return "text/csv" in request.headers.get("accept", "")


def _csv(lines: AsyncIterator[str]) -> Response:
    return StreamingResponse(lines, media_type="text/csv")


async def _account_lines(ledger: _Ledger) -> AsyncIterator[str]:
    yield _text([_ACCOUNT_COLUMNS])
    after = ""
    while page := await ledger.store.accounts(ledger.event, ledger.at, after, _CSV_PAGE):
        yield _text([_account_row(ledger, found) for found in page])
        after = page[-1].account


async def _posting_lines(ledger: _Ledger, account: str) -> AsyncIterator[str]:
    yield _text([_POSTING_COLUMNS])
    after, balance = 0, 0
    while page := await ledger.store.account_postings(ledger.event, account, ledger.at, after, _CSV_PAGE):
        yield _text(_posting_rows(ledger, page, balance))
        after = page[-1].position
        balance += sum(posting.amount for posting in page)


def _text(rows: Sequence[Sequence[Cell]]) -> str:
    out = StringIO()
    write = row_writer(out)
    for row in rows:
        write(row)
    return out.getvalue()
