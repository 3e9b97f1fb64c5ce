"""Usage figures. Money is an integer number of nano-dollars, never a float."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from fractions import Fraction
from operator import add, sub
from typing import NamedTuple

from reports.usage.dimensions import Metric, MoneySource
from reports.usage.figure_table import PARTS

NANO = 10**9
_NANO_DOLLAR = Decimal("1e-9")
_WIDE = Context(prec=60)  # the default of 28 digits would round twice


class Usage(NamedTuple):
    """Counts of requests and tokens, and money in nano-dollars.

    The fields match the table of figures, in its order. Reasoning tokens are part of completion
    tokens, BYOK requests part of requests. `cached` are prompt tokens read from a cache (there can
    be more of them than prompt tokens), `saved` is what caching saved (negative if it cost more);
    both are 0 if unknown, which the store records.
    """

    requests: int = 0
    byok_requests: int = 0
    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    credits: int = 0
    byok: int = 0
    cached: int = 0
    saved: int = 0

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt + self.completion

    def value(self, metric: Metric, source: MoneySource = MoneySource.ALL) -> int:
        """The value of a metric: nano-dollars (from one source or all), tokens or requests."""
        if metric is Metric.TOKENS:
            return self.prompt + self.completion
        if metric is Metric.REQUESTS:
            return self.requests
        if source is MoneySource.CREDITS:
            return self.credits
        if source is MoneySource.BYOK:
            return self.byok
        return self.credits + self.byok

    def parts(self, metric: Metric, source: MoneySource = MoneySource.ALL) -> dict[str, int]:
        """The parts of a metric's value, by name."""
        parts = {name: self[index] for name, index in PARTS[metric]}
        if metric is not Metric.SPEND or source is MoneySource.ALL:
            return parts
        return {str(source): parts[source]}


ZERO = Usage()


class UsageRow(NamedTuple):
    """A usage row: one bucket (its start, UTC) of one member of a dimension with one model."""

    bucket: datetime
    member: str
    model: str
    usage: Usage


def total(usages: Iterable[Usage]) -> Usage:
    """The sum of usages."""
    columns = list(zip(*usages, strict=True))
    return Usage(*map(sum, columns)) if columns else ZERO


def dollars(nano: int | Fraction) -> str:
    """Nano-dollars as a plain decimal in dollars: up to 9 places, without trailing zeros.

    A fraction of a nano-dollar (an average) is rounded half to even.
    """
    whole = round(nano)
    sign, (units, rest) = "-" if whole < 0 else "", divmod(abs(whole), NANO)
    return f"{sign}{units}.{rest:09}".rstrip("0").rstrip(".") if rest else f"{sign}{units}"


def exact_money(nano: int) -> str:
    """Nano-dollars with all digits and a dollar sign: `$5,000`, `$1.10`, `$0.0012`, `-$3`."""
    if nano < 0:
        return f"-{exact_money(-nano)}"
    units, rest = divmod(nano, NANO)
    decimals = f"{rest:09}".rstrip("0").ljust(2, "0") if rest else ""
    return f"${units:,}.{decimals}" if rest else f"${units:,}"


def nano_dollars(amount: Decimal | int) -> int:
    """Dollars as integer nano-dollars, rounded half to even. Raises ValueError if not finite."""
    try:
        places = Decimal(amount).quantize(_NANO_DOLLAR, ROUND_HALF_EVEN, _WIDE)
    except InvalidOperation:
        raise ValueError("not an amount of money") from None
    if not places.is_finite():
        raise ValueError("not an amount of money")
    return int(places.scaleb(9, _WIDE))


def plus(one: Sequence[int], other: Sequence[int]) -> Usage:
    """The sum of two usages."""
    return Usage._make(map(add, one, other))


def minus(one: Sequence[int], other: Sequence[int]) -> Usage:
    """The difference of two usages."""
    return Usage._make(map(sub, one, other))
