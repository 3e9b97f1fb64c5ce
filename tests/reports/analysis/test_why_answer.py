"""`why` as it is shown: what is rounded still adds up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.document import AnalysisDocument
from reports.analysis.why import Cells, CellUsage
from reports.analysis.why_answer import UNLIKE, ComparedRanges, DataStatus, group_of, why_answer
from reports.questions.query import Query, QueryKind
from reports.time.period import Counted, Unit
from reports.time.time_range import Granularity, TimeRange

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def answer(cells: list[CellUsage], *, gaps: bool = False) -> AnalysisDocument:
    now = TimeRange((NOON,), NOON + DAY, Granularity.DAY, NOON + DAY)
    before = TimeRange((NOON - DAY,), NOON, Granularity.DAY, NOON)
    query = Query(kind=QueryKind.WHY, period=Counted(1, Unit.DAY))
    of = Cells.of(cells, group_of(query.by))
    return why_answer(query, ComparedRanges(before, now), of, DataStatus(NOON, gaps=gaps))


def table(cells: list[CellUsage]) -> tuple[tuple[str, ...], ...]:
    return answer(cells).rows


def amount(shown: str) -> Decimal:
    if shown in ("≈ $0", "$0"):
        return Decimal(0)
    return Decimal(shown.replace("$", "").replace(",", ""))


nano = st.integers(0, 10**16)
tokens = st.integers(1, 10**12)


@given(st.lists(st.builds(CellUsage, st.text("ab", max_size=2), st.text("xy", max_size=2),
                          tokens, tokens, nano, nano), min_size=1, max_size=6))  # fmt: skip
def test_the_parts_shown_add_up_to_the_change_shown(cells):
    for *_, change, volume, mix, price in table(cells):
        added = sum(map(amount, (volume, mix, price)))
        if abs(amount(change)) >= Decimal("0.1"):
            assert added == amount(change)
        else:
            assert abs(added - amount(change)) <= Decimal("0.01")


def test_a_small_part_of_a_large_change_is_written_out():
    cents = 10**7
    cell = CellUsage("k", "m", 10**6, 2 * 10**6, 10**14, 2 * 10**14 - 2720 * cents)
    assert table([cell])[0][-4:] == ("+$99,972.80", "+$100,000.00", "$0", "-$27.20")


@pytest.mark.parametrize(("price", "shown"), [(4_000_000, "≈ $0"), (6_000_000, "+$0.01")])
def test_only_less_than_half_a_cent_counts_as_nearly_nothing(price, shown):
    cell = CellUsage("k", "m", 10**6, 2 * 10**6, 10**12, 2 * 10**12 + price)
    assert table([cell])[0][-1] == shown


def test_missing_usage_is_said_right_after_the_change():
    cell = CellUsage("k", "m", 10, 20, 10**9, 3 * 10**9)
    assert answer([cell], gaps=True).sentences[1] == UNLIKE
    assert UNLIKE not in answer([cell]).sentences


@given(st.lists(st.builds(CellUsage, st.text("ab", max_size=2), st.text("xy", max_size=2),
                          tokens, tokens, nano, nano), min_size=1, max_size=6))  # fmt: skip
def test_the_waterfall_has_the_amounts_of_the_table(cells):
    found = answer(cells)
    steps = [step for step in found.steps if not step.level]
    for step, shown in zip(steps, found.rows[-1][-3:], strict=bool(steps)):
        if abs(step.amount) >= 10**8:  # ten cents, from which on money has cents
            assert amount(shown) == Decimal(round(Fraction(step.amount, 10**7))) / 100
