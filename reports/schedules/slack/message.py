"""Creates the Slack message of a scheduled report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.analysis.document import AnalysisDocument
from reports.analysis.slack.message import analysis_message
from reports.block_kit.elements import (
    LONGEST_SECTION,
    Block,
    actions,
    button,
    code,
    context,
    header,
    section,
    table,
)
from reports.block_kit.message import CHART, LONGEST_TEXT, Message
from reports.questions.slack.answer import NAME_IN_TABLE, answer
from reports.questions.slack.controls import Controls, rows
from reports.questions.summary import Series
from reports.questions.wording import DIMENSION_WORDS, filter_words, previous_words, stamp
from reports.render.changes import (
    CHANGE,
    NONE,
    ComparedFigure,
    change_cell,
    change_title,
    compared,
    compares_whole,
    just_begun_words,
    missing_words,
    whole_words,
)
from reports.schedules.recurrence import Recurrence
from reports.schedules.report import CENT, Cell, Mover, Report, Revision
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.format import difference, figure, money, percent
from reports.usage.members import NO_CREATOR
from reports.wording.safe_text import clean, escape
from reports.wording.times import moment_words

SCHEDULE_EDIT, SCHEDULE_PAUSE = "schedule_edit", "schedule_pause"
STOP, START = "report_stop", "report_start"
"""The buttons by which a creator opts out of a report, and in again."""
MOST_ROWS = 50  # a table has at most 100 rows; reports are read, not searched
_MOST_NOTES = 12  # notes fill one section
_MOST_CHARACTERS = 5_000
"""Characters in a table: a message holds about 13,200, of which menus and buttons take up to
6,000."""
_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ReportContext:
    """Who set up a report, and why it is sent.

    `owner` and `asked_by` (who pressed *Run now*) are Slack ids. `notes` are plain sentences about
    deviations from the schedule. `incomplete`: data of the period is missing; `preview`: it is
    shown to one person before it is due. `entry` is the schedule's id; `to_creators`: the report
    goes to every creator, and `run` is the id of its run.
    """

    schedule: Recurrence
    owner: str
    due_at: datetime
    notes: tuple[str, ...] = ()
    revisions: tuple[Revision, ...] = ()
    asked_by: str = ""
    incomplete: bool = False
    preview: bool = False
    command: str = "/activity"
    entry: str = ""
    to_creators: bool = False
    run: int = 0


def report_message(
    found: Report, context_: ReportContext, image: str = "", controls: Controls | None = None
) -> Message:
    """The report; `image` is the file id of its uploaded chart, "" for the native chart.

    `controls` is the state of its menus and buttons; without it there are none.
    """
    unknown = context_.incomplete and found.summary.empty
    title_text = headline(found, unknown=unknown)
    lead = "No data for this period yet." if unknown else _lead(found)
    blocks: list[Block] = [header(title_text)]
    if context_.to_creators:
        blocks.append(
            context(
                f"This is your own usage. <@{context_.owner}> set up this report for every creator."
            )
        )
    blocks.append(section(lead))
    if not found.summary.empty:
        chart_blocks = answer(found.summary, context_.command, image=image).blocks
        blocks += [block for block in chart_blocks if block["type"] in {CHART, "image"}][:1]
        if found.summary.query.by:
            blocks.append(_table(found))
    notes = _notes(found, context_)
    if notes:
        warnings = "\n".join(f":warning: {escape(note)}" for note in notes)
        blocks.append(section(warnings[:LONGEST_SECTION]))
    blocks.append(_footer(found, context_))
    if controls:
        blocks += rows(found.summary, controls)
    if context_.entry:
        blocks.append(_manage(context_))
    if unknown:
        return Message("\n".join([title_text, *map(escape, notes)])[:LONGEST_TEXT], tuple(blocks))
    return Message(_text(found, title_text, notes), tuple(blocks))


def analysis_report(
    found: AnalysisDocument,
    about: ReportContext,
    controls: Controls | None = None,
    *,
    image: str = "",
) -> Message:
    """The report for an analysis question, such as a forecast; `image` is its chart's file id."""
    message = analysis_message(found, about.command, controls=controls, image=image)
    blocks: list[Block] = []
    if about.to_creators:
        blocks.append(
            context(
                f"This is your own usage. <@{about.owner}> set up this report for every creator."
            )
        )
    if about.notes:
        warnings = "\n".join(f":warning: {escape(note)}" for note in about.notes)
        blocks.append(section(warnings[:LONGEST_SECTION]))
    blocks.append(context(_origin(about)))
    manage_buttons = [_manage(about)] if about.entry else []
    text = "\n".join([message.text, *map(escape, about.notes)])[:LONGEST_TEXT]
    return (
        Message(text, message.blocks).with_blocks_above_footer(blocks).with_blocks(manage_buttons)
    )


