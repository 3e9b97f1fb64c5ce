from __future__ import annotations

import hashlib
import io
import zlib
from datetime import date

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reports.questions.query import Query
from reports.questions.summary import Summary
from reports.questions.wording import range_words, title
from reports.render.canvas.canvas import PageCanvas
from reports.render.charts.bar_data import round_ticks, stack
from reports.render.charts.draw_bars import EMPTY, UNKNOWN, Box, draw_page
from reports.render.charts.labels import tick, ticks
from reports.render.charts.palette import OTHERS, charted, colors
from reports.render.charts.png import chart_png
from reports.time.period import Counted, DateSpan, Month, Period, Unit
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import Usage, UsageRow
from tests.reports.render.samples import HOSTILE, KEYS, MONTH, answer, rows, time_range, used_rows

SPAN = time_range()
BY_KEY = Query(metric=Metric.SPEND, period=MONTH, by=Dimension.KEY)


def picture(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def words(query: Query, used: list[UsageRow], length: Period = MONTH) -> str:
    return drawn(answer(query, used, time_range(length)))


def drawn(summary: Summary) -> str:
    out = io.BytesIO()
    paper = PageCanvas(out, (1600, 800))
    draw_page(paper, Box(0, 0, 1600, 800), summary, summary.query.metric or Metric.SPEND, 30)
    paper.finish()
    return pypdf.PdfReader(io.BytesIO(out.getvalue())).pages[0].extract_text()


def test_a_picture_is_a_png_of_the_size_asked_for() -> None:
    summary = answer(BY_KEY, rows(SPAN), SPAN)
    assert picture(chart_png(summary)).size == (1600, 800)
    assert picture(chart_png(summary, Metric.SPEND, size=(800, 500))).size == (800, 500)


def test_the_same_answer_gives_the_same_bytes() -> None:
    summary = answer(BY_KEY, rows(SPAN), SPAN)
    assert (
        hashlib.sha256(chart_png(summary)).digest() == hashlib.sha256(chart_png(summary)).digest()
    )


def test_the_picture_shows_the_colors_of_its_groups() -> None:
    summary = answer(BY_KEY, rows(SPAN), SPAN)
    image = picture(chart_png(summary))
    found = {f"#{r:02X}{g:02X}{b:02X}" for _, (r, g, b) in image.getcolors(2**24) or []}
    assert {*colors(summary).values(), OTHERS, "#FFFFFF"} <= found


def test_the_unfinished_bucket_is_not_drawn_like_the_others() -> None:
    last = [UsageRow(SPAN.buckets[-1], "k", "m", Usage(5, credits=10**9))]
    query = Query(metric=Metric.SPEND)
    finished = time_range(Month(2026, 10))
    done = [UsageRow(finished.buckets[-1], "k", "m", Usage(5, credits=10**9))]
    blue = (0x16, 0xA1, 0xE9)

    def share(image: Image.Image) -> float:
        pixels = [count for count, seen in image.getcolors(2**24) or [] if seen == blue]
        return sum(pixels) / (image.width * image.height)

    assert share(picture(chart_png(answer(query, last, SPAN)))) < 0.5 * share(
        picture(chart_png(answer(query, done, finished)))
    )
    assert "not over yet (10:31)" in words(Query(metric=Metric.SPEND, by=Dimension.KEY), last)


def test_title_total_average_period_and_legend_are_said() -> None:
    used = [UsageRow(SPAN.buckets[0], name, "m", Usage(64 * 10**6)) for name in KEYS[:2]]
    query = Query(metric=Metric.REQUESTS, period=MONTH, by=Dimension.KEY)
    said = words(query, used)
    for part in (title(query), range_words(SPAN), "128M", "4M a day", *KEYS[:2]):
        assert part in said


def test_only_one_source_of_money_is_said_to_be_so() -> None:
    query = Query(metric=Metric.SPEND, source=MoneySource.BYOK)
    assert "Spend from BYOK" in words(query, rows(SPAN))


def test_nothing_used_is_said_in_words() -> None:
    assert EMPTY in words(BY_KEY, [])


def test_hostile_names_are_drawn_as_they_are() -> None:
    summary = answer(BY_KEY, rows(SPAN, HOSTILE), SPAN)
    assert picture(chart_png(summary)).size == (1600, 800)
    assert "<!channel>" in words(BY_KEY, rows(SPAN, HOSTILE[:3]))


def test_others_are_whatever_has_no_color() -> None:
    summary = answer(BY_KEY, rows(SPAN), SPAN)
    bars = stack(summary.metrics[Metric.SPEND], colors(summary))
    assert bars.parts[-1].label == "Others (2)"
    assert bars.parts[-1].color == OTHERS
    assert sum(part.sum for part in bars.parts) == summary.metrics[Metric.SPEND].sum


@given(used_rows(SPAN), st.sampled_from(Metric), st.integers(1, 12))
def test_the_parts_add_up_to_the_whole_in_every_bucket(
    used: list[UsageRow], metric: Metric, top: int
) -> None:
    summary = answer(Query(metric=metric, by=Dimension.KEY, top=top), used, SPAN)
    bars = stack(summary.metrics[metric], colors(summary))
    columns = [sum(column) for column in zip(*(p.values for p in bars.parts), strict=True)]
    assert tuple(columns or [0] * len(SPAN.buckets)) == summary.metrics[metric].buckets
    assert max(columns, default=0) <= bars.ticks[-1]


def test_each_picture_of_an_overview_names_the_largest_by_what_it_shows() -> None:
    used = [
        UsageRow(SPAN.start, f"key {n:02}", "m", Usage(1 + n, 0, 1000 * (1 + n), 0, 0, 10**9 - n))
        for n in range(15)
    ]
    overview = answer(Query(period=MONTH, by=Dimension.KEY), used, SPAN)
    spend = stack(overview.metrics[Metric.SPEND], charted(overview, Metric.SPEND)).parts
    tokens = stack(overview.metrics[Metric.TOKENS], charted(overview, Metric.TOKENS)).parts
    assert [part.label for part in spend] == [f"key {n:02}" for n in range(10)] + ["Others (5)"]
    assert tokens[0].label == "key 14"
    shared = {part.label: part.color for part in spend if part.label == "key 07"}
    assert shared == {part.label: part.color for part in tokens if part.label == "key 07"}


def test_days_without_data_are_a_gap_and_the_average_says_since_when() -> None:
    used = [UsageRow(SPAN.buckets[30], "k", "m", Usage(64 * 10**6))]
    query = Query(metric=Metric.REQUESTS, period=MONTH)
    since = SPAN.buckets[28]
    found = answer(query, used, SPAN, unknown=range(28), since=since)
    said = drawn(found)
    assert "16M a day since 19 Nov 2026" in said
    assert "no data" in said
    image = picture(chart_png(found)).convert("RGB")
    blank = picture(chart_png(answer(query, used, SPAN))).convert("RGB")
    left = (image.width // 4, image.height // 2)
    assert image.getpixel(left) != blank.getpixel(left) == (255, 255, 255)


def test_nothing_known_is_not_called_no_usage() -> None:
    found = answer(Query(metric=Metric.SPEND, period=MONTH), [], SPAN, unknown=range(32))
    assert UNKNOWN in drawn(found)
    assert EMPTY not in drawn(found)


@pytest.mark.parametrize(
    ("day", "names"),
    [
        (date(2026, 10, 25), ["25 Oct", "06:00", "12:00", "18:00"]),
        (date(2026, 3, 29), ["00:00", "06:00", "12:00", "18:00"]),
    ],
)
def test_hours_are_named_by_the_clock_on_days_on_which_it_changes(
    day: date, names: list[str]
) -> None:
    assert [name for _, name in ticks(time_range(DateSpan(day, day), "Europe/Berlin"), 5)] == names


@given(st.integers(0, 10**21), st.integers(3, 8))
def test_ticks_are_few_and_round(highest: int, most: int) -> None:
    marks = round_ticks(highest, most)
    assert len(marks) <= most
    assert marks[0] == 0
    assert marks[-1] >= highest
    if highest:
        assert str(marks[1]).rstrip("0") in {"1", "2", "5"}


def test_a_refund_has_no_height() -> None:
    used = [UsageRow(SPAN.buckets[3], "k", "m", Usage(1, credits=-5 * 10**9))]
    assert stack(answer(BY_KEY, used, SPAN).metrics[Metric.SPEND], {"k": "#16A1E9"}).empty


@pytest.mark.parametrize(
    ("length", "first"),
    [
        (Counted(1, Unit.HOUR), "09:31"),
        (Counted(1, Unit.DAY), "10:00"),
        (MONTH, "22 Oct"),
        (Counted(1, Unit.YEAR), "Nov 2025"),
    ],
)
def test_buckets_are_named_as_people_would(length: Period, first: str) -> None:
    assert tick(time_range(length), 0) == first


def test_hours_are_named_at_even_steps_of_the_zones_clock() -> None:
    span = time_range(Counted(1, Unit.DAY), "Europe/Berlin")
    assert [name for _, name in ticks(span, 6)] == ["12:00", "18:00", "22 Nov", "06:00"]


def test_a_png_has_nothing_in_it_but_the_picture() -> None:
    data = chart_png(answer(BY_KEY, rows(SPAN), SPAN))
    kinds, place = [], 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4])
        body = data[place + 4 : place + 8 + length]
        assert zlib.crc32(body) == int.from_bytes(data[place + 8 + length : place + 12 + length])
        kinds.append(body[:4])
        place += 12 + length
    assert sorted(set(kinds)) == [b"IDAT", b"IEND", b"IHDR", b"PLTE"]
