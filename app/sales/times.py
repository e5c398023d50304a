"""Times at the edge: microseconds since the epoch inside, RFC 3339 outside. Pure."""

import re
from datetime import UTC, datetime, timedelta

from app.errors import Invalid

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:[0-5]\d)?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The local day of a time must exist in every zone, and the year 0 does not.
_FIRST = (datetime(2, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def parse_time(text: str, field: str) -> int:
    """RFC 3339 with an offset as microseconds since the epoch.

    Errors: Invalid ``time_not_readable``, ``time_without_offset``; also for a time that in UTC is before the year 2 or
    after 9999, of which some calendar would not have the day.
    """
    try:
        # Python reads more than RFC 3339 has, and passes over what stands behind a NUL.
        moment = datetime.fromisoformat(text if _RFC3339.fullmatch(text) else "")
    except ValueError:
        raise Invalid(
            "time_not_readable", "Send the time as RFC 3339, such as 2026-11-21T20:15:00+08:00.", field
        ) from None
    if moment.tzinfo is None:
        raise Invalid("time_without_offset", "Add the offset from UTC to the time, such as Z or +08:00.", field)
    at = (moment - _EPOCH) // _MICROSECOND
    if not _FIRST <= at <= _LAST:
        raise Invalid("time_not_readable", "Send a time between the years 2 and 9999.", field)
    return at


def rfc3339(at: int) -> str:
    """Microseconds since the epoch as ``2026-11-21T20:15:00.123456Z``; always six decimals."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
