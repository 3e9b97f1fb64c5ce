"""What a subject shows now, made of figures: sums of periods, first uses, the age of the data."""

from __future__ import annotations

from datetime import datetime, timedelta

from reports.alerts.evaluation import Measurement
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Above, Rule, Stale


def above(
    rule: Rule,
    subject: str,
    label: str,
    value: int | None,
    period: AlertPeriod,
    at: datetime,
    owner: str = "",
) -> Measurement:
    """The reading of a sum over a period; a sum of what is only partly held is a least value."""
    limit = rule.watch.limit if isinstance(rule.watch, Above) else 0
    return Measurement(subject, label, value, limit, at, period, at < period.end, owner=owner)


def first_use(
    subject: str,
    label: str,
    cost: int,
    first: datetime | None,
    since: datetime,
    at: datetime,
    owner: str = "",
) -> Measurement:
    """The reading of a model or key: new if it was used first (UTC) after the rule was made.

    `cost` is what it has cost so far, in nano-dollars; `first` None: not used yet.
    """
    new = first is not None and first >= since
    return Measurement(subject, label, cost if new else None, 0, at, owner=owner)


def stale(rule: Rule, synced: datetime | None, since: datetime, now: datetime) -> Measurement:
    """The reading of the data's age in seconds: since the last sync, or since the rule was made."""
    limit = rule.watch.limit if isinstance(rule.watch, Stale) else 0
    age = max((now - (synced or since)) // timedelta(seconds=1), 0)
    return Measurement("", "OpenRouter sync", age, limit, now)
