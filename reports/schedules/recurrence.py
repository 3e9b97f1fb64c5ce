"""Computes when a schedule is due: one run for each local date that matches its rule.

An ambiguous local time means its first occurrence, a skipped one the first instant after the gap.
A run reports on the previous complete period.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reports.questions.query import RUNNING, Query
from reports.schedules import cron
from reports.schedules.cron import Cron
from reports.time.period import Calendar, Counted, DateSpan, Month, Period, Unit
from reports.time.time_range import DAY, local

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = frozenset(range(5))
CATCH_UP = timedelta(days=3)
"""How late a run may be; older ones are skipped."""
LATE_AFTER = timedelta(minutes=10)
"""A report that is sent later than this says so; ticks and retries take a few minutes at most."""
MOST_MISSED = 400
"""The maximum days of missed runs to plan: more than a year of daily runs."""
_FARTHEST = timedelta(days=366 * 41)  # a 29 February on one weekday may take 40 years


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day."""

    def matches(self, _day: date) -> bool:
        """Whether it runs on a day."""
        return True

    def __str__(self) -> str:
        return "daily"


@dataclass(frozen=True, slots=True)
class Weekly:
    """Some days of every week; Monday is 0."""

    days: frozenset[int] = frozenset({0})

    def matches(self, day: date) -> bool:
        """Whether it runs on a day."""
        return day.weekday() in self.days

    def __str__(self) -> str:
        if self.days == WORKDAYS:
            return "weekdays"
        return "weekly " + ",".join(WEEKDAYS[n] for n in sorted(self.days))


@dataclass(frozen=True, slots=True)
class Monthly:
    """A day of every month, or its last day if it is shorter; None means the last day."""

    day: int | None = 1

    def matches(self, day: date) -> bool:
        """Whether it runs on a day."""
        last = (day + DAY).day == 1
        return last if self.day is None else day.day == self.day or (last and day.day < self.day)

    def __str__(self) -> str:
        return f"monthly {self.day or 'last'}"


