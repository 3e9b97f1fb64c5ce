"""Colours of groups: one palette for every picture, and a group keeps its colour in all of them.

The ten are told apart by people who see red, green or blue weakly as well (searched for the
largest smallest distance in OKLab under simulated colour blindness), and stand out on white and
on Slack's dark background.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from reports.summary import Summary

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


def colours(summary: Summary) -> dict[str, str]:
    """The colour of each group that pictures of an answer show, by label; the rest are Others.

    Largest first. In an overview the metrics take turns, so that each has its largest.
    """
    ranks = ((group.label for group in metric.groups) for metric in summary.metrics.values())
    turns = (label for turn in zip_longest(*ranks) for label in turn if label is not None)
    return assign(turns, min(summary.query.top, len(PALETTE)))


def assign(labels: Iterable[str], most: int = len(PALETTE)) -> dict[str, str]:
    """Colours for the first labels, in their order, until there are none left."""
    distinct = list(dict.fromkeys(labels))[:most]
    return dict(zip(distinct, PALETTE, strict=False))


def colour(label: str, known: Mapping[str, str]) -> str:
    """The colour of a group, or the grey of Others."""
    return known.get(label, OTHERS)


def tint(hex_colour: str, strength: float) -> str:
    """A colour thinned with white: strength 1 is the colour itself, 0 is white."""
    parts = (int(hex_colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * strength):02X}" for part in parts)
