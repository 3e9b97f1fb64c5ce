"""The blocks ``table`` and ``data_table``: their sizes, cells and characters."""

from collections.abc import Iterator
from typing import Any

from bot.demo.slack.schema import (
    Check,
    Problem,
    anything,
    boolean,
    fields,
    integer,
    items,
    number,
    one_of,
    string,
    tagged,
)

TABLE_CHARACTERS = 10_000
DATA_TABLE_CHARACTERS = 20_000
_BLOCK_ID: dict[str, Check] = {"block_id": string(255)}


def characters(value: object) -> int:
    """How many characters of text a block, element or cell shows."""
    if isinstance(value, dict):
        shown = [item for name, item in value.items() if name in ("text", "fields", "elements")]
        nested = [value[name] for name in ("accessory", "child_blocks", "rows") if name in value]
        return sum(characters(item) for item in shown + nested)
    if isinstance(value, list):
        return sum(characters(item) for item in value)
    return len(value) if isinstance(value, str) else 0


def _cell_is_not_empty(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    if not characters(value):
        yield Problem(pointer, "cell must not be empty")


_RAW_TEXT = fields({"type": anything, "text": string(10_000)})
_RAW_NUMBER = fields({"type": anything, "value": number, "text": string(10_000)})
_RICH_CELL = fields(
    {"type": anything, "elements": items(anything, 100)}, _BLOCK_ID, _cell_is_not_empty
)
_TABLE_CELL = tagged({"raw_text": _RAW_TEXT, "rich_text": _RICH_CELL})
_DATA_CELL = tagged({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER, "rich_text": _RICH_CELL})


def _rows_are_equally_long(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    if len({len(row) for row in value["rows"]}) > 1:
        yield Problem(f"{pointer}/rows", "all rows must have the same number of cells")


def _no_rich_text_in_the_header(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    for index, cell in enumerate(value["rows"][0]):
        if cell["type"] == "rich_text":
            yield Problem(f"{pointer}/rows/0/{index}", "rich_text is not allowed in the header row")


def _row_header_is_a_column(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    if value.get("row_header_column_index", 0) >= len(value["rows"][0]):
        yield Problem(f"{pointer}/row_header_column_index", "must be the index of a column")


def _at_most(most: int) -> Check:
    def check(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
        if characters(value["rows"]) > most:
            yield Problem(f"{pointer}/rows", f"must have less than {most + 1} characters")

    return check


_COLUMN = fields({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})
TABLE = fields(
    {"type": anything, "rows": items(items(_TABLE_CELL, 20), 100)},
    {**_BLOCK_ID, "column_settings": items(_COLUMN, 20, least=0)},
    _rows_are_equally_long,
    _at_most(TABLE_CHARACTERS),
)
DATA_TABLE = fields(
    {
        "type": anything,
        "caption": string(2_000),
        "rows": items(items(_DATA_CELL, 20), 201, least=2),
    },
    {**_BLOCK_ID, "page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
    _rows_are_equally_long,
    _no_rich_text_in_the_header,
    _row_header_is_a_column,
    _at_most(DATA_TABLE_CHARACTERS),
)
