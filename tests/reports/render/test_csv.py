from __future__ import annotations

import csv
import io
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.questions.query import Query, Versus
from reports.render.csv import header, quoted, write_compared_csv, write_csv
from reports.time.period import Counted, Unit
from reports.usage.dimensions import STORED, Dimension, Metric, MoneySource
from reports.usage.usage import Usage, UsageRow, nano_dollars
from tests.reports.render.samples import (
    HOSTILE,
    KEYS,
    MONTH,
    answer,
    rows,
    time_range,
    usage,
    used_rows,
)

GOLDEN = Path(__file__).parents[2] / "golden"
SPAN = time_range(MONTH)


def written(query: Query, used: list[UsageRow]) -> bytes:
    out = io.BytesIO()
    write_csv(query, used, out)
    return out.getvalue()


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def column(data: bytes, name: str) -> list[Decimal]:
    return [Decimal(row[name]) for row in read(data)]


def test_the_overview_is_the_sites_own_export_byte_for_byte() -> None:
    day = SPAN.buckets[-1]
    used = [
        UsageRow(day, "beebox", "openai/gpt-5", Usage(3, 1, 1_234_567, 890, 12, 1_234_567_890, 5)),
        UsageRow(day, 'a "b", c', "x-ai/grok-4", Usage(1, 0, 0, 0, 0, 2_000_000_000, 0)),
    ]
    assert written(Query(by=Dimension.KEY), used).decode() == (
        "Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,"
        "Reasoning Tokens,API Key\n"
        '"2026-11-22 00:00:00","openai/gpt-5","1.23456789","0.000000005","3","1234567","890",'
        '"12","beebox"\n'
        '"2026-11-22 00:00:00","x-ai/grok-4","2","0","1","0","0","0","a ""b"", c"\n'
    )


@pytest.mark.parametrize(
    ("by", "metric", "expected"),
    [
        (None, Metric.SPEND, "Date,Slug,Credits,BYOK,Spend\n"),
        (Dimension.MODEL, Metric.TOKENS, "Date,Slug,Prompt,Reasoning,Completion,Tokens\n"),
        (Dimension.KEY, Metric.REQUESTS, "Date,API Key,Slug,Requests,BYOK Requests\n"),
        (Dimension.CREATOR, Metric.SPEND, "Date,Creator,Slug,Credits,BYOK,Spend\n"),
    ],
)
def test_a_detail_has_the_dimension_first_and_then_the_slug(
    by: Dimension | None, metric: Metric, expected: str
) -> None:
    assert header(Query(metric=metric, by=by)) == expected


@pytest.mark.parametrize(
    ("by", "last"),
    [
        (None, "Reasoning Tokens\n"),
        (Dimension.MODEL, "Reasoning Tokens\n"),
        (Dimension.KEY, "Reasoning Tokens,API Key\n"),
        (Dimension.CREATOR, "Reasoning Tokens,Creator\n"),
    ],
)
def test_an_overview_ends_with_its_dimension(by: Dimension | None, last: str) -> None:
    assert header(Query(by=by)).endswith(last)


@pytest.mark.parametrize("metric", [None, *Metric])
@pytest.mark.parametrize("by", [None, *STORED])
def test_every_form_is_as_the_golden_file_says(metric: Metric | None, by: Dimension | None) -> None:
    query = Query(metric=metric, by=by)
    span = time_range(Counted(1, Unit.HOUR))
    used = rows(span, KEYS[:3], by=by or Dimension.KEY, density=15)
    name = f"{metric or 'overview'}-by-{by or 'none'}.csv"
    assert written(query, used) == (GOLDEN / name).read_bytes()


def test_money_is_a_plain_decimal_to_nine_places_without_trailing_zeros() -> None:
    used = [
        UsageRow(SPAN.start, "k", "m", Usage(1, credits=amount))
        for amount in (
            0,
            1,
            10**9,
            1_500_000_000,
            10 * 10**9,
            9_223_372_036_854_775_807,
            -2 * 10**7,
        )
    ]
    spent = [row["Spend"] for row in read(written(Query(metric=Metric.SPEND), used))]
    assert spent == ["0", "0.000000001", "1", "1.5", "10", "9223372036.854775807", "-0.02"]


@pytest.mark.parametrize(
    ("source", "paid", "own"), [(MoneySource.CREDITS, True, False), (MoneySource.BYOK, False, True)]
)
def test_only_the_source_asked_for_counts(source: MoneySource, paid: bool, own: bool) -> None:
    used = [UsageRow(SPAN.start, "k", "m", Usage(2, 1, credits=5 * 10**9, byok=3 * 10**9))]
    (detail,) = read(written(Query(metric=Metric.SPEND, source=source), used))
    assert detail["Credits"] == ("5" if paid else "0")
    assert detail["BYOK"] == ("3" if own else "0")
    assert detail["Spend"] == ("5" if paid else "3")
    (overview,) = read(written(Query(source=source), used))
    assert (overview["Usage"], overview["BYOK Usage"]) == (detail["Credits"], detail["BYOK"])


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "\rx", "＝1", "－1", " =1", "\u00a0@x", "\n=1"]
)
def test_a_name_that_is_a_formula_becomes_text(name: str) -> None:
    assert quoted(name) == f'"\'{name}"'


