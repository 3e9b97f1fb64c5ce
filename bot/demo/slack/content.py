"""Checks the content of a message before it is stored."""

import json
import re
from collections.abc import Callable, Iterable
from copy import deepcopy

from bot.demo.slack import blocks as block_kit
from bot.demo.slack.schema import Problem
from bot.demo.slack.workspace import Json, SlackError, Workspace

ImageCheck = Callable[[Json], bool]


def refusal(problems: list[Problem], error: str | None = None) -> SlackError:
    """The error that names each problem, in Slack's words."""
    lines = [str(problem) for problem in problems]
    messages = [f"[ERROR] {line}" for line in lines]
    return SlackError(
        error or problems[0].error, errors=lines, response_metadata={"messages": messages}
    )


class Content:
    """Checks the content of messages; with ``refuse_charts``, charts and data tables are
    refused."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.refuse_charts = False
        self.is_image: ImageCheck = lambda _: False

    def checked(self, args: Json, longest: int | None = None) -> Json:
        """The text, blocks and metadata of a message, or the refusal of any of them."""
        text = args.get("text") or args.get("markdown_text") or ""
        if not isinstance(text, str):
            raise SlackError("invalid_arguments")
        if args.get("markdown_text"):
            _check_markdown(args)
        if longest and len(text.encode("utf-8", "replace")) > longest:
            raise SlackError("msg_too_long")
        content: Json = {"text": text[: block_kit.TEXT_CHARACTERS]}
        if args.get("blocks") is not None:
            content["blocks"] = self._checked_blocks(args["blocks"])
        if args.get("attachments"):
            content["attachments"] = args["attachments"]
        if args.get("metadata") is not None:
            content["metadata"] = _checked_metadata(args["metadata"])
        return content

    def _checked_blocks(self, blocks: object) -> list[Json]:
        if not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        problems = block_kit.validate(blocks)
        if self.refuse_charts:
            problems += block_kit.newer_blocks(blocks)
        if not problems:
            pictures = block_kit.images(blocks)
            unready = [pointer for pointer, file in pictures if not self.is_image(file)]
            problems = [Problem(pointer, "invalid slack file") for pointer in unready]
        if problems:
            raise refusal(problems)
        return named(blocks, self.workspace)


def named(blocks: Iterable[Json], workspace: Workspace) -> list[Json]:
    """The blocks with the ``block_id`` and ``action_id`` that Slack adds if they are missing."""
    copies = deepcopy(list(blocks))
    for block in copies:
        block.setdefault("block_id", workspace.new_id("k"))
        inside = [*block.get("elements", []), block.get("accessory"), block.get("element")]
        for element in inside:
            if isinstance(element, dict) and _is_interactive(element):
                element.setdefault("action_id", workspace.new_id("a"))
    return copies


def _is_interactive(element: Json) -> bool:
    passive = ("image", "plain_text", "mrkdwn")
    return element["type"] not in passive and not element["type"].startswith("rich_text")


def check_there_is_content(content: Json) -> None:
    """Refuse an empty message."""
    if not (content["text"].strip() or content.get("blocks") or content.get("attachments")):
        raise SlackError("no_text")


def _check_markdown(args: Json) -> None:
    if args.get("text") or args.get("blocks"):
        raise SlackError("markdown_text_conflict")
    if len(args["markdown_text"]) > block_kit.MARKDOWN_CHARACTERS:
        raise SlackError("msg_too_long")


def _checked_metadata(metadata: object) -> Json:
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-]{0,254}", str(metadata["event_type"])):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata["event_payload"], dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > block_kit.METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return metadata
