"""Which limit is hit first, and when."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.limits import (
    HOURS_A_WEEK,
    HourlyPace,
    LimitForecast,
    LimitKind,
    full_at,
    hour_of_week,
    hourly_pace,
    in_order,
    may_fill,
    most_per_week,
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
    unused=st.integers(0, 672),
    costs=st.lists(st.integers(0, 9) | st.integers(0, 50 * DOLLAR), min_size=1, max_size=200),
    left=st.integers(-5, 10**6) | st.integers(0, 40_000 * DOLLAR),
    known=st.floats(0, 1),
    resets=st.none() | st.integers(1, 40 * 24),
)
def test_what_cannot_fill_by_its_sum_is_not_full_by_its_hours(unused, costs, left, known, resets):
    hours = ([0] * unused + costs * (672 // len(costs) + 1))[:672]
    used = 672 - next((at for at, cost in enumerate(hours) if cost), 672)
    most = most_per_week(sum(hours), int(used * known))
    end = None if resets is None else NOW + timedelta(hours=resets)
    pace = recent_pace(NOW.replace(minute=0) - timedelta(hours=672), hours)
    assert sum(pace.hours) <= most
    if not may_fill(left, most, NOW, end):
        assert full_at(left, pace, NOW, end) is None


def test_the_most_that_a_week_costs_allows_for_hours_that_are_rounded_up():
    costs = [1] * 336 + [0] * 168  # two thirds of a nano-dollar become one, in each hour
    usual = sum(hourly_pace(NOW, costs).hours)
    assert usual == 168
    assert most_per_week(sum(costs), len(costs)) >= usual


def test_a_week_has_168_hours():
    with pytest.raises(ValueError, match="168"):
        HourlyPace((1,))
