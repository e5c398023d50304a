"""Times come with an offset, are kept to the microsecond, and whatever was read can be written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.sales.times import parse_time, rfc3339

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-11-21T20:15:00+08:00", 1_795_263_300_000_000),
        ("2026-11-21T12:15:00.5Z", 1_795_263_300_500_000),
        ("0002-01-01T00:00:00Z", -62_104_060_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ],
)
def test_time_is_microseconds_since_1970(text, at):
    assert parse_time(text, "paid_at") == at


@given(st.datetimes(datetime(2, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS))  # noqa: DTZ001
def test_time_written_and_read_again_is_the_same_moment(moment):
    at = parse_time(moment.isoformat(), "paid_at")

    assert datetime.fromisoformat(rfc3339(at)) == moment
    assert parse_time(rfc3339(at), "paid_at") == at


@given(st.datetimes(datetime(2, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_written_times_sort_as_the_moments_do_and_have_one_width(moment):
    text = rfc3339(parse_time(moment.isoformat(), "paid_at"))

    assert len(text) == len("2026-11-21T20:15:00.123456Z")
    assert text == moment.strftime("%Y").rjust(4, "0") + moment.strftime("-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-11-21T20:15:00", "time_without_offset"),
        ("2026-11-21", "time_without_offset"),
        ("2026-11-21T20:15Z", "time_not_readable"),
        ("20261121T201500Z", "time_not_readable"),
        ("2026-W47-6T20:15:00Z", "time_not_readable"),
        ("2026-11-21T20:15:00,5Z", "time_not_readable"),
        ("2026-11-21T20:15:00.Z", "time_not_readable"),
        ("2026-11-21T20:15:00+00:60", "time_not_readable"),
        ("", "time_not_readable"),
        ("yesterday", "time_not_readable"),
        ("1795263300", "time_not_readable"),
        ("2026-13-01T00:00:00Z", "time_not_readable"),
        ("2026-02-30T00:00:00Z", "time_not_readable"),
        ("2026-11-21T25:00:00Z", "time_not_readable"),
        ("2026-11-21T20:15:00+24:00", "time_not_readable"),
        ("2026-11-21T20:15:00 GMT", "time_not_readable"),
        ("2026-11-21T20:15:00Z\x00", "time_not_readable"),
        ("2026-11-21T20:15:00Z\x00+08:00", "time_not_readable"),
        ("2026-11-21T20:15:\u0660\u0660Z", "time_not_readable"),
        ("0000-01-01T00:00:00Z", "time_not_readable"),
        ("10000-01-01T00:00:00Z", "time_not_readable"),
        ("0001-12-31T23:59:59.999999Z", "time_not_readable"),
        ("0001-01-01T00:00:00+14:00", "time_not_readable"),
        ("9999-12-31T23:59:59-12:00", "time_not_readable"),
    ],
)
def test_time_that_is_none_is_refused_at_its_field(text, code):
    with pytest.raises(Invalid) as refused:
        parse_time(text, "refunded_at")

    assert (refused.value.code, refused.value.field) == (code, "refunded_at")
