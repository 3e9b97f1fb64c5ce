"""Which figures a rule looks at, as values: rules that look at the same share one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reports.alerts.periods import AlertPeriod, span_at, spans
from reports.alerts.rule import Above, Budget, Credits, Forecast, New, Rule, Spike, Stale
from reports.time.period import Unit
from reports.time.timerange import HOUR, Granularity
from reports.usage.dimensions import Dimension, Filter

WEEKS = 4
"""How many weeks back an hour is compared with."""
FORECAST_DAYS = 28


@dataclass(frozen=True, slots=True)
class Needed:
    """Usage to fetch: of each member of `by` (None: of all together) over a stretch of time.

    With a step it is wanted by hour or by day of the zone, else added up. `filters` are those that
    cannot be applied to the members afterwards; mostly there are none, so that rules share it.
    """

    by: Dimension | None
    filters: tuple[Filter, ...]
    span: AlertPeriod
    step: Granularity | None = None
    zone: str = "UTC"


def grouping(rule: Rule) -> tuple[Dimension | None, tuple[Filter, ...]]:
    """What to group a rule's usage by, and the filters that have to go into the query.

    Filters on one dimension alone need no query of their own: fetch all members of it and take
    those that the filters mean, on their own with `rule.by`, else added up.
    """
    dimensions = {one.dimension for one in rule.filters}
    if rule.by is None and len(dimensions) == 1:
        return dimensions.pop(), ()
    if dimensions <= {rule.by}:
        return rule.by, ()
    return rule.by, rule.filters


def needed(rule: Rule, zone: str, since: datetime, now: datetime) -> tuple[Needed, ...]:
    """The usage that a rule wants to see now; none for what is not judged by usage.

    `zone` is the rule's own or its maker's; `since` when judging last ended well, or when the rule
    was made if that is later.
    """
    by, filters = grouping(rule)
    match rule.watch:
        case Above(unit=unit):
            return tuple(Needed(by, filters, span) for span in spans(unit, zone, since, now))
        case Spike():
            hours = spans(Unit.HOUR, "UTC", since, now)
            recent = AlertPeriod(hours[0].start, hours[-1].end)
            past = [_shifted(recent, week) for week in range(1, WEEKS + 1)]
            return tuple(Needed(by, filters, span, Granularity.HOUR) for span in (recent, *past))
        case Forecast():
            month = span_at(Unit.MONTH, zone, now)
            today = span_at(Unit.DAY, zone, now)
            back = span_at(Unit.DAY, zone, now - timedelta(days=FORECAST_DAYS))
            start = min(month.start, back.start)
            span = AlertPeriod(start, today.end)
            return (Needed(by, filters, span, Granularity.DAY, zone),)
        case Budget() | Credits() | New() | Stale():
            return ()


def _shifted(recent: AlertPeriod, weeks: int) -> AlertPeriod:
    """The same hours of an earlier week, with an hour more on either side."""
    back = timedelta(weeks=weeks)
    return AlertPeriod(recent.start - back - HOUR, recent.end - back + HOUR)
