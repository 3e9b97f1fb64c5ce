"""Gathers a person's month: the question behind `me`, and what they usually spend."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.answers.answer import make_plan
from bot.answers.visibility import ME, Asker
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.analysis.own_month import MOST_MONTHS, OwnMonth, own_month
from reports.questions.grammar import CommandError
from reports.questions.query import Query, Versus
from reports.time.period import Calendar, Unit
from reports.time.period_to_range import earlier_months
from reports.time.time_range import TimeRange
from reports.usage.coverage import answerable_range, is_stored
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import total

MY_MONTH = Query(Metric.SPEND, Calendar(Unit.MONTH), Dimension.MODEL, (ME,), versus=Versus.BEFORE)
"""The question behind `me`: one's own month by model, compared with last month."""


def gather_own_month(
    store: Store, now: datetime, zone: str, asker: Asker
) -> OwnMonth | CommandError:
    """What the person spent this month and in the same days of earlier months.

    `now` is in UTC, `zone` is the one of calendar months.
    """
    with store.snapshot():
        plan = make_plan(store, replace(MY_MONTH, by=None, versus=None), now, zone, asker)
        if isinstance(plan, CommandError):
            return plan
        current = plan.ranges.current
        before = []
        for month in earlier_months(current, MOST_MONTHS):
            found = _spend(store, plan.selection, month)
            if found is None:
                break
            before.append(found)
        spent = _spend(store, plan.selection, plan.source.range)
        return own_month(spent or 0, len(current.buckets), before)


def _spend(store: Store, selection: Selection, of: TimeRange) -> int | None:
    """The spend in a range in nano-dollars; None if it isn't known completely."""
    coverage = store.state().coverage
    known = answerable_range(of, coverage)
    if not of.unfinished and not is_stored(known.range, known.stored, coverage):
        return None
    return total(store.whole(selection, known.range, known.stored)).value(Metric.SPEND)