def headline(found: Report, *, unknown: bool = False) -> str:
    """The report in one line: `Spend by creator, 9–15 Nov 2026: $412`."""
    query = found.summary.query
    metric = str(found.metric).capitalize() if query.metric else "Activity"
    by = f" by {DIMENSION_WORDS[query.by]}" if query.by else ""
    total = "no data yet" if unknown else figure(found.metric, found.part.sum)
    return f"{metric}{by}, {days(found.summary.range)}: {total}"


def days(span: TimeRange) -> str:
    """The local days of a range: `9–15 Nov 2026`."""
    zone = ZoneInfo(span.zone)
    first = span.start.astimezone(zone).date()
    last = (span.end.astimezone(zone) - _MOMENT).date()
    end = f"{last.day} {last:%b %Y}"
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{end}"
    if first.year == last.year:
        return f"{first.day} {first:%b} – {end}"
    return f"{first.day} {first:%b %Y} – {end}"


def when(due_at: datetime, zone: str) -> str:
    """A due time in its zone: `Mon 16 Nov, 9:00 (Berlin)`."""
    return moment_words(due_at, zone)


def _manage(about: ReportContext) -> Block:
    """The buttons that change the schedule, or opt one recipient out."""
    if about.to_creators:
        return actions(button("Stop sending me this", STOP, str(about.run)))
    return actions(
        button("Edit schedule", SCHEDULE_EDIT, about.entry),
        button("Pause", SCHEDULE_PAUSE, about.entry),
    )


def mover(found: Mover, metric: Metric) -> str:
    """One of the largest changes: `+$412: Ada, claude-opus-4.5, key prod-007`."""
    sign = "+" if found.change > 0 else ""
    return f"{sign}{figure(metric, found.change)}: {_cell(found.cell)}"


def _lead(found: Report) -> str:
    part, metric = found.part, found.metric
    lines = [f"*{escape(figure(metric, part.sum))}*, {escape(_change_text(found))}"]
    if found.summary.query.metric is None:
        others = (metric_ for metric_ in found.summary.metrics if metric_ is not metric)
        lines.append(
            " · ".join(
                f"{figure(metric_, found.summary.metrics[metric_].sum)} {metric_}"
                for metric_ in others
            )
        )
    lines += map(escape, _whole_lines(found))
    if found.summary.empty:
        lines.append("No usage in this period.")
    if found.movers:
        lines.append("Biggest changes:")
        lines += [f"• {escape(mover(one, metric))}" for one in found.movers]
    return "\n".join(lines)[:LONGEST_SECTION]


def _change_text(found: Report) -> str:
    """The change from the previous period: `up $99.20 (8.6%) from last week`."""
    part, period = found.part, _previous_period_words(found)
    if begun := just_begun_words(found.summary, part):
        return begun
    if part.previous is None:
        return f"nothing to compare with: no data for {period}"
    previous = figure(found.metric, part.previous)
    if part.change is None:
        return f"up from {previous} {period}" if part.sum else f"the same as {period}"
    if part.sum == part.previous:
        return f"the same as {period}"
    changed = difference(found.metric, part.sum, part.previous)
    return f"{changed} from {period}{missing_words(found.summary, part)}"


def _whole_lines(found: Report) -> list[str]:
    """The changes through the last whole day of an unfinished period, if they differ."""
    words = whole_words(found.summary, *found.summary.metrics.values())
    return [words] if words else []


def _previous_period_words(found: Report) -> str:
    """The period that a report is compared with: `the week before`, `a year earlier`."""
    summary = found.summary
    return previous_words(summary.query, summary.range, summary.before)


def _cell(cell: Cell) -> str:
    model = cell.model.rpartition("/")[2] or cell.model
    names = [clean(cell.creator, 60)] if cell.creator else []
    names.append(clean(model, 60))
    if cell.key:
        names.append(f"key {clean(cell.key, 60)}")
    return ", ".join(names)


def _listed_groups(found: Report) -> tuple[list[Series], int, int]:
    """The groups with a row, and the number and sum of the other groups."""
    groups = found.groups
    top = found.summary.query.top
    most = top if top != 10 else MOST_ROWS
    rows = list(groups[:most])
    # usage without a creator is always shown, because it needs attention
    rows += [group for group in groups[most:] if group.label == NO_CREATOR]
    count = len(groups) - len(rows)
    return rows, count, found.part.sum - sum(group.sum for group in rows)


