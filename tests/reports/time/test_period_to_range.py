"""Periods made into buckets: the contract's own examples, odd zones, and laws over all zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.time.period import Calendar, Counted, DateSpan, Month, Period, Unit
from reports.time.period_to_range import NotStartedError, OverlapError, Ranges, ranges, shifted_back
from reports.time.time_range import (
    DAY,
    HOUR,
    Granularity,
    TimeRange,
    floor,
    local,
    next_bucket,
    zone_names,
)

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ZONES = sorted(zone_names().values())


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def counted(text: str, now: datetime = NOW, zone: str = "UTC") -> TimeRange:
    units = {unit[0]: unit for unit in Unit}
    return ranges(Counted(int(text[:-1]), units[text[-1]]), now, zone).current


def hours(day: str, zone: str) -> float:
    """How long a day is, asked for long after it."""
    on = date.fromisoformat(day)
    found = ranges(DateSpan(on, on), utc("2038-01-01"), zone).current
    return (found.end - found.start) / HOUR


def test_1h_is_61_minutes() -> None:
    found = counted("1h")
    assert (found.granularity, len(found.buckets)) == (Granularity.MINUTE, 61)
    assert (found.start, found.end) == (utc("2026-11-22 09:31"), utc("2026-11-22 10:32"))
    assert found.until == NOW
    assert found.unfinished


def test_1d_is_25_hours() -> None:
    found = counted("1d")
    assert (found.granularity, len(found.buckets)) == (Granularity.HOUR, 25)
    assert (found.start, found.end) == (utc("2026-11-21 10:00"), utc("2026-11-22 11:00"))


def test_1m_is_32_days_from_the_same_day_of_last_month_through_today() -> None:
    found = counted("1m")
    assert (found.granularity, len(found.buckets)) == (Granularity.DAY, 32)
    assert (found.start, found.buckets[-1]) == (utc("2026-10-22"), utc("2026-11-22"))


def test_1m_from_a_day_that_last_month_lacks_begins_on_its_last_day() -> None:
    assert counted("1m", utc("2026-03-31 12:00")).start == utc("2026-02-28")
    assert counted("1m", utc("2024-03-31 12:00")).start == utc("2024-02-29")
    assert counted("2m", utc("2026-12-31 12:00")).start == utc("2026-10-31")
    assert counted("1y", utc("2024-02-29 12:00")).start == utc("2023-02-01")


def test_1y_is_13_months() -> None:
    found = counted("1y")
    assert (found.granularity, len(found.buckets)) == (Granularity.MONTH, 13)
    assert (found.start, found.buckets[-1]) == (utc("2025-11-01"), utc("2026-11-01"))
    assert found.end == utc("2026-12-01")


@pytest.mark.parametrize(
    ("period", "granularity", "buckets"),
    [
        ("3h", Granularity.MINUTE, 181),
        ("4h", Granularity.HOUR, 5),
        ("72h", Granularity.HOUR, 73),
        ("73h", Granularity.DAY, 4),
        ("3d", Granularity.HOUR, 73),
        ("4d", Granularity.DAY, 5),
        ("1w", Granularity.DAY, 8),
        ("13w", Granularity.DAY, 92),
        ("14w", Granularity.MONTH, 4),
        ("92d", Granularity.DAY, 93),
        ("93d", Granularity.MONTH, 4),
        ("3m", Granularity.DAY, 93),
        ("4m", Granularity.MONTH, 5),
        ("10y", Granularity.MONTH, 121),
    ],
)
def test_buckets_suit_the_length(period: str, granularity: Granularity, buckets: int) -> None:
    found = counted(period)
    assert (found.granularity, len(found.buckets)) == (granularity, buckets)


@pytest.mark.parametrize("now", ["2026-05-31", "2026-10-31", "2026-12-31", "2024-03-01"])
def test_three_months_are_days_whatever_their_length(now: str) -> None:
    assert counted("3m", utc(now)).granularity is Granularity.DAY


@pytest.mark.parametrize(
    ("first", "last", "granularity"),
    [
        ("2026-10-01", "2026-10-01", Granularity.HOUR),
        ("2026-10-01", "2026-10-03", Granularity.HOUR),
        ("2026-10-01", "2026-10-04", Granularity.DAY),
        ("2026-07-01", "2026-09-30", Granularity.DAY),
        ("2026-07-01", "2026-10-01", Granularity.MONTH),
    ],
)
def test_spans_have_buckets_that_suit_their_length(
    first: str, last: str, granularity: Granularity
) -> None:
    span = DateSpan(date.fromisoformat(first), date.fromisoformat(last))
    assert ranges(span, NOW).current.granularity is granularity


def test_a_count_of_exactly_now_on_an_edge_keeps_the_new_bucket() -> None:
    found = counted("1h", utc("2026-11-22 10:00"))
    assert (found.buckets[-1], found.end) == (utc("2026-11-22 10:00"), utc("2026-11-22 10:01"))
    assert len(found.buckets) == 61


@pytest.mark.parametrize(
    ("period", "start", "end", "buckets"),
    [
        (Calendar(Unit.HOUR), "2026-11-22 10:00", "2026-11-22 10:32", 32),
        (Calendar(Unit.HOUR, last=True), "2026-11-22 09:00", "2026-11-22 10:00", 60),
        (Calendar(Unit.DAY), "2026-11-22", "2026-11-22 11:00", 11),
        (Calendar(Unit.DAY, last=True), "2026-11-21", "2026-11-22", 24),
        (Calendar(Unit.WEEK), "2026-11-16", "2026-11-23", 7),
        (Calendar(Unit.WEEK, last=True), "2026-11-09", "2026-11-16", 7),
        (Calendar(Unit.MONTH), "2026-11-01", "2026-11-23", 22),
        (Calendar(Unit.MONTH, last=True), "2026-10-01", "2026-11-01", 31),
        (Calendar(Unit.YEAR), "2026-01-01", "2026-12-01", 11),
        (Calendar(Unit.YEAR, last=True), "2025-01-01", "2026-01-01", 12),
        (Month(2026, 11), "2026-11-01", "2026-11-23", 22),
        (Month(2024, 2), "2024-02-01", "2024-03-01", 29),
        (DateSpan(date(2025, 12, 30), date(2026, 1, 3)), "2025-12-30", "2026-01-04", 5),
    ],
)
def test_calendar_periods_stand_on_the_calendar(
    period: Period, start: str, end: str, buckets: int
) -> None:
    found = ranges(period, NOW).current
    assert (found.start, found.end) == (utc(start), utc(end))
    assert len(found.buckets) == buckets


def test_a_span_that_reaches_into_the_future_ends_with_the_bucket_of_now() -> None:
    found = ranges(DateSpan(date(2026, 11, 20), date(2026, 12, 20)), NOW).current
    assert (found.end, found.until) == (utc("2026-11-23"), NOW)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        # finished: the whole one before
        (Month(2026, 10), "2026-09-01", "2026-10-01"),
        (Month(2026, 1), "2025-12-01", "2026-01-01"),
        (Calendar(Unit.MONTH, last=True), "2026-09-01", "2026-10-01"),
        (Calendar(Unit.YEAR, last=True), "2024-01-01", "2025-01-01"),
        (Calendar(Unit.WEEK, last=True), "2026-11-02", "2026-11-09"),
        (Calendar(Unit.HOUR, last=True), "2026-11-22 08:00", "2026-11-22 09:00"),
        (DateSpan(date(2026, 10, 1), date(2026, 10, 15)), "2026-09-16", "2026-10-01"),
        # whole months are compared with as many whole months
        (DateSpan(date(2026, 10, 1), date(2026, 10, 31)), "2026-09-01", "2026-10-01"),
        (DateSpan(date(2026, 1, 1), date(2026, 6, 30)), "2025-07-01", "2026-01-01"),
        # unfinished: the one before, up to as many buckets
        (Calendar(Unit.MONTH), "2026-10-01", "2026-10-23"),
        (Calendar(Unit.YEAR), "2025-01-01", "2025-12-01"),
        (Calendar(Unit.WEEK), "2026-11-09", "2026-11-16"),
        (Calendar(Unit.DAY), "2026-11-21", "2026-11-21 11:00"),
        (Calendar(Unit.HOUR), "2026-11-22 09:00", "2026-11-22 09:32"),
        # counted: as many buckets right before
        (Counted(1, Unit.HOUR), "2026-11-22 08:30", "2026-11-22 09:31"),
        (Counted(1, Unit.DAY), "2026-11-20 09:00", "2026-11-21 10:00"),
        (Counted(1, Unit.MONTH), "2026-09-20", "2026-10-22"),
        (Counted(1, Unit.YEAR), "2024-10-01", "2025-11-01"),
    ],
)
def test_each_period_is_compared_with_the_one_before(period: Period, start: str, end: str) -> None:
    before = ranges(period, NOW).previous
    assert (before.start, before.end) == (utc(start), utc(end))
    assert not before.unfinished


def test_31_days_are_compared_with_the_whole_of_a_shorter_month() -> None:
    both = ranges(Calendar(Unit.MONTH), utc("2026-03-31 12:00"))
    assert len(both.current.buckets) == 31
    assert (both.previous.start, both.previous.end) == (utc("2026-02-01"), utc("2026-03-01"))


@pytest.mark.parametrize(
    "period", [Month(2026, 12), Month(2999, 12), DateSpan(date(2026, 11, 23), date(2026, 11, 23))]
)
def test_a_period_in_the_future_has_not_begun(period: Period) -> None:
    with pytest.raises(NotStartedError, match=f"{period} hasn't started yet"):
        ranges(period, NOW)


def test_the_farthest_periods_do_not_break_the_calendar() -> None:
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        assert len(ranges(Month(2000, 1), NOW, zone).current.buckets) == 31
        late = DateSpan(date(2999, 12, 1), date(2999, 12, 31))
        assert ranges(late, utc("3000-06-01"), zone).previous.end == local(late.first, zone)


@pytest.mark.parametrize(
    ("day", "zone", "length"),
    [
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-03-08", "America/New_York", 23),
        ("2026-11-01", "America/New_York", 25),
        ("2026-10-04", "Australia/Lord_Howe", 23.5),
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
        ("2026-06-01", "Asia/Kathmandu", 24),
        ("2018-11-04", "America/Sao_Paulo", 23),  # 00:00 did not exist
        ("2018-02-17", "America/Sao_Paulo", 25),  # 23:00 came twice
        ("2026-09-06", "America/Santiago", 23),
        ("2026-04-04", "America/Santiago", 25),
        ("2026-04-24", "Africa/Cairo", 23),
        ("2026-10-29", "Africa/Cairo", 25),
        ("2026-03-29", "Asia/Beirut", 23),
        ("2026-10-24", "Asia/Beirut", 25),
        ("2025-11-02", "America/Havana", 25),  # 00:00 came twice
        ("2025-10-26", "America/Nuuk", 24),
        ("2011-12-29", "Pacific/Apia", 24),
        ("2011-12-31", "Pacific/Apia", 24),
    ],
)
def test_days_are_as_long_as_their_zone_makes_them(day: str, zone: str, length: float) -> None:
    assert hours(day, zone) == length


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        ("2026-11-22", "UTC", "2026-11-22 00:00"),
        ("2026-11-22", "Asia/Kathmandu", "2026-11-21 18:15"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04 03:00"),  # 01:00, after the gap
        ("2026-09-06", "America/Santiago", "2026-09-06 04:00"),
        ("2025-11-02", "America/Havana", "2025-11-02 04:00"),  # the first of two midnights
        ("2011-12-30", "Pacific/Apia", "2011-12-30 10:00"),  # never came: the day after begins
        ("2011-12-31", "Pacific/Apia", "2011-12-30 10:00"),
    ],
)
def test_a_local_midnight_is_the_first_there_is(day: str, zone: str, instant: str) -> None:
    assert local(date.fromisoformat(day), zone) == utc(instant)


def test_a_week_over_the_skipped_day_has_six() -> None:
    week = DateSpan(date(2011, 12, 26), date(2012, 1, 1))
    found = ranges(week, utc("2012-02-01"), "Pacific/Apia")
    assert len(found.current.buckets) == 6
    back = ranges(Counted(1, Unit.WEEK), utc("2012-01-07 20:00"), "Pacific/Apia")
    assert len(back.previous.buckets) == len(back.current.buckets) == 8


def test_a_day_that_never_came_is_said_so() -> None:
    never = DateSpan(date(2011, 12, 30), date(2011, 12, 30))
    with pytest.raises(NotStartedError, match="2011-12-30 doesn't exist in Pacific/Apia"):
        ranges(never, NOW, "Pacific/Apia")


def test_the_day_after_one_that_never_came_is_compared_with_the_one_before() -> None:
    after = DateSpan(date(2011, 12, 31), date(2011, 12, 31))
    found = ranges(after, NOW, "Pacific/Apia")
    assert (found.previous.start, found.previous.end) == (
        utc("2011-12-29 10:00"),
        utc("2011-12-30 10:00"),
    )


def test_an_hour_of_a_half_hour_zone_stands_on_its_own_clock() -> None:
    found = ranges(Calendar(Unit.HOUR), NOW, "Asia/Kolkata").current
    assert (found.start, found.end) == (utc("2026-11-22 10:30"), utc("2026-11-22 10:32"))


def test_a_range_without_buckets_or_with_time_running_back_is_refused() -> None:
    day = Granularity.DAY
    with pytest.raises(ValueError, match="at least one bucket"):
        TimeRange((), NOW, day, NOW)
    with pytest.raises(ValueError, match="in order"):
        TimeRange((NOW,), NOW, day, NOW)
    with pytest.raises(ValueError, match="in order"):
        TimeRange((NOW, NOW - DAY), NOW + DAY, day, NOW)


def test_every_moment_finds_its_bucket() -> None:
    found = counted("1d")
    edges = [*found.buckets, found.end]
    for place, (start, end) in enumerate(pairwise(edges)):
        assert found.index(start) == found.index(end - timedelta(microseconds=1)) == place


def edges_of(found: TimeRange) -> tuple[str, str, int]:
    return f"{found.start:%Y-%m-%d %H:%M}", f"{found.end:%Y-%m-%d %H:%M}", len(found.buckets)


@pytest.mark.parametrize(
    ("period", "unit", "there"),
    [
        (Counted(1, Unit.DAY), Unit.DAY, ("2026-11-20 10:00", "2026-11-21 11:00", 25)),
        (Counted(1, Unit.DAY), Unit.WEEK, ("2026-11-14 10:00", "2026-11-15 11:00", 25)),
        (Counted(1, Unit.HOUR), Unit.DAY, ("2026-11-21 09:31", "2026-11-21 10:32", 61)),
        (Counted(1, Unit.MONTH), Unit.MONTH, ("2026-09-22 00:00", "2026-10-23 00:00", 31)),
        (Calendar(Unit.MONTH), Unit.MONTH, ("2026-10-01 00:00", "2026-10-23 00:00", 22)),
        (Calendar(Unit.MONTH, last=True), Unit.MONTH, ("2026-09-01 00:00", "2026-10-01 00:00", 30)),
        (Calendar(Unit.MONTH, last=True), Unit.YEAR, ("2025-10-01 00:00", "2025-11-01 00:00", 31)),
        (Month(2026, 3), Unit.MONTH, ("2026-02-01 00:00", "2026-03-01 00:00", 28)),
        (Calendar(Unit.YEAR), Unit.YEAR, ("2025-01-01 00:00", "2025-12-01 00:00", 11)),
        (
            DateSpan(date(2026, 3, 29), date(2026, 3, 29)),
            Unit.MONTH,
            ("2026-02-28 00:00", "2026-03-01 00:00", 24),
        ),
    ],
)
def test_the_same_so_much_earlier(period: Period, unit: Unit, there: tuple[str, str, int]) -> None:
    assert edges_of(shifted_back(ranges(period, NOW).current, unit)) == there


@pytest.mark.parametrize(
    ("text", "unit"), [("2d", Unit.DAY), ("9d", Unit.WEEK), ("2m", Unit.MONTH), ("2y", Unit.YEAR)]
)
def test_nothing_is_compared_with_a_part_of_itself(text: str, unit: Unit) -> None:
    with pytest.raises(OverlapError, match=f"longer than a {unit}"):
        shifted_back(counted(text), unit)


zones = st.sampled_from(ZONES)
# before 2012 some clocks were set back at 00:01, so that a day began twice
nows = st.timedeltas(timedelta(), 28 * 365 * DAY).map(lambda since: utc("2012-02-01") + since)
_days = st.dates(date(2012, 2, 1), date(2040, 1, 1))
counts = st.builds(Counted, st.integers(1, 10), st.sampled_from(Unit)) | st.builds(
    Counted, st.integers(1, 200), st.sampled_from([Unit.HOUR, Unit.DAY])
)
calendars = st.builds(Calendar, st.sampled_from(Unit), st.booleans())
months = st.builds(Month, st.integers(2012, 2039), st.integers(1, 12))
spans = st.builds(
    lambda first, length: DateSpan(first, first + timedelta(days=length)),
    _days,
    st.integers(0, 400),
)


def asked(period: Period, now: datetime, zone: str) -> Ranges | None:
    try:
        return ranges(period, now, zone)
    except NotStartedError:
        return None


def hold_to_the_laws(found: TimeRange, now: datetime) -> None:
    edges = [*found.buckets, found.end]
    assert edges == sorted(set(edges))
    assert all(edge.tzinfo is UTC for edge in edges)
    if found.granularity in {Granularity.DAY, Granularity.MONTH}:
        assert all(floor(b, found.granularity, found.zone) == b for b in found.buckets[1:])
    if found.unfinished:
        assert found.until == now
        assert found.buckets[-1] <= now < found.end
    else:
        assert found.until == found.end <= now
    longest = {Granularity.HOUR: HOUR, Granularity.DAY: 25 * HOUR, Granularity.MINUTE: MINUTE}
    limit = longest.get(found.granularity, 31 * DAY + 3 * HOUR)
    assert all(b - a <= limit for a, b in pairwise(edges))


@given(counts, nows, zones)
@settings(max_examples=150, deadline=None)
@example(Counted(1, Unit.MONTH), utc("2026-09-06 05:00"), "America/Santiago")
@example(Counted(4, Unit.DAY), utc("2026-11-01 05:30"), "America/Havana")
@example(Counted(1, Unit.YEAR), utc("2026-12-31 23:59"), "Pacific/Kiritimati")
def test_counted_periods_end_now_and_touch_the_one_before(
    period: Counted, now: datetime, zone: str
) -> None:
    found = ranges(period, now, zone)
    hold_to_the_laws(found.current, now)
    hold_to_the_laws(found.previous, now)
    assert found.current.unfinished
    assert found.previous.end == found.current.start
    assert len(found.previous.buckets) == len(found.current.buckets)
    assert found.previous.granularity is found.current.granularity


@given(calendars | months, nows, zones)
@settings(max_examples=150, deadline=None)
@example(Calendar(Unit.DAY), utc("2026-09-06 04:30"), "America/Santiago")
@example(Calendar(Unit.DAY, last=True), utc("2026-03-29 22:30"), "Europe/Berlin")
@example(Calendar(Unit.MONTH), utc("2028-02-29 12:00"), "Asia/Kathmandu")
@example(Calendar(Unit.HOUR), utc("2026-04-04 15:10"), "Australia/Lord_Howe")
def test_calendar_periods_are_compared_with_no_more_than_they_have(
    period: Calendar | Month, now: datetime, zone: str
) -> None:
    found = asked(period, now, zone)
    if found is None:
        return
    hold_to_the_laws(found.current, now)
    hold_to_the_laws(found.previous, now)
    assert found.previous.end <= found.current.start
    assert found.previous.granularity is found.current.granularity
    if found.current.unfinished:
        assert len(found.previous.buckets) <= len(found.current.buckets)
    else:
        assert found.previous.end == found.current.start


@given(months, nows, zones)
@settings(max_examples=100, deadline=None)
def test_a_finished_month_is_compared_with_the_whole_month_before(
    period: Month, now: datetime, zone: str
) -> None:
    found = asked(period, now, zone)
    if found and not found.current.unfinished:
        before = period.first - DAY
        assert found.previous == ranges(Month(before.year, before.month), now, zone).current


@given(spans, nows, zones)
@settings(max_examples=150, deadline=None)
def test_spans_hold_both_their_days(period: DateSpan, now: datetime, zone: str) -> None:
    found = asked(period, now, zone)
    if found is None:
        assert local(period.first, zone) > now
        return
    hold_to_the_laws(found.current, now)
    hold_to_the_laws(found.previous, now)
    assert found.current.start == local(period.first, zone)
    if not found.current.unfinished:
        assert found.current.end == local(period.last + DAY, zone)
        assert found.previous.end == found.current.start


@given(nows, zones, st.sampled_from(Granularity))
@settings(max_examples=150, deadline=None)
def test_a_floor_is_before_its_moment_and_its_own_floor(
    now: datetime, zone: str, granularity: Granularity
) -> None:
    start = floor(now, granularity, zone)
    assert start <= now
    assert floor(start, granularity, zone) == start


def first_of(day: date, at: time, zone: str) -> datetime:
    """The same as `local`, by looking at every minute for three days."""
    tz, wanted = ZoneInfo(zone), datetime.combine(day, at)
    minute = datetime.combine(day, at, UTC) - 36 * HOUR
    while minute.astimezone(tz).replace(tzinfo=None) < wanted:
        minute += MINUTE
    return minute


def transitions(zone: str, first: int, last: int) -> list[datetime]:
    """The days on which the zone's clock is set."""
    tz = ZoneInfo(zone)
    day = datetime(first, 1, 1, tzinfo=UTC)
    found = []
    while day.year < last:
        if day.astimezone(tz).utcoffset() != (day + DAY).astimezone(tz).utcoffset():
            found.append(day)
        day += DAY
    return found


