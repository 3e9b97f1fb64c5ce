"""What became of readings that were told: the same figures as the cache holds them now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.flows.alert_detail import narrowed
from bot.flows.alert_reading import Seen, Watched, readings
from reports.alert import Above, Budget, Forecast, New, Spike
from reports.alert_needs import Needed
from reports.alert_state import Reading, period_key
from reports.query import Metric
from reports.usage import ZERO

Now = Mapping[tuple[str, str], Reading]
"""Readings by their subject and period."""


def current(watched: Watched, seen: Seen, told: Reading) -> Reading | None:
    """What a reading has become; None where nothing newer is known of it."""
    fresh = seen.fresh
    usage = isinstance(watched.rule.watch, Above | Budget | Forecast)
    if usage and (fresh is None or told.at >= fresh):
        return None
    return became(watched, seen, told, standing(watched, seen, [told]))


def standing(watched: Watched, seen: Seen, told: Iterable[Reading]) -> Now:
    """How the subjects stand of whom something was told; nothing where nothing was."""
    if not any(True for _ in told) or isinstance(watched.rule.watch, New | Spike):
        return {}
    found = readings(replace(watched, since=seen.now), replace(seen, everything=True))
    return {(one.subject, period_key(one)): one for one in found if one.value is not None}


def became(watched: Watched, seen: Seen, told: Reading, now: Now) -> Reading | None:
    """What a reading has become, given how the subjects of its rule stand."""
    if isinstance(watched.rule.watch, Spike):
        return _hour(watched, seen, told)
    return now.get((told.subject, period_key(told)))


def _hour(watched: Watched, seen: Seen, told: Reading) -> Reading | None:
    """The hour of a spike, which may have gone on; None where it is no spike any more."""
    hour, fresh = told.hour, seen.fresh
    if hour is None or fresh is None or not seen.figures.holds(hour):
        return None
    found = seen.figures.sums(Needed(None, (), hour), narrowed(seen, watched, told))
    value, at = found.get(0, ZERO).value(Metric.SPEND), min(fresh, hour.end)
    if value <= told.limit or at <= told.at:
        return None
    return replace(told, value=value, at=at, part=at < hour.end)
