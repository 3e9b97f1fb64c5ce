"""The balance of purchased credits, and when they run out: the same figures as in `limits`."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bot.analysis.limits import HourlySpend, credits_forecast
from bot.answers.openrouter_limits import stored_limits
from bot.store import Store
from reports.analysis.balance import Balance, Goal
from reports.time.period import Unit
from reports.time.period_to_range import end_of
from reports.time.time_range import local


def balance(
    store: Store, now: datetime, until: Unit | date | None = None, zone: str = "UTC"
) -> Balance | None:
    """The remaining credits at `now` (UTC); None if OpenRouter doesn't report them.

    `until`: whether they last through the running day, week, month or year of `zone`, or through
    a day of it, is asked.
    """
    limits = stored_limits(store)
    if limits.bought is None or limits.used is None or limits.reported_at is None:
        return None
    spend = HourlySpend(store, now)
    forecast, costs = credits_forecast(limits, spend, now), spend.of_credits()
    return Balance(
        limits.bought,
        limits.bought - limits.used,
        limits.reported_at,
        now,
        sum(costs),
        next((len(costs) - at for at, cost in enumerate(costs) if cost), 0),
        forecast.full if forecast else None,
        Goal(until, _end(until, now, zone)) if until else None,
    )


def _end(until: Unit | date, now: datetime, zone: str) -> datetime:
    if isinstance(until, date):
        return local(until + timedelta(days=1), zone)
    return end_of(until, now, zone)
