"""A schedule as the fields of a form, and back.

The fields become the words of a schedule, which the grammar reads. So a form has the same defaults
and errors as the command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum

from reports.questions.form_error import (
    FormError,
    QuestionWords,
    parse_typed,
    said,
    strict_words,
)
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import FileFormat
from reports.schedules.corrections import RHYTHMS
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
from reports.time.timerange import zone_names
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean

LAST = "last"
_OTHERS = "Only enter the question here. How often, when, where and files have their own fields."


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


class Often(StrEnum):
    """How often a report comes."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class ScheduleFields:
    """What the form holds; fields that don't apply to `often` and `to` are ignored.

    `days` are names such as `mon`, `month_day` a number or `last`, `at` is `HH:MM`.
    """

    question: str = "spend by creator"
    often: str = Often.WEEKLY
    days: tuple[str, ...] = (WEEKDAYS[0],)
    month_day: str = "1"
    cron: str = "0 9 * * 1"
    at: str = "09:00"
    zone: str = "UTC"
    to: str = TargetKind.PERSON
    channel: str = ""
    files: tuple[str, ...] = ()


def fields_of(standing: ScheduledQuestion, zone: str) -> ScheduleFields:
    """The fields of a schedule; `zone` is used where it names none."""
    rule = standing.rule
    found = ScheduleFields(
        question=_question(standing),
        at=f"{standing.at:%H:%M}",
        zone=standing.zone or zone,
        to=standing.target.kind or TargetKind.PERSON,
        channel=standing.target.id,
        files=tuple(standing.query.files),
    )
    match rule:
        case Daily():
            return replace(found, often=Often.DAILY)
        case Weekly(days) if days == WORKDAYS:
            return replace(found, often=Often.WEEKDAYS)
        case Weekly(days):
            return replace(found, days=tuple(WEEKDAYS[day] for day in sorted(days)))
        case Monthly(day):
            return replace(found, often=Often.MONTHLY, month_day=str(day or LAST))
        case Cron():
            return replace(found, often=Often.CRON, cron=str(rule))


def read_fields(
    fields: ScheduleFields, rewrite: QuestionWords = strict_words
) -> ScheduledQuestion | FormError:
    """The schedule of the fields, or what is wrong in which of them.

    `rewrite` reads natural language in the field of the question.
    """
    when = _when(fields)
    if isinstance(when, FormError):
        return when
    place = _place(fields)
    if isinstance(place, FormError):
        return place
    asked, question = parse_typed(fields.question, rewrite)
    if isinstance(asked, CommandError):
        return FormError(ScheduleField.QUESTION, _misread(fields.question, asked, when))
    if not isinstance(asked, QuestionCommand):
        return FormError(ScheduleField.QUESTION, "Enter a question, for example: spend by creator")
    words = ["schedule", when, question, *fields.files, place.words()]
    found = parse_schedule(" ".join(filter(None, words)))
    if isinstance(found, CommandError):
        return FormError(ScheduleField.QUESTION, _said(found))
    meant = parse_schedule(" ".join(["schedule", when, place.words()]))
    if not (isinstance(found, ScheduledQuestion) and isinstance(meant, ScheduledQuestion)):
        return FormError(ScheduleField.QUESTION, _OTHERS)
    same = (found.rule, found.at, found.zone, found.target)
    if same != (meant.rule, meant.at, meant.zone, meant.target):
        return FormError(ScheduleField.QUESTION, _OTHERS)
    return replace(found, target=place)


def _misread(question: str, wrong: CommandError, when: str) -> str:
    """What is said of a question that means nothing; how often it comes has its own field."""
    if any(word.lower() in RHYTHMS for word in question.split()):
        return _OTHERS
    asked, standing = parse(wrong.suggestion), parse_schedule(f"schedule {when}")
    if not (
        isinstance(asked, QuestionCommand)
        and wrong.suggestion
        and isinstance(standing, ScheduledQuestion)
    ):
        return said(wrong)
    query = asked.query
    if query.period == DEFAULT and str(DEFAULT) not in question.split():
        query = replace(query, period=usual_period(standing.rule))
    meant = _question(replace(standing, query=query))
    return said(CommandError(wrong.problem, "", meant))


def _said(wrong: CommandError) -> str:
    meant = parse_schedule(wrong.suggestion) if wrong.suggestion else None
    if not isinstance(meant, ScheduledQuestion):
        return wrong.problem[:1_000]
    return said(CommandError(wrong.problem, "", _question(meant)))


def _when(fields: ScheduleFields) -> str | FormError:
    """The words of the rule, the time and the zone."""
    typed = fields.zone.strip()
    zone = zone_names().get(typed.lower())
    if zone is None:
        shown, meant = clean(typed, 40) if typed else "", nearest.zone(typed)
        problem = f"I don't recognize the time zone “{shown}”." if shown else "Enter a time zone."
        return FormError(
            ScheduleField.ZONE, f"{problem} Did you mean {meant}?" if meant else problem
        )
    if fields.often == Often.CRON:
        try:
            rule, _ = parse_cron(fields.cron)
        except CronError as wrong:
            return FormError(ScheduleField.CRON, f"{wrong} For example: {wrong.meant}"[:1_000])
        except ValueError as wrong:
            return FormError(ScheduleField.CRON, str(wrong)[:1_000])
        return f"{rule} {zone}"
    if _time(fields.at) is None:
        return FormError(ScheduleField.AT, "Choose a time of day.")
    if fields.often == Often.WEEKLY and not fields.days:
        return FormError(ScheduleField.DAYS, "Choose at least one day of the week.")
    rhythm = {
        Often.DAILY: "daily",
        Often.WEEKDAYS: "weekdays",
        Often.WEEKLY: f"weekly {','.join(fields.days)}",
        Often.MONTHLY: f"monthly {fields.month_day}",
    }.get(Often(fields.often), "daily")
    return f"{rhythm} {fields.at} {zone}"


def _place(fields: ScheduleFields) -> ScheduleTarget | FormError:
    if fields.to == TargetKind.CHANNEL:
        if not fields.channel:
            return FormError(ScheduleField.CHANNEL, "Choose a channel for the report.")
        return ScheduleTarget(TargetKind.CHANNEL, fields.channel)
    return ScheduleTarget(TargetKind(fields.to))


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if len(text) == 5 else None
    except ValueError:
        return None


def _question(standing: ScheduledQuestion) -> str:
    """The words of the question alone; its period goes where it is the rule's usual one."""
    query = replace(standing.query, files=(), zone=None, share=False)
    words = query.words()
    head = " ".join(filter(None, (query.metric, str(query.period))))
    if query.period == usual_period(standing.rule) and words.startswith(head):
        short = " ".join(filter(None, (query.metric, words.removeprefix(head).strip())))
        again = parse(short)
        if isinstance(again, QuestionCommand) and not again.dated and short:
            asked = replace(again.query, period=query.period)
            if asked == query and (query.metric or query.by or query.filters):
                return short
    return words


def file_names() -> tuple[str, ...]:
    """The files that may go with a report."""
    return tuple(FileFormat)
