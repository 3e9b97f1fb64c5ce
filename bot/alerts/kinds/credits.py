"""Measures the balance of purchased credits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.credits import balance

if TYPE_CHECKING:
    pass

from bot.alerts.context import MeasurementContext, WatchedRule


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The balance, for people who may see everything, once OpenRouter has reported it."""
    limits = context.limits
    if limits.reported_at and not watched.asker.own_only:
        yield balance(watched.rule, limits.bought, limits.used, limits.reported_at)
