"""Opaque cursors of lists."""

import base64
import binascii

from app.errors import Invalid


def next_cursor(last: str) -> dict[str, str]:
    """The member that a page carries when more follows after ``last``; nothing on the last page."""
    return {"cursor": base64.urlsafe_b64encode(last.encode()).decode()} if last else {}


def offset_of(cursor: str) -> str:
    """What a cursor stands behind, "" for the first page. Errors: Invalid ``cursor_unknown``."""
    try:
        return base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise cursor_unknown() from None


def cursor_unknown() -> Invalid:
    """What a cursor that no page gave is answered with."""
    return Invalid("cursor_unknown", "Send the cursor of the page before, as it was.", "cursor")
