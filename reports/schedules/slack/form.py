"""The modal that creates and edits a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reports.block_kit.elements import Block, divider
from reports.block_kit.inputs import (
    Entered,
    Meta,
    channel_input,
    checkboxes,
    modal,
    owner_label,
    owner_note,
    preview,
    radio_input,
    select_input,
    text_input,
    time_input,
    warning,
)
from reports.questions.grammar import LONGEST
from reports.questions.slack.answer import NOTHING_YET
from reports.questions.summary import Summary
from reports.questions.wording import period_words
from reports.render.changes import change_words, whole_words
from reports.render.tables import empty_words, ranked_groups
from reports.schedules.form_fields import LAST, Frequency, ScheduleField, ScheduleFields, file_names
from reports.schedules.grammar import ScheduledQuestion
from reports.schedules.recurrence import WEEKDAYS, TargetKind, first_run, next_run
from reports.schedules.slack.cards import DAY_NAMES
from reports.schedules.slack.message import when
from reports.usage.dimensions import Metric
from reports.usage.format import figure, percent
from reports.wording.safe_text import clean, escape

CALLBACK = "schedule_form"
RUNS = 3  # next runs in the preview
_OFTEN = (
    (Frequency.DAILY, "Every day"),
    (Frequency.WEEKDAYS, "Monday to Friday"),
    (Frequency.WEEKLY, "Every week"),
    (Frequency.MONTHLY, "Every month"),
    (Frequency.CRON, "Custom (cron expression)"),
)
_DAYS = tuple(zip(WEEKDAYS, DAY_NAMES, strict=True))
_MONTH_DAYS = (*((str(n), f"Day {n}") for n in range(1, 32)), (LAST, "Last day"))
_FILES = {
    "csv": "CSV, for a spreadsheet",
    "pdf": "PDF, to forward or print",
    "pdf summary": "PDF, summary only",
}
_GROUPS = 3  # groups in the preview


def view(
    fields: ScheduleFields, meta: Meta, words: str, *, everyone: bool, note: str = ""
) -> dict[str, Any]:
    """The modal; `words` (mrkdwn) is its preview text.

    `everyone` is whether reports may go to every creator; `note` (mrkdwn) a warning at the top.
    """
    title = "Edit schedule" if meta.id else "New schedule"
    blocks = [*([warning(note)] if note else []), *owner_note(meta)]
    blocks += _inputs(fields, meta, everyone=everyone)
    return modal(CALLBACK, title, [*blocks, divider(), preview(words)], meta)


def _inputs(fields: ScheduleFields, meta: Meta, *, everyone: bool) -> Iterator[Block]:
    yield text_input(
        ScheduleField.QUESTION,
        "What to report",
        fields.question,
        hint="Same words as after /activity. With no period: the previous full day, week or month.",
        example="spend by creator",
        longest=LONGEST,
    )
    yield select_input(ScheduleField.OFTEN, "How often", _OFTEN, fields.often)
    if fields.often == Frequency.WEEKLY:
        yield checkboxes(ScheduleField.DAYS, "Days", _DAYS, fields.days)
    if fields.often == Frequency.MONTHLY:
        yield select_input(
            ScheduleField.MONTH_DAY,
            "Day of the month",
            _MONTH_DAYS,
            fields.month_day,
            hint="In shorter months it runs on the last day.",
        )
    if fields.often == Frequency.CRON:
        hint = "Minute, hour, day, month, weekday. At most once a day."
        yield text_input(ScheduleField.CRON, "Cron expression", fields.cron, hint=hint, longest=100)
    else:
        yield time_input(ScheduleField.AT, "Time", fields.at)
    yield text_input(
        ScheduleField.ZONE, "Time zone", fields.zone, example="Europe/Berlin", longest=60
    )
    places = [(TargetKind.PERSON, owner_label(meta)), (TargetKind.CHANNEL, "A channel")]
    if everyone or fields.to == TargetKind.CREATORS:
        places.append((TargetKind.CREATORS, "Each creator, privately (their own usage only)"))
    yield radio_input(ScheduleField.TO, "Send to", places, fields.to)
    if fields.to == TargetKind.CHANNEL:
        hint = "I need to be a member. Use /invite in the channel first."
        yield channel_input(ScheduleField.CHANNEL, "Channel", fields.channel, hint=hint)
    files = [(name, _FILES[name]) for name in file_names()]
    yield checkboxes(
        ScheduleField.FILES, "Attach files in the thread", files, fields.files, optional=True
    )


def entered(found: Entered, zone: str) -> ScheduleFields:
    """The values of the modal, with defaults for missing inputs; `zone` is the person's."""
    defaults = ScheduleFields(zone=zone)
    often = found.text(ScheduleField.OFTEN, defaults.often)
    to = found.text(ScheduleField.TO, defaults.to)
    return ScheduleFields(
        question=found.text(ScheduleField.QUESTION, defaults.question),
        often=often if often in set(Frequency) else defaults.often,
        days=tuple(day for day in found.many(ScheduleField.DAYS, defaults.days) if day in WEEKDAYS),
        month_day=found.text(ScheduleField.MONTH_DAY, defaults.month_day),
        cron=found.text(ScheduleField.CRON, defaults.cron),
        at=found.text(ScheduleField.AT, defaults.at),
        zone=found.text(ScheduleField.ZONE, defaults.zone),
        to=to if to in set(TargetKind) else defaults.to,
        channel=found.text(ScheduleField.CHANNEL),
        files=tuple(name for name in found.many(ScheduleField.FILES) if name in file_names()),
    )


def preview_text(
    scheduled: ScheduledQuestion, zone: str, now: datetime, found: Summary | str | None
) -> str:
    """The preview (mrkdwn): the next runs and the current figures, or what is wrong.

    `found` is the answer to the question, or a sentence that says why there is none; None if it
    takes too long for a preview.
    """
    schedule = scheduled.schedule(zone)
    try:
        due = first_run(schedule, now)
        runs = [due]
        while len(runs) < RUNS:
            runs.append(next_run(schedule, runs[-1].day))
    except ValueError:
        return ":warning: That date never occurs."
    later_runs = " and ".join(f"{run.day.day} {run.day:%b %Y}" for run in runs[1:])
    lines = [f"*Next:* {escape(when(due.at, schedule.zone))}, then {later_runs}"]
    if isinstance(found, str):
        return "\n".join([*lines, f":warning: {escape(clean(found, 600))}"])
    if found is None:
        return lines[0]
    heading = f"*Preview* ({escape(period_words(found.query.period))}): "
    lines.append(heading + "; ".join(_figures(found)))
    groups = _groups(found)
    return "\n".join([*lines, *([groups] if groups else [])])


def _figures(found: Summary) -> list[str]:
    if found.empty:
        return [escape(empty_words(found, NOTHING_YET))]
    figures = []
    for metric, part in found.metrics.items():
        change = change_words(found, part)
        shown = f"{metric} {figure(metric, part.sum)}"
        figures.append(escape(f"{shown}, {change}" if change else shown))
    whole = whole_words(found, *found.metrics.values())
    return [*figures, escape(whole)] if whole else figures


def _groups(found: Summary) -> str:
    if found.query.by is None or found.empty:
        return ""
    part = found.metrics[found.query.metric or Metric.SPEND]
    return ", ".join(
        f"{escape(clean(group.label, 40))} {figure(part.metric, group.sum)}"
        f" ({escape(percent(group.share))})"
        for group in ranked_groups(found, part)[:_GROUPS]
    )
