"""Figures as a statement prints them: thousands separators, decimal points under each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import Usage

TITLES = {
    Metric.SPEND: ("Credits", "BYOK", "Spend"),
    Metric.TOKENS: ("Prompt", "Reasoning", "Completion", "Total"),
    Metric.REQUESTS: ("Requests", "BYOK requests"),
}
_FIELDS = {
    Metric.SPEND: ("credits", "byok"),
    Metric.TOKENS: ("prompt", "reasoning", "completion"),
    Metric.REQUESTS: ("requests", "byok_requests"),
}
_CENT, _HUNDREDTH_OF_A_CENT = 10_000_000, 100_000  # in nano-dollars
_TEN_CENTS = 99_950_000  # from here on four decimals would be rounded to ten cents


def dollars(nano: int) -> str:
    """Dollars with cents, padded so that points align; four decimals below ten cents.

    Never `0.00` for an amount that is not nothing: the smallest are `<0.0001`.
    """
    size = abs(nano)
    if size >= _TEN_CENTS or not size:
        cents = _rounded(size, _CENT)
        shown = f"{cents // 100:,}.{cents % 100:02}  "
    elif size >= _HUNDREDTH_OF_A_CENT:
        shown = f"0.{_rounded(size, _HUNDREDTH_OF_A_CENT):04}"
    else:
        return "<0.0001" if nano > 0 else ">-0.0001"
    return f"-{shown}" if nano < 0 else shown


def count(number: int) -> str:
    """A whole number with thousands separators."""
    return f"{number:,}"


def shown(metric: Metric, value: int) -> str:
    """A metric's figure as it stands in a column."""
    return dollars(value) if metric is Metric.SPEND else count(value)


def values(metric: Metric, source: MoneySource) -> Callable[[Usage], tuple[int, ...]]:
    """What a usage has in the columns of a metric; of one source of money, that alone."""
    if metric is Metric.TOKENS:
        return lambda usage: (usage.prompt, usage.reasoning, usage.completion, usage.tokens)
    if metric is Metric.REQUESTS:
        return lambda usage: (usage.requests, usage.byok_requests)
    if source is MoneySource.CREDITS:
        return lambda usage: (usage.credits,)
    if source is MoneySource.BYOK:
        return lambda usage: (usage.byok,)
    return lambda usage: (usage.credits, usage.byok, usage.credits + usage.byok)


def titles(metric: Metric, source: MoneySource) -> tuple[str, ...]:
    """What the columns of a metric are called."""
    if metric is not Metric.SPEND or source is MoneySource.ALL:
        return TITLES[metric]
    return ("Credits",) if source is MoneySource.CREDITS else ("BYOK",)


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
            return lambda usage: template % tuple(map(dollars, values(usage)))
        pattern = "".join(f"{{:>{wide},}}" for wide in self.widths).format
        if self.metric is Metric.TOKENS:  # hundreds of thousands of lines: no tuple for each
            return lambda usage: pattern(
                usage.prompt,
                usage.reasoning,
                usage.completion,
                usage.prompt + usage.completion,
            )
        return lambda usage: pattern(usage.requests, usage.byok_requests)


def columns(metric: Metric, source: MoneySource, largest: Usage) -> Columns:
    """The columns of a metric, wide enough for figures up to those of the whole."""
    value, names = values(metric, source), titles(metric, source)
    widths = tuple(
        column_width(title, shown(metric, figure))
        for title, figure in zip(names, value(largest), strict=True)
    )
    return Columns(metric, names, widths, value)


def column_width(title: str, largest: str) -> int:
    """How many letters wide a column of figures is, with the gap before it."""
    return max(len(title), len(largest), len(" <0.0001")) + 2


def _rounded(size: int, step: int) -> int:
    """How many steps an amount comes to, halves to the even number."""
    steps, rest = divmod(size, step)
    return steps + (2 * rest > step or (2 * rest == step and steps % 2 == 1))
