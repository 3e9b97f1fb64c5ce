"""Lists the function that measures each kind of alert."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.kinds.above import measure as measure_above
from bot.alerts.kinds.budget import explain as explain_budget
from bot.alerts.kinds.budget import measure as measure_budget
from bot.alerts.kinds.cache import explain as explain_cache
from bot.alerts.kinds.cache import measure as measure_cache
from bot.alerts.kinds.credits import explain as explain_credits
from bot.alerts.kinds.credits import measure as measure_credits
from bot.alerts.kinds.forecast import explain as explain_forecast
from bot.alerts.kinds.forecast import measure as measure_forecast
from bot.alerts.kinds.new import explain as explain_new
from bot.alerts.kinds.new import measure as measure_new
from bot.alerts.kinds.orphaned import explain as explain_orphaned
from bot.alerts.kinds.orphaned import measure as measure_orphaned
from bot.alerts.kinds.retiring import explain as explain_retiring
from bot.alerts.kinds.retiring import measure as measure_retiring
from bot.alerts.kinds.spike import measure as measure_spike
from bot.alerts.kinds.stale import measure as measure_stale
from bot.alerts.kinds.unused import explain as explain_unused
from bot.alerts.kinds.unused import measure as measure_unused
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.budget import Budget
from reports.alerts.kinds.cache import Cache
from reports.alerts.kinds.credits import Credits
from reports.alerts.kinds.forecast import Forecast
from reports.alerts.kinds.new import New
from reports.alerts.kinds.orphaned import Orphaned
from reports.alerts.kinds.retiring import Retiring
from reports.alerts.kinds.spike import Spike
from reports.alerts.kinds.stale import Stale
from reports.alerts.kinds.unused import Unused
from reports.alerts.watch import Watch

MEASURES: dict[type[Watch], Callable[[WatchedRule, MeasurementContext], Iterator[Measurement]]] = {
    Above: measure_above,
    Budget: measure_budget,
    Cache: measure_cache,
    Credits: measure_credits,
    Forecast: measure_forecast,
    New: measure_new,
    Orphaned: measure_orphaned,
    Retiring: measure_retiring,
    Spike: measure_spike,
    Stale: measure_stale,
    Unused: measure_unused,
}
NOTES: dict[
    type[Watch],
    Callable[[WatchedRule, MeasurementContext, Measurement, str], Iterable[str]],
] = {
    Budget: explain_budget,
    Cache: explain_cache,
    Credits: explain_credits,
    Forecast: explain_forecast,
    New: explain_new,
    Orphaned: explain_orphaned,
    Retiring: explain_retiring,
    Unused: explain_unused,
}
"""Functions of some kinds that explain a measurement in its message, in plain text.

The last argument is the zone in which the message shows times."""
