from __future__ import annotations

import io
import re
import subprocess
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.questions.query import Query
from reports.questions.summary import Summary
from reports.render.pdf import write_pdf, write_pdf_summary
from reports.render.pdf.figure_columns import dollars
from reports.time.period import Counted, Month, Period, Unit
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource
from reports.usage.usage import Usage, UsageRow, total
from reports.wording.safe_text import clean
from tests.reports.render.samples import (
    HOSTILE,
    KEYS,
    MODELS,
    MONTH,
    PEOPLE,
    answer,
    rows,
    sections,
    time_range,
    usage,
    used_rows,
)

GOLDEN = Path(__file__).parents[2] / "golden"
SPAN = time_range()
BY_KEY = Query(metric=Metric.TOKENS, period=MONTH, by=Dimension.KEY)
BEFORE = Usage(10_000, 0, 300_000_000, 20_000_000, 0, 4_000 * 10**9, 500 * 10**9)


def written(
    query: Query, used: list[UsageRow], length: Period = MONTH, zone: str = "UTC", **more: object
) -> bytes:
    out = io.BytesIO()
    summary = answer(query, used, time_range(length, zone), **more)  # type: ignore[arg-type]
    pages = write_pdf(summary, sections(query, used), out, organization="Acme <Research> & Co")
    assert pages == len(read(out.getvalue()).pages)
    return out.getvalue()


def read(data: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(data), strict=True)


def text(data: bytes) -> str:
    command = ["pdftotext", "-layout", "-enc", "UTF-8", "-", "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout.decode()


def cover(data: bytes) -> str:
    return text(data).split("\f")[0]


def body(data: bytes) -> str:
    return "\f".join(text(data).split("\f")[1:])


def numbers(line: str) -> list[Decimal]:
    return [Decimal(found.replace(",", "")) for found in re.findall(r"-?[\d,]+(?:\.\d+)?", line)]


COLUMNS = {Metric.SPEND: 3, Metric.TOKENS: 4, Metric.REQUESTS: 2}
CENT = Decimal("0.01")


def near(one: list[Decimal], other: list[Decimal], metric: Metric, rows: int) -> bool:
    """Whether figures are the same, but for what rounding each of some rows to cents may do."""
    most = CENT / 2 * (rows + 2) if metric is Metric.SPEND else 0
    return all(abs(a - b) <= most for a, b in zip(one, other, strict=True))


def figures(
    data: bytes, metric: Metric, source: MoneySource = MoneySource.ALL
) -> tuple[list[list[Decimal]], list[Decimal], list[int]]:
    """Subtotals, the grand total, and how many rows each section has, as others read them."""
    count = 1 if source is not MoneySource.ALL and metric is Metric.SPEND else COLUMNS[metric]
    subtotals, grand, held = [], [], []
    sums, many = [Decimal(0)] * count, 0
    for line in body(data).splitlines():
        if re.match(r"\s*\d\d/\d\d/\d{4} ", line):
            sums = [a + b for a, b in zip(sums, numbers(line)[-count:], strict=True)]
            many += 1
        elif line.strip().startswith("SUBTOTAL"):
            assert near(numbers(line), sums, metric, many)
            subtotals.append(numbers(line))
            held.append(many)
            sums, many = [Decimal(0)] * count, 0
        elif line.strip().startswith("TOTAL"):
            grand = numbers(line)
    return subtotals, grand, held


def amount(metric: Metric, value: int) -> Decimal:
    return Decimal(value) / 10**9 if metric is Metric.SPEND else Decimal(value)


def links(data: bytes) -> Iterable[str]:
    for page in read(data).pages:
        for reference in page.get("/Annots", []):
            yield str(reference.get_object()["/A"].get_object()["/URI"])


@pytest.mark.parametrize("metric", Metric)
def test_rows_add_up_to_sections_and_sections_to_the_summary(metric: Metric) -> None:
    used = rows(SPAN)
    query = Query(metric=metric, period=MONTH, by=Dimension.KEY)
    data = written(query, used)
    subtotals, grand, held = figures(data, metric)
    added = [sum(column, Decimal()) for column in zip(*subtotals, strict=True)]
    assert near(added, grand, metric, len(subtotals))
    assert sum(held) == len(used)
    summary = answer(query, used, SPAN)
    groups = summary.metrics[metric].groups
    for group, subtotal in zip(groups, subtotals, strict=True):
        value = subtotal[0] if metric is Metric.REQUESTS else subtotal[-1]
        assert near([value], [amount(metric, group.sum)], metric, 1)
    first = cover(data)
    table = [line for line in first.splitlines() if line.strip().endswith("%")]
    of_groups = [numbers(line)[-len(grand) - 1 : -1] for line in table if "TOTAL" not in line]
    assert of_groups[-len(groups) :] == subtotals
    total_line = next(line for line in first.splitlines() if line.strip().startswith("TOTAL"))
    assert numbers(total_line)[:-1] == grand


@settings(max_examples=25, deadline=None)
@given(used_rows(SPAN), st.sampled_from(Metric), st.sampled_from(MoneySource))
def test_any_usage_adds_up_in_the_file_as_others_read_it(
    used: list[UsageRow], metric: Metric, source: MoneySource
) -> None:
    query = Query(metric=metric, by=Dimension.KEY, source=source)
    data = written(query, used)
    _, grand, _ = figures(data, metric, source)
    found = answer(query, used, SPAN).metrics[metric].sum
    if not used:
        assert grand == []
    else:
        value = grand[0] if metric is Metric.REQUESTS else grand[-1]
        assert near([value], [amount(metric, found)], metric, 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 130), min_size=1, max_size=6))