@pytest.mark.parametrize("name", ["beebox", "1-2", "a=b", "'quoted", "", "(chatroom)", "生产"])
def test_any_other_name_stays_as_it_is(name: str) -> None:
    assert quoted(name) == f'"{name}"'


def test_negative_numbers_are_numbers_and_no_formulas() -> None:
    used = [UsageRow(SPAN.start, "k", "m", Usage(1, credits=-5))]
    assert b'"-0.000000005"' in written(Query(metric=Metric.SPEND), used)


def test_hostile_names_come_back_from_the_file() -> None:
    used = [UsageRow(SPAN.start, name, "m", usage(n)) for n, name in enumerate(HOSTILE)]
    back = [row["API Key"] for row in read(written(Query(by=Dimension.KEY), used))]
    expected = [name.replace("\x00", "?").replace("\ud800", "?") for name in HOSTILE]
    assert [name.removeprefix("'") for name in back] == expected


def test_dates_are_utc_whatever_the_zone_of_the_question() -> None:
    span = time_range(MONTH, "Asia/Kolkata")
    used = [UsageRow(span.start, "k", "m", usage(1))]
    assert read(written(Query(zone="Asia/Kolkata"), used))[0]["Date"] == "2026-10-21 18:30:00"


def test_an_empty_answer_is_a_file_with_a_header_alone() -> None:
    assert written(Query(metric=Metric.REQUESTS), []) == b"Date,Slug,Requests,BYOK Requests\n"


def test_memory_stays_flat_however_many_rows_there_are() -> None:
    class Sink(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(bytes(data))  # type: ignore[call-overload]

    one = UsageRow(SPAN.start, "k", "m", usage(1))
    peaks = []
    for count in (10_000, 60_000):
        tracemalloc.start()
        assert write_csv(Query(by=Dimension.KEY), (one for _ in range(count)), Sink()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@given(used_rows(SPAN), st.sampled_from(MoneySource), st.sampled_from([None, *STORED]))
def test_columns_add_up_to_the_answer_to_the_nano_dollar(
    used: list[UsageRow], source: MoneySource, by: Dimension | None
) -> None:
    totals = answer(Query(by=by, source=source), used, SPAN).metrics
    overview = written(Query(by=by, source=source), used)
    spent = sum(column(overview, "Usage")) + sum(column(overview, "BYOK Usage"))
    assert nano_dollars(spent) == totals[Metric.SPEND].sum
    assert sum(column(overview, "Requests")) == totals[Metric.REQUESTS].sum
    both = sum(column(overview, "Prompt Tokens")) + sum(column(overview, "Completion Tokens"))
    assert both == totals[Metric.TOKENS].sum
    for metric in Metric:
        detail = written(Query(metric=metric, by=by, source=source), used)
        whole = sum(column(detail, metric.title()))
        assert (nano_dollars(whole) if metric is Metric.SPEND else whole) == totals[metric].sum


def test_a_comparison_has_the_columns_of_the_period_before_by_group() -> None:
    query = Query(metric=Metric.SPEND, by=Dimension.KEY, versus=Versus.BEFORE)
    now = [
        UsageRow(SPAN.buckets[1], "prod", "a/b", Usage(1, credits=2 * 10**9)),
        UsageRow(SPAN.buckets[0], "prod", "a/b", Usage(1, byok=10**9)),
    ]
    before = [
        UsageRow(SPAN.start, "prod", "a/b", Usage(1, credits=10**9)),
        UsageRow(SPAN.start, "=gone", "a/b", Usage(1, credits=5 * 10**8)),
    ]
    out = io.BytesIO()
    assert write_compared_csv(query, SPAN.start, now, before, out) == 2
    date = f"{SPAN.start:%Y-%m-%d %H:%M:%S}"
    assert out.getvalue().decode().splitlines() == [
        "Date,API Key,Slug,Credits,BYOK,Spend,Previous Credits,Previous BYOK,Previous Spend",
        f'"{date}","prod","a/b","2","1","3","1","0","1"',
        f'"{date}","\'=gone","a/b","0","0","0","0.5","0","0.5"',
    ]


def test_a_period_before_that_is_not_held_is_empty_and_not_zero() -> None:
    query = Query(metric=Metric.REQUESTS, by=Dimension.MODEL, versus=Versus.YEAR)
    out = io.BytesIO()
    row = UsageRow(SPAN.start, "a/b", "a/b", Usage(3))
    write_compared_csv(query, SPAN.start, [row], None, out)
    head, line = out.getvalue().decode().splitlines()
    assert head == "Date,Slug,Requests,BYOK Requests,Previous Requests,Previous BYOK Requests"
    assert line.endswith('"3","0","",""')


def test_an_overview_with_a_comparison_still_begins_like_the_sites_export() -> None:
    compared = header(Query(by=Dimension.KEY, versus=Versus.BEFORE))
    assert compared.startswith(header(Query(by=Dimension.KEY)).rstrip("\n") + ",Previous Usage,")
