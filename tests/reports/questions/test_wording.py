"""Questions, ranges and moments in words."""

from datetime import UTC, date, datetime, timedelta

import pytest

from reports.questions.grammar import QuestionCommand, parse
from reports.questions.wording import (
    before_words,
    bucket_words,
    compared_words,
    dates_words,
    filter_words,
    period_words,
    range_words,
    title,
)
from reports.time.period import Calendar, Counted, DateSpan, Month, Unit
from reports.time.period_to_range import ranges
from reports.time.time_range import DAY, Granularity, TimeRange

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "zone", "words"),
    [
        (Counted(1, Unit.HOUR), "UTC", "22 Nov 2026 09:31 – 10:31, by minute, UTC"),
        (Counted(1, Unit.DAY), "UTC", "21 Nov 10:00 – 22 Nov 2026 10:31, by hour, UTC"),
        (Counted(1, Unit.MONTH), "UTC", "22 Oct – 22 Nov 2026, by day, UTC"),
        (Counted(1, Unit.YEAR), "UTC", "1 Nov 2025 – 22 Nov 2026, by month, UTC"),
        (Calendar(Unit.DAY, last=True), "UTC", "21 Nov 00:00 – 22 Nov 2026 00:00, by hour, UTC"),
        (Calendar(Unit.WEEK, last=False), "UTC", "16 Nov – 22 Nov 2026, by day, UTC"),
        (Month(2026, 10), "Europe/Berlin", "1 Oct – 31 Oct 2026, by day, Europe/Berlin"),
        (
            Calendar(Unit.HOUR, last=False),
            "Asia/Kathmandu",
            "22 Nov 2026 16:00 – 16:16, by minute, Asia/Kathmandu",
        ),
    ],
)
def test_a_range_says_where_it_begins_and_ends(period, zone, words):
    assert range_words(ranges(period, NOW, zone).current) == words


def test_a_range_over_new_year_says_both_years():
    new_year = datetime(2027, 1, 1, 3, 4, tzinfo=UTC)
    said = range_words(ranges(Counted(1, Unit.DAY), new_year).current)
    assert said == "31 Dec 2026 03:00 – 1 Jan 2027 03:04, by hour, UTC"


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Counted(1, Unit.MONTH), "past month"),
        (Counted(3, Unit.HOUR), "past 3 hours"),
        (Calendar(Unit.DAY, last=False), "today"),
        (Calendar(Unit.DAY, last=True), "yesterday"),
        (Calendar(Unit.YEAR, last=True), "last year"),
        (Month(2026, 10), "October 2026"),
        (DateSpan(date(2026, 10, 3), date(2026, 10, 3)), "3 Oct 2026"),
        (DateSpan(date(2026, 10, 1), date(2026, 10, 15)), "1–15 Oct 2026"),
        (DateSpan(date(2026, 9, 1), date(2026, 10, 15)), "1 Sep – 15 Oct 2026"),
        (DateSpan(date(2025, 9, 1), date(2026, 10, 15)), "1 Sep 2025 – 15 Oct 2026"),
    ],
)
def test_a_period_is_called_as_people_call_it(period, words):
    assert period_words(period) == words


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("", "Activity, past day"),
        ("spend 1m by key", "Spend by API key, past month"),
        ("cost credits mtd", "Spend from credits, this month"),
        ("spend byok 1y by creator", "Spend from BYOK by creator, past year"),
        ("tokens byok today", "Tokens, today"),
    ],
)
def test_a_title_says_what_was_asked(asked, words):
    parsed = parse(asked)
    assert isinstance(parsed, QuestionCommand)
    assert title(parsed.query) == words


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Calendar(Unit.HOUR, last=False), "the same part of last hour"),
        (Calendar(Unit.YEAR, last=True), "the year before"),
        (Month(2026, 11), "the same part of the month before"),
        (DateSpan(date(2026, 11, 20), date(2026, 11, 29)), "the same part of the 10 days before"),
    ],
)
def test_a_comparison_says_with_what(period, words):
    unfinished = ranges(period, NOW).current.unfinished
    assert before_words(period, unfinished=unfinished) == words


