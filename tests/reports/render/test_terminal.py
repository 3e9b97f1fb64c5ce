"""The terminal: one answer compared whole, and no name that could drive the terminal."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.questions.query import Query
from reports.render.tables import detail_rows, overview_rows
from reports.render.terminal import as_text, trend
from reports.time.period import Counted, Unit
from reports.usage.dimensions import Dimension, Filter, Metric
from reports.usage.usage import Usage, UsageRow

from .anything import summaries
from .samples import MONTH, NOW, answer, time_range

DAYS = time_range(Counted(2, Unit.WEEK))
LAST, FIRST = DAYS.buckets[-1], DAYS.buckets[0]
USED = [
    UsageRow(LAST, "prod", "anthropic/claude-opus-4.5", Usage(30, 0, 9_000, 1_000, 200, 2 * 10**9)),
    UsageRow(LAST, "evals", "openai/gpt-5.1", Usage(4, 4, 500, 20, 0, 0, 12_300_000)),
    UsageRow(FIRST, "prod", "openai/gpt-5.1", Usage(1, 0, 100, 10, 0, 5 * 10**8)),
]

DETAIL = """\
Spend by API key, past 2 weeks
8 Nov – 22 Nov 2026, by day, UTC, only model:*

Spend  $2.51  $0.17 a day on average (current day included)  up $0.51 (+25.6%) vs the 2 weeks \
before ($2.00)  ▂             █
Credits $2.50, BYOK $0.0123 (estimated)

API key      Sum    Share    Avg/day      Min      Max
---------  -----  -------  ---------  -------  -------  ---------------
prod        $2.50    99.5%      $1.25     $0.50       $2.00  ▃             █
Others (1)  $0.0123  0.5%          –        –        –
Total       $2.51     100.0%          –        –        –

Data as of 22 Nov 2026, 10:31 UTC
Incomplete: no data before 22 Nov 2025"""


def words(text: str) -> list[list[str]]:
    """The words of each line, whatever the widths of the columns."""
    lines = (line for line in text.splitlines() if not line.startswith("---"))
    return [line.split() for line in lines]


def test_a_detail_reads_as_a_whole():
    query = Query(
        Metric.SPEND, Counted(2, Unit.WEEK), Dimension.KEY, (Filter(Dimension.MODEL, "*"),), top=1
    )
    before = Usage(1, credits=2 * 10**9)
    partial = ("no data before 22 Nov 2025",)
    said = as_text(answer(query, USED, DAYS, previous=before, partial=partial))
    assert words(said) == words(DETAIL)


def test_an_overview_lists_the_buckets_that_were_used():
    said = as_text(answer(Query(period=Counted(2, Unit.WEEK)), USED, DAYS)).splitlines()
    heads = ["Spend", "Tokens", "Requests"]
    assert [line.split()[0] for line in said[3:6]] == heads
    table = said[7:11]
    assert table[0].split() == ["Day", *heads]
    assert [line.split() for line in table[2:]] == [
        ["8", "Nov", "$0.50", "110", "1"],
        ["22", "Nov", "$2.01", "10.5K", "34"],
    ]
    assert said[-1] == "Data as of 22 Nov 2026, 10:31 UTC"


@pytest.mark.parametrize(
    ("as_of", "partial", "line"),
    [
        (NOW, (), "No usage in this period."),
        (NOW, ("no data for this period",), "No data for this period."),
        (None, (), "No data yet. Run `activity sync` to fetch it."),
    ],
)
def test_nothing_is_told_from_not_known(as_of, partial, line):
    found = answer(Query(period=MONTH), [], time_range(), partial=partial)
    empty = found.__class__(found.query, found.range, as_of, partial, found.metrics, found.totals)
    assert line in as_text(empty).splitlines()


@settings(max_examples=100, deadline=None)
@given(summaries())
def test_no_name_gets_to_the_terminal_as_it_is(summary):
    text = as_text(summary)
    shown = {unicodedata.category(char) for char in text if char not in "\n\u200c\u200d"}
    assert not shown & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    text.encode()


@settings(max_examples=60, deadline=None)
@given(summaries())
def test_it_says_what_the_message_says(summary):
    query = summary.query
    if summary.empty or not query.by:
        return
    part = summary.metrics[query.metric or Metric.SPEND]
    rows = detail_rows(summary, part) if query.metric else overview_rows(summary)
    lines = as_text(summary).splitlines()
    for name, *figures in rows:
        start = name.split()
        assert any(
            line.split()[: len(start)] == start
            and line.split()[len(start) : len(start) + len(figures)] == figures
            for line in lines
        )


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=400))
def test_a_course_is_short_and_shows_where_something_was(values):
    line = trend(tuple(values))
    assert len(line) <= 32
    assert bool(line.strip()) is (max(values, default=0) > 0)


def test_a_course_rises_with_its_figures():
    assert trend((0, 1, 2, 4, 8)) == " ▂▃▅█"


def test_a_course_marks_what_is_not_known():
    assert trend((0, 0, 0, 8), unknown=frozenset({0, 1})) == "·· █"
    assert trend((0, 0, 4, 8), 2, frozenset({0, 1})) == "·█"


def test_a_column_of_fewer_figures_is_not_lower():
    assert trend((4,) * 61) == "█" * 31
