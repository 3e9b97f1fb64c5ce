"""Compares a person's month with what is usual for them: the same days of earlier months.

Of a month that isn't over, the days that are over are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from reports.usage.format import money, percent
from reports.usage.usage import dollars

MOST_MONTHS = 6
"""Older months say little about what is usual now, because models and prices have changed."""
FEWEST_MONTHS = 3
"""With fewer months there is no usual amount: one unusual month would weigh too much."""


@dataclass(frozen=True, slots=True)
class OwnMonth:
    """What a person spent in a month (nano-dollars), and in the same days of earlier months.

    `days` is how many days of the month are over, and `last` the last of them; 0 and None on the
    first day, when `earlier` has whole months. `over`: the month itself is over. `earlier` has the
    newest month first; it ends with the first month in which the person used anything, or that is
    known.
    """

    spent: int
    days: int
    earlier: tuple[int, ...]
    last: date | None = None
    over: bool = False

    @property
    def usual(self) -> int | None:
        """The median of the same days of the earlier months; None if there are too few.

        Of an even number of months it is the mean of the middle two, rounded half to even.
        """
        count = len(self.earlier)
        if count < FEWEST_MONTHS:
            return None
        ordered = sorted(self.earlier)
        return round(Fraction(ordered[(count - 1) // 2] + ordered[count // 2], 2))


def own_month(
    spent: int, days: int, before: list[int], last: date | None = None, *, over: bool = False
) -> OwnMonth:
    """A month and earlier ones (newest first), without the months before the first use."""
    earlier = before[:MOST_MONTHS]
    while earlier and not earlier[-1]:
        earlier.pop()
    return OwnMonth(spent, days, tuple(earlier), last, over)


def usual_sentence(month: OwnMonth) -> str:
    """A sentence that compares a month with the usual amount, as plain text."""
    usual = month.usual
    if usual is None:
        return (
            "Fewer than three earlier months of your usage are known, so there is no usual amount"
            " to compare with yet."
        )
    low, high = money(min(month.earlier)), money(max(month.earlier))
    ranged = f"which ranged from {low} to {high}" if low != high else "which were all the same"
    days = "day" if month.days == 1 else f"{month.days} days"
    span = "In a whole month" if month.over or not month.days else f"In the first {days} of a month"
    months = f"{len(month.earlier)} months"
    said = (
        f"{span}, you usually spend {money(usual)}: the median of the"
        f" {f'{months} before {month.last:%B}' if month.over else f'past {months}'}, {ranged}."
    )
    return f"{said} {_place(month, usual)}"


def _place(month: OwnMonth, usual: int) -> str:
    if not month.days:
        return "This month has just begun, so it isn't compared with that yet."
    spent = month.spent
    subject, is_ = "This month", "is"
    if month.last:
        in_month = (
            f"In {month.last:%B}" if month.over else f"Through {month.last.day} {month.last:%b}"
        )
        subject, is_ = f"{in_month} you spent {money(spent)},", "which is"
    if spent == usual:
        return f"{subject} {is_} the same as usual."
    side = "above" if spent > usual else "below"
    if not usual:
        return f"{subject} {is_} {money(spent)} above that."
    return f"{subject} {is_} {percent(Fraction(abs(spent - usual), usual))} {side} that."


def own_month_json(month: OwnMonth) -> dict[str, Any] | None:
    """The usual amount as JSON values, money as decimal strings; None if there are too few
    months."""
    if month.usual is None:
        return None
    compared = bool(month.usual and month.days)
    return {
        "days": month.days,
        "through": month.last and month.last.isoformat(),
        "spent": dollars(month.spent),
        "median": dollars(month.usual),
        "low": dollars(min(month.earlier)),
        "high": dollars(max(month.earlier)),
        "months": len(month.earlier),
        "change": float(Fraction(month.spent, month.usual) - 1) if compared else None,
    }
