"""The words after `schedule` and `schedules`: a standing question, in any order.

    schedules = "schedules" [PAGE]
    schedule  = "schedule" { rhythm | time | zone | place | a word of a question }
    rhythm    = "daily" | "weekdays" | "weekly" | "monthly" | WEEKDAY { "," WEEKDAY }
              | "monthly" (DAY | "last") | ["cron"] FIVE FIELDS
    time      = "9:00" | "9am"               zone  = "Europe/Berlin"
    place     = "in" CHANNEL | "here" | "to" ("me" | "creators")

What is left of the words is a question; its period becomes the complete one before.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import time

from reports import cron, nearest
from reports.cron import CronError
from reports.grammar import LONGEST, Ask, CommandError, Help, parse, tokens
from reports.period import DEFAULT, Period
from reports.query import Dimension, Metric, Query
from reports.schedule import (
    WEEKDAYS,
    WORKDAYS,
    Daily,
    Monthly,
    Rule,
    Schedule,
    Target,
    Weekly,
    complete,
    usual_period,
)
from reports.text import clean, plain
from reports.timerange import zone_names

EXAMPLE = "schedule weekly spend by creator to me mon 9:00 Europe/Berlin"
EXAMPLES = (EXAMPLE, "schedule daily spend by model to me 8:30", "schedules")
_DAYS = {
    name: n
    for n, full in enumerate(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    )
    for name in (WEEKDAYS[n], full, f"{full}s")
} | {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
_RHYTHMS = {"daily": "daily", "weekdays": "weekdays", "weekly": "weekly", "monthly": "monthly"}
_EVERY = {"day": "daily", "weekday": "weekdays", "week": "weekly", "month": "monthly"}
_TOO_OFTEN = {"hourly", "minutely"}
_SELDOM = {
    "quarterly": "0 9 1 1,4,7,10 * 3m",
    "yearly": "0 9 1 1 * last year",
    "annually": "0 9 1 1 * last year",
}
_SPOKEN = {"noon": "12:00", "midday": "12:00", "midnight": "0:00"}
_BUTTONS = {"delete", "remove", "cancel", "stop", "pause", "resume", "edit", "preview", "run"}
_MOST_TRIES = 20
_FILLERS = {"at", "on", "every", "each", "the", "and", "with", "both", "none"}
_PERIOD_UNITS = {"hour", "day", "week", "month", "year"}
KNOWN = (*_RHYTHMS, *_DAYS, "here", "creators", "cron")


@dataclass(frozen=True, slots=True)
class Place:
    """Where reports are to go as it was typed; a channel by its id, and its name where known.

    Without a kind it is the conversation in which it was typed.
    """

    kind: Target | None = None
    id: str = ""
    name: str = ""

    def words(self) -> str:
        """The place as it is typed."""
        match self.kind:
            case Target.PERSON:
                return "to me"
            case Target.CREATORS:
                return "to creators"
            case Target.CHANNEL:
                return f"in <#{self.id}|{self.name}>"
        return ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A standing question: what, when, where. Without a zone it is the person's own."""

    query: Query
    rule: Rule
    at: time
    zone: str | None = None
    place: Place = Place()

    def schedule(self, zone: str) -> Schedule:
        """When it is due, where no zone is named in this one."""
        return Schedule(self.rule, self.at, self.zone or zone)

    def words(self) -> str:
        """The same in the grammar's own words."""
        when = str(Schedule(self.rule, self.at, self.zone or "")).strip()
        question = replace(self.query, zone=None).words()
        return " ".join(filter(None, (when, question, self.place.words())))


@dataclass(frozen=True, slots=True)
class ListSchedules:
    """The person wants to see their schedules."""

    page: int = 1


class _Wrong(ValueError):  # noqa: N818 - its text is what is said
    """`instead` is what would do in the place of a word, `corrected` a whole schedule that does.

    Without either it is what is left of the words without the wrong ones, with `place` after it.
    """

    def __init__(
        self,
        problem: str,
        corrected: str = EXAMPLE,
        instead: tuple[str, str] | None = None,
        place: str = "",
    ) -> None:
        super().__init__(problem)
        self.corrected = corrected
        self.instead = instead
        self.place = place


Read = Standing | ListSchedules | Help | CommandError


def is_schedule(text: str) -> bool:
    """Whether words are about schedules: the first of them says so."""
    first = text.split(maxsplit=1)[:1]
    return bool(first) and first[0].lower() in {"schedule", "schedules"}