Rule = Daily | Weekly | Monthly | Cron


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule for dates, a local time and a time zone."""

    rule: Rule = Weekly()
    at: time = time(9)
    zone: str = "UTC"

    def __str__(self) -> str:
        if isinstance(self.rule, Cron):
            return f"{self.rule} {self.zone}"
        return f"{self.rule} {self.at:%H:%M} {self.zone}"


class TargetKind(StrEnum):
    """Where reports go: a channel, one person, or every creator privately."""

    CHANNEL = "channel"
    PERSON = "person"
    CREATORS = "creators"


@dataclass(frozen=True, slots=True)
class DueRun:
    """A due run: its local date, and its instant (UTC)."""

    day: date
    at: datetime


@dataclass(frozen=True, slots=True)
class MissedRuns:
    """Due runs: the one to deliver (None if all are too old), and those to skip."""

    run: DueRun | None
    skipped: tuple[DueRun, ...] = ()


def occurrence(day: date, at: time, zone: str) -> datetime:
    """The instant (UTC) of the run on a local date."""
    return local(day, zone, at)


def next_run(schedule: Recurrence, after: date) -> DueRun:
    """The first run after a local date. Raises ValueError if there is none within 41 years."""
    day, farthest = after + DAY, after + _FARTHEST
    while day <= farthest:
        if schedule.rule.matches(day):
            return DueRun(day, occurrence(day, schedule.at, schedule.zone))
        day += DAY
    raise ValueError("this schedule never runs")


def first_run(schedule: Recurrence, now: datetime) -> DueRun:
    """The first run after a time. Raises ValueError if there is none within 41 years."""
    # start two days back, because a skipped time may move a run to the next date
    day = now.astimezone(ZoneInfo(schedule.zone)).date() - 2 * DAY
    while (found := next_run(schedule, day)).at <= now:
        day = found.day
    return found


def due_runs(schedule: Recurrence, last: date, now: datetime) -> tuple[DueRun, ...]:
    """All runs that are due by now, for local dates after `last`."""
    return tuple(_due(schedule, last, now))


def split_missed(runs: tuple[DueRun, ...], now: datetime) -> MissedRuns:
    """Split due runs: only the newest is delivered, and only within CATCH_UP."""
    if not runs:
        return MissedRuns(None)
    newest = runs[-1]
    if now - newest.at <= CATCH_UP:
        return MissedRuns(newest, runs[:-1])
    return MissedRuns(None, runs)


def _due(schedule: Recurrence, last: date, now: datetime) -> Iterator[DueRun]:
    today = now.astimezone(ZoneInfo(schedule.zone)).date()
    # after years without a run only the newest are reported as skipped
    day = max(last + DAY, today - MOST_MISSED * DAY)
    while day <= today:
        if schedule.rule.matches(day):
            at = occurrence(day, schedule.at, schedule.zone)
            if at <= now:
                yield DueRun(day, at)
        day += DAY


def rule_of(words: str) -> Rule:
    """Parse a rule from its `str`. Raises ValueError (CronError for five other fields)."""
    kind, _, rest = words.partition(" ")
    match kind:
        case "daily":
            return Daily()
        case "weekdays":
            return Weekly(WORKDAYS)
        case "weekly":
            return Weekly(frozenset(WEEKDAYS.index(name) for name in rest.split(",")))
        case "monthly":
            return Monthly(None if rest == "last" else int(rest))
    return cron.parse(words)[0]


def usual_period(rule: Rule) -> Calendar:
    """The complete period that a rule reports on if its question has no period."""
    match rule:
        case Weekly() if len(rule.days) == 1:
            return Calendar(Unit.WEEK, last=True)
        case Monthly():
            return Calendar(Unit.MONTH, last=True)
        case Cron():
            return _of_cron(rule)
    return Calendar(Unit.DAY, last=True, word="yesterday")


def complete_period(period: Period) -> Period | None:
    """The complete period that a question's period stands for in a schedule; None for a fixed one.

    `1m` and `this month` become `last month`; a count above 1 is kept (see `query_for_run`).
    """
    if isinstance(period, Month | DateSpan) or period.unit is Unit.HOUR:
        return None
    if isinstance(period, Counted) and period.count > 1:
        return period
    word = "yesterday" if period.unit is Unit.DAY else ""
    return Calendar(period.unit, last=True, word=word)


def query_for_run(query: Query, due_at: datetime, zone: str) -> Query:
    """The question of one run, in the schedule's zone.

    "last 7 days" becomes the whole days before the date of the run; kinds in RUNNING keep theirs.
    """
    period = query.period
    if isinstance(period, Counted) and query.kind not in RUNNING:
        today = due_at.astimezone(ZoneInfo(zone)).date()
        period = _whole_units(period, today)
    return replace(query, period=period, zone=zone)


def _whole_units(period: Counted, today: date) -> DateSpan:
    match period.unit:
        case Unit.WEEK:
            after = today - timedelta(days=today.weekday())
            start = after - timedelta(weeks=period.count)
        case Unit.MONTH | Unit.YEAR:
            after = today.replace(day=1) if period.unit is Unit.MONTH else date(today.year, 1, 1)
            months = period.count * (12 if period.unit is Unit.YEAR else 1)
            year, month = divmod(after.year * 12 + after.month - 1 - months, 12)
            start = date(year, month + 1, 1)
        case _:
            after = today
            start = today - timedelta(days=period.count)
    return DateSpan(start, after - DAY)


def _of_cron(rule: Cron) -> Calendar:
    if len(rule.days) < 31:
        return Calendar(Unit.MONTH, last=True)
    if len(rule.weekdays) == 1:
        return Calendar(Unit.WEEK, last=True)
    return Calendar(Unit.DAY, last=True, word="yesterday")
