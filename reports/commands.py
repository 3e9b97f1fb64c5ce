"""Parses a command: a question, or words about schedules, alerts or the bot itself."""

from __future__ import annotations

from reports.admin.grammar import WORDS, AuditRequest, HelpRequest, StatusRequest, parse_admin
from reports.alerts.grammar import (
    EXAMPLES,
    QUIETS,
    ListAlerts,
    SetQuiet,
    is_alert,
    parse_alert,
    quiet_meant,
)
from reports.alerts.rule import Rule
from reports.questions import grammar
from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand
from reports.questions.topics import (
    BalanceAsked,
    BudgetAsked,
    MeAsked,
    TopicAsked,
    personal,
    topic_of,
)
from reports.schedules.grammar import ListSchedules, ScheduledQuestion, is_schedule, parse_schedule
from reports.wording import suggestions as nearest
from reports.wording.safe_text import plain
from reports.wording.shared_grammar import list_request

Command = (
    QuestionCommand | HelpCommand | ScheduledQuestion | ListSchedules | Rule | ListAlerts | SetQuiet
    | StatusRequest | AuditRequest | HelpRequest | BalanceAsked | BudgetAsked | MeAsked | TopicAsked
)  # fmt: skip


def parse_command(text: str) -> Command | CommandError:
    """Parse the words after the command's name; problems are returned as CommandError."""
    if is_schedule(text):
        return parse_schedule(text)
    if is_alert(text):
        return parse_alert(text)
    about = parse_admin(text)
    if about is not None:
        return about
    words = plain(text[: grammar.LONGEST]).split()
    if own := personal(words):
        return own
    if topic := topic_of(words):
        return TopicAsked(topic, " ".join(words))
    found = grammar.parse(text)
    return _with_other_suggestion(found, text) if isinstance(found, CommandError) else found


def _with_other_suggestion(found: CommandError, text: str) -> CommandError:
    """The error for words that aren't a question, with a suggestion for other commands."""
    first, _, rest = plain(text[: grammar.LONGEST]).strip().partition(" ")
    there = list_request([first, *rest.split()])
    if there:
        return CommandError(there.instructions(), "", there.listing)
    meant = nearest.word(first, ("schedule", "schedules", "alert", "alerts", "quiet", *WORDS))
    if meant == "quiet":
        said = "Quiet hours are set with `alert quiet`."
        return CommandError(said, "", quiet_meant(rest.split()), QUIETS)
    if meant in WORDS:
        return CommandError(found.problem, "", meant)
    if meant and is_alert(meant):
        return _with_alert_suggestion(found, f"{meant} {rest}")
    if meant:
        again = parse_schedule(f"{meant} {rest}")
        if isinstance(again, ScheduledQuestion):
            return CommandError(found.problem, "", f"schedule {again.words()}")
        if isinstance(again, ListSchedules):
            return CommandError(found.problem, "", "schedules")
    return found


def _with_alert_suggestion(found: CommandError, meant: str) -> CommandError:
    """The error for a misspelled alert command, with a suggestion."""
    again = parse_alert(meant)
    if isinstance(again, Rule):
        return CommandError(found.problem, "", f"alert {again.words()}", EXAMPLES)
    return CommandError(found.problem, "", "alerts", EXAMPLES)
