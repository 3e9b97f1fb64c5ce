from __future__ import annotations

import subprocess
import sys
from itertools import combinations, pairwise

import pytest

from reports.questions.query import Query
from reports.render.charts.palette import (
    ALL_COLORS,
    OTHERS,
    PALETTE,
    assign,
    charted,
    color,
    colors,
    tint,
)
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import Usage, UsageRow
from tests.reports.render.samples import KEYS, answer, rows, time_range

SLACK_DARK = "#1A1D21"
# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB
SIGHT = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "no green": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "no blue": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
SPAN = time_range()


def linear(hex_color: str) -> list[float]:
    parts = [int(hex_color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def contrast(one: str, other: str) -> float:
    light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def oklab(hex_color: str, sight: str) -> tuple[float, float, float]:
    seen = [
        min(max(sum(a * c for a, c in zip(row, linear(hex_color), strict=True)), 0), 1)
        for row in SIGHT[sight]
    ]
    r, g, b = seen
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def distance(one: str, other: str, sight: str) -> float:
    pairs = zip(oklab(one, sight), oklab(other, sight), strict=True)
    return sum((a - b) ** 2 for a, b in pairs) ** 0.5


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_colors_are_told_apart_with_any_sight(sight: str) -> None:
    least = min(distance(a, b, sight) for a, b in combinations((*PALETTE, OTHERS), 2))
    assert least > 0.065


@pytest.mark.parametrize("sight", SIGHT)
def test_neighbours_in_a_stack_are_far_apart(sight: str) -> None:
    assert min(distance(a, b, sight) for a, b in pairwise(PALETTE[:8])) > 0.14


@pytest.mark.parametrize("shown", [*PALETTE, OTHERS])
def test_colors_stand_out_on_white_and_on_slacks_dark_background(shown: str) -> None:
    assert contrast(shown, "#FFFFFF") > 1.85
    assert contrast(shown, SLACK_DARK) > 2.8


def test_a_group_keeps_its_color_in_every_picture_of_one_answer() -> None:
    overview = answer(Query(by=Dimension.KEY), rows(SPAN), SPAN)
    known = colors(overview)
    assert len(set(known.values())) == len(known) >= len(PALETTE)
    for metric in Metric:
        shown = charted(overview, metric)
        assert shown.items() <= known.items()
        assert list(shown) == [group.label for group in overview.metrics[metric].groups[:10]]


def test_each_metric_has_its_largest_group_in_color() -> None:
    used = [
        UsageRow(SPAN.start, name, "m", Usage(1 + n, 0, 1000 * (20 - n), 0, 0, 10**9 * (n % 7)))
        for n, name in enumerate(KEYS)
    ]
    overview = answer(Query(by=Dimension.KEY, top=3), used, SPAN)
    for metric in Metric:
        largest = [group.label for group in overview.metrics[metric].groups[:3]]
        assert list(charted(overview, metric)) == largest


def test_each_chart_of_an_overview_names_the_ten_largest_by_its_own_metric() -> None:
    # tokens and requests rank the keys the other way around than spend
    used = [
        UsageRow(SPAN.start, f"key {n:02}", "m", Usage(1 + n, 0, 1000 * (1 + n), 0, 0, 10**9 - n))
        for n in range(15)
    ]
    overview = answer(Query(by=Dimension.KEY), used, SPAN)
    assert list(charted(overview, Metric.SPEND)) == [f"key {n:02}" for n in range(10)]
    assert list(charted(overview, Metric.TOKENS)) == [f"key {n:02}" for n in range(14, 4, -1)]
    assert list(colors(overview))[:10] == list(charted(overview, Metric.SPEND))


def test_three_times_ten_groups_have_thirty_colors() -> None:
    assert len(set(ALL_COLORS)) == 3 * len(PALETTE)
    assert OTHERS not in ALL_COLORS


def test_groups_beyond_the_palette_are_grey() -> None:
    known = assign(f"group {n}" for n in range(30))
    assert list(known) == [f"group {n}" for n in range(10)]
    assert color("group 29", known) == OTHERS


def test_a_tint_is_between_white_and_the_color() -> None:
    assert (tint("#16A1E9", 1), tint("#16A1E9", 0)) == ("#16A1E9", "#FFFFFF")


def test_no_drawing_library_is_read_before_it_is_needed() -> None:
    code = (
        "import sys, reports.render.csv, reports.render.charts.palette\n"
        "import reports.render.charts.bar_data, reports.render.charts.labels\n"
        "print({'reportlab', 'pypdfium2', 'PIL'} & set(sys.modules))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "set()"
