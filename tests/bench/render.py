"""Files and pictures: how fast, how large, and how much memory, beside what one would write first.

Each case runs in a process of its own, so that one's memory is not another's. All of them draw
the same rows, which are made beforehand. Seconds are those of the processor: nothing here waits,
and what else runs on the machine disturbs them least.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path
from time import process_time
from typing import NamedTuple

from reports.questions.query import Query
from reports.questions.summary import Summary, UsageFigures, summarize
from reports.time.period import Counted, Unit
from reports.time.period_to_range import ranges
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import Usage, UsageRow, dollars, total
from tests.bench.table import Figure, at_most, faster, peak_memory

MONTH = Counted(1, Unit.MONTH)
SPAN = ranges(MONTH, datetime(2026, 11, 22, 10, 31, tzinfo=UTC)).current
MODELS = [f"vendor-{n % 7}/some-model-{n}" for n in range(60)]
BUCKETS, PER_BUCKET = 25, 8
PER_GROUP = BUCKETS * PER_BUCKET
LARGE, HUGE, SMALL, FEW = 200_000, 1_000_000, 10_000, 20_000
QUERY = Query(metric=Metric.TOKENS, period=MONTH, by=Dimension.KEY)
_PAGE = 50  # rows


def usage(n: int) -> Usage:
    """Usage that differs from row to row."""
    byok = n * 333_667 if n % 5 == 0 else 0
    return Usage(
        n % 97 + 1, n % 3, n * 17 % 9_999_991, n * 3 % 99_991, n % 997, n * 1_234_567 % 10**10, byok
    )


def group(number: int) -> list[UsageRow]:
    """The rows of one key, newest first."""
    place, name = number * PER_GROUP, f"key-{number:05}"
    return [
        UsageRow(bucket, name, MODELS[(number + 7 * n) % 60], usage(place + PER_BUCKET * back + n))
        for back, bucket in enumerate(SPAN.buckets[-1 : -BUCKETS - 1 : -1])
        for n in range(PER_BUCKET)
    ]


@cache
def base() -> list[list[UsageRow]]:
    """Rows that take part again and again, so that making them is in nobody's time."""
    return [group(number) for number in range(50)]


