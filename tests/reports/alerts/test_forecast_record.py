"""How sure a forecast alert is: its range and its record."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from reports.alerts.evaluation import Measurement
from reports.alerts.forecast_record import record_words
from reports.alerts.grammar import rule_of
from reports.alerts.kinds.forecast import forecast
from reports.alerts.rule import Rule

AT = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
DOLLAR = 10**9
RULE: Rule = rule_of("forecast > $100 per month")


def history(count: int, first: int = 10, second: int = 10) -> dict[date, int]:
    """So many days before today, in dollars, in turns of two amounts by week."""
    days = (AT.date() - timedelta(days=n) for n in range(count, 0, -1))
    return {day: (first if day.toordinal() // 7 % 2 else second) * DOLLAR for day in days}


def measured(days: dict[date, int]) -> Measurement:
    return forecast(RULE, "", "all", {**days, AT.date(): 0}, "UTC", AT)


def test_the_same_every_day_is_forecast_exactly() -> None:
    days = history(400)
    measurement = measured(days)
    assert measurement.value == 295 * DOLLAR  # half of today is gone without any
    assert record_words(days, measurement, "UTC") == (
        "Four times out of five it ends between $295.00 and $295.00.",
        (
            "At the same point of the last 11 months, such a forecast was off by 0.0% on average"
            " and by 0.0% at worst."
        ),
    )


def test_the_range_is_as_wide_as_earlier_forecasts_were_off() -> None:
    days = history(400, 5, 15)
    measurement = measured(days)
    [range_, record] = record_words(days, measurement, "UTC")
    low, high = (
        round(float(one.strip("$.").replace(",", ""))) for one in range_.split() if "$" in one
    )
    assert measurement.value is not None
    assert low < measurement.value / DOLLAR < high
    assert "off by 0.0%" not in record


@pytest.mark.parametrize("days", [0, 3, 30, 40])
def test_too_few_days_are_said_to_be_too_few(days: int) -> None:
    past = history(days)
    assert record_words(past, measured(past), "UTC") == (
        "There are too few earlier days to say how far off this may be.",
    )


def test_days_before_the_first_usage_do_not_count() -> None:
    past = {**history(400, 0, 0), **history(40)}
    assert record_words(past, measured(past), "UTC")[0].startswith("There are too few")
