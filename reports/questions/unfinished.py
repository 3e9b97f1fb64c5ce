"""What is compared of an unfinished period: its whole hours, days or months, and how that is
said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.questions.query import Query
from reports.questions.wording import EARLIER, bucket_words
from reports.time.period import Counted, DateSpan
from reports.time.time_range import DAY, Granularity, TimeRange, last_date
from reports.time.whole_buckets import WholeBuckets, ends_in_unfinished_bucket, whole_buckets


@dataclass(frozen=True, slots=True)
class WholeChange:
    """A figure through the last whole hour, day or month, and the same of the previous period."""

    now: int
    before: int

    @property
    def change(self) -> Fraction | None:
        """The change relative to the earlier figure; None if that is zero."""
        return Fraction(self.now - self.before, self.before) if self.before else None


def whole_part(query: Query, current: TimeRange, previous: TimeRange) -> WholeBuckets | None:
    """The whole hours, days or months of an unfinished range, beside those of the previous one.

    None for a range that is over or by minute, and one without a whole hour, day or month.
    """
    period = query.period
    rolling = isinstance(period, Counted) or (
        isinstance(period, DateSpan) and _ends_today(period, current, previous)
    )
    adjacent = rolling and query.versus not in EARLIER
    return whole_buckets(current, previous, adjacent=adjacent)


def _ends_today(period: DateSpan, current: TimeRange, previous: TimeRange) -> bool:
    """Whether dates through today are compared with as many days right before them; whole months
    are compared with months."""
    months = period.first.day == (period.last + DAY).day == 1
    return (
        not months
        and current.granularity is Granularity.DAY
        and previous.end == current.start
        and len(previous.buckets) == len(current.buckets)
    )


def has_just_begun(current: TimeRange) -> bool:
    """Whether a range is one hour, day or month that isn't over, so it shows no trend yet."""
    return ends_in_unfinished_bucket(current) and len(current.buckets) == 1


def unfinished_words(current: TimeRange, whole: WholeBuckets | None) -> str:
    """What isn't over: `30 Nov`, `Nov 2026`, `the hour from 02:00`."""
    if current.granularity is Granularity.HOUR:
        return f"the hour from {_clock(current.buckets[-1], current)}"
    if whole and _ends_within_month(current, whole):
        return _day(whole.current.end.astimezone(ZoneInfo(current.zone)))
    return bucket_words(current.buckets[-1], current)


def through_words(current: TimeRange, whole: WholeBuckets) -> str:
    """The last day or month that is over, `29 Nov`, `Oct 2026`; of hours the end, `02:00`."""
    over = whole.current
    if over.granularity is Granularity.HOUR:
        return _clock(over.end, over)
    if _ends_within_month(current, whole):
        return _day(last_date(over))
    return bucket_words(over.buckets[-1], over)


def last_day(of: TimeRange) -> str:
    """The last day of a finished range in its zone, as `2026-11-29`; of one by hour its end (UTC),
    as `2026-11-29T02:00:00Z`."""
    if of.granularity is Granularity.HOUR:
        return f"{of.end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return last_date(of).isoformat()


def _ends_within_month(current: TimeRange, whole: WholeBuckets) -> bool:
    return whole.current.end not in current.buckets


def _clock(moment: datetime, of: TimeRange) -> str:
    return f"{moment.astimezone(ZoneInfo(of.zone)):%H:%M}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
