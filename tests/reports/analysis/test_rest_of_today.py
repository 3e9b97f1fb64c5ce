"""How much of today is still to come, from its hours."""

from fractions import Fraction

import pytest

from reports.analysis.rest_of_today import HoursOfToday, rest_of_today, usual_hours

DOLLAR = 10**9
DAY = (*([DOLLAR] * 8), *([5 * DOLLAR] * 10), *([DOLLAR] * 6))
"""An office: 64 dollars a day."""
EXPECTED = sum(DAY)


def rest(passed, last, this, expected=EXPECTED):
    hours = HoursOfToday(DAY, DOLLAR, Fraction(passed), last * DOLLAR, this * DOLLAR)
    found = rest_of_today(hours, expected)
    return round(expected * found.share) + found.running


def test_a_usual_day_goes_on_as_usual():
    assert rest("23.05", 1, 0) == pytest.approx(0.95 * DOLLAR)
    assert rest(0, 1, 0) == EXPECTED
    assert rest(12, 5, 0) == sum(DAY[12:])


def test_a_burst_that_is_over_is_not_continued():
    # of 300 dollars at noon, nothing is left in the last hours
    assert rest("23.05", 1, 0) < 2 * DOLLAR
    # it ended within this hour
    assert rest("20.5", 100, Fraction(1, 2)) == sum(DAY[21:]) + DAY[20] // 2


def test_a_burst_that_runs_goes_on_for_four_hours_or_until_midnight():
    usual = sum(DAY[13:]) + DAY[12] // 2
    assert rest("12.5", 105, 50) == usual + 4 * 95 * DOLLAR
    assert rest("23.5", 101, 50) == DOLLAR // 2 + 99 * DOLLAR // 2
    # what came since counts only after a quarter of an hour
    assert rest("12.1", 105, 0) == pytest.approx(sum(DAY[13:]) + 0.9 * DAY[12] + 4 * 100 * DOLLAR)


def test_an_hour_below_twice_its_usual_is_no_burst():
    assert rest("12.5", 9, 5) == sum(DAY[13:]) + DAY[12] // 2


def test_a_burst_that_ran_into_the_day_is_seen_in_its_first_hour():
    assert rest("0.5", 101, 50) == EXPECTED - DOLLAR // 2 + 4 * 99 * DOLLAR


def test_a_day_at_twice_the_level_has_twice_the_rest():
    assert rest(12, 10, 0, expected=2 * EXPECTED) == 2 * sum(DAY[12:])


def test_a_day_that_is_over_has_no_rest():
    assert rest(24, 1, 0) == 0


def test_usual_hours_are_those_of_the_same_hours_of_the_week():
    week = [hour if hour < 120 else 0 for hour in range(168)]
    past = week * 4
    past[3 * 168 + 5] = 10**6  # one runaway night
    assert usual_hours(past, 24) == [0, *week[:24]]
    # with less than a week: the same hours of the days there are
    assert usual_hours(list(range(24)) * 3, 24) == [23, *range(24)]
    # without any, all alike
    assert usual_hours([], 24) == [1] * 25
    assert usual_hours([0] * 672, 3) == [1] * 4