def _table(found: Report) -> Block:
    query = found.summary.query
    by_model = query.by is Dimension.MODEL
    dimension = DIMENSION_WORDS[query.by] if query.by else "all"
    metric_name = str(found.metric).capitalize()
    rows, count, others_sum = _listed_groups(found)
    whole = _compares_whole(found, rows)
    title = change_title(found.summary, whole=whole)
    headers = [dimension[0].upper() + dimension[1:], metric_name, "Share", title]
    lines = [[*headers, *([] if by_model else ["Top model"])]]
    for group in rows:
        top = clean(found.top.get(group.label, "–").rpartition("/")[2] or "–", NAME_IN_TABLE)
        lines.append(
            [
                clean(group.label, NAME_IN_TABLE),
                figure(found.metric, group.sum),
                percent(group.share),
                _change(found, group, whole=whole),
                *([] if by_model else [top]),
            ]
        )
    empty = ["–"] * (1 if by_model else 2)
    if count:
        share = Fraction(others_sum, found.part.sum) if found.part.sum else Fraction(0)
        others_text = figure(found.metric, others_sum)
        lines.append([f"Others ({count:,})", others_text, percent(share), *empty])
    all_of_it = "100.0%" if found.part.sum else "–"
    total = figure(found.metric, found.part.sum)
    part = compared(found.part)
    changed = change_cell(found.summary, part, whole=whole) if part.previous else NONE
    lines.append(["Total", total, all_of_it, changed, *empty[1:]])
    while len(lines) > 3 and sum(len(cell) for line in lines for cell in line) > _MOST_CHARACTERS:
        lines = [[line[0][:24], *line[1:-1], line[-1][:24]] for line in lines]
        if sum(len(cell) for line in lines for cell in line) > _MOST_CHARACTERS:
            break
    return table(lines)


def _compared(found: Report, group: Series) -> ComparedFigure:
    previous = None if found.before is None else found.before.get(group.label, 0)
    return ComparedFigure(group.sum, previous, group.whole)


def _compares_whole(found: Report, rows: list[Series]) -> bool:
    figures = [compared(found.part), *(_compared(found, group) for group in rows)]
    return compares_whole(found.summary, figures)


def _change(found: Report, group: Series, *, whole: bool) -> str:
    return change_cell(found.summary, _compared(found, group), whole=whole)


def _notes(found: Report, about: ReportContext) -> list[str]:
    revised = [
        f"OpenRouter has changed the spend for {one.period} by"
        f" {'+' if one.change > 0 else ''}{money(one.change)} since it was reported."
        for one in about.revisions
        if abs(one.change) > CENT
    ]
    partial = [f"{words[:1].upper()}{words[1:]}." for words in found.summary.partial]
    return [*about.notes, *revised, *partial][:_MOST_NOTES]


def _origin(about: ReportContext) -> str:
    """Why a report was sent, and who set it up."""
    owner = f"<@{about.owner}>"
    if about.preview:
        return f"Preview, only visible to you. Set up by {owner}"
    if about.asked_by:
        return f"Sent by <@{about.asked_by}>, set up by {owner}"
    due = escape(when(about.due_at, about.schedule.zone))
    return f"Scheduled for {due}, set up by {owner}"


def _footer(found: Report, about: ReportContext) -> Block:
    as_of = found.summary.as_of
    as_of_text = f"Data as of {stamp(as_of)}" if as_of else "Nothing has been synced yet"
    lines = [
        _scope(found),
        as_of_text,
        _origin(about),
        f"All your schedules: `{escape(about.command)} schedules`",
    ]
    return context(*(line[:1_900] for line in lines))


def _scope(found: Report) -> str:
    # as code, because `*` in a filter would be rendered as bold
    filters = filter_words(found.summary.query, code)
    span = found.summary.range
    only = f", {filters}" if filters else ""
    unit = "by hour" if span.granularity is Granularity.HOUR else f"by {span.granularity}"
    return escape(f"{days(span)}, {unit}, {span.zone}") + only


def _text(found: Report, head: str, notes: list[str]) -> str:
    lines = [f"{head}, {_change_text(found)}"]
    if found.summary.query.metric is None:
        others = (metric for metric in found.summary.metrics if metric is not found.metric)
        lines += [
            f"{str(metric).capitalize()}: {figure(metric, found.summary.metrics[metric].sum)}"
            for metric in others
        ]
    lines += _whole_lines(found)
    lines += [mover(one, found.metric) for one in found.movers]
    rows, count, others_sum = _listed_groups(found)
    if found.summary.query.by:
        whole = _compares_whole(found, rows)
        through = change_title(found.summary, whole=whole).removeprefix(CHANGE)
        lines += [
            f"• {clean(group.label, NAME_IN_TABLE)}: {figure(found.metric, group.sum)}"
            f" ({percent(group.share)}, {_change(found, group, whole=whole)}{through})"
            for group in rows
        ]
        lines += [f"• {count:,} others: {figure(found.metric, others_sum)}"] if count else []
    room = LONGEST_TEXT - sum(len(escape(note)) + 1 for note in notes)
    text = escape("\n".join(lines))
    text = text if len(text) <= room else text[: max(room - 1, 0)].rpartition("\n")[0] + "…"
    return "\n".join([text, *map(escape, notes)])[:LONGEST_TEXT]
