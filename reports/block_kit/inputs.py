"""The inputs of modals as Block Kit, and the values in a submitted modal.

Each input's block has the id of its one element, so that errors can be shown at the field, and
what was entered survives when the modal is updated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reports.block_kit.elements import Block, button, context, mrkdwn, option, plain, section
from reports.wording.slack_text import unmarked

Options = Sequence[tuple[str, str]]
"""Pairs of value and label."""
PREVIEW = "form_preview"
_CLOSE = "Cancel"


@dataclass(frozen=True, slots=True)
class Meta:
    """What a modal carries: the id and version of what it edits, "" for something new.

    `home` is 1 if it was opened from the Home; `url` is the response URL of what opened it.
    `maker` is the Slack id of the owner, if somebody else opened the modal.
    """

    id: str = ""
    version: str = ""
    home: int = 0
    url: str = ""
    maker: str = ""

    def text(self) -> str:
        """As JSON for the modal's private metadata."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @staticmethod
    def of(text: str) -> Meta:
        """From a modal's private metadata; empty if it isn't valid."""
        try:
            kept = json.loads(text)
        except ValueError:
            return Meta()
        if not isinstance(kept, dict):
            return Meta()
        home = kept.get("home") == 1
        names = [str(kept.get(name) or "") for name in ("id", "version", "url", "maker")]
        maker = names[3] if names[3].isalnum() else ""
        return Meta(names[0], names[1], int(home), names[2], maker)


@dataclass(frozen=True, slots=True)
class Entered:
    """The values of a modal's inputs, by the id of the input."""

    values: Mapping[str, Any]

    @staticmethod
    def of(state: Mapping[str, Any]) -> Entered:
        """From a view's state."""
        blocks = state.get("values")
        found: dict[str, Any] = {}
        if isinstance(blocks, dict):
            for block in blocks.values():
                if isinstance(block, dict):
                    found |= {str(name): value for name, value in block.items()}
        return Entered(found)

    def text(self, name: str, default: str = "") -> str:
        """What was typed (without markup) or chosen; the default if the input was absent."""
        held = self.values.get(name)
        if not isinstance(held, dict):
            return default
        option = held.get("selected_option")
        if isinstance(option, dict):
            return str(option.get("value") or "")
        if held.get("value"):
            return unmarked(str(held["value"]))  # people paste commands as Slack showed them
        for key in ("selected_time", "selected_conversation"):
            if held.get(key):
                return str(held[key]).strip()
        return ""

    def many(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The checked values; the default if the modal had no such input."""
        held = self.values.get(name)
        if not isinstance(held, dict):
            return default
        return tuple(str(option["value"]) for option in held.get("selected_options") or ())


def modal(
    callback: str, title: str, blocks: Iterable[Block], meta: Meta, submit: str = "Save"
) -> dict[str, Any]:
    """A modal with inputs."""
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": meta.text(),
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain(_CLOSE, 24),
        "blocks": list(blocks),
    }


def notice(title: str, words: str) -> dict[str, Any]:
    """A modal with one message in trusted mrkdwn."""
    close = plain("Close", 24)
    return {"type": "modal", "title": plain(title, 24), "close": close, "blocks": [section(words)]}


def warning(words: str) -> Block:
    """A warning in mrkdwn."""
    return {"type": "alert", "level": "warning", "text": mrkdwn(words)}


def preview(words: str) -> Block:
    """The preview (mrkdwn), with a button that refreshes it."""
    block = section(words)
    return {**block, "block_id": PREVIEW, "accessory": button("Refresh preview", PREVIEW)}


def typed(
    name: str,
    label: str,
    value: str,
    *,
    hint: str = "",
    example: str = "",
    longest: int = 500,
    optional: bool = False,
) -> Block:
    """A line of text; Enter updates the modal."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": name,
        "max_length": longest,
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    }
    if value:
        element["initial_value"] = value[:longest]
    if example:
        element["placeholder"] = plain(example, 150)
    return _input(name, label, element, hint=hint, optional=optional)


def select(name: str, label: str, options: Options, value: str, *, hint: str = "") -> Block:
    """One of a few, in a menu."""
    return _input(name, label, _chosen("static_select", name, options, value), hint=hint)


def to_maker(meta: Meta) -> str:
    """The label of the choice that sends messages to the owner."""
    return "Its owner (DM)" if meta.maker else "Me (DM)"


def whose(meta: Meta) -> list[Block]:
    """Says who the owner is, if somebody else opened the modal."""
    if not meta.maker:
        return []
    return [context(f"Set up by <@{meta.maker}>, so `creator:me` means them here.")]


def radio(name: str, label: str, options: Options, value: str) -> Block:
    """One of a few, as radio buttons."""
    return _input(name, label, _chosen("radio_buttons", name, options, value))


def ticks(
    name: str, label: str, options: Options, values: Sequence[str], *, optional: bool = False
) -> Block:
    """Any of a few, as checkboxes."""
    made = _options(options)
    element: Block = {"type": "checkboxes", "action_id": name, "options": made}
    initial = [one for one in made if one["value"] in values]
    if initial:
        element["initial_options"] = initial
    return _input(name, label, element, optional=optional)


def clock(name: str, label: str, value: str) -> Block:
    """A time of day."""
    element: Block = {"type": "timepicker", "action_id": name}
    if len(value) == 5:
        element["initial_time"] = value
    return _input(name, label, element)


def channel(name: str, label: str, value: str, *, hint: str = "") -> Block:
    """A channel that isn't shared with another company."""
    element: Block = {
        "type": "conversations_select",
        "action_id": name,
        "placeholder": plain("Choose a channel"),
        "filter": {
            "include": ["public", "private"],
            "exclude_external_shared_channels": True,
            "exclude_bot_users": True,
        },
    }
    if value:
        element["initial_conversation"] = value
    return _input(name, label, element, hint=hint)


def _chosen(kind: str, name: str, options: Options, value: str) -> Block:
    made = _options(options)
    element: Block = {"type": kind, "action_id": name, "options": made}
    initial = next((one for one in made if one["value"] == value), None)
    return {**element, "initial_option": initial} if initial else element


def _options(options: Options) -> list[Block]:
    return [option(label, value) for value, label in options]


def _input(
    name: str, label: str, element: Block, *, hint: str = "", optional: bool = False
) -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "label": plain(label),
        "element": element,
        "dispatch_action": True,
    }
    if hint:
        block["hint"] = plain(hint)
    return {**block, "optional": True} if optional else block
