"""Alerts on spikes: an hour far above the subject's usual spend in that hour of the week.

Usual is the median of the same hour, the one before and the one after it in the last four weeks:
twelve figures, so a few outliers don't matter. A spike is more than five times the median, more
than six spreads above it, and more than a floor in dollars. The spread is the median absolute
deviation (scaled as a standard deviation), and never less than a quarter of the median. On the
sample organization this triggers on less than one busy day a week, and on a runaway within minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from reports.alerts.draft import RuleDraft, WrongRule, corrected_rule, money
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, Baseline, Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.message_details import WEEK, buckets, week_drivers
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod, spans
from reports.alerts.rule import SPIKE_FLOOR, Rule
from reports.alerts.slack.format import price
from reports.alerts.watch import ALL_TOGETHER, Watch
from reports.questions.wording import DIMENSION_WORDS
from reports.time.period import Counted, Period, Unit
from reports.time.time_range import HOUR, Granularity, TimeRange
from reports.time.time_range import floor as floor_time
from reports.usage.dimensions import STORED, Dimension, Filter, MoneySource
from reports.usage.format import number
from reports.usage.usage import exact_money
from reports.wording.times import clock_words, zone_city

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

WEEKS = 4
"""The number of earlier weeks that an hour is compared with."""
TIMES = 5
"""A spike costs more than this many times the median."""
SPREADS = 6
"""A spike is more than this many spreads above the median."""
LEAST_HOURS = 6
"""With fewer known hours (two weeks), there is no baseline yet: the median would be random."""
UNKNOWN_TIMES = 10
"""Without a baseline, the threshold is this many times the floor."""
_SCALE = 1.4826
"""Makes a median absolute deviation comparable with a standard deviation."""
_OFFSETS = (-HOUR, timedelta(), HOUR)


@dataclass(frozen=True, slots=True)
class Spike(Watch):
    """An hour costs far more than its hour of the week usually does, and at least `floor`."""

    floor: int = SPIKE_FLOOR

    key = "spike"
    spellings = ("spike", "spikes", "anomaly", "anomalies")
    takes_metric = True
    help = (("alert spike by key", "an unusually expensive hour"),)
    form_label = "An hour costs far more than usual"
    form_limit = ("Minimum", "Ignore spikes under this amount, in dollars.")
    usual_limit = exact_money(SPIKE_FLOOR)
    shows_current = False
    is_level = compares_hours = has_threshold = True

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return "spike" if self.floor == SPIKE_FLOOR else f"spike > {exact_money(self.floor)}"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        all_spend = draft.source is MoneySource.ALL
        if draft.unit not in {None, Unit.HOUR} or not all_spend or draft.percents:
            said = "A spike is an hour that costs far more than that hour of the week usually does."
            plain = replace(draft, unit=None, source=MoneySource.ALL, percents=())
            raise WrongRule(said, corrected_rule(plain))
        if draft.limit is None:
            return make_rule(draft, cls())
        usual = make_rule(draft, cls(SPIKE_FLOOR))
        floor = money(draft.limit, usual, lambda floor: make_rule(draft, cls(floor)))
        if draft.sign == "<":
            said = "A spike alert needs a minimum, with `>`."
            raise WrongRule(said, make_rule(draft, cls(floor)))
        if floor == 0:
            said = "The minimum must be above $0, or a few cents would trigger it."
            raise WrongRule(said, usual)
        return make_rule(draft, cls(floor))

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del fields
        return f"spike > {limit}" if limit else "spike"

    def form_values(self) -> Mapping[str, str]:
        """The fields of the form that this kind sets."""
        return {"limit": exact_money(self.floor)}

    @classmethod
    def form_dimensions(cls, what: str) -> tuple[str, ...]:
        """The form's choices of what to evaluate separately."""
        del what
        return (ALL_TOGETHER, *STORED)

    @property
    def of_spend(self) -> bool:
        """Only spend can trigger it."""
        return True

    @property
    def limit_unit(self) -> Unit | None:
        """Its minimum is for an hour."""
        return Unit.HOUR

    def needed(
        self,
        by: Dimension | None,
        filters: tuple[Filter, ...],
        zone: str,
        since: datetime,
        now: datetime,
    ) -> tuple[Needed, ...]:
        """The recent hours, and the same hours of earlier weeks with an hour on either side."""
        del zone
        hours = spans(Unit.HOUR, "UTC", since, now)
        recent = AlertPeriod(hours[0].start, hours[-1].end)
        past = [_shifted(recent, week) for week in range(1, WEEKS + 1)]
        return tuple(Needed(by, filters, span, Granularity.HOUR) for span in (recent, *past))

    def is_clear(self, value: int, limit: int, *, unfinished: bool) -> bool:
        """Whether an hour that is over is at most half of the threshold.

        An unfinished hour may still grow, and a busy day fluctuates from hour to hour.
        """
        return not unfinished and value * 2 <= limit

    def driver_periods(self, measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
        """The hour so far, and the same part of it a week before."""
        hour = measurement.hour
        if hour is None:
            return week_drivers(measurement)
        end = min(hour.end, floor_time(measurement.at, Granularity.MINUTE) + timedelta(minutes=1))
        before = AlertPeriod(hour.start - WEEK, end - WEEK)
        return AlertPeriod(hour.start, end), before

    def chart_range(self, measurement: Measurement, zone: str) -> TimeRange | None:
        """The last 20 hours, as many as a Slack chart takes."""
        hour = measurement.hour
        last = hour.end if hour else floor_time(measurement.at, Granularity.HOUR) + HOUR
        return buckets(last - 20 * HOUR, last, Granularity.HOUR, zone)

    def question_period(self, measurement: Measurement, zone: str) -> Period:
        """The last day."""
        del measurement, zone
        return Counted(1, Unit.DAY)

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del zone
        per = f" of each {DIMENSION_WORDS[rule.by]}" if rule.by else ""
        return (
            f"Alerts when an hour{per} costs more than five times what that hour of the week"
            f" usually costs, and more than {price(self.floor)}."
        )

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the subject."""
        del event, zone
        return "OpenRouter spend spike"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The hour's spend compared with what is typical."""
        del pace
        measurement = event.measurement
        value, hour, typical = measurement.value or 0, measurement.hour, measurement.usual
        start = (hour.start if hour else measurement.at).astimezone(ZoneInfo(zone))
        span = f"{clock_words(start)} and {clock_words(start + HOUR)}"
        said = f"{price(value)} between {span} on {start:%A} ({zone_city(zone)})"
        if typical is None:
            return (
                f"{said}. It takes two weeks of usage to learn what is typical; until then, alerts"
                f" start at {price(measurement.limit)} an hour."
            )
        if not typical.median:
            return f"{said}; usually $0."
        times = number(Fraction(value, typical.median))
        return (
            f"{said}, {times} times the typical {price(typical.median)} for this hour of the week."
        )

    def explanation(self, event: AlertEvent) -> str:
        """What is typical, and the amount above which it counts as a spike."""
        typical = event.measurement.usual
        if typical is None:
            return ""
        threshold = f"Threshold: {price(typical.threshold)}."
        if not typical.median:
            return f"Most comparable hours in the past 4 weeks had no usage. {threshold}"
        range_ = f"{price(typical.median)} ± {price(typical.spread)}"
        hours = f"median of {typical.count} comparable hours"
        return f"Typical for this hour: {range_} ({hours}). {threshold}"

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        del event
        return "Back to normal."


def _shifted(recent: AlertPeriod, weeks: int) -> AlertPeriod:
    """The same hours of an earlier week, with one more hour on either side."""
    back = timedelta(weeks=weeks)
    return AlertPeriod(recent.start - back - HOUR, recent.end - back + HOUR)


@lru_cache(maxsize=64)
def past_hours(hour: datetime) -> tuple[datetime, ...]:
    """The hours (UTC, their starts) that an hour is compared with, newest first."""
    return tuple(
        hour - timedelta(weeks=week) + offset
        for week in range(1, WEEKS + 1)
        for offset in reversed(_OFFSETS)
    )


def usual(past: Iterable[int | None], floor: int) -> Baseline | None:
    """The baseline from the figures of `past_hours`; None if too few are known.

    An hour is unknown (None) if the cache doesn't have it or if it is before the subject's first
    use; an hour without usage is 0.
    """
    known = sorted([value for value in past if value is not None])
    if len(known) < LEAST_HOURS:
        return None
    middle = int(_median(known))
    deviation = _median(sorted([abs(value - middle) for value in known]))
    spread = max(int(_SCALE * deviation), middle // 4)
    threshold = max(TIMES * middle, middle + SPREADS * spread, floor)
    return Baseline(middle, spread, threshold, len(known))


def _median(values: Sequence[int]) -> float:
    """The median of sorted values: like `statistics.median`, which sorts them again."""
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def known_past(
    figures: Mapping[datetime, int], hour: datetime, first: datetime | None, held: datetime
) -> list[int | None]:
    """The figures of `past_hours`; None before the first use and before the cache starts (UTC).

    `figures` are a subject's figures by hour, without zeros; `first` is None if never used before.
    """
    hours = past_hours(hour)
    if first is None:
        return [None] * len(hours)
    before = first - HOUR
    return [None if at < held or at <= before else figures.get(at, 0) for at in hours]


def may_spike(rule: Rule, value: int) -> bool:
    """Whether an hour's figure can be a spike at all; if not, past hours needn't be looked up."""
    return isinstance(rule.watch, Spike) and value > rule.watch.floor


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour (its start, UTC): its spend in nano-dollars, and what is usual for it."""

    start: datetime
    value: int
    usual: Baseline | None = None

    def threshold(self, floor: int) -> int:
        """The threshold of this hour, in nano-dollars."""
        return self.usual.threshold if self.usual else floor * UNKNOWN_TIMES


def spike(
    rule: Rule, subject: str, label: str, hours: Sequence[Hour], at: datetime, creator: str = ""
) -> Measurement:
    """Measure one subject: of the hours to evaluate, the one farthest above its threshold.

    So an hour whose last figures arrive late still counts, and a spike is over only when all of
    these hours are. `hours` are those of `Spike.needed`, at least one; `at` is how fresh
    their figures are.
    """
    floor = rule.watch.floor if isinstance(rule.watch, Spike) else 0
    # whole numbers compare many times faster than fractions; shares of thresholds below 2^63 differ
    # by more than 2^-126, so no two of them become equal
    worst = max(
        hours, key=lambda hour: ((hour.value << 128) // (hour.threshold(floor) or 1), hour.start)
    )
    part = all(hour.start + HOUR > at for hour in hours)
    return Measurement(
        subject, label, worst.value, worst.threshold(floor), at, None, part, worst.usual,
        creator=creator, hour=AlertPeriod(worst.start, worst.start + HOUR),
    )  # fmt: skip
