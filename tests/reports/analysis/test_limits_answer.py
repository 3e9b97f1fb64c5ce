"""What the answer `limits` says: what is full, what comes next, and when each limit resets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from reports.analysis.document import AnalysisDocument
from reports.analysis.limits import FullAt, LimitForecast, LimitKind
from reports.analysis.limits_answer import limits_answer
from reports.questions.query import Query, QueryKind

NOW = datetime(2026, 11, 25, 10, 20, tzinfo=UTC)  # a Wednesday
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
DOLLAR = 10**9


def limit(
    used: int, resets: datetime | None = DECEMBER, full: datetime | None = None
) -> LimitForecast:
    """A key's limit of $100."""
    moment = NOW if used >= 100 else full
    reached = FullAt(moment, moment, moment) if moment else None
    return LimitForecast(LimitKind.KEY, "prod", "", 100 * DOLLAR, used * DOLLAR, resets, reached)


def answer(limits: Sequence[LimitForecast], zone: str = "UTC") -> AnalysisDocument:
    query = Query(kind=QueryKind.LIMITS)
    return limits_answer(query, limits, None, NOW, zone, as_of=NOW)


def counts(*limits: LimitForecast) -> str:
    return answer(limits).sentences[-1]


def test_a_limit_that_is_exceeded_says_by_how_much() -> None:
    found = answer([limit(104)])
    assert found.sentences == (
        (
            "Key limit “prod” is full until it resets on Tue 1 Dec at 0:00: $104.00 of $100.00 used"
            " (104.0%)."
        ),
    )
    assert found.rows[0][1:4] == ("$104.00 of $100.00 (104.0%)", "now", "Tue 1 Dec, 0:00")


def test_a_reset_has_its_date_in_the_zone_of_the_reader() -> None:
    found = answer([limit(10)], "America/New_York")
    assert found.rows[0][3] == "Mon 30 Nov, 19:00"


SOON, LATER = NOW + timedelta(hours=3), NOW + timedelta(days=30)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (
            [limit(100), limit(104), limit(80, full=SOON), limit(10)],
            "2 of 4 limits are full; at the usual pace, 1 more is reached before it resets.",
        ),
        (
            [limit(100), limit(10), limit(20)],
            (
                "1 of 3 limits is full; at the usual pace, none of the others is reached before it"
                " resets."
            ),
        ),
        (
            [limit(100), limit(10)],
            "1 of 2 limits is full; at the usual pace, the other isn't reached before it resets.",
        ),
        ([limit(100), limit(100)], "Both limits are full."),
        (
            [limit(80, full=SOON), limit(70, full=SOON), limit(10)],
            "At the usual pace, 2 of 3 limits are reached before they reset.",
        ),
        (
            [limit(80, None, LATER), limit(10)],
            "At the usual pace, 1 of 2 limits is reached within three months.",
        ),
        (
            [limit(80, full=SOON), limit(80, None, LATER), limit(10)],
            (
                "At the usual pace, 2 of 3 limits are reached before they reset or within three"
                " months."
            ),
        ),
    ],
)
def test_limits_that_are_full_are_counted_apart_from_those_that_will_be(
    limits: list[LimitForecast], said: str
) -> None:
    assert counts(*limits) == said


def test_limits_are_listed_in_order_however_they_are_given() -> None:
    limits = [limit(10), limit(80), limit(20, full=LATER), limit(104), limit(30, full=SOON)]
    found = answer(limits)
    assert [row[1][:5] for row in found.rows] == ["$104.", "$30.0", "$20.0", "$80.0", "$10.0"]
    assert found.rows == answer(limits[::-1]).rows
    assert found.sentences == answer(limits[::-1]).sentences
    assert found.data() == answer(limits[::-1]).data()
    assert found.exact() == answer(limits[::-1]).exact()
    assert [one["used"] for one in found.data()["walls"]] == ["104", "30", "20", "80", "10"]
