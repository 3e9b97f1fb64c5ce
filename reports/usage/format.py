"""Formats figures in messages and charts: money, counts, percentages and changes."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from reports.usage.dimensions import Metric
from reports.usage.usage import NANO

_SUFFIXES = ((10**9, "B"), (10**6, "M"), (10**3, "K"))

_SHORTEST = Decimal("1e-9")

_CENT, _FOUR_PLACES, _TEN_CENTS = Decimal("0.01"), Decimal("0.0001"), Decimal("0.1")
_WIDE = Context(prec=60)  # quantize fails beyond the default of 28 digits


def number(value: int | Fraction) -> str:
    """A count with three significant digits and K, M or B: `170`, `4.26K`, `10.6M`."""
    exact = Fraction(value)
    if exact < 0:
        return "-" + number(-exact)
    for size, suffix in _SUFFIXES:
        # 999.5 would round to 1000, so it already belongs to the next suffix
        if exact >= size - Fraction(size, 2000):
            return _digits(exact / size) + suffix
    return _digits(exact)


def money(nano: int | Fraction) -> str:
    """Nano-dollars as `$4,804.81`, with four decimals below ten cents: `$0.0123`.

    Below a hundredth of a cent it has enough decimals for two significant digits, so only zero is
    `$0`. A minus sign comes before the dollar sign.
    """
    amount = Fraction(nano) / NANO
    if amount < 0:
        return "-" + money(-nano)
    if not amount:
        return "$0"
    exact = _WIDE.divide(Decimal(amount.numerator), Decimal(amount.denominator))
    small = exact.quantize(_FOUR_PLACES, ROUND_HALF_EVEN, _WIDE)
    if small >= _TEN_CENTS:
        return f"${exact.quantize(_CENT, ROUND_HALF_EVEN, _WIDE):,}"
    if exact >= _FOUR_PLACES:
        return f"${small}"
    return f"${exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1)):f}".rstrip("0")


def axis_money(nano: int | Fraction) -> str:
    """Nano-dollars in short, for the axis of a chart: `$500`, `$2.5K`, `$1M`."""
    shown = number(Fraction(nano) / NANO)
    return f"-${shown[1:]}" if shown.startswith("-") else f"${shown}"


def figure(metric: Metric, value: int | Fraction) -> str:
    """A metric's value: money with cents, counts with three significant digits."""
    return money(value) if metric is Metric.SPEND else number(value)


def axis_figure(metric: Metric, value: int | Fraction) -> str:
    """A metric's value in short, for the axis of a chart."""
    return axis_money(value) if metric is Metric.SPEND else number(value)


def duration(micros: int) -> str:
    """Microseconds as `812 ms`, or from a second on with three significant digits: `4.12 s`."""
    if micros >= 999_500_000:
        return f"{round(micros / 1_000_000):,} s"
    if micros >= 999_500:
        return f"{_digits(Fraction(micros, 1_000_000))} s"
    return f"{round(micros / 1000)} ms" if micros >= 500 or not micros else "<1 ms"


def percent(ratio: Fraction | float) -> str:
    """A share as a percentage with one decimal: `10.4%`, `100.0%`; `<0.1%` if it would be zero."""
    tenths = round(Fraction(ratio) * 1000)
    if ratio and not tenths:
        return "<0.1%"
    sign, (units, tenth) = "-" if tenths < 0 else "", divmod(abs(tenths), 10)
    return f"{sign}{units:,}.{tenth}%"


def points(difference: Fraction) -> str:
    """How far two shares are apart in percentage points, with one decimal: `1.2`."""
    units, tenth = divmod(abs(round(difference * 1000)), 10)
    return f"{units:,}.{tenth}"


def change(ratio: Fraction | None) -> str:
    """A change from the previous period: `+12.0%`, `-3.1%`, `no change`, `–` if unknown."""
    if ratio is None:
        return "–"
    if not round(ratio * 1000):
        return "no change"
    return ("+" if ratio > 0 else "") + percent(ratio)


def difference(metric: Metric, current: int, previous: int) -> str:
    """The change of a metric's value: `up $99.20 (+8.6%)`, `down 1.2M (-3.1%)`, `no change`.

    There is no percentage if the earlier value is zero.
    """
    delta = current - previous
    if not delta:
        return "no change"
    words = f"{'up' if delta > 0 else 'down'} {figure(metric, abs(delta))}"
    if not previous:
        return words
    ratio = Fraction(delta, abs(previous))
    # a change that rounds to 0.0% is shown without a percentage
    return f"{words} ({change(ratio)})" if round(ratio * 1000) else words


def _digits(exact: Fraction) -> str:
    """A nonnegative number with three significant digits and grouped thousands."""
    value = Decimal(exact.numerator) / Decimal(exact.denominator)
    if value >= 100:
        return f"{int(value.to_integral_value(ROUND_HALF_EVEN)):,}"
    if not value:
        return "0"
    step = Decimal(1).scaleb(value.adjusted() - 2)
    rounded = value.quantize(max(step, _SHORTEST), ROUND_HALF_EVEN)
    shown = f"{rounded or value.quantize(step):f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
