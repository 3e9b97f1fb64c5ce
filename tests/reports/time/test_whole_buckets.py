"""The whole days of unfinished ranges: examples, and laws over all periods and zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reports.time.period import Calendar, Counted, DateSpan, Month, Period, Unit
from reports.time.period_to_range import NotStartedError, ranges
from reports.time.time_range import DAY, Granularity, TimeRange, zone_names
from reports.time.whole_buckets import (
    WholeBuckets,
    ends_in_unfinished_bucket,
    left_out,
    whole_buckets,
)

MONTH, YEAR = Calendar(Unit.MONTH), Calendar(Unit.YEAR)
ONE_DAY = Counted(1, Unit.DAY)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def whole(period: Period, now: str, zone: str = "UTC") -> WholeBuckets | None:
    both = ranges(period, utc(now), zone)
    return whole_buckets(both.current, both.previous, adjacent=isinstance(period, Counted))


def days(of: TimeRange) -> tuple[str, str]:
    """The first day, and the day after the last one."""
    return f"{of.start:%Y-%m-%d}", f"{of.end:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("period", "now", "current", "previous"),
    [
        (MONTH, "2026-11-30 00:45", ("2026-11-01", "2026-11-30"), ("2026-10-01", "2026-10-30")),
        (MONTH, "2026-11-02 23:59", ("2026-11-01", "2026-11-02"), ("2026-10-01", "2026-10-02")),
        (MONTH, "2026-03-31 12:00", ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-03-01")),
        (MONTH, "2026-10-30 12:00", ("2026-10-01", "2026-10-30"), ("2026-09-01", "2026-09-30")),
        (
            Calendar(Unit.WEEK), "2026-11-29 00:45",
            ("2026-11-23", "2026-11-29"), ("2026-11-16", "2026-11-22"),
        ),
        (
            Counted(1, Unit.WEEK), "2026-11-30 00:45",
            ("2026-11-23", "2026-11-30"), ("2026-11-16", "2026-11-23"),
        ),
        (
            Counted(1, Unit.YEAR), "2026-11-30 00:45",
            ("2025-11-01", "2026-11-01"), ("2024-11-01", "2025-11-01"),
        ),
        (YEAR, "2026-11-30 00:45", ("2026-01-01", "2026-11-30"), ("2025-01-01", "2025-11-30")),
        (YEAR, "2026-01-20 12:00", ("2026-01-01", "2026-01-20"), ("2025-01-01", "2025-01-20")),
        (YEAR, "2026-11-01 12:00", ("2026-01-01", "2026-11-01"), ("2025-01-01", "2025-11-01")),
        (YEAR, "2028-02-29 12:00", ("2028-01-01", "2028-02-29"), ("2027-01-01", "2027-03-01")),
        (YEAR, "2028-03-01 12:00", ("2028-01-01", "2028-03-01"), ("2027-01-01", "2027-03-01")),
    ],
)  # fmt: skip
def test_both_sides_end_with_their_last_whole_day_or_month(
    period: Period, now: str, current: tuple[str, str], previous: tuple[str, str]
) -> None:
    found = whole(period, now)
    assert found
    assert (days(found.current), days(found.previous)) == (current, previous)
    assert not found.current.unfinished


@pytest.mark.parametrize(
    ("period", "now"),
    [
        (MONTH, "2026-11-01 00:45"),
        (YEAR, "2026-01-01 00:45"),
        (Calendar(Unit.WEEK), "2026-11-30 00:45"),
        (Calendar(Unit.MONTH, last=True), "2026-11-30 00:45"),
        (Calendar(Unit.DAY), "2026-11-30 00:45"),
        (Counted(1, Unit.HOUR), "2026-11-30 12:45"),
    ],
)
def test_there_are_none_in_the_first_bucket_of_a_finished_period_and_by_minute(
    period: Period, now: str
) -> None:
    assert whole(period, now) is None


def test_hours_end_with_the_last_whole_one() -> None:
    today, rolling = (whole(of, "2026-11-30 02:03") for of in (Calendar(Unit.DAY), ONE_DAY))
    assert today
    assert rolling
    assert [of.start for of in (today.current, today.previous, rolling.previous)] == [
        utc("2026-11-30"), utc("2026-11-29"), utc("2026-11-28 02:00")
    ]  # fmt: skip
    assert [of.end for of in (today.current, today.previous, rolling.previous)] == [
        utc("2026-11-30 02:00"), utc("2026-11-29 02:00"), utc("2026-11-29 02:00")
    ]  # fmt: skip
    assert len(rolling.current.buckets) == len(rolling.previous.buckets) == 24


def test_days_are_those_of_the_zone() -> None:
    found = whole(YEAR, "2026-11-30 00:45", "America/New_York")  # still 29 November there
    assert found
    assert found.current.end == utc("2026-11-29 05:00")
    assert found.previous.end == utc("2025-11-29 05:00")


NOWS = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: utc("2025-01-01") + timedelta(minutes=minutes)
)
PERIODS = st.one_of(
    st.builds(Counted, st.integers(1, 10), st.sampled_from(Unit)),
    st.sampled_from([Calendar(unit) for unit in Unit]),
    st.builds(Month, st.integers(2025, 2027), st.integers(1, 12)),
    st.builds(
        lambda first, length: DateSpan(first, first + (length - 1) * DAY),
        st.dates(date(2025, 1, 1), date(2027, 1, 1)),
        st.integers(1, 400),
    ),
)


@settings(max_examples=400)
@given(
    PERIODS,
    NOWS,
    st.sampled_from(sorted(zone_names().values())),
)
def test_what_is_over_and_what_is_left_out_make_up_each_range(
    period: Period, now: datetime, zone: str
) -> None:
    adjacent = isinstance(period, Counted)
    try:
        both = ranges(period, now, zone)
    except NotStartedError:
        assume(False)
    found = whole_buckets(both.current, both.previous, adjacent=adjacent)
    if found is None:
        long = both.current.end - both.current.start > timedelta(hours=26)
        by_day = both.current.granularity is Granularity.DAY
        assert not (ends_in_unfinished_bucket(both.current) and by_day and long)
        return
    assert ends_in_unfinished_bucket(both.current)
    for of, part in ((both.current, found.current), (both.previous, found.previous)):
        rest = left_out(of, part)
        pieces = sorted([(part.start, part.end), *([(rest.start, rest.end)] if rest else [])])
        assert pieces[0][0] == of.start
        assert pieces[-1][1] == of.end
        assert all(a[1] == b[0] for a, b in pairwise(pieces))
        assert not part.unfinished
    assert found.current.start == both.current.start
    assert now - found.current.end >= timedelta()
    if found.current.granularity is Granularity.DAY or not adjacent:
        assert now - found.current.end < timedelta(hours=49)  # a zone may skip a day
    if adjacent:
        assert found.previous.end == found.current.start
        assert len(found.previous.buckets) == len(found.current.buckets)
    else:
        assert found.previous.start == both.previous.start
        assert len(found.previous.buckets) <= len(found.current.buckets)


@settings(max_examples=200)
@given(
    st.sampled_from([MONTH, Calendar(Unit.WEEK)]),
    NOWS,
    st.sampled_from(sorted(zone_names().values())),
)
def test_they_are_what_was_compared_when_the_last_whole_day_ended(
    period: Period, now: datetime, zone: str
) -> None:
    both = ranges(period, now, zone)
    found = whole_buckets(both.current, both.previous, adjacent=False)
    if found:
        then = ranges(period, found.current.end - timedelta(microseconds=1), zone)
        assert found.current.buckets == then.current.buckets
        assert found.previous == then.previous
