"""Suggests an alert for an answer: the same usage at 1.5 times the current rate."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from reports.alerts.draft import highest_limit
from reports.alerts.kinds.above import Above
from reports.alerts.rule import Rule
from reports.questions.summary import Summary
from reports.time.period import Unit
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import NANO

_MORE = Fraction(3, 2)
_UNITS = (
    ("hour", timedelta(hours=3, minutes=1), timedelta(hours=1)),
    ("day", timedelta(days=27), timedelta(days=1)),
    ("month", timedelta.max, timedelta(days=30)),
)
_NOTHING_YET = {Metric.SPEND: "$50", Metric.TOKENS: "1000000", Metric.REQUESTS: "1000"}


def watching(summary: Summary) -> str:
    """The words after `alert` for an answer: its metric, grouping and filters, 1.5 × its rate."""
    query, wanted = summary.query, summary.range
    metric = query.metric or Metric.SPEND
    part = summary.metrics[metric]
    length = wanted.until - wanted.start
    name, _, unit = next(one for one in _UNITS if length <= one[1])
    largest = part.groups[0].sum if query.by and part.groups else part.sum
    rate = Fraction(largest) * Fraction(unit / length) * _MORE
    most = highest_limit(Rule(Above(metric, 1, Unit(name)))) * (
        NANO if metric is Metric.SPEND else 1
    )
    amount = _amount(metric, min(rate, Fraction(most)))
    source = (
        str(query.source) if metric is Metric.SPEND and query.source is not MoneySource.ALL else ""
    )
    filters = [str(one) for one in query.filters]
    by = f"by {query.by}" if query.by else ""
    words = (metric, source, ">", amount, "per", name, by, *filters)
    return " ".join(str(word) for word in words if word)


def _amount(metric: Metric, value: Fraction) -> str:
    """A round figure of two digits, as it would be typed."""
    if metric is Metric.SPEND:
        value = value / NANO
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    least = Decimal("0.01") if metric is Metric.SPEND else Decimal(1)
    if exact <= 0:
        return _NOTHING_YET[metric]
    step = max(Decimal(1).scaleb(exact.adjusted() - 1), least)
    rounded = max(exact.quantize(step, ROUND_HALF_UP), least)
    whole = rounded == rounded.to_integral_value()
    shown = f"{int(rounded)}" if whole else f"{rounded.normalize():f}"
    return f"${shown}" if metric is Metric.SPEND else shown
