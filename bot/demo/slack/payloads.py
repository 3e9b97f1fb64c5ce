"""The parts of interaction payloads: elements, actions and state."""

from collections.abc import Iterator
from copy import deepcopy

from bot.demo.slack.workspace import Json

Choice = str | list[str] | int | None

_BY_OPTION = ("static_select", "overflow", "radio_buttons", "external_select")
_BY_OPTIONS = ("multi_static_select", "checkboxes", "multi_external_select")
_BY_FIELD = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "multi_users_select": "selected_users",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
}
_STATELESS = ("button", "overflow", "image")


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with its block."""
    for block in blocks:
        inside = block["elements"] if block["type"] == "actions" else []
        for element in [*inside, block.get("accessory"), block.get("element")]:
            if element and "action_id" in element:
                yield block, element


def find(blocks: list[Json], action_id: str, block_id: str | None = None) -> tuple[Json, Json]:
    """The element with an action id, in this block or the first one, and its block. Raises
    LookupError."""
    for block, element in elements(blocks):
        if element["action_id"] == action_id and block_id in (None, block["block_id"]):
            return block, element
    known = sorted(element["action_id"] for _, element in elements(blocks))
    raise LookupError(f"no element {action_id!r} here, only {known}")


def _options(element: Json) -> dict[str, Json]:
    groups = element.get("option_groups") or [element]
    return {choice["value"]: choice for group in groups for choice in group.get("options", [])}


def _option(element: Json, value: object) -> Json:
    options = _options(element)
    if value in options:
        return options[str(value)]
    raise LookupError(f"no option {value!r} here, only {sorted(options)}")


def chosen(element: Json, choice: Choice) -> Json:
    """The fields with what was chosen or typed. Raises ``LookupError`` for an unknown option."""
    kind = element["type"]
    if kind == "button":
        fields = {"text": deepcopy(element["text"])}
        return {**fields, "value": element["value"]} if "value" in element else fields
    if kind in _BY_OPTION:
        return {"selected_option": _option(element, choice) if choice is not None else None}
    if kind in _BY_OPTIONS:
        values = choice if isinstance(choice, list) else []
        return {"selected_options": [_option(element, value) for value in values]}
    empty: Choice = [] if kind.startswith("multi_") else None
    return {_BY_FIELD[kind]: empty if choice is None else choice}


def action(block: Json, element: Json, choice: Choice, ts: str) -> Json:
    """One entry of ``actions``."""
    named = {"action_id": element["action_id"], "block_id": block["block_id"]}
    return {"type": element["type"], **named, **chosen(element, choice), "action_ts": ts}


def _initial(element: Json) -> Choice:
    if "initial_option" in element:
        return str(element["initial_option"]["value"])
    for name, value in element.items():
        if name == "initial_options":
            return [option["value"] for option in value]
        if name.startswith("initial_"):
            given: Choice = value
            return given
    return None


def state(blocks: list[Json], choices: dict[str, Choice]) -> Json:
    """The ``state`` after these choices (by action id)."""
    values: Json = {}
    for block, element in elements(blocks):
        if element["type"] in _STATELESS:
            continue
        action_id = element["action_id"]
        choice = choices[action_id] if action_id in choices else _initial(element)
        entry = {"type": element["type"], **chosen(element, choice)}
        values.setdefault(block["block_id"], {})[action_id] = entry
    return {"values": values}
