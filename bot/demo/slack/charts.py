"""The block ``data_visualization``: bar, area, line and pie."""

from collections.abc import Iterator
from typing import Any

from bot.demo.slack.schema import (
    Problem,
    anything,
    fields,
    items,
    number,
    string,
    tagged,
    unique,
)

_LABEL = string(20)


def _is_positive(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    if value["value"] <= 0:
        yield Problem(f"{pointer}/value", "must be more than 0")


def _labels_are_the_categories(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    categories = value["axis_config"]["categories"]
    for index, series in enumerate(value["series"]):
        if [point["label"] for point in series["data"]] != categories:
            message = "labels must match axis_config.categories exactly"
            yield Problem(f"{pointer}/series/{index}/data", message)


def _series_names(value: dict[str, Any]) -> list[str]:
    return [series["name"] for series in value["series"]]


def _categories(value: dict[str, Any]) -> list[str]:
    return list(value["axis_config"]["categories"])


_POINT = fields({"label": _LABEL, "value": number})
_SEGMENT = fields({"label": _LABEL, "value": number}, {}, _is_positive)
_SERIES = fields({"name": _LABEL, "data": items(_POINT, 20)})
_AXIS = fields({"categories": items(_LABEL, 20)}, {"x_label": string(50), "y_label": string(50)})
_PIE = fields({"type": anything, "segments": items(_SEGMENT, 12)})
_ON_AXES = fields(
    {"type": anything, "series": items(_SERIES, 12), "axis_config": _AXIS},
    {},
    unique(_series_names, "series name"),
    unique(_categories, "category"),
    _labels_are_the_categories,
)
DATA_VISUALIZATION = fields(
    {
        "type": anything,
        "title": string(50),
        "chart": tagged({"pie": _PIE, "bar": _ON_AXES, "area": _ON_AXES, "line": _ON_AXES}),
    },
    {"block_id": string(255)},
)