@pytest.mark.parametrize(
    ("zone", "years"),
    [
        ("America/Santiago", (2026, 2028)),
        ("Africa/Cairo", (2026, 2028)),
        ("Asia/Beirut", (2026, 2028)),
        ("America/Havana", (2026, 2028)),
        ("America/Sao_Paulo", (2018, 2020)),
        ("Australia/Lord_Howe", (2026, 2028)),
        ("Europe/Berlin", (2026, 2028)),
        ("America/Nuuk", (2023, 2026)),
        ("America/Scoresbysund", (2024, 2026)),
        ("Atlantic/Azores", (2026, 2028)),
        ("Africa/Casablanca", (2026, 2028)),
        ("Asia/Gaza", (2026, 2028)),
        ("Pacific/Apia", (2011, 2013)),
        ("Pacific/Chatham", (2026, 2028)),
        ("Asia/Pyongyang", (2015, 2019)),
        ("America/Caracas", (2016, 2017)),
        ("Antarctica/Troll", (2026, 2028)),
    ],
)
def test_a_local_time_is_the_first_that_a_clock_on_the_wall_shows(
    zone: str, years: tuple[int, int]
) -> None:
    changes = transitions(zone, *years)
    assert changes
    for change in changes:
        for away in (-1, 0, 1):
            day = change.date() + away * DAY
            for at in (time(), time(0, 30), time(1, 59), time(2, 30), time(23, 45)):
                assert local(day, zone, at) == first_of(day, at, zone), (zone, day, at)


