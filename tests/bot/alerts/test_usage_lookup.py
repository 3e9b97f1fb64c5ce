"""The usage of a period is read from stored minutes, hours and days."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.usage_lookup import intervals
from reports.alerts.periods import spans
from reports.time.period import Unit
from reports.time.time_range import STEP, Granularity

NOW = datetime(2026, 11, 18, 21, 30, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu")


@given(
    unit=st.sampled_from([Unit.HOUR, Unit.DAY]),
    zone=st.sampled_from(ZONES),
    later=st.integers(0, 2 * 24 * 60),
    behind=st.integers(0, 20),
)
def test_every_minute_of_a_period_counts_exactly_once(unit, zone, later, behind):
    now = NOW + later * MINUTE
    synced = dict.fromkeys(STEP, now - behind * MINUTE)
    held = dict.fromkeys(STEP, ((NOW - 9 * DAY, now),))
    for span in spans(unit, zone, now, now):
        counted = [
            start + n * MINUTE
            for granularity, (begin, end) in intervals(span, now, held, synced)
            for start in buckets(begin, end, granularity)
            for n in range(STEP[granularity] // MINUTE)
        ]
        whole = (min(span.end, now) - span.start) // MINUTE
        assert sorted(counted) == [span.start + n * MINUTE for n in range(whole)]


def buckets(begin: datetime, end: datetime, granularity: Granularity) -> list[datetime]:
    """The buckets that begin in a stretch of time."""
    step = STEP[granularity]
    return [begin + n * step for n in range(-((begin - end) // step))]
