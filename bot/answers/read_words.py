"""Parses what a person typed, with the names that they may see."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bot.answers import visibility
from bot.answers.known_names import known
from bot.services import Services, asker_of
from bot.slack.types import SlackUser
from reports.commands import parse_command
from reports.natural.parsed_text import ParsedText
from reports.questions.grammar import CommandError, QuestionCommand
from reports.questions.query import Query
from reports.reader import Clock, read
from reports.schedules.grammar import ScheduledQuestion
from reports.time.time_range import zone_names
from reports.wording.typed_text import readable


def read_words(
    services: Services, person: SlackUser, text: str
) -> ParsedText | CommandError | None:
    """Typed text as a command, or an error; None if it asks nothing, as in a greeting.

    `text` has no Slack markup.
    """

    now, default = services.clock(), services.settings.zone
    zone = zone_names().get((person.zone or "").lower()) or default
    asker = asker_of(services, person, Query())
    names = partial(known, services.store, asker, now, default)
    end_users = services.traces is not None
    return read(text, names, Clock(now, zone, default), end_users=end_users)


def question_words(services: Services, person: SlackUser, text: str) -> str | CommandError:
    """A question typed into a form, as words of the grammar.

    Returns a CommandError if it can't be parsed or asks nothing.
    """
    found = read_words(services, person, text)
    if found is None:
        return CommandError("Enter a question, for example: spend by creator")
    return found if isinstance(found, CommandError) else found.words


def note(services: Services, person: SlackUser, parsed: ParsedText, words: str = "") -> str:
    """How a message was understood, to show above its answer; "" if it was typed like that.

    `words` is the answered command if it differs from the parsed one.
    """
    read_as = replace(parsed, words=with_addresses(services, person, parsed.words))
    answered = with_addresses(services, person, words or parsed.words)
    return readable(read_as.note(services.settings.command, answered))


def with_addresses(services: Services, person: SlackUser, words: str) -> str:
    """A command with people's e-mail addresses instead of their Slack ids."""
    """
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
    """A question with people's e-mail addresses instead of Slack ids."""
    return visibility.addressed(query, asker_of(services, person, query))