def parse_schedule(text: str) -> Read:
    """Read the words of a schedule, `schedule` itself with them."""
    typed = plain(text).strip() if len(text) <= LONGEST * 5 else text
    if len(typed) > LONGEST:
        return CommandError(f"That is {len(typed):,} characters; a question has {LONGEST} at most.")
    words: list[str] = []
    place = ""
    try:
        first, *words = tokens(typed)
        if first.lower() == "schedules" or not words or words == ["list"]:
            return _list(words)
        found = _read(words)
    except _Wrong as wrong:
        found, place = CommandError(str(wrong), "", wrong.corrected), wrong.place
    except ValueError as error:
        found = CommandError(str(error), "", EXAMPLE)
    return _helpful(found, words, place) if isinstance(found, CommandError) else found


def _helpful(wrong: CommandError, words: list[str], place: str) -> CommandError:
    """With a suggestion that is right, as much as can be made of the words."""
    suggestion = wrong.suggestion
    if suggestion == EXAMPLE or not _is_right(suggestion):
        words = words if suggestion == EXAMPLE else tokens(suggestion)[1:]
        left = _left(words, wrong.problem)
        suggestion = f"schedule {left.words()} {place}".strip() if left else EXAMPLE
    return CommandError(wrong.problem, "", suggestion, EXAMPLES)


def _is_right(suggestion: str) -> bool:
    if suggestion in {"", "schedules"}:
        return True
    with suppress(ValueError):
        return isinstance(_Reader().read(tokens(suggestion)[1:]), Standing)
    return False


def _left(words: list[str], problem: str) -> Standing | None:
    """The schedule without one or two words beside each other, best without those complained of."""
    spans = [(at, at + count) for count in (1, 2) for at in range(len(words) - count, -1, -1)]
    complained = [f"“{clean(word, 40)}”" in problem for word in words]
    spans.sort(key=lambda span: not any(complained[span[0] : span[1]]))
    for start, end in spans[:_MOST_TRIES]:
        with suppress(ValueError):
            found = _Reader().read(words[:start] + words[end:])
            if isinstance(found, Standing):
                return found
    return None


def _read(words: list[str], tries: int = 2) -> Read:
    """Read; where a word is wrong and another would do in its place, suggest the whole with it."""
    if words[0].lower() in _BUTTONS:
        raise _Wrong(f"For “{clean(words[0])}” there is a button under `schedules`.", "schedules")
    try:
        return _Reader().read(words)
    except _Wrong as wrong:
        if wrong.instead and tries:
            bad, good = wrong.instead
            at = words.index(bad) if bad in words else -1
            again = [*words[:at], *good.split(), *words[at + 1 :]] if at >= 0 else words
            with suppress(ValueError):
                found = _read(again, tries - 1)
                if isinstance(found, Standing):
                    return CommandError(str(wrong), "", f"schedule {found.words()}")
        raise


def _list(words: list[str]) -> ListSchedules:
    page = words[0] if words else "1"
    if words in ([], ["list"]):
        return ListSchedules()
    if len(words) == 1 and page.isascii() and page.isdigit() and 1 <= int(page[:4]) <= 999:
        return ListSchedules(int(page[:4]))
    raise _Wrong(f"After `schedules` comes nothing, or the number of a page, not “{clean(page)}”.",
                 "schedules")  # fmt: skip


