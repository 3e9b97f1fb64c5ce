"""Colors of groups: one palette for all charts, and a group keeps its color in each of them.

The ten colors stay distinguishable for color-blind readers (chosen to maximize the smallest OKLab
distance under simulated color blindness) and contrast with white and Slack's dark background.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reports.questions.summary import Summary
from reports.usage.dimensions import Metric

PALETTE = (
    "#16A1E9",  # sky
    "#B03C4C",  # wine
    "#F4AD67",  # apricot
    "#495BD0",  # indigo
    "#F05E70",  # coral
    "#9662F5",  # violet
    "#26D4A3",  # mint
    "#8F489F",  # plum
    "#CEAAFD",  # lilac
    "#B96899",  # mauve
)
OTHERS = "#9AA0A6"


def colors(summary: Summary) -> dict[str, str]:
    """The color of each group that a chart of an answer shows, by label; the rest are Others.

    Each metric shows its own largest groups. A group has one color in all charts of the answer,
    so an overview may need more than ten: groups beyond those of the first metric get shades.
    """
    shown = (label for metric in summary.metrics for label in _largest(summary, metric))
    return assign(shown, len(ALL_COLORS))


def charted(summary: Summary, metric: Metric) -> dict[str, str]:
    """The colors of the groups that the chart of one metric shows, its largest by that metric."""
    known = colors(summary)
    return {label: known[label] for label in _largest(summary, metric)}


def _largest(summary: Summary, metric: Metric) -> list[str]:
    used = [group.label for group in summary.metrics[metric].groups if group.sum]
    return used[: min(summary.query.top, len(PALETTE))]


def assign(labels: Iterable[str], most: int = len(PALETTE)) -> dict[str, str]:
    """Colors for the first `most` distinct labels, in order, as far as there are colors."""
    distinct = list(dict.fromkeys(labels))[:most]
    return dict(zip(distinct, ALL_COLORS, strict=False))


def color(label: str, known: Mapping[str, str]) -> str:
    """The color of a group, or the gray of Others."""
    return known.get(label, OTHERS)


def tint(hex_color: str, strength: float) -> str:
    """A color mixed with white: strength 1 is the color itself, 0 is white."""
    parts = (int(hex_color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * strength):02X}" for part in parts)


def shade(hex_color: str, strength: float) -> str:
    """A color mixed with black: strength 1 is the color itself, 0 is black."""
    parts = (int(hex_color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part * strength):02X}" for part in parts)


# three metrics with ten groups each have at most thirty; 0.62 and 0.5 keep shades of one hue apart
ALL_COLORS = (
    *PALETTE,
    *(shade(one, 0.62) for one in PALETTE),
    *(tint(one, 0.5) for one in PALETTE),
)
