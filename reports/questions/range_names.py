"""Names of time ranges for documents and files: `October 2026`, `Q3 2026`, `2026-10`.

Dates in documents of usage have one form, that of OpenRouter's own exports: `11/22/2026`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reports.questions.query import Versus
from reports.questions.wording import before_words
from reports.time.period import Calendar, Month, Period, Unit
from reports.time.time_range import Granularity, TimeRange

_FINE = {Granularity.MINUTE, Granularity.HOUR}
_DAY = timedelta(days=1)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_ISO_DATE = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b", re.ASCII)
_AXIS_DATE = re.compile(rf"\b(?:(\d\d?) )?({'|'.join(_MONTHS)})(?: (\d{{4}}))?\b", re.ASCII)
_DATE = re.compile(
    rf"\b(?:\d\d? (?:{'|'.join(_MONTHS)})(?: \d{{4}})?|(?:{'|'.join(_MONTHS)}) \d{{4}})\b",
    re.ASCII,
)
"""A date in a text: a month alone may be a name, like Jan."""
_COMMA = re.compile(r"\b(\d\d? [A-Z][a-z]{2} \d{4}),(?= \d\d:\d\d\b)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Days:
    """The first and last local day of a range; `whole`: it starts and ends at midnight."""

    first: date
    last: date
    whole: bool

    @classmethod
    def of(cls, span: TimeRange) -> _Days:
        zone = ZoneInfo(span.zone)
        start = span.start.astimezone(zone)
        until = span.until if span.unfinished else span.end - timedelta(microseconds=1)
        last = until.astimezone(zone).date()
        midnight = datetime.min.time()
        ends = span.end.astimezone(zone).time() == midnight
        return cls(start.date(), last, start.time() == midnight and ends)

    def is_unit(self, unit: Unit, months: int = 0) -> bool:
        """Whether these days are exactly one calendar week, or `months` calendar months."""
        if unit is Unit.WEEK:
            return self.first.weekday() == 0 and self.last - self.first == 6 * _DAY
        begins = self.first.day == 1 and (self.first.month - 1) % months == 0
        return begins and self.last + _DAY == _months_later(self.first, months)


def title_words(period: Period, span: TimeRange) -> str:
    """The period in a document's title: `October 2026`, `10/22/2026 – 11/22/2026`."""
    days = _Days.of(span)
    if name := _calendar_name(days, span):
        return name
    if span.unfinished and (name := _unfinished_name(period, days)):
        return f"{name} so far"
    return _dates(span)


def range_dates(span: TimeRange) -> str:
    """A range in a document: `10/22/2026 – 11/22/2026, by day, UTC`."""
    return f"{_dates(span)}, by {span.granularity}, {span.zone}"


def before_name(period: Period, span: TimeRange, versus: Versus | None = None) -> str:
    """The compared period: `September 2026`, `the 7 days before`, `a year earlier`."""
    days = _Days.of(span)
    if versus in {None, Versus.BEFORE} and not span.unfinished and days.whole:
        before = _before(days)
        name = before and _day_name(before)
        if name:
            return name
    return before_words(period, unfinished=span.unfinished, versus=versus)


def file_words(span: TimeRange) -> str:
    """A range for a file name: `2026-10`, `2026-10-22_2026-11-22`, `2026-11-22T1031`."""
    days = _Days.of(span)
    if span.granularity in _FINE and (span.unfinished or not days.whole):
        return f"{span.until.astimezone(ZoneInfo(span.zone)):%Y-%m-%dT%H%M}"
    if days.whole and not span.unfinished:
        if days.is_unit(Unit.MONTH, 1):
            return f"{days.first:%Y-%m}"
        if days.is_unit(Unit.MONTH, 3):
            return f"{days.first.year}-Q{_quarter(days.first)}"
        if days.is_unit(Unit.YEAR, 12):
            return f"{days.first.year}"
    if days.first == days.last:
        return f"{days.first}"
    return f"{days.first}_{days.last}"


def day_words(day: date) -> str:
    """A day in the format of documents: `11/22/2026`."""
    return f"{day:%m/%d/%Y}"


def moment_words(moment: datetime) -> str:
    """A UTC time in the format of documents: `11/22/2026 10:31 UTC`."""
    return f"{moment:%m/%d/%Y %H:%M} UTC"


def in_document(text: str) -> str:
    """A text with its dates in the format of documents."""
    whole = _COMMA.sub(r"\1", _ISO_DATE.sub(r"\2/\3/\1", text))
    return _DATE.sub(lambda found: axis_date(found[0]), whole)


def axis_date(label: str) -> str:
    """An axis label in the date format of documents: `11/22` for `22 Nov`."""
    return _AXIS_DATE.sub(
        lambda found: "/".join(
            part
            for part in (
                f"{_MONTHS.index(found[2]) + 1:02}",
                found[1] and f"{int(found[1]):02}",
                found[3],
            )
            if part
        ),
        label,
    )


def _calendar_name(days: _Days, span: TimeRange) -> str | None:
    return _day_name(days) if days.whole and not span.unfinished else None


def _day_name(days: _Days) -> str | None:
    """The name of a calendar month, quarter, year, week or day; None for other days."""
    if days.is_unit(Unit.MONTH, 1):
        return f"{days.first:%B %Y}"
    if days.is_unit(Unit.MONTH, 3):
        return f"Q{_quarter(days.first)} {days.first.year}"
    if days.is_unit(Unit.YEAR, 12):
        return f"{days.first.year}"
    if days.is_unit(Unit.WEEK):
        year, week, _ = days.first.isocalendar()
        return f"Week {week}, {year}"
    return day_words(days.first) if days.first == days.last else None


def _unfinished_name(period: Period, days: _Days) -> str | None:
    """The name of an unfinished calendar period."""
    if isinstance(period, Month):
        return f"{period.first:%B %Y}"
    if not isinstance(period, Calendar) or period.last:
        return None
    match period.unit:
        case Unit.YEAR:
            return f"{days.first.year}"
        case Unit.MONTH:
            return f"{days.first:%B %Y}"
        case Unit.WEEK:
            year, week, _ = days.first.isocalendar()
            return f"Week {week}, {year}"
        case Unit.DAY:
            return day_words(days.first)
        case Unit.HOUR:
            return None


def _before(days: _Days) -> _Days | None:
    """The calendar unit before the one that these days form."""
    last = days.first - _DAY
    for months in (1, 3, 12):
        if days.is_unit(Unit.MONTH, months):
            return _Days(_months_later(days.first, -months), last, whole=True)
    if days.is_unit(Unit.WEEK):
        return _Days(days.first - 7 * _DAY, last, whole=True)
    return _Days(last, last, whole=True) if days.first == days.last else None


def _dates(span: TimeRange) -> str:
    zone = ZoneInfo(span.zone)
    start, until = span.start.astimezone(zone), span.until.astimezone(zone)
    days = _Days.of(span)
    if span.granularity in _FINE and not (days.whole and not span.unfinished):
        end = f"{until:%H:%M}" if start.date() == until.date() else f"{until:%m/%d/%Y %H:%M}"
        return f"{start:%m/%d/%Y %H:%M} – {end}"
    if days.first == days.last:
        return day_words(days.first)
    return f"{day_words(days.first)} – {day_words(days.last)}"


def _quarter(day: date) -> int:
    return (day.month + 2) // 3


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)
