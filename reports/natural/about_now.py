"""Reads questions about now: the balance, budgets, limits and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

from reports.natural import vocabulary
from reports.natural.names import KnownNames
from reports.natural.parsed_text import ParsedText, of_command
from reports.natural.rules.end_dates import last_day_to_come
from reports.natural.rules.kinds import ABOUT_NOW
from reports.natural.sentence import ONLY_NAMED, UnknownWordError, read_leniently, read_sentence
from reports.natural.topics import is_about_balance
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.kind_options import days_of
from reports.questions.query import Query, QueryKind
from reports.questions.topics import BALANCE, BUDGET, PERSONAL, not_taken, until_words
from reports.usage.dimensions import Dimension, Filter
from reports.wording.safe_text import clean

_LASTING = {"last", "lasts", "lasting", "until", "till", "through", "enough", "suffice", "out"}
_TOPPING_UP = {"top", "topup", "top-up", "refill", "recharge", "deposit"}
_RUNNING = {"today", "this day", "this week", "this month", "this year"}


def read_about_now(
    topic: str, typed: str, known: KnownNames, today: date
) -> ParsedText | CommandError:
    """Parse a question about the balance, the budgets or oneself; `topic` is its command.

    What such a command doesn't take is refused, and so are unknown words.
    """
    command = topic.partition(" ")[0]
    if command not in {BALANCE, BUDGET}:
        return ParsedText(topic)
    if topic == BALANCE:
        topic, typed = _with_last_day(typed, today)
    try:
        reader, unknown = read_leniently(typed, known, today)
    except ValueError as wrong:  # a quotation mark is missing
        return CommandError(str(wrong))
    all_budgets = _all_budgets(typed) if command == BUDGET else ()
    if all_budgets:
        return ParsedText(topic, remarks=all_budgets)
    spoken = [word.casefold().strip("?!.,") for word in typed.split()]
    words = {one for one, after in pairwise((*spoken, "")) if after not in vocabulary.UNITS}
    period = next(iter(reader.given.pop("period", ())), "")
    if words & _TOPPING_UP and reader.given.get("filter") == ["creator:me"]:
        del reader.given["filter"]  # `when should I top up`
    if period in _RUNNING and topic == BALANCE and "left" in typed.casefold():
        topic = f"{BALANCE} {period}"  # `how much is left this month`: does it last?
    if "filter" in reader.given:  # of a key or a person, limits say what is left
        named = " ".join(word for word in typed.split() if word.casefold() not in ONLY_NAMED)
        read = read_sentence(named, known, today, kind=QueryKind.LIMITS)
        return read if isinstance(read, CommandError) else narrowed(QueryKind.LIMITS, "", read)
    if refused := _refused(reader.given, period):
        when = refused == "period" and command == BALANCE and words & _LASTING
        return CommandError(UNTIL_WHEN if when else not_taken(command, refused), examples=())
    zone = next(iter(reader.given.get("zone", ())), "")
    if zone and isinstance(unreadable := parse(f"1d {zone}"), CommandError):
        return unreadable
    if zone and command == BUDGET:
        return CommandError(not_taken(command, "zone"), examples=())
    begun = typed.casefold().split()[0] in PERSONAL
    strange = (word for word in unknown if begun or not is_about_balance(word))
    if word := next(strange, ""):
        return _strange(command, word)
    remarks = (YES_LASTS,) if topic.startswith(f"{BALANCE} ") and "out" in words else ()
    return ParsedText(f"{topic} {zone}".strip(), remarks=remarks)


YES_LASTS = "“Yes” means that the credits last."
"""A remark if it was asked whether they run out."""
UNTIL_WHEN = (
    "I can't tell until when the credits should last. Name one day to come, as in"
    " `balance until 2027-01-15`, or `balance this month`."
)


def _strange(command: str, word: str) -> CommandError:
    """The error for a word that is part of a date which can't be read, or unknown."""
    bare = word.casefold().strip("?!.,")
    dated = bare in vocabulary.MONTHS or bare in vocabulary.WEEKDAYS or bare[:1].isdigit()
    if command == BALANCE and dated:
        return CommandError(UNTIL_WHEN, examples=())
    return CommandError(str(UnknownWordError(word)), examples=())


def _with_last_day(typed: str, today: date) -> tuple[str, str]:
    """The command for the balance, through a day if one to come is named, and the other words."""
    words = typed.split()
    bare = [word.casefold().strip("?!.,") for word in words]
    lasts = bool({one for one, after in pairwise((*bare, "")) if after not in vocabulary.UNITS}
                 & _LASTING)  # fmt: skip
    try:
        found = last_day_to_come(bare, today, lasts=lasts)
    except ValueError:  # a date with two meanings, which is then refused as a period
        found = None
    if found is None:
        return BALANCE, typed
    start, end, last = found
    return f"{BALANCE} {until_words(last)}", " ".join((*words[:start], *words[end:])) or BALANCE


def _refused(given: Mapping[str, Sequence[str]], period: str) -> str:
    """The first part of a question that an answer about now doesn't take; empty if all fit."""
    if period and period not in _RUNNING:
        return "period"
    if "byok" in given.get("source", ()):
        return "source"
    if {"tokens", "requests"} & set(given.get("metric", ())):
        return "metric"
    return next((one for one in ("by", "versus", "file", "top", "share") if one in given), "")


_NOBODY = {"the", "this", "our", "us", "all", "everything", "everyone", "month", "week", "year",
           "day", "today", "now", "team", "organization", "org", "company", "openrouter", "and",
           "limits", "keys", "workspaces", "a", "my", "me"}  # fmt: skip
"""Words after `budget for` that name no member."""


def _all_budgets(typed: str) -> tuple[str, ...]:
    """A remark if one budget was requested (`for marketing`), because the answer lists all
    budgets."""
    words = typed.strip(" ?!.").split()
    at = next((n for n, word in enumerate(words) if word.casefold() in {"for", "of"}), len(words))
    after = [word for word in words[at + 1 :] if word.casefold() not in _NOBODY]
    shown = clean(" ".join(words[at:]), 40)
    return (f"These are all budgets and limits; I didn't look for “{shown}”.",) if after else ()


def narrowed(kind: QueryKind, own: str, read: ParsedText | None) -> ParsedText:
    """A question about the present: its own words, and the filters that were recognized."""
    recurrence = read.recurrence if read else ""
    start = f"schedule {recurrence} " if recurrence else ""
    found = parse(read.words.removeprefix(start)) if read else None
    filters = found.query.filters if isinstance(found, QuestionCommand) else ()
    if "me" in own.split():  # this already says it
        filters = tuple(one for one in filters if one != Filter(Dimension.CREATOR, "me"))
    remarks = read.remarks if read else ()
    if any(map(days_of, own.split())):  # its days are part of the question
        remarks = tuple(one for one in remarks if one != ABOUT_NOW)
    query = found.query if isinstance(found, QuestionCommand) else Query(kind=kind)
    query = replace(query, extra=tuple(own.split()), filters=filters)
    typed = of_command(query.words(), remarks)
    return replace(typed, words=f"{start}{typed.words}", recurrence=recurrence)
