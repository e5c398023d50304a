"""What all pages for people have in common: how they look, their times and money, and headers that let them do nothing.

Pure.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.numbers import format_currency

STYLE = """
:root { color-scheme: light dark; --back: #f4f5f8; --card: #fff; --text: #171a24; --quiet: #5b6070; --edge: #dfe2ea;
  --won: #0b7a3e; --lost: #5b6070; }
@media (prefers-color-scheme: dark) { :root { --back: #0e1119; --card: #171b26; --text: #eceef4; --quiet: #a2a8b8;
  --edge: #2a3040; --won: #58d68d; --lost: #a2a8b8; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 16px; background: var(--back); color: var(--text); overflow-wrap: anywhere;
  font: 16px/1.45 system-ui, "Segoe UI", "Noto Sans", "Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", sans-serif; }
main { max-width: 640px; margin: 0 auto; }
h1 { margin: 0; font-size: 24px; line-height: 1.25; }
p { margin: 4px 0; }
.quiet, dt { color: var(--quiet); }
.amount { white-space: nowrap; font-variant-numeric: tabular-nums; }
.hash { font: 12px/1.4 ui-monospace, monospace; }
"""


def headers(style: str) -> dict[str, str]:
    """Of a page with this one style, no script, and nothing from elsewhere; it is chosen by what the reader accepts."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Vary": "Accept, Accept-Language",
    }


def local_time(microseconds: int, zone: ZoneInfo) -> str:
    """A time as people of that zone read it, to the second."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def money(shown: str, currency: str, language: str) -> str:
    """A decimal string of the API as people of that language write money, with the sign of its currency."""
    return _written(shown, currency, language, None)


def number(shown: str, currency: str, language: str) -> str:
    """The same without the currency, for columns whose currency stands elsewhere."""
    return _written(shown, currency, language, "#,##0.00")


def _written(shown: str, currency: str, language: str, pattern: str | None) -> str:
    # Without quantization: a language may know fewer decimals of a currency than the ledger has, and none is dropped.
    written = format_currency(Decimal(shown), currency, pattern, locale=language, decimal_quantization=False)
    return written.replace("-", "\u2212")