def test_no_row_is_lost_where_pages_turn_and_no_subtotal_stands_alone(counts: list[int]) -> None:
    used = [
        UsageRow(SPAN.buckets[-1], f"key {n}", MODELS[0], Usage(1, 0, 1000 - n, 0, 0))
        for n, many in enumerate(counts)
        for _ in range(many)
    ]
    data = written(BY_KEY, used)
    _, _, held = figures(data, Metric.TOKENS)
    assert sorted(held) == sorted(many for many in counts if many)
    for page in body(data).split("\f"):
        marks = re.findall(r"^\s*(\d\d/\d\d/\d{4}|SUBTOTAL)", page, re.MULTILINE)
        assert marks[:1] != ["SUBTOTAL"]


@pytest.mark.parametrize("groups", range(18, 30))
def test_the_sum_of_the_summary_never_stands_alone_on_a_page(groups: int) -> None:
    used = [
        UsageRow(SPAN.buckets[-1], f"key {n}", MODELS[0], Usage(1, 0, 1000 - n, 0, 0))
        for n in range(groups)
    ]
    summary = text(written(BY_KEY, used)).split("SUBTOTAL")[0].split("\f")
    found = [re.findall(r"^\s*(key \d+|TOTAL) .*%\s*$", page, re.MULTILINE) for page in summary]
    assert [name for page in found for name in page] == [
        *(f"key {n}" for n in range(groups)),
        "TOTAL",
    ]
    assert ["TOTAL"] not in found


def test_sections_are_largest_first_and_newest_first_in_them() -> None:
    data = written(BY_KEY, rows(SPAN))
    outline = [str(entry["/Title"]) for entry in read(data).outline]
    largest = [g.label for g in answer(BY_KEY, rows(SPAN), SPAN).metrics[Metric.TOKENS].groups]
    assert outline == ["Summary", *largest, "Total"]
    first = body(data).split("SUBTOTAL")[0]
    dates = re.findall(r"^\s*(\d\d)/(\d\d)/(\d{4})", first, re.MULTILINE)
    assert dates == sorted(dates, key=lambda d: (d[2], d[0], d[1]), reverse=True)


def test_long_sections_repeat_their_header_and_say_whose_they_are() -> None:
    used = [UsageRow(SPAN.start, "beebox", MODELS[n % 6], usage(n)) for n in range(150)]
    pages = body(written(BY_KEY, used)).split("\f")[:-1]
    assert len(pages) == 3
    for number, page in enumerate(pages, 2):
        assert re.search(r"Date +Slug +Prompt +Reasoning +Completion +Total", page)
        assert page.strip().splitlines()[0].startswith("beebox")
        assert f"Page {number} of 4" in page


@pytest.mark.parametrize("metric", [None, *Metric])
def test_the_same_input_gives_the_same_bytes(metric: Metric | None) -> None:
    query = Query(metric=metric, period=MONTH, by=Dimension.KEY)
    assert written(query, rows(SPAN)) == written(query, rows(SPAN))


def test_title_language_and_embedded_fonts_are_there() -> None:
    reader = read(written(BY_KEY, rows(SPAN, [*KEYS, *HOSTILE])))
    assert reader.trailer["/Root"]["/Lang"] == "en-US"
    assert reader.metadata is not None
    assert reader.metadata.title == (
        "Tokens by API key, 10/22/2026 – 11/22/2026 · Acme <Research> & Co"
    )
    fonts = reader.pages[0]["/Parent"]["/Resources"]["/Font"]
    for name in fonts:
        assert "/FontFile2" in fonts[name]["/FontDescriptor"]


