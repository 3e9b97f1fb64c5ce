"""A summary's series boiled down to what a native Slack chart takes: 20 points, 6 series.

Limits from Slack's block reference: 1 to 20 points, 1 to 12 series (6 until summer 2026, which is
kept to), labels and series names of at most 20 characters, each name once.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.questions.summary import ALL, MetricSummary, Series
from reports.questions.wording import bucket_words
from reports.time.timerange import Granularity, TimeRange
from reports.wording.safe_text import clean

MOST_POINTS = 20
FEWEST_POINTS = 10  # fewer hide the shape of a day; then one short point is the lesser evil
MOST_SERIES = 6
LONGEST_NAME = 20
_SHORT = {
    Granularity.MINUTE: "min",
    Granularity.HOUR: "h",
    Granularity.DAY: "d",
    Granularity.MONTH: "mo",
}
BEFORE = "Before"
"""The name of the line that the whole is compared with."""


@dataclass(frozen=True, slots=True)
class ChartData:
    """Points with a label each, and by series their figures.

    `each` buckets make one point. Where the last point has fewer, its label and `note` say so.
    """

    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[int, ...]], ...]
    each: int
    note: str = ""


def chart_data(
    part: MetricSummary, wanted: TimeRange, others: str = "Others", *, slugs: bool = False
) -> ChartData:
    """The whole, or the largest groups and the others, over a range; `slugs` are models' names.

    Buckets without data at the beginning and the end of the range have no point.
    """
    first, end = _known(part)
    count = end - first
    each = step(count)
    starts = range(first, end, each)
    labels = [bucket_words(wanted.buckets[start], wanted) for start in starts]
    short = count % each
    note = f"last: {_many(short, wanted)}" if short else ""
    if short:
        labels[-1] = f"{labels[-1]} ({short} {_SHORT[wanted.granularity]})"
    lines = [(name, _points(values, starts)) for name, values in _lines(part, others)]
    names = _unique([_short(name, slugs=slugs) for name, _ in lines])
    series = tuple((name, line) for name, (_, line) in zip(names, lines, strict=True))
    return ChartData(tuple(_unique(labels)), series, each, note)


def step(count: int) -> int:
    """How many buckets make one point, so that there are at most 20.

    A step that divides the count is taken where it costs few points; else the last point is short.
    """
    least = -(-count // MOST_POINTS)
    divides = next((size for size in range(least, count + 1) if count % size == 0), least)
    return divides if count // divides >= FEWEST_POINTS else least


def _known(part: MetricSummary) -> tuple[int, int]:
    """From which bucket until before which there is data; all where another period is beside it."""
    known = [n for n in range(len(part.buckets)) if n not in part.unknown]
    if part.course is not None or not known:
        return 0, len(part.buckets)
    return known[0], known[-1] + 1


def _many(count: int, wanted: TimeRange) -> str:
    return f"{count} {wanted.granularity}{'' if count == 1 else 's'}"


def _lines(part: MetricSummary, others: str) -> list[tuple[str, tuple[int, ...]]]:
    if part.course is not None:
        return [(ALL, part.buckets), (BEFORE, part.course)]
    used = tuple(group for group in part.groups if group.sum)
    everything = len(used) + (part.rest if part.rest_sum else 0)
    shown = used[: MOST_SERIES if everything <= MOST_SERIES else MOST_SERIES - 1]
    lines = [(group.label, group.buckets) for group in shown]
    if everything > len(shown):
        lines.append((f"{others} ({everything - len(shown)})", _minus(part.buckets, shown)))
    return lines or [(ALL, part.buckets)]


def _minus(whole: tuple[int, ...], shown: tuple[Series, ...]) -> tuple[int, ...]:
    return tuple(
        value - sum(group.buckets[index] for group in shown) for index, value in enumerate(whole)
    )


def _points(values: tuple[int, ...], starts: range) -> tuple[int, ...]:
    return tuple(sum(values[start : min(start + starts.step, starts.stop)]) for start in starts)


def _short(name: str, *, slugs: bool) -> str:
    """A name cut to fit; of a model the maker goes first."""
    shown = clean(name)
    if slugs and len(shown) > LONGEST_NAME and "/" in shown:
        shown = shown.rpartition("/")[2]
    return clean(shown, LONGEST_NAME)


def _unique(names: list[str]) -> list[str]:
    taken: set[str] = set()
    unique = []
    for name in names:
        number, candidate = 2, name
        while candidate in taken:
            mark = f" {number}"
            candidate, number = name[: LONGEST_NAME - len(mark)] + mark, number + 1
        taken.add(candidate)
        unique.append(candidate)
    return unique
