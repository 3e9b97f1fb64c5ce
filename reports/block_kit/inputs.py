"""Inputs of modals, and parsing of the values of a submitted modal.

An input's block id equals the action id of its element, so that errors can be shown at the field
and entered values survive an update of the modal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reports.block_kit.elements import Block, button, context, mrkdwn, option, plain, section
from reports.wording.typed_text import unmarked

Options = Sequence[tuple[str, str]]
"""Pairs of value and label."""
PREVIEW = "form_preview"
_CLOSE = "Cancel"


@dataclass(frozen=True, slots=True)
class Meta:
    """A modal's private metadata: the id and version of the edited entry, "" for a new one.

    `home` is 1 if it was opened from App Home; `url` is the response URL of the interaction that
    opened it. `owner` is the owner's Slack id if another person opened the modal, else "".
    """

    id: str = ""
    version: str = ""
    home: int = 0
    url: str = ""
    owner: str = ""

    def text(self) -> str:
        """The metadata as JSON."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @staticmethod
    def of(text: str) -> Meta:
        """Parse a modal's private metadata; empty if it isn't valid."""
        try:
            stored = json.loads(text)
        except ValueError:
            return Meta()
        if not isinstance(stored, dict):
            return Meta()
        home = stored.get("home") == 1
        names = [str(stored.get(name) or "") for name in ("id", "version", "url", "owner")]
        owner = names[3] if names[3].isalnum() else ""
        return Meta(names[0], names[1], int(home), names[2], owner)


@dataclass(frozen=True, slots=True)
class Entered:
    """The values of a modal's inputs, by the id of the input."""

    values: Mapping[str, Any]

    @staticmethod
    def of(state: Mapping[str, Any]) -> Entered:
        """Read a view's state."""
        blocks = state.get("values")
        found: dict[str, Any] = {}
        if isinstance(blocks, dict):
            for block in blocks.values():
                if isinstance(block, dict):
                    found |= {str(name): value for name, value in block.items()}
        return Entered(found)

    def text(self, name: str, default: str = "") -> str:
        """What was typed (without markup) or chosen; the default if the input was absent."""
        state = self.values.get(name)
        if not isinstance(state, dict):
            return default
        option = state.get("selected_option")
        if isinstance(option, dict):
            return str(option.get("value") or "")
        if state.get("value"):
            return unmarked(str(state["value"]))  # people paste commands as displayed by Slack
        for key in ("selected_time", "selected_conversation"):
            if state.get(key):
                return str(state[key]).strip()
        return ""

    def many(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The checked values; the default if the modal had no such input."""
        state = self.values.get(name)
        if not isinstance(state, dict):
            return default
        return tuple(str(option["value"]) for option in state.get("selected_options") or ())


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


def text_input(
    name: str,
    label: str,
    value: str,
    *,
    hint: str = "",
    example: str = "",
    longest: int = 500,
    optional: bool = False,
) -> Block:
    """A one-line text input; Enter updates the modal."""
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


def select_input(name: str, label: str, options: Options, value: str, *, hint: str = "") -> Block:
    """A menu with one choice."""
    return _input(name, label, _chosen("static_select", name, options, value), hint=hint)


def owner_label(meta: Meta) -> str:
    """The label of the choice that sends messages to the owner."""
    return "Its owner (DM)" if meta.owner else "Me (DM)"


def owner_note(meta: Meta) -> list[Block]:
    """A note that names the owner, if another person opened the modal."""
    if not meta.owner:
        return []
    return [context(f"Set up by <@{meta.owner}>, so `creator:me` means them here.")]


def radio_input(name: str, label: str, options: Options, value: str) -> Block:
    """Radio buttons."""
    return _input(name, label, _chosen("radio_buttons", name, options, value))


def checkboxes(
    name: str, label: str, options: Options, values: Sequence[str], *, optional: bool = False
) -> Block:
    """Checkboxes; `values` are the checked ones."""
    options_ = _options(options)
    element: Block = {"type": "checkboxes", "action_id": name, "options": options_}
    initial = [one for one in options_ if one["value"] in values]
    if initial:
        element["initial_options"] = initial
    return _input(name, label, element, optional=optional)


def time_input(name: str, label: str, value: str) -> Block:
    """A time picker; `value` is `HH:MM`, or "" for none."""
    element: Block = {"type": "timepicker", "action_id": name}
    if len(value) == 5:
        element["initial_time"] = value
    return _input(name, label, element)


def channel_input(name: str, label: str, value: str, *, hint: str = "") -> Block:
    """A channel picker without channels that are shared with other companies."""
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
    option_blocks = _options(options)
    element: Block = {"type": kind, "action_id": name, "options": option_blocks}
    initial = next((one for one in option_blocks if one["value"] == value), None)
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
