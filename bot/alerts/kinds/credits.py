"""Measures the balance of purchased credits."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.analysis.balance import balance as known_balance
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.credits import balance
from reports.analysis.balance import lasting_sentence


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The balance, for people who may see everything, once OpenRouter has reported it."""
    limits = context.limits
    if limits.reported_at and not watched.asker.own_only:
        yield balance(watched.rule, limits.bought, limits.used, limits.reported_at)


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> tuple[str, ...]:
    """Say when the credits run out, like `balance` and `limits`, if the balance is still the
    same."""
    del watched
    found = known_balance(context.forecasts.store, context.now)
    if found is None or found.left != measurement.value or found.left <= 0:
        return ()
    return (lasting_sentence(found, zone),)
