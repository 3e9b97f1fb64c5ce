"""Describes the usage that a rule needs; rules that need the same usage share one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension, Filter


@dataclass(frozen=True, slots=True)
class Needed:
    """Usage to fetch: of each member of `by` (None: of all together) in a time range.

    With a step, it is needed by hour or by day of the zone; otherwise only the sum. `filters` are
    those that cannot be applied to the members afterwards; mostly there are none, so that rules
    share it.
    """

    by: Dimension | None
    filters: tuple[Filter, ...]
    span: AlertPeriod
    step: Granularity | None = None
    zone: str = "UTC"


def grouping(rule: Rule) -> tuple[Dimension | None, tuple[Filter, ...]]:
    """The dimension to group a rule's usage by, and the filters that the query must apply.

    Filters on only one dimension don't need a separate query: fetch all its members and take those
    that match, separately with `rule.by`, else their sum.
    """
    dimensions = {one.dimension for one in rule.filters}
    if rule.by is None and len(dimensions) == 1:
        return dimensions.pop(), ()
    if dimensions <= {rule.by}:
        return rule.by, ()
    return rule.by, rule.filters


def needed(rule: Rule, zone: str, since: datetime, now: datetime) -> tuple[Needed, ...]:
    """The usage that a rule needs at `now`; empty for kinds that aren't about usage.

    `zone` is the rule's own or its owner's. `since` (UTC) is when rules were last evaluated, or
    when the rule was set up if that is later.
    """
    by, filters = grouping(rule)
    return rule.watch.needed(by, filters, zone, since, now)
