"""The top of a document's first page: title, facts, warnings, notes and large figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports.questions.query import Query
from reports.questions.range_names import (
    before_name,
    in_document,
    moment_words,
    range_dates,
    title_words,
)
from reports.questions.summary import MetricSummary, Summary
from reports.questions.unfinished import through_words, unfinished_words
from reports.questions.wording import (
    DIMENSION_WORDS,
    capitalize_first,
    filter_words,
    is_cut_longer,
    metric_words,
)
from reports.render.canvas.canvas import FAINT, GREY, INK, Align
from reports.render.changes import NONE, just_begun_words, missing_words, whole_words
from reports.render.charts.labels import each
from reports.render.fonts import Face, fit, text_width
from reports.render.pdf.figure_columns import count
from reports.render.pdf.pages import BOTTOM, LEFT, PAGE_WIDTH, RIGHT, Pages
from reports.render.tables import averaged_over, incomplete_words, short_buckets
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.format import change, figure
from reports.usage.members import CHATROOM, NO_CREATOR
from reports.wording.safe_text import clean

AMBER, AMBER_TINT = "#B45309", "#FEF6E7"
# font sizes and line height in points
_NOTE, _NOTE_LEADING = 7.5, 10.5
_SUBTITLE = 10.5
_MOST_DETAIL = 5
"""Lines below a large figure: the change through the last whole day needs more than two."""


@dataclass(frozen=True, slots=True)
class CoverFacts:
    """What a document's cover states: organization, data source, and the command behind it."""

    organization: str
    source: str
    command: str


def document_title(summary: Summary) -> str:
    """The title of a document: `Spend from credits by creator, October 2026`."""
    query = summary.query
    what = capitalize_first(metric_words(query, query.metric)) if query.metric else "Activity"
    by = f" by {DIMENSION_WORDS[query.by]}" if query.by else ""
    return f"{what}{by}, {title_words(query.period, summary.range)}"


def restrictions(query: Query) -> str:
    """Filters and money source that the title doesn't mention; empty if there are none."""
    filters = filter_words(query)
    money_only = query.metric is None and query.source is not MoneySource.ALL
    money = f"{capitalize_first(metric_words(query, Metric.SPEND))} only" if money_only else ""
    return " · ".join(part for part in (capitalize_first(filters), money) if part)


def compared_with(summary: Summary) -> str:
    """The name of the period that the figures are compared with."""
    query, before = summary.query, summary.before
    if before and is_cut_longer(query, summary.range):
        return range_dates(before).partition(", by ")[0]
    return before_name(query.period, summary.range, query.versus)


def draw_cover(pages: Pages, summary: Summary, sheet: CoverFacts) -> None:
    """Draw title, facts and warnings at the top of the first page, and notes at its foot."""
    paper = pages.paper
    pages.begin(None)
    name = fit(clean(sheet.organization), Face.BOLD, 40)
    paper.text(LEFT, 800, name, Face.BOLD, 10)
    paper.text(RIGHT, 800, "OpenRouter activity", size=10, color=GREY, align=Align.RIGHT)
    title = document_title(summary)
    size = min(24.0, PAGE_WIDTH / text_width(title, Face.BOLD))
    paper.text(LEFT, 762, title, Face.BOLD, size)
    y = 746.0
    for line in wrap(restrictions(summary.query), Face.SANS, PAGE_WIDTH / _SUBTITLE, most=3):
        paper.text(LEFT, y - 4, line, size=_SUBTITLE, color=GREY)
        y -= 14
    paper.rule(LEFT, y, RIGHT, INK, 1.2)
    pages.y = _draw_facts(pages, summary, sheet, y - 18)
    if summary.partial:
        _draw_warning(pages, summary.partial)
    pages.y -= 6
    _draw_notes(pages, summary)


