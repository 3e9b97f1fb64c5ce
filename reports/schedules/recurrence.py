"""When a schedule is due: one run for each local date of its rule.

Where the clock shows a time twice, the first one counts; where it skips a time, the first instant
after the gap. A run reports on the complete period before it.
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
from reports.time.timerange import DAY, local

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = frozenset(range(5))
CATCH_UP = timedelta(days=3)
"""How late a run may be; older ones are skipped."""
LATE_AFTER = timedelta(minutes=10)
MOST_MISSED = 400
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
    """Dates, local time and time zone."""

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
    """A run that is due: its local date, and its instant (UTC)."""

    day: date
    at: datetime


@dataclass(frozen=True, slots=True)
class MissedRuns:
    """Due runs: the one to make, and those that are too old."""

    run: DueRun | None
    skipped: tuple[DueRun, ...] = ()


def occurrence(day: date, at: time, zone: str) -> datetime:
    """The instant (UTC) at which a local date's run is due."""
    return local(day, zone, at)


def following(schedule: Recurrence, after: date) -> DueRun:
    """The first run after a local date. ValueError if there is none within 40 years."""
    day, farthest = after + DAY, after + _FARTHEST
    while day <= farthest:
        if schedule.rule.matches(day):
            return DueRun(day, occurrence(day, schedule.at, schedule.zone))
        day += DAY
    raise ValueError("this schedule never runs")


def first(schedule: Recurrence, now: datetime) -> DueRun:
    """The first run after a moment."""
    # two days back, since a time in a gap is later than the date it belongs to
    day = now.astimezone(ZoneInfo(schedule.zone)).date() - 2 * DAY
    while (found := following(schedule, day)).at <= now:
        day = found.day
    return found


def due(schedule: Recurrence, last: date, now: datetime) -> tuple[DueRun, ...]:
    """All runs that are due by now, for dates after the last one that was handled."""
    return tuple(_due(schedule, last, now))


def missed(runs: tuple[DueRun, ...], now: datetime) -> MissedRuns:
    """Of the runs that are due, only the newest is made, and only if it isn't too old."""
    if not runs:
        return MissedRuns(None)
    newest = runs[-1]
    if now - newest.at <= CATCH_UP:
        return MissedRuns(newest, runs[:-1])
    return MissedRuns(None, runs)


def _due(schedule: Recurrence, last: date, now: datetime) -> Iterator[DueRun]:
    today = now.astimezone(ZoneInfo(schedule.zone)).date()
    # after years of silence only the newest are worth a line each
    day = max(last + DAY, today - MOST_MISSED * DAY)
    while day <= today:
        if schedule.rule.matches(day):
            at = occurrence(day, schedule.at, schedule.zone)
            if at <= now:
                yield DueRun(day, at)
        day += DAY


def rule_of(words: str) -> Rule:
    """The rule of its own words. ValueError if they aren't a rule's."""
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
    """The complete period that a rule without a period in its question reports on."""
    match rule:
        case Weekly() if len(rule.days) == 1:
            return Calendar(Unit.WEEK, last=True)
        case Monthly():
            return Calendar(Unit.MONTH, last=True)
        case Cron():
            return _of_cron(rule)
    return Calendar(Unit.DAY, last=True, word="yesterday")


def complete(period: Period) -> Period | None:
    """The complete period before a run that a period of a question means; None for a fixed one.

    `1m` and `this month` become `last month`; a count stays, of whole units (see `period_at`).
    """
    if isinstance(period, Month | DateSpan) or period.unit is Unit.HOUR:
        return None
    if isinstance(period, Counted) and period.count > 1:
        return period
    word = "yesterday" if period.unit is Unit.DAY else ""
    return Calendar(period.unit, last=True, word=word)


def query_at(query: Query, due_at: datetime, zone: str) -> Query:
    """The question of one run: in the schedule's zone, about whole units before its date, or as it
    is where it is about a time that is not over.
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