def test_the_cover_says_of_whom_when_whence_and_what_is_missing() -> None:
    query = Query(
        metric=Metric.SPEND,
        period=MONTH,
        by=Dimension.MODEL,
        filters=(Filter(Dimension.KEY, "Prod key"),),
        source=MoneySource.BYOK,
        zone="Europe/Berlin",
    )
    used = rows(time_range(MONTH, "Europe/Berlin"), by=Dimension.MODEL)
    partial = ("no data before 22 Nov 2025", "the views do not agree")
    said = cover(written(query, used, zone="Europe/Berlin", partial=partial, previous=BEFORE))
    for part in (
        "Acme <Research> & Co",
        "Spend from BYOK by model, 10/22/2026 – 11/22/2026",
        'Only key:"Prod key"',
        "10/22/2026 – 11/22/2026, by day, Europe/Berlin",
        "11/22/2026 10:31 UTC",
        "OpenRouter analytics",
        "Incomplete: no data before 11/22/2025",
        "the views do not agree",
        "The month before",
        "from the month before",
        "$500.00",
        "the exact figures are in the CSV",
        "BYOK (bring your own key) is OpenRouter's estimate",
    ):
        assert part in said


def test_the_cover_says_which_days_are_averaged_although_they_are_not_whole() -> None:
    span = time_range(MONTH, "UTC")
    used = [UsageRow(bucket, "k", "m", Usage(credits=10**9)) for bucket in span.buckets[28:]]
    query = Query(metric=Metric.SPEND, period=MONTH)
    missing = {"unknown": range(28), "incomplete": (28,), "since": span.buckets[28]}
    said = " ".join(cover(written(query, used, **missing)).split())
    assert "11/19 incomplete; last day not over" in said
    assert "a day since 11/19/2026 (11/19" in said
    assert "incomplete, current day included)" in said


def test_only_the_source_asked_for_counts() -> None:
    used = [UsageRow(SPAN.start, "k", MODELS[0], Usage(1, 1, credits=5 * 10**9, byok=3 * 10**9))]
    query = Query(metric=Metric.SPEND, by=Dimension.KEY, source=MoneySource.CREDITS)
    assert figures(written(query, used), Metric.SPEND, MoneySource.CREDITS)[1] == [5]
    assert "Spend from credits by API key" in cover(written(query, used))
    overview = cover(written(replace(query, metric=None), used))
    assert "Spend from credits only" in overview
    assert "Spend from credits" in overview


def test_an_overview_has_three_metrics_and_every_group() -> None:
    query = Query(period=MONTH, by=Dimension.KEY)
    used = rows(SPAN)
    data = written(query, used, previous=BEFORE)
    said = text(data)
    summary = answer(query, used, SPAN)
    for metric in Metric:
        assert metric.capitalize() in said
    whole = total(row.usage for row in used)
    spend = dollars(whole.credits + whole.byok).strip()
    for part in (f"{whole.tokens:,}", f"{whole.requests:,}", spend):
        assert said.count(part) == 2
    lines = [row for row in said.splitlines() if "%" in row]
    for group in summary.metrics[Metric.SPEND].groups:
        line = next(row for row in lines if clean(group.label) in row)
        spend, _, tokens, requests = numbers(line)[-4:]
        assert near([spend], [amount(Metric.SPEND, group.sum)], Metric.SPEND, 1)
        assert (tokens, requests) == (group.usage.tokens, group.usage.requests)
    assert [str(entry["/Title"]) for entry in read(data).outline] == ["Overview"]


def test_an_overview_without_groups_has_a_line_a_bucket() -> None:
    year = Counted(1, Unit.YEAR)
    data = written(Query(period=year), rows(time_range(year)), year)
    dates = re.findall(r"^\s*(\d\d/01/\d{4}) ", text(data), re.MULTILINE)
    assert len(dates) == 13
    assert dates[0] == "11/01/2026"


def test_groups_that_are_not_shown_are_counted_as_others() -> None:
    used = rows(SPAN)
    summary = answer(BY_KEY, used, SPAN, shown=KEYS[:3])
    out = io.BytesIO()
    write_pdf(summary, sections(BY_KEY, used), out, organization="Acme")
    first = cover(out.getvalue())
    others = next(line for line in first.splitlines() if "Others (9)" in line)
    hidden = total(row.usage for row in used if row.member not in KEYS[:3])
    assert numbers(others)[1:5] == [
        hidden.prompt,
        hidden.reasoning,
        hidden.completion,
        hidden.tokens,
    ]


