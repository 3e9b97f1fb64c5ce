"""Reads what somebody typed or said, with the names that they may use."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bot.answers import visibility as sight
from bot.answers.known_names import known
from bot.services import Asking, asker_of
from bot.slack.client import Person
from reports.commands import parse_command
from reports.natural.parser import Heard
from reports.questions.grammar import Ask, CommandError
from reports.questions.query import Query
from reports.reader import Clock, read
from reports.schedules.grammar import Standing
from reports.time.timerange import zone_names
from reports.wording.slack_text import readable


def read_words(asking: Asking, person: Person, text: str) -> Heard | CommandError | None:
    """What somebody typed, as a command; None if nothing is asked, as in a greeting.

    `text` is without Slack's markup.
    """

    now, default = asking.clock(), asking.settings.zone
    zone = zone_names().get((person.zone or "").lower()) or default
    asker = asker_of(asking, person, Query())
    names = partial(known, asking.store, asker, now, default)
    return read(text, names, Clock(now, zone, default))


def note(asking: Asking, person: Person, heard: Heard, words: str = "") -> str:
    """How a message was read, to show above its answer; `words` is what is answered where that is
    not what was read. Nothing where it was typed in just these words.
    """
    read_as = replace(heard, words=with_addresses(asking, person, heard.words))
    answered = with_addresses(asking, person, words or heard.words)
    return readable(read_as.note(asking.settings.command, answered))


def with_addresses(asking: Asking, person: Person, words: str) -> str:
    """A command with e-mail addresses in place of the Slack ids of people, which mean nothing to
    readers.
    """
    parsed = parse_command(words)
    if isinstance(parsed, Ask):
        named = addressed(asking, person, parsed.query)
        return words if named == parsed.query else named.words()
    if isinstance(parsed, Standing):
        named = addressed(asking, person, parsed.query)
        if named != parsed.query:
            return f"schedule {replace(parsed, query=named).words()}"
    return words


def addressed(asking: Asking, person: Person, query: Query) -> Query:
    """A question with e-mail addresses in place of Slack ids."""
    return sight.addressed(query, asker_of(asking, person, query))