@dataclass(slots=True)
class _Reader:
    """Takes the words of a schedule out of the words of its question."""

    words: list[str] = field(default_factory=list)
    question: list[str] = field(default_factory=list)
    rhythm: str = ""
    days: set[int] = field(default_factory=set)
    month_day: int | None = None
    last_day: bool = False
    at: time | None = None
    zone: str | None = None
    place: Place | None = None
    expression: str = ""

    def read(self, words: list[str]) -> Read:
        """The standing question, or what is wrong with it."""
        self.words = words[::-1]
        if any(one.lower() == "monthly" for one in words):
            self.rhythm = "monthly"
        rules: tuple[Callable[[str], bool], ...] = (
            self._cron, self._rhythm, self._weekday, self._month_day, self._time, self._zone,
            self._place, self._filler,
        )  # fmt: skip
        while self.words:
            word = self.words.pop()
            named = bool(self.question) and self.question[-1].endswith(":")
            if named or not any(rule(word) for rule in rules):
                self.question.append(word)
        asked = parse(" ".join(self.question))
        match asked:
            case Help():
                return asked
            case CommandError():
                return self._explained(asked)
            case Ask():
                return self._standing(asked.query)

    def _standing(self, query: Query) -> Standing:
        rule, at = self._rule(), self.at
        if self.expression:
            rule, cron_at = self._read_cron()
            if at and at != cron_at:
                raise _Wrong("That names two times, one in the cron expression: keep one.")
            at = cron_at
        if query == Query(zone=query.zone, share=query.share, files=query.files):
            query = replace(query, metric=Metric.SPEND, by=Dimension.CREATOR)
        zone = query.zone or self.zone
        period = self._period(query, rule)
        query = replace(query, period=period, zone=None, share=False)
        return Standing(query, rule, at or time(9), zone, self.place or Place())

    def _period(self, query: Query, rule: Rule) -> Period:
        named = parse(" ".join(self.question))
        without = not isinstance(named, Ask) or not named.dated
        period: Period | None = usual_period(rule) if without else complete(query.period)
        if period is None:
            usual = usual_period(rule)
            asked = replace(query, period=usual, zone=None, share=False)
            standing = Standing(asked, rule, self.at or time(9), self.zone, self.place or Place())
            raise _Wrong(
                f"“{clean(str(query.period))}” cannot be asked again and again. A schedule reports"
                " on whole days, weeks, months or years: yesterday, last week, `1m`.",
                f"schedule {standing.words()}",
            )
        return period

    def _rule(self) -> Rule:
        if self.expression:
            return Weekly()
        if self.rhythm in {"daily", "weekdays"} and (self.days or self.month_day):
            raise _Wrong(f"`{self.rhythm}` names its days already; keep it or the day, not both.")
        if self.rhythm == "daily":
            return Daily()
        if self.rhythm == "weekdays":
            return Weekly(WORKDAYS)
        if self.rhythm == "monthly":
            if self.days:
                raise _Wrong(
                    "`monthly` runs on a day of the month, such as `monthly 15` or `monthly last`.",
                    "schedule monthly last spend by creator",
                )
            return Monthly(None if self.last_day else self.month_day or 1)
        return Weekly(frozenset(self.days or {0}))

    def _read_cron(self) -> tuple[Rule, time]:
        if self.rhythm or self.days:
            raise _Wrong("A cron expression says when by itself; leave the other day away.")
        try:
            return cron.parse(self.expression)
        except CronError as wrong:
            question = " ".join(self.question) or "spend by creator"
            raise _Wrong(str(wrong), f"schedule {wrong.meant} {question}") from None

    def _explained(self, wrong: CommandError) -> CommandError:
        """What is wrong with the question, with the whole schedule as the suggestion."""
        for word in self.question:
            if f"“{clean(word, 40)}”" in wrong.problem:
                _guess(word, wrong.problem)
        asked = parse(wrong.suggestion) if wrong.suggestion else wrong
        suggestion = EXAMPLE
        if isinstance(asked, Ask):
            default = asked.query.period == DEFAULT and str(DEFAULT) not in self.question
            self.question = [] if default else [str(asked.query.period)]
            with suppress(_Wrong):
                suggestion = f"schedule {self._standing(asked.query).words()}"
        understood = f"schedule {wrong.understood}" if wrong.understood else ""
        return CommandError(wrong.problem, understood, suggestion)

    def _cron(self, word: str) -> bool:
        if word.lower() == "cron":
            fields = [self.words.pop() for _ in range(min(5, len(self.words)))]
            if fields and " " in fields[0]:
                self.words += fields[:0:-1]
                fields = fields[:1]
            self._expression(" ".join(fields).replace('"', ""))
            return True
        quoted = word.replace('"', "").split()
        if word.startswith('"') and cron.looks_like_cron(quoted):
            self._expression(" ".join(quoted))
            return True
        five = [word, *self.words[:-5:-1]]
        if not cron.looks_like_cron(five):
            return False
        del self.words[-4:]
        self._expression(" ".join(five))
        return True

    def _expression(self, expression: str) -> None:
        if self.expression:
            raise _Wrong("There are two cron expressions: keep one.")
        self.expression = expression or "nothing"

    def _rhythm(self, word: str) -> bool:
        lower = word.lower()
        following = self.words[-1].lower() if self.words else ""
        if lower in _TOO_OFTEN or (lower in {"every", "each"} and following in {"hour", "minute"}):
            raise _Wrong("A report goes out at most once a day.", "schedule daily spend by model")
        if lower in {"every", "each"} and following in _EVERY:
            lower = _EVERY[self.words.pop().lower()]
        if lower not in _RHYTHMS:
            return False
        if self.rhythm and self.rhythm != lower:
            raise _Wrong(f"`{self.rhythm}` and `{lower}` are two rhythms: keep one.")
        self.rhythm = lower
        return True

    def _weekday(self, word: str) -> bool:
        names = [name for name in word.lower().split(",") if name]
        if not names or any(name not in _DAYS for name in names):
            return False
        self.days.update(_DAYS[name] for name in names)
        return True

    def _month_day(self, word: str) -> bool:
        lower = word.lower().removesuffix(",")
        if lower == "last":
            following = self.words[-1].lower() if self.words else ""
            clock = ":" in following or following.endswith(("am", "pm"))
            counted = following[:1].isdigit() and not clock
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
            raise _Wrong(
                f"“{digits}” is no time and no period. Write a time as 9:00.",
                instead=(word, f"{hour if hour < 24 else 9}:00"),
            )
        if not 1 <= int(digits) <= 31:
            raise _Wrong(
                f"No month has a day {int(digits)}.", "schedule monthly last spend by creator"
            )
        self.month_day = int(digits)
        return True

    def _last_day(self, following: str) -> bool:
        """`last day` after `monthly` is a day of the month; anywhere else it is a period."""
        if self.rhythm == "monthly" and following == "day":
            self.words.pop()
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
        if not half and self.words and self.words[-1].lower() in {"am", "pm"}:
            half = self.words.pop().lower()
        at = _clock(hours, minutes, half)
        if at is None:
            said = f"“{clean(word, 20)}” is no time of day. Write it as 9:00 or 17:30."
            raise _Wrong(said, instead=(word, "9:00"))
        if self.at and self.at != at:
            raise _Wrong(f"There are two times, {self.at:%H:%M} and {at:%H:%M}: keep one.")
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
            raise _Wrong(
                f"I know no time zone “{clean(word, 40)}”. Zones are called like Europe/Berlin.",
                instead=(word, meant),
            )
        if self.zone and self.zone != known:
            raise _Wrong(f"There are two time zones, {self.zone} and {known}: keep one.")
        self.zone = known
        return True

    def _place(self, word: str) -> bool:
        lower = word.lower()
        if lower == "here":
            self._take(Place())
            return True
        if lower not in {"in", "to", "into"} and not lower.startswith(("<#", "#")):
            return False
        named = word if lower.startswith(("<#", "#")) else self.words.pop() if self.words else ""
        if lower == "in" and self._zone(named):
            return True
        self._take(_place(named, lower))
        return True

    def _take(self, place: Place) -> None:
        if self.place is not None and self.place != place:
            raise _Wrong("That names two places: a schedule has one. Make a second one for it.")
        self.place = place

    def _filler(self, word: str) -> bool:
        lower = word.lower().strip(",")
        if lower == "both":
            self.question += ["csv", "pdf"]
        return lower in _FILLERS


