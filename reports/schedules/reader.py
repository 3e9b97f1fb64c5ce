"""Separates the words of a schedule from those of its question; see the grammar."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import time

from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand, parse
from reports.questions.query import RUNNING, Query
from reports.schedules import cron
from reports.schedules.corrections import (
    DAYS,
    EXAMPLE,
    FREQUENCIES,
    ScheduleWordsError,
    suggest_for,
)
from reports.schedules.cron import CronError
from reports.schedules.recurrence import (
    WORKDAYS,
    Daily,
    Monthly,
    Rule,
    TargetKind,
    Weekly,
    complete_period,
    usual_period,
)
from reports.schedules.schedule import ScheduledQuestion, ScheduleTarget
from reports.time.period import DEFAULT, Period
from reports.time.time_range import zone_names
from reports.usage.dimensions import Dimension, Metric
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean
from reports.wording.shared_grammar import channel_mention, time_of_day
from reports.wording.token_cursor import TokenCursor

_FREQUENCY_OF_UNIT = {"day": "daily", "weekday": "weekdays", "week": "weekly", "month": "monthly"}
_TOO_OFTEN = {"hourly", "minutely"}
_FILLERS = {"at", "on", "every", "each", "the", "and", "with", "both", "none"}
_PERIOD_UNITS = {"hour", "day", "week", "month", "year"}


@dataclass(slots=True)
class ScheduleReader:
    """Separates the words of a schedule from those of its question, and parses both."""

    words: TokenCursor = field(default_factory=TokenCursor)
    question: list[str] = field(default_factory=list)
    frequency: str = ""
    days: set[int] = field(default_factory=set)
    month_day: int | None = None
    last_day: bool = False
    at: time | None = None
    zone: str | None = None
    target: ScheduleTarget | None = None
    expression: str = ""

    def read(self, words: list[str]) -> ScheduledQuestion | HelpCommand | CommandError:
        """Parse words into a schedule; a problem with the question is returned.

        Raises ScheduleWordsError for a problem with the schedule's own words.
        """
        self.words = TokenCursor(words)
        if any(one.lower() == "monthly" for one in words):
            self.frequency = "monthly"
        rules: tuple[Callable[[str], bool], ...] = (
            self._take_cron, self._take_frequency, self._take_weekday, self._take_month_day,
            self._take_time, self._take_zone, self._take_target, self._take_filler,
        )  # fmt: skip
        while self.words:
            word = self.words.take()
            after_filter_name = bool(self.question) and self.question[-1].endswith(":")
            if after_filter_name or not any(rule(word) for rule in rules):
                self.question.append(word)
        asked = parse(" ".join(self.question))
        match asked:
            case HelpCommand():
                return asked
            case CommandError():
                return self._explain(asked)
            case QuestionCommand():
                return self._scheduled(asked.query)

    def _scheduled(self, query: Query) -> ScheduledQuestion:
        rule, at = self._rule(), self.at
        if self.expression:
            rule, cron_at = self._read_cron()
            if at and at != cron_at:
                raise ScheduleWordsError(
                    "There are two times, one in the cron expression. Keep only one."
                )
            at = cron_at
        if query == Query(zone=query.zone, share=query.share, files=query.files):
            query = replace(query, metric=Metric.SPEND, by=Dimension.CREATOR)
        zone = query.zone or self.zone
        period = self._period(query, rule)
        query = replace(query, period=period, zone=None, share=False)
        return ScheduledQuestion(query, rule, at or time(9), zone, self.target or ScheduleTarget())

    def _period(self, query: Query, rule: Rule) -> Period:
        if query.kind in RUNNING:
            return query.period
        asked_again = parse(" ".join(self.question))
        has_no_period = not isinstance(asked_again, QuestionCommand) or not asked_again.dated
        period: Period | None = (
            usual_period(rule) if has_no_period else complete_period(query.period)
        )
        if period is None:
            usual_period_of_rule = usual_period(rule)
            asked = replace(query, period=usual_period_of_rule, zone=None, share=False)
            scheduled = ScheduledQuestion(
                asked, rule, self.at or time(9), self.zone, self.target or ScheduleTarget()
            )
            raise ScheduleWordsError(
                f"A schedule can't report on “{clean(str(query.period))}”. It reports on whole"
                " days, weeks, months or years, like yesterday, last week or `1m`.",
                f"schedule {scheduled.words()}",
            )
        return period

    def _rule(self) -> Rule:
        if self.expression:
            return Weekly()
        if self.frequency in {"daily", "weekdays"} and (self.days or self.month_day):
            raise ScheduleWordsError(
                f"`{self.frequency}` already says which days. Keep it or the day, not both."
            )
        if self.frequency == "daily":
            return Daily()
        if self.frequency == "weekdays":
            return Weekly(WORKDAYS)
        if self.frequency == "monthly":
            if self.days:
                raise ScheduleWordsError(
                    "`monthly` needs a day of the month, like `monthly 15` or `monthly last`.",
                    "schedule monthly last spend by creator",
                )
            return Monthly(None if self.last_day else self.month_day or 1)
        return Weekly(frozenset(self.days or {0}))

    def _read_cron(self) -> tuple[Rule, time]:
        if self.frequency or self.days:
            raise ScheduleWordsError(
                "The cron expression already says which days. Leave out the other day."
            )
        try:
            return cron.parse(self.expression)
        except CronError as wrong:
            question = " ".join(self.question) or "spend by creator"
            raise ScheduleWordsError(str(wrong), f"schedule {wrong.meant} {question}") from None

    def _explain(self, wrong: CommandError) -> CommandError:
        """A problem with the question, with a whole schedule as the suggestion."""
        words = ["", *self.question, ""]
        for before, word, following in zip(words, words[1:], words[2:], strict=False):
            if f"“{clean(word, 40)}”" in wrong.problem:
                suggest_for(word, wrong.problem, before, following)
        asked = parse(wrong.suggestion) if wrong.suggestion else wrong
        suggestion = EXAMPLE
        if isinstance(asked, QuestionCommand):
            default = asked.query.period == DEFAULT and str(DEFAULT) not in self.question
            self.question = [] if default else [str(asked.query.period)]
            with suppress(ScheduleWordsError):
                suggestion = f"schedule {self._scheduled(asked.query).words()}"
        understood = f"schedule {wrong.understood}" if wrong.understood else ""
        return CommandError(wrong.problem, understood, suggestion)

    def _take_cron(self, word: str) -> bool:
        if word.lower() == "cron":
            fields = self.words.take_many(5)
            if fields and " " in fields[0]:
                self.words.put_back(*fields[1:])
                fields = fields[:1]
            self._set_expression(" ".join(fields).replace('"', ""))
            return True
        quoted = word.replace('"', "").split()
        if word.startswith('"') and cron.looks_like_cron(quoted):
            self._set_expression(" ".join(quoted))
            return True
        five = [word, *self.words.upcoming(4)]
        if not cron.looks_like_cron(five):
            return False
        self.words.take_many(4)
        self._set_expression(" ".join(five))
        return True

    def _set_expression(self, expression: str) -> None:
        if self.expression:
            raise ScheduleWordsError("There are two cron expressions. Keep only one.")
        self.expression = expression or "nothing"

    def _take_frequency(self, word: str) -> bool:
        lower = word.lower()
        following = self.words.peek().lower()
        if lower in _TOO_OFTEN or (lower in {"every", "each"} and following in {"hour", "minute"}):
            raise ScheduleWordsError("A report can be sent at most once a day.", "")
        if lower in {"every", "each"} and following in _FREQUENCY_OF_UNIT:
            lower = _FREQUENCY_OF_UNIT[self.words.take().lower()]
        if lower not in FREQUENCIES:
            return False
        if self.frequency and self.frequency != lower:
            raise ScheduleWordsError(f"Choose either `{self.frequency}` or `{lower}`.")
        self.frequency = lower
        return True

    def _take_weekday(self, word: str) -> bool:
        names = [name for name in word.lower().split(",") if name]
        if not names or any(name not in DAYS for name in names):
            return False
        self.days.update(DAYS[name] for name in names)
        return True

    def _take_month_day(self, word: str) -> bool:
        lower = word.lower().removesuffix(",")
        if lower == "last":
            following = self.words.peek().lower()
            time_of_day = ":" in following or following.endswith(("am", "pm"))
            counted = following[:1].isdigit() and not time_of_day
            if self.frequency != "monthly" or following in _PERIOD_UNITS or counted:
                return self._last_day(following)
            self.last_day = True
            return True
        digits = lower[:-2] if lower[-2:] in {"st", "nd", "rd", "th"} else lower
        if not (digits.isascii() and digits.isdigit() and len(digits) < 5):
            return False
        if self.question and self.question[-1].lower() in {"top", "last"}:
            return False
        if self.frequency != "monthly":
            hour = int(digits)
            raise ScheduleWordsError(
                f"I can't read “{digits}” as a time or a period. Write a time like 9:00.",
                instead=(word, f"{hour if hour < 24 else 9}:00"),
            )
        if not 1 <= int(digits) <= 31:
            raise ScheduleWordsError(f"No month has a day {int(digits)}.", "")
        self.month_day = int(digits)
        return True

    def _last_day(self, following: str) -> bool:
        """Read `last day` after `monthly` as a day of the month; elsewhere it is a period."""
        if self.frequency == "monthly" and following == "day":
            self.words.take()
            self.last_day = True
            return True
        return False

    def _take_time(self, word: str) -> bool:
        lower = word.lower()
        if ":" not in lower:
            hour = lower[:-2]
            if lower[-2:] not in {"am", "pm"} or not (hour.isascii() and hour.isdigit()):
                return False
            lower = f"{hour}:00{lower[-2:]}"
        hours, _, remainder = lower.partition(":")
        minutes, am_pm = (
            (remainder[:-2], remainder[-2:]) if remainder[-2:] in {"am", "pm"} else (remainder, "")
        )
        if not (hours.isascii() and hours.isdigit()):
            return False
        if not am_pm and self.words.peek().lower() in {"am", "pm"}:
            am_pm = self.words.take().lower()
        at = time_of_day(hours, minutes, am_pm)
        if at is None:
            said = f"I can't read “{clean(word, 20)}” as a time. Write it like 9:00 or 17:30."
            raise ScheduleWordsError(said, instead=(word, "9:00"))
        if self.at and self.at != at:
            raise ScheduleWordsError(
                f"There are two times, {self.at:%H:%M} and {at:%H:%M}. Keep only one."
            )
        self.at = at
        return True

    def _take_zone(self, word: str) -> bool:
        if word.lower() == "tz":
            return False
        if self.question and self.question[-1].lower() == "tz":
            return False
        known = zone_names().get(word.lower())
        if known is None and ("/" not in word or ":" in word):
            return False
        if known is None:
            meant = nearest.zone(word)
            raise ScheduleWordsError(
                f"I don't recognize the time zone “{clean(word, 40)}”. Use a name like"
                " Europe/Berlin.",
                instead=(word, meant),
            )
        if self.zone and self.zone != known:
            raise ScheduleWordsError(
                f"There are two time zones, {self.zone} and {known}. Keep only one."
            )
        self.zone = known
        return True

    def _take_target(self, word: str) -> bool:
        lower = word.lower()
        if lower == "here":
            self._set_target(ScheduleTarget())
            return True
        if lower not in {"in", "to", "into"} and not lower.startswith(("<#", "#")):
            return False
        target_word = word if lower.startswith(("<#", "#")) else self.words.take()
        if lower == "in" and self._take_zone(target_word):
            return True
        self._set_target(_target_of(target_word, lower))
        return True

    def _set_target(self, target: ScheduleTarget) -> None:
        if self.target is not None and self.target != target:
            raise ScheduleWordsError(
                "A schedule can only go to one place. Set up a second one for the other."
            )
        self.target = target

    def _take_filler(self, word: str) -> bool:
        lower = word.lower().strip(",")
        if lower == "both":
            self.question += ["csv", "pdf"]
        return lower in _FILLERS


def _target_of(target_word: str, preposition: str) -> ScheduleTarget:
    lower = target_word.lower()
    if lower in {"me", "myself"}:
        return ScheduleTarget(TargetKind.PERSON)
    if lower in {"creators", "members", "everyone", "everybody"}:
        return ScheduleTarget(TargetKind.CREATORS)
    if lower in {"here", "this"}:
        return ScheduleTarget()
    if known := channel_mention(target_word):
        return ScheduleTarget(TargetKind.CHANNEL, *known)
    shown = clean(target_word, 40) if target_word else ""
    if target_word.startswith("#"):
        raise ScheduleWordsError(
            f"I can't tell which channel “{shown}” is. Pick it from the list that Slack shows while"
            " you type. For a private channel, use `here` inside it.",
            target="here",
        )
    if target_word.startswith(("<@", "@")):
        raise ScheduleWordsError(
            "A report can go to a channel, to you, or to every creator, but not to another person."
            " They can schedule it themselves.",
            target="to me",
        )
    instead = f", not “{shown}”" if shown else ""
    raise ScheduleWordsError(
        f"After `{preposition}` I need a channel like #finance, or `to me` or `to creators`"
        f"{instead}.",
        target="to me" if preposition == "to" else "here",
    )