@pytest.mark.parametrize(
    ("length", "zone", "date"),
    [
        (Counted(1, Unit.HOUR), "UTC", "11/22/2026 10:31"),
        (Counted(1, Unit.DAY), "Asia/Tokyo", "11/22/2026 19:00"),
        (MONTH, "America/New_York", "11/22/2026"),
        (Counted(1, Unit.YEAR), "UTC", "11/01/2026"),
    ],
)
def test_dates_are_as_fine_as_the_buckets_and_in_the_zone(
    length: Period, zone: str, date: str
) -> None:
    used = [UsageRow(time_range(length, zone).buckets[-1], "k", MODELS[0], usage(1))]
    query = Query(metric=Metric.REQUESTS, period=length, by=Dimension.KEY, zone=zone)
    said = body(written(query, used, length, zone))
    assert re.search(rf"{date} +{MODELS[0]}", said)


def test_hostile_names_are_text_and_nothing_else() -> None:
    used = rows(SPAN, HOSTILE, models=(*MODELS, *HOSTILE), density=40)
    data = written(BY_KEY, used)
    said = text(data)
    for name in ("<!channel>", "=cmd()|'/C calc'!A0", "a<b", "(unbalanced \\( parentheses"):
        assert name in said
    for name in ("生产密钥", "프로덕션", "กุญแจการผลิต", "𓀀 hieroglyph", "ייצור", "🚀"):
        assert name in said
    assert set(links(data)) == {f"https://openrouter.ai/{model}" for model in MODELS}
    assert b"/JavaScript" not in data
    for page in read(data).pages:
        assert not page.images


def test_a_long_model_name_stays_whole_and_in_its_column() -> None:
    long = "cognitivecomputations/dolphin-mistral-24b-venice-edition:free"
    used = [UsageRow(SPAN.start, "k", long, usage(1)), UsageRow(SPAN.start, "k", "a/b", usage(2))]
    said = body(written(BY_KEY, used))
    assert re.search(rf"{long} +[\d,]+ ", said)


def test_what_cannot_be_a_model_is_no_link() -> None:
    bad = ["no-author", "java script:/x", "a/" + "b" * 300, "生产/模型"]
    used = [UsageRow(SPAN.start, "k", model, usage(n)) for n, model in enumerate(bad)]
    assert not set(links(written(BY_KEY, used)))


def test_nothing_used_is_one_page_that_says_so() -> None:
    data = written(BY_KEY, [])
    assert len(read(data).pages) == 1
    assert "No usage in this period" in text(data)


def test_rows_that_do_not_add_up_to_the_summary_are_refused() -> None:
    used = rows(SPAN)
    with pytest.raises(ValueError, match="do not add up"):
        write_pdf(
            answer(BY_KEY, used, SPAN),
            sections(BY_KEY, used[1:]),
            io.BytesIO(),
            organization="Acme",
        )


def test_memory_does_not_grow_with_the_pages() -> None:
    def peak(many: int) -> int:
        one = Usage(1, 0, 1_000, 10, 0)
        span = time_range()
        used = [UsageRow(span.start, "k", MODELS[0], Usage(many, 0, many * 1_000, many * 10, 0))]
        stream = (UsageRow(span.start, "k", MODELS[0], one) for _ in range(many))
        summary = answer(BY_KEY, used, span)
        with Path("/dev/null").open("wb") as out:
            tracemalloc.start()
            write_pdf(summary, [("k", stream)], out, organization="Acme")
            high = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return high

    peak(100)
    assert peak(24_000) < 2 * peak(6_000)


@pytest.mark.parametrize(
    ("nano", "said"),
    [
        (0, "0.00"),
        (1, "<0.0001"),
        (-1, ">-0.0001"),
        (100_000, "0.0001"),
        (12_345_678, "0.0123"),
        (99_940_000, "0.0999"),
        (99_960_000, "0.10"),
        (125_000_000, "0.12"),
        (4_804_810_000_000, "4,804.81"),
        (-1_500_000_000, "-1.50"),
        (1_234_567_995_456_789, "1,234,568.00"),
    ],
)
def test_money_has_cents_and_its_points_are_aligned(nano: int, said: str) -> None:
    assert dollars(nano).rstrip() == said
    assert len(dollars(nano)) - dollars(nano).index(".") == 5


OCTOBER = Month(2026, 10)
BY_CREATOR = Query(metric=Metric.SPEND, period=OCTOBER, by=Dimension.CREATOR)


