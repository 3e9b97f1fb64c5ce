"""The inputs of modals as Block Kit, and what stood in them when a modal came back.

Each input's block has the id of its one element, so that an error can be said at it and what was
entered stays when the modal is drawn anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reports.render.parts import Block, button, context, mrkdwn, option, plain, section
from reports.slack_text import unmarked

Options = Sequence[tuple[str, str]]
"""What can be chosen: value and label."""
PREVIEW = "form_preview"
_CLOSE = "Cancel"


@dataclass(frozen=True, slots=True)
class Meta:
    """What a modal remembers: what it edits (empty: something new), as it was when it opened.

    `home` is 1 where it was opened from the Home; `url` is the response URL of what opened it.
    `maker` is the Slack id of whose it is, where that is somebody else than who opened it.
    """

    id: str = ""
    version: str = ""
    home: int = 0
    url: str = ""
    maker: str = ""

    def text(self) -> str:
        """As the modal carries it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @staticmethod
    def of(text: str) -> Meta:
        """What a modal carried; nothing where that is none of ours."""
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
    """What stood in the inputs of a modal, by the id of the input."""

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
        """What was ticked; the default where it was not there."""
        held = self.values.get(name)
        if not isinstance(held, dict):
            return default
        return tuple(str(option["value"]) for option in held.get("selected_options") or ())


def modal(
    callback: str, title: str, blocks: Iterable[Block], meta: Meta, submit: str = "Save"
) -> dict[str, Any]:
    """A modal with something to fill in."""
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
    """A modal that says one thing; `words` are mrkdwn of ours."""
    close = plain("Close", 24)
    return {"type": "modal", "title": plain(title, 24), "close": close, "blocks": [section(words)]}


def warning(words: str) -> Block:
    """What somebody must know before they go on."""
    return {"type": "alert", "level": "warning", "text": mrkdwn(words)}


def preview(words: str) -> Block:
    """What would come of it, with a button that looks again."""
    block = section(words)
    return {**block, "block_id": PREVIEW, "accessory": button("Look again", PREVIEW)}


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
    """A line of text; Enter draws the modal anew."""
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
    """What the choice is called that what was set up goes to whom it belongs to."""
    return "Its maker, in their direct messages" if meta.maker else "Me, in our direct messages"


def whose(meta: Meta) -> list[Block]:
    """Says whose it is, where that is somebody else than who reads it."""
    if not meta.maker:
        return []
    return [context(f"Its maker is <@{meta.maker}>, and is whom `creator:me` means here.")]


def radio(name: str, label: str, options: Options, value: str) -> Block:
    """One of a few, all in sight."""
    return _input(name, label, _chosen("radio_buttons", name, options, value))


def ticks(
    name: str, label: str, options: Options, values: Sequence[str], *, optional: bool = False
) -> Block:
    """Any of a few."""
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
    """A channel that no other company reads along in."""
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