def groups(count: int) -> Iterator[tuple[str, list[UsageRow]]]:
    """All keys that so many rows make, each with its rows."""
    return ((f"key-{n:05}", base()[n % 50]) for n in range(count // PER_GROUP))


def answer(count: int) -> Summary:
    """What so many rows add up to."""
    index = {bucket: place for place, bucket in enumerate(SPAN.buckets)}
    series: dict[str, dict[int, Usage]] = {}
    for name, rows in groups(count):
        by_bucket: dict[int, list[Usage]] = {}
        for row in rows:
            by_bucket.setdefault(index[row.bucket], []).append(row.usage)
        series[name] = {place: total(found) for place, found in by_bucket.items()}
    whole = tuple(
        total(found.get(place, Usage()) for found in series.values())
        for place in range(len(SPAN.buckets))
    )
    return summarize(QUERY, SPAN, UsageFigures(whole, series, len(series)), SPAN.until)


def pdf_ours(count: int, path: Path) -> Callable[[], None]:
    """Our PDF."""
    from reports.render.pdf import write_pdf  # noqa: PLC0415 - each case reads only its own

    summary = answer(count)
    write_pdf(answer(PER_GROUP), groups(PER_GROUP), io.BytesIO(), organization="Warm")

    def draw() -> None:
        with path.open("wb") as out:
            write_pdf(summary, groups(count), out, organization="Acme")

    return draw


def pdf_floor(count: int, path: Path) -> Callable[[], None]:
    """The same lines as plain text in columns, compressed a page at a time, and written."""

    base()

    def write() -> None:
        dates = {bucket: f"{bucket:%m/%d/%Y}" for bucket in SPAN.buckets}
        page: list[str] = []
        with path.open("wb") as out:
            for _, rows in groups(count):
                for bucket, _, model, used in rows:
                    figures = f"{used.prompt:>16,}{used.reasoning:>13,}{used.completion:>14,}"
                    page.append(f"{dates[bucket]}  {model:<36}{figures}{used.tokens:>15,}")
                    if len(page) == _PAGE:
                        out.write(zlib.compress("\n".join(page).encode()))
                        page.clear()

    return write


def pdf_platypus(count: int, path: Path) -> Callable[[], None]:
    """reportlab's own way: a heading and a Table for each group."""
    from reportlab.lib.colors import black  # noqa: PLC0415
    from reportlab.lib.pagesizes import A4  # noqa: PLC0415
    from reportlab.lib.styles import getSampleStyleSheet  # noqa: PLC0415
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle  # noqa: PLC0415

    heading = getSampleStyleSheet()["Heading2"]
    style = TableStyle(
        [
            ("FONT", (0, 0), (-1, -1), "Courier", 8),
            ("LINEBELOW", (0, 0), (-1, 0), 1, black),
            ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
        ]
    )

    base()

    def draw() -> None:
        story = []
        for name, rows in groups(count):
            data = [["Date", "Slug", "Prompt", "Reasoning", "Completion"]]
            data += [
                [f"{b:%m/%d/%Y}", m, f"{u.prompt:,}", f"{u.reasoning:,}", f"{u.completion:,}"]
                for b, _, m, u in rows
            ]
            story += [Paragraph(name, heading), Table(data, repeatRows=1, style=style)]
        SimpleDocTemplate(str(path), pagesize=A4).build(story)

    return draw


def pdf_fpdf(count: int, path: Path) -> Callable[[], None]:
    """fpdf2: a cell for each figure."""
    from fpdf import FPDF  # noqa: PLC0415

    base()

    def draw() -> None:
        pdf = FPDF(format="A4")
        pdf.set_font("Courier", size=8)
        for name, rows in groups(count):
            pdf.add_page()
            pdf.cell(0, 8, name, new_x="LMARGIN", new_y="NEXT")
            for b, _, m, u in rows:
                pdf.cell(25, 4.4, f"{b:%m/%d/%Y}")
                pdf.cell(70, 4.4, m)
                for figure in (u.prompt, u.reasoning):
                    pdf.cell(30, 4.4, f"{figure:,}", align="R")
                pdf.cell(30, 4.4, f"{u.completion:,}", align="R", new_x="LMARGIN", new_y="NEXT")
        pdf.output(str(path))

    return draw


def csv_ours(count: int, path: Path) -> Callable[[], None]:
    """Our CSV: the overview by key."""
    from reports.render.csv import write_csv  # noqa: PLC0415

    base()

    def write() -> None:
        rows = chain.from_iterable(found for _, found in groups(count))
        with path.open("wb") as out:
            write_csv(replace(QUERY, metric=None), rows, out)

    return write


def csv_dict_writer(count: int, path: Path) -> Callable[[], None]:
    """The csv module's DictWriter, a dictionary a row."""

    base()

    def write() -> None:
        names = ["Date", "Slug", "Usage", "BYOK Usage", "Requests", "Prompt Tokens"]
        names += ["Completion Tokens", "Reasoning Tokens", "API Key"]
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, names, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writeheader()
            for _, rows in groups(count):
                for bucket, member, model, used in rows:
                    values = (
                        f"{bucket:%Y-%m-%d %H:%M:%S}",
                        model,
                        dollars(used.credits),
                        dollars(used.byok),
                        used.requests,
                        used.prompt,
                        used.completion,
                        used.reasoning,
                        member,
                    )
                    writer.writerow(dict(zip(names, values, strict=True)))

    return write


def chart_ours(count: int, path: Path) -> Callable[[], None]:
    """Our PNG of 31 buckets and so many groups, warm."""
    from reports.render.charts.png import chart_png  # noqa: PLC0415

    summary = _picture(count)
    chart_png(summary)
    return lambda: path.write_bytes(chart_png(summary)) and None


def chart_matplotlib(count: int, path: Path) -> Callable[[], None]:
    """The same bars by matplotlib, warm."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    found = _picture(count).metrics[Metric.TOKENS]

    def draw() -> None:
        figure, axes = pyplot.subplots(figsize=(16, 8), dpi=100)
        bottom = [0] * len(found.buckets)
        for part in found.groups:
            axes.bar(range(len(bottom)), part.buckets, bottom=bottom, label=part.label)
            bottom = [a + b for a, b in zip(bottom, part.buckets, strict=True)]
        axes.set_xticks(range(len(bottom)), [f"{b:%b %d}" for b in SPAN.buckets[-31:]], rotation=45)
        axes.set_title("Tokens by API key")
        axes.legend()
        figure.savefig(path, format="png")
        pyplot.close(figure)

    draw()
    return draw


def _picture(count: int) -> Summary:
    span = replace(SPAN, buckets=SPAN.buckets[-31:])
    series = {
        f"key-{n}": {place: usage(31 * n + place + 1) for place in range(31)} for n in range(count)
    }
    whole = tuple(total(found[place] for found in series.values()) for place in range(31))
    return summarize(QUERY, span, UsageFigures(whole, series, count), span.until)


CASES = {
    case.__name__: case
    for case in (
        pdf_ours,
        pdf_floor,
        pdf_platypus,
        pdf_fpdf,
        csv_ours,
        csv_dict_writer,
        chart_ours,
        chart_matplotlib,
    )
}


class Taken(NamedTuple):
    """Seconds of the processor (the best), growth and size in MB."""

    seconds: float
    growth: float
    size: float


def measure(case: str, count: int, times: int = 1) -> Taken:
    """Run a case so many times in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.render", case, str(count), str(times)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Taken(*json.loads(done.stdout))


def beside(one: str, other: str, count: int, times: int = 2) -> tuple[Taken, Taken]:
    """Two cases in turns, three times each, so that what else runs here disturbs both alike."""
    turns = [(measure(one, count, times), measure(other, count, times)) for _ in range(3)]
    first, second = zip(*turns, strict=True)
    return min(first), min(second)


def run() -> Iterator[Figure]:
    """Everything that is promised of files and pictures."""
    yield from _pdf()
    yield from _csv()
    yield from _png()


def _pdf() -> Iterator[Figure]:
    floor, ours = beside("pdf_floor", "pdf_ours", LARGE)
    name = f"PDF of {LARGE:,} rows"
    yield Figure(f"{name}: floor (format, compress, write)", floor.seconds, "s")
    yield Figure(name, ours.seconds, "s")
    yield at_most(f"{name}: against the floor", ours.seconds / floor.seconds, "x", 2.5)
    yield at_most(f"{name}: memory growth", ours.growth, "MB", 80)
    yield Figure(f"{name}: size of the file", ours.size, "MB")
    peer = measure("pdf_platypus", LARGE)
    yield faster(name, ours.seconds, "platypus", peer.seconds, 10)
    yield Figure(f"{name}: memory growth of platypus", peer.growth, "MB")
    few, peer = measure("pdf_ours", FEW, 3), measure("pdf_fpdf", FEW)
    yield Figure(
        f"PDF of {FEW:,} rows", few.seconds, "s", "", None, "fpdf2", peer.seconds / few.seconds
    )
    small, huge = measure("pdf_ours", SMALL, 5), measure("pdf_ours", HUGE)
    yield Figure(f"PDF of {SMALL:,} rows", small.seconds, "s")
    yield Figure(f"PDF of {HUGE:,} rows", huge.seconds, "s")
    growing = huge.seconds / HUGE * SMALL / small.seconds
    yield at_most(f"PDF: a row of {HUGE:,} against one of {SMALL:,}", growing, "x", 1.25)
    yield at_most(f"PDF of {HUGE:,} rows: memory growth", huge.growth, "MB", 80)


def _csv() -> Iterator[Figure]:
    ours, peer = measure("csv_ours", HUGE, 2), measure("csv_dict_writer", HUGE)
    yield faster(f"CSV of {HUGE:,} rows", ours.seconds, "DictWriter", peer.seconds, 2.5)
    yield at_most(f"CSV of {HUGE:,} rows: memory growth", ours.growth, "MB", 80)


def _png() -> Iterator[Figure]:
    name = "PNG 1600 x 800, 31 buckets x 8 groups, warm"
    ours, peer = measure("chart_ours", 8, 30), measure("chart_matplotlib", 8, 5)
    yield at_most(name, 1000 * ours.seconds, "ms", 30)
    yield faster(name, ours.seconds, "matplotlib", peer.seconds, 8)
    yield Figure("PNG: size of the file", 1000 * ours.size, "kB")


def _main(case: str, count: int, times: int) -> None:
    """Measure one case here and say what it took, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        work = CASES[case](count, path)
        before, taken = peak_memory(), []
        for _ in range(times):
            begun = process_time()
            work()
            taken.append(process_time() - begun)
        size = path.stat().st_size / 1e6
    print(json.dumps((min(taken), peak_memory() - before, size)))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
