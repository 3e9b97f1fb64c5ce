"""Which limit is hit first, and when."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.limits import (
    HOURS_A_WEEK,
    FullAt,
    HourlyPace,
    LimitForecast,
    LimitKind,
    at_level,
    first_in_order,
    full_at,
    hour_of_week,
    hourly_pace,
    in_order,
    may_fill,
    reached,
    recent_pace,
)

NOW = datetime(2026, 11, 25, 10, 20, tzinfo=UTC)  # a Wednesday
DOLLAR = 10**9
STEADY = HourlyPace((DOLLAR,) * HOURS_A_WEEK)
paces = st.lists(st.integers(0, 50 * DOLLAR), min_size=168, max_size=168).map(
    lambda hours: HourlyPace(tuple(hours))
)


def test_a_steady_pace_fills_a_limit_when_arithmetic_says_so():
    found = full_at(10 * DOLLAR, STEADY, NOW, None)
    assert found is not None
    assert abs(found.at - (NOW + timedelta(hours=10))) < timedelta(seconds=1)
    assert found.earliest == found.at == found.latest


def test_a_limit_that_resets_first_is_not_hit():
    assert full_at(10 * DOLLAR, STEADY, NOW, NOW + timedelta(hours=10)) is None
    assert full_at(10 * DOLLAR, STEADY, NOW, NOW + timedelta(hours=11)) is not None


def test_what_is_full_is_full_now():
    assert full_at(0, STEADY, NOW, None).at == NOW
    assert full_at(-5, STEADY, NOW, NOW + timedelta(days=1)).at == NOW


def test_nothing_used_fills_nothing():
    assert full_at(1, HourlyPace((0,) * 168), NOW, None) is None


def test_office_hours_decide_on_which_day_it_is_full():
    hours = [DOLLAR if n < 120 and 8 <= n % 24 < 18 else 0 for n in range(168)]
    friday = datetime(2026, 11, 27, 17, 30, tzinfo=UTC)
    found = full_at(DOLLAR, HourlyPace(tuple(hours)), friday, None)
    assert found.at == datetime(2026, 11, 30, 8, 30, tzinfo=UTC)


def test_a_quiet_week_may_not_reach_it_at_all():
    pace = HourlyPace((DOLLAR,) * 168, low=Fraction(1, 2), high=Fraction(2))
    found = full_at(10 * DOLLAR, pace, NOW, NOW + timedelta(hours=12))
    assert found.latest is None
    assert found.earliest < found.at


@given(paces, st.integers(1, 200 * DOLLAR), st.integers(0, 200))
def test_the_pace_up_to_that_moment_is_what_was_left(pace, left, hours):
    at = reached(left, pace, Fraction(1), NOW + timedelta(hours=hours), None)
    if at is None:
        return
    start, used = NOW + timedelta(hours=hours), 0.0
    while start < at:
        end = min(start.replace(minute=0) + timedelta(hours=1), at)
        used += pace.hours[hour_of_week(start)] * (end - start).total_seconds() / 3600
        start = end
    assert used == pytest.approx(left, rel=1e-6, abs=DOLLAR // 100)


@given(st.integers(1, 50))
def test_the_order_is_that_of_being_hit(seed):
    def wall(label: str, left: int, limit: int = 100 * DOLLAR) -> LimitForecast:
        return LimitForecast(LimitKind.KEY, label, "", limit, limit - left, None,
                    full_at(left, STEADY, NOW, NOW + timedelta(hours=20)))  # fmt: skip

    walls = [wall("c", 90 * DOLLAR), wall("b", 9 * DOLLAR), wall("d", 30 * DOLLAR), wall("a", 0)]
    rotated = walls[seed % 4 :] + walls[: seed % 4]
    assert [one.label for one in in_order(rotated)] == ["a", "b", "d", "c"]


limits = st.builds(
    LimitForecast,
    kind=st.sampled_from(LimitKind), label=st.sampled_from("ab"), owner=st.just(""),
    limit=st.sampled_from([0, 3, 7, 3 * 10**17, 3 * 10**17 + 1]),
    used=st.sampled_from([-2, 0, 1, 2, 10**17, 10**17 + 1]),
    resets=st.none(),
    full=st.none() | st.integers(0, 3).map(
        lambda hours: FullAt(NOW + timedelta(hours=hours), NOW, None)
    ),
)  # fmt: skip


@given(st.lists(limits, max_size=12), st.integers(1, 14))
def test_the_first_limits_are_those_of_the_whole_order(found, count):
    assert first_in_order(found, count) == in_order(found)[:count]


def test_a_usual_week_is_the_mean_of_its_hours():
    monday = datetime(2026, 11, 2, tzinfo=UTC)
    pace = hourly_pace(monday, [(1 + n // 168) * DOLLAR for n in range(3 * 168)])
    assert set(pace.hours) == {2 * DOLLAR}
    assert (pace.low, pace.high) == (Fraction(1, 2), Fraction(3, 2))
    assert hourly_pace(monday, []).hours == (0,) * 168


def test_hours_in_which_more_was_given_back_than_spent_cost_nothing():
    monday = datetime(2026, 11, 2, tzinfo=UTC)
    costs = [-DOLLAR if n % 2 else 3 * DOLLAR for n in range(168)] * 3
    pace = hourly_pace(monday, costs)
    assert pace.hours == (3 * DOLLAR, 0) * 84
    assert full_at(DOLLAR, pace, NOW, None) is not None
    given_back = recent_pace(monday, [-DOLLAR] * 400)
    assert given_back.hours == (0,) * 168
    assert full_at(DOLLAR, given_back, NOW, None) is None


@given(
    hours=st.lists(st.integers(0, 9) | st.integers(0, 50 * DOLLAR), min_size=168, max_size=168),
    left=st.integers(-5, 10**6) | st.integers(0, 40_000 * DOLLAR),
    week=st.integers(0, 10_000 * DOLLAR),
    rest=st.integers(0, 2_000 * DOLLAR),
    running=st.integers(0, 500 * DOLLAR),
    now=st.integers(0, 167 * 3_600),
    resets=st.none() | st.integers(1, 40 * 24),
)
def test_what_cannot_fill_by_its_sum_is_not_full_by_its_hours(
    hours, left, week, rest, running, now, resets
):
    at = NOW + timedelta(seconds=now)
    end = None if resets is None else at + timedelta(hours=resets)
    pace = at_level(HourlyPace(tuple(hours)), week, rest, running, at)
    assert abs(sum(pace.hours) - week) <= 168
    if not may_fill(left, week, rest + running, at, end):
        assert full_at(left, pace, at, end) is None


@given(
    st.integers(0, 167), st.integers(0, 59), st.integers(10**9, 10**12), st.integers(10**9, 10**12)
)
def test_the_rest_of_today_is_spent_by_midnight_and_a_week_in_seven_days(hour, minute, rest, week):
    now = NOW.replace(hour=0) + timedelta(hours=hour, minutes=minute)
    midnight = now.replace(hour=0, minute=0) + timedelta(days=1)
    pace = at_level(HourlyPace(tuple(range(1, 169))), week, rest, 0, now)
    full = full_at(rest + week - 10**4, pace, now, None)  # whole nano-dollars are lost in rounding
    assert full is not None
    assert abs(full.at - midnight - timedelta(days=7)) < timedelta(minutes=1)


def hours_until(full):
    return (full.at - NOW) / timedelta(hours=1)


def test_heavy_use_that_is_going_on_fills_a_limit_sooner():
    pace = HourlyPace((DOLLAR,) * 168)
    rest = 41 * DOLLAR // 3  # of the 13 hours and 40 minutes until midnight
    usual = at_level(pace, 168 * DOLLAR, rest, 0, NOW)
    running = at_level(pace, 168 * DOLLAR, rest, 40 * DOLLAR, NOW)
    assert hours_until(full_at(11 * DOLLAR, usual, NOW, None)) == pytest.approx(11, abs=0.01)
    assert hours_until(full_at(11 * DOLLAR, running, NOW, None)) == pytest.approx(1, abs=0.01)
    # and no more after four hours
    assert hours_until(full_at(48 * DOLLAR, running, NOW, None)) == pytest.approx(8, abs=0.01)


def test_one_runaway_night_is_not_part_of_the_usual_week():
    monday = datetime(2026, 11, 2, tzinfo=UTC)
    calm = [DOLLAR] * 672
    night = [100 * DOLLAR if 300 <= at < 308 else cost for at, cost in enumerate(calm)]
    assert sum(recent_pace(monday, night).hours) == pytest.approx(168 * DOLLAR, rel=0.01)
    assert recent_pace(monday, calm).hours == (DOLLAR,) * 168


def test_a_week_has_168_hours():
    with pytest.raises(ValueError, match="168"):
        HourlyPace((1,))
