"""Due times against brute force, and what a run is about."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query
from reports.schedules import cron
from reports.schedules import recurrence as schedule
from reports.schedules.recurrence import Daily, Monthly, Recurrence, Weekly
from reports.time.period import Calendar, Counted, DateSpan, Unit
from reports.time.time_range import zone_names
from tests.trust.zones import WEEKLY_AT, disagreements, weekly

DAY = timedelta(days=1)
HALF_HOURS = [time(n // 2, n % 2 * 30) for n in range(48)]
TRICKY = (
    "Europe/Berlin", "Europe/Helsinki", "America/Santiago", "Africa/Cairo", "Asia/Beirut",
    "Australia/Lord_Howe", "America/Scoresbysund", "Antarctica/Troll", "Africa/Casablanca",
    "Asia/Kathmandu", "Pacific/Chatham", "UTC",
)  # fmt: skip


@pytest.mark.parametrize("zone", TRICKY)
def test_it_is_due_when_brute_force_says_so(zone):
    assert disagreements(zone, date(2027, 1, 1), date(2028, 1, 1)) == []


@pytest.mark.parametrize("zone", TRICKY)
def test_it_runs_once_a_week_on_every_weekday_through_changes_of_the_clock(zone):
    outcome = weekly(zone, date(2027, 1, 1), date(2028, 3, 1))
    assert outcome.runs > 50 * 7 * len(WEEKLY_AT)
    assert outcome.wrong == []


@given(
    zone=st.sampled_from(sorted(zone_names().values())),
    weekday=st.integers(0, 6),
    at=st.sampled_from(HALF_HOURS),
    begin=st.dates(date(2024, 1, 1), date(2036, 1, 1)),
)
def test_it_runs_once_for_every_matching_local_date(zone, weekday, at, begin):
    weekly = Recurrence(Weekly(frozenset({weekday})), at, zone)
    now = datetime.combine(begin + 60 * DAY, time(), UTC)
    runs = schedule.due_runs(weekly, begin, now)
    days = [run.day for run in runs]
    assert len(days) == len(set(days))
    assert all(later - earlier == 7 * DAY for earlier, later in pairwise(days))
    assert days[0] <= begin + 7 * DAY
    following = schedule.next_run(weekly, days[-1])
    assert following.at > now >= runs[-1].at
    assert schedule.first_run(weekly, now) == following


def test_it_keeps_monday_nine_in_berlin_through_summer_and_winter():
    weekly = Recurrence(Weekly(), time(9), "Europe/Berlin")
    runs = schedule.due_runs(weekly, date(2026, 10, 11), datetime(2026, 10, 27, tzinfo=UTC))
    assert [run.at.hour for run in runs] == [7, 7, 8]


def test_it_runs_on_the_monday_after_the_clocks_went_forward_at_midnight():
    weekly = Recurrence(Weekly(), time(0), "Europe/Berlin")
    found = schedule.next_run(weekly, date(2027, 3, 22))
    assert found == schedule.DueRun(date(2027, 3, 29), datetime(2027, 3, 28, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "day", "at", "expected"),
    [
        ("Europe/Berlin", date(2027, 3, 28), time(2, 30), datetime(2027, 3, 28, 1, tzinfo=UTC)),
        ("Europe/Rome", date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("Africa/Cairo", date(2027, 4, 30), time(0), datetime(2027, 4, 29, 22, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_it_takes_the_first_instant_after_a_gap_and_the_first_of_two(zone, day, at, expected):
    assert schedule.occurrence(day, at, zone) == expected


@pytest.mark.parametrize("day", [1, 15, 28, 29, 30, 31, None])
def test_it_runs_once_in_every_month(day):
    found = [date(2027, 1, 1) + n * DAY for n in range(365)]
    chosen = [one for one in found if Monthly(day).matches(one)]
    assert [one.month for one in chosen] == list(range(1, 13))
    assert all(one.day == (day or 31) or (one + DAY).day == 1 for one in chosen)


def test_it_makes_only_the_newest_of_what_was_missed():
    daily = Recurrence(Daily(), time(9), "UTC")
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    found = schedule.split_missed(schedule.due_runs(daily, date(2026, 11, 17), now), now)
    assert found.run is not None
    assert found.run.day == date(2026, 11, 22)
    assert [run.day.day for run in found.skipped] == [18, 19, 20, 21]


def test_it_skips_what_is_older_than_three_days():
    weekly = Recurrence(Weekly(), time(9), "UTC")
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    found = schedule.split_missed(schedule.due_runs(weekly, date(2026, 11, 9), now), now)
    assert found == schedule.MissedRuns(None, found.skipped)
    assert [run.day for run in found.skipped] == [date(2026, 11, 16)]


def test_it_has_nothing_due_when_the_clock_goes_back():
    daily = Recurrence(Daily(), time(9), "UTC")
    assert schedule.due_runs(daily, date(2026, 11, 22), datetime(2026, 11, 21, tzinfo=UTC)) == ()
    assert schedule.split_missed((), datetime(2026, 11, 21, tzinfo=UTC)) == schedule.MissedRuns(
        None
    )


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0 9 * * 1", [2, 9, 16, 23, 30]),
        ("0 9 * * 0", [1, 8, 15, 22, 29]),
        ("0 9 * * 7", [1, 8, 15, 22, 29]),
        ("0 9 * * mon", [2, 9, 16, 23, 30]),
        ("0 9 1,15 * *", [1, 15]),
        ("0 9 15 * 1", [2, 9, 15, 16, 23, 30]),
        ("0 9 */10 * *", [1, 11, 21]),
        ("0 9 * 10 1", []),
        ("0 9 28-31 nov *", [28, 29, 30]),
        ("0 9 * * 6-7", [1, 7, 8, 14, 15, 21, 22, 28, 29]),
        ("0 9 * * */6", [1, 7, 8, 14, 15, 21, 22, 28, 29]),
        ("0 9 25/2 * *", [25, 27, 29]),
    ],
)
def test_it_reads_cron_as_cron_does(text, days):
    rule, at = cron.parse(text)
    november = [date(2026, 11, 1) + n * DAY for n in range(30)]
    assert [day.day for day in november if rule.matches(day)] == days
    assert at == time(9)


@pytest.mark.parametrize(
    ("text", "problem", "meant"),
    [
        ("0 9 31 2 *", "never run", "0 9 29 2 *"),
        ("0 9 31 4,6 *", "never run", "0 9 30 4,6 *"),
        ("*/5 * * * *", "at most once a day", "0 9 * * *"),
        ("0 9,17 * * 1", "at most once a day", "0 9 * * 1"),
        ("0 24 * * *", "must be from 0 to 23", "0 9 * * 1"),
        ("0 9 * *", "five fields, not 4", "0 9 * * 1"),
        ("0 9 * * 5-1", "runs backwards", "0 9 * * 1"),
        ("0 9 * * ١", "must be from 0 to 7", "0 9 * * 1"),
        ("0 9 */0 * *", "must be from 1 to 31", "0 9 * * 1"),
    ],
)
def test_it_refuses_a_cron_expression_that_is_none(text, problem, meant):
    with pytest.raises(cron.CronError, match=problem) as caught:
        cron.parse(text)
    assert caught.value.meant == meant
    cron.parse(meant)


@pytest.mark.parametrize(
    "rule", [Daily(), Weekly(), Weekly(schedule.WORKDAYS), Weekly(frozenset({0, 3})), Monthly(15),
             Monthly(None), cron.parse("30 8 1-7 * 1")[0]],
)  # fmt: skip
def test_it_reads_its_own_words(rule):
    assert schedule.rule_of(str(rule)) == rule


@pytest.mark.parametrize(
    ("words", "period"),
    [
        ("1w", Calendar(Unit.WEEK, last=True)),
        ("this week", Calendar(Unit.WEEK, last=True)),
        ("1m", Calendar(Unit.MONTH, last=True)),
        ("mtd", Calendar(Unit.MONTH, last=True)),
        ("today", Calendar(Unit.DAY, last=True)),
        ("3d", Counted(3, Unit.DAY)),
        ("2026-10", None),
        ("2026-10-03", None),
        ("1h", None),
        ("last hour", None),
    ],
)
def test_it_takes_the_complete_period_before(words, period):
    asked = parse(words)
    assert isinstance(asked, QuestionCommand)
    assert schedule.complete_period(asked.query.period) == period


@pytest.mark.parametrize(
    ("period", "span"),
    [
        (Counted(3, Unit.DAY), DateSpan(date(2026, 11, 20), date(2026, 11, 22))),
        (Counted(2, Unit.WEEK), DateSpan(date(2026, 11, 9), date(2026, 11, 22))),
        (Counted(3, Unit.MONTH), DateSpan(date(2026, 8, 1), date(2026, 10, 31))),
        (Counted(2, Unit.YEAR), DateSpan(date(2024, 1, 1), date(2025, 12, 31))),
    ],
)
def test_it_counts_whole_units_before_the_day_of_the_run(period, span):
    # 23:30 UTC on Sunday is Monday in Berlin
    at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    found = schedule.query_for_run(Query(period=period), at, "Europe/Berlin")
    assert (found.period, found.zone) == (span, "Europe/Berlin")


@pytest.mark.parametrize(
    ("rule", "unit"),
    [
        (Weekly(), Unit.WEEK), (Weekly(schedule.WORKDAYS), Unit.DAY), (Daily(), Unit.DAY),
        (Monthly(None), Unit.MONTH), (cron.parse("0 9 * * 1")[0], Unit.WEEK),
        (cron.parse("0 9 1 * *")[0], Unit.MONTH), (cron.parse("0 9 * * 1-5")[0], Unit.DAY),
    ],
)  # fmt: skip
def test_it_reports_on_what_its_rhythm_suggests(rule, unit):
    assert schedule.usual_period(rule) == Calendar(unit, last=True)