def compared(query: Query, used: list[UsageRow], ratio: Fraction) -> Summary:
    """An answer whose groups all had the same part of what they have now in the period before."""
    summary = answer(query, used, time_range(OCTOBER), previous=BEFORE)
    metrics = {
        metric: replace(
            found,
            groups=tuple(replace(one, previous=int(one.sum * ratio)) for one in found.groups),
        )
        for metric, found in summary.metrics.items()
    }
    return replace(summary, metrics=metrics)


def test_the_first_page_of_a_month_can_be_forwarded_by_itself() -> None:
    used = rows(time_range(OCTOBER), PEOPLE, by=Dimension.CREATOR)
    out = io.BytesIO()
    summary = compared(BY_CREATOR, used, Fraction(1, 2))
    write_pdf(summary, sections(BY_CREATOR, used), out, organization="Acme")
    first = cover(out.getvalue())
    for part in (
        "Spend by creator, October 2026",
        "September 2026",
        "from September 2026",
        "Change is measured against September 2026.",
        "(no creator) is usage that OpenRouter doesn't attribute to",
        "The providers bill it, not OpenRouter.",
        "Data as of",
    ):
        assert part in first
    ada = next(line for line in first.splitlines() if "Ada Lovelace" in line)
    assert ada.rstrip().endswith("+100.0%")
    named = [line.strip().split("  ")[0] for line in first.splitlines() if "+100" in line]
    assert named[-1] == "(no creator)"


@pytest.mark.parametrize("metric", [None, *Metric])
@pytest.mark.parametrize("many", [0, 1, 30, 3_000])
def test_the_summary_alone_has_one_page_or_two_and_the_same_total(
    metric: Metric | None, many: int
) -> None:
    used = [
        UsageRow(SPAN.buckets[-1], f"key {n}", MODELS[0], Usage(1, 0, 1000, 10, 0, 10**9))
        for n in range(many)
    ]
    query = Query(metric=metric, period=MONTH, by=Dimension.KEY)
    summary = answer(query, used, SPAN)
    out = io.BytesIO()
    pages = write_pdf_summary(summary, out, organization="Acme")
    assert pages == len(read(out.getvalue()).pages)
    assert pages <= 2
    said = text(out.getvalue())
    assert "SUBTOTAL" not in said
    total_line = next(line for line in said.splitlines() if line.strip().startswith("TOTAL"))
    assert Decimal(many) in numbers(total_line) or many * 1_010 in numbers(total_line)
    assert (f"Others ({many - 39:,})" in said) == (many > 40)


def test_a_group_that_was_not_there_before_is_new() -> None:
    used = rows(time_range(OCTOBER), PEOPLE, by=Dimension.CREATOR)
    out = io.BytesIO()
    write_pdf_summary(compared(BY_CREATOR, used, Fraction(0)), out, organization="Acme")
    ada = next(line for line in text(out.getvalue()).splitlines() if "Ada Lovelace" in line)
    assert ada.rstrip().endswith("new")


@pytest.mark.parametrize("metric", [None, Metric.SPEND])
def test_usage_where_there_was_none_before_has_no_percentage(metric: Metric | None) -> None:
    query = Query(metric=metric, period=OCTOBER, by=Dimension.KEY)
    used = rows(time_range(OCTOBER))
    summary = answer(query, used, time_range(OCTOBER), previous=Usage())
    out = io.BytesIO()
    write_pdf_summary(summary, out, organization="Acme")
    assert ("new" if metric else "none before") in text(out.getvalue())
    assert "– from" not in text(out.getvalue())


def test_dates_have_one_form_in_a_document() -> None:
    partial = ("No data before 29 Nov 2025.", "days before 2025-11-22 are not held")
    said = text(written(BY_KEY, rows(SPAN), partial=partial))
    assert "No data before 11/29/2025." in said
    assert not re.search(r"\d{4}-\d\d-\d\d|\d [A-Z][a-z]{2} \d{4}", said)


def test_sections_look_as_they_did_when_they_were_looked_at() -> None:
    day = Counted(1, Unit.DAY)
    query = Query(metric=Metric.SPEND, period=day, by=Dimension.KEY)
    used = rows(time_range(day), KEYS[:2], density=120)
    pages = body(written(query, used, day)).split("\f")[:-1]
    # without the header and the footer, which are worded elsewhere
    said = "\f".join("\n".join(page.strip("\n").splitlines()[1:-1]) for page in pages)
    golden = GOLDEN / "spend-by-key.pdf.txt"
    assert said == golden.read_text(encoding="utf-8")
