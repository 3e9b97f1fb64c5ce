"""How sure the forecast of a month is: its range, and how good such forecasts were before.

The same forecast is made for every earlier day with as many days to come. The 10th and 90th
percentile of what really came, relative to the forecast, are the edges of the range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.forecast import FORECAST_DAYS, days_after, expected
from reports.alerts.slack.figure_words import price
from reports.analysis.forecast import HIGH, LOW, quantile
from reports.time.timerange import DAY
from reports.usage.format import percent

HISTORY = 430
"""How many days back forecasts are checked: a year, and a month and four weeks before it."""
_FEWEST_RATIOS = 20
"""With fewer earlier forecasts, the 10th and 90th percentile are single days."""
_FEWEST_MONTHS = 3
_MOST_MONTHS = 11
"""The months that a year of data has whole."""


def record_words(days: Mapping[date, int], measurement: Measurement, zone: str) -> tuple[str, ...]:
    """Sentences of plain text on how sure a forecast of the month is.

    `days` are the figures of its subject by local date, of all days before today that are stored
    without a gap, 0 where nothing was used. Days before the first usage don't count.
    """
    today = measurement.at.astimezone(ZoneInfo(zone)).date()
    begun = min((day for day, value in days.items() if value), default=today)
    past = {day: value for day, value in days.items() if begun <= day < today}
    count = 1 + len(days_after(today))
    to_come = max((measurement.value or 0) - measurement.so_far, 0)
    ratios = [(one.numerator, one.denominator) for one in _ratios(past, count)]
    said = []
    if len(ratios) >= _FEWEST_RATIOS:
        low, high = (round(to_come * quantile(ratios, edge)) for edge in (LOW, HIGH))
        low = measurement.so_far + min(low, to_come)
        high = measurement.so_far + max(high, to_come)
        said.append(f"Four times out of five it ends between {price(low)} and {price(high)}.")
    else:
        said.append("There are too few earlier days to say how far off this may be.")
    if len(errors := list(_errors(past, today))) >= _FEWEST_MONTHS:
        mean = sum(errors, Fraction(0)) / len(errors)
        said.append(
            f"At the same point of the last {len(errors)} months, such a forecast was off by"
            f" {percent(mean)} on average and by {percent(max(errors))} at worst."
        )
    return tuple(said)


def _ratios(past: Mapping[date, int], count: int) -> Iterator[Fraction]:
    """What came in `count` days, relative to its forecast, from each day that has both."""
    for origin in past:
        if origin - FORECAST_DAYS * DAY not in past or origin + (count - 1) * DAY not in past:
            continue
        foreseen = _foreseen(past, origin, count)
        if foreseen > 0:
            actual = sum(past[origin + n * DAY] for n in range(count))
            yield Fraction(actual) / foreseen


def _errors(past: Mapping[date, int], today: date) -> Iterator[Fraction]:
    """How far the forecasts on this day of earlier months were off, as shares of the outcome."""
    after = today.replace(day=1)
    for _ in range(_MOST_MONTHS):
        first = (after - DAY).replace(day=1)
        length = (after - first).days
        origin = first + min(today.day - 1, length - 1) * DAY
        after = first
        if origin - FORECAST_DAYS * DAY not in past or first not in past:
            return
        actual = sum(past[first + n * DAY] for n in range(length))
        if actual:
            so_far = sum(past[first + n * DAY] for n in range((origin - first).days))
            foreseen = so_far + _foreseen(past, origin, length - (origin - first).days)
            yield abs(foreseen - actual) / actual


def _foreseen(past: Mapping[date, int], origin: date, count: int) -> Fraction:
    """What was expected of `count` days from a day on, by the four weeks before it."""
    before = {origin - n * DAY: past[origin - n * DAY] for n in range(1, FORECAST_DAYS + 1)}
    week = [expected(before, origin, origin + n * DAY) for n in range(7)]
    weeks, rest = divmod(count, 7)
    return weeks * sum(week, Fraction(0)) + sum(week[:rest], Fraction(0))


def history_start(at: datetime, zone: str) -> date:
    """The first local day that `record_words` looks at."""
    return at.astimezone(ZoneInfo(zone)).date() - HISTORY * DAY
