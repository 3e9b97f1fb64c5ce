"""How a document begins: what it is about, of whom, of when, from where, and what is missing."""

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
from reports.questions.wording import DIMENSION_WORDS, capital, filter_words, metric_words
from reports.render.canvas.canvas import FAINT, GREY, INK, Align
from reports.render.charts.labels import each
from reports.render.fonts import Face, fit, width
from reports.render.pdf.figures import count
from reports.render.pdf.pages import BOTTOM, LEFT, RIGHT, WIDE, Pages
from reports.render.tables import averaged_over, incomplete_words, short_buckets
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.format import change, figure
from reports.usage.members import CHATROOM, NO_CREATOR
from reports.wording.safe_text import clean

AMBER, AMBER_TINT = "#B45309", "#FEF6E7"
_NOTE, _NOTE_LEADING = 7.5, 10.5
_SUBTITLE = 10.5


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a document says of itself: whose it is, where it comes from, how to ask again."""

    organization: str
    source: str
    command: str


def document_title(summary: Summary) -> str:
    """What a document is called: `Spend from credits by creator, October 2026`."""
    query = summary.query
    what = capital(metric_words(query, query.metric)) if query.metric else "Activity"
    by = f" by {DIMENSION_WORDS[query.by]}" if query.by else ""
    return f"{what}{by}, {title_words(query.period, summary.range)}"


def restrictions(query: Query) -> str:
    """What a document leaves out that its title does not say; empty where there is nothing."""
    filters = filter_words(query)
    limited = query.metric is None and query.source is not MoneySource.ALL
    money = f"{capital(metric_words(query, Metric.SPEND))} only" if limited else ""
    return " · ".join(part for part in (capital(filters), money) if part)


def compared_with(summary: Summary) -> str:
    """The name of the period before, or of whatever else the figures are compared with."""
    query = summary.query
    return before_name(query.period, summary.range, query.versus)


def draw_cover(pages: Pages, summary: Summary, sheet: Sheet) -> None:
    """Draw title, facts and warnings at the top of the first page, and notes at its foot."""
    paper = pages.paper
    pages.begin(None)
    name = fit(clean(sheet.organization), Face.BOLD, 40)
    paper.text(LEFT, 800, name, Face.BOLD, 10)
    paper.text(RIGHT, 800, "OpenRouter activity", size=10, colour=GREY, align=Align.RIGHT)
    title = document_title(summary)
    size = min(24.0, WIDE / width(title, Face.BOLD))
    paper.text(LEFT, 762, title, Face.BOLD, size)
    y = 746.0
    for line in wrap(restrictions(summary.query), Face.SANS, WIDE / _SUBTITLE, most=3):
        paper.text(LEFT, y - 4, line, size=_SUBTITLE, colour=GREY)
        y -= 14
    paper.rule(LEFT, y, RIGHT, INK, 1.2)
    pages.y = _draw_facts(pages, summary, sheet, y - 18)
    if summary.partial:
        _draw_warning(pages, summary.partial)
    pages.y -= 6
    _draw_notes(pages, summary)


def draw_figures(pages: Pages, summary: Summary, metric: Metric) -> None:
    """Draw the metric's total, average, and change in a row of large figures."""
    paper, found = pages.paper, summary.metrics[metric]
    known, name = found.previous is not None, compared_with(summary)
    average = figure(metric, found.avg)
    before = "–" if found.previous is None else figure(metric, found.previous)
    cells = (
        ("Total", figure(metric, found.sum), _parts(summary, metric)),
        ("Average", average if found.known else "–", _averaged(summary, found)),
        (capital(name), before, _counted(metric, found.previous) if known else "no data"),
        ("Change", _change(found), f"from {name}" if found.change is not None else ""),
    )
    wide, longest = WIDE / len(cells), 1
    for place, (title, large, small) in enumerate(cells):
        x = LEFT + place * wide
        size = min(19.0, (wide - 8) / max(width(large, Face.BOLD), 1))
        paper.text(x, pages.y - 10, _within(title, wide - 8, 8), size=8, colour=GREY)
        paper.text(x, pages.y - 31, large, Face.BOLD, size)
        lines = wrap(small, Face.SANS, (wide - 6) / 7.5, most=2)
        for number, line in enumerate(lines):
            paper.text(x, pages.y - 44 - 9 * number, line, size=7.5, colour=GREY)
        longest = max(longest, len(lines))
    pages.y -= 47 + 9 * longest


def _change(found: MetricSummary) -> str:
    return "new" if found.previous == 0 and found.sum else change(found.change)


def each_bucket(summary: Summary, found: MetricSummary) -> str:
    """What an average is of, and over which part of the range: `a day since 11/29/2025`."""
    over = averaged_over(summary, found)
    return in_document(f"{each(summary.range)} {over}".rstrip())