@pytest.mark.parametrize("period", [Counted(3, Unit.HOUR), Counted(3, Unit.DAY), Month(2026, 10)])
def test_the_names_of_buckets_are_short(period):
    span = ranges(period, NOW).current
    named = [bucket_words(bucket, span) for bucket in span.buckets]
    assert all(len(name) <= 12 for name in named)
    assert len(set(named)) == len(named)


def test_the_words_follow_the_clock_of_the_zone():
    span = ranges(Counted(2, Unit.HOUR), NOW, "Europe/Berlin").current
    assert bucket_words(NOW - timedelta(seconds=7), span) == "11:31"


@pytest.mark.parametrize(
    ("question", "heading", "filters"),
    [
        ("spend 1m by key", "Spend by API key, past month", ""),
        ("spend 1m key:prod", "Spend, past month", "only key:prod"),
        ("1m -model:*opus*", "Activity without opus, past month", "without model:*opus*"),
        (
            "spend 1w model:claude* -key:ci* -creator:ada@example.com",
            "Spend without ci, ada@example.com, past week",
            "only model:claude*, without key:ci*, creator:ada@example.com",
        ),
        (
            "tokens 1d -key:a -key:b -key:c",
            "Tokens without a, b and 1 more, past day",
            "without key:a, key:b, key:c",
        ),
    ],
)
def test_what_is_left_out_is_in_the_heading(question: str, heading: str, filters: str) -> None:
    read = parse(question)
    assert isinstance(read, QuestionCommand)
    assert title(read.query) == heading
    assert filter_words(read.query) == filters


@pytest.mark.parametrize(
    ("period", "words", "without_year"),
    [
        (Counted(1, Unit.HOUR), "22 Nov 2026 09:31 – 10:31", "22 Nov 09:31 – 10:31"),
        (Counted(1, Unit.DAY), "21 Nov 10:00 – 22 Nov 2026 10:31", "21 Nov 10:00 – 22 Nov 10:31"),
        (Counted(1, Unit.MONTH), "22 Oct – 22 Nov 2026", "22 Oct – 22 Nov"),
        (Calendar(Unit.MONTH), "1–22 Nov 2026", "1–22 Nov"),
        (Calendar(Unit.MONTH, last=True), "1–31 Oct 2026", "1–31 Oct"),
        (DateSpan(date(2026, 11, 21), date(2026, 11, 21)), "21 Nov 00:00 – 22 Nov 2026 00:00",
         "21 Nov 00:00 – 22 Nov 00:00"),
        (DateSpan(date(2025, 12, 21), date(2026, 1, 5)), "21 Dec 2025 – 5 Jan 2026",
         "21 Dec 2025 – 5 Jan 2026"),
        (Calendar(Unit.YEAR, last=True), "Jan – Dec 2025", "Jan – Dec"),
        (DateSpan(date(2025, 7, 1), date(2026, 6, 30)), "Jul 2025 – Jun 2026",
         "Jul 2025 – Jun 2026"),
    ],
)  # fmt: skip
def test_the_dates_of_a_range_are_short(period, words, without_year):
    span = ranges(period, NOW).current
    assert (dates_words(span), dates_words(span, year=False)) == (words, without_year)


def test_two_ranges_are_dated_with_years_where_they_differ():
    both = ranges(Calendar(Unit.MONTH, last=True), NOW)
    said = "1–30 Sep → 1–31 Oct 2026, by day, UTC"
    assert compared_words(both.previous, both.current) == said
    both = ranges(Calendar(Unit.YEAR, last=True), NOW)
    said = "Jan – Dec 2024 → Jan – Dec 2025, by month, UTC"
    assert compared_words(both.previous, both.current) == said


def test_days_that_begin_after_midnight_end_on_their_own_date():
    """Days of Kolkata are stored by full UTC hours, so they begin at half past twelve there."""
    first = datetime(2026, 10, 31, 19, tzinfo=UTC)
    days = tuple(first + n * DAY for n in range(3))
    span = TimeRange(days, days[-1] + DAY, Granularity.DAY, days[-1] + DAY, "Asia/Kolkata")
    assert dates_words(span) == "1–3 Nov 2026"
    assert range_words(span) == "1 Nov – 3 Nov 2026, by day, Asia/Kolkata"
