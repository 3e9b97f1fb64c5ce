"""Converts a schedule to the fields of a form, and back.

The fields are converted to a command that the grammar parses, so the form has the same defaults
and errors as the command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum

from reports.questions.form_error import (
    FormError,
    QuestionWords,
    field_error_text,
    parse_typed,
    strict_words,
)
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import FileFormat
from reports.schedules.corrections import FREQUENCIES
from reports.schedules.cron import Cron, CronError
from reports.schedules.cron import parse as parse_cron
from reports.schedules.grammar import ScheduledQuestion, ScheduleTarget, parse_schedule
from reports.schedules.recurrence import (
    WEEKDAYS,
    WORKDAYS,
    Daily,
    Monthly,
    TargetKind,
    Weekly,
    usual_period,
)
from reports.time.period import DEFAULT
from reports.time.time_range import zone_names
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean

LAST = "last"
_HAS_OTHER_FIELDS = (
    "Only enter the question here. How often, when, where and files have their own fields."
)


class ScheduleField(StrEnum):
    """The fields of the form."""

    QUESTION = "form_question"
    OFTEN = "form_often"
    DAYS = "form_days"
    MONTH_DAY = "form_month_day"
    CRON = "form_cron"
    AT = "form_at"
    ZONE = "form_zone"
    TO = "form_to"
    CHANNEL = "form_channel"
    FILES = "form_files"


class Frequency(StrEnum):
    """How often a report is sent."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class ScheduleFields:
    """The values of the form; fields that don't apply to `often` and `to` are ignored.

    `days` are names such as `mon`, `month_day` a number or `last`, `at` is `HH:MM`.
    """

    question: str = "spend by creator"
    often: str = Frequency.WEEKLY
    days: tuple[str, ...] = (WEEKDAYS[0],)
    month_day: str = "1"
    cron: str = "0 9 * * 1"
    at: str = "09:00"
    zone: str = "UTC"
    to: str = TargetKind.PERSON
    channel: str = ""
    files: tuple[str, ...] = ()


def fields_of(scheduled: ScheduledQuestion, zone: str) -> ScheduleFields:
    """The fields of a schedule; `zone` is the default time zone."""
    rule = scheduled.rule
    found = ScheduleFields(
        question=_question(scheduled),
        at=f"{scheduled.at:%H:%M}",
        zone=scheduled.zone or zone,
        to=scheduled.target.kind or TargetKind.PERSON,
        channel=scheduled.target.id,
        files=tuple(scheduled.query.files),
    )
    match rule:
        case Daily():
            return replace(found, often=Frequency.DAILY)
        case Weekly(days) if days == WORKDAYS:
            return replace(found, often=Frequency.WEEKDAYS)
        case Weekly(days):
            return replace(found, days=tuple(WEEKDAYS[day] for day in sorted(days)))
        case Monthly(day):
            return replace(found, often=Frequency.MONTHLY, month_day=str(day or LAST))
        case Cron():
            return replace(found, often=Frequency.CRON, cron=str(rule))


def read_fields(
    fields: ScheduleFields, rewrite: QuestionWords = strict_words
) -> ScheduledQuestion | FormError:
    """The schedule of the fields, or the field with an error and its text.

    `rewrite` converts natural language in the question field.
    """
    when = _timing_words(fields)
    if isinstance(when, FormError):
        return when
    target = _target(fields)
    if isinstance(target, FormError):
        return target
    asked, question = parse_typed(fields.question, rewrite)
    if isinstance(asked, CommandError):
        return FormError(ScheduleField.QUESTION, _question_error(fields.question, asked, when))
    if not isinstance(asked, QuestionCommand):
        return FormError(ScheduleField.QUESTION, "Enter a question, for example: spend by creator")
    words = ["schedule", when, question, *fields.files, target.words()]
    found = parse_schedule(" ".join(filter(None, words)))
    if isinstance(found, CommandError):
        return FormError(ScheduleField.QUESTION, _error_with_question(found))
    meant = parse_schedule(" ".join(["schedule", when, target.words()]))
    if not (isinstance(found, ScheduledQuestion) and isinstance(meant, ScheduledQuestion)):
        return FormError(ScheduleField.QUESTION, _HAS_OTHER_FIELDS)
    same = (found.rule, found.at, found.zone, found.target)
    if same != (meant.rule, meant.at, meant.zone, meant.target):
        return FormError(ScheduleField.QUESTION, _HAS_OTHER_FIELDS)
    return replace(found, target=target)


