"""A receipt as a page that a host understands, in the reader's language: no scripts, nothing from elsewhere. Pure."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from app.api import pages
from app.api.receipt_words import WORDS
from app.journal.entry import Entry
from app.sales.facts import line_amounts
from app.sales.money import format_amount
from app.sales.nobody import HOUSE, NO_TEAM
from app.sales.rates import valued

STYLE = (
    pages.STYLE
    + """h2 { margin: 0 0 4px; font-size: 17px; display: flex; gap: 12px; justify-content: space-between; }
h3 { margin: 14px 0 4px; font-size: 13px; font-weight: 600; color: var(--quiet); }
section, dl { background: var(--card); border: 1px solid var(--edge); border-radius: 12px; padding: 14px 16px;
  margin: 14px 0; }
ul { list-style: none; margin: 0; padding: 0; }
li { padding: 6px 0; border-top: 1px solid var(--edge); }
li:first-child { border-top: 0; }
.row { display: flex; gap: 12px; justify-content: space-between; }
.won { color: var(--won); font-weight: 600; }
.lost { color: var(--lost); }
dl { display: grid; grid-template-columns: auto 1fr; gap: 4px 16px; }
dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
"""
)
HEADERS = pages.headers(STYLE)

Names = Mapping[str, Mapping[str, Mapping[str, str]]]


class _Page:
    """What every part of one page needs."""

    def __init__(self, paid: Entry, names: Names, exponent: int, timezone: str, language: str) -> None:
        self.content = paid.content
        self.names = names
        self.exponent = exponent
        self.zone = ZoneInfo(timezone)
        self.language = language
        self.words = WORDS[language]
        self.currency = valued(self.content)["currency"]

    def money(self, minor: int) -> str:
        return self.written(format_amount(minor, self.exponent), self.currency)

    def written(self, shown: str, currency: str) -> str:
        return escape(pages.money(shown, currency, self.language))

    def name(self, kind: str, identity: str) -> str:
        if identity == HOUSE:
            return self.words["nobody"]
        return escape(self.names.get(kind, {}).get(identity, {}).get("name") or identity)

    def time(self, microseconds: int) -> str:
        return pages.local_time(microseconds, self.zone)


def receipt_page(
    receipt: Mapping[str, Any], paid: Entry, names: Names, exponent: int, timezone: str, language: str
) -> str:
    """``receipt`` as ``receipt_document`` gives it, ``paid`` its entry; times are shown in ``timezone``."""
    page = _Page(paid, names, exponent, timezone, language)
    words, content = page.words, page.content
    order = escape(f"{content['fact']['source']} {receipt['order']}")
    title = f"{words['receipt']} · {words['order']} {order}"
    per_line = any("line" in candidate for candidate in content.get("candidates", ()))
    parts = [_line(page, line, net, per_line) for line, net in _lines(content)]
    if not per_line:
        parts.append(f"<section>{_considered(page, content.get('candidates', ()))}</section>")
    if "original" in receipt:
        of = receipt["original"]
        shown = f"{of['rate']} {page.currency}/{of['currency']} ({of['version']})"
        parts.insert(0, f'<p class="quiet">{page.written(of["amount"], of["currency"])} &times; {escape(shown)}</p>')
    if content.get("late"):
        parts.insert(0, f"<p>{words['late']}</p>")
    event = page.name("event", str(receipt["event"]))
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE}</style></head>
<body><main><p class="quiet">{event} · {words["receipt"]}</p><h1>{words["order"]} {order}</h1>
<p class="quiet">{words["paid"]} {page.time(content["fact"]["paid_at"])} {escape(timezone)}</p>
{"".join(parts)}
{_sums(page, receipt)}
<p class="quiet">{words["as_decided"]}</p></main></body></html>
"""


def _lines(content: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], int]]:
    fact = valued(content)
    return [(line, net) for line, (net, _) in zip(fact["lines"], line_amounts(fact), strict=True)]


def _line(page: _Page, line: Mapping[str, Any], net: int, per_line: bool) -> str:
    """One line of the order: who it is credited to and, if lines differ, what was considered for it."""
    words = page.words
    title = escape(line.get("title") or line.get("sku") or line["id"])
    credits = [credit for credit in page.content["credits"] if credit["line"] == line["id"]]
    own = [c for c in page.content.get("candidates", ()) if c.get("line") == line["id"]]
    considered = _considered(page, own) if per_line else ""
    return (
        f"<section><h2><span>{title} &times; {line['quantity']}</span>"
        f'<span class="amount">{page.money(net)}</span></h2>'
        f"<h3>{words['credited']}</h3><ul>{''.join(_credit(page, credit) for credit in credits)}</ul>"
        f"{considered}</section>"
    )


def _credit(page: _Page, credit: Mapping[str, Any]) -> str:
    reason = credit["reason"]
    why = page.words.get(f"by_{reason}") or page.words.get(reason, escape(reason))
    team = "" if credit["team"] == NO_TEAM else f" · {page.name('team', credit['team'])}"
    return (
        f'<li class="row"><span>{page.name("host", credit["host"])}<span class="quiet">{team} · {why}</span></span>'
        f'<span class="amount">{page.money(credit["amount"])}</span></li>'
    )


def _considered(page: _Page, candidates: Sequence[Mapping[str, Any]]) -> str:
    words = page.words
    if not candidates:
        return f"<h3>{words['considered']}</h3><p>{words['nothing']}</p>"
    return f"<h3>{words['considered']}</h3><ul>{''.join(_candidate(page, one) for one in candidates)}</ul>"


def _candidate(page: _Page, candidate: Mapping[str, Any]) -> str:
    """What it was, when, and what became of it."""
    words, by = page.words, candidate["by"]
    named = page.name("host", candidate.get("host", candidate["id"])) if by in ("host", "click") else ""
    shown = named or escape(candidate["id"])
    times = [page.time(candidate["at"])] if "at" in candidate else []
    if "carted_at" in candidate:
        times.append(f"{words['carted']} {page.time(candidate['carted_at'])}")
    shares = ", ".join(f"{page.name('host', host)} {s} s" for host, s in candidate.get("shares", {}).items())
    details = " · ".join([*times, *([shares] if shares else [])])
    is_won = candidate["outcome"] == "won"
    outcome = words.get(candidate["outcome"], escape(candidate["outcome"]))
    return (
        f"<li><p>{words[f'by_{by}']}: <b>{shown}</b></p>"
        + (f'<p class="quiet">{details}</p>' if details else "")
        + f'<p class="{"won" if is_won else "lost"}">{"✓" if is_won else "✗"} {outcome}</p></li>'
    )


def _sums(page: _Page, receipt: Mapping[str, Any]) -> str:
    words = page.words
    rows = [(words[name], page.written(receipt[name], page.currency)) for name in ("direct", "indirect", "house")]
    rows += [(words["rules"], str(receipt["rules"])), (words["entry"], str(receipt["position"]))]
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    return f'<dl>{shown}<dt>SHA-256</dt><dd class="hash">{escape(receipt["hash"])}</dd></dl>'