@given(
    counts | calendars | months | spans,
    nows,
    zones,
    st.sampled_from([Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR]),
)
def test_the_same_so_much_earlier_is_over_and_about_as_long(
    period: Period, now: datetime, zone: str, unit: Unit
) -> None:
    both = asked(period, now, zone)
    if both is None:
        return
    try:
        there = shifted_back(both.current, unit)
    except OverlapError:
        return
    here = both.current
    hold_to_the_laws(there, now + 400 * DAY)
    assert there.granularity is here.granularity
    assert here.start - there.start >= timedelta(hours=20)
    assert abs(len(there.buckets) - len(here.buckets)) <= 3 * (
        24 if here.granularity is Granularity.HOUR else 1
    )


@pytest.mark.parametrize(
    ("granularity", "bucket", "after"),
    [
        (Granularity.MINUTE, "2026-11-22 10:31", "2026-11-22 10:32"),
        (Granularity.HOUR, "2026-11-22 23:00", "2026-11-23 00:00"),
        (Granularity.DAY, "2026-02-28", "2026-03-01"),
        (Granularity.MONTH, "2026-01-01", "2026-02-01"),
        (Granularity.MONTH, "2026-12-01", "2027-01-01"),
    ],
)
def test_the_next_bucket_begins_where_one_ends(
    granularity: Granularity, bucket: str, after: str
) -> None:
    assert next_bucket(utc(bucket), granularity) == utc(after)


def test_an_unfinished_month_is_compared_with_as_many_days_of_the_month_before() -> None:
    elapsed = ranges(Calendar(Unit.MONTH, last=False), NOW).current
    before = shifted_back(elapsed, Unit.MONTH)
    assert elapsed.unfinished
    assert (before.start, len(before.buckets)) == (utc("2026-10-01"), 22)
    whole = shifted_back(ranges(Calendar(Unit.MONTH, last=True), NOW).current, Unit.MONTH)
    assert (whole.start, len(whole.buckets)) == (utc("2026-09-01"), 30)


def test_a_range_of_a_day_more_than_a_counted_month_is_compared_with_no_month_before() -> None:
    span = ranges(DateSpan(date(2026, 9, 1), date(2026, 10, 3)), NOW).current
    assert len(span.buckets) == 33
    with pytest.raises(OverlapError):
        shifted_back(span, Unit.MONTH)
    shorter = ranges(DateSpan(date(2026, 9, 1), date(2026, 10, 2)), NOW).current
    assert shifted_back(shorter, Unit.MONTH).start == utc("2026-08-01")
