"""What is compared of unfinished periods that are given as dates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from reports.questions.query import Query, Versus
from reports.questions.unfinished import whole_part
from reports.time.period import DateSpan
from reports.time.period_to_range import ranges

NOW = datetime(2026, 11, 30, 2, 3, tzinfo=UTC)


def compared(
    first: date, last: date, now: datetime = NOW, versus: Versus | None = None
) -> list[str]:
    """The whole days before and now: the first, and the day after the last."""
    span = DateSpan(first, last)
    both = ranges(span, now)
    part = whole_part(Query(period=span, versus=versus), both.current, both.previous)
    assert part
    return [f"{of.start:%d %b} – {of.end:%d %b}" for of in (part.previous, part.current)]


def test_dates_through_today_are_compared_with_as_many_whole_days_right_before() -> None:
    assert compared(date(2026, 11, 23), date(2026, 11, 30)) == [
        "16 Nov – 23 Nov", "23 Nov – 30 Nov"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last", "now", "then"),
    [
        (date(2026, 11, 23), date(2026, 12, 6), NOW, "09 Nov – 16 Nov"),
        (date(2026, 8, 1), date(2026, 8, 31), NOW.replace(month=8, day=31), "01 Jul – 31 Jul"),
        (date(2026, 12, 1), date(2026, 12, 31), NOW.replace(month=12, day=31), "01 Nov – 01 Dec"),
    ],
)
def test_dates_that_go_on_and_whole_months_are_compared_with_the_same_part(
    first: date, last: date, now: datetime, then: str
) -> None:
    assert compared(first, last, now)[0] == then
