"""Takes the words of a schedule out of the words of its question; see `grammar_schedule`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import time

from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand, parse
from reports.questions.query import RUNNING, Query
from reports.schedules import cron
from reports.schedules.corrections import DAYS, EXAMPLE, RHYTHMS, Wrong, guess
from reports.schedules.cron import CronError
from reports.schedules.recurrence import (
    WORKDAYS,
    Daily,
    Monthly,
    Rule,
    TargetKind,
    Weekly,
    complete,
    usual_period,
)
from reports.schedules.schedule import ScheduledQuestion, ScheduleTarget
from reports.time.period import DEFAULT, Period
from reports.time.timerange import zone_names
from reports.usage.dimensions import Dimension, Metric
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean
from reports.wording.shared_grammar import channel_mention, time_of_day
from reports.wording.token_cursor import TokenCursor

_EVERY = {"day": "daily", "weekday": "weekdays", "week": "weekly", "month": "monthly"}
_TOO_OFTEN = {"hourly", "minutely"}
_FILLERS = {"at", "on", "every", "each", "the", "and", "with", "both", "none"}
_PERIOD_UNITS = {"hour", "day", "week", "month", "year"}


@dataclass(slots=True)
class ScheduleReader:
    """Takes the words of a schedule out of the words of its question."""

    words: TokenCursor = field(default_factory=TokenCursor)
    question: list[str] = field(default_factory=list)
    rhythm: str = ""
    days: set[int] = field(default_factory=set)
    month_day: int | None = None
    last_day: bool = False
    at: time | None = None
    zone: str | None = None
    place: ScheduleTarget | None = None
    expression: str = ""

    def read(self, words: list[str]) -> ScheduledQuestion | HelpCommand | CommandError:
        """The standing question, or what is wrong with it."""
        self.words = TokenCursor(words)
        if any(one.lower() == "monthly" for one in words):
            self.rhythm = "monthly"
        rules: tuple[Callable[[str], bool], ...] = (
            self._cron, self._rhythm, self._weekday, self._month_day, self._time, self._zone,
            self._place, self._filler,
        )  # fmt: skip
        while self.words:
            word = self.words.take()
            named = bool(self.question) and self.question[-1].endswith(":")
            if named or not any(rule(word) for rule in rules):
                self.question.append(word)
        asked = parse(" ".join(self.question))
        match asked:
            case HelpCommand():
                return asked
            case CommandError():
                return self._explained(asked)
            case QuestionCommand():
                return self._standing(asked.query)

    def _standing(self, query: Query) -> ScheduledQuestion:
        rule, at = self._rule(), self.at
        if self.expression:
            rule, cron_at = self._read_cron()
            if at and at != cron_at:
                raise Wrong("There are two times, one in the cron expression. Keep only one.")
            at = cron_at
        if query == Query(zone=query.zone, share=query.share, files=query.files):
            query = replace(query, metric=Metric.SPEND, by=Dimension.CREATOR)
        zone = query.zone or self.zone
        period = self._period(query, rule)
        query = replace(query, period=period, zone=None, share=False)
        return ScheduledQuestion(query, rule, at or time(9), zone, self.place or ScheduleTarget())

    def _period(self, query: Query, rule: Rule) -> Period:
        if query.kind in RUNNING:
            return query.period
        named = parse(" ".join(self.question))
        without = not isinstance(named, QuestionCommand) or not named.dated
        period: Period | None = usual_period(rule) if without else complete(query.period)
        if period is None:
            usual = usual_period(rule)
            asked = replace(query, period=usual, zone=None, share=False)
            standing = ScheduledQuestion(
                asked, rule, self.at or time(9), self.zone, self.place or ScheduleTarget()
            )
            raise Wrong(
                f"A schedule can't report on “{clean(str(query.period))}”. It reports on whole"
                " days, weeks, months or years, like yesterday, last week or `1m`.",
                f"schedule {standing.words()}",
            )
        return period

    def _rule(self) -> Rule:
        if self.expression:
            return Weekly()
        if self.rhythm in {"daily", "weekdays"} and (self.days or self.month_day):
            raise Wrong(f"`{self.rhythm}` already says which days. Keep it or the day, not both.")
        if self.rhythm == "daily":
            return Daily()
        if self.rhythm == "weekdays":
            return Weekly(WORKDAYS)
        if self.rhythm == "monthly":
            if self.days:
                raise Wrong(
                    "`monthly` needs a day of the month, like `monthly 15` or `monthly last`.",
                    "schedule monthly last spend by creator",
                )
            return Monthly(None if self.last_day else self.month_day or 1)
        return Weekly(frozenset(self.days or {0}))

    def _read_cron(self) -> tuple[Rule, time]:
        if self.rhythm or self.days:
            raise Wrong("The cron expression already says which days. Leave out the other day.")
        try:
            return cron.parse(self.expression)
        except CronError as wrong:
            question = " ".join(self.question) or "spend by creator"
            raise Wrong(str(wrong), f"schedule {wrong.meant} {question}") from None

    def _explained(self, wrong: CommandError) -> CommandError:
        """What is wrong with the question, with the whole schedule as the suggestion."""
        for word, following in zip(self.question, (*self.question[1:], ""), strict=True):
            if f"“{clean(word, 40)}”" in wrong.problem:
                guess(word, wrong.problem, following)
        asked = parse(wrong.suggestion) if wrong.suggestion else wrong
        suggestion = EXAMPLE
        if isinstance(asked, QuestionCommand):
            default = asked.query.period == DEFAULT and str(DEFAULT) not in self.question
            self.question = [] if default else [str(asked.query.period)]
            with suppress(Wrong):
                suggestion = f"schedule {self._standing(asked.query).words()}"
        understood = f"schedule {wrong.understood}" if wrong.understood else ""
        return CommandError(wrong.problem, understood, suggestion)

    def _cron(self, word: str) -> bool:
        if word.lower() == "cron":
            fields = self.words.take_many(5)
            if fields and " " in fields[0]:
                self.words.put_back(*fields[1:])
                fields = fields[:1]
            self._expression(" ".join(fields).replace('"', ""))
            return True
        quoted = word.replace('"', "").split()
        if word.startswith('"') and cron.looks_like_cron(quoted):
            self._expression(" ".join(quoted))
            return True
        five = [word, *self.words.upcoming(4)]
        if not cron.looks_like_cron(five):
            return False
        self.words.take_many(4)
        self._expression(" ".join(five))
        return True

    def _expression(self, expression: str) -> None:
        if self.expression:
            raise Wrong("There are two cron expressions. Keep only one.")
        self.expression = expression or "nothing"

    def _rhythm(self, word: str) -> bool:
        lower = word.lower()
        following = self.words.peek().lower()
        if lower in _TOO_OFTEN or (lower in {"every", "each"} and following in {"hour", "minute"}):
            raise Wrong("A report can be sent at most once a day.", "")
        if lower in {"every", "each"} and following in _EVERY:
            lower = _EVERY[self.words.take().lower()]
        if lower not in RHYTHMS:
            return False
        if self.rhythm and self.rhythm != lower:
            raise Wrong(f"Choose either `{self.rhythm}` or `{lower}`.")
        self.rhythm = lower
        return True

    def _weekday(self, word: str) -> bool:
        names = [name for name in word.lower().split(",") if name]
        if not names or any(name not in DAYS for name in names):
            return False
        self.days.update(DAYS[name] for name in names)
        return True

    def _month_day(self, word: str) -> bool:
        lower = word.lower().removesuffix(",")
        if lower == "last":
            following = self.words.peek().lower()
            time_of_day = ":" in following or following.endswith(("am", "pm"))
            counted = following[:1].isdigit() and not time_of_day
            if self.rhythm != "monthly" or following in _PERIOD_UNITS or counted:
                return self._last_day(following)
            self.last_day = True
            return True
        digits = lower[:-2] if lower[-2:] in {"st", "nd", "rd", "th"} else lower
        if not (digits.isascii() and digits.isdigit() and len(digits) < 5):
            return False
        if self.question and self.question[-1].lower() in {"top", "last"}:
            return False
        if self.rhythm != "monthly":
            hour = int(digits)
            raise Wrong(
                f"I can't read “{digits}” as a time or a period. Write a time like 9:00.",
                instead=(word, f"{hour if hour < 24 else 9}:00"),
            )
        if not 1 <= int(digits) <= 31:
            raise Wrong(f"No month has a day {int(digits)}.", "")
        self.month_day = int(digits)
        return True

    def _last_day(self, following: str) -> bool:
        """`last day` after `monthly` is a day of the month; anywhere else it is a period."""
        if self.rhythm == "monthly" and following == "day":
            self.words.take()
            self.last_day = True
            return True
        return False

    def _time(self, word: str) -> bool:
        lower = word.lower()
        if ":" not in lower:
            hour = lower[:-2]
            if lower[-2:] not in {"am", "pm"} or not (hour.isascii() and hour.isdigit()):
                return False
            lower = f"{hour}:00{lower[-2:]}"
        hours, _, rest = lower.partition(":")
        minutes, half = (rest[:-2], rest[-2:]) if rest[-2:] in {"am", "pm"} else (rest, "")
        if not (hours.isascii() and hours.isdigit()):
            return False
        if not half and self.words.peek().lower() in {"am", "pm"}:
            half = self.words.take().lower()
        at = time_of_day(hours, minutes, half)
        if at is None:
            said = f"I can't read “{clean(word, 20)}” as a time. Write it like 9:00 or 17:30."
            raise Wrong(said, instead=(word, "9:00"))
        if self.at and self.at != at:
            raise Wrong(f"There are two times, {self.at:%H:%M} and {at:%H:%M}. Keep only one.")
        self.at = at
        return True

    def _zone(self, word: str) -> bool:
        if word.lower() == "tz":
            return False
        if self.question and self.question[-1].lower() == "tz":
            return False
        known = zone_names().get(word.lower())
        if known is None and ("/" not in word or ":" in word):
            return False
        if known is None:
            meant = nearest.zone(word)
            raise Wrong(
                f"I don't recognize the time zone “{clean(word, 40)}”. Use a name like"
                " Europe/Berlin.",
                instead=(word, meant),
            )
        if self.zone and self.zone != known:
            raise Wrong(f"There are two time zones, {self.zone} and {known}. Keep only one.")
        self.zone = known
        return True

    def _place(self, word: str) -> bool:
        lower = word.lower()
        if lower == "here":
            self._take(ScheduleTarget())
            return True
        if lower not in {"in", "to", "into"} and not lower.startswith(("<#", "#")):
            return False
        named = word if lower.startswith(("<#", "#")) else self.words.take()
        if lower == "in" and self._zone(named):
            return True
        self._take(_place(named, lower))
        return True

    def _take(self, place: ScheduleTarget) -> None:
        if self.place is not None and self.place != place:
            raise Wrong("A schedule can only go to one place. Set up a second one for the other.")
        self.place = place

    def _filler(self, word: str) -> bool:
        lower = word.lower().strip(",")
        if lower == "both":
            self.question += ["csv", "pdf"]
        return lower in _FILLERS


def _place(named: str, word: str) -> ScheduleTarget:
    lower = named.lower()
    if lower in {"me", "myself"}:
        return ScheduleTarget(TargetKind.PERSON)
    if lower in {"creators", "members", "everyone", "everybody"}:
        return ScheduleTarget(TargetKind.CREATORS)
    if lower in {"here", "this"}:
        return ScheduleTarget()
    if known := channel_mention(named):
        return ScheduleTarget(TargetKind.CHANNEL, *known)
    shown = clean(named, 40) if named else ""
    if named.startswith("#"):
        raise Wrong(
            f"I can't tell which channel “{shown}” is. Pick it from the list that Slack shows while"
            " you type. For a private channel, use `here` inside it.",
            place="here",
        )
    if named.startswith(("<@", "@")):
        raise Wrong(
            "A report can go to a channel, to you, or to every creator, but not to another person."
            " They can schedule it themselves.",
            place="to me",
        )
    said = f", not “{shown}”" if shown else ""
    raise Wrong(
        f"After `{word}` I need a channel like #finance, or `to me` or `to creators`{said}.",
        place="to me" if word == "to" else "here",
    )