def draw_figures(pages: Pages, summary: Summary, metric: Metric) -> None:
    """Draw the metric's total, average, and change in a row of large figures."""
    paper, part = pages.paper, summary.metrics[metric]
    known, name = part.previous is not None, compared_with(summary)
    average = figure(metric, part.avg)
    before = "–" if part.previous is None else figure(metric, part.previous)
    cells = (
        ("Total", figure(metric, part.sum), _parts(summary, metric)),
        ("Average", average if part.known else "–", _averaged(summary, part)),
        (
            capitalize_first(name),
            before,
            _exact_count(metric, part.previous) if known else "no data",
        ),
        ("Change", _change(summary, part), _compared(summary, part, name)),
    )
    width, most_lines = PAGE_WIDTH / len(cells), 1
    for column, (title, main_figure, detail) in enumerate(cells):
        x = LEFT + column * width
        size = min(19.0, (width - 8) / max(text_width(main_figure, Face.BOLD), 1))
        paper.text(x, pages.y - 10, _fit_points(title, width - 8, 8), size=8, color=GREY)
        paper.text(x, pages.y - 31, main_figure, Face.BOLD, size)
        lines = wrap(detail, Face.SANS, (width - 6) / 7.5, most=_MOST_DETAIL)
        for number, line in enumerate(lines):
            paper.text(x, pages.y - 44 - 9 * number, line, size=7.5, color=GREY)
        most_lines = max(most_lines, len(lines))
    pages.y -= 47 + 9 * most_lines


def _compared(summary: Summary, part: MetricSummary, name: str) -> str:
    if begun := just_begun_words(summary, part):
        return in_document(begun)
    if part.change is None:
        return ""
    said = f"from {name}{missing_words(summary, part)}"
    whole = in_document(whole_words(summary, part))
    return f"{said}. {whole}" if whole else said


def _measured(summary: Summary) -> str:
    """What changes are measured against, and through which day those in the table are."""
    name = compared_with(summary)
    now = in_document(unfinished_words(summary.range, summary.whole))
    if summary.just_begun:
        return f"There are no changes from {name} yet, because {now} isn't over."
    said = f"Change is measured against {name}"
    if summary.whole is None:
        return f"{said}."
    last = in_document(through_words(summary.range, summary.whole))
    groups = (group for part in summary.metrics.values() for group in part.groups)
    if any(group.whole for group in groups):
        return f"{said}; in the table it is through {last}, because {now} isn't over."
    return f"{said}. Because {now} isn't over, it is also given through {last}."


def _change(summary: Summary, part: MetricSummary) -> str:
    if summary.just_begun:
        return NONE
    return "new" if part.previous == 0 and part.sum else change(part.change)


def each_bucket(summary: Summary, part: MetricSummary) -> str:
    """The unit of an average and the part of the range it covers: `a day since 11/29/2025`."""
    over = averaged_over(summary, part)
    return in_document(f"{each(summary.range)} {over}".rstrip())


def _averaged(summary: Summary, part: MetricSummary) -> str:
    """The same, mentioning buckets that are averaged although they aren't complete."""
    words = each_bucket(summary, part)
    if notes := short_buckets(summary, part):
        words += f" ({', '.join(notes)})"
    return in_document(words)


def _hatched(summary: Summary) -> str:
    """Which bars are hatched, and why; empty if none are."""
    granularity, part = summary.range.granularity, next(iter(summary.metrics.values()))
    notes = [f"{in_document(words)} incomplete" for words in incomplete_words(summary, part)]
    if summary.range.unfinished:
        notes.append(
            f"last {granularity} not over" if notes else f"the last {granularity}, not over yet"
        )
    return "; ".join(notes)


