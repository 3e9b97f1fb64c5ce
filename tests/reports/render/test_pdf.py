from __future__ import annotations

import io
import re
import subprocess
import tracemalloc
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.period import Counted, Period, Unit
from reports.query import Dimension, Filter, Metric, Query, Source
from reports.render.pdf import write_pdf
from reports.render.pdf.figures import exact
from reports.text import clean
from reports.usage import Usage, UsageRow, nano_dollars, total
from reports.words import filter_words, range_words, title
from tests.reports.render.samples import (
    HOSTILE,
    KEYS,
    MODELS,
    MONTH,
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
    pages = write_pdf(summary, sections(query, used), out, organisation="Acme <Research> & Co")
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


def figures(data: bytes, metric: Metric) -> tuple[list[list[Decimal]], list[Decimal], list[int]]:
    """Subtotals, the grand total, and how many rows each section has, as others read them."""
    count = 2 if metric is Metric.REQUESTS else 3
    subtotals, grand, held = [], [], []
    sums, many = [Decimal(0)] * count, 0
    for line in body(data).splitlines():
        if re.match(r"\s*\d\d/\d\d/\d{4} ", line):
            sums = [a + b for a, b in zip(sums, numbers(line)[-count:], strict=True)]
            many += 1
        elif line.strip().startswith("SUBTOTAL"):
            assert numbers(line) == sums
            subtotals.append(sums)
            held.append(many)
            sums, many = [Decimal(0)] * count, 0
        elif line.strip().startswith("TOTAL"):
            grand = numbers(line)
    return subtotals, grand, held


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
    assert [sum(column) for column in zip(*subtotals, strict=True)] == grand
    assert sum(held) == len(used)
    summary = answer(query, used, SPAN)
    groups = summary.metrics[metric].groups
    for group, subtotal in zip(groups, subtotals, strict=True):
        value = subtotal[0] + subtotal[2] if metric is Metric.TOKENS else subtotal[-1]
        if metric is Metric.REQUESTS:
            value = subtotal[0]
        assert group.sum == (nano_dollars(value) if metric is Metric.SPEND else value)
    first = cover(data)
    table = [line for line in first.splitlines() if line.strip().endswith("%")]
    of_groups = [numbers(line)[-len(grand) - 1 : -1] for line in table if "TOTAL" not in line]
    assert of_groups[-len(groups) :] == subtotals
    total_line = next(line for line in first.splitlines() if line.strip().startswith("TOTAL"))
    assert numbers(total_line)[:-1] == grand


@settings(max_examples=25, deadline=None)
@given(used_rows(SPAN), st.sampled_from(Metric), st.sampled_from(Source))
def test_any_usage_adds_up_in_the_file_as_others_read_it(
    used: list[UsageRow], metric: Metric, source: Source
) -> None:
    query = Query(metric=metric, by=Dimension.KEY, source=source)
    data = written(query, used)
    _, grand, _ = figures(data, metric)
    found = answer(query, used, SPAN).metrics[metric].sum
    if not used:
        assert grand == []
    elif metric is Metric.SPEND:
        assert nano_dollars(grand[2]) == found
        assert grand[0] + grand[1] == grand[2]
    else:
        assert (grand[0] + grand[2] if metric is Metric.TOKENS else grand[0]) == found


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
        assert re.search(r"Date +Slug +Prompt +Reasoning +Completion", page)
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
    assert reader.metadata.title == f"{title(BY_KEY)} · Acme <Research> & Co"
    fonts = reader.pages[0]["/Parent"]["/Resources"]["/Font"]
    for name in fonts:
        assert "/FontFile2" in fonts[name]["/FontDescriptor"]


def test_the_cover_says_of_whom_when_whence_and_what_is_missing() -> None:
    query = Query(
        metric=Metric.SPEND,
        period=MONTH,
        by=Dimension.MODEL,
        filters=(Filter(Dimension.KEY, "Prod key"),),
        source=Source.BYOK,
        zone="Europe/Berlin",
    )
    used = rows(time_range(MONTH, "Europe/Berlin"), by=Dimension.MODEL)
    partial = ("days before 2025-11-22 are not held", "the views do not agree")
    said = cover(written(query, used, zone="Europe/Berlin", partial=partial, previous=BEFORE))
    for part in (
        "Acme <Research> & Co",
        title(query),
        range_words(time_range(MONTH, "Europe/Berlin")),
        "2026-11-22 10:31 UTC",
        filter_words(query),
        "OpenRouter analytics",
        "Incomplete: days before 2025-11-22 are not held",
        "the views do not agree",
        "against the period before",
        "$500.00",
    ):
        assert part in said


def test_only_the_source_asked_for_counts() -> None:
    used = [UsageRow(SPAN.start, "k", MODELS[0], Usage(1, 1, credits=5 * 10**9, byok=3 * 10**9))]
    query = Query(metric=Metric.SPEND, by=Dimension.KEY, source=Source.CREDITS)
    assert figures(written(query, used), Metric.SPEND)[1] == [5, 0, 5]


def test_an_overview_has_three_metrics_and_every_group() -> None:
    query = Query(period=MONTH, by=Dimension.KEY)
    used = rows(SPAN)
    data = written(query, used, previous=BEFORE)
    said = text(data)
    summary = answer(query, used, SPAN)
    for metric in Metric:
        assert metric.capitalize() in said
    whole = total(row.usage for row in used)
    for part in (f"{whole.tokens:,}", f"{whole.requests:,}", exact(whole.credits + whole.byok)):
        assert said.count(part) == 2
    for group in summary.metrics[Metric.SPEND].groups:
        line = next(row for row in said.split("\f")[1].splitlines() if clean(group.label) in row)
        spend, _, tokens, requests = numbers(line)[-4:]
        assert nano_dollars(spend) == group.sum
        assert (tokens, requests) == (group.usage.tokens, group.usage.requests)
    assert [str(entry["/Title"]) for entry in read(data).outline] == ["Overview", "By API key"]


def test_an_overview_without_groups_has_a_line_a_bucket() -> None:
    year = Counted(1, Unit.YEAR)
    data = written(Query(period=year), rows(time_range(year)), year)
    dates = re.findall(r"^\s*(\d\d/01/\d{4})", body(data), re.MULTILINE)
    assert len(dates) == 13
    assert dates[0] == "11/01/2026"


def test_groups_that_are_not_shown_are_counted_as_others() -> None:
    used = rows(SPAN)
    summary = answer(BY_KEY, used, SPAN, shown=KEYS[:3])
    out = io.BytesIO()
    write_pdf(summary, sections(BY_KEY, used), out, organisation="Acme")
    first = cover(out.getvalue())
    others = next(line for line in first.splitlines() if "Others (9)" in line)
    hidden = total(row.usage for row in used if row.member not in KEYS[:3])
    assert numbers(others)[1:4] == [hidden.prompt, hidden.reasoning, hidden.completion]


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
            organisation="Acme",
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
            write_pdf(summary, [("k", stream)], out, organisation="Acme")
            high = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return high

    peak(100)
    assert peak(24_000) < 2 * peak(6_000)


@pytest.mark.parametrize(
    ("nano", "said"),
    [
        (0, "0.00"),
        (1, "0.000000001"),
        (10**7, "0.01"),
        (-1_500_000_000, "-1.50"),
        (1_234_567_123_456_789, "1,234,567.123456789"),
    ],
)
def test_money_is_exact_with_its_points_aligned(nano: int, said: str) -> None:
    assert exact(nano).rstrip() == said
    assert len(exact(nano)) - exact(nano).index(".") == 10


def test_sections_look_as_they_did_when_they_were_looked_at() -> None:
    day = Counted(1, Unit.DAY)
    query = Query(metric=Metric.SPEND, period=day, by=Dimension.KEY)
    used = rows(time_range(day), KEYS[:2], density=120)
    pages = body(written(query, used, day)).split("\f")[:-1]
    # without the header and the footer, which are worded elsewhere
    said = "\f".join("\n".join(page.strip("\n").splitlines()[1:-1]) for page in pages)
    golden = GOLDEN / "spend-by-key.pdf.txt"
    assert said == golden.read_text(encoding="utf-8")
