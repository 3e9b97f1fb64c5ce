"""Forecasts of how a period ends."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.openrouter.sample_organization import sample
from reports.analysis.forecast import (
    METHODS,
    Band,
    _History,
    band_of_group,
    band_of_whole,
    best_method,
    end_of_period,
    expected,
    expected_days,
    forecast,
    forecast_groups,
    quantile,
    record,
    record_of,
)

DOLLAR = 10**9
series = st.lists(st.integers(0, 10**12), max_size=80)


def office(count: int, noise: int, seed: int = 1, trend: float = 0.0) -> list[int]:
    """Days of a team that works from Monday to Friday."""
    random = Random(seed)
    return [
        round((100 + random.randint(-noise, noise)) * (1 + trend * day)) * DOLLAR
        if day % 7 < 5
        else random.randint(0, 5) * DOLLAR
        for day in range(count)
    ]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_foretells_days_that_are_all_alike(name):
    assert expected(METHODS[name], [7 * DOLLAR] * 70, 9) == 63 * DOLLAR


def test_a_week_with_a_weekend_is_not_foretold_by_its_pace():
    days = office(210, 10)
    assert best_method(days, 3) != "pace"
    # the last day is a Sunday: three weekdays follow
    told = forecast(days, 3, 0, left=Fraction(1))
    assert 270 * DOLLAR < told.end < 330 * DOLLAR


@given(series, st.integers(0, 31), st.integers(0, 10**12), st.fractions(0, 1))
def test_the_end_is_what_was_used_and_what_is_to_come_within_its_band(days, count, so_far, left):
    told = forecast(days, count, so_far, today=so_far // 2, left=left)
    assert told.to_come >= 0
    assert told.end == told.so_far + told.to_come
    assert told.band is None or so_far <= told.band.low <= told.end <= told.band.high


@given(series.filter(lambda days: len(days) > 20), st.integers(1, 9))
def test_ten_times_the_money_is_ten_times_the_forecast(days, count):
    one = forecast(days, count, 0, left=Fraction(1))
    ten = forecast([10 * day for day in days], count, 0, left=Fraction(1))
    assert one.method == ten.method
    assert abs(ten.end - 10 * one.end) <= 10 * count


def test_nothing_is_to_come_of_a_period_that_is_over():
    assert forecast([1], 0, 5, left=Fraction(0)).band == Band(5, 5)


def test_a_short_past_gives_no_band():
    assert forecast([DOLLAR] * 20, 10, 0, left=Fraction(1)).band is None
    assert forecast([], 10, 5, left=Fraction(1)).end == 5


def test_a_day_far_above_its_forecast_goes_on_as_it_began():
    told = forecast([DOLLAR] * 60, 1, 10 * DOLLAR, today=10 * DOLLAR, left=Fraction(1, 2))
    assert told.end == 20 * DOLLAR


def test_the_band_covers_about_four_of_five_outcomes():
    days = office(400, 40, seed=7)
    hits = tries = 0
    for origin in range(200, 390):
        told = forecast(days[:origin], 10, 0, left=Fraction(1))
        assert told.band
        tries += 1
        hits += told.band.low <= sum(days[origin : origin + 10]) <= told.band.high
    assert Fraction(7, 10) <= Fraction(hits, tries) <= Fraction(19, 20)


def test_how_good_it_was_is_measured_without_looking_ahead():
    days = office(360, 0)
    told = record([(days[:start], days[start : start + 30], 12) for start in range(60, 300, 30)])
    assert told.samples == 8
    assert told.mean_error is not None
    assert told.mean_error < Fraction(1, 20)
    assert record([([], [0, 0], 1)]).mean_error is None


groups = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**12), max_size=6)


@given(series, st.integers(0, 31), groups, groups)
def test_what_is_to_come_of_groups_is_what_is_to_come_of_the_whole(days, count, so_far, recent):
    whole = forecast(days, count, sum(so_far.values()), left=Fraction(1))
    found = forecast_groups(days, count, whole, so_far, recent, dict.fromkeys(recent, days))
    if any(so_far.values()) or any(recent.values()):
        assert sum(one.to_come for one in found.values()) == whole.to_come
        assert sum(one.end for one in found.values()) == whole.end
    everything = sum(recent.values())
    for id_, one in found.items():
        assert one.so_far == so_far.get(id_, 0)
        if everything:
            share = Fraction(whole.to_come * recent.get(id_, 0), everything)
            assert abs(one.to_come - share) < 1
        assert one.band is None or one.band.low <= one.end <= one.band.high


def test_a_group_that_is_everything_has_the_band_of_everything():
    days = office(200, 30)
    whole = forecast(days, 9, 5 * DOLLAR, left=Fraction(1))
    recent = {"all": sum(days[-14:])}
    found = forecast_groups(days, 9, whole, {"all": 5 * DOLLAR}, recent, {"all": days})
    assert found == {"all": whole}
    assert whole.band is not None
    # a group that began later is compared with the whole on the days that both have
    found = forecast_groups(days, 9, whole, {}, recent, {"all": days[-60:]})
    assert found["all"].to_come == whole.to_come
    assert found["all"].band is not None


def test_quantiles_lie_between_their_neighbors():
    values = [(4, 1), (2, 2), (6, 2), (2, 1)]
    assert quantile(values, Fraction(0)) == 1
    assert quantile(values, Fraction(1)) == 4
    assert quantile(values, Fraction(1, 2)) == Fraction(5, 2)


@given(series, st.integers(1, 40))
def test_what_running_sums_expect_is_what_the_methods_do(days, count):
    history = _History(days)
    for name, method in METHODS.items():
        assert history.expected(name, len(days), count) == expected(method, days, count)


def test_the_record_of_one_series_is_that_of_its_parts():
    days = office(360, 30)
    spans = [(start, 30, 12) for start in range(60, 300, 30)]
    parts = [(days[:start], days[start : start + 30], 12) for start, _, _ in spans]
    assert record_of(days, spans) == record(parts)


@given(series, st.integers(1, 31), st.integers(0, 10**12), st.fractions(0, 1))
def test_parts_of_a_forecast_are_those_of_the_whole_one(days, count, so_far, left):
    whole = forecast(days, count, so_far, today=so_far // 2, left=left)
    ahead = expected_days(days, count)
    assert ahead.method == whole.method
    assert end_of_period(ahead, so_far, today=so_far // 2, left=left) == whole.end
    assert band_of_whole(days, count, so_far, whole.to_come) == whole.band
    recent = {"a": 3, "b": 1}
    shared = forecast_groups(days, count, whole, {"a": so_far}, recent, {"a": days})["a"]
    band = band_of_group(days, count, days, shared.so_far, shared.to_come)
    assert band == shared.band


def test_a_forecast_of_the_sample_is_within_a_tenth_by_the_middle_of_the_month():
    begin, end = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    days = [0] * (end - begin).days
    for one in sample(datetime(2026, 11, 22, tzinfo=UTC)).usage(begin, end, timedelta(days=1)):
        days[(one.at - begin).days] += one.credits_nano + one.byok_nano
    for month in (8, 9, 10):
        first, middle = ((datetime(2026, month, day, tzinfo=UTC) - begin).days for day in (1, 16))
        after = (datetime(2026, month + 1, 1, tzinfo=UTC) - begin).days
        found = forecast(days[:middle], after - middle, sum(days[first:middle]), left=Fraction(1))
        actual = sum(days[first:after])
        assert abs(found.end - actual) * 10 < actual
