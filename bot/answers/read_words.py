"""Reads what somebody typed or said, with the names that they may use."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bot.answers import visibility
from bot.answers.known_names import known
from bot.services import Services, asker_of
from bot.slack.types import SlackUser
from reports.commands import parse_command
from reports.natural.parser import ParsedText
from reports.questions.grammar import CommandError, QuestionCommand
from reports.questions.query import Query
from reports.reader import Clock, read
from reports.schedules.grammar import ScheduledQuestion
from reports.time.timerange import zone_names
from reports.wording.slack_text import readable


def read_words(
    services: Services, person: SlackUser, text: str
) -> ParsedText | CommandError | None:
    """What somebody typed, as a command; None if nothing is asked, as in a greeting.

    `text` is without Slack's markup.
    """

    now, default = services.clock(), services.settings.zone
    zone = zone_names().get((person.zone or "").lower()) or default
    asker = asker_of(services, person, Query())
    names = partial(known, services.store, asker, now, default)
    return read(text, names, Clock(now, zone, default))


def question_words(services: Services, person: SlackUser, text: str) -> str | CommandError:
    """A question that a person typed into a form, in the words of the grammar; see `read_words`.

    Returns a CommandError if it can't be read or asks for nothing.
    """
    found = read_words(services, person, text)
    if found is None:
        return CommandError("Enter a question, for example: spend by creator")
    return found if isinstance(found, CommandError) else found.words


def note(services: Services, person: SlackUser, heard: ParsedText, words: str = "") -> str:
    """How a message was read, to show above its answer; `words` is what is answered where that is
    not what was read. Nothing where it was typed in just these words.
    """
    read_as = replace(heard, words=with_addresses(services, person, heard.words))
    answered = with_addresses(services, person, words or heard.words)
    return readable(read_as.note(services.settings.command, answered))


def with_addresses(services: Services, person: SlackUser, words: str) -> str:
    """A command with e-mail addresses in place of the Slack ids of people, which mean nothing to
    readers.
    """
    parsed = parse_command(words)
    if isinstance(parsed, QuestionCommand):
        named = addressed(services, person, parsed.query)
        return words if named == parsed.query else named.words()
    if isinstance(parsed, ScheduledQuestion):
        named = addressed(services, person, parsed.query)
        if named != parsed.query:
            return f"schedule {replace(parsed, query=named).words()}"
    return words


def addressed(services: Services, person: SlackUser, query: Query) -> Query:
    """A question with e-mail addresses in place of Slack ids."""
    return visibility.addressed(query, asker_of(services, person, query))
