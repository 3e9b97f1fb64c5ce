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
    EarlierPeriod,
    Forecaster,
    PartForecaster,
    band_of,
    forecast,
    quantile,
    record_of,
    shared,
    to_come,
)
from reports.analysis.rest_of_today import RestOfToday
from reports.analysis.usual_days import DayHistory, without_outlying

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
    assert METHODS[name]([7 * DOLLAR] * 70) == [7 * DOLLAR] * 7


def test_a_week_with_a_weekend_is_not_foretold_by_its_pace():
    days = office(210, 10)
    assert Forecaster(days).best(210, 3) != "pace"
    # the last day is a Sunday: three weekdays follow
    told = forecast(days, 3, 0)
    assert 270 * DOLLAR < told.end < 330 * DOLLAR


@given(series, st.integers(0, 31), st.integers(0, 10**12), st.fractions(0, 1), st.integers(0, 9))
def test_the_end_is_what_was_used_and_what_is_to_come_within_its_band(
    days, count, so_far, left, running
):
    told = forecast(days, count, so_far, rest=RestOfToday(left, running))
    assert told.to_come >= 0
    assert told.end == told.so_far + told.to_come
    assert told.band is None or so_far <= told.band.low <= told.end <= told.band.high


@given(series.filter(lambda days: len(days) > 20), st.integers(1, 9))
def test_ten_times_the_money_is_ten_times_the_forecast(days, count):
    one, ten = forecast(days, count, 0), forecast([10 * day for day in days], count, 0)
    assert one.method == ten.method
    assert abs(ten.end - 10 * one.end) <= 10 * count * 4  # days are rounded to whole nano-dollars


@pytest.mark.parametrize("after", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("nights", [1, 2])
def test_one_runaway_night_does_not_move_the_forecast(after, nights):
    calm = office(200 + after, 10)
    days = list(calm)
    for night in range(nights):
        days[199 - night] += 1_500 * DOLLAR
    told, usual = forecast(days, 14, 0), forecast(calm, 14, 0)
    assert abs(told.to_come - usual.to_come) < usual.to_come / 10
    assert told.band is not None
    assert told.band.low <= usual.to_come <= told.band.high


@pytest.mark.parametrize("times", [Fraction(1, 3), Fraction(5, 2)])
def test_a_lasting_change_is_the_new_level_on_its_fourth_weekday(times):
    calm = office(266, 10)
    for since in (5, 7, 12):
        first = 196 if since == 5 else 203  # a Monday
        known = first + since
        days = [*calm[:first], *(round(day * times) for day in calm[first:])]
        came = sum(days[known : known + 14])
        assert abs(forecast(days[:known], 14, 0).to_come - came) < came / 8


def test_a_large_job_every_week_is_not_outlying():
    days = [90 * DOLLAR if day % 7 == 6 else 10 * DOLLAR for day in range(100)]
    assert list(without_outlying(days))[7:] == days[7:]  # the first one is not known to be usual
    assert DayHistory(days).usual(100).days == days[-56:]
    assert forecast(days, 7, 0).to_come == pytest.approx(150 * DOLLAR, abs=7)


@given(series.filter(lambda days: len(days) > 10), st.integers(0, 9))
def test_how_days_looked_does_not_depend_on_later_ones(days, later):
    known = len(days) - later
    assert DayHistory(days).usual(known) == DayHistory(days[:known]).usual(known)


@given(series, st.integers(0, 20))
def test_a_forecaster_says_of_an_earlier_day_what_it_said_then(days, later):
    known = max(0, len(days) - later)
    then, now = Forecaster(days[:known]), Forecaster(days)
    assert now.best(known, 9) == then.best(known, 9)
    assert now.ratios("pace", 9, known) == then.ratios("pace", 9)


def test_nothing_is_to_come_of_a_period_that_is_over():
    assert forecast([1], 0, 5).band == Band(5, 5)


def test_a_short_past_gives_no_band():
    assert forecast([DOLLAR] * 20, 10, 0).band is None
    assert forecast([], 10, 5).end == 5


def test_the_band_covers_about_four_of_five_outcomes():
    days = office(400, 40, seed=7)
    hits = tries = 0
    for origin in range(200, 390):
        told = forecast(days[:origin], 10, 0)
        assert told.band
        tries += 1
        hits += told.band.low <= sum(days[origin : origin + 10]) <= told.band.high
    assert Fraction(7, 10) <= Fraction(hits, tries) <= Fraction(19, 20)


def test_how_good_it_was_is_measured_without_looking_ahead():
    days = office(360, 0)
    periods = [EarlierPeriod(start, 30, 12, 18) for start in range(60, 300, 30)]
    told = record_of(Forecaster(days), periods)
    assert told.samples == 8
    assert told.mean_error is not None
    assert told.mean_error < Fraction(1, 20)
    assert record_of(Forecaster([0, 0]), [EarlierPeriod(0, 2, 1, 1)]).mean_error is None


weights = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**12), max_size=6)


