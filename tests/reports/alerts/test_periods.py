"""The periods that are evaluated, quiet hours, snoozes; limits, balances and forecasts."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reports.alerts.kinds.above import Above
from reports.alerts.kinds.budget import budget
from reports.alerts.kinds.credits import Credits, balance
from reports.alerts.kinds.forecast import Forecast, MonthForecast, forecast
from reports.alerts.kinds.spike import Spike
from reports.alerts.limits_and_forecast import SpendLimit
from reports.alerts.needed_usage import grouping, needed
from reports.alerts.periods import (
    CATCH_UP,
    SETTLED,
    AlertPeriod,
    QuietHours,
    Snooze,
    span_at,
    spans,
)
from reports.alerts.rule import Rule
from reports.time.period import Unit
from reports.time.time_range import DAY, HOUR, Granularity
from reports.usage.dimensions import Dimension, Filter, Metric

NOW = datetime(2026, 11, 19, 10, 31, tzinfo=UTC)  # a Thursday
BERLIN = "Europe/Berlin"
DOLLAR = 10**9
UNITS = [Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH]
ZONES = st.sampled_from([BERLIN, "UTC", "Asia/Kolkata", "America/Santiago", "Pacific/Apia"])
MOMENTS = st.integers(0, 10 * 366 * 24 * 60).map(
    lambda minutes: utc(2020, 1, 2) + timedelta(minutes=minutes)
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_days_weeks_and_months_are_those_of_the_zone():
    assert span_at(Unit.DAY, BERLIN, NOW) == AlertPeriod(
        utc(2026, 11, 18, 23), utc(2026, 11, 19, 23)
    )
    assert span_at(Unit.WEEK, BERLIN, NOW) == AlertPeriod(
        utc(2026, 11, 15, 23), utc(2026, 11, 22, 23)
    )
    assert span_at(Unit.MONTH, "UTC", NOW) == AlertPeriod(utc(2026, 11, 1), utc(2026, 12, 1))
    kolkata = span_at(Unit.HOUR, "Asia/Kolkata", NOW)
    assert kolkata == AlertPeriod(utc(2026, 11, 19, 10, 30), utc(2026, 11, 19, 11, 30))


@given(st.sampled_from(UNITS), ZONES, MOMENTS)
def test_periods_contain_their_time_and_leave_no_gaps(unit, zone, moment):
    found = span_at(unit, zone, moment)
    assert found.start <= moment < found.end
    assert span_at(unit, zone, found.end).start == found.end
    assert span_at(unit, zone, found.start) == found


@given(st.sampled_from(UNITS), ZONES, MOMENTS, st.timedeltas(timedelta(), timedelta(days=9)))
def test_no_period_is_left_out_between_two_evaluations(unit, zone, now, away):
    found = spans(unit, zone, now - away, now)
    assert found[-1] == span_at(unit, zone, now)
    assert all(a.end == b.start for a, b in pairwise(found))
    assert found[0].start <= max(now - away - SETTLED, now - CATCH_UP)
    assert len(found) == 1 or found[0].end > max(now - away - SETTLED, now - CATCH_UP)


def test_quiet_hours_run_through_midnight():
    quiet = QuietHours(time(22), time(7))
    assert quiet.until(NOW, BERLIN) is None
    assert quiet.until(utc(2026, 11, 19, 21), BERLIN) == utc(2026, 11, 20, 6)
    assert quiet.until(utc(2026, 11, 20, 5, 59), BERLIN) == utc(2026, 11, 20, 6)
    assert quiet.until(utc(2026, 11, 20, 6), BERLIN) is None
    assert quiet.words() == "22:00-07:00"


@given(st.times(), st.times(), ZONES, MOMENTS)
def test_quiet_hours_always_end(start, end, zone, now):
    quiet = QuietHours(start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))
    until = quiet.until(now, zone)
    if until is not None:
        assert now < until <= now + 2 * DAY


def test_a_snooze_lasts_an_hour_a_day_or_until_the_period_ends():
    ends = span_at(Unit.DAY, BERLIN, NOW).end
    assert Snooze("1h").until(NOW, ends) == NOW + HOUR
    assert Snooze("24h").until(NOW, ends) == NOW + DAY
    assert Snooze("period").until(NOW, ends) == ends
    assert Snooze("period").until(NOW, None) == NOW + DAY


def test_rules_on_members_of_one_dimension_share_one_query():
    spend = Above(Metric.SPEND, 50 * DOLLAR, Unit.DAY)
    one = Rule(spend, filters=(Filter(Dimension.KEY, "prod"),))
    each = Rule(spend, Dimension.KEY)
    assert needed(one, BERLIN, NOW, NOW) == needed(each, BERLIN, NOW, NOW)
    crossed = Rule(spend, Dimension.KEY, (Filter(Dimension.MODEL, "claude*"),))
    assert grouping(crossed) == (Dimension.KEY, crossed.filters)
    assert grouping(Rule(spend)) == (None, ())


def test_a_spike_needs_the_same_hours_of_four_weeks():
    recent, *past = needed(Rule(Spike(), Dimension.KEY), BERLIN, NOW, NOW)
    assert recent.span.end == utc(2026, 11, 19, 11)
    assert recent.step is Granularity.HOUR
    assert [one.span.end for one in past] == [
        utc(2026, 11, 19, 12) - timedelta(weeks=week) for week in (1, 2, 3, 4)
    ]


def test_the_use_of_a_limit_is_what_openrouter_reported_plus_later_usage():
    cap = SpendLimit("key:1", "prod", 100 * DOLLAR, "daily", 80 * DOLLAR, NOW - HOUR)
    [today] = cap.periods(NOW, NOW)
    assert today == AlertPeriod(utc(2026, 11, 19), utc(2026, 11, 20))
    assert budget(cap, today, 5 * DOLLAR, NOW).value == 85 * DOLLAR
    yesterdays = replace(cap, reported_at=NOW - DAY)
    assert not yesterdays.reported_in(today)
    assert budget(yesterdays, today, 5 * DOLLAR, NOW).value == 5 * DOLLAR
    lifetime = replace(cap, reset="", used=None)
    assert lifetime.periods(NOW, NOW) == (None,)
    assert budget(lifetime, None, None, NOW).value is None


def test_an_unknown_balance_is_not_zero():
    rule = Rule(Credits(100 * DOLLAR))
    assert balance(rule, None, DOLLAR, NOW).value is None
    assert balance(rule, 500 * DOLLAR, 412 * DOLLAR, NOW).value == 88 * DOLLAR


def test_with_too_few_days_there_is_no_forecast_unless_the_limit_is_exceeded():
    rule = Rule(Forecast(5_000 * DOLLAR))

    def value(so_far: int, known_days: int) -> int | None:
        found = MonthForecast(so_far * DOLLAR, 6_000 * DOLLAR, known_days)
        return forecast(rule, "", "all", found, "UTC", NOW).value

    assert value(4_000, 2) is None
    assert value(4_000, 3) == 6_000 * DOLLAR
    assert value(5_001, 0) == 6_000 * DOLLAR
