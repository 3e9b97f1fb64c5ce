"""The elements inside blocks: texts, options, buttons, menus and inputs."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.demo.slack.schema import (
    Check,
    Problem,
    any_field,
    anything,
    boolean,
    fields,
    integer,
    items,
    one_field,
    one_of,
    string,
    tagged,
)

_TYPE: dict[str, Check] = {"type": anything}
_URL = string(3_000)


def plain_text(longest: int) -> Check:
    """A ``plain_text`` object of at most ``longest`` characters."""
    return fields({"type": one_of("plain_text"), "text": string(longest)}, {"emoji": boolean})


def text(longest: int) -> Check:
    """A ``plain_text`` or ``mrkdwn`` object of at most ``longest`` characters."""
    mrkdwn = fields({**_TYPE, "text": string(longest)}, {"verbatim": boolean})
    return tagged({"plain_text": plain_text(longest), "mrkdwn": mrkdwn})


_STYLE = one_of("primary", "danger")
_CONFIRM = fields(
    {"title": plain_text(100), "text": text(300)},
    {"confirm": plain_text(30), "deny": plain_text(30), "style": _STYLE},
)
_SLACK_FILE = fields(
    {}, {"id": string(255, pattern="F[A-Z0-9]{8,}"), "url": _URL}, one_field("id", "url")
)


def option(label: Check, url: bool = False) -> Check:
    """One choice of a menu or a group."""
    extra: dict[str, Check] = {"url": _URL} if url else {}
    return fields({"text": label, "value": string(150)}, {"description": text(75), **extra})


_OPTION = option(plain_text(75))
_RICH_OPTION = option(text(75))
_GROUP = fields({"label": plain_text(75), "options": items(_OPTION, 100)})


def _initial_option_is_offered(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    groups = value.get("option_groups") or [value]
    offered = [choice for group in groups for choice in group.get("options", [])]
    initial = [value["initial_option"]] if "initial_option" in value else []
    for chosen in [*initial, *value.get("initial_options", [])]:
        if chosen not in offered:
            yield Problem(pointer, "initial option is not among the options")


def _initial_value_fits(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    most = value.get("max_length", 3_000)
    if len(value.get("initial_value", "")) > most:
        yield Problem(f"{pointer}/initial_value", f"must be less than {most + 1} characters")


_ELEMENT: dict[str, Check] = {"action_id": string(255)}
_CONFIRMED = {**_ELEMENT, "confirm": _CONFIRM}
_FOCUS = {"focus_on_load": boolean}
_MENU = {**_CONFIRMED, **_FOCUS, "placeholder": plain_text(150)}
_MULTI = {**_MENU, "max_selected_items": integer(1, 100)}
_CHOICES: dict[str, Check] = {"options": items(_OPTION, 100), "option_groups": items(_GROUP, 100)}
_TRIGGERS = items(one_of("on_enter_pressed", "on_character_entered"), 2)
_DISPATCH: dict[str, Check] = {
    "dispatch_action_config": fields({"trigger_actions_on": _TRIGGERS}),
}
_TYPED = {**_ELEMENT, **_FOCUS, **_DISPATCH, "placeholder": plain_text(150)}


def _element(optional: Mapping[str, Check], required: Mapping[str, Check], *rules: Check) -> Check:
    return fields({**_TYPE, **required}, optional, *rules)


def _rich_choices(most: int) -> Check:
    optional = {**_CONFIRMED, **_FOCUS, "initial_option": _RICH_OPTION}
    optional["initial_options"] = items(_RICH_OPTION, most)
    return _element(optional, {"options": items(_RICH_OPTION, most)}, _initial_option_is_offered)


def _menu_of(name: str, multi: bool, **extra: Check) -> Check:
    start = (
        {f"initial_{name}s": items(string(255), 100)} if multi else {f"initial_{name}": string(255)}
    )
    return _element({**(_MULTI if multi else _MENU), **start, **extra}, {})


_IMAGE = _element(
    {"image_url": _URL, "slack_file": _SLACK_FILE},
    {"alt_text": string(2_000)},
    one_field("image_url", "slack_file"),
)
_BUTTON = _element(
    {
        **_CONFIRMED,
        "url": _URL,
        "value": string(2_000, shortest=0),
        "style": _STYLE,
        "accessibility_label": string(75),
    },
    {"text": plain_text(75)},
)
_SELECT = _element(
    {**_MENU, **_CHOICES, "initial_option": _OPTION},
    {},
    one_field("options", "option_groups"),
    _initial_option_is_offered,
)
_MULTI_SELECT = _element(
    {**_MULTI, **_CHOICES, "initial_options": items(_OPTION, 100)},
    {},
    one_field("options", "option_groups"),
    _initial_option_is_offered,
)
_EXTERNAL: dict[str, Check] = {"min_query_length": integer(0, 3_000)}
_FILTER: dict[str, Check] = {
    "filter": anything,
    "default_to_current_conversation": boolean,
    "response_url_enabled": boolean,
}
_DATE = string(10, pattern=r"\d{4}-\d{2}-\d{2}")
_TIME = string(5, pattern=r"\d{2}:\d{2}")

_ACTIONS: dict[str, Check] = {
    "button": _BUTTON,
    "static_select": _SELECT,
    "external_select": _element({**_MENU, **_EXTERNAL, "initial_option": _OPTION}, {}),
    "users_select": _menu_of("user", multi=False),
    "channels_select": _menu_of("channel", multi=False, response_url_enabled=boolean),
    "conversations_select": _menu_of("conversation", multi=False, **_FILTER),
    "multi_static_select": _MULTI_SELECT,
    "multi_external_select": _element({**_MULTI, **_EXTERNAL, "initial_options": anything}, {}),
    "multi_users_select": _menu_of("user", multi=True),
    "multi_channels_select": _menu_of("channel", multi=True),
    "multi_conversations_select": _menu_of("conversation", multi=True, **_FILTER),
    "overflow": _element(_CONFIRMED, {"options": items(option(plain_text(75), url=True), 5)}),
    "radio_buttons": _rich_choices(10),
    "checkboxes": _rich_choices(10),
    "datepicker": _element({**_MENU, "initial_date": _DATE}, {}),
    "timepicker": _element({**_MENU, "initial_time": _TIME, "timezone": string(255)}, {}),
    "datetimepicker": _element(
        {**_CONFIRMED, **_FOCUS, "initial_date_time": integer(0, 9_999_999_999)}, {}
    ),
}
_INPUTS: dict[str, Check] = {
    "plain_text_input": _element(
        {
            **_TYPED,
            "initial_value": string(3_000, shortest=0),
            "multiline": boolean,
            "min_length": integer(0, 3_000),
            "max_length": integer(1, 3_000),
        },
        {},
        _initial_value_fits,
    ),
    "number_input": _element(
        {
            **_TYPED,
            "initial_value": string(255),
            "min_value": string(255),
            "max_value": string(255),
        },
        {"is_decimal_allowed": boolean},
    ),
    "email_text_input": _element({**_TYPED, "initial_value": string(3_000)}, {}),
    "url_text_input": _element({**_TYPED, "initial_value": string(3_000)}, {}),
}
_NOT_IN_INPUTS = {"button", "overflow"}

IN_ACTIONS = tagged(_ACTIONS)
IN_SECTIONS = tagged({**_ACTIONS, "image": _IMAGE})
IN_CONTEXTS = tagged(
    {"image": _IMAGE, "plain_text": plain_text(3_000), "mrkdwn": text(3_000)},
)
IN_INPUTS = tagged(
    {**{kind: check for kind, check in _ACTIONS.items() if kind not in _NOT_IN_INPUTS}, **_INPUTS}
)
IMAGE_SOURCE: dict[str, Check] = {"image_url": _URL, "slack_file": _SLACK_FILE}
IMAGE_RULE = one_field("image_url", "slack_file")
TEXT_OR_FIELDS = any_field("text", "fields")