def _averaged(summary: Summary, found: MetricSummary) -> str:
    """The same, with the buckets that are averaged although they are not whole."""
    words = each_bucket(summary, found)
    if notes := short_buckets(summary, found):
        words += f" ({', '.join(notes)})"
    return in_document(words)


def _hatched(summary: Summary) -> str:
    """Which bars are hatched, and why; empty where none is."""
    granularity, found = summary.range.granularity, next(iter(summary.metrics.values()))
    notes = [f"{in_document(words)} incomplete" for words in incomplete_words(summary, found)]
    if summary.range.unfinished:
        notes.append(
            f"last {granularity} not over" if notes else f"the last {granularity}, not over yet"
        )
    return "; ".join(notes)


def wrap(text: str, face: Face, ems: float, most: int = 4) -> list[str]:
    """Text in at most so many lines of a width, the last one cut where it does not fit."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, face) <= ems:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = longer
    return [fit(line, face, round(ems, 2)) for line in lines]


def _within(text: str, points: float, size: float) -> str:
    return fit(text, Face.SANS, round(points / size, 2))


def _parts(summary: Summary, metric: Metric) -> str:
    """What a total consists of, or its exact count."""
    found = summary.metrics[metric]
    if metric is not Metric.SPEND:
        return _counted(metric, found.sum)
    if summary.query.source is not MoneySource.ALL:
        return ""
    paid, own = (figure(metric, value) for value in (summary.totals.credits, summary.totals.byok))
    return f"{paid} credits, {own} BYOK"


def _counted(metric: Metric, value: int | None) -> str:
    return "" if metric is Metric.SPEND or value is None else f"{count(value)} {metric}"


def _draw_facts(pages: Pages, summary: Summary, sheet: Sheet, top: float) -> float:
    """Two columns of facts; returns where the next thing may begin."""
    query = summary.query
    as_of = moment_words(summary.as_of) if summary.as_of else "never synced"
    left = [("Period", range_dates(summary.range)), ("Asked for", clean(sheet.command, 200))]
    right = [("Source", clean(sheet.source)), ("Data as of", as_of)]
    if query.metric in {None, Metric.SPEND}:
        left.append(("Amounts", "US dollars, rounded; the exact figures are in the CSV"))
    if hatched := _hatched(summary):
        right.append(("Hatched", hatched))
    middle = LEFT + 0.6 * WIDE
    for x, end, facts in ((LEFT, middle - 12, left), (middle, RIGHT, right)):
        for place, (name, value) in enumerate(facts):
            y = top - place * 14
            pages.paper.text(x, y, name, size=8, colour=GREY)
            pages.paper.text(x + 52, y, _within(value, end - x - 52, 8.5), size=8.5)
    bottom = top - max(len(left), len(right)) * 14
    pages.paper.rule(LEFT, bottom + 4, RIGHT, FAINT)
    return bottom - 6


def _draw_warning(pages: Pages, partial: tuple[str, ...]) -> None:
    texts = [f"Incomplete: {partial[0]}", *partial[1:]]
    ems = (WIDE - 20) / 8.5
    lines = [
        line
        for text in texts
        for line in wrap(in_document(clean(text, 400)), Face.SANS, ems, most=2)
    ]
    high = 12 * len(lines) + 8
    pages.paper.box(LEFT, pages.y - high, WIDE, high, AMBER_TINT)
    pages.paper.box(LEFT, pages.y - high, 2.5, high, AMBER)
    for place, line in enumerate(lines):
        pages.paper.text(LEFT + 10, pages.y - 13 - 12 * place, line, size=8.5, colour=AMBER)
    pages.y -= high + 6


def _draw_notes(pages: Pages, summary: Summary) -> None:
    """Draw what the figures mean at the foot of the page, and keep the room for them."""
    lines = [
        line for note in notes(summary) for line in wrap(note, Face.SANS, WIDE / _NOTE, most=3)
    ]
    if not lines:
        return
    top = BOTTOM + _NOTE_LEADING * len(lines)
    pages.paper.rule(LEFT, top + 4, RIGHT, FAINT)
    for place, line in enumerate(lines):
        y = top - _NOTE_LEADING * (place + 1) + 3
        pages.paper.text(LEFT, y, line, size=_NOTE, colour=GREY)
    pages.keep_free(_NOTE_LEADING * len(lines) + 10)


def notes(summary: Summary) -> Iterator[str]:
    """Sentences that explain the figures to somebody who has this page and nothing else."""
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
            f"{NO_CREATOR} is usage that OpenRouter attributes to no member of the organization,"
            " for example of keys whose creator is not known."
        )
    if query.by is Dimension.KEY and CHATROOM in labels:
        yield f"{CHATROOM} is usage without an API key, in OpenRouter's chat."
    compared = [found for found in summary.metrics.values() if found.previous is not None]
    if compared:
        yield f"Change is measured against {compared_with(summary)}."
