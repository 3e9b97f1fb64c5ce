from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reports.questions.grammar import QuestionCommand, parse
from reports.questions.range_names import (
    axis_date,
    before_name,
    file_words,
    in_document,
    range_dates,
    title_words,
)
from reports.time.period_to_range import ranges

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "title", "before", "file"),
    [
        ("2026-10", "October 2026", "September 2026", "2026-10"),
        ("last month", "October 2026", "September 2026", "2026-10"),
        ("2026-01", "January 2026", "December 2025", "2026-01"),
        ("2026-07-01..2026-09-30", "Q3 2026", "Q2 2026", "2026-Q3"),
        ("last year", "2025", "2024", "2025"),
        ("last week", "Week 46, 2026", "Week 45, 2026", "2026-11-09_2026-11-15"),
        ("yesterday", "11/21/2026", "11/20/2026", "2026-11-21"),
        ("2026-10-03", "10/03/2026", "10/02/2026", "2026-10-03"),
        (
            "2026-10-01..2026-10-03",
            "10/01/2026 – 10/03/2026",
            "the 3 days before",
            "2026-10-01_2026-10-03",
        ),
        ("1m", "10/22/2026 – 11/22/2026", "the month before", "2026-10-22_2026-11-22"),
        (
            "this month",
            "November 2026 so far",
            "the same part of last month",
            "2026-11-01_2026-11-22",
        ),
        ("ytd", "2026 so far", "the same part of last year", "2026-01-01_2026-11-22"),
        ("today", "11/22/2026 so far", "the same part of yesterday", "2026-11-22T1031"),
        ("1h", "11/22/2026 09:31 – 10:31", "the hour before", "2026-11-22T1031"),
        ("last hour", "11/22/2026 09:00 – 10:00", "the hour before", "2026-11-22T1000"),
        ("2026-10 vs last year", "October 2026", "a year earlier", "2026-10"),
        ("2026-10 tz Asia/Kolkata", "October 2026", "September 2026", "2026-10"),
        ("2026-10 tz America/New_York", "October 2026", "September 2026", "2026-10"),
    ],
)
def test_ranges_are_named_by_the_calendar_where_it_has_a_name(
    words: str, title: str, before: str, file: str
) -> None:
    parsed = parse(words)
    assert isinstance(parsed, QuestionCommand)
    query = parsed.query
    span = ranges(query.period, NOW, query.zone or "UTC").current
    assert title_words(query.period, span) == title
    assert before_name(query.period, span, query.versus) == before
    assert file_words(span) == file


def test_dates_of_a_range_are_in_its_zone() -> None:
    parsed = parse("today")
    assert isinstance(parsed, QuestionCommand)
    span = ranges(parsed.query.period, NOW, "Pacific/Auckland").current
    assert range_dates(span) == "11/22/2026 00:00 – 23:31, by hour, Pacific/Auckland"


def test_dates_in_a_sentence_take_the_form_of_the_document() -> None:
    said = in_document("No data before 9 Nov 2025; the last sync failed at 2026-11-22 10:31 UTC.")
    assert said == "No data before 11/09/2025; the last sync failed at 11/22/2026 10:31 UTC."
    assert in_document("no data after 22 Nov 2026, 10:10 UTC") == (
        "no data after 11/22/2026 10:10 UTC"
    )
    assert in_document("an hour since 22 Nov 04:00") == "an hour since 11/22 04:00"
    assert in_document("Jan and May Lee, since Nov 2026") == "Jan and May Lee, since 11/2026"


@pytest.mark.parametrize(
    ("label", "said"), [("22 Nov", "11/22"), ("Nov 2026", "11/2026"), ("10:31", "10:31")]
)
def test_axes_have_the_dates_of_the_document(label: str, said: str) -> None:
    assert axis_date(label) == said
