"""A scheduled report as a Slack message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.names import NO_CREATOR
from reports.query import Dimension, Metric
from reports.render.blocks import CHART, LONGEST_TEXT, NAME_IN_TABLE, Message, answer
from reports.render.parts import LONGEST_SECTION, Block, context, header, section, table
from reports.report import CENT, Cell, Mover, Report, Revision
from reports.schedule import Schedule
from reports.summary import Series
from reports.text import change, clean, difference, escape, figure, money, percent
from reports.timerange import Granularity, TimeRange
from reports.words import DIMENSION_WORDS, EARLIER, filter_words, stamp

MOST_ROWS = 50
_MOST_NOTES = 12
_MOST_CHARACTERS = 8_000
_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class About:
    """Whose report it is and how it came to be.

    `notes` are sentences on what differs from what was asked for, `asked_by` a Slack user who did
    not wait for the due time; `incomplete` says that not all of its period is known, `preview` that
    it is shown to one person before it is due.
    """

    schedule: Schedule
    maker: str
    due_at: datetime
    notes: tuple[str, ...] = ()
    revisions: tuple[Revision, ...] = ()
    asked_by: str = ""
    incomplete: bool = False
    preview: bool = False
    command: str = "/activity"


def report(found: Report, about: About, picture: str = "") -> Message:
    """The report; `picture` is the id of its uploaded chart, without it the native one stands."""
    unknown = about.incomplete and found.summary.empty
    head = headline(found, unknown=unknown)
    lead = "No usage of this period is known yet." if unknown else _lead(found)
    blocks: list[Block] = [
        header(head),
        section(lead),
    ]
    if not found.summary.empty:
        drawn = answer(found.summary, about.command, picture=picture).blocks
        blocks += [block for block in drawn if block["type"] in {CHART, "image"}][:1]
        if found.summary.query.by:
            blocks.append(_table(found))
    notes = _notes(found, about)
    if notes:
        warned = "\n".join(f":warning: {escape(note)}" for note in notes)
        blocks.append(section(warned[:LONGEST_SECTION]))
    blocks.append(_footer(found, about))
    if unknown:
        return Message("\n".join([head, *map(escape, notes)])[:LONGEST_TEXT], tuple(blocks))
    return Message(_text(found, head, notes), tuple(blocks))


def headline(found: Report, *, unknown: bool = False) -> str:
    """What it comes to, in a line: `Spend by creator, 9–15 Nov 2026: $412`."""
    query = found.summary.query
    metric = str(found.metric).capitalize() if query.metric else "Activity"
    by = f" by {DIMENSION_WORDS[query.by]}" if query.by else ""
    total = "not known yet" if unknown else figure(found.metric, found.part.sum)
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
    """A due time in its zone and in UTC: `Mon 16 Nov 2026 09:00 Europe/Berlin (08:00 UTC)`."""
    there = due_at.astimezone(ZoneInfo(zone))
    shown = f"{there:%a} {there.day} {there:%b %Y %H:%M} {zone}"
    return shown if zone == "UTC" else f"{shown} ({due_at:%H:%M} UTC)"


def mover(found: Mover, metric: Metric) -> str:
    """One line of what moved: `+$412: Ada, claude-opus-4.5, key prod-007`."""
    sign = "+" if found.change > 0 else ""
    return f"{sign}{figure(metric, found.change)}: {_cell(found.cell)}"


def _lead(found: Report) -> str:
    part, metric = found.part, found.metric
    lines = [f"*{escape(figure(metric, part.sum))}*{escape(_versus(found))}"]
    if found.summary.query.metric is None:
        others = (m for m in found.summary.metrics if m is not metric)
        lines.append(" · ".join(f"{figure(m, found.summary.metrics[m].sum)} {m}" for m in others))
    if found.summary.empty:
        lines.append("No usage in this period.")
    if found.movers:
        lines.append("What moved most:")
        lines += [f"• {escape(mover(one, metric))}" for one in found.movers]
    return "\n".join(lines)[:LONGEST_SECTION]


def _versus(found: Report) -> str:
    part, versus = found.part, found.summary.query.versus
    then = f"a {EARLIER[versus]} earlier" if versus in EARLIER else "the period before"
    inside = then if versus in EARLIER else f"in {then}"
    if part.previous is None:
        return f", no data for {then} to compare with"
    before = figure(found.metric, part.previous)
    if part.change is None:
        return f", {before} {inside}" if part.sum else ", none before either"
    moved = difference(found.metric, part.sum, part.previous)
    return f", {moved} from {before} {inside}"


def _cell(cell: Cell) -> str:
    model = cell.model.rpartition("/")[2] or cell.model
    names = [clean(cell.creator, 60)] if cell.creator else []
    names.append(clean(model, 60))
    if cell.key:
        names.append(f"key {clean(cell.key, 60)}")
    return ", ".join(names)


def _shown(found: Report) -> tuple[list[Series], int, int]:
    """The groups that have a row, how many others there are, and what those come to."""
    groups = found.groups
    top = found.summary.query.top
    most = top if top != 10 else MOST_ROWS
    rows = list(groups[:most])
    # whose use nobody's is must not be lost among the others
    rows += [group for group in groups[most:] if group.label == NO_CREATOR]
    count = len(groups) - len(rows)
    return rows, count, found.part.sum - sum(group.sum for group in rows)


def _table(found: Report) -> Block:
    query = found.summary.query
    by_model = query.by is Dimension.MODEL
    head = DIMENSION_WORDS[query.by] if query.by else "all"
    metric_name = str(found.metric).capitalize()
    heads = [head[0].upper() + head[1:], metric_name, "Share", "Change"]
    rows, count, rest = _shown(found)
    lines = [[*heads, *([] if by_model else ["Top model"])]]
    for group in rows:
        top = clean(found.top.get(group.label, "–").rpartition("/")[2] or "–", NAME_IN_TABLE)
        lines.append(
            [
                clean(group.label, NAME_IN_TABLE),
                figure(found.metric, group.sum),
                percent(group.share),
                _change(found, group),
                *([] if by_model else [top]),
            ]
        )
    empty = ["–"] * (1 if by_model else 2)
    if count:
        share = Fraction(rest, found.part.sum) if found.part.sum else Fraction(0)
        shown = figure(found.metric, rest)
        lines.append([f"Others ({count})", shown, percent(share), *empty])
    whole = "100.0%" if found.part.sum else "–"
    total = figure(found.metric, found.part.sum)
    changed = change(found.part.change) if found.part.previous else "–"
    lines.append(["Total", total, whole, changed, *empty[1:]])
    while len(lines) > 3 and sum(len(cell) for line in lines for cell in line) > _MOST_CHARACTERS:
        lines = [[line[0][:24], *line[1:-1], line[-1][:24]] for line in lines]
        if sum(len(cell) for line in lines for cell in line) > _MOST_CHARACTERS:
            break
    return table(lines)


def _change(found: Report, group: Series) -> str:
    if found.before is None:
        return "–"
    before = found.before.get(group.label, 0)
    if not before:
        return "new" if group.sum else "–"
    return change(Fraction(group.sum - before, before))


def _notes(found: Report, about: About) -> list[str]:
    revised = [
        f"Since it was reported, the spend of {one.period} has changed at OpenRouter by"
        f" {'+' if one.change > 0 else ''}{money(one.change)}."
        for one in about.revisions
        if abs(one.change) > CENT
    ]
    partial = [f"{words[:1].upper()}{words[1:]}." for words in found.summary.partial]
    return [*about.notes, *revised, *partial][:_MOST_NOTES]


def _footer(found: Report, about: About) -> Block:
    as_of = found.summary.as_of
    dated = f"Data as of {stamp(as_of)}" if as_of else "Nothing has been synced yet"
    if about.preview:
        how = f"A preview for you alone, set up by <@{about.maker}>"
    elif about.asked_by:
        how = f"Sent now by <@{about.asked_by}>, set up by <@{about.maker}>"
    else:
        how = f"Due {escape(when(about.due_at, about.schedule.zone))}, set up by <@{about.maker}>"
    lines = [_scope(found), dated, how, f"`{escape(about.command)} schedules`"]
    return context(*(line[:1_900] for line in lines))


def _scope(found: Report) -> str:
    filters = filter_words(found.summary.query)
    span = found.summary.range
    only = f", only {filters}" if filters else ""
    unit = "by hour" if span.granularity is Granularity.HOUR else f"by {span.granularity}"
    return escape(f"{days(span)}, {unit}, {span.zone}{only}")


def _text(found: Report, head: str, notes: list[str]) -> str:
    lines = [head + _versus(found)]
    if found.summary.query.metric is None:
        others = (m for m in found.summary.metrics if m is not found.metric)
        lines += [
            f"{str(m).capitalize()}: {figure(m, found.summary.metrics[m].sum)}" for m in others
        ]
    lines += [mover(one, found.metric) for one in found.movers]
    rows, count, rest = _shown(found)
    if found.summary.query.by:
        lines += [
            f"• {clean(group.label, NAME_IN_TABLE)}: {figure(found.metric, group.sum)}"
            f" ({percent(group.share)}, {_change(found, group)})"
            for group in rows
        ]
        lines += [f"• Others ({count}): {figure(found.metric, rest)}"] if count else []
    room = LONGEST_TEXT - sum(len(escape(note)) + 1 for note in notes)
    text = escape("\n".join(lines))
    text = text if len(text) <= room else text[: max(room - 1, 0)].rpartition("\n")[0] + "…"
    return "\n".join([text, *map(escape, notes)])[:LONGEST_TEXT]
