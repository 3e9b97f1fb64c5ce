"""A Summary as JSON, for scripts: exact figures, every group.

Money is a decimal string in dollars, exact to 9 places; counts are integers; averages of counts,
shares and changes are numbers. Unknown values are null, never 0: buckets without stored data, the
average if there are none with data, and the previous period if it isn't stored.

`previous` and `change` compare an unfinished range in buckets, of which the last may have lasted
only minutes. Where that is a day or month, `whole` has the same through the last one that is over.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from reports.questions.query import Query
from reports.questions.summary import MetricSummary, Series, Summary
from reports.questions.unfinished import WholeChange, last_day
from reports.render.tables import incomplete_words
from reports.time.time_range import TimeRange
from reports.time.whole_buckets import WholeBuckets
from reports.usage.dimensions import Metric
from reports.usage.usage import dollars


def as_json(summary: Summary, command: str = "/activity") -> dict[str, Any]:
    """The answer as JSON values; `command` is the slash command's name in Slack."""
    return {
        "query": _query(summary.query, command),
        "range": _range(summary.range),
        "as_of": summary.as_of and _stamp(summary.as_of),
        "partial": [*summary.partial, *_incomplete(summary)],
        "metrics": {
            str(metric): _metric(part, summary.whole, compares=summary.query.versus is not None)
            for metric, part in summary.metrics.items()
        },
    }


def _incomplete(summary: Summary) -> list[str]:
    """Phrases about averages that include incomplete buckets, as the text has them."""
    found = [
        f"the average includes {words} with incomplete data"
        for part in summary.metrics.values()
        if part.known and len(part.buckets) > 1
        for words in incomplete_words(summary, part)
    ]
    return list(dict.fromkeys(found))  # all metrics may have the same


def _query(query: Query, command: str) -> dict[str, Any]:
    return {
        "command": query.command(command),
        "metric": query.metric and str(query.metric),
        "period": str(query.period),
        "by": query.by and str(query.by),
        "source": str(query.source),
        "filters": [str(one) for one in query.filters],
    }


def _range(span: TimeRange) -> dict[str, Any]:
    return {
        "start": _stamp(span.start),
        "end": _stamp(span.until),
        "granularity": str(span.granularity),
        "buckets": [_stamp(bucket) for bucket in span.buckets],
    }


def _metric(part: MetricSummary, whole: WholeBuckets | None, *, compares: bool) -> dict[str, Any]:
    metric = part.metric
    groups = [_series(metric, group, part.unknown) for group in part.groups]
    if compares:
        groups = [
            {
                **entry,
                "previous": _known(metric, group.previous),
                "change": _change(group),
                **_whole(metric, group.whole, whole),
            }
            for entry, group in zip(groups, part.groups, strict=True)
        ]
    return {
        "sum": _figure(metric, part.sum),
        "avg": _average(metric, part.avg) if part.known else None,
        "previous": _known(metric, part.previous),
        "change": None if part.change is None else float(part.change),
        **_whole(metric, part.whole, whole),
        "parts": {name: _figure(metric, value) for name, value in part.parts.items()},
        "groups": groups,
    }


def _whole(metric: Metric, found: WholeChange | None, whole: WholeBuckets | None) -> dict[str, Any]:
    """The figures through the last whole day or month; empty if nothing is compared so."""
    if found is None or whole is None:
        return {}
    change = found.change
    return {
        "whole": {
            "through": last_day(whole.current),
            "from": _figure(metric, found.before),
            "to": _figure(metric, found.now),
            "change": None if change is None else float(change),
        }
    }


def _series(metric: Metric, group: Series, unknown: frozenset[int]) -> dict[str, Any]:
    return {
        "label": group.label,
        "min": _figure(metric, group.min),
        "max": _figure(metric, group.max),
        "avg": _average(metric, group.avg),
        "sum": _figure(metric, group.sum),
        "share": float(group.share),
        "active": group.active,
        "buckets": [
            None if index in unknown else _figure(metric, value)
            for index, value in enumerate(group.buckets)
        ],
    }


def _known(metric: Metric, value: int | None) -> int | str | None:
    return None if value is None else _figure(metric, value)


def _change(group: Series) -> float | None:
    """A group's change relative to the previous value; None if that is zero or unknown."""
    return (group.sum - group.previous) / group.previous if group.previous else None


def _figure(metric: Metric, value: int) -> int | str:
    return dollars(value) if metric is Metric.SPEND else value


def _average(metric: Metric, value: Fraction) -> float | str:
    return dollars(value) if metric is Metric.SPEND else float(value)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