def wrap(text: str, face: Face, ems: float, most: int = 4) -> list[str]:
    """Text wrapped into at most `most` lines of a width (ems), the last one cut to fit."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, face) <= ems:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = longer
    return [fit(line, face, round(ems, 2)) for line in lines]


def _fit_points(text: str, points: float, size: float) -> str:
    return fit(text, Face.SANS, round(points / size, 2))


def _parts(summary: Summary, metric: Metric) -> str:
    """The parts of a total, or its exact count."""
    part = summary.metrics[metric]
    if metric is not Metric.SPEND:
        return _exact_count(metric, part.sum)
    if summary.query.source is not MoneySource.ALL:
        return ""
    paid, byok = (figure(metric, value) for value in (summary.totals.credits, summary.totals.byok))
    return f"{paid} credits, {byok} BYOK"


def _exact_count(metric: Metric, value: int | None) -> str:
    return "" if metric is Metric.SPEND or value is None else f"{count(value)} {metric}"


def _draw_facts(pages: Pages, summary: Summary, sheet: CoverFacts, top: float) -> float:
    """Draw two columns of facts; returns the y below them."""
    query = summary.query
    as_of = moment_words(summary.as_of) if summary.as_of else "never synced"
    left = [("Period", range_dates(summary.range)), ("Asked for", clean(sheet.command, 200))]
    right = [("Source", clean(sheet.source)), ("Data as of", as_of)]
    if query.metric in {None, Metric.SPEND}:
        left.append(("Amounts", "US dollars, rounded; the exact figures are in the CSV"))
    if hatched := _hatched(summary):
        right.append(("Hatched", hatched))
    middle = LEFT + 0.6 * PAGE_WIDTH
    for x, end, facts in ((LEFT, middle - 12, left), (middle, RIGHT, right)):
        for row, (name, value) in enumerate(facts):
            y = top - row * 14
            pages.paper.text(x, y, name, size=8, color=GREY)
            pages.paper.text(x + 52, y, _fit_points(value, end - x - 52, 8.5), size=8.5)
    bottom = top - max(len(left), len(right)) * 14
    pages.paper.rule(LEFT, bottom + 4, RIGHT, FAINT)
    return bottom - 6


def _draw_warning(pages: Pages, partial: tuple[str, ...]) -> None:
    texts = [f"Incomplete: {partial[0]}", *partial[1:]]
    ems = (PAGE_WIDTH - 20) / 8.5
    lines = [
        line
        for text in texts
        for line in wrap(in_document(clean(text, 400)), Face.SANS, ems, most=2)
    ]
    height = 12 * len(lines) + 8
    pages.paper.box(LEFT, pages.y - height, PAGE_WIDTH, height, AMBER_TINT)
    pages.paper.box(LEFT, pages.y - height, 2.5, height, AMBER)
    for row, line in enumerate(lines):
        pages.paper.text(LEFT + 10, pages.y - 13 - 12 * row, line, size=8.5, color=AMBER)
    pages.y -= height + 6


def _draw_notes(pages: Pages, summary: Summary) -> None:
    """Draw notes on the figures at the foot of the page, and reserve their space."""
    lines = [
        line
        for note in notes(summary)
        for line in wrap(note, Face.SANS, PAGE_WIDTH / _NOTE, most=3)
    ]
    if not lines:
        return
    top = BOTTOM + _NOTE_LEADING * len(lines)
    pages.paper.rule(LEFT, top + 4, RIGHT, FAINT)
    for row, line in enumerate(lines):
        y = top - _NOTE_LEADING * (row + 1) + 3
        pages.paper.text(LEFT, y, line, size=_NOTE, color=GREY)
    pages.keep_free(_NOTE_LEADING * len(lines) + 10)


def notes(summary: Summary) -> Iterator[str]:
    """Sentences that explain the figures to a reader who has only this document."""
    query = summary.query
    if Metric.SPEND in summary.metrics:
        if query.source is not MoneySource.CREDITS:
            yield (
                "BYOK (bring your own key) is OpenRouter's estimate of what requests with your own"
                " provider keys cost. The providers bill it, not OpenRouter."
            )
        if query.source is MoneySource.ALL:
            yield "Spend is credits, which OpenRouter charged, plus the BYOK estimate."
    if Metric.TOKENS in summary.metrics:
        yield "Tokens are prompt plus completion. Reasoning is part of completion."
    labels = {group.label for found in summary.metrics.values() for group in found.groups}
    if query.by is Dimension.CREATOR and NO_CREATOR in labels:
        yield (
            f"{NO_CREATOR} is usage that OpenRouter doesn't attribute to a member of the "
            "organization, for example usage of keys whose creator is unknown."
        )
    if query.by is Dimension.KEY and CHATROOM in labels:
        yield f"{CHATROOM} is usage without an API key, in OpenRouter's chat."
    compared = [found for found in summary.metrics.values() if found.previous is not None]
    if compared:
        yield _measured(summary)