def _guess(word: str, problem: str) -> None:
    """Raise what a word that no question has may have meant, if that can be guessed."""
    lower = word.lower()
    zone = nearest.city(word)
    hours, dot, minutes = lower.partition(".")
    if lower in _SELDOM:
        said = f"“{clean(word)}” is no rhythm that has a word: cron's five fields name its days."
        raise _Wrong(said, instead=(word, _SELDOM[lower]))
    if lower in _SPOKEN:
        raise _Wrong(f"“{clean(word)}” is no time: write it in digits.",
                     instead=(word, _SPOKEN[lower]))  # fmt: skip
    if dot and hours.isascii() and hours.isdigit() and _clock(hours, minutes, ""):
        raise _Wrong(f"“{clean(word)}” is no time: it has a colon.",
                     instead=(word, f"{hours}:{minutes}"))  # fmt: skip
    if zone:
        raise _Wrong(f"“{clean(word, 40)}” is a city: its time zone has a longer name.",
                     instead=(word, zone))  # fmt: skip
    if (word.isalpha() and word.isupper() and len(word) in {3, 4}) or lower[:3] in {"utc", "gmt"}:
        raise _Wrong(
            f"I know no time zone “{clean(word, 40)}”. Zones are called like Europe/Berlin; without"
            " any it is your own, as Slack knows it."
        )
    meant = nearest.word(word, KNOWN)
    if meant:
        raise _Wrong(problem, instead=(word, meant))


def _place(named: str, word: str) -> Place:
    lower = named.lower()
    if lower in {"me", "myself"}:
        return Place(Target.PERSON)
    if lower in {"creators", "members", "everyone", "everybody"}:
        return Place(Target.CREATORS)
    if lower in {"here", "this"}:
        return Place()
    if named.startswith("<#") and named.endswith(">"):
        id_, _, name = named[2:-1].partition("|")
        if id_.isascii() and id_.isalnum() and id_[:1] in {"C", "G"}:
            return Place(Target.CHANNEL, id_, name)
    shown = clean(named, 40) if named else ""
    if named.startswith("#"):
        raise _Wrong(
            f"I cannot tell which channel “{shown}” is. Pick it from the list that Slack shows as"
            " you type; a private channel, from within it with `here`.",
            place="here",
        )
    if named.startswith(("<@", "@")):
        raise _Wrong(
            "A report goes to a channel, to yourself, or to every creator their own part, but not"
            " to another person: they can schedule it themselves.",
            place="to me",
        )
    said = f"not “{shown}”" if shown else "but nothing follows"
    raise _Wrong(
        f"After `{word}` comes a channel such as #finance, or `to me` or `to creators`, {said}.",
        place="to me" if word == "to" else "here",
    )


def _clock(hours: str, minutes: str, half: str) -> time | None:
    if not (minutes.isascii() and minutes.isdigit()) or len(minutes) != 2 or len(hours) > 2:
        return None
    hour, minute = int(hours), int(minutes)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
