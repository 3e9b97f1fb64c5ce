"""Finds the models in use that will be retired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.scope import allowed_members
from bot.answers import visibility
from bot.answers.openrouter_details import listed_model
from bot.store.usage.selection import Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.retiring import STILL, retiring, users_words
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod
from reports.analysis.retiring import ModelUser, most_spend_first
from reports.time.time_range import DAY
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import ZERO, total

_MINUTE = timedelta(minutes=1)
_MONTH = 30 * DAY
"""How much recent spend is shown, as in the answer `retiring`."""


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The models that end soon and were used recently by the members that the rule covers."""
    directory, listed = context.directory, context.details.models
    if listed is None:
        return
    wanted = allowed_members(directory, watched.rule, watched.asker, watched.members)
    models = wanted.pop(Dimension.MODEL, None)
    ends = {
        one.id: model.ends
        for one in directory.of[Dimension.MODEL]
        if (models is None or one.id in models)
        and (model := listed_model(listed, one.ref))
        and model.ends
    }
    at = context.synced_at or context.now
    labels = visibility.labels(directory, watched.asker)
    found = [
        one
        for id_, day in ends.items()
        if (one := retiring(str(id_), labels.get(id_, "?"), day, context.now, at))
    ]
    if not found:
        return
    span = AlertPeriod(at - STILL, at + _MINUTE)
    used = context.figures.sums(Needed(Dimension.MODEL, (), span), Selection.of(None, wanted))
    yield from (one for one in found if used.get(int(one.subject), ZERO).requests)


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> Iterator[str]:
    """Say what the model cost in the past 30 days, and who used it."""
    del zone
    wanted = allowed_members(context.directory, watched.rule, watched.asker, watched.members)
    wanted[Dimension.MODEL] = frozenset({int(measurement.subject)})
    by = Dimension.CREATOR if Dimension.CREATOR in wanted else Dimension.KEY
    at = context.synced_at or context.now
    needed = Needed(by, (), AlertPeriod(at - _MONTH, at + _MINUTE))
    used = context.figures.sums(needed, Selection.of(None, wanted))
    labels = visibility.labels(context.directory, watched.asker)
    users = most_spend_first(
        ModelUser(labels.get(member, "?"), usage.value(Metric.SPEND))
        for member, usage in used.items()
        if usage.requests
    )
    yield users_words(total(used.values()).value(Metric.SPEND), users)
