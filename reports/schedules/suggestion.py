"""Suggest a schedule for a question, with a frequency that matches its period."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from reports.questions.query import RUNNING, Query
from reports.schedules.grammar import ScheduledQuestion
from reports.schedules.recurrence import Daily, Monthly, Rule, Weekly, complete_period, usual_period
from reports.time.period import Calendar, Counted, Period, Unit


def suggest_schedule(query: Query) -> ScheduledQuestion:
    """A question as a schedule that runs once per period and covers complete periods."""
    rule = _rule_for(query.period)
    period = complete_period(query.period) or usual_period(rule)
    if query.kind in RUNNING:
        period, rule = query.period, Weekly(frozenset({0}))
    asked = replace(query, period=period, zone=None, files=(), share=False)
    return ScheduledQuestion(asked, rule, time(9), query.zone)


def _rule_for(period: Period) -> Rule:
    if not isinstance(period, Counted | Calendar) or period.unit in {Unit.MONTH, Unit.YEAR}:
        return Monthly(1)
    count = period.count if isinstance(period, Counted) else 1
    if period.unit is Unit.WEEK or (period.unit is Unit.DAY and count > 1):
        return Weekly(frozenset({0}))
    return Daily()
