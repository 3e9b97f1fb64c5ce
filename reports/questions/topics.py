"""Recognizes commands and questions that aren't about usage figures.

Each topic is answered by its own code. `not_yet` is the answer for topics without any, so that
people don't get the answer to another question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from reports.questions.kinds import kind_of
from reports.time.period import Calendar, Month, Unit
from reports.time.time_range import zone_names

THIS_MONTH = Calendar(Unit.MONTH)
_MONTHS = {
    ("this", "month"): THIS_MONTH,
    ("mtd",): THIS_MONTH,
    ("last", "month"): Calendar(Unit.MONTH, last=True),
}
"""The words after `me`, besides a month such as `2026-10`."""


class Topic(StrEnum):
    """The subject of a question; the value is the first word of its command."""

    FORECAST = "forecast"
    WHY = "why"
    PRICE = "price"
    CACHE = "cache"
    WHATIF = "whatif"
    LIMITS = "limits"
    KEYS = "keys"
    RETIRING = "retiring"
    NEW = "new"
    LATENCY = "latency"
    ERRORS = "errors"
    APP = "by app"
    WORKSPACE = "by workspace"
    TEAM = "by team"


@dataclass(frozen=True, slots=True)
class TopicAsked:
    """A question about a topic; `words` is the typed question."""

    topic: Topic
    words: str = ""


@dataclass(frozen=True, slots=True)
class BalanceAsked:
    """A request for the remaining credits, and how long they will last.

    `until` is set where it is asked if they last through the running day, week, month or year, or
    through a day to come. `zone` is the time zone of the answer, if one was named.
    """

    until: Unit | date | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class BudgetAsked:
    """A request for the use of budgets and limits."""


@dataclass(frozen=True, slots=True)
class MeAsked:
    """A request for one's own usage in a month, which is this one unless another was named."""

    period: Calendar | Month = THIS_MONTH


Personal = BalanceAsked | BudgetAsked | MeAsked
BALANCE, BUDGET, ME = "balance", "budget", "me"

_COMMANDS: dict[tuple[str, ...], Personal] = {
    ("balance",): BalanceAsked(),
    ("credits",): BalanceAsked(),
    ("credits", "left"): BalanceAsked(),
    ("budget",): BudgetAsked(),
    ("budgets",): BudgetAsked(),
    ("me",): MeAsked(),
}
PERSONAL = frozenset({BALANCE, BUDGET, "budgets", ME})
"""The first words of commands that are such requests."""
_UNTIL: dict[tuple[str, ...], Unit] = {
    ("today",): Unit.DAY,
    ("this", "day"): Unit.DAY,
    ("this", "week"): Unit.WEEK,
    ("this", "month"): Unit.MONTH,
    ("this", "year"): Unit.YEAR,
}
"""The words after `balance`, and through what the credits should last."""
_NOT_YET = {
    Topic.APP: "I can't group or filter by app yet",
    Topic.WORKSPACE: "I can't group or filter by workspace yet",
    Topic.TEAM: "I can't group or filter by team yet",
}
_INSTEAD: dict[Topic, str] = {}
_BY = {"by", "per", "each", "which", "across"}
_WRITTEN_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_WRITTEN_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_UPCOMING = {
    **dict.fromkeys(("app", "apps", "application", "applications"), Topic.APP),
    **dict.fromkeys(("workspace", "workspaces"), Topic.WORKSPACE),
    **dict.fromkeys(("team", "teams", "department", "departments"), Topic.TEAM),
}
"""What usage can't be grouped by yet."""


_OF_A_TEAM = {"member", "members", "mate", "mates"}
"""Words that make `team` a word for people."""


def not_yet(topic: Topic) -> str:
    """A sentence that a topic has no answer yet, and what works instead."""
    instead = _INSTEAD.get(topic, "model, key and creator work")
    return f"{_NOT_YET[topic]}; {instead}."


def personal(words: Sequence[str]) -> Personal | None:
    """The request for words like `balance` or `me`, ignoring case; None for others."""
    lower = tuple(word.casefold() for word in words)
    zone = zone_names().get(lower[-1]) if lower[-2:-1] == ("tz",) else None
    found = _personal(lower[:-2] if zone else lower)
    if zone and found:
        return replace(found, zone=zone) if isinstance(found, BalanceAsked) else None
    return found


def _personal(lower: tuple[str, ...]) -> Personal | None:
    if lower[:1] == (BALANCE,) and (unit := _UNTIL.get(lower[1:])):
        return BalanceAsked(unit)
    if lower[:2] == (BALANCE, "until") and (day := _day(lower[2:])):
        return BalanceAsked(day)
    if lower[:1] == (ME,) and (month := _MONTHS.get(lower[1:]) or _month(lower[1:])):
        return MeAsked(month)
    return _COMMANDS.get(lower)


def _month(words: Sequence[str]) -> Month | None:
    """The month that is written as `2026-10`."""
    written = _WRITTEN_MONTH.fullmatch(" ".join(words))
    try:
        return Month(int(written[1]), int(written[2])) if written else None
    except ValueError:
        return None


def _day(words: Sequence[str]) -> date | None:
    """The day that is written as `2026-12-25`."""
    if len(words) != 1 or not _WRITTEN_DAY.fullmatch(words[0]):
        return None
    try:
        return date.fromisoformat(words[0])
    except ValueError:
        return None


def until_words(unit: Unit | date) -> str:
    """The words after `balance` that ask if the credits last through a unit of time or a day."""
    if isinstance(unit, date):
        return f"until {unit.isoformat()}"
    return "today" if unit is Unit.DAY else f"this {unit}"


def balance_words(asked: BalanceAsked) -> str:
    """The command that asks for the balance."""
    until = f" {until_words(asked.until)}" if asked.until else ""
    return f"{BALANCE}{until}{f' tz {asked.zone}' if asked.zone else ''}"


def not_taken(command: str, part: str) -> str:
    """A sentence that `balance` or `budget` takes no such part, and what does.

    `part` is named as in `QuestionCommand.given`.
    """
    what = _PARTS.get(part, part)
    if command == BUDGET:
        return (
            f"`budget` lists what is used of every limit now, so it takes no {what}; `limits` can"
            " be narrowed to a key or a person, and has files."
        )
    instead = {
        "by": "`limits` lists what each key and member has left",
        "period": "`spend credits last month` shows what was spent",
        "file": "`spend credits csv` is a file of what was spent",
    }.get(part)
    said = f"The balance is what the organization has left now, so `balance` takes no {what}"
    return f"{said}; {instead}." if instead else f"{said}."


_PARTS = {
    "by": "`by`",
    "versus": "comparison",
    "top": "`top`",
    "zone": "time zone",
    "share": "`share`",
    "source": "`byok`",
}


def topic_of(words: Sequence[str]) -> Topic | None:
    """The topic that a command names: by its first word, or by what it groups or filters by."""
    lower = [word.casefold() for word in words]
    first = lower[0] if lower else ""
    if kind_of(first):
        return None
    return ungroupable(lower)


def ungroupable(lower: Sequence[str]) -> Topic | None:
    """The topic of `by team`, `which app`, `provider:x`, in lower-case words."""
    for before, word, after in zip(("", *lower), lower, (*lower[1:], ""), strict=False):
        kind, colon, _ = word.partition(":")
        topic = _UPCOMING.get(kind.strip("?!.,-"))
        if after.strip("?!.,") in _OF_A_TEAM:
            continue
        if topic and (colon or before in _BY):
            return topic
    return None
