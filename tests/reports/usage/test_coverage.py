"""What is held and what is missing: laws of intervals, and the sentences that people read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.time.period import Calendar, Counted, DateSpan, Month, Period, Unit
from reports.time.period_to_range import ranges
from reports.time.time_range import DAY, HOUR, STEP, Granularity, TimeRange, floor, zone_names
from reports.usage.coverage import Coverage, Interval, answerable_range, gaps, is_stored, merge

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
LAST_SYNC = NOW - timedelta(minutes=3)
YEAR_OF_DAYS = (datetime(2025, 11, 22, tzinfo=UTC), LAST_SYNC)
MONTH_OF_HOURS = (datetime(2026, 10, 22, 10, tzinfo=UTC), LAST_SYNC)
HELD: Coverage = {
    Granularity.MINUTE: ((NOW - 3 * HOUR, NOW - timedelta(seconds=40)),),
    Granularity.HOUR: (MONTH_OF_HOURS,),
    Granularity.DAY: (YEAR_OF_DAYS,),
}


def wanted(period: Period, zone: str = "UTC", now: datetime = NOW) -> TimeRange:
    return ranges(period, now, zone).current


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


_moments = st.integers(0, 60).map(lambda n: at("2026-01-01") + n * HOUR)
_intervals = st.lists(st.tuples(_moments, _moments), max_size=8)


def hours(intervals: tuple[Interval, ...] | list[Interval]) -> set[datetime]:
    """The hours that intervals cover, one by one."""
    return {a + n * HOUR for a, b in intervals for n in range(max((b - a) // HOUR, 0))}


@given(_intervals)
@settings(max_examples=150, deadline=None)
def test_merged_intervals_cover_the_same_and_stand_apart(intervals: list[Interval]) -> None:
    merged = merge(intervals)
    assert hours(merged) == hours([(a, b) for a, b in intervals if a < b])
    assert all(a < b for a, b in merged)
    assert all(one[1] < other[0] for one, other in pairwise(merged))
    assert merge(merged) == merged


@given(st.tuples(_moments, _moments), _intervals)
@settings(max_examples=150, deadline=None)
def test_gaps_and_what_is_held_make_up_the_whole(
    interval: Interval, intervals: list[Interval]
) -> None:
    held = merge(intervals)
    missing = gaps(interval, held)
    assert hours(missing) == hours([interval]) - hours(held)
    assert all(interval[0] <= a < b <= interval[1] for a, b in missing)
    assert merge(missing) == missing
    assert gaps(interval, merge([*held, *missing])) == ()


def test_what_only_touches_does_not_cover() -> None:
    day = at("2026-01-02"), at("2026-01-03")
    around = [(at("2026-01-01"), day[0]), (day[1], at("2026-01-04"))]
    assert gaps(day, around) == (day,)
    assert gaps(day, ()) == (day,)
    assert merge([(day[1], day[1] + DAY), day]) == ((day[0], day[1] + DAY),)


@pytest.mark.parametrize(
    ("period", "stored"),
    [
        (Counted(1, Unit.HOUR), Granularity.MINUTE),
        (Counted(1, Unit.DAY), Granularity.HOUR),
        (Counted(1, Unit.MONTH), Granularity.DAY),
        (Counted(1, Unit.YEAR), Granularity.DAY),
        (Calendar(Unit.DAY), Granularity.HOUR),
        (Month(2026, 10), Granularity.DAY),
    ],
)
def test_a_range_is_read_at_its_own_granularity_and_months_as_days(
    period: Period, stored: Granularity
) -> None:
    found = answerable_range(wanted(period), HELD)
    assert found.stored is stored
    assert found.range == wanted(period)


@pytest.mark.parametrize(
    "period", [Counted(1, Unit.HOUR), Counted(1, Unit.DAY), Counted(1, Unit.MONTH)]
)
def test_a_bucket_that_is_being_filled_is_not_missing(period: Counted) -> None:
    assert answerable_range(wanted(period), HELD).partial == ()


@pytest.mark.parametrize(
    ("period", "stored", "fresh", "stale", "words"),
    [
        (
            Counted(1, Unit.HOUR),
            Granularity.MINUTE,
            timedelta(minutes=2),
            timedelta(minutes=4),
            "no data by minute from 22 Nov 2026, 10:27 UTC on",
        ),
        (
            Counted(1, Unit.DAY),
            Granularity.HOUR,
            timedelta(minutes=19),
            timedelta(minutes=21),
            "no data by hour after 22 Nov 2026, 10:10 UTC",
        ),
        (
            Counted(1, Unit.MONTH),
            Granularity.DAY,
            timedelta(minutes=29),
            timedelta(minutes=31),
            "no data after 22 Nov 2026, 10:00 UTC",
        ),
    ],
)
def test_a_sync_that_stopped_long_ago_is_said(
    period: Counted, stored: Granularity, fresh: timedelta, stale: timedelta, words: str
) -> None:
    since = at("2025-11-22")
    assert answerable_range(wanted(period), {stored: ((since, NOW - fresh),)}).partial == ()
    assert answerable_range(wanted(period), {stored: ((since, NOW - stale),)}).partial == (words,)


def test_days_before_the_first_one_held_are_named() -> None:
    found = answerable_range(wanted(Counted(2, Unit.YEAR)), HELD)
    assert found.partial == ("no data before 22 Nov 2025",)


@pytest.mark.parametrize(
    ("period", "held", "words"),
    [
        (Month(2025, 1), HELD, "no data for this period"),
        (Counted(1, Unit.MONTH), {}, "no data for this period"),
        (
            Counted(1, Unit.DAY),
            {Granularity.HOUR: ((at("2026-11-22 04:00"), NOW),)},
            "no data by hour before 22 Nov 2026, 04:00 UTC",
        ),
        (
            Counted(1, Unit.DAY),
            {Granularity.HOUR: ((at("2026-11-20"), at("2026-11-22 04:00")),)},
            "no data by hour from 22 Nov 2026, 04:00 UTC on",
        ),
        (
            Counted(1, Unit.HOUR),
            {
                Granularity.MINUTE: (
                    (at("2026-11-22 09:00"), at("2026-11-22 09:50")),
                    (at("2026-11-22 10:05"), NOW),
                )
            },
            "no data by minute from 22 Nov 2026, 09:50 UTC until 22 Nov 2026, 10:05 UTC",
        ),
        (
            Month(2026, 10),
            {Granularity.DAY: ((at("2026-09-01"), at("2026-10-31")),)},
            "no data from 31 Oct 2026 on",
        ),
    ],
)
def test_what_is_missing_is_said_in_words(period: Period, held: Coverage, words: str) -> None:
    assert answerable_range(wanted(period), held).partial == (words,)


def test_buckets_that_are_not_held_are_unknown_and_not_nothing() -> None:
    begin = at("2025-11-29 00:00")
    held: Coverage = {Granularity.DAY: ((begin, LAST_SYNC),)}
    year = answerable_range(wanted(DateSpan(date(2025, 1, 1), date(2025, 12, 31))), held)
    assert year.unknown == frozenset(range(10))
    assert year.incomplete == frozenset({10})
    assert year.since == begin
    november = answerable_range(wanted(Month(2025, 11)), held)
    assert november.unknown == frozenset(range(28))
    assert november.incomplete == frozenset()
    assert november.partial == ("no data before 29 Nov 2025",)
    assert answerable_range(wanted(Month(2026, 10)), held).unknown == frozenset()


def test_nothing_held_has_no_beginning() -> None:
    found = answerable_range(wanted(Month(2025, 1)), HELD)
    assert (len(found.unknown), found.since) == (31, None)


def test_newest_buckets_that_wait_for_a_late_sync_are_unknown() -> None:
    held: Coverage = {Granularity.HOUR: ((at("2026-11-01"), at("2026-11-22 07:30")),)}
    found = answerable_range(wanted(Counted(1, Unit.DAY)), held)
    assert found.unknown == frozenset({22, 23, 24})  # 08:00, 09:00 and the current hour
    assert found.incomplete == frozenset({21})
    assert found.since is None


@given(_intervals)
@settings(max_examples=150, deadline=None)
def test_each_hour_is_unknown_or_held(intervals: list[Interval]) -> None:
    held = merge(intervals)
    span = wanted(DateSpan(date(2026, 1, 1), date(2026, 1, 2)))
    found = answerable_range(span, {Granularity.HOUR: held})
    known = {bucket for n, bucket in enumerate(span.buckets) if n not in found.unknown}
    assert known == hours(held) & set(span.buckets)
    assert found.incomplete == frozenset()


def test_every_gap_is_named() -> None:
    days = ((at("2026-10-05"), at("2026-10-08")), (at("2026-10-10"), at("2026-11-22")))
    found = answerable_range(wanted(Month(2026, 10)), {Granularity.DAY: days})
    assert found.partial == (
        "no data before 5 Oct 2026",
        "no data from 8 Oct 2026 until 10 Oct 2026",
    )


def test_days_of_another_zone_are_made_of_hours_where_all_are_held() -> None:
    month = wanted(Calendar(Unit.MONTH), "Europe/Berlin")
    found = answerable_range(month, HELD)
    assert (found.range, found.stored, found.partial) == (month, Granularity.HOUR, ())


def test_days_of_another_zone_are_utc_days_where_hours_are_missing() -> None:
    found = answerable_range(wanted(Month(2026, 9), "Europe/Berlin"), HELD)
    assert found.stored is Granularity.DAY
    assert found.range.zone == "UTC"
    assert (found.range.start, found.range.end) == (at("2026-09-01"), at("2026-10-01"))
    assert len(found.range.buckets) == 30
    (said,) = found.partial
    assert said == "days are UTC days: hourly data for the days of Europe/Berlin is incomplete"


def test_one_missing_hour_is_enough_to_fall_back_to_utc_days() -> None:
    hole = at("2026-11-10 05:00")
    holed = ((MONTH_OF_HOURS[0], hole), (hole + HOUR, LAST_SYNC))
    month = wanted(Calendar(Unit.MONTH), "Europe/Berlin")
    assert answerable_range(month, {**HELD, Granularity.HOUR: holed}).stored is Granularity.DAY


def test_months_of_another_zone_are_utc_months_of_the_same_names() -> None:
    year = wanted(Calendar(Unit.YEAR), "Asia/Tokyo")
    found = answerable_range(year, HELD)
    assert found.range.buckets == tuple(at(f"2026-{month:02}-01") for month in range(1, 12))
    assert found.range.until == NOW


@pytest.mark.parametrize(
    ("zone", "begins"),
    [("Asia/Kathmandu", "00:45"), ("Asia/Kolkata", "00:30"), ("America/St_Johns", "00:30")],
)
def test_days_that_begin_between_hours_begin_with_their_first_full_hour(
    zone: str, begins: str
) -> None:
    found = answerable_range(wanted(DateSpan(date(2026, 11, 16), date(2026, 11, 19)), zone), HELD)
    assert found.stored is Granularity.HOUR
    starts = [bucket.astimezone(ZoneInfo(zone)) for bucket in found.range.buckets]
    assert [start.day for start in starts] == [16, 17, 18, 19]
    assert {f"{start:%H:%M}" for start in starts} == {begins}
    assert found.partial == (
        f"days run from {begins} to {begins} in {zone}: only full UTC hours are stored",
    )


def test_such_days_are_utc_days_where_hours_are_missing() -> None:
    found = answerable_range(wanted(Month(2026, 9), "Asia/Kathmandu"), HELD)
    assert (found.stored, found.range.zone) == (Granularity.DAY, "UTC")
    assert found.partial == (
        "days are UTC days: the days of Asia/Kathmandu don't start on a full UTC hour",
    )


def test_days_that_begin_between_hours_are_exact_where_minutes_are_held() -> None:
    asked = wanted(Calendar(Unit.MONTH), "Asia/Kathmandu")
    found = answerable_range(asked, HELD | {Granularity.MINUTE: (MONTH_OF_HOURS,)})
    assert (found.range, found.stored, found.partial) == (asked, Granularity.MINUTE, ())


@pytest.mark.parametrize(
    ("now", "start", "last"),
    [
        ("2026-11-22 10:29", "2026-11-21 19:00", "2026-11-22 10:00"),
        ("2026-11-22 10:31", "2026-11-21 19:00", "2026-11-22 10:00"),
        ("2026-11-22 18:40", "2026-11-22 18:00", "2026-11-22 18:00"),
    ],
)
def test_hours_that_begin_between_hours_are_utc_hours_through_now(
    now: str, start: str, last: str
) -> None:
    today = wanted(Calendar(Unit.DAY), "Asia/Kolkata", at(now))
    found = answerable_range(today, {Granularity.HOUR: (MONTH_OF_HOURS,)})
    assert (found.range.start, found.range.buckets[-1]) == (at(start), at(last))
    assert found.range.until == at(now)
    begins = f"{at(start).astimezone(ZoneInfo('Asia/Kolkata')):%H:%M}"
    assert found.partial[0] == (
        f"hours are full UTC hours, so this period starts at {begins} in Asia/Kolkata"
    )


def test_a_utc_day_that_has_not_begun_is_no_bucket() -> None:
    morning = at("2026-11-22 20:00")  # the 23rd in Tokyo
    only_days: Coverage = {Granularity.DAY: ((at("2025-11-22"), morning),)}
    month = wanted(Calendar(Unit.MONTH), "Asia/Tokyo", morning)
    assert len(month.buckets) == 23
    found = answerable_range(month, only_days).range
    assert (len(found.buckets), found.end, found.until) == (22, at("2026-11-23"), morning)


def test_a_local_month_that_begins_before_the_utc_one_has_a_bucket_all_the_same() -> None:
    morning = at("2026-10-31 20:00")  # the 1st in Tokyo
    month = wanted(Calendar(Unit.MONTH), "Asia/Tokyo", morning)
    found = answerable_range(month, {Granularity.DAY: ((at("2025-11-22"), morning),)}).range
    assert found.buckets == (at("2026-11-01"),)


@pytest.mark.parametrize(
    ("held", "all_of_it"),
    [
        (HELD, True),
        ({}, False),
        ({Granularity.DAY: ((at("2026-10-01"), at("2026-11-01")),)}, True),
        ({Granularity.DAY: ((at("2026-10-02"), at("2026-11-01")),)}, False),
        ({Granularity.DAY: ((at("2026-10-01"), at("2026-10-31 23:50")),)}, False),
        ({Granularity.HOUR: ((at("2026-09-01"), at("2026-12-01")),)}, False),
    ],
)
def test_it_reaches_where_everything_is_held(held: Coverage, all_of_it: bool) -> None:
    assert is_stored(wanted(Month(2026, 10)), Granularity.DAY, held) is all_of_it


def test_a_year_before_the_cache_is_not_reached() -> None:
    before = ranges(Counted(1, Unit.YEAR), NOW).previous
    assert not is_stored(before, Granularity.DAY, HELD)


_periods = st.one_of(
    st.builds(Counted, st.integers(1, 60), st.sampled_from([Unit.HOUR, Unit.DAY])),
    st.builds(Counted, st.integers(1, 5), st.sampled_from([Unit.WEEK, Unit.MONTH, Unit.YEAR])),
    st.builds(Calendar, st.sampled_from(Unit), st.booleans()),
    st.builds(Month, st.just(2026), st.integers(1, 11)),
    st.builds(
        lambda ago, days: DateSpan(date(2026, 11, 20) - ago * DAY, date(2026, 11, 20) + days * DAY),
        st.integers(0, 400),
        st.integers(0, 30),
    ),
)
_nows = st.timedeltas(timedelta(), 2 * DAY).map(lambda since: at("2026-11-21") + since)


@given(_periods, _nows, st.sampled_from(sorted(zone_names().values())), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_range_is_answered_on_the_grid_of_what_is_stored(
    period: Period, now: datetime, zone: str, hours_held: bool
) -> None:
    asked = wanted(period, zone, now)
    long_ago = at("2020-01-01")
    held = {g: ((long_ago, now),) for g in STEP if g is not Granularity.HOUR or hours_held}
    found = answerable_range(asked, held)
    edges = (*found.range.buckets, found.range.end)
    assert all(floor(edge, found.stored) == edge for edge in edges)
    assert abs(found.range.start - asked.start) < DAY
    assert abs(found.range.end - asked.end) < 2 * DAY
    assert len(found.range.buckets) <= len(asked.buckets) + 1
    if found.range == asked:
        assert found.partial == () or not hours_held
    else:
        said = (
            "days are UTC days",
            "hours are full UTC hours",
            "shown by day",
            "hours run",
            "days run",
        )
        assert found.partial[0].startswith(said)
    if found.range.unfinished and len(found.range.buckets) > 1:
        assert found.range.buckets[-1] <= found.range.until < found.range.end
