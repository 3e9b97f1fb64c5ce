"""Figures as a statement prints them: exact, with thousands separators, points under points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from reports.query import Metric, Source
from reports.usage import NANO, Usage

TITLES = {
    Metric.SPEND: ("Credits", "BYOK", "Spend"),
    Metric.TOKENS: ("Prompt", "Reasoning", "Completion"),
    Metric.REQUESTS: ("Requests", "BYOK requests"),
}
_FIELDS = {
    Metric.SPEND: ("credits", "byok"),
    Metric.TOKENS: ("prompt", "reasoning", "completion"),
    Metric.REQUESTS: ("requests", "byok_requests"),
}
_PLACES = 9
_NOTHING = "0.00" + " " * (_PLACES - 2)


def exact(nano: int) -> str:
    """Dollars with thousands separators and 2 to 9 places, padded so that points align."""
    if not nano:
        return _NOTHING
    whole, rest = divmod(abs(nano), NANO)
    places = f"{rest:09}".rstrip("0")
    padded = f"{places:0<2}".ljust(_PLACES)
    return f"-{whole:,}.{padded}" if nano < 0 else f"{whole:,}.{padded}"


def count(number: int) -> str:
    """A whole number with thousands separators."""
    return f"{number:,}"


def shown(metric: Metric, value: int) -> str:
    """A metric's figure, exact."""
    return exact(value) if metric is Metric.SPEND else count(value)


def values(metric: Metric, source: Source) -> Callable[[Usage], tuple[int, ...]]:
    """What a usage has in the columns of a metric; money from the source asked for."""
    if metric is Metric.TOKENS:
        return lambda usage: (usage.prompt, usage.reasoning, usage.completion)
    if metric is Metric.REQUESTS:
        return lambda usage: (usage.requests, usage.byok_requests)
    paid, own = source is not Source.BYOK, source is not Source.CREDITS

    def money(usage: Usage) -> tuple[int, ...]:
        credits_, byok = usage.credits if paid else 0, usage.byok if own else 0
        return credits_, byok, credits_ + byok

    return money


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of figures of one metric, as wide as their largest figure needs.

    Widths are in letters: figures are set in a face in which all letters are of one width.
    """

    metric: Metric
    titles: tuple[str, ...]
    widths: tuple[int, ...]
    values: Callable[[Usage], tuple[int, ...]]

    @property
    def wide(self) -> int:
        """How many letters all of them take."""
        return sum(self.widths)

    def add_up(self, usages: Sequence[Usage]) -> Usage:
        """Usages added up in the fields that the columns show, a field at a time."""
        fields = _FIELDS[self.metric]
        return Usage(**{field: sum(map(attrgetter(field), usages)) for field in fields})

    @property
    def line(self) -> Callable[[Usage], str]:
        """What writes a usage as one line of figures, each column aligned to the right."""
        values = self.values
        if self.metric is Metric.SPEND:
            template = "".join(f"%{wide}s" for wide in self.widths)
            return lambda usage: template % tuple(map(exact, values(usage)))
        pattern = "".join(f"{{:>{wide},}}" for wide in self.widths).format
        if self.metric is Metric.TOKENS:
            return lambda usage: pattern(usage.prompt, usage.reasoning, usage.completion)
        return lambda usage: pattern(usage.requests, usage.byok_requests)


def columns(metric: Metric, source: Source, largest: Usage) -> Columns:
    """The columns of a metric, wide enough for figures up to those of the whole."""
    value = values(metric, source)
    titles = TITLES[metric]
    # amounts mostly end in blanks, which part them already
    gap = 2 if metric is Metric.SPEND else 3
    widths = tuple(
        max(len(shown(metric, figure)), len(title)) + gap
        for title, figure in zip(titles, value(largest), strict=True)
    )
    return Columns(metric, titles, widths, value)
