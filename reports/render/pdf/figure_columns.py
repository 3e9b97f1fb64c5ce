"""Figures in columns: thousands separators, aligned decimal points."""

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
_TEN_CENTS = 99_950_000  # from here four decimals would round up to ten cents


def dollars(nano: int) -> str:
    """Nano-dollars as dollars with cents, padded to align; four decimals below ten cents.

    A nonzero amount is never `0.00`: the smallest are `<0.0001`.
    """
    amount = abs(nano)
    if amount >= _TEN_CENTS or not amount:
        cents = _rounded(amount, _CENT)
        text = f"{cents // 100:,}.{cents % 100:02}  "
    elif amount >= _HUNDREDTH_OF_A_CENT:
        text = f"0.{_rounded(amount, _HUNDREDTH_OF_A_CENT):04}"
    else:
        return "<0.0001" if nano > 0 else ">-0.0001"
    return f"-{text}" if nano < 0 else text


def count(number: int) -> str:
    """A whole number with thousands separators."""
    return f"{number:,}"


def figure_text(metric: Metric, value: int) -> str:
    """A metric's value (nano-dollars or a count) as text for a column."""
    return dollars(value) if metric is Metric.SPEND else count(value)


def values(metric: Metric, source: MoneySource) -> Callable[[Usage], tuple[int, ...]]:
    """A function that returns a usage's values in a metric's columns, for one money source."""
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
    """The titles of a metric's columns."""
    if metric is not Metric.SPEND or source is MoneySource.ALL:
        return TITLES[metric]
    return ("Credits",) if source is MoneySource.CREDITS else ("BYOK",)


@dataclass(frozen=True, slots=True)
class Columns:
    """The figure columns of one metric, each as wide as its largest figure.

    Widths are in characters: figures use a monospaced font.
    """

    metric: Metric
    titles: tuple[str, ...]
    widths: tuple[int, ...]
    values: Callable[[Usage], tuple[int, ...]]

    @property
    def width(self) -> int:
        """The width of all columns, in characters."""
        return sum(self.widths)

    def add_up(self, usages: Sequence[Usage]) -> Usage:
        """The sum of usages, in the fields that the columns show."""
        fields = _FIELDS[self.metric]
        return Usage(**{field: sum(map(attrgetter(field), usages)) for field in fields})

    @property
    def line(self) -> Callable[[Usage], str]:
        """A function that formats a usage as one line of right-aligned figures."""
        values = self.values
        if self.metric is Metric.SPEND:
            template = "".join(f"%{width}s" for width in self.widths)
            return lambda usage: template % tuple(map(dollars, values(usage)))
        pattern = "".join(f"{{:>{width},}}" for width in self.widths).format
        if (
            self.metric is Metric.TOKENS
        ):  # avoids a tuple for each of hundreds of thousands of lines
            return lambda usage: pattern(
                usage.prompt,
                usage.reasoning,
                usage.completion,
                usage.prompt + usage.completion,
            )
        return lambda usage: pattern(usage.requests, usage.byok_requests)


def columns(metric: Metric, source: MoneySource, largest: Usage) -> Columns:
    """The columns of a metric, wide enough for the figures of `largest`."""
    values_of, column_titles = values(metric, source), titles(metric, source)
    widths = tuple(
        column_width(title, figure_text(metric, figure))
        for title, figure in zip(column_titles, values_of(largest), strict=True)
    )
    return Columns(metric, column_titles, widths, values_of)


def column_width(title: str, largest: str) -> int:
    """The width of a figure column with the gap before it, in characters."""
    return max(len(title), len(largest), len(" <0.0001")) + 2


def _rounded(amount: int, step: int) -> int:
    """An amount divided by a step, rounded half to even."""
    quotient, remainder = divmod(amount, step)
    return quotient + (2 * remainder > step or (2 * remainder == step and quotient % 2 == 1))
