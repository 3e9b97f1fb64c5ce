"""Measures the age of the synced data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.stale import stale
from reports.time.time_range import Granularity

if TYPE_CHECKING:
    pass

from bot.alerts.context import MeasurementContext, WatchedRule


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The age of the data, unless this process was just started or woken up."""
    if context.warmed_up:
        synced = context.figures.synced.get(Granularity.MINUTE)
        yield stale(watched.rule, synced, watched.entry.created_at, context.now)
