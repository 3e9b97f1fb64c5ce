"""Gathers a person's month: the question behind `me`, and what they usually spend."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from bot.answers.answer import make_plan
from bot.answers.visibility import ME, Asker
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.analysis.own_month import MOST_MONTHS, OwnMonth, own_month
from reports.questions.grammar import CommandError
from reports.questions.query import Query, Versus
from reports.questions.topics import THIS_MONTH
from reports.questions.unfinished import last_day, whole_part
from reports.time.period_to_range import earlier_months
from reports.time.time_range import TimeRange
from reports.usage.coverage import answerable_range, is_stored
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import total

MY_MONTH = Query(Metric.SPEND, THIS_MONTH, Dimension.MODEL, (ME,), versus=Versus.BEFORE)
"""The question behind `me`: one's own month by model, compared with last month."""


def gather_own_month(
    store: Store, query: Query, now: datetime, zone: str, asker: Asker
) -> OwnMonth | CommandError:
    """What the person spent in the month of a question, and in the same days of earlier months.

    Of a month that isn't over, only its whole days count. `now` is in UTC, `zone` is the one of
    calendar months.
    """
    with store.snapshot():
        plan = make_plan(store, replace(query, by=None, versus=None), now, zone, asker)
        if isinstance(plan, CommandError):
            return plan
        current = plan.ranges.current
        over = not current.unfinished
        part = whole_part(plan.query, current, plan.ranges.previous)
        compared = current if over or part is None else part.current
        begun = part is None and not over
        before = []
        for month in earlier_months(compared, MOST_MONTHS, whole=over or begun):
            found = _spend(store, plan.selection, month)
            if found is None:
                break
            before.append(found)
        spent = _spend(store, plan.selection, compared) or 0
        if begun:
            return own_month(spent, 0, before)
        last = date.fromisoformat(last_day(compared))
        return own_month(spent, len(compared.buckets), before, last, over=over)


def _spend(store: Store, selection: Selection, of: TimeRange) -> int | None:
    """The spend in a range in nano-dollars; None if it isn't known completely."""
    coverage = store.state().coverage
    known = answerable_range(of, coverage)
    if not of.unfinished and not is_stored(known.range, known.stored, coverage):
        return None
    return total(store.whole(selection, known.range, known.stored)).value(Metric.SPEND)
