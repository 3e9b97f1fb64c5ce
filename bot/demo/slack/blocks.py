"""Validates the blocks of a message, modal or home as Slack does; returns the problems."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal

from bot.demo.slack import elements
from bot.demo.slack.charts import DATA_VISUALIZATION
from bot.demo.slack.elements import plain_text, text
from bot.demo.slack.schema import (
    Check,
    Problem,
    anything,
    boolean,
    fields,
    items,
    one_of,
    string,
    tagged,
    unique,
)
from bot.demo.slack.tables import DATA_TABLE, TABLE, characters

Surface = Literal["message", "modal", "home"]

MESSAGE_CHARACTERS = 13_200
MARKDOWN_CHARACTERS = 12_000
TEXT_CHARACTERS = 40_000
METADATA_BYTES = 16_000
CHARTS = ("data_visualization", "data_table")
_MOST_BLOCKS: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
_TABLES = ("table", "data_table")


def _block(required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Check) -> Check:
    return fields({"type": anything, **required}, {"block_id": string(255), **optional}, *rules)


def _action_ids(value: dict[str, Any]) -> list[str]:
    return [item["action_id"] for item in value["elements"] if "action_id" in item]


_RICH_TEXT_PARTS = ("section", "list", "preformatted", "quote")
_RICH_TEXT = tagged(
    {
        f"rich_text_{part}": fields(
            {"type": anything, "elements": items(anything, 1_000, least=0)},
            {"border": anything, "style": anything, "indent": anything, "offset": anything},
        )
        for part in _RICH_TEXT_PARTS
    }
)
_EVERYWHERE: dict[str, Check] = {
    "section": _block(
        {},
        {
            "text": text(3_000),
            "fields": items(text(2_000), 10),
            "accessory": elements.IN_SECTIONS,
            "expand": boolean,
        },
        elements.TEXT_OR_FIELDS,
    ),
    "header": _block({"text": plain_text(150)}, {}),
    "divider": _block({}, {}),
    "context": _block({"elements": items(elements.IN_CONTEXTS, 10)}, {}),
    "actions": _block(
        {"elements": items(elements.IN_ACTIONS, 25)}, {}, unique(_action_ids, "action_id")
    ),
    "image": _block(
        {"alt_text": string(2_000)},
        {"title": plain_text(2_000), **elements.IMAGE_SOURCE},
        elements.IMAGE_RULE,
    ),
    "input": _block(
        {"label": plain_text(2_000), "element": elements.IN_INPUTS},
        {"hint": plain_text(2_000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": _block({"elements": items(_RICH_TEXT, 100)}, {}),
}
_CONTAINER = _block(
    {"child_blocks": items(tagged(_EVERYWHERE), 50)},
    {"title": anything, "subtitle": anything, "width": anything, "is_collapsible": boolean},
)
_IN_MESSAGES: dict[str, Check] = {
    "markdown": _block({"text": string(MARKDOWN_CHARACTERS)}, {}),
    "table": TABLE,
    "data_table": DATA_TABLE,
    "data_visualization": DATA_VISUALIZATION,
    "container": _CONTAINER,
}
_ALERT = _block(
    {"text": text(3_000)}, {"level": one_of("default", "info", "warning", "error", "success")}
)
_KINDS: dict[Surface, dict[str, Check]] = {
    "message": {**_EVERYWHERE, **_IN_MESSAGES},
    "modal": {**_EVERYWHERE, "alert": _ALERT},
    "home": _EVERYWHERE,
}


def _of_type(blocks: list[Any], *kinds: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for index, block in enumerate(blocks):
        if isinstance(block, dict) and block.get("type") in kinds:
            yield index, block


def _block_ids(blocks: list[Any]) -> list[str]:
    return [str(b["block_id"]) for b in blocks if isinstance(b, dict) and "block_id" in b]


def _message_problems(blocks: list[Any]) -> Iterator[Problem]:
    for index, _ in islice(_of_type(blocks, *_TABLES), 1, None):
        yield Problem(f"/blocks/{index}", "only_one_table_allowed")
    for index, _ in islice(_of_type(blocks, "data_visualization"), 2, None):
        yield Problem(f"/blocks/{index}", "no more than 2 data_visualization blocks allowed")
    markdown = sum(characters(block) for _, block in _of_type(blocks, "markdown"))
    if markdown > MARKDOWN_CHARACTERS:
        message = f"markdown must be less than {MARKDOWN_CHARACTERS + 1} characters"
        yield Problem("/blocks", message)
    # Tables have limits of their own, above this one.
    counted = [b for b in blocks if isinstance(b, dict) and b.get("type") not in _TABLES]
    if characters(counted) > MESSAGE_CHARACTERS:
        message = f"must be less than {MESSAGE_CHARACTERS + 1} characters in all blocks"
        yield Problem("/blocks", message, "msg_blocks_too_long")


def validate(blocks: object, surface: Surface = "message") -> list[Problem]:
    """The reasons why Slack would refuse these blocks; empty if it would accept them."""
    check = items(tagged(_KINDS[surface]), _MOST_BLOCKS[surface], least=0)
    found = [*check(blocks, "/blocks")]
    if isinstance(blocks, list):
        found += unique(_block_ids, "block_id")(blocks, "/blocks")
        if surface == "message":
            found += _message_problems(blocks)
    return found


_VIEW_FIELDS: dict[str, Check] = {
    "private_metadata": string(3_000, shortest=0),
    "callback_id": string(255, shortest=0),
    "external_id": string(255, shortest=0),
}
_MODAL = fields(
    {"type": anything, "title": plain_text(24), "blocks": anything},
    {
        **_VIEW_FIELDS,
        "submit": plain_text(24),
        "close": plain_text(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
_VIEW = tagged(
    {"modal": _MODAL, "home": fields({"type": anything, "blocks": anything}, _VIEW_FIELDS)}
)


def _input_needs_submit(view: dict[str, Any]) -> Iterator[Problem]:
    if view["type"] == "modal" and "submit" not in view and any(_of_type(view["blocks"], "input")):
        yield Problem("/view", "missing required field: submit")


def validate_view(view: object) -> list[Problem]:
    """The reasons why Slack would refuse this modal or home."""
    found = [*_VIEW(view, "/view")]
    if isinstance(view, dict) and view.get("type") in ("modal", "home"):
        inside = validate(view.get("blocks"), view["type"])
        found += [Problem(f"/view{problem.pointer}", problem.message) for problem in inside]
        if not found:
            found += _input_needs_submit(view)
    return found


def images(blocks: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every ``slack_file`` in the blocks with its JSON pointer."""
    yield from _slack_files(blocks, "/blocks")


def _slack_files(value: object, pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _slack_files(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "slack_file" and isinstance(item, dict):
                yield f"{pointer}/slack_file", item
            else:
                yield from _slack_files(item, f"{pointer}/{name}")


def newer_blocks(blocks: object) -> list[Problem]:
    """The errors for charts and data tables in a workspace that doesn't support them."""
    if not isinstance(blocks, list):
        return []
    return [
        Problem(f"/blocks/{index}", f"unsupported type: {block['type']}")
        for index, block in _of_type(blocks, *CHARTS)
    ]