@given(st.integers(0, 10**15), weights)
def test_parts_add_up_to_the_whole(amount, parts):
    found = shared(amount, parts)
    everything = sum(parts.values())
    assert sum(found.values()) == (amount if everything else 0)
    for id_, one in found.items():
        assert abs(one - Fraction(amount * parts[id_], everything)) < 1


def test_a_part_that_is_everything_has_the_range_and_the_record_of_everything():
    days = office(200, 30)
    whole = Forecaster(days)
    parts, name = PartForecaster(whole), whole.best(200, 9)
    periods = [EarlierPeriod(start, 30, 21, 9) for start in range(60, 150, 30)]
    assert parts.record(days, periods) == record_of(whole, periods)
    of_part, of_whole = parts.ratios(days, name, 9), whole.ratios(name, 9)
    assert [Fraction(*one) for one in of_part] == [Fraction(*one) for one in of_whole]
    # a part that began later is compared with the whole on the days that both have
    assert 0 < len(parts.ratios(days[-60:], name, 9)) < len(of_whole)


def test_a_part_with_a_limit_has_a_range_up_to_it():
    ratios = Forecaster(office(200, 30)).ratios("weekday", 9)
    band = band_of(5, 600 * DOLLAR, ratios, 9, most=600 * DOLLAR)
    assert band is not None
    assert band.high == 5 + 600 * DOLLAR
    assert band_of(5, 0, [], 9, most=0) == Band(5, 5)


def test_quantiles_lie_between_their_neighbors():
    values = [(2, 2), (2, 1), (6, 2), (4, 1)]
    assert quantile(values, Fraction(0)) == 1
    assert quantile(values, Fraction(1)) == 4
    assert quantile(values, Fraction(1, 2)) == Fraction(5, 2)


def test_the_usual_rest_of_a_period_is_that_of_today_and_the_days_after_it():
    expected = Forecaster([DOLLAR] * 60).expected_days(3)
    assert to_come(expected, 3, RestOfToday(Fraction(1, 4), 7)) == 2 * DOLLAR + DOLLAR // 4
    assert to_come(expected, 0, RestOfToday(Fraction(1, 4), 7)) == 0


def test_a_forecast_of_the_sample_is_within_a_tenth_by_the_middle_of_the_month():
    begin, end = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    days = [0] * (end - begin).days
    for one in sample(datetime(2026, 11, 22, tzinfo=UTC)).usage(begin, end, timedelta(days=1)):
        days[(one.at - begin).days] += one.credits_nano + one.byok_nano
    for month in (8, 9, 10):
        first, middle = ((datetime(2026, month, day, tzinfo=UTC) - begin).days for day in (1, 16))
        after = (datetime(2026, month + 1, 1, tzinfo=UTC) - begin).days
        found = forecast(days[:middle], after - middle, sum(days[first:middle]))
        actual = sum(days[first:after])
        assert abs(found.end - actual) * 10 < actual


def test_a_part_s_day_is_judged_by_its_own_weekday() -> None:
    week = [100, 100, 100, 100, 100, 20, 20]
    night = [*week * 5, *week[:6], 250]
    assert list(without_outlying(night)) == week * 6
    jobs = [*week[:6], 400] * 6
    assert list(without_outlying(jobs))[7:] == jobs[7:]


def test_amounts_that_are_not_continued_count_as_not_spent() -> None:
    week = [100, 100, 100, 100, 100, 20, 20]
    night = [*week * 19, *week[:6], 270]
    expected = Forecaster(night).expected_days(20, [0, 250])
    assert expected.week == tuple(week)
