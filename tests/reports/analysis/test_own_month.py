"""One's own month against one's own usual."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from reports.analysis.own_month import own_month, own_month_json, usual_sentence
from reports.time.period import Calendar, Unit
from reports.time.period_to_range import earlier_months, ranges
from reports.usage.usage import NANO


def test_the_usual_is_the_median_of_the_same_days_of_earlier_months() -> None:
    month = own_month(150 * NANO, 12, [90 * NANO, 100 * NANO, 130 * NANO])
    assert month.usual == 100 * NANO
    assert usual_sentence(month) == (
        "In the first 12 days of a month, you usually spend $100.00: the median of the past 3"
        " months, which ranged from $90.00 to $130.00. This month is 50.0% above that."
    )
    said = own_month_json(month)
    assert said is not None
    assert (said["median"], said["low"], said["high"], said["months"]) == ("100", "90", "130", 3)
    assert Fraction(said["change"]) == Fraction(1, 2)


def test_the_median_of_an_even_number_of_months_is_the_mean_of_the_middle_two() -> None:
    before = [90 * NANO, 436_640_000_001, 382_860_000_000, 700 * NANO]
    month = own_month(400 * NANO, 12, before)
    assert month.usual == 409_750_000_000  # of 409,750,000,000.5, half to even
    assert "you usually spend $409.75: the median of the past 4 months" in usual_sentence(month)
    said = own_month_json(month)
    assert said is not None
    assert said["median"] == "409.75"


def test_the_days_through_yesterday_are_compared() -> None:
    month = own_month(150 * NANO, 29, [100 * NANO] * 3, date(2026, 11, 29))
    assert usual_sentence(month).endswith(
        "Through 29 Nov you spent $150.00, which is 50.0% above that."
    )
    said = own_month_json(month)
    assert said is not None
    assert (said["days"], said["through"], said["spent"]) == (29, "2026-11-29", "150")


def test_a_month_that_is_over_is_compared_as_a_whole() -> None:
    month = own_month(50 * NANO, 31, [100 * NANO] * 3, date(2026, 10, 31), over=True)
    assert usual_sentence(month) == (
        "In a whole month, you usually spend $100.00: the median of the 3 months before October,"
        " which were all the same. In October you spent $50.00, which is 50.0% below that."
    )


def test_a_month_that_has_just_begun_is_not_compared() -> None:
    month = own_month(1 * NANO, 0, [100 * NANO] * 3)
    said = usual_sentence(month)
    assert said.startswith("In a whole month, you usually spend $100.00")
    assert said.endswith("This month has just begun, so it isn't compared with that yet.")
    found = own_month_json(month)
    assert found is not None
    assert (found["days"], found["change"]) == (0, None)


def test_fewer_than_three_months_are_said_to_have_no_usual() -> None:
    month = own_month(150 * NANO, 12, [90 * NANO, 100 * NANO])
    assert month.usual is None
    assert "Fewer than three earlier months" in usual_sentence(month)
    assert own_month_json(month) is None


def test_months_before_the_first_use_do_not_count_but_months_of_rest_do() -> None:
    assert own_month(1, 1, [5, 0, 7, 0, 0, 0]).earlier == (5, 0, 7)
    assert own_month(1, 1, [0, 0, 0]).usual is None


@pytest.mark.parametrize(
    ("spent", "said"),
    [(0, "100.0% below that"), (2, "is the same as usual"), (3, "50.0% above that")],
)
def test_a_month_has_its_place_against_the_usual(spent: int, said: str) -> None:
    month = own_month(spent * NANO, 1, [2 * NANO, 2 * NANO, 2 * NANO])
    assert said in usual_sentence(month)
    assert "In the first day of a month" in usual_sentence(month)
    assert "which were all the same" in usual_sentence(month)


def test_the_range_of_earlier_months_is_named() -> None:
    said = usual_sentence(own_month(2 * NANO, 1, [2 * NANO, 3 * NANO, 2 * NANO]))
    assert "ranged from $2.00 to $3.00" in said


def test_earlier_months_are_cut_at_the_same_day_as_the_month_that_runs() -> None:
    now = datetime(2026, 3, 30, 9, tzinfo=UTC)
    current = ranges(Calendar(Unit.MONTH), now, "Europe/Berlin").current
    february, january = earlier_months(current, 2)
    assert len(current.buckets) == 30
    assert len(february.buckets) == 28
    assert january.end == datetime(2026, 1, 30, 23, tzinfo=UTC)  # midnight in Berlin
    [before] = earlier_months(current, 1)
    assert before == ranges(Calendar(Unit.MONTH), now, "Europe/Berlin").previous
