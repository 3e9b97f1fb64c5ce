"""Spikes: an hour far above what the same subject usually uses in that hour of the week.

Usual is the median of the same hour, the one before and the one after it in the last four weeks:
twelve figures, of which a few odd ones change nothing. A spike is more than five times the median,
more than six spreads above it, and more than a floor in dollars. The spread is the median absolute
deviation (scaled as a standard deviation), and never less than a quarter of the median. On the
sample organization this tells of less than one busy day a week, and of a runaway within minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from statistics import median

from reports.alerts.evaluation import Baseline, Measurement
from reports.alerts.needed_usage import WEEKS
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule, Spike
from reports.time.timerange import HOUR

TIMES = 5
SPREADS = 6
LEAST_HOURS = 6
"""With fewer past hours known, which is two weeks, there is no usual yet."""
UNKNOWN_TIMES = 10
"""Where there is no usual yet, the line is so many times the floor."""
_SCALE = 1.4826
_OFFSETS = (-HOUR, timedelta(), HOUR)


def past_hours(hour: datetime) -> tuple[datetime, ...]:
    """The hours (UTC, their starts) that an hour is compared with, newest first."""
    return tuple(
        hour - timedelta(weeks=week) + offset
        for week in range(1, WEEKS + 1)
        for offset in reversed(_OFFSETS)
    )


def usual(past: Iterable[int | None], floor: int) -> Baseline | None:
    """What is usual, of the figures of `past_hours`; None where too few are known.

    An hour is not known (None) where the cache does not hold it or where it lies before the
    subject's first use; an hour without use is 0.
    """
    known = [value for value in past if value is not None]
    if len(known) < LEAST_HOURS:
        return None
    middle = int(median(known))
    deviation = median(abs(value - middle) for value in known)
    spread = max(int(_SCALE * deviation), middle // 4)
    line = max(TIMES * middle, middle + SPREADS * spread, floor)
    return Baseline(middle, spread, line, len(known))


def known_past(
    figures: Mapping[datetime, int], hour: datetime, first: datetime | None, held: datetime
) -> list[int | None]:
    """The figures of `past_hours`, None before the first use and before what is held (UTC).

    `figures` are a subject's by hour, without those that are 0; `first` None: never used before.
    """
    return [
        None if first is None or at < held or at + HOUR <= first else figures.get(at, 0)
        for at in past_hours(hour)
    ]


def may_spike(rule: Rule, value: int) -> bool:
    """Whether an hour's figure can be a spike at all: most need no look at the past."""
    return isinstance(rule.watch, Spike) and value > rule.watch.floor


@dataclass(frozen=True, slots=True)
class Hour:
    """What one hour (its start, UTC) used, in nano-dollars, beside what is usual for it."""

    start: datetime
    value: int
    usual: Baseline | None = None

    def line(self, floor: int) -> int:
        """Where a spike begins in this hour."""
        return self.usual.line if self.usual else floor * UNKNOWN_TIMES


def spike(
    rule: Rule, subject: str, label: str, hours: Sequence[Hour], at: datetime, owner: str = ""
) -> Measurement:
    """The reading of one subject: of the hours to judge, the one farthest above its line.

    So an hour whose last figures come late still counts, and a spike is over only when all of
    these hours are calm. `hours` are those of `alert_needs.needed`, at least one; `at` is how fresh
    their figures are.
    """
    floor = rule.watch.floor if isinstance(rule.watch, Spike) else 0
    worst = max(hours, key=lambda hour: (Fraction(hour.value, hour.line(floor) or 1), hour.start))
    part = all(hour.start + HOUR > at for hour in hours)
    return Measurement(
        subject, label, worst.value, worst.line(floor), at, None, part, worst.usual, owner=owner,
        hour=AlertPeriod(worst.start, worst.start + HOUR),
    )  # fmt: skip
