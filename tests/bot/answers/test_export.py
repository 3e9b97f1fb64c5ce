"""Files in Slack: asked for in words or by a button, brought to where they belong."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from bot.answers.answer_state import AnswerState
from bot.demo.slack import LocalSlack
from tests.world import World, wait_until


def names(files: list[Any]) -> list[str]:
    return [file.name for file in files]


def told(world: World, before: int) -> str:
    """What the person was told last about a file, apart from the notice on slow machines."""
    answers = world.slack.wait_for(
        lambda: [
            r
            for r in world.slack.responses[before:]
            if "actions" not in kinds(r) and not r["payload"]["text"].startswith("Preparing")
        ]
    )
    return str(answers[-1]["payload"]["text"])


def kinds(response: dict[str, Any]) -> list[str]:
    return [block["type"] for block in response["payload"].get("blocks", [])]


def files_in(slack: LocalSlack, channel: str) -> list[str]:
    return [f["name"] for m in slack.messages(channel) for f in m.get("files", [])]


def ask_shown(world: World, text: str, channel: str = "general") -> dict[str, Any]:
    """Ask and give the message that stands in the channel for it."""
    world.ask(text, channel=channel)
    return (world.slack.ephemerals("ada", channel) or world.slack.messages(channel))[-1]


@pytest.mark.parametrize("format_", ["csv", "pdf"])
def test_a_file_asked_for_in_words_comes_into_the_dm(world: World, format_: str) -> None:
    world.ask(f"spend 7d by key {format_}")
    wait_until(lambda: world.slack.files)
    wait_until(lambda: files_in(world.slack, world.slack.im("ada").id))
    [name] = files_in(world.slack, world.slack.im("ada").id)
    assert name.startswith("openrouter-spend-by-key-")
    assert name.endswith(f".{format_}")
    assert told(world, 0) == f"I sent {name} to your DM."


def test_a_button_exports_what_the_answer_showed(world: World) -> None:
    shown = ask_shown(world, "spend 7d by key creator:me")
    before = len(world.slack.responses)
    assert world.bot_client.click("ada", "general", shown["ts"], "export_csv").status == 200
    assert "to your DM." in told(world, before)
    [file] = world.slack.files
    rows = list(csv.DictReader(io.StringIO(file.data.decode())))
    assert {row["API Key"] for row in rows} == {"prod", "(chatroom)"}


def test_a_shared_answer_keeps_its_files_in_the_conversation(world: World) -> None:
    world.ask("spend 7d share", channel="spend")
    [shared] = world.slack.messages("spend")
    assert "image" in [block["type"] for block in shared["blocks"]]
    before = len(world.slack.responses)
    world.bot_client.click("ada", "spend", shared["ts"], "export_pdf")
    assert "I posted " in told(world, before)
    assert files_in(world.slack, "spend")[0].endswith(".pdf")
    assert not world.slack.messages(world.slack.im("ada").id)


def test_where_the_bot_is_no_member_the_file_comes_into_the_dm(world: World) -> None:
    world.ask("spend 7d csv share", channel="random")
    said = told(world, 0)
    assert "to your DM. Invite me to this channel" in said
    assert files_in(world.slack, world.slack.im("ada").id)


def test_the_clicker_is_judged_and_not_the_asker(world: World) -> None:
    world.ask("spend 7d share", channel="spend")
    [shared] = world.slack.messages("spend")
    world.slack.workspace.change_channel("spend", is_ext_shared=True)
    before = len(world.slack.responses)
    world.bot_client.click("otto", "spend", shared["ts"], "export_csv")
    assert told(world, before) == "This bot only works for members of its own workspace."
    assert [f for f in names(world.slack.files) if f.endswith(".csv")] == []


def test_a_guest_who_clicks_gets_nothing(world: World) -> None:
    world.ask("spend 7d share", channel="general")
    [shared] = world.slack.messages("general")
    before = len(world.slack.responses)
    world.bot_client.click("guest", "general", shared["ts"], "export_csv")
    assert "Guests can't see" in told(world, before)
    assert [f for f in names(world.slack.files) if f.endswith(".csv")] == []


def test_creator_me_stays_the_asker_when_somebody_else_exports(world: World) -> None:
    world.ask("spend 7d by key creator:me share", channel="spend")
    [shared] = world.slack.messages("spend")
    before = len(world.slack.responses)
    world.bot_client.click("grace", "spend", shared["ts"], "export_csv")
    assert "I posted " in told(world, before)
    [file] = [f for f in world.slack.files if f.name.endswith(".csv")]
    assert '"prod"' in file.data.decode()
    assert '"evals"' not in file.data.decode()


def test_a_workspace_that_forbids_uploads_gets_the_figures_in_words(world: World) -> None:
    world.slack.uploads.uploads_disabled = True
    world.ask("spend 7d csv")
    said = told(world, 0)
    assert said.startswith("Your workspace doesn't allow apps to upload files.")
    assert "Spend: $" in said


def test_a_share_without_its_picture_goes_with_the_native_chart(world: World) -> None:
    world.slack.uploads.uploads_disabled = True
    world.ask("spend 7d share", channel="general")
    [shared] = world.slack.messages("general")
    assert "data_visualization" in [block["type"] for block in shared["blocks"]]


@pytest.mark.parametrize(
    "value", ["", "7", "[]", "null", '{"w": 7', '{"w": "1d"}', '{"w": "1d", "t": 1e99, "z": ""}']
)
def test_an_invalid_button_has_no_answer_state(value: str) -> None:
    assert AnswerState.of_value(value) is None


def test_an_empty_answer_has_nothing_to_export(world: World) -> None:
    shown = ask_shown(world, "spend 2025-01-01")
    elements = [element for block in shown["blocks"] for element in block.get("elements", [])]
    assert "button" not in [element["type"] for element in elements]
