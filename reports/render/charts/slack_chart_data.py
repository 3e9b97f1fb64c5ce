"""Reduces a summary's series to what a native Slack chart accepts: 20 points, 6 series.

Limits from Slack's block reference: 1 to 20 points, 1 to 12 series (6 until summer 2026; this bot
stays at 6), labels and series names of at most 20 characters, unique names.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.questions.summary import ALL, MetricSummary, Series
from reports.questions.wording import bucket_words
from reports.time.time_range import Granularity, TimeRange
from reports.wording.safe_text import clean

MOST_POINTS = 20
FEWEST_POINTS = 10  # with fewer, a day loses its shape; a shorter last point is better
MOST_SERIES = 6
LONGEST_NAME = 20
_SHORT = {
    Granularity.MINUTE: "min",
    Granularity.HOUR: "h",
    Granularity.DAY: "d",
    Granularity.MONTH: "mo",
}
BEFORE = "Before"
"""The name of the series for the period that the total is compared with."""


@dataclass(frozen=True, slots=True)
class ChartData:
    """Labels of the points, and series as pairs of name and values.

    Each point sums `each` buckets. If the last point has fewer, its label and `note` say so.
    """

    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[int, ...]], ...]
    each: int
    note: str = ""


def chart_data(
    part: MetricSummary, wanted: TimeRange, others: str = "Others", *, slugs: bool = False
) -> ChartData:
    """The total, or the largest groups and the others, over a range.

    Set `slugs` if the groups are models, whose author is dropped first when a name is too long.
    Leading and trailing buckets without data have no point.
    """
    first, end = _known(part)
    count = end - first
    each = step(count)
    starts = range(first, end, each)
    labels = [bucket_words(wanted.buckets[start], wanted) for start in starts]
    short = count % each
    note = f"last: {_count_words(short, wanted)}" if short else ""
    if short:
        labels[-1] = f"{labels[-1]} ({short} {_SHORT[wanted.granularity]})"
    lines = [(name, _points(values, starts)) for name, values in _lines(part, others)]
    names = _unique([_short(name, slugs=slugs) for name, _ in lines])
    series = tuple((name, line) for name, (_, line) in zip(names, lines, strict=True))
    return ChartData(tuple(_unique(labels)), series, each, note)


def step(count: int) -> int:
    """How many buckets make one point, so that there are at most 20.

    Prefers a step that divides the count evenly, unless that leaves fewer than 10 points.
    """
    smallest_step = -(-count // MOST_POINTS)
    even_step = next(
        (size for size in range(smallest_step, count + 1) if count % size == 0), smallest_step
    )
    return even_step if count // even_step >= FEWEST_POINTS else smallest_step


def _known(part: MetricSummary) -> tuple[int, int]:
    """The half-open index range of buckets with data; all of them in a comparison."""
    known = [n for n in range(len(part.buckets)) if n not in part.unknown]
    if part.previous_buckets is not None or not known:
        return 0, len(part.buckets)
    return known[0], known[-1] + 1


def _count_words(count: int, wanted: TimeRange) -> str:
    return f"{count} {wanted.granularity}{'' if count == 1 else 's'}"


def _lines(part: MetricSummary, others: str) -> list[tuple[str, tuple[int, ...]]]:
    if part.previous_buckets is not None:
        return [(ALL, part.buckets), (BEFORE, part.previous_buckets)]
    used_groups = tuple(group for group in part.groups if group.sum)
    group_count = len(used_groups) + (part.other_count if part.other_sum else 0)
    shown = used_groups[: MOST_SERIES if group_count <= MOST_SERIES else MOST_SERIES - 1]
    lines = [(group.label, group.buckets) for group in shown]
    if group_count > len(shown):
        lines.append(
            (f"{others} ({group_count - len(shown)})", _subtract_groups(part.buckets, shown))
        )
    return lines or [(ALL, part.buckets)]


def _subtract_groups(whole: tuple[int, ...], shown: tuple[Series, ...]) -> tuple[int, ...]:
    return tuple(
        value - sum(group.buckets[index] for group in shown) for index, value in enumerate(whole)
    )


def _points(values: tuple[int, ...], starts: range) -> tuple[int, ...]:
    return tuple(sum(values[start : min(start + starts.step, starts.stop)]) for start in starts)


def _short(name: str, *, slugs: bool) -> str:
    """A name cut to fit; a model loses its author first."""
    short = clean(name)
    if slugs and len(short) > LONGEST_NAME and "/" in short:
        short = short.rpartition("/")[2]
    return clean(short, LONGEST_NAME)


def _unique(names: list[str]) -> list[str]:
    taken: set[str] = set()
    unique = []
    for name in names:
        number, candidate = 2, name
        while candidate in taken:
            suffix = f" {number}"
            candidate, number = name[: LONGEST_NAME - len(suffix)] + suffix, number + 1
        taken.add(candidate)
        unique.append(candidate)
    return unique