def _question_error(question: str, error: CommandError, when: str) -> str:
    """The error for an invalid question; words like `weekly` belong in their own field."""
    if any(word.lower() in FREQUENCIES for word in question.split()):
        return _HAS_OTHER_FIELDS
    asked, scheduled = parse(error.suggestion), parse_schedule(f"schedule {when}")
    if not (
        isinstance(asked, QuestionCommand)
        and error.suggestion
        and isinstance(scheduled, ScheduledQuestion)
    ):
        return field_error_text(error)
    query = asked.query
    if query.period == DEFAULT and str(DEFAULT) not in question.split():
        query = replace(query, period=usual_period(scheduled.rule))
    suggested = _question(replace(scheduled, query=query))
    return field_error_text(CommandError(error.problem, "", suggested))


def _error_with_question(error: CommandError) -> str:
    suggested = parse_schedule(error.suggestion) if error.suggestion else None
    if not isinstance(suggested, ScheduledQuestion):
        return error.problem[:1_000]
    return field_error_text(CommandError(error.problem, "", _question(suggested)))


def _timing_words(fields: ScheduleFields) -> str | FormError:
    """The command words for rule, time and zone, or the field with an error."""
    typed = fields.zone.strip()
    zone = zone_names().get(typed.lower())
    if zone is None:
        typed_zone, similar = clean(typed, 40) if typed else "", nearest.zone(typed)
        problem = (
            f"I don't recognize the time zone “{typed_zone}”."
            if typed_zone
            else "Enter a time zone."
        )
        return FormError(
            ScheduleField.ZONE, f"{problem} Did you mean {similar}?" if similar else problem
        )
    if fields.often == Frequency.CRON:
        try:
            rule, _ = parse_cron(fields.cron)
        except CronError as wrong:
            return FormError(ScheduleField.CRON, f"{wrong} For example: {wrong.meant}"[:1_000])
        except ValueError as wrong:
            return FormError(ScheduleField.CRON, str(wrong)[:1_000])
        return f"{rule} {zone}"
    if _time(fields.at) is None:
        return FormError(ScheduleField.AT, "Choose a time of day.")
    if fields.often == Frequency.WEEKLY and not fields.days:
        return FormError(ScheduleField.DAYS, "Choose at least one day of the week.")
    rhythm = {
        Frequency.DAILY: "daily",
        Frequency.WEEKDAYS: "weekdays",
        Frequency.WEEKLY: f"weekly {','.join(fields.days)}",
        Frequency.MONTHLY: f"monthly {fields.month_day}",
    }.get(Frequency(fields.often), "daily")
    return f"{rhythm} {fields.at} {zone}"


def _target(fields: ScheduleFields) -> ScheduleTarget | FormError:
    if fields.to == TargetKind.CHANNEL:
        if not fields.channel:
            return FormError(ScheduleField.CHANNEL, "Choose a channel for the report.")
        return ScheduleTarget(TargetKind.CHANNEL, fields.channel)
    return ScheduleTarget(TargetKind(fields.to))


def _time(text: str) -> time | None:
    try:
        # Python 3.14 reads 24:00 as 0:00
        return time.fromisoformat(text) if len(text) == 5 and text[:2] != "24" else None
    except ValueError:
        return None


def _question(scheduled: ScheduledQuestion) -> str:
    """The words of the question, without a period that is the rule's default."""
    query = replace(scheduled.query, files=(), zone=None, share=False)
    words = query.words()
    start = " ".join(filter(None, (query.metric, str(query.period))))
    if query.period == usual_period(scheduled.rule) and words.startswith(start):
        shortened = " ".join(filter(None, (query.metric, words.removeprefix(start).strip())))
        reparsed = parse(shortened)
        if isinstance(reparsed, QuestionCommand) and not reparsed.dated and shortened:
            asked = replace(reparsed.query, period=query.period)
            if asked == query and (query.metric or query.by or query.filters):
                return shortened
    return words


def file_names() -> tuple[str, ...]:
    """The files that can be attached to a report."""
    return tuple(FileFormat)
