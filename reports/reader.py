"""Parses what people type, in Slack and in the terminal.

The strict grammar is tried first. Other text is parsed as natural language, and the answer then
says how it was understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from reports.alerts.grammar import is_alert
from reports.commands import parse_command
from reports.natural.names import KnownNames
from reports.natural.parsed_text import ParsedText
from reports.natural.parser import parse_text, strictly
from reports.natural.refusals import refusal
from reports.natural.sentence import UNDERSTOOD
from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand
from reports.questions.query import LIVE
from reports.schedules.grammar import is_schedule
from reports.time.period_to_range import NotStartedError, ranges
from reports.usage.dimensions import Dimension
from reports.wording import suggestions as nearest
from reports.wording.safe_text import plain

BY_END_USER = "These are the end users that requests name; `by creator` shows members."
_QUOTED = re.compile(r'("[^"]*")')
_END_USER = re.compile(r"\bend users?\b(?!:)", re.IGNORECASE)
_BY_USER = re.compile(r"\bby users?(?![\w:-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of a question (aware), and two time zones.

    `zone` is the asker's zone: `september` and `monday` refer to their date. `default` is the zone
    of calendar periods if the question names none.
    """

    now: datetime
    zone: str = "UTC"
    default: str = "UTC"

    @property
    def today(self) -> date:
        """The asker's current date."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()


def read(
    text: str, names: Callable[[], KnownNames], clock: Clock, *, end_users: bool = False
) -> ParsedText | CommandError | None:
    """Parse typed text into a command of the grammar; None if it asks for nothing.

    `text` is without the mention of the bot. `names` gives the names that the asker may use; it is
    called only where the grammar does not cover the words. `end_users`: `by user` means the end
    users that requests name, which ClickHouse knows; else creators. `ParsedText.words` is always a
    command that `parse_command` reads; `ParsedText.note` is the sentence to show above its answer.
    """
    text = _outside_quotes(_END_USER, "end-user", text)
    strict = parse_command(text)
    if end_users and _may_be_by_end_user(strict):
        meant = _outside_quotes(_BY_USER, f"by {Dimension.END_USER}", text)
        again = parse_command(meant) if meant != text else strict
        if again is not strict and not isinstance(again, CommandError):
            return replace(strictly(meant, again), remarks=(BY_END_USER,))
    if isinstance(strict, HelpCommand) and _asks_more_than_help(text):
        parsed = parse_text(text, names(), clock.today, helps=True)
        return parsed if isinstance(parsed, ParsedText) else strictly(text, strict)
    if not isinstance(strict, CommandError):
        return strictly(text, strict)
    if strict.certain:
        return strict
    if not is_schedule(text) and not is_alert(text) and (why := refusal(text)):
        return CommandError(why, examples=())  # no example would help
    known = names()
    found = parse_text(text, known, clock.today)
    if isinstance(found, ParsedText) and not found.is_strict:
        typed = _zone(found)
        if typed and typed != clock.zone:
            found = parse_text(text, known, replace(clock, zone=typed).today)
        return _in_started_zone(found, clock) if isinstance(found, ParsedText) else found
    if not isinstance(found, CommandError):
        return found
    understood = found.problem.startswith(UNDERSTOOD)
    if strict.suggestion and not understood and not found.candidates:
        found = strict  # a typo in the grammar's own words
    if found.suggestion and not nearest.keeps_amounts(plain(text), found.suggestion):
        return replace(found, suggestion="")
    return found


def _asks_more_than_help(text: str) -> bool:
    """Whether `help` is only a word within a sentence: `does caching help the support bot`."""
    words = plain(text).casefold().split()
    return len(words) > 2 and "help" in words[1:] and "help" not in {words[0], words[-1].strip("?")}


def _outside_quotes(pattern: re.Pattern[str], instead: str, text: str) -> str:
    """The text with `instead` for each match that is not in a quoted name."""
    parts = _QUOTED.split(text)
    return "".join(one if one.startswith('"') else pattern.sub(instead, one) for one in parts)


def _may_be_by_end_user(read: object) -> bool:
    """Whether a question by creator could be asked by end user as well."""
    if not isinstance(read, QuestionCommand) or read.query.by is not Dimension.CREATOR:
        return False
    return read.query.kind in LIVE


def _zone(found: ParsedText) -> str:
    """The time zone that a question names."""
    read = parse_command(found.words)
    return (read.query.zone or "") if isinstance(read, QuestionCommand) else ""


def _in_started_zone(found: ParsedText, clock: Clock) -> ParsedText:
    """The parsed text, in the asker's zone if its period hasn't started in the default zone.

    In Tokyo it may be September while in UTC it is still August.
    """
    read = parse_command(found.words)
    if not isinstance(read, QuestionCommand) or read.query.zone or clock.zone == clock.default:
        return found
    try:
        ranges(read.query.period, clock.now, clock.default)
    except NotStartedError:
        asked = replace(read.query, zone=clock.zone)
        return replace(found, words=asked.words(), given=found.given | {"zone"})
    return found
