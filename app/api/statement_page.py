"""Statements as a page to read and to print, in the reader's language: no scripts, nothing from elsewhere. Pure.

It shows the documents that programs get, amount for amount as the reader writes them, and the hash of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from app.api import pages
from app.api.statement_words import WORDS
from app.audit.statements import BUCKETS
from app.sales.money import format_amount, parse_amount

STYLE = (
    pages.STYLE
    + """main { max-width: 1000px; }
h2 { margin: 12px 0 4px; font-size: 20px; line-height: 1.25; }
.part { margin: 20px 0 4px; font-size: 15px; }
section > h2:first-child { margin-top: 0; }
section { background: var(--card); border: 1px solid var(--edge); border-radius: 12px; padding: 14px 16px;
  margin: 14px 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 8px 0; }
dd { margin: 0; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th, td { padding: 6px 8px; border-top: 1px solid var(--edge); text-align: right; vertical-align: baseline; }
th:first-child { padding-left: 0; text-align: left; font-weight: 400; }
th { overflow-wrap: normal; }
th bdi { overflow-wrap: anywhere; }
td:last-child, th:last-child { padding-right: 0; }
thead th { border-top: 0; font-size: 13px; color: var(--quiet); }
.sum th, .sum td { font-weight: 600; }
tfoot .sum:last-child th, tfoot .sum:last-child td { border-top-width: 2px; }
@media screen and (max-width: 640px) {
  table, tbody, tfoot, tr, th, td { display: block; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  tr { padding: 8px 0; border-top: 1px solid var(--edge); }
  th, td, tfoot .sum:last-child th, tfoot .sum:last-child td { padding: 1px 0; border: 0; }
  tbody th, tfoot th { font-weight: 600; }
  td { display: flex; justify-content: space-between; gap: 12px; }
  td:empty { display: none; }
  td::before { content: attr(data-label); color: var(--quiet); font-weight: 400; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 6px; }
}
@page { size: A4; margin: 15mm 12mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 9pt; } }
@media print {
  :root { color-scheme: light; --back: #fff; --card: #fff; --text: #000; --quiet: #333; --edge: #999; }
  body { padding: 0; font-size: 10pt; }
  main { max-width: none; }
  section { border: 0; padding: 0; margin: 12pt 0; }
  table { font-size: 8pt; }
  th, td { padding: 3pt 2pt; }
  thead { display: table-header-group; }
  thead th, .hash { font-size: 8pt; }
  tfoot { display: table-row-group; }
  tr, dl { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .own-sheet { break-before: page; }
}
"""
)
HEADERS = pages.headers(STYLE)

Names = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Stated:
    """What all statements of one page are about.

    Shape: ``group`` is (``team`` or ``store``, its id), None for one host; ``places`` are team and store by host, ""
    for none; ``first`` to ``to`` are positions, ``journal_hash`` that at ``to``; ``statement`` and ``closed_at`` are
    empty while the range is open. Units: times in microseconds since 1970 UTC.
    """

    event: str
    currency: str
    exponent: int
    timezone: str
    group: tuple[str, str] | None
    places: Mapping[str, tuple[str, str]]
    statement: str
    first: int
    to: int
    first_at: int
    to_at: int
    closed_at: int
    journal_hash: str


class _Page:
    """What every part of one page needs."""

    def __init__(self, stated: Stated, names: Names, language: str) -> None:
        self.stated = stated
        self.names = names
        self.language = language
        self.words = WORDS[language]
        self.zone = ZoneInfo(stated.timezone)

    def name(self, kind: str, identity: str) -> str:
        """Its name, and its id if that is another. A name may run in the other direction than what is around it."""
        name = self.names.get(kind, {}).get(identity, {}).get("name") or identity
        also = "" if name == identity else f' <span class="quiet"><bdi>{escape(identity)}</bdi></span>'
        return f"<bdi>{escape(name)}</bdi>{also}"

    def time(self, microseconds: int) -> str:
        return f"{pages.local_time(microseconds, self.zone)} {escape(self.stated.timezone)}"

    def minor(self, shown: str) -> int:
        return parse_amount(shown, self.stated.exponent, "amount")


def statement_page(stated: Stated, documents: Sequence[Mapping[str, Any]], names: Names, language: str) -> str:
    """``documents`` as ``app.audit.statements.document`` gives them: one for a host, any number for a group."""
    page = _Page(stated, names, language)
    words = page.words
    if stated.group is None:
        heading = page.name("host", documents[0]["host"])
        parts = [f"<section>{_facts(page, documents[0])}{_statement(page, documents[0], 'h2')}</section>"]
    else:
        kind, identity = stated.group
        heading = f"{words[kind]} {page.name(kind, identity)}"
        parts = [f"<section>{_facts(page)}{_summary(page, documents)}</section>"]
        parts += [
            f'<section class="own-sheet"><h2>{page.name("host", document["host"])}</h2>{_facts(page, document)}'
            f"{_statement(page, document, 'h3')}</section>"
            for document in documents
        ]
    which = f"{words['statement']} <bdi>{escape(stated.statement)}</bdi>" if stated.statement else words["open_one"]
    title = f"{escape(stated.statement) or words['open_one']} · {escape(stated.event)} · {words['statement']}"
    return f"""<!doctype html>
<html lang="{language}" dir="ltr"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE}</style></head>
<body><main><p class="quiet">{page.name("event", stated.event)} · {which}</p><h1>{heading}</h1>
{"".join(parts)}
{_check(page)}</main></body></html>
"""


def _facts(page: _Page, document: Mapping[str, Any] | None = None) -> str:
    """Of which event, host and range a statement is: on every sheet, since sheets are handed out one by one."""
    stated, words = page.stated, page.words
    rows = [(words["event"], page.name("event", stated.event))]
    if document is not None:
        rows.append((words["host"], page.name("host", document["host"])))
        team, store = stated.places.get(document["host"], ("", ""))
        rows += [(words[kind], page.name(kind, one)) for kind, one in (("team", team), ("store", store)) if one]
    rows += [
        (words["from"], f"{page.time(stated.first_at)}, {words['entry']} {stated.first}"),
        (words["to"], f"{page.time(stated.to_at)}, {words['entry']} {stated.to}"),
        (words["closed"], page.time(stated.closed_at) if stated.statement else words["open_why"]),
        (words["currency"], escape(stated.currency)),
    ]
    if document is not None:
        path = f"/v1/events/{stated.event}/statements/{quote(document['host'])}"
        path += f"?statement={quote(stated.statement)}" if stated.statement else ""
        for name, value in (("hash", document["hash"]), ("address", path)):
            rows.append((words[name], f'<span class="hash">{escape(value)}</span>'))
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{value}</dd>' for name, value in rows)}</dl>"


def _statement(page: _Page, document: Mapping[str, Any], level: str) -> str:
    """What one host is owed by now, and what led there from the beginning of the range, under headings of a level."""
    words = page.words
    return (
        f'<{level} class="part">{words["balance"]}</{level}>'
        f"<dl>{''.join(_balance(page, document, name) for name in _buckets())}</dl>"
        f'<{level} class="part">{words["happened"]}</{level}>{_lines(page, document)}'
    )


def _balance(page: _Page, document: Mapping[str, Any], name: str) -> str:
    amount = document["closing"][name]
    why = "debt_why" if name == "available" and amount.startswith("-") else f"{name}_why"
    shown = pages.money(amount, page.stated.currency, page.language)
    return (
        f'<dt>{page.words[name]}</dt><dd><span class="amount">{escape(shown)}</span>'
        f' <span class="quiet">{page.words[why]}</span></dd>'
    )


def _lines(page: _Page, document: Mapping[str, Any]) -> str:
    words, lines = page.words, document["lines"]
    columns = ("entries", "net_sales", "commission", *_buckets())
    rows = [_row(page, words["opening"], columns, document["opening"])]
    rows += [_row(page, words[line["line"]], columns, line) for line in lines]
    sums = {name: _sum(page, [line[name] for line in lines]) for name in columns[1:]}
    ends = [_row(page, words["sum"], columns, {"entries": sum(line["entries"] for line in lines)} | sums, "sum")]
    ends.append(_row(page, words["closing"], columns, document["closing"], "sum"))
    nothing = "" if lines else f"<p>{words['nothing']}</p>"
    return nothing + _table(page, "line", columns, rows, ends)


def _summary(page: _Page, documents: Sequence[Mapping[str, Any]]) -> str:
    """A row for each host of a group, and all of them together."""
    words = page.words
    if not documents:
        return f"<p>{words['nobody']}</p>"
    columns = ("net_sales", "commission", *_buckets())
    sums = []
    for document in documents:
        earned = {name: _sum(page, [line[name] for line in document["lines"]]) for name in columns[:2]}
        sums.append(earned | document["closing"])
    shown = zip(documents, sums, strict=True)
    rows = [_row(page, page.name("host", document["host"]), columns, own) for document, own in shown]
    total = {name: _sum(page, [own[name] for own in sums]) for name in columns}
    ends = [_row(page, words["total"], columns, total, "sum")]
    return f"<h2>{words['hosts']}</h2>{_table(page, 'host', columns, rows, ends)}"


def _sum(page: _Page, shown: Sequence[str]) -> str:
    return format_amount(sum(map(page.minor, shown)), page.stated.exponent)


def _table(page: _Page, first: str, columns: Sequence[str], rows: Sequence[str], ends: Sequence[str]) -> str:
    """Roles are said, because a narrow screen shows rows as blocks, which else would be no table to a screen reader."""
    heads = "".join(f'<th scope="col" role="columnheader">{page.words[name]}</th>' for name in (first, *columns))
    return (
        f'<table role="table"><thead role="rowgroup"><tr role="row">{heads}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(rows)}</tbody><tfoot role="rowgroup">{"".join(ends)}</tfoot></table>'
    )


def _row(page: _Page, head: str, columns: Sequence[str], cells: Mapping[str, Any], kind: str = "") -> str:
    """``head`` is markup; what ``cells`` lack stays empty."""
    shown = "".join(
        f'<td role="cell" class="amount" data-label="{page.words[name]}">{_cell(page, cells.get(name, ""))}</td>'
        for name in columns
    )
    of = f' class="{kind}"' if kind else ""
    return f'<tr role="row"{of}><th scope="row" role="rowheader">{head}</th>{shown}</tr>'


def _cell(page: _Page, value: str | int) -> str:
    if isinstance(value, int) or not value:
        return str(value)
    return escape(pages.number(value, page.stated.currency, page.language))


def _check(page: _Page) -> str:
    stated, words = page.stated, page.words
    return (
        f'<section><h2 class="part">{words["check"]}</h2>'
        f"<p>{words['check_statement']}</p>"
        f"<p>{words['check_journal']}</p><dl><dt>{words['journal_hash']} {stated.to}</dt>"
        f'<dd class="hash">{escape(stated.journal_hash)}</dd></dl></section>'
    )


def _buckets() -> Sequence[str]:
    return [bucket.lower() for bucket in BUCKETS]
