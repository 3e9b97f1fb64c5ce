"""The first sentences of `why`: what is compared, and what is left out because it isn't over."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.document import AnalysisDocument
from reports.analysis.moved import Moved
from reports.analysis.moved_answer import moved_answer
from reports.analysis.text import as_terminal
from reports.analysis.why import Cells, CellUsage
from reports.analysis.why_answer import AllUsage, DataStatus, why_answer
from reports.analysis.why_sentences import ComparedRanges
from reports.questions.query import Query, QueryKind
from reports.questions.unfinished import WholeChange, has_just_begun, whole_part
from reports.time.period import Calendar, Counted, DateSpan, Period, Unit
from reports.time.period_to_range import by_hour, ranges
from reports.time.time_range import HOUR, Granularity
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import NANO

MIDNIGHT = datetime(2026, 11, 30, 0, 45, tzinfo=UTC)
FIRST = datetime(2026, 11, 1, 0, 45, tzinfo=UTC)
MONTH, WEEK, YEAR = Calendar(Unit.MONTH), Counted(1, Unit.WEEK), Calendar(Unit.YEAR)
CELLS = [
    CellUsage("prod", "x/large", 1_000, 1_100, 100 * NANO, 132 * NANO),
    CellUsage("ci", "x/small", 1_000, 1_000, 10 * NANO, 10 * NANO),
]
EVERYTHING = [
    CellUsage("prod", "x/large", 1_100, 1_101, 110 * NANO, 133 * NANO),
    CellUsage("ci", "x/small", 1_100, 1_000, 11 * NANO, 10 * NANO),
]


def compared(period: Period, at: datetime) -> tuple[Query, ComparedRanges]:
    query = Query(kind=QueryKind.WHY, period=period)
    both = ranges(period, at)
    part = whole_part(query, both.current, both.previous)
    begun = part is None and has_just_begun(both.current)
    return query, ComparedRanges(both.previous, both.current, part, begun)


def explained(period: Period, at: datetime = MIDNIGHT) -> AnalysisDocument:
    query, of = compared(period, at)
    everything = AllUsage(WholeChange(143 * NANO, 121 * NANO), lambda: Cells.of(EVERYTHING))
    return why_answer(query, of, Cells.of(CELLS), DataStatus(at), everything if of.whole else None)


@pytest.mark.parametrize(
    ("period", "when", "sentences"),
    [
        (MONTH, "1–29 Oct → 1–29 Nov 2026, by day, UTC", (
            ("Through 29 Nov, spend is up $32.00 (+29.1%): $110.00 on 1–29 Oct, $142.00 on"
            " 1–29 Nov."),
            ("30 Nov isn't over and is left out: $1.00 so far. With it, $143.00 against $121.00 on"
            " 1–30 Oct."),
        )),
        (WEEK, "16–22 Nov → 23–29 Nov 2026, by day, UTC", (
            ("Through 29 Nov, spend is up $32.00 (+29.1%): $110.00 on 16–22 Nov, $142.00 on"
            " 23–29 Nov."),
            ("30 Nov isn't over and is left out: $1.00 so far. With it, $143.00 against $121.00 on"
            " 15–22 Nov."),
        )),
        (YEAR, "1 Jan – 29 Nov 2025 → 1 Jan – 29 Nov 2026, by month, UTC", (
            ("Through 29 Nov, spend is up $32.00 (+29.1%): $110.00 on 1 Jan – 29 Nov 2025, $142.00"
            " on 1 Jan – 29 Nov 2026."),
            ("30 Nov isn't over and is left out: $1.00 so far. With it, $143.00 against $121.00 in"
            " Jan – Nov 2025."),
        )),
        (Calendar(Unit.WEEK, last=True), "16–22 Nov → 23–29 Nov 2026, by day, UTC", (
            "Spend is up $32.00 (+29.1%): $110.00 in the week before, then $142.00.",
            "Volume +$5.50: tokens are up 100 (+5.0%).",
        )),
        (Counted(1, Unit.DAY),
         "28 Nov 00:00 – 29 Nov 00:00 → 29 Nov 00:00 – 30 Nov 2026 00:00, by hour, UTC", (
            ("Through 00:00, spend is up $32.00 (+29.1%): $110.00 on 28 Nov 00:00 – 29 Nov 00:00,"
            " $142.00 on 29 Nov 00:00 – 30 Nov 00:00."),
            ("The hour from 00:00 isn't over and is left out: $1.00 so far. With it, $143.00"
            " against $121.00 on 27 Nov 23:00 – 29 Nov 00:00."),
        )),
    ],
)  # fmt: skip
def test_whole_days_are_explained_and_both_periods_dated(
    period: Period, when: str, sentences: tuple[str, ...]
) -> None:
    found = explained(period)
    assert found.sentences[:2] == sentences
    if period != Counted(1, Unit.DAY):
        assert found.when == when
    assert found.when in as_terminal(found)
    assert found.rows[-1][1:5] == ("", "$110.00", "$142.00", "+$32.00")


def test_json_has_the_whole_period_and_its_whole_days() -> None:
    told = explained(MONTH).data()
    assert (told["from"], told["to"], told["change"]) == ("121", "143", "22")
    assert told["before"] == {"start": "2026-10-01T00:00:00Z", "end": "2026-10-31T00:00:00Z"}
    whole = told["whole"]
    assert (whole["through"], whole["from"], whole["to"]) == ("2026-11-29", "110", "142")
    assert whole["before"] == {"start": "2026-10-01T00:00:00Z", "end": "2026-10-30T00:00:00Z"}
    assert "whole" not in explained(Calendar(Unit.WEEK, last=True)).data()


def test_on_the_first_day_there_is_nothing_to_explain() -> None:
    found = explained(MONTH, FIRST)
    assert found.sentences == (
        (
            "1 Nov isn't over, so there is no change to explain yet. Spend: $142.00 so far, against"
            " $110.00 on 1 Oct."
        ),
        "Ask about `today` to compare its hours with the same hours of yesterday.",
    )
    assert (found.rows, found.steps, found.empty) == ((), (), False)
    assert found.data()["change"] == "32"


def test_tokens_are_explained_in_whole_days_too() -> None:
    query, of = compared(MONTH, MIDNIGHT)
    asked = Query(Metric.TOKENS, query.period, Dimension.KEY, kind=QueryKind.WHY)
    names = [("a",), ("b",)]
    groups = Moved((3_100, 5), (4_010, 5), names.__getitem__)
    whole = Moved((3_000, 5), (4_000, 5), names.__getitem__)
    found = moved_answer(asked, of, groups, DataStatus(MIDNIGHT), whole)
    assert found.sentences[:2] == (
        "Through 29 Nov, tokens are up 1K (+33.3%): 3K on 1–29 Oct, 4K on 1–29 Nov.",
        "30 Nov isn't over and is left out: 10 so far. With it, 4.02K against 3.1K on 1–30 Oct.",
    )
    told = found.data()
    assert (told["to"], told["whole"]["to"], told["whole"]["parts"]["a"]) == (4_015, 4_005, 1_000)


nano, tokens = st.integers(0, 10**13), st.integers(0, 10**9)


@given(
    st.lists(
        st.builds(
            CellUsage, st.text("abcd", min_size=1, max_size=3), st.just("m"),
            tokens, tokens, nano, nano,
        ),
        min_size=1, max_size=30, unique_by=lambda cell: cell.key,
    ),
    st.integers(1, 12),
)  # fmt: skip
def test_pairs_that_sentences_name_have_rows_with_the_same_amounts(
    cells: list[CellUsage], top: int
) -> None:
    query = Query(kind=QueryKind.WHY, period=DateSpan(MIDNIGHT.date(), MIDNIGHT.date()), top=top)
    both = ranges(query.period, MIDNIGHT + timedelta(days=9))
    found = why_answer(
        query, ComparedRanges(both.previous, both.current), Cells.of(cells), DataStatus(MIDNIGHT)
    )
    shown = {row[0]: row for row in found.rows}
    for sentence in found.sentences:
        part = {"Mix": -2, "Price": -1}.get(sentence.partition(" ")[0])
        for name, amount in re.findall(r"([abcd]+) × m (\S+?)[,.]?(?= |$)", sentence):
            assert part is not None
            assert shown[name][part] == amount


def test_minutes_become_full_hours_of_the_same_length() -> None:
    both = by_hour(ranges(Counted(3, Unit.HOUR), MIDNIGHT))
    assert both.current.granularity is Granularity.HOUR
    assert (both.current.start, both.current.until) == (
        MIDNIGHT.replace(day=29, hour=21, minute=0),
        MIDNIGHT,
    )
    assert both.previous.end == both.current.start
    assert len(both.previous.buckets) == len(both.current.buckets) == 4
    last = by_hour(ranges(Calendar(Unit.HOUR, last=True), MIDNIGHT))
    assert not last.current.unfinished
    assert last.current.start - last.previous.start == HOUR


@pytest.mark.parametrize(
    ("period", "added", "ended"),
    [
        (WEEK, "1 is new ($2.00 now)", "1 is no longer used ($1.00 before)"),
        (
            Counted(1, Unit.DAY),
            "1 is used in these hours only ($2.00 now)",
            "1 is not used in these hours ($1.00 before)",
        ),
    ],
)
def test_pairs_of_one_period_only_are_new_or_gone_except_by_hour(
    period: Period, added: str, ended: str
) -> None:
    query, of = compared(period, MIDNIGHT)
    cells = [
        CellUsage("prod", "a/b", 10, 10, NANO, NANO, ""),
        CellUsage("web", "a/b", 0, 10, 0, 2 * NANO, ""),
        CellUsage("old", "a/b", 10, 0, NANO, 0, ""),
    ]
    everything = AllUsage(WholeChange(3 * NANO, 2 * NANO), lambda: Cells.of(cells))
    found = why_answer(query, of, Cells.of(cells), DataStatus(MIDNIGHT), everything)
    assert f"Of the pairs of API key and model, {added} and {ended}." in found.sentences
