"""The usage that a rule needs, as values: rules that need the same share one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.time.timerange import Granularity
from reports.usage.dimensions import Dimension, Filter


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
    """The usage that a rule needs at `now`; none for kinds that aren't about usage.

    `zone` is the rule's own or its owner's. `since` (UTC) is when rules were last evaluated, or
    when the rule was set up if that is later.
    """
    by, filters = grouping(rule)
    return rule.watch.needed(by, filters, zone, since, now)
