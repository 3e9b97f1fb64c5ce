"""The manifest is what Slack takes, and asks for what the code needs and for nothing more."""

import ast
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.config import load
from bot.slack.scopes import EVENTS, METHODS, SCOPES
from reports.questions.slack.form import SHORTCUT as SHORTCUT_ID
from reports.questions.slack.form import TITLE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "manifest.yml").read_text(encoding="utf-8")
UPLOAD = {"files.getUploadURLExternal", "files.completeUploadExternal"}
SDK = {"files_upload_v2": UPLOAD}
"""What slack-sdk calls behind its conveniences."""
NO_METHODS = {"api_call", "is_connected"}


def text(longest: int, shortest: int = 1) -> dict[str, Any]:
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


URL = {"type": "string", "pattern": "^https?://", "maxLength": 3000}
FLAG = {"type": "boolean"}
NAMES = {"type": "array", "items": text(50), "maxItems": 255, "uniqueItems": True}
COMMAND = closed(
    ("command", "description"),
    command={"type": "string", "minLength": 2, "maxLength": 32, "pattern": "^/"},
    description=text(2000),
    usage_hint=text(1000),
    should_escape=FLAG,
    url=URL,
)
SHORTCUT = closed(
    ("name", "type", "callback_id", "description"),
    name=text(24),
    type={"enum": ["global", "message"]},
    callback_id=text(255),
    description=text(150),
)
# The parts of Slack's app manifest (schema 1.0.0) that this app uses, with Slack's limits.
SCHEMA = closed(
    ("display_information",),
    _metadata=closed(major_version={"const": 1}, minor_version={"type": "integer"}),
    display_information=closed(
        ("name",),
        name=text(35),
        description=text(140),
        background_color={"type": "string", "pattern": "^#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$"},
    ),
    features=closed(
        app_home=closed(
            home_tab_enabled=FLAG, messages_tab_enabled=FLAG, messages_tab_read_only_enabled=FLAG
        ),
        bot_user=closed(("display_name",), display_name=text(80), always_online=FLAG),
        shortcuts={"type": "array", "items": SHORTCUT, "maxItems": 10},
        slash_commands={"type": "array", "items": COMMAND, "minItems": 1, "maxItems": 50},
    ),
    oauth_config=closed(scopes=closed(bot=NAMES)),
    settings=closed(
        interactivity=closed(("is_enabled",), is_enabled=FLAG, request_url=URL),
        event_subscriptions=closed(bot_events=NAMES, request_url=URL),
        socket_mode_enabled=FLAG,
        org_deploy_enabled=FLAG,
        token_rotation_enabled=FLAG,
    ),
)


def for_http(manifest: str) -> str:
    """The manifest with the changes made that its comments marked HTTP ask for."""
    lines = manifest.splitlines()
    for number, line in enumerate(lines):
        if "# HTTP: take away" in line:
            lines[number + 1] = lines[number + 1].replace("# ", "", 1)
        elif "# HTTP: false" in line:
            lines[number + 1] = lines[number + 1].replace("true", "false")
    return "\n".join(lines)


@pytest.mark.parametrize("manifest", [TEXT, for_http(TEXT)], ids=["socket", "http"])
def test_slack_takes_it(manifest):
    jsonschema.validate(yaml.safe_load(manifest), SCHEMA)


def test_as_it_stands_it_is_for_socket_mode():
    manifest = yaml.safe_load(TEXT)
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "://" not in str(manifest)


def test_the_lines_marked_http_make_it_one_for_http():
    manifest = yaml.safe_load(for_http(TEXT))
    url = "https://YOUR-HOST/slack/events"
    assert manifest["settings"]["socket_mode_enabled"] is False
    assert manifest["features"]["slash_commands"][0]["url"] == url
    assert manifest["settings"]["interactivity"]["request_url"] == url


def test_it_names_the_command_that_the_bot_listens_to():
    [command] = yaml.safe_load(TEXT)["features"]["slash_commands"]
    assert command["command"] == load({}).command
    assert command["should_escape"] is True


def test_it_names_the_shortcut_that_the_bot_listens_to():
    [shortcut] = yaml.safe_load(TEXT)["features"]["shortcuts"]
    assert (shortcut["callback_id"], shortcut["name"]) == (SHORTCUT_ID, TITLE)
    assert shortcut["type"] == "global"


def test_its_scopes_are_the_documented_ones():
    assert yaml.safe_load(TEXT)["oauth_config"]["scopes"]["bot"] == list(SCOPES)


def test_each_scope_stands_under_its_reason():
    lines = [line.strip() for line in TEXT.splitlines()]
    for scope, reason in SCOPES.items():
        assert lines[lines.index(f"- {scope}") - 1] == f"# {reason}"


_CALLING = {
    "_call",
    "_identify",
    "_call_briefly",
    "_sent",
    "_call_patiently",
    "call",
    "call_patiently",
}


def called() -> set[str]:
    """The methods of the Web API that the code calls with the bot's token."""
    found: set[str] = set()
    for path in (ROOT / "bot").rglob("*.py"):
        if "demo" in path.parts or path.name == "doctor.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            name = node.func.attr
            if name in _CALLING:
                names = {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
                found |= {one for one in names if "." in str(one)}
            elif isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "client":
                found |= SDK.get(name, set() if name in NO_METHODS else {name})
    return found


def test_its_scopes_are_no_more_than_what_the_code_calls():
    assert called() == set(METHODS)
    needed = {scope for used in (METHODS, EVENTS) for scopes in used.values() for scope in scopes}
    assert needed | {"commands"} == set(SCOPES)


def test_it_is_told_of_the_events_that_the_code_listens_to_and_of_no_more():
    told = yaml.safe_load(TEXT)["settings"]["event_subscriptions"]["bot_events"]
    assert told == list(EVENTS)
    heard = {
        node.args[0].value
        for path in (ROOT / "bot" / "listeners").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "event"
        and isinstance(node.args[0], ast.Constant)
    }
    assert heard == {name.partition(".")[0] for name in told}
